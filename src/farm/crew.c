/* crew.c - a farm whose tasks are commands: what `rota run` stands on
 *
 * A batch is to take BATCH_NS: long enough that commands of a millisecond travel
 * several at a time, and short enough that nobody waits for what is behind them in it.
 * Near the end there is one in a batch, and what waits behind a longer command than
 * expected is given back as soon as a slot is free elsewhere (plan.h: once).
 */
#include "farm/crew.h"

#include <inttypes.h>

#include "base/error.h"
#include "execute/commands.h"
#include "farm/dealer.h"
#include "farm/inner.h"
#include "farm/spools.h"

enum {
    TICK_MS = 100,         /* between two questions whether to stop */
    HELD_BYTES = 64 << 20, /* of commands and their input, are enough */
    HELD_ROUNDS = 3,       /* but so many for each slot may be there */
    HAD_BYTES = 400,       /* of the words for blocks */
};

#define BATCH_NS (5 * NS_PER_MS)

/* What comes while all slots are taken has time: it could only stand in line. */
#define NAP_NS (10 * NS_PER_MS)

static bool works(const struct link *link)
{
    return link->rank > 0 || link->size == 1;
}

/* Takes both, in any case. */
static int open_over(struct link *link, struct executor *x,
                     const struct crew_manner *wanted, struct rota_farm **out,
                     struct rota_error *err)
{
    static const struct rota_function command = {.name = "command"};
    const struct rota_farm_options one = {
        .functions = &command, .count = 1, .in_order = wanted->in_order};
    struct farm_manner manner = {.once = true,
                                 .parts = true,
                                 .batch_ns = BATCH_NS,
                                 .nap_ns = NAP_NS,
                                 .prompt = wanted->prompt || wanted->reads_on,
                                 .frail = wanted->reads_on,
                                 .gap_ns = wanted->gap_ns,
                                 .gap_adapts = wanted->gap_adapts,
                                 .limit_times = wanted->limit_times};
    int rc = farm_over(link, x, &one, manner, out, err);
    if (rc != 0) {
        executor_close(x);
        link_close(link);
    }
    return rc;
}

int crew_open(struct link *given, const struct execute_options *options,
              const struct crew_manner *wanted, struct rota_farm **out,
              struct rota_error *err)
{
    rota_auto(link) struct link *link = given;
    struct executor *x = NULL;
    int rc = works(link) ? executor_commands_open(options, &x, err) : 0;
    return rc ? rc : open_over(rota_steal(link), x, wanted, out, err);
}

int crew_open_programs(struct link *given, const struct programs_options *options,
                       const struct crew_manner *wanted, struct rota_farm **out,
                       struct rota_error *err)
{
    rota_auto(link) struct link *link = given;
    struct executor *x = NULL;
    int rc = works(link) ? executor_programs_open(options, &x, err) : 0;
    return rc ? rc : open_over(rota_steal(link), x, wanted, out, err);
}

/* ---- managing ---------------------------------------------------------------- */

struct crew {
    struct rota_farm *farm;
    const struct crew_hooks *hooks;
    struct rota_error *err;
    struct task_bytes words; /* of the command that was taken last */
    struct spools *spools;
    size_t held_bytes; /* of commands that have not ended */
    uint64_t held;     /* how many these are */
    char why[sizeof(((struct rota_error *)NULL)->text)]; /* output could not be kept */
    int workers;                                         /* that were not lost */
    int failed;     /* what a hook failed with: *err says it */
    bool all_taken; /* there are no more commands */
    enum crew_course course;
    uint64_t taken; /* so many commands */
    /* where commands read on: */
    struct dealer *dealer; /* or NULL */
    uint64_t slots;        /* of all workers that have come, lost or not */
    uint64_t blocks;       /* so many have come */
    bool over;             /* no more will, or none are wanted */
    bool has_block;        /* `block` has come, and nobody has it yet */
    struct commands_spec block;
    char had[HAD_BYTES];
};

static int take_failed(struct crew *c, int rc)
{
    c->failed = rc;
    return rc;
}

/* Whether there are so many commands, with so much input, that workers have enough. */
static bool has_plenty(const struct crew *c)
{
    struct rota_stats stats;
    if (c->held_bytes <= HELD_BYTES)
        return false;
    rota_farm_stats(c->farm, &stats);
    return c->held > HELD_ROUNDS * (uint64_t)stats.slots;
}

