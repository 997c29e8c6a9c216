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
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/scratch.h"
#include "cli/keeper.h"
#include "cli/launch_options.h"
#include "guard/invite.h"
#include "guard/monitor.h"
#include "guard/report.h"
#include "guard/shim.h"
#include "guard/words.h"
#include "launch/launch.h"

enum {
    EXIT_NOT_STARTED = 2,
    EXIT_HANG = 3,
    KEY_ON_HANG = 0x2000,
    KEY_TIMEOUT,
    KEY_GRACE,
    KEY_QUIET,
    KEY_JSON,
    KEY_HTML,
    KEY_DOT,
};

#define LAUNCHER_NS (3 * NS_PER_SEC)
#define GRACE_NS    (2 * NS_PER_SEC)

enum on_hang {
    ON_HANG_KILL,
    ON_HANG_REPORT,
    ON_HANG_STACKS,
    ON_HANG_CORE,
};

struct words {
    struct launch_options launch;
    enum on_hang on_hang;
    int64_t timeout_ns;
    int64_t grace_ns;
    int64_t quiet_ns;
    bool json;
    const char *html; /* files; or NULL */
    const char *dot;
    char **program;
};

/* The guard at work. */
struct guard {
    const struct words *words;
    struct monitor *monitor;
    enum monitor_why why;
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

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Watching:", 20},
    {"on-hang", KEY_ON_HANG, "WHAT", 0,
     "what to do then: kill (report, and end the program; the default), report (report "
     "alone: it is left as it is), stacks (report with all of each rank's stack, and "
     "end it), core (report, and end it so that each rank leaves a core dump)",
     0},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0,
     "end the program after so long, whatever it does, and say what it did", 0},
    {"grace", KEY_GRACE, "SECONDS", 0,
     "how long the others may go on after a rank has died without MPI_Finalize (2); "
     "'none' for as long as they like",
     0},
    {"quiet", KEY_QUIET, "SECONDS", 0,
     "take it for a hang, too, if nothing has come of all calls for so long where it "
     "can't be proved: a rank polls, has several threads in MPI, or waits for a lock "
     "(never)",
     0},
    {"json", KEY_JSON, NULL, 0, "report in JSON", 0},
    {"html", KEY_HTML, "FILE", 0,
     "write the report as a page with a picture of who waits for whom, too", 0},
    {"dot", KEY_DOT, "FILE", 0, "write who waits for whom, for Graphviz, too", 0},
    {0},
};

/* ---- words
 * ---------------------------------------------------------------------------- */

static error_t parse_seconds(struct argp_state *state, const char *name,
                             const char *arg, int64_t *out)
{
    char *end;
    errno = 0;
    double s = strtod(arg, &end);
    if (errno != 0 || end == arg || *end != '\0' || !(s >= 0) || s > 1e9)
        argp_error(state, "--%s '%s': not a number of seconds", name, arg);
    *out = (int64_t)(s * (double)NS_PER_SEC);
    return 0;
}

static error_t parse_on_hang(struct argp_state *state, const char *arg,
                             enum on_hang *out)
{
    static const char *const names[] = {[ON_HANG_KILL] = "kill",
                                        [ON_HANG_REPORT] = "report",
                                        [ON_HANG_STACKS] = "stacks",
                                        [ON_HANG_CORE] = "core"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(arg, names[i]) == 0) {
            *out = (enum on_hang)i;
            return 0;
        }
    }
    argp_error(state, "--on-hang '%s': there is kill, report, stacks and core", arg);
    return EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct words *w = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &w->launch;
        return 0;
    case KEY_ON_HANG:
        return parse_on_hang(state, arg, &w->on_hang);
    case KEY_TIMEOUT:
        return parse_seconds(state, "timeout", arg, &w->timeout_ns);
    case KEY_GRACE:
        if (strcmp(arg, "none") != 0)
            return parse_seconds(state, "grace", arg, &w->grace_ns);
        w->grace_ns = -1;
        return 0;
    case KEY_QUIET:
        return parse_seconds(state, "quiet", arg, &w->quiet_ns);
    case KEY_JSON:
        w->json = true;
        return 0;
    case KEY_HTML:
        w->html = arg;
        return 0;
    case KEY_DOT:
        w->dot = arg;
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

static void say_why(const struct monitor_told *told)
{
    double s = (double)told->ran_ns / (double)NS_PER_SEC;
    if (told->why == MONITOR_TIMEOUT) {
        fprintf(stderr, "rota guard: the time limit is over after %.1f s\n", s);
    } else if (told->why == MONITOR_DEATH) {
        const struct look_rank *r = &told->look->ranks[told->dead];
        char how[128] = "was lost";
        struct rota_fate fate = {.how =
                                     r->how == LOOK_EXITED ? ROTA_EXITED : ROTA_KILLED,
                                 .code = r->how_code};
        if (r->state == LOOK_GONE)
            rota_fate_text(fate, how, sizeof(how));
        fprintf(stderr,
                "rota guard: rank %d %s without MPI_Finalize; the others are ended\n",
                told->dead, how);
    }
}

