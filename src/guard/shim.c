/* shim.c - the parent above each rank of a guarded program
 *
 * To the launcher this process is the rank. It waits in one place, poll(), for its
 * child's signals, for the monitor, and for its next look at the shared memory.
 *
 *     the rank          what leads on
 *     running           the memory is looked at every LOOK_NS; what stands still in MPI
 *                       for two looks is QUIET
 *     ended             how is reported; the monitor's looks are answered as before
 *     any               OVER, or a cut line, or the launcher's end: the rank is ended
 *                       with all that it has started, and then this process
 */
#include "guard/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fell.h"
#include "base/tree.h"
#include "guard/core.h"
#include "guard/hold.h"
#include "guard/invite.h"
#include "guard/preload/signal.h"
#include "guard/shot.h"
#include "guard/source.h"
#include "guard/state.h"
#include "guard/uplink.h"
#include "liveness/proxy.h"

#define LOOK_NS      (40 * NS_PER_MS)
#define GAP_NS       (3 * NS_PER_SEC) /* between two looks: this process has slept */
#define TERM_NS      (5 * NS_PER_SEC) /* for a rank that was asked to end */
#define FLUSH_NS     (500 * NS_PER_MS)
#define FELL_NS      (3 * NS_PER_SEC)
#define FAREWELL_NS  (3 * NS_PER_SEC)
#define FIRST_ASK_NS NS_PER_MS

enum {
    EXIT_USAGE = 2,
    EXIT_NOT_STARTED = 127,
    SITES_BYTES = 32768,
    RETRIES = 100,
};

struct shim {
    int rank;
    int size;
    pid_t child;
    pid_t launcher;
    int signals;
    struct state *state;
    struct uplink *uplink;
    struct hold hold;
    char *core; /* where its core dump will be; or NULL */
    struct rota_fate fate;
    bool told;  /* the monitor, of the fate */
    bool asked; /* to end the rank, by whoever may */
    bool over;
    int64_t kill_ns;
    int64_t looked_ns;
    /* What was seen at the last look. */
    uint64_t epoch; /* that of progress() */
    uint64_t polls;
    uint32_t now;
    uint64_t
        sites[1 + STATE_OWN]; /* in the shot: who polls calls from here and there */
    bool polling;             /* has polled since the look before */
    bool quiet;               /* and the monitor knows */
    int64_t since_ns;
    int64_t progress_ns;
    char host[SHOT_HOST_BYTES];
};

/* ---- starting the rank --------------------------------------------------------------
 */

/* The number that one of these environment variables holds, or -1. */
static int from_environment(const char *const *names)
{
    for (; *names != NULL; names++) {
        const char *text = getenv(*names);
        char *end;
        long n = text != NULL ? strtol(text, &end, 10) : -1;
        if (n >= 0 && n < INT32_MAX && end != text && *end == '\0')
            return (int)n;
    }
    return -1;
}

static int find_rank(void)
{
    static const char *const names[] = {"PMIX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK",
                                        "PMI_ID",    "SLURM_PROCID",         NULL};
    return from_environment(names);
}

static int find_size(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
                                        "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", NULL};
    return from_environment(names);
}

/* Which MPI started this process, by what it leaves in the environment. */
static const char *which_mpi(void)
{
    return getenv("PMIX_RANK") != NULL || getenv("OMPI_COMM_WORLD_RANK") != NULL
               ? "openmpi"
               : "mpich";
}

