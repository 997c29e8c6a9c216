/* launch.c - start a launcher, wait for it, leave nothing of it
 *
 * The launcher is a child like any other; what it starts may leave its process group
 * and session, but not its line of descent (base/tree.h): this process reaps its
 * orphans, and kills what is left of them in the end.
 *
 * Signals that a terminal sends reach the launcher by themselves, as it shares our
 * process group; those that a process sends (kill, a batch system) are for us alone
 * and are passed on. Twice the same would make launchers end without cleaning up. Who
 * wants to hear of signals himself has the launcher in a group of its own.
 *
 * A launcher that is told of a status other than 0 ends the other ranks, takes its time
 * over it, and sometimes hangs. So rank 0's parent (liveness) tells us, in a file that
 * ROTA_STATUS_FILE names to it, and the launcher sees only zeros. The file holds the
 * status in decimal and a line's end, or nothing: where rank 0 has no parent, or is on
 * another host. Then the launcher's own status counts. The file is this process's
 * alone, in memory, so that nothing is left of it; and since on another host the same
 * name may be another file, it begins with a secret word, which the variable has too
 * (liveness/parent.c reads both).
 *
 * A launcher may itself hang when all is over: Open MPI 4.1.4's did so after one in
 * about a hundred runs whose status was not 0 (a lock in PMIx_server_finalize). While
 * ranks run, here or elsewhere, Open MPI's and MPICH's have children, their own daemons
 * aside: ranks, or what reaches other hosts. One that had some and has had none for
 * IDLE_NS is stuck, and is ended; so is one that has had none within ROTA_JOIN_MS of
 * its start (either MPI's, where descriptors or processes were refused to it).
 *
 * Or it waits for what will never come: a node that has gone, as long as nobody says so
 * (srun for minutes), or a daemon that was killed. Rank 0's parent leaves its word when
 * every rank has left the run or is lost; a launcher that goes on for LINGER_NS from
 * then is asked to end, and then ended.
 */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/fell.h"
#include "base/patience.h"
#include "base/tree.h"
#include "launch/command.h"
#include "launch/slurm.h"

#define ASK_NS    (10 * NS_PER_SEC) /* for an answer to --version */
#define ENDING_NS (10 * NS_PER_SEC) /* for the launcher, from the first signal on */
#define DYING_NS  (1 * NS_PER_SEC)  /* for what it started, from its end on */
#define KILL_NS   (10 * NS_PER_SEC)
#define LINGER_NS (10 * NS_PER_SEC)  /* for the launcher, from rank 0's word on */
#define IDLE_NS   (5 * NS_PER_SEC)   /* for a launcher whose children have all ended */
#define FIRST_NS  (100 * NS_PER_MS)  /* between two looks, until it has children */
#define LOOK_NS   (1000 * NS_PER_MS) /* and then */

enum {
    PATIENCE = 3, /* of those that are to end it, the one that kills everything */
    WORD_SIZE = 32,
    LAUNCH_STATUS_NAME = 64 + WORD_SIZE,
};

struct launch {
    pid_t pid;
    sigset_t old_mask;
    int signals; /* how many have come that are to end it */
    bool any;    /* has come */
    int *asked;  /* where the first goes, or NULL */
    enum launch_heard (*heard)(void *ctx, int signal, bool typed); /* or NULL */
    void *ctx;
    const int *abandoned; /* by another thread; or NULL */
    int64_t deadline_ns;
    int64_t begun_ns; /* by the wall's clock */
    int status_fd;
    char status_name[LAUNCH_STATUS_NAME]; /* PATH:WORD */
    bool *told;
    bool srun;
    bool node_ranks; /* it places a rank a node, by Slurm */
    bool parental;   /* has children as long as ranks run */
    bool had_children;
    int64_t told_ns; /* when rank 0's word was seen; 0: not yet */
    int64_t idle_ns; /* since when there are none; INT64_MAX: there are some */
};

static void launch_free(struct launch *l)
{
    if (l == NULL)
        return;
    if (l->status_fd >= 0)
        close(l->status_fd);
    free(l);
}

