/* nursery.c - a small process that keeps a child in every slot
 *
 * It waits in one place, poll(), for the rank's wishes and for its children's ends.
 *
 *     rank -> nursery, a message: 0 4 slot, 4 4 life: kill that child
 *     end of file: end
 *
 * Who ends whom
 *  - The rank ends, however: its end of the socket closes. Someone may have inherited
 *    that end, so the kernel sends DEATH_SIGNAL as well. The nursery kills all below
 *    it and ends.
 *  - The nursery ends: the kernel kills its children (PR_SET_PDEATHSIG; both processes
 *    have one thread when they fork). That leaves what functions have started.
 *    It does so by itself where forks are refused for some seconds: the tasks of that
 *    slot are then run elsewhere, if there is a worker left.
 *  - A child ends: its process group is killed with it, before it is reaped, since its
 *    number is its own until then. What has left the group comes to the nursery, which
 *    adopts orphans, and is killed there. (A daemon that another slot's child started
 *    and left cannot be told apart, and goes too.)
 */
#include "execute/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/tree.h"
#include "execute/child.h"

#define PAUSE_MIN_NS (10 * NS_PER_MS) /* after a fork that led to nothing */
#define PAUSE_MAX_NS NS_PER_SEC
#define REFUSED_NS   (5 * NS_PER_SEC) /* without a fork: a slot's tasks wait for none */
#define END_NS       (3 * NS_PER_SEC) /* for what was killed to be gone */

enum {
    DEATH_SIGNAL = SIGTERM,
    CLOSE_MS = 5000,
};

struct wish {
    uint32_t slot;
    uint32_t life;
};

/* A slot's child. */
struct ward {
    pid_t pid; /* 0: there is none */
    uint32_t life;
    int64_t fork_ns; /* when to fork it, where there is none */
    int64_t pause_ns;
    int64_t refused_ns; /* since when forks have been refused; 0: they are not */
};

struct keeper {
    const struct cells *cells;
    const struct executor_options *options;
    pid_t rank;
    int fd;
    int signals;
    struct ward *wards;
};

/* --- in the child --------------------------------------------------------- */

/* As a program finds them that was started: handled signals at their default, and those
 * too that a library may ignore for itself; what the user ignores (nohup) stays so. */
