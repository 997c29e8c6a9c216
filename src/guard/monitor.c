/* monitor.c - who watches the ranks of a guarded program, and judges */
#include "guard/monitor.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "guard/shim.h"
#include "guard/shot.h"
#include "guard/sites.h"
#include "liveness/door.h"

#define PING_EVERY_NS NS_PER_SEC
#define SILENCE_NS    (30 * NS_PER_SEC)
#define ANSWER_NS     (2 * NS_PER_SEC)  /* for all answers to a look */
#define SITES_NS      (3 * NS_PER_SEC)  /* for what only the ranks know */
#define PAUSE_NS      (20 * NS_PER_MS)  /* between two looks */
#define AGAIN_NS      (1 * NS_PER_SEC)  /* and while somebody stands still */
#define MISMATCH_NS   (500 * NS_PER_MS) /* blocked in a collective unlike the others' */
#define STILL_NS      (5 * NS_PER_SEC)  /* for what is all but proved */
#define ABORT_NS      (10 * NS_PER_SEC) /* for the launcher, after MPI_Abort */
#define CORE_NS       (60 * NS_PER_SEC) /* for a core dump */
#define HANG_UP_NS    (10 * NS_PER_SEC)

enum phase {
    WATCHING,
    LOOKING,
    CHECKING,
    ASKING,
    CORING,  /* told, and they leave their core dumps */
    LETTING, /* told, and they go on */
    ENDING,
};

struct member {
    bool came;
    bool quiet;
    struct rota_fate fate;
    int64_t gone_ns;
    uint64_t *bytes;              /* of its last shot, */
    const struct shot_head *shot; /* checked; NULL: none in this look */
    uint64_t epoch;               /* the second time, */
    bool steady;                  /* the same as the first */
    bool answered;
    char *sites;
    const char *stack; /* in `sites`, or NULL */
};

struct monitor {
    struct monitor_options o;
    struct door *door;
    int stop;
    int64_t now_ns; /* of this round */
    struct member *members;
    const char **stacks; /* of the members, to be told */
    enum phase phase;
    bool news; /* since the last look began */
    bool stopped;
    uint64_t number; /* of the look */
    int64_t began_ns;
    int64_t deadline_ns; /* of the phase */
    int64_t next_ns;     /* no look before that */
    int64_t pinged_ns;
    struct look *look;
    struct verdict *verdict;
    enum told_why why;
    int dead;
    int coring;         /* the rank that leaves its core dump; before that, -1 */
    int status;         /* of the first that ended badly; 0 */
    int64_t aborted_ns; /* when MPI_Abort was first seen; 0: it was not */
};

static bool has_gone(const struct member *m)
{
    return m->fate.how == ROTA_EXITED || m->fate.how == ROTA_KILLED ||
           m->fate.how == ROTA_VANISHED;
}

/* ---- lines (struct door_host) ---------------------------------------------------- */

/* A parent comes once. */
static int admit(void *ctx, int rank)
{
    struct monitor *m = ctx;
    if (m->members[rank].came)
        return ROTA_E_STATE;
    m->members[rank].came = true;
    m->members[rank].answered = true; /* what was asked before it came */
    return 0;
}

static void left(void *ctx, int rank)
{
    struct monitor *m = ctx;
    struct member *member = &m->members[rank];
    member->quiet = false;
    m->news = true;
    if (!has_gone(member)) {
        member->fate.how = ROTA_VANISHED;
        member->gone_ns = m->now_ns;
    }
}

static void send_all(struct monitor *m, enum line_kind kind, const void *payload,
                     size_t size)
{
    door_send_all(m->door, -1, kind, payload, size);
}

static int take_report(struct monitor *m, struct member *member,
                       const struct line_frame *f)
{
    struct rota_fate fate;
    size_t n;
    uint64_t none;
    if (line_get_report(f, 0, &fate, &none, &n) != 0)
        return ROTA_E_FORMAT;
    if (has_gone(member))
        return 0;
    member->fate = fate;
    member->gone_ns = m->now_ns;
    member->quiet = true;
    m->news = true;
    int status = fate.how == ROTA_EXITED ? fate.code : 128 + fate.code;
    if (m->status == 0 && m->phase < LETTING)
        m->status = status;
    return 0;
}

