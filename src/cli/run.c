/* run.c - rota run: a command for each of many arguments
 *
 * Three ways through this file:
 *
 *     cli_run, here     a child (keeper.h) is manager and, with its own slots, worker
 *     cli_run, ranks    the front (front.h) starts the launcher (-n N, --hosts, or in a
 *                       Slurm allocation: launch/place.h) and waits
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
#include "base/fault.h"
#include "base/tree.h"
#include "cli/desk.h"
#include "cli/front.h"
#include "cli/keeper.h"
#include "cli/options.h"
#include "cli/pilot.h"
#include "cli/record.h"
#include "cli/report.h"
#include "cli/restart.h"
#include "cli/run_dir.h"
#include "cli/run_file.h"
#include "cli/show.h"
#include "cli/signals.h"
#include "cli/steer.h"
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
    struct pilot pilot;
    struct show *show;
    FILE *joblog;          /* or NULL */
    struct run_file *file; /* so too */
    bool opened;           /* it, and its list */
    bool complete;         /* all that there is to do was tried */
};

/* Tasks come here, */
static int run_next(void *ctx, struct commands_spec *out, struct rota_error *err)
{
    struct run *r = ctx;
    return tasks_next(r->tasks, out, err);
}

/* here they may say something, */
static int run_said(void *ctx, const struct crew_part *part, struct rota_error *err)
{
    struct run *r = ctx;
    struct ticket k = tasks_ticket(r->tasks, part->task + 1);
    return show_part(r->show, part, &k, err);
}

static void run_spilt(void *ctx, uint64_t task, const char *why)
{
    struct run *r = ctx;
    report_spilt(&r->report, task + 1, why);
}

/* and here they end. */
static int run_ended(void *ctx, const struct crew_end *end, struct rota_error *err)
{
    struct run *r = ctx;
    struct ticket k = tasks_take_ticket(r->tasks, end->task + 1);
    int rc = k.folder ? results_add(end, &k, err) : 0;
    if (rc == 0 && k.folder == NULL)
        rc = show_end(r->show, end, &k, err);
    report_ended(&r->report, end);
    if (rc == 0 && r->joblog != NULL)
        rc = joblog_add(r->joblog, end, &k, err);
    if (rc == 0 && r->file != NULL)
        rc = run_file_ended(r->file, end, err);
    ticket_done(&k);
    return rc;
}

static void run_lost(void *ctx, int rank, const struct rota_fate *fate,
                     const char *strange, uint64_t again)
{
    struct run *r = ctx;
    report_lost(&r->report, rank, fate, strange, again);
    if (r->file != NULL)
        run_file_lost(r->file, rank, fate, strange, again);
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

static enum crew_course run_steer(void *ctx)
{
    struct run *r = ctx;
    tasks_tick(r->tasks);
    if (r->file != NULL)
        run_file_tick(r->file);
    return pilot_steer(&r->pilot);
}

/* Whether to give up what can't be written for now. */
static bool run_stop(void *ctx)
{
    struct run *r = ctx;
    return pilot_hear(&r->pilot);
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
        .report = {.err = 2, .summary = o->summary},
    };
    struct show_options show = {
        .out = 1,
        .err = 2,
        .mode = o->show,
        .in_order = o->in_order,
        .verbose = o->verbose,
        .screen = &r->pilot.screen,
        .stop = run_stop,
        .ctx = r,
    };
    pilot_begin(&r->pilot, o, signals, &r->report);
    int rc = tasks_open(o, &r->tasks, err);
    if (rc == 0 && show_new(&show, &r->show) != 0)
        rc = error_set(err, ROTA_E_NOMEM, "out of memory");
    if (rc == 0 && o->joblog != NULL)
        rc = joblog_open(o->joblog, o->again.why != NULL || o->past != PAST_NONE,
                         &r->joblog, err);
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
    show_free(r->show);
    if (run_file_close(r->file, status, &err) == 0)
        return status;
    fail(STATUS_INCOMPLETE, &err);
    fprintf(stderr,
            "rota: what ended last is not recorded: 'rota resume %s' runs it again\n",
            r->o->run_file);
    return status == STATUS_SUCCESS ? STATUS_INCOMPLETE : status;
}

/* Whether what was shown as it came is wanted a second time. */
static bool is_kept(const struct run_options *o)
{
    return o->show == SHOW_GROUPS || (o->show == SHOW_LINES && o->in_order) ||
           o->results != NULL || o->run_file != NULL;
}

