/* guard.c - rota guard: an MPI program that can't go on is told so, and ended
 *
 * This process starts the launcher, which starts a parent above each rank
 * (guard/shim.h), and waits for it; the monitor (guard/monitor.h) runs beside that in a
 * thread of its own.
 */
#include "cli/guard.h"

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
#include "base/self.h"
#include "cli/outlet.h"
#include "guard/invite.h"
#include "guard/monitor.h"
#include "guard/report.h"
#include "guard/shim.h"
#include "launch/launch.h"

enum {
    EXIT_HANG = 3,
};

#define LAUNCHER_NS (3 * NS_PER_SEC)
#define SETTLE_NS   (500 * NS_PER_MS)

/* The guard at work. */
struct guard {
    const struct program *program;
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
    "go on, say so: who waits for whom, where, since when; and end it."
    "\v"
    "Nothing needs to be compiled anew: C, C++, Fortran and Python programs are "
    "watched through their calls of MPI. A rank that computes for long is never taken "
    "for one "
    "that hangs.\n"
    "\n"
    "  rota guard -n 4 -- python3 mpi_fail.py\n"
    "  rota guard -n 8 --timeout 600 -- ./solver input\n"
    "\n"
    "The exit status is 3 if the program hung, or its time was over; else its own: "
    "that of the first rank that ended with another status than 0, 128 + N where "
    "signal N "
    "ended it; 2 where nothing was started.";

/* ---- at work --------------------------------------------------------------------- */

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
        fprintf(stderr, "%s: cannot write '%s': %s\n", g->program->name, path,
                rc == ROTA_E_IO ? strerror(errno) : rota_strerror(rc));
}

/* From the monitor's thread. What the ranks have printed comes first, so that the
 * report is the last that a person sees. */
static void tell(void *context, const struct told *told)
{
    struct guard *g = context;
    const struct guard_options *o = &g->program->guard;
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

static bool is_one_host(const struct program *p)
{
    return p->launch.hosts == NULL && p->launch.hostfile == NULL &&
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
    while (!is_one_host(g->program) && clock_now_ns() < deadline_ns &&
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
                g->program->name);
    if (g->why != TOLD_NOTHING)
        abandon_launcher(g);
    return NULL;
}

/* Open MPI keeps files of its own as long as it runs: in a folder that is gone with us,
 * however it ends. Other hosts have no such folder. */
static char *make_folder(const struct program *p)
{
    char *path = NULL;
    if (!is_one_host(p) || asprintf(&path, "%s/rota-guard.XXXXXX", scratch_above()) < 0)
        return NULL;
    if (mkdtemp(path) != NULL && setenv("OMPI_MCA_orte_tmpdir_base", path, 0) == 0)
        return path;
    free(path);
    return NULL;
}

/* `self` is borrowed. */
static char **make_command(char *self, char **program)
{
    static char verb[] = "guard-rank";
    size_t count = 0;
    while (program[count] != NULL)
        count++;
    char **argv = calloc(count + 3, sizeof(*argv));
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
static void allow_cores(const struct program *p)
{
    struct rlimit limit;
    if (p->guard.on_hang != ON_HANG_CORE || getrlimit(RLIMIT_CORE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_max == 0)
        fprintf(stderr,
                "%s: there will be no core dumps: their size is limited to 0 here "
                "(ulimit -H -c)\n",
                p->name);
}

static int open_monitor(struct guard *g, struct rota_error *err)
{
    const struct program *p = g->program;
    struct liveness_invitation invitation;
    const struct monitor_options o = {
        .ranks = p->launch.ranks,
        .one_host = is_one_host(p),
        .lets_go_on = p->guard.on_hang == ON_HANG_REPORT,
        .asked = &g->asked,
        .asks = asks(p->guard.on_hang),
        .timeout_ns = p->guard.timeout_ns,
        .grace_ns = p->guard.grace_ns,
        .quiet_ns = p->guard.quiet_ns,
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
    rota_auto(heap) char *self = NULL;
    if (self_path(is_one_host(g->program), &self) != 0)
        return error_set(err, ROTA_E_IO, "cannot find this program: %s",
                         strerror(errno));
    rota_auto(heap) char **argv = make_command(self, g->program->argv);
    struct launch_spec spec = {.argv = argv,
                               .bound = true, /* as it would be without us */
                               .asked = &g->asked,
                               .abandoned = &g->abandoned};
    if (argv == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    int rc = launch_options_apply(&g->program->launch, &spec, err);
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

static int guard(void *context)
{
    const struct program *program = context;
    struct guard g = {.program = program};
    struct rota_error err;
    int status = PROGRAM_NOT_STARTED;
    char *folder = make_folder(program);
    allow_cores(program);
    int rc = open_monitor(&g, &err);
    if (rc == 0)
        rc = run(&g, &err, &status);
    scratch_remove(folder, NULL);
    if (rc != 0) {
        fprintf(stderr, "%s: %s\n", program->name, err.text);
        status = PROGRAM_NOT_STARTED;
    }
    monitor_free(g.monitor);
    return status;
}

int guard_start(struct program *program)
{
    return program_keep(program->name, guard, program);
}

int cli_guard(int argc, char **argv)
{
    static char name[] = "rota guard";
    struct program p;
    program_read(name, doc, "Watching:", argc, argv, &p);
    return guard_start(&p);
}

int cli_guard_rank(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "rota guard-rank: for 'rota guard' alone\n");
        return PROGRAM_NOT_STARTED;
    }
    return shim_run(argv + 1);
}