static int take_quiet(struct monitor *m, struct member *member,
                      const struct line_frame *f)
{
    uint64_t words[2];
    if (f->size != sizeof(words))
        return ROTA_E_FORMAT;
    memcpy(words, f->payload, sizeof(words));
    member->quiet = words[1] != 0 || has_gone(member);
    m->news = m->news || words[1] != 0;
    return 0;
}

/* In the first round a whole shot is kept, in the second the epoch alone is wanted. */
static int take_shot(struct monitor *m, int rank, const struct line_frame *f)
{
    struct member *member = &m->members[rank];
    const struct shot_head *head;
    rota_auto(heap) uint64_t *bytes = malloc(f->size + sizeof(*bytes));
    if (bytes == NULL)
        return ROTA_E_NOMEM;
    memcpy(bytes, f->payload, f->size);
    if (shot_check(bytes, f->size, m->o.ranks, &head) != 0 || head->rank != rank)
        return ROTA_E_FORMAT;
    if (head->look != m->number)
        return 0; /* too late */
    member->answered = true;
    if ((head->flags & STATE_ABORTED) != 0 && m->aborted_ns == 0)
        m->aborted_ns = clock_now_ns();
    if (m->phase == LOOKING) {
        free(member->bytes);
        member->bytes = rota_steal(bytes);
        member->shot = head;
    } else if (m->phase == CHECKING) {
        member->steady = member->shot != NULL && head->epoch == member->shot->epoch &&
                         head->now == member->shot->now;
    }
    return 0;
}

static int take_sites(struct member *member, const struct line_frame *f)
{
    free(member->sites);
    member->sites = strndup((const char *)f->payload, f->size);
    member->answered = true;
    if (member->sites == NULL)
        return ROTA_E_NOMEM;
    char *stack = strchr(member->sites, SHIM_STACK);
    member->stack = stack != NULL ? stack + 1 : NULL;
    if (stack != NULL)
        *stack = '\0';
    return 0;
}

static int take(void *ctx, int rank, const struct line_frame *f)
{
    struct monitor *m = ctx;
    struct member *member = &m->members[rank];
    switch (f->kind) {
    case LINE_PING:
        return 0;
    case LINE_REPORT:
        return take_report(m, member, f);
    case LINE_QUIET:
        return take_quiet(m, member, f);
    case LINE_SHOT:
        return take_shot(m, rank, f);
    case LINE_SITES:
        return take_sites(member, f);
    default:
        return ROTA_E_FORMAT;
    }
}

static void serve_all(struct monitor *m, int64_t now_ns)
{
    door_serve(m->door, now_ns);
    if (now_ns - m->pinged_ns >= PING_EVERY_NS) {
        m->pinged_ns = now_ns;
        send_all(m, LINE_PING, NULL, 0);
    }
}

/* ---- looks ---------------------------------------------------------------------- */

static void ask_all(struct monitor *m, enum phase phase, bool whole, int64_t now_ns)
{
    m->phase = phase;
    m->deadline_ns = now_ns + ANSWER_NS;
    uint64_t words[2] = {++m->number, whole};
    for (int i = 0; i < m->o.ranks; i++) {
        m->members[i].answered = false;
        m->members[i].steady = false;
        if (whole)
            m->members[i].shot = NULL;
    }
    send_all(m, LINE_LOOK, words, sizeof(words));
}

static bool have_all_answered(const struct monitor *m)
{
    for (int i = 0; i < m->o.ranks; i++)
        if (door_has(m->door, i) && !m->members[i].answered)
            return false;
    return true;
}

static bool is_anyone_quiet(const struct monitor *m)
{
    for (int i = 0; i < m->o.ranks; i++)
        if (m->members[i].quiet)
            return true;
    return false;
}

static int fill_look(struct monitor *m, int64_t now_ns)
{
    rota_auto(heap) bool *coarse = calloc((size_t)m->o.ranks, sizeof(*coarse));
    rota_auto(heap) int *all = calloc((size_t)m->o.ranks, sizeof(*all));
    if (coarse == NULL || all == NULL)
        return ROTA_E_NOMEM;
    look_clear(m->look);
    m->look->now_ns = now_ns;
    for (int i = 0; i < m->o.ranks; i++) {
        const struct shot_head *shot = m->members[i].shot;
        coarse[i] = shot != NULL && (shot->flags & STATE_COARSE) != 0;
        all[i] = i;
    }
    size_t count = (size_t)m->o.ranks;
    int rc = look_add_comm(m->look, STATE_WORLD, "MPI_COMM_WORLD", all, count, count);
    for (int i = 0; rc == 0 && i < m->o.ranks; i++) {
        const struct member *member = &m->members[i];
        if (member->shot == NULL)
            continue;
        rc = shot_put(member->shot, coarse, now_ns, m->look);
        m->look->ranks[i].steady = member->steady;
    }
    return rc;
}

