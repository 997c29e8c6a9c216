/* crew.c - a farm whose tasks are commands: what `rota run` stands on
 *
 * A batch is to take BATCH_NS: long enough that commands of a millisecond travel
 * several at a time, and short enough that nobody waits for what is behind them in it.
 * Near the end there is one in a batch, and what waits behind a longer command than
 * expected is given back as soon as a slot is free elsewhere (plan.h: once).
 */
#include "farm/crew.h"

#include "base/error.h"
#include "execute/commands.h"
#include "farm/inner.h"

enum {
    TICK_MS = 100, /* between two questions whether to stop */
};

#define BATCH_NS (5 * NS_PER_MS)

/* What comes while all slots are taken has time: it could only stand in line. */
#define NAP_NS (10 * NS_PER_MS)

int crew_open(struct link *given, const struct execute_options *options, bool in_order,
              struct rota_farm **out, struct rota_error *err)
{
    static const struct rota_function command = {.name = "command"};
    const struct rota_farm_options one = {
        .functions = &command, .count = 1, .in_order = in_order};
    struct farm_manner manner = {.once = true, .batch_ns = BATCH_NS, .nap_ns = NAP_NS};
    rota_auto(link) struct link *link = given;
    rota_auto(executor) struct executor *x = NULL;
    bool works = link->rank > 0 || link->size == 1;
    int rc = works ? executor_commands_open(options, &x, err) : 0;
    if (rc == 0)
        rc = farm_over(link, x, &one, manner, out, err);
    if (rc == 0) {
        link = NULL;
        x = NULL;
    }
    return rc;
}

/* ---- managing ---------------------------------------------------------------- */

struct crew {
    struct rota_farm *farm;
    const struct crew_hooks *hooks;
    struct rota_error *err;
    struct task_bytes words; /* of the command that was taken last */
    int workers;             /* that were not lost */
    int failed;              /* what a hook failed with: *err says it */
    bool all_taken;          /* there are no more commands */
    uint64_t taken;          /* so many commands */
};

static int take_failed(struct crew *c, int rc)
{
    c->failed = rc;
    return rc;
}

static int take_command(void *ctx, struct rota_spec *spec)
{
    struct crew *c = ctx;
    rota_auto(heap) char **argv = NULL;
    if (c->failed != 0)
        return c->failed;
    if (c->workers == 0)
        return FARM_FED_LAST;
    uint64_t number = c->taken + 1;
    int rc = c->hooks->next(c->hooks->ctx, &argv, &number, c->err);
    if (rc == ROTA_E_TIMEOUT)
        return FARM_FED_NONE_YET;
    c->all_taken = rc == ROTA_E_NOTFOUND;
    if (c->all_taken)
        return FARM_FED_LAST;
    if (rc != 0)
        return take_failed(c, rc);
    if (commands_pack(argv, &c->words) != 0)
        return take_failed(c,
                           error_set(c->err, ROTA_E_NOMEM, "out of memory for tasks"));
    c->taken++;
    spec->tag = number == c->taken ? 0 : number;
    spec->data = c->words.data;
    spec->size_bytes = c->words.size;
    spec->retries = c->hooks->retries;
    spec->time_limit_ms = c->hooks->time_limit_ms;
    return FARM_FED_TASK;
}

static void note_lost(void *ctx, int rank, const struct rota_fate *fate, uint64_t again)
{
    struct crew *c = ctx;
    c->workers--;
    c->hooks->lost(c->hooks->ctx, rank, fate, again);
}

static void note_came(void *ctx, int rank, int slots, const char *host)
{
    const struct crew *c = ctx;
    if (c->hooks->came != NULL)
        c->hooks->came(c->hooks->ctx, rank, slots, host);
}

static bool is_stopped(void *ctx)
{
    const struct crew *c = ctx;
    return c->hooks->stop(c->hooks->ctx);
}

static bool ran_to_its_end(const struct rota_result *r)
{
    return r->outcome == ROTA_DONE || r->outcome == ROTA_FAILED ||
           r->outcome == ROTA_CRASHED || r->outcome == ROTA_OVERTIME;
}

