/* run.c - rota run: a command for each of many arguments
 *
 * Three ways through this file:
 *
 *     cli_run, no -n    a child (keeper.h) is manager and, with its own slots, worker
 *     cli_run, -n N     the front (front.h) starts the launcher with N ranks and waits
 *     cli_run_rank      one of these: rank 0 manages, the others work
 *
 * In the first two ways what waits outlives the manager, and may begin again
 * (restart.h).
 */
#include "cli/run.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/tree.h"
#include "cli/desk.h"
#include "cli/front.h"
#include "cli/keeper.h"
#include "cli/options.h"
#include "cli/record.h"
#include "cli/report.h"
#include "cli/restart.h"
#include "cli/run_dir.h"
#include "cli/run_file.h"
#include "cli/signals.h"
#include "cli/tasks.h"
#include "farm/crew.h"
#include "farm/link.h"

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
    struct signals *signals;
    FILE *joblog;          /* or NULL */
    struct run_file *file; /* so too */
    bool opened;           /* it, and its list */
    bool complete;         /* all that there is to do was tried */
    struct halt seen;
};

/* Tasks come here, */
static int run_next(void *ctx, char ***argv, uint64_t *number, struct rota_error *err)
{
    struct run *r = ctx;
    return tasks_next(r->tasks, argv, number, err);
}

/* and here they end. */
static int run_ended(void *ctx, const struct crew_end *end, struct rota_error *err)
{
    struct run *r = ctx;
    struct ticket k = tasks_take_ticket(r->tasks, end->task + 1);
    int rc = k.folder ? results_add(end, &k, err) : 0;
    if (rc == 0)
        rc = report_ended(&r->report, end, &k, err);
    if (rc == 0 && r->joblog != NULL)
        rc = joblog_add(r->joblog, end, &k, err);
    if (rc == 0 && r->file != NULL)
        rc = run_file_ended(r->file, end, err);
    ticket_done(&k);
    if (end->outcome == ROTA_DONE)
        r->seen.succeeded++;
    else if (end->outcome != ROTA_UNTRIED)
        r->seen.failed++;
    return rc;
}

static void run_lost(void *ctx, int rank, const struct rota_fate *fate, uint64_t again)
{
    struct run *r = ctx;
    report_lost(&r->report, rank, fate, again);
    if (r->file != NULL)
        run_file_lost(r->file, rank, fate, again);
}

static void run_came(void *ctx, int rank, int slots, const char *host)
{
    struct run *r = ctx;
    if (r->file != NULL)
        run_file_came(r->file, rank, slots, host);
}

static void run_tried(void *ctx, const struct crew_end *end)
{
    struct run *r = ctx;
    if (r->file != NULL)
        run_file_tried(r->file, end);
}

static bool run_stop(void *ctx)
{
    struct run *r = ctx;
    const struct halt *halt = &r->o->halt;
    tasks_tick(r->tasks);
    if (r->file != NULL)
        run_file_tick(r->file);
    r->report.halted_well = halt->succeeded > 0 && r->seen.succeeded >= halt->succeeded;
    r->report.halted =
        r->report.halted_well || (halt->failed > 0 && r->seen.failed >= halt->failed);
    return r->report.halted || signals_asked(r->signals);
}

static int run_open(struct run *r, const struct run_options *o, struct signals *signals,
                    struct rota_error *err)
{
    *r = (struct run){
        .o = o,
        .signals = signals,
        .report = {.out = 1, .err = 2, .summary = o->summary, .verbose = o->verbose},
    };
    r->report.start_ns = clock_now_ns();
    int rc = tasks_open(o, &r->tasks, err);
    if (rc == 0 && o->joblog != NULL)
        rc = joblog_open(o->joblog, o->again.why != NULL, &r->joblog, err);
    if (rc == 0 && o->run_file != NULL)
        rc = run_file_open(o, &r->file, err);
    if (rc == 0 && r->file != NULL)
        rc = tasks_record(r->tasks, run_file_store(r->file), err);
    r->opened = rc == 0 && r->file != NULL;
    return rc;
}

/* The status of a run that is recorded, and ended with `status`: its earlier sessions
 * count too. */
static int whole_status(const struct run *r, int status)
{
    uint64_t failed = run_file_failed_before(r->file);
    const char *trouble = tasks_trouble(r->tasks);
    if (trouble != NULL)
        fprintf(stderr,
                "rota: the rest of the list, which was not read when the run was cut "
                "off, cannot be had: %s; 'rota resume -a LIST %s' reads it from a "
                "file\n",
                trouble, r->o->run_file);
    if (failed > 0 && status == STATUS_SUCCESS)
        fprintf(stderr,
                "rota: %" PRIu64 " task%s had failed before: 'rota resume "
                "--retry-failed %s' runs what failed again\n",
                failed, failed == 1 ? "" : "s", r->o->run_file);
    if (trouble != NULL && status <= STATUS_FAILED)
        return STATUS_INCOMPLETE;
    return failed > 0 && status == STATUS_SUCCESS ? STATUS_FAILED : status;
}

/* Say how to go on with what is left. */
static void say_how_to_go_on(const struct run *r)
{
    if (r->opened && !r->complete && tasks_trouble(r->tasks) == NULL)
        fprintf(stderr, "rota: 'rota resume %s' goes on\n", r->o->run_file);
}