static bool is_late(const struct monitor *m, int64_t now_ns)
{
    return m->o.timeout_ns > 0 && now_ns - m->began_ns >= m->o.timeout_ns;
}

/* Once the time is over, what is likely is worth saying whenever it began. */
static int judge(struct monitor *m, int64_t now_ns)
{
    struct verdict_options options = {.quiet_ns = is_late(m, now_ns) ? 1 : STILL_NS,
                                      .mismatch_ns = MISMATCH_NS};
    struct verdict *verdict;
    if (m->o.quiet_ns > 0 && m->o.quiet_ns < options.quiet_ns)
        options.quiet_ns = m->o.quiet_ns;
    int rc = fill_look(m, now_ns);
    if (rc == 0)
        rc = verdict_of(m->look, &options, &verdict);
    if (rc != 0)
        return rc;
    verdict_free(m->verdict);
    m->verdict = verdict;
    return 0;
}

/* How long the stuck ranks have done nothing that came to anything. */
static int64_t still_ns(const struct monitor *m)
{
    int64_t since = INT64_MIN;
    for (size_t i = 0; i < m->verdict->stuck_count; i++) {
        int64_t one = m->look->ranks[m->verdict->stuck[i]].progress_ns;
        since = one > since ? one : since;
    }
    return m->look->now_ns - since;
}

/* Is the verdict one to end the program by? What is not proved, but depends on nothing
 * besides what MPI may do on its own account, is believed after STILL_NS: MPI does at
 * once what it will do at all. Polling ranks, other threads and locks may have reasons
 * that nobody can see here: then the user says how long is too long. */
static bool is_hang(const struct monitor *m)
{
    const unsigned mpis_own = VERDICT_BUFFERED | VERDICT_LOOSE | VERDICT_MIDST;
    switch (m->verdict->what) {
    case VERDICT_STUCK:
    case VERDICT_MISMATCH:
        return true;
    case VERDICT_QUIET:
        if ((m->verdict->doubts & ~mpis_own) == 0 && still_ns(m) >= STILL_NS)
            return true;
        return m->o.quiet_ns > 0 && still_ns(m) >= m->o.quiet_ns;
    default:
        return false;
    }
}

static void ask_where(struct monitor *m, enum told_why why, int64_t now_ns)
{
    uint64_t what = SHIM_ASK_SITES | (m->o.asks & ~(unsigned)SHIM_ASK_CORE);
    m->why = why;
    m->phase = ASKING;
    m->deadline_ns = now_ns + SITES_NS;
    for (int i = 0; i < m->o.ranks; i++)
        m->members[i].answered = has_gone(&m->members[i]);
    send_all(m, LINE_ASK, &what, sizeof(what));
}

/* Why the program is to be told of and ended, besides the verdict; or TOLD_NOTHING. Who
 * leaves MPI in the lurch with a status of 0 may be sound: a rank of Rota's own comes
 * to no MPI_Finalize. If someone waits for it, that is the verdict's to see. */
static enum told_why find_reason(struct monitor *m, int64_t now_ns)
{
    if (is_hang(m))
        return TOLD_HANG;
    if (is_late(m, now_ns))
        return TOLD_TIMEOUT;
    for (int i = 0; m->o.grace_ns >= 0 && i < m->o.ranks; i++) {
        const struct member *member = &m->members[i];
        const struct shot_head *shot = member->shot;
        bool inside = shot != NULL && (shot->flags & STATE_INITIALIZED) != 0 &&
                      (member->bytes != NULL);
        bool died = member->fate.how == ROTA_KILLED ||
                    member->fate.how == ROTA_VANISHED ||
                    (member->fate.how == ROTA_EXITED && member->fate.code != 0 &&
                     inside && (shot->flags & STATE_FINALIZED) == 0);
        if (died && now_ns - member->gone_ns >= m->o.grace_ns) {
            m->dead = i;
            return TOLD_DEATH;
        }
    }
    return TOLD_NOTHING;
}

