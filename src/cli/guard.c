/* guard.c - rota guard: an MPI program that can't go on is told so, and ended
 *
 * This process starts the launcher, which starts a parent above each rank
 * (guard/shim.h), and waits for it; the monitor (guard/monitor.h) runs beside that in a
 * thread of its own.
 */
#include "cli/guard.h"

#include <argp.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/scratch.h"
#include "cli/keeper.h"
#include "cli/outlet.h"
#include "guard/invite.h"
#include "guard/monitor.h"
#include "guard/report.h"
#include "guard/shim.h"
#include "launch/launch.h"

enum {
    EXIT_NOT_STARTED = 2,
    EXIT_HANG = 3,
};

#define LAUNCHER_NS (3 * NS_PER_SEC)
#define SETTLE_NS   (500 * NS_PER_MS)

struct words {
    const char *name; /* of the command */
    struct launch_options launch;
    struct guard_options options;
    char **program;
};

/* The guard at work. */
struct guard {
    const struct words *words;
    struct monitor *monitor;
    pid_t launcher;
    bool told; /* that it hangs */
    enum told_why why;
    int status;
    int abandoned; /* the launcher */
    int asked;     /* to stop, by this signal */
    int over;      /* the launcher has ended */
};

static const char doc[] =
    "Start PROGRAM, an MPI program as it is, on N ranks, and watch it. Where it can't "
    "go "
    "on, say so: who waits for whom, where, since when; and end it."
    "\v"
    "Nothing needs to be compiled anew: C, C++, Fortran and Python programs are "
    "watched "
    "through their calls of MPI. A rank that computes for long is never taken for one "
    "that hangs.\n"
    "\n"
    "  rota guard -n 4 -- python3 mpi_fail.py\n"
    "  rota guard -n 8 --timeout 600 -- ./solver input\n"
    "\n"
    "The exit status is 3 if the program hung, or its time was over; else its own: "
    "that "
    "of the first rank that ended with another status than 0, 128 + N where signal N "
    "ended it; 2 where nothing was started.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct words *w = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &w->options;
        state->child_inputs[1] = &w->launch;
        return 0;
    case ARGP_KEY_ARGS:
        w->program = state->argv + state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no program to start: name one");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- at work
 * ---------------------------------------------------------------------------- */

static void write_file(const struct guard *g, const char *path,
                       int (*report)(FILE *to, const struct told *told),
                       const struct told *told)
{
    if (path == NULL)
        return;
    FILE *to = fopen(path, "w");
    int rc = to == NULL ? ROTA_E_IO : report(to, told);
    if (to != NULL && fclose(to) != 0 && rc == 0)
        rc = ROTA_E_IO;
    if (rc != 0)
        fprintf(stderr, "%s: cannot write '%s': %s\n", g->words->name, path,
                rc == ROTA_E_IO ? strerror(errno) : rota_strerror(rc));
}

/* From the monitor's thread. What the ranks have printed comes first, so that the
 * report is the last that a person sees. */
static void tell(void *context, const struct told *told)
{
    struct guard *g = context;
    const struct guard_options *o = &g->words->options;
    outlet_await(g->launcher, SETTLE_NS, false, &g->asked);
    g->told = told->why == TOLD_HANG;
    if (o->json)
        report_json(stderr, told);
    else
        report_text(stderr, told, o->verbose || o->on_hang != ON_HANG_KILL);
    write_file(g, o->report, report_json, told);
    write_file(g, o->html, report_html, told);
    write_file(g, o->dot, report_dot, told);
}

static bool is_one_host(const struct words *w)
{
    return w->launch.hosts == NULL && w->launch.hostfile == NULL &&
           getenv("SLURM_JOB_ID") == NULL;
}

/* A launcher whose ranks are ended in the midst of MPI takes its time over it, and now
 * and then hangs or crashes (Open MPI 4.1.4): on one host it is not waited for.
 * Elsewhere it has files to remove, and gets a while. What the ranks have printed is
 * waited for as long as there is somebody who reads it. */