/* Have the crew do it all, say how it went, and give the exit status. */
static int run_crew(struct run *r, struct rota_farm *farm)
{
    struct crew_summary sum = {.complete = false};
    struct rota_error err = {0};
    bool live = r->o->show != SHOW_GROUPS && r->o->results == NULL;
    struct crew_hooks hooks = {
        .ctx = r,
        .retries = r->o->retries,
        .time_limit_ms = r->o->control.time_limit_ms,
        .next = run_next,
        .said = live ? run_said : NULL,
        .keep = is_kept(r->o),
        .spilt = run_spilt,
        .ended = run_ended,
        .lost = run_lost,
        .came = run_came,
        .tried = run_tried,
        .enough = run_enough,
        .steer = run_steer,
    };
    pilot_board(&r->pilot, farm, r->tasks);
    int rc = crew_manage(farm, &hooks, &sum, &err);
    pilot_end(&r->pilot);
    r->complete = sum.complete;
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

/* What a persistent program writes for people, or what is to be said of it: a line. */
static void say_of_program(void *ctx, const char *name, const char *text, size_t size)
{
    (void)ctx;
    dprintf(STDERR_FILENO, "%s: %.*s\n", name ? name : "rota", (int)size, text);
}

/* As crew_open. */
static int open_crew(struct link *link, const struct run_options *o,
                     const struct execute_options *options,
                     const struct crew_manner *manner, struct rota_farm **out,
                     struct rota_error *err)
{
    struct programs_options programs = {
        .argv = o->command,
        .argc = o->command_count,
        .slots = options->slots,
        .folder = options->folder,
        .in_rank = options->in_rank,
        .adopts = options->adopts,
        .rank = link->size > 1 ? link->rank : -1,
        .say = say_of_program,
    };
    if (o->worker)
        return crew_open_programs(link, &programs, manner, out, err);
    return crew_open(link, options, manner, out, err);
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
        rc = open_crew(link, o, options, &manner, &farm, &err);
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
    if (signals_open(&signals, -1) != 0) {
        perror("rota: cannot watch for signals");
        return STATUS_USAGE;
    }
    struct execute_options options = {
        .slots = o->slots,
        .part_bytes = o->show == SHOW_GROUPS ? 0 : 1,
        .folder = o->folder,
        .gate = gate_limits(o),
        .adopts = tree_adopt() == 0,
    };
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
    struct kept_front *k = fault(FAULT_SHARED)
                               ? MAP_FAILED
                               : mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE,
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
    if (o->where.where == PLACE_HERE)
        run_kept(run_here, o, e);
    else
        run_ranks(o, e);
}

/* Where the run is to be. */
static int choose_place(const struct launch_options *l, struct place *out,
                        struct rota_error *err)
{
    struct slurm slurm = slurm_read(environ);
    struct place_wish wish = {.ranks = l->ranks,
                              .hosts = l->hosts,
                              .hostfile = l->hostfile,
                              .mpiexec = l->mpiexec};
    return place_choose(&slurm, &wish, out, err);
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
    if (choose_place(&o->launch, &o->where, &err) != 0)
        return fail(STATUS_USAGE, &err);
    if (o->run_file == NULL && o->past == PAST_NONE) {
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
    const char *missing = variables_missing(&o.variables);
    if (missing != NULL) {
        fprintf(stderr,
                "rota: --env '%s': there is no such environment variable; was it "
                "exported?\n",
                missing);
        run_options_done(&o);
        return STATUS_USAGE;
    }
    int status = cli_run_options(&o);
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
    struct execute_options options = {
        .slots = o->slots,
        .part_bytes = o->show == SHOW_GROUPS ? 0 : 1,
        .folder = o->folder,
        .gate = gate_limits(o),
        .in_rank = true,
    };
    struct crew_manner manner = pilot_manner(o);
    struct link *link;
    struct rota_farm *farm;
    struct rota_error err;
    int rc = link_ranks_open(r, &link);
    if (rc != 0) {
        rota_close(r);
        error_set(&err, rc, "out of memory");
    } else {
        rc = open_crew(link, o, &options, &manner, &farm, &err);
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
        return FRONT_FAR + fail(STATUS_USAGE, &err);
    for (int i = INPUT + 1; i < argc; i++)
        argv[i] += argv[i][0] == '=' ? 1 : 0;
    int desk = rota_rank(r) == 0 ? desk_come(argv[DESK]) : -1;
    char *input = argv[INPUT];
    run_options_parse(argc - INPUT, argv + INPUT, &o);

    int status = rank_farm(r, &o, desk, input);
    run_options_done(&o);
    desk_leave(desk, status);
    bool far = desk < 0 && status > STATUS_SUCCESS && status <= STATUS_INCOMPLETE;
    return desk >= 0 ? STATUS_SUCCESS : far ? FRONT_FAR + status : status;
}