/* The next command, packed in `spec`: an enum farm_fed, or how the run fails. */
static int next_command(struct crew *c, struct rota_spec *spec)
{
    struct commands_spec command = {.number = c->taken + 1};
    int rc = c->hooks->next(c->hooks->ctx, &command, c->err);
    if (rc == ROTA_E_TIMEOUT)
        return FARM_FED_NONE_YET;
    c->all_taken = rc == ROTA_E_NOTFOUND;
    if (c->all_taken)
        return FARM_FED_LAST;
    if (rc != 0)
        return take_failed(c, rc);
    rc = commands_pack(&command, &c->words);
    free(command.argv);
    if (rc != 0)
        return take_failed(c,
                           error_set(c->err, ROTA_E_NOMEM, "out of memory for tasks"));
    c->held_bytes += c->words.size;
    c->held++;
    c->taken++;
    spec->tag = command.number == c->taken ? 0 : command.number;
    spec->data = c->words.data;
    spec->size_bytes = c->words.size;
    spec->retries = c->hooks->retries;
    spec->time_limit_ms = c->hooks->time_limit_ms;
    return FARM_FED_TASK;
}

/* ---- commands that read on --------------------------------------------------- */

/* One more command, with the next block. */
static int begin_reader(struct crew *c, struct rota_spec *spec)
{
    int fed = next_command(c, spec);
    if (fed == FARM_FED_TASK && dealer_begin(c->dealer, c->taken - 1, ++c->blocks) != 0)
        return take_failed(c,
                           error_set(c->err, ROTA_E_NOMEM, "out of memory for tasks"));
    c->over = c->over || fed == FARM_FED_LAST;
    return fed;
}

/* Have the next block in c->block, or c->over. Fails as hooks->more does. */
static int fetch_block(struct crew *c)
{
    if (c->has_block || c->over)
        return 0;
    int rc = c->hooks->more(c->hooks->ctx, &c->block, c->err);
    c->has_block = rc == 0;
    c->blocks += rc == 0;
    c->over = c->all_taken = rc == ROTA_E_NOTFOUND;
    if (rc != 0 && rc != ROTA_E_TIMEOUT && rc != ROTA_E_NOTFOUND)
        return take_failed(c, rc);
    return rc == ROTA_E_TIMEOUT ? rc : 0;
}

/* The next block for `who`, or word that there is none any more. */
static int give_block(struct crew *c, const struct dealer_who *who)
{
    bool last = !c->has_block;
    int rc = broker_feed(c->farm->broker, who->worker, who->lease, who->task,
                         last ? NULL : c->block.input, last ? 0 : c->block.input_bytes,
                         last);
    if (rc == ROTA_E_NOTFOUND) {
        dealer_ended(c->dealer, who->task);
        return 0;
    }
    if (rc != 0)
        return rc;
    dealer_gave(c->dealer, who->task, last ? 0 : c->blocks);
    c->has_block = false;
    return 0;
}

/* Give blocks to who wants them, as long as there are any; a run that is to end reads
 * no more of them. Without memory for one it is given later. */
static int deal_blocks(struct crew *c)
{
    struct dealer_who who;
    if (c->course != CREW_GO_ON) {
        c->over = true;
        c->has_block = false;
    }
    while (dealer_next(c->dealer, c->over && !c->has_block, &who)) {
        int rc = fetch_block(c);
        if (rc == 0)
            rc = give_block(c, &who);
        if (rc == ROTA_E_NOMEM || rc == ROTA_E_TIMEOUT)
            return 0;
        if (rc != 0)
            return take_failed(c, rc);
    }
    return 0;
}

/* Nobody reads any more: then nothing may be left that should be read. */
static int check_unread(struct crew *c)
{
    int rc = fetch_block(c);
    if (rc == ROTA_E_TIMEOUT)
        return FARM_FED_NONE_YET;
    if (rc != 0 || !c->has_block)
        return rc ? rc : FARM_FED_LAST;
    c->all_taken = false;
    return take_failed(c, error_set(c->err, ROTA_E_STATE,
                                    "nobody reads block %" PRIu64
                                    " and what follows it, as every command has "
                                    "ended",
                                    c->blocks));
}

/* Blocks first begin as many commands as there are slots, and then go to these. */
static int take_block(struct crew *c, struct rota_spec *spec)
{
    struct rota_stats stats;
    rota_farm_stats(c->farm, &stats);
    bool room = c->taken < c->slots;
    bool awaited = stats.workers < c->workers; /* there may be more of it */
    if (room && !c->over && !c->has_block && c->course == CREW_GO_ON) {
        int fed = begin_reader(c, spec);
        if (fed == FARM_FED_TASK || fed < 0)
            return fed;
    }
    int rc = deal_blocks(c);
    if (rc != 0)
        return rc;
    if (dealer_living(c->dealer) > 0 || ((room || awaited) && !c->over))
        return FARM_FED_NONE_YET;
    return c->over && !c->has_block ? FARM_FED_LAST : check_unread(c);
}