/* The exit status of a run that ended with `status`. */
static int run_close(struct run *r, int status)
{
    struct rota_error err;
    if (r->joblog != NULL)
        fclose(r->joblog); /* each line was flushed */
    if (r->opened)
        status = whole_status(r, status);
    say_how_to_go_on(r);
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
        .time_limit_ms = r->o->time_limit_ms,
        .next = run_next,
        .ended = run_ended,
        .lost = run_lost,
        .came = run_came,
        .tried = run_tried,
        .stop = run_stop,
    };
    int rc = crew_manage(farm, &hooks, &sum, &err);
    r->complete = sum.complete;
    return report_close(&r->report, &sum, rc, &err, tasks_left(r->tasks),
                        sum.stopped ? r->signals->got : 0);
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

static int manage_here(const struct run_options *o, struct signals *signals,
                       const struct execute_options *options)
{
    struct link *link;
    struct rota_farm *farm;
    struct rota_error err;
    int rc = link_alone_open(&link);
    if (rc != 0)
        error_set(&err, rc, "out of memory");
    else
        rc = crew_open(link, options, o->in_order, &farm, &err);
    if (rc != 0)
        return fail(STATUS_USAGE, &err);
    int status = manage(farm, o, signals);
    rota_farm_close(farm);
    return status;
}

static int run_here(void *ctx)
{
    const struct run_options *o = ctx;
    struct signals signals;
    signals_block();
    be_nice(o);
    if (signals_open(&signals) != 0) {
        perror("rota: cannot watch for signals");
        return STATUS_USAGE;
    }
    struct execute_options options = {
        .slots = o->slots, .folder = o->folder, .adopts = tree_adopt() == 0};
    int status = manage_here(o, &signals, &options);
    tree_kill(clock_now_ns() + TREE_MS * NS_PER_MS);
    return status;
}

/* --- one run, or the same again ------------------------------------------------ */

/* Whether `work` was not killed; *e says how it went. */
static bool run_kept(int (*work)(void *ctx), void *ctx, struct ending *e)
{
    struct keeper_end end;
    struct rota_error err;
    if (keeper_run(work, ctx, &end, &err) != 0) {
        e->status = fail(STATUS_INCOMPLETE, &err);
        return false;
    }
    e->asked = end.asked;
    e->status = end.status;
    if (end.signal == 0)
        return true;
    struct rota_fate fate = {ROTA_KILLED, end.signal};
    e->status = STATUS_INCOMPLETE;
    char how[128];
    rota_fate_text(fate, how, sizeof(how));
    snprintf(e->died, sizeof(e->died), "its process %s", how);
    return false;
}

/* --- on ranks ------------------------------------------------------------------ */

struct kept_front {
    const struct run_options *options;
    struct ending ending;
};

static int run_front(void *ctx)
{
    struct kept_front *k = ctx;
    front_run(k->options, &k->ending);
    return 0;
}

/* In a process of its own too: when the one that a person knows is killed, this one is
 * there to end the launcher as it should be, and to clear up behind it. */
static void run_ranks(const struct run_options *o, struct ending *e)
{
    struct kept_front *k = mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (k == MAP_FAILED) {
        perror("rota: cannot start the ranks");
        e->status = STATUS_USAGE;
        return;
    }
    k->options = o;
    if (run_kept(run_front, k, e))
        *e = k->ending;
    munmap(k, sizeof(*k));
}

static void run_once(struct run_options *o, struct ending *e)
{
    if (o->launch.ranks == 0)
        run_kept(run_here, o, e);
    else
        run_ranks(o, e);
}

int cli_run_options(struct run_options *o)
{
    rota_auto(heap) char *named = NULL;
    struct rota_error err;
    if (run_options_want_input(o) && isatty(0))
        fprintf(stderr, "rota: reading arguments from the terminal, one a line; end "
                        "with Ctrl-D\n");
    if (o->dry)
        return run_dry(o);
    if (o->run_file == NULL) {
        const char *command = o->command_count > 0 ? o->command[0] : NULL;
        if (run_dir_new(command, &named, &err) != 0)
            return fail(STATUS_USAGE, &err);
        o->run_file = named;
    }
    int status = restart_run(o, run_once);
    if (named != NULL)
        o->run_file = NULL;
    return status;
}

int cli_run(int argc, char **argv)
{
    struct run_options o;
    run_options_parse(argc, argv, &o);
    int status = cli_run_options(&o);
    run_options_done(&o);
    return status;
}

/* --- a rank --------------------------------------------------------------- */

static bool worker_stop(void *ctx)
{
    return signals_asked(ctx);
}

/* A worker that can't go on says so, unless it is for the manager's end: that is
 * the front's to say, once. */
static int rank_works(struct rota_farm *farm, struct signals *signals)
{
    struct rota_error err;
    int rc = crew_work(farm, worker_stop, signals, &err);
    if (rc == 0)
        return STATUS_SUCCESS;
    return rc == ROTA_E_LOST ? STATUS_INCOMPLETE : fail(STATUS_INCOMPLETE, &err);
}

/* Whether rank 0 has the list that it is to do: past the launcher, or none at all. */
static bool has_input(const struct run_options *o, int desk, const char *input)
{
    if (desk >= 0 || !run_options_want_input(o) || strcmp(input, FRONT_AT_DESK) != 0)
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
    if (signals_open(&signals) != 0) {
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
    struct execute_options options = {
        .slots = o->slots, .folder = o->folder, .in_rank = true};
    struct link *link;
    struct rota_farm *farm;
    struct rota_error err;
    int rc = link_ranks_open(r, &link);
    if (rc != 0) {
        rota_close(r);
        error_set(&err, rc, "out of memory");
    } else {
        rc = crew_open(link, &options, o->in_order, &farm, &err);
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