/* The preload library's path: beside this program, or where it is installed. */
static char *find_preload(void)
{
    static const char *const places[] = {"", "/../lib/rota", "/../lib"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *path;
        if (asprintf(&path, "%s%s/rota-guard-%s.so", self, places[i], which_mpi()) < 0)
            return NULL;
        if (access(path, R_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static struct state *make_state(int rank, int size, int *fd)
{
    *fd = memfd_create("rota-guard", 0); /* the child inherits it */
    if (*fd < 0 || ftruncate(*fd, sizeof(struct state)) != 0)
        return NULL;
    void *m =
        mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (m == MAP_FAILED)
        return NULL;
    struct state *s = m;
    s->size_bytes = sizeof(*s);
    s->rank = rank;
    s->size = size;
    s->now = LOOK_RUNNING;
    s->magic = STATE_MAGIC;
    return s;
}

static bool set_environment(const char *preload, int fd)
{
    char number[16];
    const char *old = getenv("LD_PRELOAD");
    rota_auto(heap) char *both = NULL;
    /* Ours last: tools among the others call on by PMPI_..., and so are seen. */
    if (asprintf(&both, "%s%s%s", old ? old : "", old ? ":" : "", preload) < 0) {
        both = NULL;
        return false;
    }
    snprintf(number, sizeof(number), "%d", fd);
    unsetenv("ROTA_STATUS_FILE"); /* the monitor knows better */
    return setenv("LD_PRELOAD", both, 1) == 0 && setenv(STATE_VARIABLE, number, 1) == 0;
}

/* In the child: become the program, or tell why not and end as a shell would. */
__attribute__((noreturn)) static void become(char **argv, pid_t parent,
                                             const sigset_t *mask)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(argv[0], argv);
    int cause = errno;
    fprintf(stderr, "rota guard: cannot start '%s': %s\n", argv[0], strerror(cause));
    _exit(cause == ENOENT ? EXIT_NOT_STARTED : EXIT_NOT_STARTED - 1);
}

static int block_signals(sigset_t *old)
{
    const int taken[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        sigaddset(&set, taken[i]);
    sigprocmask(SIG_BLOCK, &set, old);
    signal(SIGCHLD, SIG_DFL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int start(struct shim *sh, char **argv)
{
    sigset_t old;
    int fd;
    rota_auto(heap) char *preload = find_preload();
    if (preload == NULL) {
        fprintf(
            stderr,
            "rota guard: cannot find 'rota-guard-%s.so' beside 'rota': install it, or "
            "use the launcher of the MPI that Rota was built with\n",
            which_mpi());
        return EXIT_USAGE;
    }
    sh->state = make_state(sh->rank, sh->size, &fd);
    if (sh->state == NULL) {
        fprintf(stderr, "rota guard: cannot make shared memory: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    sh->signals = block_signals(&old);
    pid_t self = getpid();
    tree_adopt();
    sh->child = fork();
    if (sh->child == 0) {
        if (!set_environment(preload, fd))
            _exit(EXIT_NOT_STARTED);
        become(argv, self, &old);
    }
    signal(SIGPIPE, SIG_IGN); /* the launcher may hang up first */
    close(fd);
    if (sh->child < 0 || sh->signals < 0) {
        fprintf(stderr, "rota guard: cannot start '%s': %s\n", argv[0],
                strerror(errno));
        return EXIT_USAGE;
    }
    return 0;
}

/* ---- looking ----------------------------------------------------------------------
 */

static bool has_gone(const struct shim *sh)
{
    return sh->fate.how == ROTA_EXITED || sh->fate.how == ROTA_KILLED;
}

static void say_quiet(struct shim *sh, bool quiet)
{
    uint64_t words[2] = {sh->epoch, quiet};
    if (quiet == sh->quiet || uplink_state(sh->uplink) != UPLINK_JOINED)
        return;
    sh->quiet = quiet;
    uplink_send(sh->uplink, LINE_QUIET, words, sizeof(words));
}

/* The epoch, as it would be if no test or probe had been in vain. */
static uint64_t progress(const struct state *s)
{
    uint64_t epoch = __atomic_load_n(&s->epoch, __ATOMIC_ACQUIRE);
    for (int i = 0;; i++) {
        uint64_t fruitless = __atomic_load_n(&s->fruitless, __ATOMIC_ACQUIRE);
        uint64_t again = __atomic_load_n(&s->epoch, __ATOMIC_ACQUIRE);
        if (epoch == again || i == RETRIES)
            return again - fruitless;
        epoch = again;
    }
}

/* What has the rank done since the last look? */
static void look(struct shim *sh, int64_t now_ns)
{
    const struct state *s = sh->state;
    uint64_t epoch = progress(s);
    uint64_t polls = __atomic_load_n(&s->polls, __ATOMIC_RELAXED);
    uint32_t now = __atomic_load_n(&s->now, __ATOMIC_RELAXED);
    bool moved = epoch != sh->epoch;
    if (s->pid != 0 && !has_gone(sh))
        hold_look(&sh->hold, s->pid);
    sh->looked_ns = now_ns;
    sh->polling = now == LOOK_POLLING && polls != sh->polls;
    if (moved)
        sh->progress_ns = now_ns;
    if (moved || now != sh->now)
        sh->since_ns = now_ns;
    sh->epoch = epoch;
    sh->polls = polls;
    sh->now = now;
    bool in_mpi = now == LOOK_BLOCKED || now == LOOK_FINALIZING || sh->polling;
    say_quiet(sh, !moved && in_mpi);
}

static struct shot_head head_of(const struct shim *sh, uint64_t number, int64_t now_ns)
{
    struct shot_head h = {.rank = sh->rank,
                          .look = number,
                          .since_ns = now_ns - sh->since_ns,
                          .progress_ns = now_ns - sh->progress_ns};
    memcpy(h.host, sh->host, sizeof(h.host));
    if (has_gone(sh)) {
        h.now = LOOK_GONE;
        h.how = sh->fate.how == ROTA_EXITED ? LOOK_EXITED : LOOK_KILLED;
        h.how_code = sh->fate.code;
    }
    return h;
}

/* Polling is what a rank does now; one that has polled long ago may compute by now. A
 * rank that was asked to end is ended on purpose, like one that has called MPI_Abort.
 */
static void correct(const struct shim *sh, struct shot_head *h)
{
    if (sh->asked)
        h->flags |= STATE_ABORTED;
    if (h->now == LOOK_POLLING && !sh->polling)
        h->now = LOOK_RUNNING;
    if (h->now == LOOK_POLLING)
        h->epoch = progress(sh->state);
}

static void answer_look(struct shim *sh, const uint64_t *words, int64_t now_ns)
{
    struct shot_head h = head_of(sh, words[0], now_ns);
    rota_auto(heap) unsigned char *bytes = NULL;
    size_t size;
    if (words[1] == 0) {
        shot_glance(sh->state, &h);
        correct(sh, &h);
        uplink_send(sh->uplink, LINE_SHOT, &h, sizeof(h));
        return;
    }
    if (shot_take(sh->state, &h, &bytes, &size) != 0 || size > SHOT_MAX_BYTES)
        return; /* unseen, then: it may do anything */
    memcpy(&h, bytes, sizeof(h));
    correct(sh, &h);
    memcpy(bytes, &h, sizeof(h));
    sh->sites[0] = h.site;
    for (int i = 0; i < STATE_OWN; i++)
        sh->sites[1 + i] = sh->state->own[i].site;
    uplink_send(sh->uplink, LINE_SHOT, bytes, size);
}

/* ---- after the verdict ---------------------------------------------------------- */

/* Have the rank itself do what only it can. Whether it has, in time. The signal would
 * cut short what a rank outside MPI does (a sleep, say): it is sent there only if the
 * rank is to do nothing more. */
static bool ask_rank(const struct shim *sh, uint32_t what)
{
    struct state *s = sh->state;
    bool outside = s->now == LOOK_RUNNING && (what & STATE_ASK_STAY) == 0;
    if (has_gone(sh) || outside || (s->flags & STATE_HANDLER) == 0)
        return false;
    __atomic_store_n(&s->answered, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&s->asked, what, __ATOMIC_RELEASE);
    if (syscall(SYS_tgkill, s->pid, s->tid, ANSWER_SIGNAL) != 0)
        return false;
    what &= ~(uint32_t)STATE_ASK_STAY;
    int64_t deadline = clock_now_ns() + FLUSH_NS;
    for (int64_t pause = FIRST_ASK_NS;; pause = FIRST_ASK_NS) {
        if ((__atomic_load_n(&s->answered, __ATOMIC_ACQUIRE) & what) == what)
            return true;
        if (clock_now_ns() >= deadline)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
    }
}

static void add_site(FILE *out, struct source *source, uint64_t address)
{
    char text[512];
    if (address != 0 && source != NULL &&
        source_find(source, address, text, sizeof(text)))
        fprintf(out, "%016llx %s\n", (unsigned long long)address, text);
}

/* Where the call was made that the rank is in: not in MPI's Fortran layer. Where a rank
 * outside of MPI is: not in the C library, if its own line is known. */
static void add_caller(FILE *out, struct source *source, const struct state *s)
{
    char text[512];
    size_t count = s->stack_count <= STATE_STACK ? s->stack_count : 0;
    size_t i = source_caller(source, s->stack, count);
    size_t line = i;
    while (s->now == LOOK_RUNNING && line < count &&
           (!source_find(source, s->stack[line], text, sizeof(text)) ||
            strchr(text, ':') == NULL))
        line++;
    if (line < count)
        i = line;
    if (i < count && source_find(source, s->stack[i], text, sizeof(text)))
        fprintf(out, "%016llx %s\n", (unsigned long long)s->site, text);
}

/* Python's, where there is one: the interpreter's own frames say nothing of it. */
static void add_stack(FILE *out, struct source *source, const struct state *s)
{
    char text[512];
    char before[512] = "";
    size_t count = s->stack_count <= STATE_STACK ? s->stack_count : 0;
    size_t caller = source_caller(source, s->stack, count);
    fputc(SHIM_STACK, out);
    if (s->trace_bytes > 0 && s->trace_bytes < STATE_TRACE) {
        fprintf(out, "%.*s", (int)s->trace_bytes, s->trace);
        return;
    }
    for (size_t i = caller < count ? caller : 0; i < count; i++) {
        if (!source_find(source, s->stack[i], text, sizeof(text)) ||
            strcmp(text, before) == 0)
            continue;
        fprintf(out, "    %s\n", text);
        strcpy(before, text);
    }
}

/* "ADDRESS TEXT" a line: where each of the rank's operations was called; the address 0
 * stands for all that Python has called. `traced`: there may be Python's stack. */
static void tell_sites(struct shim *sh, bool traced, bool stack)
{
    char *text = NULL;
    size_t size = 0;
    char line[512];
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    const struct state *s = sh->state;
    if (traced && source_python(s->trace, line, sizeof(line)))
        fprintf(out, "%016d %s\n", 0, line);
    rota_auto(source) struct source *source = has_gone(sh) ? NULL : source_open(s->pid);
    if (traced && source != NULL)
        add_caller(out, source, s);
    add_site(out, source, s->site);
    for (size_t i = 0; i < sizeof(sh->sites) / sizeof(sh->sites[0]); i++)
        if (sh->sites[i] != s->site)
            add_site(out, source, sh->sites[i]);
    for (uint32_t i = 0; i < STATE_OPS; i++)
        if (s->ops[i].handle != 0 && (s->ops[i].flags & STATE_OP_ACTIVE) != 0 &&
            s->ops[i].site != s->site && ftell(out) < SITES_BYTES)
            add_site(out, source, s->ops[i].site);
    if (traced && stack && source != NULL)
        add_stack(out, source, s);
    fclose(out);
    uplink_send(sh->uplink, LINE_SITES, text, size);
    free(text);
}

static void answer_ask(struct shim *sh, uint64_t what)
{
    uint32_t wanted = 0;
    if (what & SHIM_ASK_SITES)
        wanted |= STATE_ASK_TRACE;
    if (what & SHIM_ASK_FLUSH)
        wanted |= STATE_ASK_FLUSH;
    if (what & SHIM_ASK_STAY)
        wanted |= STATE_ASK_STAY;
    bool done = wanted != 0 && ask_rank(sh, wanted);
    if (what & SHIM_ASK_SITES)
        tell_sites(sh, done, (what & SHIM_ASK_STACKS) != 0);
    pid_t pid = sh->state->pid != 0 ? sh->state->pid : sh->child;
    if (what & SHIM_ASK_STOP && !has_gone(sh))
        kill(pid, SIGSTOP);
    if (what & SHIM_ASK_CORE && !has_gone(sh) && sh->core == NULL)
        core_ask(pid, sh->state->pid != 0 ? sh->state->tid : pid, &sh->core);
}

static void hear(void *context, enum line_kind kind, const void *payload, size_t size)
{
    struct shim *sh = context;
    const uint64_t *words = payload;
    if (kind == LINE_OVER)
        sh->over = true;
    else if (kind == LINE_LOOK && size == 2 * sizeof(*words))
        answer_look(sh, words, clock_now_ns());
    else if (kind == LINE_ASK && size == sizeof(*words))
        answer_ask(sh, words[0]);
}

/* ---- the rank's life --------------------------------------------------------------
 */

static void tell_fate(struct shim *sh)
{
    unsigned char payload[LINE_FATE_BYTES];
    if (!has_gone(sh) || sh->told || uplink_state(sh->uplink) != UPLINK_JOINED)
        return;
    line_put_report(payload, sh->fate, NULL, 0);
    uplink_send(sh->uplink, LINE_REPORT, payload, line_report_bytes(0));
    sh->told = true;
}

static void wait_children(struct shim *sh)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != sh->child)
            continue;
        sh->fate = WIFEXITED(status)
                       ? (struct rota_fate){ROTA_EXITED, WEXITSTATUS(status)}
                       : (struct rota_fate){ROTA_KILLED, WTERMSIG(status)};
        sh->since_ns = clock_now_ns();
        sh->kill_ns = INT64_MAX;
        core_name(sh->core, pid);
        sh->core = NULL;
    }
}

static void read_signals(struct shim *sh, int64_t now_ns)
{
    struct signalfd_siginfo s;
    while (read(sh->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
        bool hydras = s.ssi_signo == SIGUSR1 && getenv("PMI_FD") != NULL;
        if (s.ssi_signo == SIGCHLD || hydras || has_gone(sh))
            continue;
        bool ends = s.ssi_signo != SIGUSR1 && s.ssi_signo != SIGUSR2;
        sh->asked = sh->asked || ends;
        kill(sh->child, (int)s.ssi_signo);
        if (ends && now_ns + TERM_NS < sh->kill_ns)
            sh->kill_ns = now_ns + TERM_NS;
    }
    wait_children(sh);
}

static void wait_for_something(const struct shim *sh)
{
    struct pollfd fds[2] = {
        {.fd = sh->signals, .events = POLLIN},
        {.fd = uplink_fd(sh->uplink), .events = uplink_events(sh->uplink)},
    };
    int64_t now = clock_now_ns();
    int64_t next = sh->looked_ns + (has_gone(sh) ? NS_PER_SEC : LOOK_NS);
    poll(fds, 2, clock_poll_ms(next > now ? next : now + NS_PER_MS, now));
}

static void forgive_own_sleep(struct shim *sh, int64_t now_ns)
{
    int64_t gap = now_ns - sh->looked_ns;
    if (gap > GAP_NS)
        uplink_forgive(sh->uplink, gap);
}

static void see_to_the_end(struct shim *sh)
{
    while (!sh->over) {
        wait_for_something(sh);
        int64_t now = clock_now_ns();
        forgive_own_sleep(sh, now);
        read_signals(sh, now);
        uplink_run(sh->uplink, now);
        tell_fate(sh);
        if (now - sh->looked_ns >= LOOK_NS)
            look(sh, now);
        if (now >= sh->kill_ns && !has_gone(sh))
            kill(sh->child, SIGKILL);
        if (getppid() != sh->launcher || uplink_state(sh->uplink) == UPLINK_CUT)
            sh->over = true;
    }
}

/* To the launcher, this process has been the rank: it says goodbye in the rank's place,
 * unless that has done so itself, or has never said hello. */
static int leave(struct shim *sh)
{
    bool reached = uplink_state(sh->uplink) == UPLINK_JOINED;
    bool orphan = getppid() != sh->launcher;
    tree_fell(clock_now_ns() + FELL_NS);
    wait_children(sh);
    if (orphan)
        return 1;
    if (sh->state->pid != 0 && sh->state->now != LOOK_FINALIZED)
        proxy_finalize(clock_now_ns() + FAREWELL_NS);
    return reached ? 0 : 1;
}

int shim_run(char **argv)
{
    struct liveness_invitation to;
    struct shim sh = {.rank = find_rank(),
                      .size = find_size(),
                      .launcher = getppid(),
                      .kill_ns = INT64_MAX};
    if (invite_take(&to) != 0 || sh.rank < 0 || sh.size <= sh.rank) {
        fprintf(stderr,
                "rota guard: a rank was started without the word of the monitor, "
                "or of its rank and size: use 'rota guard', and a launcher that "
                "hands the environment on\n");
        return EXIT_USAGE;
    }
    if (gethostname(sh.host, sizeof(sh.host) - 1) != 0)
        sh.host[0] = '\0';
    int64_t now = clock_now_ns();
    sh.looked_ns = sh.since_ns = sh.progress_ns = now;
    hold_init(&sh.hold);
    sh.uplink = uplink_new(sh.rank, sh.size, &to, hear, &sh, now);
    if (sh.uplink == NULL)
        return EXIT_USAGE;
    int rc = start(&sh, argv);
    if (rc != 0)
        return rc;
    see_to_the_end(&sh);
    rc = leave(&sh);
    hold_done(&sh.hold);
    uplink_free(sh.uplink);
    return rc;
}