static int take_command(void *ctx, struct rota_spec *spec)
{
    struct crew *c = ctx;
    if (c->failed != 0)
        return c->failed;
    if (c->workers == 0)
        return FARM_FED_LAST;
    if (c->dealer != NULL)
        return take_block(c, spec);
    return has_plenty(c) ? FARM_FED_NONE_YET : next_command(c, spec);
}

/* ---- what commands write before their end ------------------------------------ */

static struct spool_text text_of(const struct crew *c, const struct spool *kept,
                                 const struct execute_bytes *rest)
{
    return (struct spool_text){
        .file = spools_file(c->spools),
        .kept = kept,
        .rest = rest->data,
        .rest_bytes = rest->size,
    };
}

/* The place in the list, from 0, of the task that has this tag, or else this number. */
static uint64_t place_of(uint64_t tag, uint64_t task)
{
    return tag > 0 ? tag - 1 : task;
}

/* Once it is kept, it is shown from there. */
static int show_part(struct crew *c, const struct broker_attempt *a,
                     const struct execute_result *part)
{
    static const struct execute_bytes none = {0};
    const struct spooled *kept = spools_attempt(c->spools, a->lease, a->task);
    struct crew_part said = {
        .task = place_of(a->tag, a->task),
        .order = a->task,
        .lease = a->lease,
        .out = text_of(c, &kept->out, c->hooks->keep ? &none : &part->out),
        .err = text_of(c, &kept->err, c->hooks->keep ? &none : &part->err),
    };
    return c->hooks->said(c->hooks->ctx, &said, c->err);
}

static int take_part(void *ctx, int worker, const struct broker_attempt *a,
                     const void *data, size_t size)
{
    struct crew *c = ctx;
    struct execute_result part;
    struct rota_error err;
    bool first;
    if (commands_part(data, size, &part) != 0)
        return ROTA_E_FORMAT;
    if (part.how == EXECUTE_HUNGRY) {
        if (c->dealer == NULL)
            return ROTA_E_FORMAT;
        dealer_ask(c->dealer, &(struct dealer_who){worker, a->lease, a->task});
        return 0;
    }
    int rc = spools_put(c->spools, worker, a->lease, a->task, &part, c->hooks->keep,
                        &first, &err);
    if (first) {
        memcpy(c->why, err.text, sizeof(c->why));
        c->hooks->spilt(c->hooks->ctx, place_of(a->tag, a->task), c->why);
    }
    if (rc == 0 && c->hooks->said != NULL && c->failed == 0)
        c->failed = show_part(c, a, &part);
    return rc;
}

static bool is_whole(void *ctx, uint64_t lease, uint64_t task)
{
    const struct crew *c = ctx;
    bool read = c->dealer == NULL || dealer_has_told(c->dealer, task);
    return read && spools_are_whole(c->spools, lease, task);
}

static void settle_parts(void *ctx, uint64_t lease, uint64_t task, bool counts)
{
    const struct crew *c = ctx;
    spools_settle(c->spools, lease, task, counts);
    if (c->dealer != NULL && counts)
        dealer_ended(c->dealer, task);
}

static const struct broker_parts parts = {
    .came = take_part,
    .whole = is_whole,
    .settled = settle_parts,
};

static void note_lost(void *ctx, int rank, const struct rota_fate *fate,
                      const char *strange, uint64_t again)
{
    struct crew *c = ctx;
    c->workers--;
    spools_lose(c->spools, rank - c->farm->first);
    if (c->dealer != NULL)
        dealer_lost(c->dealer, rank - c->farm->first);
    c->hooks->lost(c->hooks->ctx, rank, fate, strange, again);
}

static void note_came(void *ctx, int rank, int slots, const char *host)
{
    struct crew *c = ctx;
    c->slots += (uint64_t)slots;
    if (c->hooks->came != NULL)
        c->hooks->came(c->hooks->ctx, rank, slots, host);
}

/* Whether nothing more is to be begun. */
static bool is_enough(void *ctx)
{
    const struct crew *c = ctx;
    return c->course != CREW_GO_ON ||
           (c->hooks->enough != NULL && c->hooks->enough(c->hooks->ctx));
}

static bool is_stopped(void *ctx)
{
    struct crew *c = ctx;
    c->course = c->hooks->steer(c->hooks->ctx);
    return c->course == CREW_STOP;
}

static bool ran_to_its_end(const struct rota_result *r)
{
    return r->outcome == ROTA_DONE || r->outcome == ROTA_FAILED ||
           r->outcome == ROTA_CRASHED || r->outcome == ROTA_OVERTIME;
}