static void abandon_launcher(struct guard *g)
{
    outlet_await(g->launcher, SETTLE_NS, true, &g->asked);
    int64_t deadline_ns = clock_now_ns() + LAUNCHER_NS;
    while (!is_one_host(g->words) && clock_now_ns() < deadline_ns &&
           __atomic_load_n(&g->over, __ATOMIC_ACQUIRE) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    __atomic_store_n(&g->abandoned, 1, __ATOMIC_RELEASE);
    launch_wake();
}

/* In a thread. */
static void *watch(void *context)
{
    struct guard *g = context;
    g->why = monitor_run(g->monitor, &g->status);
    if (g->why == TOLD_TIMEOUT && g->told)
        fprintf(stderr, "%s: the time limit is over, and the program is ended\n",
                g->words->name);
    if (g->why != TOLD_NOTHING)
        abandon_launcher(g);
    return NULL;
}

/* Open MPI keeps files of its own as long as it runs: in a folder that is gone with us,
 * however it ends. Other hosts have no such folder. */
static char *make_folder(const struct words *w)
{
    const char *dir = getenv("TMPDIR");
    char *path = NULL;
    if (!is_one_host(w) ||
        asprintf(&path, "%s/rota-guard.XXXXXX", dir ? dir : "/tmp") < 0)
        return NULL;
    if (mkdtemp(path) != NULL && setenv("OMPI_MCA_orte_tmpdir_base", path, 0) == 0)
        return path;
    free(path);
    return NULL;
}

static char **make_command(char **program)
{
    static char verb[] = "guard-rank";
    static char self[4096];
    size_t count = 0;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    while (program[count] != NULL)
        count++;
    char **argv = n > 0 ? calloc(count + 3, sizeof(*argv)) : NULL;
    if (argv == NULL)
        return NULL;
    argv[0] = self;
    argv[1] = verb;
    for (size_t i = 0; i < count; i++)
        argv[2 + i] = program[i];
    return argv;
}

static unsigned asks(enum on_hang on_hang)
{
    switch (on_hang) {
    case ON_HANG_REPORT:
        return 0;
    case ON_HANG_STACKS:
        return SHIM_ASK_FLUSH | SHIM_ASK_STAY | SHIM_ASK_STACKS;
    case ON_HANG_CORE:
        return SHIM_ASK_FLUSH | SHIM_ASK_STOP | SHIM_ASK_CORE;
    default:
        return SHIM_ASK_FLUSH | SHIM_ASK_STAY;
    }
}

/* The ranks inherit it, on this host; srun hands it on. */
static void allow_cores(const struct words *w)
{
    struct rlimit limit;
    if (w->options.on_hang != ON_HANG_CORE || getrlimit(RLIMIT_CORE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_max == 0)
        fprintf(stderr,
                "%s: there will be no core dumps: their size is limited to 0 here "
                "(ulimit -H -c)\n",
                w->name);
}

static int open_monitor(struct guard *g, struct rota_error *err)
{
    const struct words *w = g->words;
    struct liveness_invitation invitation;
    const struct monitor_options o = {
        .ranks = w->launch.ranks,
        .one_host = is_one_host(w),
        .lets_go_on = w->options.on_hang == ON_HANG_REPORT,
        .asked = &g->asked,
        .asks = asks(w->options.on_hang),
        .timeout_ns = w->options.timeout_ns,
        .grace_ns = w->options.grace_ns,
        .quiet_ns = w->options.quiet_ns,
        .tell = tell,
        .context = g,
    };
    int rc = monitor_open(&o, &invitation, &g->monitor, err);
    if (rc == 0 && invite_put(&invitation) != 0)
        rc = error_set(err, ROTA_E_NOMEM, "out of memory");
    return rc;
}

/* The launcher is told nothing but zeros. If it has a status of its own, it has ended
 * the ranks itself (MPI_Abort), and what they then say of their ends does not count. */
static int status_of(const struct guard *g, int launchers)
{
    if (g->asked != 0)
        return 128 + g->asked;
    if (g->why == TOLD_HANG || g->why == TOLD_TIMEOUT)
        return EXIT_HANG;
    if (g->why == TOLD_DEATH) /* one that was lost has no status */
        return g->status > 0 ? g->status : EXIT_HANG;
    return launchers != 0 || g->status < 0 ? launchers : g->status;
}

static int run(struct guard *g, struct rota_error *err, int *status)
{
    struct launch *l;
    pthread_t thread;
    rota_auto(heap) char **argv = make_command(g->words->program);
    struct launch_spec spec = {
        .argv = argv, .asked = &g->asked, .abandoned = &g->abandoned};
    if (argv == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    int rc = launch_options_apply(&g->words->launch, &spec, err);
    if (rc == 0)
        rc = launch_start(&spec, &l, err);
    if (rc != 0)
        return rc;
    g->launcher = launch_pid(l);
    signal(SIGPIPE, SIG_IGN); /* from here on, and not for the program: a report that
                                 nobody reads is no reason to leave it running */
    bool watched = pthread_create(&thread, NULL, watch, g) == 0;
    if (!watched)
        abandon_launcher(g);
    rc = launch_wait(l, status, err);
    __atomic_store_n(&g->over, 1, __ATOMIC_RELEASE);
    monitor_stop(g->monitor);
    if (!watched)
        return error_set(err, ROTA_E_NOMEM, "cannot start a thread to watch the ranks");
    pthread_join(thread, NULL);
    /* However the launcher took it: the ranks' ends are known, or who ended them. */
    bool known = g->asked != 0 || g->status >= 0;
    if (g->why != TOLD_NOTHING || (rc == ROTA_E_LAUNCH && known)) {
        rc = 0;
        *status = 0;
    }
    *status = status_of(g, *status);
    return rc;
}

/* In a process of its own: when the one that a person knows is killed, this one ends
 * the launcher as it should be, and clears up behind it. */
static int guard(void *context)
{
    const struct words *words = context;
    struct guard g = {.words = words};
    struct rota_error err;
    int status = EXIT_NOT_STARTED;
    char *folder = make_folder(words);
    allow_cores(words);
    int rc = open_monitor(&g, &err);
    if (rc == 0)
        rc = run(&g, &err, &status);
    scratch_remove(folder, NULL);
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", words->name, err.text);
        status = EXIT_NOT_STARTED;
    }
    monitor_free(g.monitor);
    return status;
}

int guard_start(const char *name, const struct guard_options *options,
                const struct launch_options *launch, char **program)
{
    struct words words = {
        .name = name, .options = *options, .launch = *launch, .program = program};
    struct keeper_end end;
    struct rota_error err;
    if (keeper_run(guard, &words, &end, &err) != 0) {
        fprintf(stderr, "%s: %s\n", name, err.text);
        return EXIT_NOT_STARTED;
    }
    if (end.signal == 0)
        return end.status;
    fprintf(stderr, "%s: its process was killed by signal %d (SIG%s)\n", name,
            end.signal, sigabbrev_np(end.signal));
    return 128 + end.signal;
}

int cli_guard(int argc, char **argv)
{
    static char name[] = "rota guard";
    const struct argp_child children[] = {{&guard_options_argp, 0, "Watching:", 20},
                                          {&launch_options_argp, 0, NULL, 0},
                                          {0}};
    const struct argp argp = {
        .parser = parse,
        .args_doc = "PROGRAM [ARG...]",
        .doc = doc,
        .children = children,
    };
    struct words words = {.launch.ranks = 1};

    argv[0] = name;
    guard_options_init(&words.options);
    argp_err_exit_status = EXIT_NOT_STARTED;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &words);
    return guard_start(name, &words.options, &words.launch, words.program);
}

int cli_guard_rank(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "rota guard-rank: for 'rota guard' alone\n");
        return EXIT_NOT_STARTED;
    }
    return shim_run(argv + 1);
}
