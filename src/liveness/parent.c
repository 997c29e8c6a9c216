/* parent.c - the small process above a rank, which outlives it
 *
 * To the launcher this process is the rank: it is there as long as the run is,
 * and ends well whatever became of its child. It waits in one place, poll(), for
 * its child's signals, the child's notes, its line, and, above rank 0, the hub.
 *
 *     state of the child     what leads on
 *     running, not joined    its end ends this process, and so the launch
 *     so, and MPI begins     so too; it is killed where it doesn't join in time
 *     running, joined        its end, or its stopping too long, is reported
 *     ended                  the run's end (or a cut line) ends this process
 *
 * Its own life: it dies with the launcher (looked at once a second: a launcher
 * may start ranks from any thread, so PR_SET_PDEATHSIG would not do), and takes the
 * child and all its descendants along. A cut line fences the child: to the others
 * this rank has vanished, so it gets a while to end by itself, then is killed.
 */
#include "liveness/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fell.h"
#include "base/patience.h"
#include "base/tree.h"
#include "liveness/hub.h"
#include "liveness/member.h"
#include "liveness/note.h"
#include "liveness/proxy.h"
#include "liveness/roster.h"

#define TICK_NS          NS_PER_SEC
#define GAP_NS           (3 * NS_PER_SEC) /* between two looks: this process has slept */
#define TERM_PATIENCE_NS (5 * NS_PER_SEC)
#define PROXY_NS         (10 * NS_PER_SEC)
#define ORPHANS_NS       (3 * NS_PER_SEC)

enum {
    MAX_KEPT = 32,
    START_TIMES = 10, /* ROTA_JOIN_MS: for MPI, and for the last rank to come to it */
};

struct parent {
    pid_t child;
    pid_t launcher;
    int notes;
    int signals;
    int board_fd;
    int rank; /* -1: not known yet */
    struct patience patience;
    struct board *board;
    struct hub *hub;
    struct member *member;
    bool answered; /* the rank knows how its joining went */
    struct rota_fate fate;
    int64_t looked_ns;
    int64_t starting_ns; /* since when the child has been in MPI_Init; 0: it is not */
    int stop_signal;
    int64_t stopped_ns;  /* since when the child has been stopped; 0: it is not */
    int64_t kill_ns;     /* when the child is to be killed; INT64_MAX: not */
    int served;          /* the rank for which the child works; -1: none */
    int64_t unserved_ns; /* since when that has been gone; 0: it is there */
    bool frozen;         /* killed for having been stopped too long */
    bool cut;
    int kept[MAX_KEPT];
    int kept_count;
};

/* ---- the child --------------------------------------------------------------- */

static void kill_by(struct parent *p, int64_t when_ns)
{
    if (when_ns < p->kill_ns)
        p->kill_ns = when_ns;
}

static void report(struct parent *p, struct rota_fate fate)
{
    if (fate_is_final(p->fate.how))
        return;
    p->fate = fate;
    if (p->member != NULL)
        member_report(p->member, fate);
}

static void child_stopped(struct parent *p, int signal, int64_t now_ns)
{
    if (p->stopped_ns == 0)
        p->stopped_ns = now_ns;
    p->stop_signal = signal;
    if (!fate_is_gone(p->fate.how))
        report(p, (struct rota_fate){.how = ROTA_STOPPED, .code = signal});
}

static void child_continued(struct parent *p)
{
    p->stopped_ns = 0;
    if (!fate_is_gone(p->fate.how))
        report(p, (struct rota_fate){.how = ROTA_ALIVE});
}

static void await_orphans(int64_t deadline_ns)
{
    pid_t one;
    while (tree_list(0, &one, 1) > 0 && clock_now_ns() < deadline_ns)
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
}

static void child_ended(struct parent *p, const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED)
        report(p, (struct rota_fate){.how = ROTA_EXITED, .code = info->si_status});
    else if (p->frozen)
        report(p, (struct rota_fate){.how = ROTA_FROZEN, .code = p->stop_signal});
    else
        report(p, (struct rota_fate){.how = ROTA_KILLED, .code = info->si_status});
    p->stopped_ns = 0;
    p->kill_ns = INT64_MAX;
    /* What the rank has started ends with it: its orphans are ours by now. Before it
     * has joined, that is a daemon of its MPI's, which clears up after itself. */
    if (p->member == NULL)
        await_orphans(clock_now_ns() + NS_PER_SEC);
    tree_kill(clock_now_ns() + ORPHANS_NS);
}

