/* run.c - rota run: a command for each of many arguments
 *
 * Three ways through this file:
 *
 *     cli_run, no -n    this process is manager and, with its own slots, worker
 *     cli_run, -n N     the front: starts the launcher with N ranks and waits
 *     cli_run_rank      one of these: rank 0 manages, the others work
 *
 * A rank gets the name of the front's desk (desk.h), where standard input is to be
 * had, and the user's words behind a '=' each, as launchers take a lone ':' for a
 * separator, and may take other words for their own.
 */
#include "cli/run.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/tree.h"
#include "cli/desk.h"
#include "cli/options.h"
#include "cli/pilot.h"
#include "cli/pump.h"
#include "cli/record.h"
#include "cli/report.h"
#include "cli/run_file.h"
#include "cli/signals.h"
#include "cli/steer.h"
#include "cli/tasks.h"
#include "farm/crew.h"
#include "farm/link.h"
#include "launch/launch.h"

enum {
    TREE_MS = 5000, /* to end what commands have left, at the very end */
};

static int fail(int status, const struct rota_error *err)
{
    fprintf(stderr, "rota: %s\n", err->text);
    return status;
}

/* --- managing ------------------------------------------------------------- */

struct run {
    const struct run_options *o;
    struct tasks *tasks;
    struct report report;
    struct pilot pilot;
    FILE *joblog;          /* or NULL */
    struct run_file *file; /* so too */
};

/* Tasks come here, */
static int run_next(void *ctx, char ***argv, struct rota_error *err)
{
    struct run *r = ctx;
    int rc = tasks_next(r->tasks, argv, err);
    if (r->file != NULL && rc == ROTA_E_NOTFOUND)
        run_file_listed(r->file);
    if (r->file == NULL || rc != 0)
        return rc;
    rc = run_file_task(r->file, *argv, err);
    if (rc != 0)
        free(*argv);
    return rc;
}

/* and here they end. */
static int run_ended(void *ctx, const struct crew_end *end, struct rota_error *err)
{
    struct run *r = ctx;
    struct ticket k = tasks_take_ticket(r->tasks, end->task);
    int rc = k.folder ? results_add(end, &k, err) : 0;
    if (rc == 0)
        rc = report_ended(&r->report, end, &k, err);
    if (rc == 0 && r->joblog != NULL)
        rc = joblog_add(r->joblog, end, &k, err);
    if (rc == 0 && r->file != NULL)
        rc = run_file_ended(r->file, end, err);
    ticket_done(&k);
    return rc;
}

static void run_lost(void *ctx, int rank, const struct rota_fate *fate, uint64_t again)
{
    struct run *r = ctx;
    report_lost(&r->report, rank, fate, again);
}

static enum crew_course run_steer(void *ctx)
{
    struct run *r = ctx;
    if (r->file != NULL)
        run_file_tick(r->file);
    return pilot_steer(&r->pilot);
}

static bool run_enough(void *ctx)
{
    struct run *r = ctx;
    return pilot_enough(&r->pilot);
}

static int run_open(struct run *r, const struct run_options *o, struct signals *signals,
                    struct rota_error *err)
{
    *r = (struct run){
        .o = o,
        .report = {.out = 1, .err = 2, .summary = o->summary, .verbose = o->verbose},
    };
    pilot_begin(&r->pilot, o, signals, &r->report);
    int rc = tasks_open(o, &r->tasks, err);
    if (rc == 0 && o->joblog != NULL)
        rc = joblog_open(o->joblog, &r->joblog, err);
    if (rc == 0 && o->run_file != NULL)
        rc = run_file_open(o->run_file, o->command, o->command_count, &r->file, err);
    return rc;
}

/* The exit status of a run that ended with `status`. */
static int run_close(struct run *r, int status)
{
    struct rota_error err;
    if (r->joblog != NULL)
        fclose(r->joblog); /* each line was flushed */
    tasks_close(r->tasks);
    if (run_file_close(r->file, status, &err) == 0)
        return status;
    fail(STATUS_INCOMPLETE, &err);
    return status == STATUS_SUCCESS ? STATUS_INCOMPLETE : status;
}