ROTA_AUTO_DEFINE(launch, struct launch *, launch_free);

/* --- finding it ----------------------------------------------------------- */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Where `name` is, as execvp() finds it; NULL if nowhere, or without memory. */
static char *find_program(const char *name)
{
    if (strchr(name, '/') != NULL)
        return is_program(name) ? strdup(name) : NULL;

    const char *dirs = getenv("PATH");
    while (dirs != NULL && *dirs != '\0') {
        size_t len = strcspn(dirs, ":");
        rota_auto(heap) char *path = NULL;
        if (asprintf(&path, "%.*s/%s", (int)len, dirs, name) < 0)
            return NULL;
        if (is_program(path))
            return rota_steal(path);
        dirs += len + (dirs[len] == ':');
    }
    return NULL;
}

static const char *wanted_launcher(const struct launch_spec *spec)
{
    const char *env = getenv("ROTA_MPIEXEC");
    if (spec->mpiexec != NULL)
        return spec->mpiexec;
    if (env != NULL && env[0] != '\0')
        return env;
    if (spec->slurm)
        return "srun";
    return is_program(ROTA_MPIEXEC) ? ROTA_MPIEXEC : "mpiexec";
}

static int find_launcher(const struct launch_spec *spec, char **out,
                         struct rota_error *err)
{
    const char *name = wanted_launcher(spec);
    bool path = strchr(name, '/') != NULL;
    *out = find_program(name);
    if (*out != NULL)
        return 0;
    return error_set(err, ROTA_E_LAUNCH,
                     "cannot use the launcher '%s': %s; install an MPI, or name its "
                     "mpiexec with --mpiexec or ROTA_MPIEXEC",
                     name,
                     !path                    ? "not found in PATH"
                     : access(name, F_OK) < 0 ? strerror(errno)
                                              : "not an executable file");
}

/* Launchers word this in many lines, or not at all. On other hosts the program may
 * lie elsewhere: then it is left to them. */
static int check_program(const struct launch_spec *spec, struct rota_error *err)
{
    bool local = spec->hosts == NULL && spec->hostfile == NULL;
    if (!local || spec->argv == NULL || spec->argv[0] == NULL)
        return 0;
    const char *name = spec->argv[0];
    rota_auto(heap) char *found = find_program(name);
    if (found != NULL)
        return 0;
    if (strchr(name, '/') == NULL && is_program(name))
        return error_set(
            err, ROTA_E_ARG,
            "cannot start '%s': not found in PATH; write './%s' for the one "
            "in this folder",
            name, name);
    return error_set(err, ROTA_E_ARG, "cannot start '%s': %s", name,
                     strchr(name, '/') == NULL ? "not found in PATH"
                     : access(name, F_OK) < 0  ? strerror(errno)
                                               : "not an executable file");
}

/* --- asking it what it is ------------------------------------------------- */

static int spawn_question(const char *path, const char *question, int out_fd,
                          pid_t *pid)
{
    char flag[16];
    char *name = strdup(path);
    char *argv[] = {name, flag, NULL};
    snprintf(flag, sizeof(flag), "%s", question);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
    posix_spawn_file_actions_adddup2(&actions, out_fd, 2);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP); /* to be killed as one */
    int rc = fault(FAULT_SPAWN) ? errno
             : name             ? posix_spawn(pid, path, &actions, &attr, argv, environ)
                                : ENOMEM;
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    free(name);
    return rc;
}

/* Read what comes, up to its end or until `buf` is full. Whether it came in time. */
static bool read_answer(int fd, char *buf, size_t size)
{
    int64_t deadline = clock_now_ns() + ASK_NS;
    size_t len = 0;
    buf[0] = '\0';
    while (len + 1 < size) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, clock_poll_ms(deadline, clock_now_ns()));
        if (ready == 0)
            return false;
        ssize_t n = ready > 0 ? read(fd, buf + len, size - 1 - len) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
        buf[len] = '\0';
    }
    return true;
}