/* Take the news of all children: the rank's, and orphans' that came to us. */
static void wait_children(struct parent *p, int64_t now_ns)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG) != 0 ||
            info.si_pid == 0)
            return;
        if (info.si_pid != p->child)
            continue;
        if (info.si_code == CLD_STOPPED)
            child_stopped(p, info.si_status, now_ns);
        else if (info.si_code == CLD_CONTINUED)
            child_continued(p);
        else if (info.si_code != CLD_TRAPPED)
            child_ended(p, &info);
    }
}

static void read_signals(struct parent *p, int64_t now_ns)
{
    struct signalfd_siginfo s;
    while (read(p->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
        if (s.ssi_signo == SIGCHLD || (s.ssi_signo == SIGUSR1 && getenv("PMI_FD")))
            continue;
        if (fate_is_final(p->fate.how))
            continue; /* there is no child any more, and its id may be another's */
        kill(p->child, (int)s.ssi_signo);
        if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT || s.ssi_signo == SIGHUP)
            kill_by(p, now_ns + TERM_PATIENCE_NS);
    }
    wait_children(p, now_ns);
}

/* ---- notes ------------------------------------------------------------------- */

static void open_hub(struct parent *p, const struct note *asked, int64_t now_ns)
{
    struct note answer = {.kind = NOTE_INVITATION};
    answer.code = p->hub ? ROTA_E_STATE
                         : hub_open(asked->a, asked->b != 0, p->patience, now_ns,
                                    &answer.invitation, &p->hub);
    note_send(p->notes, &answer, -1);
}

/* `cause`: an errno, or 0. */
static void answer_join(struct parent *p, int code, int cause)
{
    struct note answer = {.kind = NOTE_JOINED, .code = code, .a = cause};
    p->answered = true;
    note_send(p->notes, &answer, -1);
}

static void join(struct parent *p, const struct note *asked, int64_t now_ns)
{
    errno = 0;
    int rc = p->board ? ROTA_E_STATE : board_map(p->board_fd, asked->b, &p->board);
    int cause = errno;
    if (rc == 0) {
        p->rank = asked->a;
        p->member = member_new(asked->a, asked->b, &asked->invitation, p->patience,
                               p->board, now_ns);
        if (p->member == NULL)
            rc = ROTA_E_NOMEM;
    }
    if (rc != 0)
        answer_join(p, rc, cause);
}

static void serve(struct parent *p, int rank)
{
    bool is_rank = p->board != NULL && rank >= 0 && rank < (int)p->board->size;
    p->served = is_rank ? rank : -1;
    p->unserved_ns = 0;
}

static void keep(struct parent *p, int fd)
{
    if (fd < 0)
        return;
    if (p->kept_count < MAX_KEPT)
        p->kept[p->kept_count++] = fd;
    else
        close(fd);
}

static void read_notes(struct parent *p, int64_t now_ns)
{
    struct note n;
    int fd;
    int rc;
    while ((rc = note_receive(p->notes, &n, &fd)) == 1) {
        if (n.kind == NOTE_INVITE)
            open_hub(p, &n, now_ns);
        else if (n.kind == NOTE_JOIN)
            join(p, &n, now_ns);
        else if (n.kind == NOTE_START)
            p->starting_ns = now_ns;
        else if (n.kind == NOTE_LEAVE)
            report(p, (struct rota_fate){.how = ROTA_CLOSED});
        else if (n.kind == NOTE_SERVE)
            serve(p, n.a);
        else if (n.kind == NOTE_FENCE && p->hub != NULL)
            hub_fence(p->hub, n.a);
        keep(p, n.kind == NOTE_KEEP ? fd : -1);
    }
    if (rc < 0) { /* the rank has closed its end: its death is told by SIGCHLD */
        close(p->notes);
        p->notes = -1;
    }
}

/* ---- time -------------------------------------------------------------------- */

/* A time in which this process did not run proves nothing about the others. */
static void forgive_own_sleep(struct parent *p, int64_t now_ns)
{
    int64_t gap = now_ns - p->looked_ns;
    p->looked_ns = now_ns;
    if (gap < GAP_NS)
        return;
    if (p->stopped_ns != 0)
        p->stopped_ns += gap;
    if (p->starting_ns != 0)
        p->starting_ns += gap;
    if (p->unserved_ns != 0)
        p->unserved_ns += gap;
    if (p->hub != NULL)
        hub_forgive(p->hub, gap);
    if (p->member != NULL)
        member_forgive(p->member, gap);
}