static void reset_signals(void)
{
    sigset_t none;
    for (int i = 1; i < NSIG; i++) {
        struct sigaction a;
        if (sigaction(i, NULL, &a) == 0 &&
            (a.sa_handler != SIG_IGN || i == SIGPIPE || i == SIGCHLD))
            signal(i, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_child(const struct keeper *k, int slot, pid_t nursery)
{
    uint32_t life = k->wards[slot].life;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != nursery)
        _exit(1); /* it died before this process was tied to it */
    setpgid(0, 0);
    closefrom(3);
    free(k->wards);
    cells_become(k->cells, slot);
    reset_signals();
    child_run(cells_at(k->cells, slot), cells_front(k->cells), k->options, life);
}

/* --- in the nursery ------------------------------------------------------- */

static void pause_forking(struct ward *w, int64_t now_ns)
{
    w->pause_ns = w->pause_ns ? 2 * w->pause_ns : PAUSE_MIN_NS;
    if (w->pause_ns > PAUSE_MAX_NS)
        w->pause_ns = PAUSE_MAX_NS;
    w->fork_ns = now_ns + w->pause_ns;
}

static void fork_child(struct keeper *k, int slot)
{
    struct ward *w = &k->wards[slot];
    pid_t self = getpid();
    w->pid = fault(FAULT_SPAWN) ? -1 : fork();
    if (w->pid == 0)
        become_child(k, slot, self);
    if (w->pid > 0) {
        setpgid(w->pid, w->pid); /* whoever comes first */
        w->refused_ns = 0;
        return;
    }
    int64_t now_ns = clock_now_ns();
    w->pid = 0;
    if (w->refused_ns == 0)
        w->refused_ns = now_ns;
    pause_forking(w, now_ns);
}

/* Whether a slot has long been without a child since the system refuses one. */
static bool is_refused(const struct keeper *k)
{
    for (int i = 0; i < k->cells->slots; i++) {
        const struct ward *w = &k->wards[i];
        if (w->pid == 0 && w->refused_ns != 0 &&
            clock_now_ns() - w->refused_ns > REFUSED_NS)
            return true;
    }
    return false;
}

/* Fork who is missing. Returns when to come again. */
static int64_t fork_missing(struct keeper *k)
{
    int64_t next_ns = INT64_MAX;
    for (int i = 0; i < k->cells->slots; i++) {
        struct ward *w = &k->wards[i];
        if (w->pid == 0 && w->fork_ns <= clock_now_ns())
            fork_child(k, i);
        if (w->pid == 0 && w->fork_ns < next_ns)
            next_ns = w->fork_ns;
    }
    return next_ns;
}

/* The child of `slot` has ended. Had it not been let begin, the next has its number. */
static void tell_end(struct keeper *k, int slot, int status)
{
    struct ward *w = &k->wards[slot];
    struct cell *cell = cells_at(k->cells, slot);
    int64_t now_ns = clock_now_ns();
    bool let = atomic_load(&cell->go) >= w->life;
    w->pid = 0;
    if (let && atomic_load(&cell->begun) > 0)
        w->pause_ns = w->fork_ns = 0;
    else
        pause_forking(w, now_ns);
    if (!let)
        return;
    cell->status = status;
    cell->ended_ns = now_ns;
    atomic_store_explicit(&cell->ended, w->life++, memory_order_release);
    cell_front_wake(cells_front(k->cells));
}

static int slot_of(const struct keeper *k, pid_t pid)
{
    for (int i = 0; i < k->cells->slots; i++)
        if (k->wards[i].pid == pid)
            return i;
    return -1;
}

/* Kill orphans that have come to us. When they are gone, theirs come. */
static void kill_strangers(const struct keeper *k)
{
    FILE *f = fopen("/proc/thread-self/children", "re");
    int pid;
    while (f != NULL && fscanf(f, "%d", &pid) == 1) {
        pid_t group = getpgid(pid);
        if (slot_of(k, pid) < 0 && (group <= 0 || slot_of(k, group) < 0))
            kill(pid, SIGKILL);
    }
    if (f != NULL)
        fclose(f);
}

static void reap(struct keeper *k)
{
    bool any = false;
    for (;;) {
        siginfo_t info = {0};
        int status;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid == 0)
            break;
        int slot = slot_of(k, info.si_pid);
        if (slot >= 0)
            kill(-info.si_pid, SIGKILL);
        if (waitpid(info.si_pid, &status, 0) == info.si_pid && slot >= 0)
            tell_end(k, slot, status);
        any = true;
    }
    if (!any)
        return;
    fork_missing(k); /* first of all */
    kill_strangers(k);
}

static void grant(const struct keeper *k, const struct wish *w)
{
    if (w->slot >= (uint32_t)k->cells->slots)
        return;
    const struct ward *ward = &k->wards[w->slot];
    if (ward->pid > 0 && ward->life == w->life) {
        kill(-ward->pid, SIGKILL);
        kill(ward->pid, SIGKILL); /* it may have left its group */
    }
}

/* The rank's wishes. False: it has none any more. */
static bool listen_to_rank(const struct keeper *k)
{
    struct wish w;
    for (;;) {
        ssize_t n = recv(k->fd, &w, sizeof(w), MSG_DONTWAIT);
        if (n == (ssize_t)sizeof(w))
            grant(k, &w);
        else
            return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
}

static _Noreturn void leave(struct keeper *k)
{
    for (int i = 0; i < k->cells->slots; i++) {
        if (k->wards[i].pid > 0)
            kill(-k->wards[i].pid, SIGKILL);
    }
    tree_kill(clock_now_ns() + END_NS);
    _exit(0);
}

static _Noreturn void keep(struct keeper *k)
{
    struct pollfd fds[] = {{.fd = k->fd, .events = POLLIN},
                           {.fd = k->signals, .events = POLLIN}};
    for (;;) {
        struct signalfd_siginfo info;
        int ms = clock_poll_ms(fork_missing(k), clock_now_ns());
        poll(fds, 2, ms);
        if (!listen_to_rank(k) || getppid() != k->rank || is_refused(k))
            leave(k);
        while (read(k->signals, &info, sizeof(info)) > 0)
            continue;
        reap(k);
    }
}

/* No descriptor of the rank's but its output, and `fd`, which becomes 3. */
static int keep_descriptors(int fd)
{
    int moved = fcntl(fd, F_DUPFD, 4); /* out of the way, if it is 0 to 3 */
    if (moved < 0 || dup2(moved, 3) < 0)
        return -1;
    closefrom(4);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || (null != 0 && (dup2(null, 0) < 0 || close(null) != 0)))
        return -1;
    return 3;
}

static _Noreturn void become_nursery(const struct cells *cells,
                                     const struct executor_options *options, int fd,
                                     pid_t rank)
{
    struct keeper k = {.cells = cells, .options = options, .rank = rank};
    sigset_t heard;
    prctl(PR_SET_PDEATHSIG, DEATH_SIGNAL);
    signal(SIGCHLD, SIG_DFL); /* where it is ignored, the kernel tells of no end */
    k.fd = keep_descriptors(fd);
    sigemptyset(&heard);
    sigaddset(&heard, SIGCHLD);
    sigaddset(&heard, DEATH_SIGNAL);
    k.signals = signalfd(-1, &heard, SFD_NONBLOCK | SFD_CLOEXEC);
    k.wards = calloc((size_t)cells->slots, sizeof(*k.wards));
    if (k.fd < 0 || k.signals < 0 || k.wards == NULL || tree_adopt() != 0 ||
        getppid() != rank)
        _exit(1);
    for (int i = 0; i < cells->slots; i++)
        k.wards[i].life = 1;
    keep(&k);
}

/* --- in the rank ---------------------------------------------------------- */

int nursery_open(struct nursery *n, const struct cells *cells,
                 const struct executor_options *options, struct rota_error *err)
{
    int pair[2];
    pid_t rank = getpid();
    if (fault(FAULT_PIPE) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set(err, ROTA_E_IO, "cannot make a socket pair: %s",
                         strerror(errno));
    fflush(NULL); /* or the children would write it again */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* no handler of the rank's runs there */
    pid_t pid = fault(FAULT_SPAWN) ? -1 : fork();
    if (pid == 0)
        become_nursery(cells, options, pair[1], rank);
    int error = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return error_set(err, ROTA_E_IO, "cannot start processes for tasks: %s",
                         strerror(error));
    }
    *n = (struct nursery){.pid = pid, .fd = pair[0]};
    return 0;
}

bool nursery_kill(const struct nursery *n, int slot, uint32_t life)
{
    struct wish w = {.slot = (uint32_t)slot, .life = life};
    return send(n->fd, &w, sizeof(w), MSG_DONTWAIT | MSG_NOSIGNAL) ==
           (ssize_t)sizeof(w);
}

bool nursery_has_gone(const struct nursery *n)
{
    struct pollfd fd = {.fd = n->fd};
    return poll(&fd, 1, 0) > 0 && (fd.revents & POLLHUP) != 0;
}

void nursery_close(struct nursery *n)
{
    if (n->pid == 0)
        return;
    shutdown(n->fd, SHUT_WR);
    struct pollfd fd = {.fd = n->fd};
    int64_t deadline_ns = clock_now_ns() + CLOSE_MS * NS_PER_MS;
    int ended;
    do
        ended = poll(&fd, 1, clock_poll_ms(deadline_ns, clock_now_ns()));
    while (ended < 0 && errno == EINTR);
    if (ended == 0)
        kill(n->pid, SIGKILL); /* it never will end, and its number is its own */
    while (waitpid(n->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(n->fd);
    *n = (struct nursery){0};
}
