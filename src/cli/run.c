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
#include "cli/manage.h"
#include "cli/options.h"
#include "cli/pilot.h"
#include "cli/report.h"
#include "cli/restart.h"
#include "cli/run_dir.h"
#include "cli/signals.h"
#include "cli/steer.h"
#include "cli/tasks.h"
#include "farm/crew.h"
#include "farm/link.h"

enum {
    TREE_MS = 5000, /* to end what commands have left, at the very end */
};

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
        return cli_fail(STATUS_USAGE, &err);
    if (show_commands(tasks, &err) != ROTA_E_NOTFOUND)
        return cli_fail(STATUS_INCOMPLETE, &err);
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
    struct screen *const *screen = ctx;
    screen_make_way(*screen, STDERR_FILENO);
    dprintf(STDERR_FILENO, "%s: %.*s\n", name ? name : "rota", (int)size, text);
    screen_wrote(*screen, STDERR_FILENO, "\n", 1);
}

/* As crew_open. *screen: where programs say something, or NULL; for as long as the farm
 * is there. */
static int open_crew(struct link *link, const struct run_options *o,
                     const struct execute_options *options, struct screen **screen,
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
        .ctx = screen,
    };
    if (o->worker)
        return crew_open_programs(link, &programs, manner, out, err);
    return crew_open(link, options, manner, out, err);
}

/* --- on this machine ------------------------------------------------------ */

/* How commands run, wherever that is. */
static struct execute_options execute_manner(const struct run_options *o)
{
    return (struct execute_options){
        .slots = o->slots,
        .part_bytes = o->show == SHOW_GROUPS ? 0 : 1,
        .folder = o->folder,
        .input = o->pipe.input,
        .reads_on = o->pipe.round_robin,
        .gate = {.memory_bytes = o->control.memory_bytes,
                 .load = o->control.load,
                 .noswap = o->control.noswap},
    };
}

static int manage_here(const struct run_options *o, struct signals *signals,
                       const struct execute_options *options)
{
    struct crew_manner manner = pilot_manner(o);
    struct screen *screen = NULL;
    struct link *link;
    struct rota_farm *farm;
    struct rota_error err;
    int rc = link_alone_open(&link);
    if (rc != 0)
        error_set(&err, rc, "out of memory");
    else
        rc = open_crew(link, o, options, &screen, &manner, &farm, &err);
    if (rc != 0)
        return cli_fail(STATUS_USAGE, &err);
    int status = manage_run(farm, o, signals, &screen);
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
    struct execute_options options = execute_manner(o);
    options.adopts = tree_adopt() == 0;
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
        e->status = cli_fail(STATUS_INCOMPLETE, &err);
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
        return cli_fail(STATUS_USAGE, &err);
    if (o->variables.all && variables_add_all(&o->variables, &err) != 0)
        return cli_fail(STATUS_USAGE, &err);
    if (o->run_file == NULL && o->past == PAST_NONE) {
        const char *command = o->command_count > 0 ? o->command[0] : NULL;
        if (run_dir_new(command, &named, &err) != 0)
            return cli_fail(STATUS_USAGE, &err);
        o->run_file = named;
    }
    int status = restart_run(o, run_once);
    if (named != NULL)
        o->run_file = NULL;
    return status;
}

static int record_env(void)
{
    struct rota_error err;
    return variables_record(&err) == 0 ? STATUS_SUCCESS : cli_fail(STATUS_USAGE, &err);
}

int cli_run(int argc, char **argv)
{
    struct run_options o;
    run_options_parse(argc, argv, &o);
    if (o.record_env) {
        int rc = record_env();
        run_options_done(&o);
        return rc;
    }
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
    return rc == ROTA_E_LOST ? STATUS_INCOMPLETE : cli_fail(STATUS_INCOMPLETE, &err);
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
                     const char *input, struct screen **screen)
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
    return has_input(o, desk, input) ? manage_run(farm, o, &signals, screen)
                                     : STATUS_INCOMPLETE;
}

/* `r` is taken. */
static int rank_farm(struct rota *r, const struct run_options *o, int desk,
                     const char *input)
{
    struct execute_options options = execute_manner(o);
    options.in_rank = true;
    struct crew_manner manner = pilot_manner(o);
    struct screen *screen = NULL;
    struct link *link;
    struct rota_farm *farm;
    struct rota_error err;
    int rc = link_ranks_open(r, &link);
    if (rc != 0) {
        rota_close(r);
        error_set(&err, rc, "out of memory");
    } else {
        rc = open_crew(link, o, &options, &screen, &manner, &farm, &err);
    }
    if (rc != 0)
        return cli_fail(STATUS_USAGE, &err);
    int status = rank_runs(farm, o, desk, input, &screen);
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
        return FRONT_FAR + cli_fail(STATUS_USAGE, &err);
    for (int i = INPUT + 1; i < argc; i++)
        argv[i] += argv[i][0] == '=' ? 1 : 0;
    bool manages = rota_rank(r) == 0;
    int desk = manages ? desk_come(argv[DESK]) : -1;
    char *input = argv[INPUT];
    run_options_parse(argc - INPUT, argv + INPUT, &o);

    int status = rank_farm(r, &o, desk, input);
    run_options_done(&o);
    desk_leave(desk, status);
    bool far =
        manages && desk < 0 && status > STATUS_SUCCESS && status <= STATUS_INCOMPLETE;
    return desk >= 0 ? STATUS_SUCCESS : far ? FRONT_FAR + status : status;
}