/* Where they are, with no verdict on it. */
static void say_ranks(const struct look *l)
{
    for (int i = 0; i < l->size; i++) {
        const struct look_rank *r = &l->ranks[i];
        fprintf(stderr, "  rank %d: %s", i, words_state(r->state));
        if (r->call != NULL && r->state != LOOK_GONE)
            fprintf(stderr, ", %s %s at ", r->state == LOOK_RUNNING ? "after" : "in",
                    r->call);
        if (r->call != NULL && r->state != LOOK_GONE && !words_site(stderr, &r->site))
            fputs("an unknown place", stderr);
        fputs(", for ", stderr);
        words_duration(stderr, l->now_ns - r->since_ns);
        fputc('\n', stderr);
    }
}

typedef int report_fn(FILE *to, const struct look *l, const struct verdict *v);

static void write_file(const char *path, report_fn *report,
                       const struct monitor_told *told)
{
    if (path == NULL)
        return;
    FILE *to = fopen(path, "w");
    int rc = to == NULL ? ROTA_E_IO : report(to, told->look, told->verdict);
    if (to != NULL && fclose(to) != 0 && rc == 0)
        rc = ROTA_E_IO;
    if (rc != 0)
        fprintf(stderr, "rota guard: cannot write '%s': %s\n", path,
                rc == ROTA_E_IO ? strerror(errno) : rota_strerror(rc));
}

/* From the monitor's thread. */
static void tell(void *context, const struct monitor_told *told)
{
    const struct guard *g = context;
    write_file(g->words->html, report_html, told);
    write_file(g->words->dot, report_dot, told);
    if (g->words->json) {
        report_json(stderr, told->look, told->verdict);
        return;
    }
    say_why(told);
    if (told->verdict->what == VERDICT_GOING_ON)
        say_ranks(told->look);
    else
        report_text(stderr, told->look, told->verdict, true);
}

static void tell_stack(void *context, int rank, const char *text)
{
    (void)context;
    fprintf(stderr, "  stack of rank %d:\n%s", rank, text);
}

static bool is_one_host(const struct words *w)
{
    return w->launch.hosts == NULL && w->launch.hostfile == NULL &&
           getenv("SLURM_JOB_ID") == NULL;
}

/* A launcher whose ranks are ended in the midst of MPI takes its time over it, and now
 * and then hangs or crashes (Open MPI 4.1.4): on one host it is not waited for.
 * Elsewhere it has files to remove, and gets a while. */
static void abandon_launcher(struct guard *g)
{
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
    if (g->why != MONITOR_ENDED)
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
        return SHIM_ASK_FLUSH | SHIM_ASK_CORE;
    default:
        return SHIM_ASK_FLUSH | SHIM_ASK_STAY;
    }
}

static int open_monitor(struct guard *g, struct rota_error *err)
{
    const struct words *w = g->words;
    struct liveness_invitation invitation;
    const struct monitor_options o = {
        .ranks = w->launch.ranks,
        .one_host = is_one_host(w),
        .lets_go_on = w->on_hang == ON_HANG_REPORT,
        .asked = &g->asked,
        .asks = asks(w->on_hang),
        .timeout_ns = w->timeout_ns,
        .grace_ns = w->grace_ns,
        .quiet_ns = w->quiet_ns,
        .tell = tell,
        .tell_stack = w->json ? NULL : tell_stack,
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
    if (g->why == MONITOR_HANG || g->why == MONITOR_TIMEOUT)
        return EXIT_HANG;
    if (g->why == MONITOR_DEATH) /* one that was lost has no status */
        return g->status > 0 ? g->status : EXIT_HANG;
    return launchers != 0 || g->status < 0 ? launchers : g->status;
}

static int run(struct guard *g, struct rota_error *err, int *status)
{
    const struct words *w = g->words;
    struct launch *l;
    pthread_t thread;
    rota_auto(heap) char **argv = make_command(w->program);
    struct launch_spec spec = {
        .ranks = w->launch.ranks,
        .mpiexec = w->launch.mpiexec,
        .hosts = w->launch.hosts,
        .hostfile = w->launch.hostfile,
        .argv = argv,
        .asked = &g->asked,
        .abandoned = &g->abandoned,
    };
    if (argv == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    int rc = launch_start(&spec, &l, err);
    if (rc != 0)
        return rc;
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
    if (g->why != MONITOR_ENDED)
        rc = 0; /* however the launcher took it */
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
    int rc = open_monitor(&g, &err);
    if (rc == 0)
        rc = run(&g, &err, &status);
    scratch_remove(folder, NULL);
    if (rc != 0) {
        fprintf(stderr, "rota guard: %s\n", err.text);
        status = EXIT_NOT_STARTED;
    }
    monitor_free(g.monitor);
    return status;
}

int cli_guard(int argc, char **argv)
{
    static char name[] = "rota guard";
    const struct argp_child children[] = {{&launch_options_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "PROGRAM [ARG...]",
        .doc = doc,
        .children = children,
    };
    struct words words = {.launch.ranks = 1, .grace_ns = GRACE_NS};
    struct keeper_end end;
    struct rota_error err;

    argv[0] = name;
    argp_err_exit_status = EXIT_NOT_STARTED;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &words);
    if (keeper_run(guard, &words, &end, &err) != 0) {
        fprintf(stderr, "rota guard: %s\n", err.text);
        return EXIT_NOT_STARTED;
    }
    if (end.signal == 0)
        return end.status;
    fprintf(stderr, "rota guard: its process was killed by signal %d (SIG%s)\n",
            end.signal, sigabbrev_np(end.signal));
    return 128 + end.signal;
}

int cli_guard_rank(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "rota guard-rank: for 'rota guard' alone\n");
        return EXIT_NOT_STARTED;
    }
    return shim_run(argv + 1);
}