enum {
    ANSWER_SIZE = 4096,
};

/* What the launcher prints when it is started with `question`. */
static int ask(const char *path, const char *question, char answer[ANSWER_SIZE],
               struct rota_error *err)
{
    int fds[2];
    pid_t pid;
    if (fault(FAULT_PIPE) || pipe2(fds, O_CLOEXEC) != 0)
        return error_set(err, ROTA_E_IO, "cannot make a pipe: %s", strerror(errno));
    rota_auto(fd) int in = fds[0];
    int rc = spawn_question(path, question, fds[1], &pid);
    close(fds[1]);
    if (rc != 0)
        return error_set(err, ROTA_E_LAUNCH, "cannot run the launcher '%s': %s", path,
                         strerror(rc));
    bool in_time = read_answer(in, answer, ANSWER_SIZE);
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
    if (!in_time)
        return error_set(err, ROTA_E_LAUNCH,
                         "the launcher '%s' did not answer %s within %d s; name "
                         "another with --mpiexec",
                         path, question, (int)(ASK_NS / NS_PER_SEC));
    return 0;
}

/* By what srun is to speak to the ranks: *mpi is NULL where it is not for us to say. */
static int ask_mpi(const char *path, enum command_family family, const char **mpi,
                   struct rota_error *err)
{
    char answer[ANSWER_SIZE];
    const char *said = getenv("SLURM_MPI_TYPE");
    *mpi = NULL;
    if (family != COMMAND_SRUN || (said != NULL && said[0] != '\0'))
        return 0;
    int rc = ask(path, "--mpi=list", answer, err);
    if (rc != 0)
        return rc;
    *mpi = slurm_mpi(answer, ROTA_OPENMPI);
    if (*mpi == NULL)
        return error_set(err, ROTA_E_LAUNCH,
                         "this Slurm cannot start the MPI that Rota was built with: "
                         "'%s --mpi=list' has no %s; use -n and --mpiexec with that "
                         "MPI's mpiexec",
                         path, ROTA_OPENMPI ? "pmix" : "pmi2 and no pmix");
    return 0;
}

/* The first line; where that only announces the second, as Hydra's does, both. */
static char *headline(const char *answer)
{
    size_t first = strcspn(answer, "\n");
    const char *next = answer + first + strspn(answer + first, " \t\n");
    size_t second = strcspn(next, "\n");
    char *line;
    if (first == 0 || answer[first - 1] != ':')
        return strndup(answer, first);
    if (asprintf(&line, "%.*s %.*s", (int)first, answer, (int)second, next) < 0)
        return NULL;
    char *to = line; /* those are columns */
    for (const char *from = line; (*to = *from) != '\0'; from++)
        to += *from != ' ' || from[1] != ' ';
    return line;
}