/* Have the crew do it all, say how it went, and give the exit status. */
static int run_crew(struct run *r, struct rota_farm *farm)
{
    struct crew_summary sum = {.complete = false};
    struct rota_error err = {0};
    struct crew_hooks hooks = {
        .ctx = r,
        .retries = r->o->retries,
        .time_limit_ms = r->o->control.time_limit_ms,
        .next = run_next,
        .ended = run_ended,
        .lost = run_lost,
        .enough = run_enough,
        .steer = run_steer,
    };
    pilot_board(&r->pilot, farm, r->tasks);
    int rc = crew_manage(farm, &hooks, &sum, &err);
    pilot_end(&r->pilot);
    return report_close(&r->report, &sum, rc, &err, tasks_left(r->tasks),
                        &r->pilot.steer);
}

static int manage(struct rota_farm *farm, const struct run_options *o,
                  struct signals *signals)
{
    struct run r;
    struct rota_error err;
    int rc = run_open(&r, o, signals, &err);
    int status = rc == 0 ? run_crew(&r, farm) : fail(STATUS_USAGE, &err);
    return run_close(&r, status);
}

/* --- showing what would be done ------------------------------------------- */

enum {
    DRY_NAP_MS = 10,
};

static int show_commands(struct tasks *tasks, struct rota_error *err)
{
    struct blob line = {0};
    int rc;
    for (;;) {
        rc = tasks_next_line(tasks, &line, err);
        if (rc == ROTA_E_TIMEOUT)
            poll(NULL, 0, DRY_NAP_MS);
        else if (rc != 0)
            break;
        else
            puts(line.data);
    }
    blob_done(&line);
    return rc;
}

static int run_dry(const struct run_options *o)
{
    rota_auto(tasks) struct tasks *tasks = NULL;
    struct rota_error err;
    if (tasks_open(o, &tasks, &err) != 0)
        return fail(STATUS_USAGE, &err);
    if (show_commands(tasks, &err) != ROTA_E_NOTFOUND)
        return fail(STATUS_INCOMPLETE, &err);
    if (fflush(stdout) != 0) {
        perror("rota: cannot write the commands");
        return STATUS_INCOMPLETE;
    }
    return STATUS_SUCCESS;
}

/* Whoever runs commands is as nice as they are to be: they inherit it. */
static void be_nice(const struct run_options *o)
{
    if (o->nice > 0)
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + o->nice);
}

/* --- on this machine ------------------------------------------------------ */

static struct gate_limits gate_limits(const struct run_options *o)
{
    return (struct gate_limits){.memory_bytes = o->control.memory_bytes,
                                .load = o->control.load,
                                .noswap = o->control.noswap};
}

static int manage_here(const struct run_options *o, struct signals *signals,
                       const struct execute_options *options)
{
    struct crew_manner manner = pilot_manner(o);
    struct link *link;
    struct rota_farm *farm;
    struct rota_error err;
    int rc = link_alone_open(&link);
    if (rc != 0)
        error_set(&err, rc, "out of memory");
    else
        rc = crew_open(link, options, &manner, &farm, &err);
    if (rc != 0)
        return fail(STATUS_USAGE, &err);
    int status = manage(farm, o, signals);
    rota_farm_close(farm);
    return status;
}

static int run_here(const struct run_options *o)
{
    struct signals signals;
    signals_block();
    be_nice(o);
    if (signals_open(&signals, -1) != 0) {
        perror("rota: cannot watch for signals");
        return STATUS_USAGE;
    }
    struct execute_options options = {.slots = o->slots,
                                      .folder = o->folder,
                                      .gate = gate_limits(o),
                                      .adopts = tree_adopt() == 0};
    int status = manage_here(o, &signals, &options);
    tree_kill(clock_now_ns() + TREE_MS * NS_PER_MS);
    return status;
}

/* --- the front ------------------------------------------------------------ */

/* This very program, as the launcher must name it. */
static char *own_path(void)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n < 0)
        return NULL;
    path[n] = '\0';
    return strdup(path);
}

/* Where rank 0 finds standard input. */
static char at_desk[] = "input:desk";
static char at_launcher[] = "input:launcher";

/* rota run-rank DESK INPUT =WORD...: one block behind the array. */
static char **rank_words(char *self, char *desk, char *input, int argc, char **argv)
{
    static char word[] = "run-rank";
    char *first[] = {self, word, desk, input};
    enum {
        FIRST = sizeof(first) / sizeof(first[0]),
    };
    size_t bytes = 0;
    for (int i = 1; i < argc; i++)
        bytes += strlen(argv[i]) + 2;
    size_t count = (size_t)argc + FIRST;
    char **words = calloc(1, count * sizeof(char *) + bytes);
    if (words == NULL)
        return NULL;
    memcpy(words, first, sizeof(first));
    char *end = (char *)(words + count);
    for (int i = 1; i < argc; i++) {
        words[FIRST + i - 1] = end;
        *end++ = '=';
        end = stpcpy(end, argv[i]) + 1;
    }
    return words;
}