static void conclude(struct monitor *m, int64_t now_ns)
{
    m->phase = WATCHING;
    m->next_ns = now_ns + PAUSE_NS;
    if (m->o.asked != NULL && __atomic_load_n(m->o.asked, __ATOMIC_ACQUIRE) != 0)
        return;
    /* After MPI_Abort the launcher ends the others. */
    if (m->aborted_ns != 0 && now_ns - m->aborted_ns < ABORT_NS)
        return;
    if (judge(m, now_ns) != 0)
        return; /* no memory for it now: later */
    enum told_why why = find_reason(m, now_ns);
    if (why != TOLD_NOTHING)
        ask_where(m, why, now_ns);
}

/* Where all are on this host and not all have ended, whoever started us ends them, at
 * one go, which is faster and quieter than each of them by itself. */
static void end_all(struct monitor *m, int64_t now_ns)
{
    m->phase = ENDING;
    m->deadline_ns = now_ns;
    if (m->why == TOLD_NOTHING || !m->o.one_host) {
        m->deadline_ns += HANG_UP_NS;
        send_all(m, LINE_OVER, NULL, 0);
    }
}

/* One after the other: they may all have the same name at first (core.h). */
static void leave_core(struct monitor *m, int64_t now_ns)
{
    uint64_t what = SHIM_ASK_CORE;
    m->phase = CORING;
    m->deadline_ns = now_ns + CORE_NS;
    for (m->coring++; m->coring < m->o.ranks; m->coring++) {
        if (has_gone(&m->members[m->coring]) || !door_has(m->door, m->coring))
            continue;
        door_send(m->door, m->coring, LINE_ASK, &what, sizeof(what));
        return;
    }
    end_all(m, now_ns);
}

static void tell(struct monitor *m, int64_t now_ns)
{
    for (int i = 0; i < m->o.ranks; i++)
        if (m->members[i].sites != NULL)
            sites_put(m->members[i].sites, &m->look->ranks[i]);
    for (int i = 0; i < m->o.ranks; i++)
        m->stacks[i] = m->members[i].stack;
    struct told told = {.why = m->why,
                        .look = m->look,
                        .verdict = m->verdict,
                        .dead = m->dead,
                        .ran_ns = now_ns - m->began_ns,
                        .stacks = m->stacks};
    m->o.tell(m->o.context, &told);
    if (m->o.lets_go_on && m->why == TOLD_HANG)
        m->phase = LETTING;
    else if (m->o.asks & SHIM_ASK_CORE)
        leave_core(m, now_ns);
    else
        end_all(m, now_ns);
}

/* Whether all ranks have ended, those that never came left out once the launcher has.
 */
static bool are_all_gone(const struct monitor *m)
{
    for (int i = 0; i < m->o.ranks; i++)
        if (m->members[i].came ? !has_gone(&m->members[i]) : !m->stopped)
            return false;
    return true;
}

static bool is_look_due(const struct monitor *m, int64_t now_ns)
{
    if (m->phase != WATCHING || now_ns < m->next_ns)
        return false;
    return m->news || is_late(m, now_ns) ||
           (now_ns - m->next_ns >= AGAIN_NS && is_anyone_quiet(m));
}

static void step(struct monitor *m, int64_t now_ns)
{
    bool answered = have_all_answered(m) || now_ns >= m->deadline_ns;
    if (m->phase != ASKING && m->phase != ENDING && are_all_gone(m)) {
        end_all(m, now_ns);
    } else if (is_look_due(m, now_ns)) {
        m->news = false;
        ask_all(m, LOOKING, true, now_ns);
    } else if (m->phase == LOOKING && answered) {
        ask_all(m, CHECKING, false, now_ns);
    } else if (m->phase == CHECKING && answered) {
        conclude(m, now_ns);
    } else if (m->phase == ASKING && answered) {
        tell(m, now_ns);
    } else if (m->phase == CORING &&
               (has_gone(&m->members[m->coring]) || now_ns >= m->deadline_ns)) {
        leave_core(m, now_ns);
    } else if (m->phase == LETTING && is_late(m, now_ns)) {
        m->why = TOLD_TIMEOUT; /* as was told, they hang */
        end_all(m, now_ns);
    }
}

/* ---- the whole ------------------------------------------------------------------ */