int launch_find(const char *mpiexec, char **path, char **version,
                struct rota_error *err)
{
    const struct launch_spec spec = {.mpiexec = mpiexec};
    rota_auto(heap) char *found = NULL;
    char answer[ANSWER_SIZE];
    int rc = find_launcher(&spec, &found, err);
    if (rc == 0)
        rc = ask(found, "--version", answer, err);
    if (rc != 0)
        return rc;
    char *line = headline(answer);
    if (line == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    *version = line;
    *path = rota_steal(found);
    return 0;
}

/* --- starting it ----------------------------------------------------------------- */

static sigset_t watched(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

/* Open MPI refuses to be root's without these; whoever runs Rota as root has decided
 * that already. */
static void permit_root(void)
{
    if (geteuid() != 0)
        return;
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    setenv("PRTE_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
}

static int make_status_file(struct launch *l, struct rota_error *err)
{
    unsigned char random[WORD_SIZE / 2];
    char word[WORD_SIZE + 1] = "";
    l->status_fd = fault(FAULT_SHARED) ? -1 : memfd_create("rota-status", MFD_CLOEXEC);
    if (l->status_fd < 0 || getrandom(random, sizeof(random), 0) != sizeof(random))
        return error_set(err, ROTA_E_IO, "cannot make a file for the status: %s",
                         strerror(errno));
    for (size_t i = 0; i < sizeof(random); i++)
        sprintf(word + 2 * i, "%02x", random[i]);
    if (write(l->status_fd, word, WORD_SIZE) != WORD_SIZE)
        return error_set(err, ROTA_E_IO, "cannot write the file for the status: %s",
                         strerror(errno));
    snprintf(l->status_name, sizeof(l->status_name), "/proc/%d/fd/%d:%s", (int)getpid(),
             l->status_fd, word);
    return 0;
}

/* What a batch script's #SBATCH lines would say of srun's ranks, which are others. */
static void forget_tasks(void)
{
    static const char *const names[] = {
        "SLURM_NTASKS",          "SLURM_NPROCS",         "SLURM_NTASKS_PER_NODE",
        "SLURM_NTASKS_PER_CORE", "SLURM_NTASKS_PER_GPU", "SLURM_NTASKS_PER_SOCKET",
        "SLURM_CPUS_PER_TASK",   "SRUN_CPUS_PER_TASK",   "SLURM_CPU_BIND",
        "SLURM_CPU_BIND_TYPE",   "SLURM_CPU_BIND_LIST",  "SLURM_CPU_BIND_VERBOSE",
        "SLURM_EXACT",           "SLURM_HINT",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
}

/* In the child: become the launcher, or write errno to `fd`. */
__attribute__((noreturn)) static void become(char **words, const struct launch *l,
                                             int fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (l->heard != NULL) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN); /* what it starts writes to the terminal */
    }
    if (getppid() == parent) {
        permit_root();
        if (l->node_ranks)
            forget_tasks();
        setenv("ROTA_STATUS_FILE", l->status_name, 1);
        sigprocmask(SIG_SETMASK, &l->old_mask, NULL);
        execv(words[0], words);
        int cause = errno;
        ssize_t ignored = write(fd, &cause, sizeof(cause));
        (void)ignored;
    }
    _exit(127);
}

static int start(char **words, struct launch *l, struct rota_error *err)
{
    int fds[2];
    pid_t self = getpid();
    if (fault(FAULT_PIPE) || pipe2(fds, O_CLOEXEC) != 0)
        return error_set(err, ROTA_E_IO, "cannot make a pipe: %s", strerror(errno));
    rota_auto(fd) int in = fds[0];
    fflush(NULL);
    l->pid = fault(FAULT_SPAWN) ? -1 : fork();
    if (l->pid == 0)
        become(words, l, fds[1], self);
    int cause = errno;
    close(fds[1]);
    if (l->pid > 0 && read(in, &cause, sizeof(cause)) <= 0)
        return 0; /* the pipe closed as the launcher began */
    if (l->pid > 0)
        waitpid(l->pid, NULL, 0);
    return error_set(err, ROTA_E_LAUNCH, "cannot start the launcher '%s': %s", words[0],
                     strerror(cause));
}

static int start_watched(char **words, struct launch *l, struct rota_error *err)
{
    sigset_t set = watched();
    if (tree_adopt() != 0)
        return error_set(err, ROTA_E_IO, "cannot become the reaper of orphans: %s",
                         strerror(errno));
    sigprocmask(SIG_BLOCK, &set, &l->old_mask);
    int rc = start(words, l, err);
    if (rc != 0)
        sigprocmask(SIG_SETMASK, &l->old_mask, NULL);
    return rc;
}

int launch_start(const struct launch_spec *spec, struct launch **out,
                 struct rota_error *err)
{
    rota_auto(heap) char *path = NULL;
    rota_auto(launch) struct launch *l = calloc(1, sizeof(*l));
    enum command_family family = COMMAND_UNKNOWN;
    const char *mpi = NULL;
    char answer[ANSWER_SIZE];
    char **words;
    if (l == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    l->status_fd = -1;
    l->deadline_ns = INT64_MAX;
    l->idle_ns = INT64_MAX;
    l->asked = spec->asked;
    l->abandoned = spec->abandoned;
    l->told = spec->told;
    l->begun_ns = clock_wall_ns();
    l->heard = spec->heard;
    l->ctx = spec->ctx;
    int rc = check_program(spec, err);
    if (rc == 0)
        rc = find_launcher(spec, &path, err);
    if (rc == 0)
        rc = ask(path, "--version", answer, err);
    if (rc == 0)
        family = command_family(answer);
    if (rc == 0)
        rc = ask_mpi(path, family, &mpi, err);
    if (rc == 0)
        rc = make_status_file(l, err);
    if (rc == 0)
        rc = command_build(spec, family, path, mpi, &words, err);
    if (rc != 0)
        return rc;
    l->srun = family == COMMAND_SRUN;
    l->node_ranks = family == COMMAND_SRUN && spec->nodes > 0;
    l->parental =
        family == COMMAND_OPENMPI || family == COMMAND_PRRTE || family == COMMAND_HYDRA;
    rc = start_watched(words, l, err);
    command_free(words);
    if (rc == 0)
        *out = rota_steal(l);
    return rc;
}

/* --- waiting for it -------------------------------------------------------------- */

/* Reap whoever ended. Whether the launcher did, with its status. */
static bool reap(const struct launch *l, int *status)
{
    bool ended = false;
    int st;
    for (pid_t pid; (pid = waitpid(-1, &st, WNOHANG)) > 0;) {
        if (pid != l->pid)
            continue;
        *status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
        ended = true;
    }
    return ended;
}

static void pass_on(struct launch *l, const siginfo_t *info)
{
    int64_t now_ns = clock_now_ns();
    enum launch_heard heard = LAUNCH_PASS_ON;
    bool typed = info->si_code == SI_KERNEL;
    if (l->asked != NULL && !l->any)
        *l->asked = info->si_signo;
    l->any = true;
    bool reached = typed && l->heard == NULL; /* the launcher too, in our group */
    if (l->heard != NULL)
        heard = l->heard(l->ctx, info->si_signo, typed);
    if (heard != LAUNCH_HEARD && l->deadline_ns == INT64_MAX)
        l->deadline_ns = now_ns + ENDING_NS;
    if (heard != LAUNCH_HEARD && ++l->signals >= PATIENCE)
        l->deadline_ns = now_ns;
    /* srun asks its ranks by SIGINT; by others it kills the step at once. */
    bool asks = l->srun && l->signals == 1;
    if (heard == LAUNCH_PASS_ON && !reached)
        kill(l->pid, asks ? SIGINT : info->si_signo);
}

/* Wait for a signal until the next look; pass on what is not a child's. */
static void next_signal(struct launch *l)
{
    sigset_t set = watched();
    siginfo_t info;
    int64_t now = clock_now_ns();
    int64_t until = now + (l->had_children ? LOOK_NS : FIRST_NS);
    int ms = clock_poll_ms(until < l->deadline_ns ? until : l->deadline_ns, now);
    struct timespec t = {ms / 1000, ms % 1000 * NS_PER_MS};
    int sig = sigtimedwait(&set, &info, &t);
    if (sig > 0 && sig != SIGCHLD)
        pass_on(l, &info);
}

/* Whether `pid` is a launcher's daemon: it may outlive all ranks of its host. */
static bool is_daemon(pid_t pid)
{
    static const char *const names[] = {"orted\n", "prted\n", "hydra_pmi_proxy\n"};
    char path[64];
    char name[32] = "";
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    rota_auto(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, name, sizeof(name) - 1) : 0;
    name[n > 0 ? n : 0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Whether there is anyone but the launcher and its daemons; so too where that can't be
 * seen. */
static bool has_children(const struct launch *l)
{
    enum {
        SEEN = 64, /* a host has a daemon or two */
    };
    pid_t pids[SEEN];
    int n = tree_list(0, pids, SEEN);
    if (n < 0 || n > SEEN)
        return true;
    for (int i = 0; i < n; i++)
        if (pids[i] != l->pid && !is_daemon(pids[i]))
            return true;
    return false;
}

/* Whether the launcher is alone, and has been so for too long. */
static bool is_stuck(struct launch *l, int64_t now_ns)
{
    if (!l->parental)
        return false;
    if (has_children(l)) {
        l->had_children = true;
        l->idle_ns = INT64_MAX;
    } else if (l->idle_ns == INT64_MAX) {
        l->idle_ns = now_ns;
    }
    return l->idle_ns != INT64_MAX &&
           now_ns - l->idle_ns >=
               (l->had_children ? IDLE_NS : patience_from_env().join_ns);
}

static int say_stuck(const struct launch *l, struct rota_error *err)
{
    if (l->had_children)
        return error_set(
            err, ROTA_E_LAUNCH,
            "the launcher hung after all that it had started had ended, and "
            "was killed; the exit status is lost with it");
    return error_set(err, ROTA_E_LAUNCH,
                     "the launcher started nothing within %d s, and was killed; "
                     "ROTA_JOIN_MS says how long that may take",
                     (int)(patience_from_env().join_ns / NS_PER_SEC));
}

static void await_descendants(int64_t deadline_ns)
{
    pid_t pid;
    while (tree_list(0, &pid, 1) > 0 && clock_now_ns() < deadline_ns) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
        nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
    }
}

/* What rank 0's parent has left for us, if it has. */
static bool read_status(const struct launch *l, int *status)
{
    char text[16] = "";
    char end;
    int st;
    ssize_t n = pread(l->status_fd, text, sizeof(text) - 1, WORD_SIZE);
    bool found = n > 0 && sscanf(text, "%d%c", &st, &end) == 2 && end == '\n';
    if (found)
        *status = st;
    return found;
}

/* The run is over, and the launcher is not. */
static void end_lingerer(struct launch *l, int64_t now_ns)
{
    int status;
    if (l->deadline_ns != INT64_MAX || !read_status(l, &status))
        return;
    if (l->told_ns == 0)
        l->told_ns = now_ns;
    if (now_ns - l->told_ns < LINGER_NS)
        return;
    l->deadline_ns = now_ns + ENDING_NS;
    kill(l->pid, SIGTERM);
}

static bool is_abandoned(const struct launch *l)
{
    return l->abandoned != NULL && __atomic_load_n(l->abandoned, __ATOMIC_ACQUIRE) != 0;
}

/* Until the launcher has ended, with its status; is stuck; or its time is over. */
static bool await_launcher(struct launch *l, int *status, bool *stuck)
{
    *stuck = false;
    while (!reap(l, status)) {
        if (*stuck || is_abandoned(l) || clock_now_ns() >= l->deadline_ns)
            return false;
        next_signal(l);
        *stuck = is_stuck(l, clock_now_ns());
        end_lingerer(l, clock_now_ns());
    }
    return true;
}

int launch_wait(struct launch *l, int *status, struct rota_error *err)
{
    rota_auto(launch) struct launch *owned = l;
    bool stuck;
    int st = 128 + SIGKILL; /* where we have to kill it */
    if (await_launcher(owned, &st, &stuck))
        await_descendants(clock_now_ns() + DYING_NS);
    int rc = tree_fell(clock_now_ns() + KILL_NS);
    fell_orphans(owned->begun_ns);
    bool told = read_status(owned, &st);
    if (owned->told != NULL)
        *owned->told = told;
    sigprocmask(SIG_SETMASK, &owned->old_mask, NULL);
    if (rc != 0)
        return error_set(err, rc, "cannot end what the launcher started: %s",
                         rota_strerror(rc));
    if (stuck && !told)
        return say_stuck(owned, err);
    *status = st;
    return 0;
}

pid_t launch_pid(const struct launch *l)
{
    return l->pid;
}

/* It waits for SIGCHLD among others, and that has no effect but there. */
void launch_wake(void)
{
    kill(getpid(), SIGCHLD);
}