/* Keep the launcher from standard input, and give it to the desk, where rank 0 can
 * fetch it; but if that is elsewhere, leave it to the launcher. A terminal is read here
 * and passed on, as neither of them is in the foreground; and left to whoever else may
 * read it, if nobody wants it. */
static int take_input(const struct run_options *o)
{
    bool wanted = o->inputs.standard > 0;
    bool far = o->launch.hosts != NULL || o->launch.hostfile != NULL;
    bool typed = isatty(0);
    int input = -1;
    if (wanted && far && !typed)
        return -1;
    if (wanted || !typed)
        input = fcntl(0, F_DUPFD_CLOEXEC, 3);
    if (wanted && typed && input >= 0)
        input = pump_open(input);
    rota_auto(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(wanted && far ? input : null, 0);
    if (!wanted || !far)
        return input;
    close(input);
    return -1;
}

/* How the run went, as far as the front knows. */
struct outcome {
    struct desk *desk;
    bool came;          /* rank 0 came to it */
    int said;           /* the exit status that it said there, or -1 */
    int launcher;       /* the launcher's */
    struct steer steer; /* by the signals that this process got */
};

/* Rank 0, which has the run in hand, hears of it. Where it is not there, everything is
 * to end. */
static enum launch_heard front_heard(void *ctx, int signal, bool typed)
{
    struct outcome *o = ctx;
    if (!steer_signal(&o->steer, clock_now_ns(), signal, typed))
        return LAUNCH_HEARD;
    if (!desk_pass_on(o->desk, signal))
        return LAUNCH_PASS_ON;
    return o->steer.course == CREW_STOP ? LAUNCH_ENDS : LAUNCH_HEARD;
}

static int incomplete(const char *why, int launcher)
{
    fprintf(stderr,
            "rota: the run could not be completed: %s (the launcher's status is %d)\n",
            why, launcher);
    return STATUS_INCOMPLETE;
}

/* Rank 0's word counts, where there is one. A launcher that is asked to stop may
 * ask its ranks by another signal: the user's counts. One that asks its ranks
 * unasked is aborting the run, and does not end with 0. */
static int run_status(const struct outcome *o)
{
    bool stopped = o->said >= STATUS_SIGNAL;
    if (o->said >= 0 && !stopped)
        return o->said;
    if (o->steer.signal != 0)
        return STATUS_SIGNAL + o->steer.signal;
    if (!o->came && o->launcher <= STATUS_INCOMPLETE)
        return o->launcher; /* rank 0's own, from where there is no desk */
    if (!o->came)
        return incomplete("the launcher ended without a word of rank 0", o->launcher);
    if (!stopped)
        return incomplete("its manager, rank 0, ended before it", o->launcher);
    return o->launcher == 0 ? o->said : incomplete("it was ended", o->launcher);
}

static int front_launch(const struct run_options *o, char **words,
                        struct outcome *outcome)
{
    struct launch_spec spec = {
        .ranks = o->launch.ranks,
        .mpiexec = o->launch.mpiexec,
        .hosts = o->launch.hosts,
        .hostfile = o->launch.hostfile,
        .argv = words,
        .heard = front_heard,
        .ctx = outcome,
    };
    struct launch *l;
    struct rota_error err;
    if (launch_start(&spec, &l, &err) != 0)
        return fail(STATUS_USAGE, &err);
    if (launch_wait(l, &outcome->launcher, &err) != 0)
        return fail(STATUS_INCOMPLETE, &err);
    return 0;
}

static int run_front(const struct run_options *o, int argc, char **argv)
{
    char name[DESK_NAME_SIZE];
    struct rota_error err;
    struct outcome outcome = {0};
    static const struct halt never = {.when = HALT_NEVER};
    steer_init(&outcome.steer, &never);
    int input = take_input(o);
    if (desk_open(input, name, &outcome.desk, &err) != 0)
        return fail(STATUS_USAGE, &err);
    rota_auto(heap) char *self = own_path();
    rota_auto(heap) char **words = NULL;
    if (self != NULL)
        words = rank_words(self, name, input >= 0 ? at_desk : at_launcher, argc, argv);
    int status = STATUS_USAGE;
    if (words == NULL)
        perror("rota: cannot name this program");
    else
        status = front_launch(o, words, &outcome);
    outcome.came = desk_close(outcome.desk, &outcome.said);
    return status ? status : run_status(&outcome);
}

int cli_run(int argc, char **argv)
{
    struct run_options o;
    run_options_parse(argc, argv, &o);
    if (o.inputs.standard > 0 && isatty(0))
        fprintf(stderr, "rota: reading arguments from the terminal, one a line; end "
                        "with Ctrl-D\n");
    int status;
    if (o.dry)
        status = run_dry(&o);
    else if (o.launch.ranks == 0)
        status = run_here(&o);
    else
        status = run_front(&o, argc, argv);
    run_options_done(&o);
    return status;
}

/* --- a rank --------------------------------------------------------------- */

/* A worker leaves by the same signals that end a run at once. */
struct leaving {
    struct signals *signals;
    struct steer steer;
};

static bool worker_stop(void *ctx)
{
    struct leaving *l = ctx;
    bool single;
    for (int signal; (signal = signals_next(l->signals, &single)) != 0;)
        steer_signal(&l->steer, clock_now_ns(), signal, single);
    return l->steer.course == CREW_STOP;
}

/* A worker that can't go on says so, unless it is for the manager's end: that is
 * the front's to say, once. */
static int rank_works(struct rota_farm *farm, struct signals *signals)
{
    struct rota_error err;
    struct leaving leaving = {.signals = signals};
    static const struct halt never = {.when = HALT_NEVER};
    steer_init(&leaving.steer, &never);
    int rc = crew_work(farm, worker_stop, &leaving, &err);
    if (rc == 0)
        return STATUS_SUCCESS;
    return rc == ROTA_E_LOST ? STATUS_INCOMPLETE : fail(STATUS_INCOMPLETE, &err);
}

/* Whether rank 0 has the list that it is to do: past the launcher, or none at all. */
static bool has_input(const struct run_options *o, int desk, const char *input)
{
    if (desk >= 0 || o->inputs.standard == 0 || strcmp(input, at_desk) != 0)
        return true;
    fprintf(stderr, "rota: cannot read the list on standard input: rank 0 is on "
                    "another machine; give the arguments behind ':::', or name the "
                    "hosts with --hosts\n");
    return false;
}

/* What this rank is there for. */
static int rank_runs(struct rota_farm *farm, const struct run_options *o, int desk,
                     const char *input)
{
    struct signals signals;
    if (signals_open(&signals, desk) != 0) {
        perror("rota: cannot watch for signals");
        return STATUS_USAGE;
    }
    if (rota_farm_rank(farm) != 0 || rota_farm_size(farm) == 1)
        be_nice(o);
    if (rota_farm_rank(farm) != 0)
        return rank_works(farm, &signals);
    return has_input(o, desk, input) ? manage(farm, o, &signals) : STATUS_INCOMPLETE;
}

/* `r` is taken. */
static int rank_farm(struct rota *r, const struct run_options *o, int desk,
                     const char *input)
{
    struct execute_options options = {.slots = o->slots,
                                      .folder = o->folder,
                                      .gate = gate_limits(o),
                                      .in_rank = true};
    struct crew_manner manner = pilot_manner(o);
    struct link *link;
    struct rota_farm *farm;
    struct rota_error err;
    int rc = link_ranks_open(r, &link);
    if (rc != 0) {
        rota_close(r);
        error_set(&err, rc, "out of memory");
    } else {
        rc = crew_open(link, &options, &manner, &farm, &err);
    }
    if (rc != 0)
        return fail(STATUS_USAGE, &err);
    int status = rank_runs(farm, o, desk, input);
    rota_farm_close(farm);
    return status;
}

int cli_run_rank(int argc, char **argv)
{
    enum {
        DESK = 1,
        INPUT,
    };
    struct run_options o;
    struct rota *r;
    struct rota_error err;

    signals_block();
    if (argc <= INPUT) {
        fprintf(stderr, "rota: run-rank is what 'rota run -n N' starts\n");
        return STATUS_USAGE;
    }
    if (link_ranks_join(NULL, NULL, &r, &err) != 0)
        return fail(STATUS_USAGE, &err);
    for (int i = INPUT + 1; i < argc; i++)
        argv[i] += argv[i][0] == '=' ? 1 : 0;
    int desk = rota_rank(r) == 0 ? desk_come(argv[DESK]) : -1;
    char *input = argv[INPUT];
    run_options_parse(argc - INPUT, argv + INPUT, &o);

    int status = rank_farm(r, &o, desk, input);
    run_options_done(&o);
    desk_leave(desk, status);
    return desk >= 0 ? STATUS_SUCCESS : status;
}