/* What it wrote, before its end and then; or nothing, where not all of it was kept. */
static void find_output(const struct crew *c, struct crew_end *end,
                        struct execute_result *result)
{
    const struct spooled *kept = spools_find(c->spools, end->order);
    if (kept != NULL && kept->broken) {
        end->why = c->why;
        result->how = EXECUTE_OVERFLOWED;
        result->out.size = result->err.size = 0;
    }
    end->lease = kept ? kept->lease : CREW_NO_LEASE;
    end->out = text_of(c, kept ? &kept->out : NULL, &result->out);
    end->err = text_of(c, kept ? &kept->err : NULL, &result->err);
    end->wrote = (kept ? kept->wrote : 0) + result->out.size;
}

/* What it was given to read, and whether it left some of that. */
static void find_input(struct crew *c, struct crew_end *end,
                       struct execute_result *result)
{
    if (c->dealer == NULL)
        return;
    dealer_ended(c->dealer, end->order);
    end->had = dealer_text(c->dealer, end->order, c->had, sizeof(c->had));
    if (end->outcome != ROTA_DONE && result->how == EXECUTE_EXITED && result->code == 0)
        result->how = EXECUTE_EARLY;
}

/* What `r` says, in the crew's words. `result` is what it may need. */
static int read_end(const struct rota_result *r, struct crew_end *end,
                    struct execute_result *result)
{
    *end = (struct crew_end){
        .task = place_of(r->tag, r->task),
        .order = r->task,
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
    struct execute_result result = {.how = EXECUTE_EXITED};
    struct commands_spec command = {0};
    struct crew_end end;
    const void *payload;
    size_t size;
    broker_payload(c->farm->broker, &payload, &size);
    c->held_bytes -= size;
    c->held--;
    int rc = read_end(r, &end, &result);
    if (rc == 0 && r->outcome != ROTA_DONE)
        rc = commands_unpack(payload, size, &command);
    if (rc != 0)
        return error_set(c->err, rc,
                         "cannot read the result of task %ju from rank %d: %s",
                         (uintmax_t)end.task + 1, r->worker, rota_strerror(rc));
    rota_auto(heap) char **argv = command.argv;
    end.argv = argv;
    find_output(c, &end, &result);
    find_input(c, &end, &result);
    rc = c->hooks->ended(c->hooks->ctx, &end, c->err);
    spools_forget(c->spools, r->task);
    return rc;
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

/* What has ended, and was not told: it waits for one before it that has not. */
static int tell_rest(struct crew *c)
{
    struct rota_result r;
    int rc = 0;
    broker_skip_gaps(c->farm->broker);
    while (rc == 0 && broker_next(c->farm->broker, &r))
        rc = c->failed = end_command(c, &r);
    return rc;
}

/* Whether nothing runs, and nothing is to. */
static bool has_run_out(const struct crew *c)
{
    struct crew_state now;
    if (c->course == CREW_GO_ON)
        return false;
    crew_look(c->farm, &now);
    return now.stats.lent == 0;
}

/* Fails with ROTA_E_END where all is done; 0: it was given up. */
static int loop(struct crew *c)
{
    bool over = false;
    while (!over && c->course != CREW_STOP) {
        struct rota_result r;
        bool all_ended = has_run_out(c);
        /* Where no command is wanted nobody asks for one, and those who read wait. */
        int rc = c->dealer != NULL && c->failed == 0 ? deal_blocks(c) : 0;
        if (rc != 0)
            return rc;
        rc = rota_next(c->farm, all_ended ? 0 : TICK_MS, &r);
        if (rc == 0)
            rc = c->failed = end_command(c, &r);
        else if (rc == ROTA_E_TIMEOUT)
            over = all_ended;
        if (rc != 0 && rc != ROTA_E_TIMEOUT)
            return rc;
        is_stopped(c);
    }
    return over || c->farm->in_order ? tell_rest(c) : 0;
}

void crew_look(const struct rota_farm *farm, struct crew_state *out)
{
    struct broker_counts counts = broker_counts(farm->broker);
    *out = (struct crew_state){
        .running = counts.running,
        .succeeded = counts.succeeded,
        .failed = counts.failed,
        .shut = counts.shut,
    };
    rota_farm_stats(farm, &out->stats);
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
                                      .shut = is_enough,
                                      .parts = &parts,
                                      .ctx = &c};
    int rc = spools_new(&c.spools);
    if (rc == 0 && hooks->more != NULL)
        rc = dealer_new(farm->in_order, &c.dealer);
    if (rc == 0)
        rc = farm_set_feed(farm, take_command, &c);
    if (rc == 0)
        rc = loop(&c);
    farm->hooks = (struct farm_hooks){.ctx = NULL};
    farm->feed = NULL;
    free(c.words.data);
    spools_free(c.spools);
    dealer_free(c.dealer);

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