/* The launcher has gone without a word (SIGKILL), and will clean up after nobody:
 * this process ends, with its child, what that has started, and their shared memory. */
static void follow_launcher(const struct parent *p)
{
    if (getppid() == p->launcher)
        return;
    tree_fell(clock_now_ns() + ORPHANS_NS);
    _exit(1);
}

/* The file that `name`, PATH:WORD, names, if it is that: it begins with WORD. It is
 * read up to there. */
static int open_status(const char *name)
{
    char path[PATH_MAX];
    char there[64] = "";
    const char *colon = strrchr(name, ':');
    size_t size = colon != NULL ? strlen(colon + 1) : sizeof(there);
    if (size >= sizeof(there) || (size_t)(colon - name) >= sizeof(path))
        return -1;
    memcpy(path, name, (size_t)(colon - name));
    path[colon - name] = '\0';
    rota_auto(fd) int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || read(fd, there, size) != (ssize_t)size ||
        strcmp(there, colon + 1) != 0)
        return -1;
    return fd_steal(&fd);
}

/* Whether `status` is told to who waits for this run instead of its launcher, and has
 * put a file there for that (launch.c). */
static bool write_status(int status)
{
    const char *name = getenv("ROTA_STATUS_FILE");
    rota_auto(fd) int fd = name != NULL ? open_status(name) : -1;
    return fd >= 0 && dprintf(fd, "%d\n", status) > 0;
}

/* MPI_Init waits for the launcher and for all ranks, and knows no limit: where the
 * launcher is stuck, nobody but this process can say so, nor end it. Of all parents
 * rank 0's says it. */
static void judge_start(struct parent *p, int64_t now_ns)
{
    if (p->member != NULL || p->starting_ns == 0 ||
        (now_ns - p->starting_ns) / START_TIMES < p->patience.join_ns)
        return;
    p->starting_ns = 0;
    kill_by(p, now_ns);
    if (strcmp(liveness_number(), "0") != 0)
        return;
    fprintf(stderr,
            "rota: MPI did not begin within %" PRId64 " s, and was ended: its "
            "launcher is stuck, or a rank never came to it; ROTA_JOIN_MS says how "
            "long that may take\n",
            START_TIMES * p->patience.join_ns / NS_PER_SEC);
    /* Who waits for a launcher that waits for a lost host is to know of the end. */
    write_status(128 + SIGKILL);
}

/* Whom the child works for may have gone; it is given a while to notice. Nobody else
 * is left to say why it ends. */
static void judge_service(struct parent *p, int64_t now_ns)
{
    if (p->served < 0 || !fate_is_gone(board_fate(p->board, p->served).how))
        return;
    if (p->unserved_ns == 0)
        p->unserved_ns = now_ns;
    if (now_ns - p->unserved_ns < p->patience.outlive_ns)
        return;
    dprintf(STDERR_FILENO,
            "rota: rank %d is ended: its task still runs %" PRId64
            " s after rank %d has gone (ROTA_OUTLIVE_MS)\n",
            p->rank, (now_ns - p->unserved_ns) / NS_PER_SEC, p->served);
    p->served = -1;
    kill_by(p, now_ns);
}

static void judge_child(struct parent *p, int64_t now_ns)
{
    if (fate_is_final(p->fate.how))
        return;
    judge_start(p, now_ns);
    judge_service(p, now_ns);
    if (p->stopped_ns != 0 && now_ns - p->stopped_ns >= p->patience.freeze_ns) {
        p->frozen = true;
        kill_by(p, now_ns);
    }
    if (now_ns >= p->kill_ns)
        kill(p->child, SIGKILL);
}

static void run_lines(struct parent *p, int64_t now_ns)
{
    if (p->hub != NULL)
        hub_run(p->hub, now_ns);
    if (p->member == NULL)
        return;
    member_run(p->member, now_ns);
    enum member_state state = member_state(p->member);
    if (!p->answered && state != MEMBER_JOINING)
        answer_join(p, state == MEMBER_CUT ? ROTA_E_LOST : 0,
                    state == MEMBER_CUT ? member_cause(p->member) : 0);
    if (state == MEMBER_CUT && !p->cut) {
        p->cut = true;
        kill_by(p, now_ns + p->patience.silence_ns);
    }
}