static bool is_over(const struct monitor *m, int64_t now_ns)
{
    if (m->phase != ENDING)
        return false;
    for (int i = 0; i < m->o.ranks; i++)
        if (door_has(m->door, i))
            return now_ns >= m->deadline_ns;
    return true;
}

static int64_t next_step_ns(const struct monitor *m, int64_t now_ns)
{
    int64_t next = now_ns + NS_PER_SEC;
    int64_t timeout = m->o.timeout_ns > 0 ? m->began_ns + m->o.timeout_ns : INT64_MAX;
    if (m->phase == WATCHING && m->news && m->next_ns < next)
        next = m->next_ns;
    else if (m->phase == WATCHING && m->next_ns + AGAIN_NS < next)
        next = m->next_ns + AGAIN_NS;
    else if (m->phase != WATCHING && m->phase != LETTING && m->deadline_ns < next)
        next = m->deadline_ns;
    if ((m->phase == WATCHING || m->phase == LETTING) && timeout < next)
        next = timeout;
    return next > now_ns ? next : now_ns + NS_PER_MS;
}

static void wait_for_something(const struct monitor *m, struct pollfd *fds, int cap)
{
    fds[0] = (struct pollfd){.fd = m->stopped ? -1 : m->stop, .events = POLLIN};
    int n = 1 + door_fds(m->door, fds + 1, cap - 1);
    int64_t now = clock_now_ns();
    poll(fds, (nfds_t)n, clock_poll_ms(next_step_ns(m, now), now));
}

enum told_why monitor_run(struct monitor *m, int *status)
{
    int cap = 1 + door_most_fds(m->door);
    struct pollfd *fds = calloc((size_t)cap, sizeof(*fds));
    m->began_ns = m->now_ns = clock_now_ns();
    while (fds != NULL && !is_over(m, m->now_ns)) {
        uint64_t stop;
        wait_for_something(m, fds, cap);
        m->now_ns = clock_now_ns();
        if (!m->stopped && read(m->stop, &stop, sizeof(stop)) == (ssize_t)sizeof(stop))
            m->stopped = true;
        serve_all(m, m->now_ns);
        step(m, m->now_ns);
    }
    free(fds);
    *status = m->aborted_ns != 0 ? -1 : m->status;
    for (int i = 0; m->why == TOLD_NOTHING && i < m->o.ranks; i++)
        if (!m->members[i].came || m->members[i].fate.how == ROTA_VANISHED)
            *status = -1;
    return m->why;
}

void monitor_stop(struct monitor *m)
{
    uint64_t one = 1;
    ssize_t ignored = write(m->stop, &one, sizeof(one));
    (void)ignored;
}

static int open_all(struct monitor *m, struct liveness_invitation *invitation)
{
    const struct door_host host = {
        .ctx = m,
        .max_payload = SHOT_MAX_BYTES,
        .silence_ns = SILENCE_NS,
        .admit = admit,
        .take = take,
        .left = left,
    };
    m->stop = m->coring = -1;
    m->members = calloc((size_t)m->o.ranks, sizeof(*m->members));
    m->stacks = calloc((size_t)m->o.ranks, sizeof(*m->stacks));
    if (m->members == NULL || m->stacks == NULL || look_new(m->o.ranks, &m->look) != 0)
        return ROTA_E_NOMEM;
    m->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->stop < 0)
        return ROTA_E_IO;
    return door_open(m->o.ranks, m->o.one_host, &host, invitation, &m->door);
}

int monitor_open(const struct monitor_options *options,
                 struct liveness_invitation *invitation, struct monitor **out,
                 struct rota_error *err)
{
    struct monitor *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    m->o = *options;
    int rc = open_all(m, invitation);
    if (rc != 0) {
        monitor_free(m);
        return error_set(err, rc, "cannot listen for the ranks: %s", rota_strerror(rc));
    }
    *out = m;
    return 0;
}

void monitor_free(struct monitor *m)
{
    if (m == NULL)
        return;
    door_free(m->door);
    for (int i = 0; m->members != NULL && i < m->o.ranks; i++) {
        free(m->members[i].bytes);
        free(m->members[i].sites);
    }
    free(m->members);
    free(m->stacks);
    if (m->stop >= 0)
        close(m->stop);
    verdict_free(m->verdict);
    look_free(m->look);
    free(m);
}
