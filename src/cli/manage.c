/* manage.c - manage a run: its tasks, where they end, and how it is told */
#include "cli/manage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "cli/pilot.h"
#include "cli/record.h"
#include "cli/report.h"
#include "cli/run_file.h"
#include "cli/show.h"
#include "cli/tasks.h"
#include "farm/crew.h"

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

/* (of --round-robin's, more to read comes here) */
static int run_more(void *ctx, struct commands_spec *out, struct rota_error *err)
{
    struct run *r = ctx;
    return tasks_more(r->tasks, out, err);
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
        .report = {.err = 2, .summary = o->summary, .reads_on = o->pipe.round_robin},
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
    cli_fail(STATUS_INCOMPLETE, &err);
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
        .more = r->o->pipe.round_robin ? run_more : NULL,
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

int manage_run(struct rota_farm *farm, const struct run_options *o,
               struct signals *signals, struct screen **screen)
{
    struct run r;
    struct rota_error err;
    int rc = run_open(&r, o, signals, &err);
    *screen = &r.pilot.screen;
    int status = rc == 0 ? run_crew(&r, farm) : cli_fail(STATUS_USAGE, &err);
    *screen = NULL;
    return run_close(&r, status);
}