static bool is_over(const struct parent *p, int64_t now_ns)
{
    if (!fate_is_final(p->fate.how))
        return false;
    if (p->member == NULL)
        return true;
    if (member_state(p->member) != MEMBER_OVER && member_state(p->member) != MEMBER_CUT)
        return false;
    return p->hub == NULL || hub_done(p->hub, now_ns);
}

static int64_t next_look_ns(const struct parent *p, int64_t now_ns)
{
    int64_t next = now_ns + TICK_NS;
    if (p->kill_ns < next && !fate_is_final(p->fate.how))
        next = p->kill_ns > now_ns ? p->kill_ns : now_ns + NS_PER_MS;
    if (p->stopped_ns != 0 && p->stopped_ns + p->patience.freeze_ns < next)
        next = p->stopped_ns + p->patience.freeze_ns;
    if (p->member != NULL && member_state(p->member) == MEMBER_JOINING)
        next = now_ns + 20 * NS_PER_MS;
    return next;
}

/* ---- the whole --------------------------------------------------------------- */

static int count_fds(const struct parent *p, struct pollfd *fds, int cap)
{
    int n = 0;
    if (cap >= 2) {
        fds[0] = (struct pollfd){.fd = p->signals, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = p->notes, .events = POLLIN};
    }
    n += 2;
    if (p->member != NULL)
        n += member_fds(p->member, fds + n, cap - n);
    if (p->hub != NULL)
        n += hub_fds(p->hub, fds + n, cap - n);
    return n;
}

static void wait_for_something(const struct parent *p, struct pollfd **fds, int *cap)
{
    int n;
    while ((n = count_fds(p, *fds, *cap)) > *cap) {
        struct pollfd *more = realloc(*fds, (size_t)n * 2 * sizeof(**fds));
        if (more == NULL) {
            n = *cap; /* watch what fits; the tick serves the rest */
            break;
        }
        *fds = more;
        *cap = n * 2;
    }
    int64_t now = clock_now_ns();
    poll(*fds, (nfds_t)n, clock_poll_ms(next_look_ns(p, now), now));
}

static int final_status(const struct parent *p)
{
    bool counts = p->rank <= 0; /* not joined, or the manager */
    if (!counts)
        return 0;
    return p->fate.how == ROTA_EXITED ? p->fate.code : 128 + p->fate.code;
}

/* Launchers that are told of a status other than 0 end the other ranks, take their
 * time over it, and may hang (Open MPI 4). Where it is told past the launcher, that is
 * told 0; where that can't be, as on another host, the launcher is told the truth. */
static int tell_status(const struct parent *p)
{
    int status = final_status(p);
    return p->rank == 0 && write_status(status) ? 0 : status;
}

/* What is for the rank, and passed on to it. Not hydra's SIGUSR1: by that, asked not to
 * clean up, it tells the others of a rank's end, which is what the line is for. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    const int taken[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        sigaddset(&set, taken[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGCHLD, SIG_DFL); /* where it is ignored, the kernel tells of no end */
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int parent_run(pid_t child, int notes, int board_fd)
{
    struct parent p = {
        .child = child,
        .launcher = getppid(),
        .notes = notes,
        .signals = open_signals(),
        .board_fd = board_fd,
        .rank = -1,
        .served = -1,
        .patience = patience_from_env(),
        .looked_ns = clock_now_ns(),
        .kill_ns = INT64_MAX,
    };
    enum {
        FIRST_FDS = 64
    };
    int cap = FIRST_FDS;
    struct pollfd *fds = calloc(FIRST_FDS, sizeof(*fds));
    if (p.signals < 0 || fds == NULL) {
        int error = errno;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        return error;
    }
    tree_adopt();
    int64_t now;
    while (!is_over(&p, now = clock_now_ns())) {
        wait_for_something(&p, &fds, &cap);
        now = clock_now_ns();
        forgive_own_sleep(&p, now);
        read_signals(&p, now);
        if (p.notes >= 0)
            read_notes(&p, now);
        follow_launcher(&p);
        judge_child(&p, now);
        run_lines(&p, now);
    }
    if (p.member != NULL)
        proxy_finalize(now + PROXY_NS);
    else if (final_status(&p) != 0)
        proxy_abort(final_status(&p));
    _exit(tell_status(&p));
}