/* The words of the command that was told last. */
static int find_words(const struct crew *c, char ***argv)
{
    const void *data;
    size_t size;
    broker_payload(c->farm->broker, &data, &size);
    return commands_unpack(data, size, argv);
}

/* What `r` says, in the crew's words. `result` is what it may need. */
static int read_end(const struct rota_result *r, struct crew_end *end,
                    struct execute_result *result)
{
    *end = (struct crew_end){
        .task = r->tag > 0 ? r->tag - 1 : r->task,
        .outcome = r->outcome,
        .killed = r->outcome == ROTA_POISON ? r->code : 0,
        .worker = r->worker,
        .attempts = r->attempts,
        .took_ns = r->took_ns,
    };
    if (!ran_to_its_end(r))
        return 0;
    end->result = result;
    return commands_result(r->data, r->size_bytes, result);
}

static int end_command(struct crew *c, const struct rota_result *r)
{
    struct execute_result result;
    struct crew_end end;
    rota_auto(heap) char **argv = NULL;
    int rc = read_end(r, &end, &result);
    if (rc == 0 && r->outcome != ROTA_DONE)
        rc = find_words(c, &argv);
    if (rc != 0)
        return error_set(c->err, rc,
                         "cannot read the result of task %ju from rank %d: %s",
                         (uintmax_t)end.task + 1, r->worker, rota_strerror(rc));
    end.argv = argv;
    return c->hooks->ended(c->hooks->ctx, &end, c->err);
}

/* What makes no sense is said at the command's end, if that makes none either. */
static void note_tried(void *ctx, const struct rota_result *r)
{
    const struct crew *c = ctx;
    struct execute_result result;
    struct crew_end end;
    if (c->hooks->tried != NULL && read_end(r, &end, &result) == 0)
        c->hooks->tried(c->hooks->ctx, &end);
}

/* Fails with ROTA_E_END where all is done; 0: it was given up. */
static int loop(struct crew *c)
{
    int rc = 0;
    while (rc == 0) {
        struct rota_result r;
        rc = rota_next(c->farm, TICK_MS, &r);
        if (rc == 0)
            rc = c->failed = end_command(c, &r);
        else if (rc == ROTA_E_TIMEOUT)
            rc = 0;
        if (rc == 0 && is_stopped(c))
            break;
    }
    return rc;
}

int crew_manage(struct rota_farm *farm, const struct crew_hooks *hooks,
                struct crew_summary *out, struct rota_error *err)
{
    struct crew c = {
        .farm = farm,
        .hooks = hooks,
        .err = err,
        .workers = farm->link->size - farm->first,
    };
    farm->hooks = (struct farm_hooks){.stop = is_stopped,
                                      .lost = note_lost,
                                      .came = note_came,
                                      .tried = note_tried,
                                      .ctx = &c};
    int rc = farm_set_feed(farm, take_command, &c);
    if (rc == 0)
        rc = loop(&c);
    farm->hooks = (struct farm_hooks){.ctx = NULL};
    farm->feed = NULL;
    free(c.words.data);

    *out = (struct crew_summary){.stopped = rc == 0};
    rota_farm_stats(farm, &out->stats);
    if (rc == ROTA_E_END)
        out->complete = c.all_taken && out->stats.ended[ROTA_UNTRIED] == 0;
    if (rc == ROTA_E_END || rc == 0)
        return 0;
    return c.failed ? rc
                    : error_set(err, rc, "cannot go on with the workers: %s",
                                rota_strerror(rc));
}

/* ---- working ----------------------------------------------------------------- */

int crew_work(struct rota_farm *farm, bool (*stop)(void *ctx), void *ctx,
              struct rota_error *err)
{
    int rc = farm_work(farm, stop, ctx);
    if (rc != 0)
        return error_set(err, rc, "rank %d cannot go on working: %s", farm->link->rank,
                         rota_strerror(rc));
    return 0;
}
