/* broker.c - the manager's mind: tasks in, messages out; messages in, results out
 *
 * What a task is stands in the ledger, where it is in the plan, and how it ended in the
 * message that says so: a *report*, which stays whole until its last result has been
 * told. Ends that no message tells (poison, cancelled) are reports without one.
 *
 * A report is gone through twice: at its coming, when the plan accepts or refuses each
 * of its results (broker_examine.c), and when the results are told (teller.h keeps them
 * until then). broker_state.h has the invariants.
 */
#include "farm/broker_state.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH_BYTES = 96 << 10, /* of the records of a batch; one alone may have more */
    UNTOLD_TASKS = 1 << 20, /* so many results, or bytes of them, are enough to wait */
    UNTOLD_BYTES = 256 << 20,
};

#define LIMIT_PAUSE_NS INT64_C(100000000) /* between two limits that are told */

/* ---- tasks ------------------------------------------------------------------- */

int broker_tell_fresh(struct broker *b)
{
    if (b->fresh == 0)
        return 0;
    int rc = plan_add(b->plan, &b->fresh_class, b->fresh, NULL);
    if (rc == 0)
        b->fresh = 0;
    return rc;
}

static bool is_same_class(const struct plan_class *a, const struct plan_class *b)
{
    return a->kind == b->kind && a->priority == b->priority && a->near == b->near &&
           a->retries == b->retries;
}

/* From here on, fresh tasks are of class `c`. */
static int begin_fresh(struct broker *b, const struct plan_class *c)
{
    if (broker_tell_fresh(b) != 0)
        return ROTA_E_NOMEM;
    b->fresh_class = *c;
    b->fresh_plain = c->priority == 0 && c->near < 0 && c->retries == 0 ? c->kind : -1;
    return 0;
}

/* The next tasks are such as `t`. */
static int expect(struct broker *b, const struct parcel_task *t)
{
    int near = t->near - 1 - b->options.first_rank;
    struct plan_class c = {
        .priority = t->priority,
        .near = near >= 0 && near < b->options.workers ? near : -1,
        .retries = t->retries,
        .kind = t->function,
    };
    return is_same_class(&c, &b->fresh_class) ? 0 : begin_fresh(b, &c);
}

/* A task has come to the ledger, if `rc` is 0. */
static inline int count_fresh(struct broker *b, int rc, uint64_t *task)
{
    if (rc != 0)
        return rc;
    b->fresh++;
    if (task != NULL)
        *task = ledger_count(b->ledger) - 1;
    return 0;
}

int broker_submit(struct broker *b, const struct parcel_task *t, uint64_t *task)
{
    int rc = expect(b, t);
    return count_fresh(b, rc ? rc : ledger_add(b->ledger, t), task);
}

int broker_submit_plain(struct broker *b, uint16_t function, const void *data,
                        size_t size, uint64_t *task)
{
    if (b->fresh_plain != function) {
        struct plan_class c = {.near = -1, .kind = function};
        if (begin_fresh(b, &c) != 0)
            return ROTA_E_NOMEM;
    }
    return count_fresh(b, ledger_add_plain(b->ledger, function, data, size), task);
}

int broker_room(struct broker *b, const struct parcel_task *t, unsigned char **room,
                uint32_t *count)
{
    int rc = expect(b, t);
    return rc ? rc : ledger_room(b->ledger, t, room, count);
}

void broker_fill(struct broker *b, uint32_t count)
{
    ledger_fill(b->ledger, count);
    b->fresh += count;
}

uint64_t broker_submitted(const struct broker *b)
{
    return ledger_count(b->ledger);
}

int broker_cancel(struct broker *b, int64_t now_ns, uint64_t task)
{
    int rc = broker_catch_up(b, now_ns);
    if (rc == 0)
        rc = broker_tell_fresh(b);
    return rc ? rc : plan_cancel(b->plan, now_ns, task);
}

/* ---- messages out ------------------------------------------------------------ */

int broker_send_head(struct broker *b, int worker, const struct wire_head *h)
{
    unsigned char *data = malloc(WIRE_HEAD_BYTES);
    if (data == NULL)
        return ROTA_E_NOMEM;
    wire_write(data, h);
    int rc = b->port.send(b->port.ctx, worker, data, WIRE_HEAD_BYTES);
    if (rc != 0)
        free(data);
    return rc;
}

int broker_feed(struct broker *b, int worker, uint64_t lease, uint64_t task,
                const void *data, size_t size, bool last)
{
    if (!plan_holds(b->plan, worker, lease, task))
        return ROTA_E_NOTFOUND;
    unsigned char *message = malloc(WIRE_HEAD_BYTES + size + 1);
    if (message == NULL)
        return ROTA_E_NOMEM;
    struct wire_head h = {
        .kind = WIRE_INPUT, .count = 1, .lease = lease, .first = task, .more = last};
    wire_write(message, &h);
    if (size > 0)
        memcpy(message + WIRE_HEAD_BYTES, data, size);
    int rc = b->port.send(b->port.ctx, worker, message, WIRE_HEAD_BYTES + size);
    if (rc != 0)
        free(message);
    return rc;
}

static int lend(struct broker *b, const struct plan_action *a)
{
    size_t size =
        WIRE_HEAD_BYTES + ledger_bytes(b->ledger, a->span.first, a->span.count);
    unsigned char *data = malloc(size);
    if (data == NULL)
        return ROTA_E_NOMEM;
    struct wire_head h = {
        .kind = WIRE_TASKS,
        .count = (uint32_t)a->span.count,
        .lease = a->lease,
        .first = a->span.first,
        .more = a->attempt,
    };
    wire_write(data, &h);
    ledger_copy(b->ledger, a->span.first, a->span.count, data + WIRE_HEAD_BYTES);
    int rc = b->port.send(b->port.ctx, a->worker, data, size);
    if (rc != 0)
        free(data);
    return rc;
}

static int recall(struct broker *b, const struct plan_action *a)
{
    struct wire_head h = {
        .kind = b->options.once ? WIRE_RECALL : WIRE_DROP,
        .count = (uint32_t)a->span.count,
        .lease = a->lease,
        .first = a->span.first,
    };
    return broker_send_head(b, a->worker, &h);
}

void broker_keep_end(struct broker *b, int64_t now_ns, struct report *r,
                     struct plan_span s)
{
    r->ended_ns = now_ns;
    r->told.task = r->forget_from = s.first;
    r->seen.task = r->end = s.first + s.count;
    b->teller.untold += s.count;
    reports_keep(&b->teller.reports, r);
}

static int end(struct broker *b, int64_t now_ns, const struct plan_action *a)
{
    static const enum rota_outcome outcomes[] = {
        [PLAN_POISON] = ROTA_POISON,
        [PLAN_NO_WORKER] = ROTA_UNTRIED,
        [PLAN_CANCELLED] = ROTA_CANCELLED,
    };
    struct report *r = reports_new(&b->teller.reports);
    if (r == NULL)
        return ROTA_E_NOMEM;
    r->worker = a->worker;
    r->attempts = (int)a->attempt;
    r->how = outcomes[a->why];
    r->code = a->why == PLAN_POISON ? a->killed : 0;
    b->failed += a->why == PLAN_POISON ? a->span.count : 0;
    broker_keep_end(b, now_ns, r, a->span);
    return 0;
}

static int carry_out(struct broker *b, int64_t now_ns, const struct plan_action *a)
{
    switch (a->what) {
    case PLAN_LEND:
        return lend(b, a);
    case PLAN_RECALL:
        return recall(b, a);
    case PLAN_ENDED:
    default:
        return end(b, now_ns, a);
    }
}

int broker_catch_up(struct broker *b, int64_t now_ns)
{
    int rc = b->acting ? carry_out(b, now_ns, &b->action) : 0;
    b->acting = rc != 0;
    return rc;
}

/* ---- the limit of time ------------------------------------------------------- */

int broker_send_limit(struct broker *b, int worker, int64_t limit_ns)
{
    struct wire_head h = {.kind = WIRE_LIMIT, .more = (uint64_t)limit_ns};
    return broker_send_head(b, worker, &h);
}

/* Tell everyone if it is another than before; but not at every little change. */
static int tell_limit(struct broker *b, int64_t now_ns)
{
    int64_t limit_ns = plan_limit_ns(b->plan);
    b->limit_due_ns = INT64_MAX;
    if (limit_ns == b->limit_ns)
        return 0;
    if (b->limit_ns > 0 && now_ns - b->limit_told_ns < LIMIT_PAUSE_NS) {
        b->limit_due_ns = b->limit_told_ns + LIMIT_PAUSE_NS;
        return 0;
    }
    for (int w = 0; w < b->options.workers; w++) {
        int rc = b->workers[w] == WORKER_HERE ? broker_send_limit(b, w, limit_ns) : 0;
        if (rc != 0)
            return rc;
    }
    b->limit_ns = limit_ns;
    b->limit_told_ns = now_ns;
    return 0;
}

/* ---- what is to be done ------------------------------------------------------ */

int broker_act(struct broker *b, int64_t now_ns)
{
    int rc = broker_examine(b, now_ns);
    if (rc == 0)
        rc = broker_tell_fresh(b);
    while (rc == 0 && plan_next(b->plan, now_ns, &b->action)) {
        b->acting = true;
        rc = broker_catch_up(b, now_ns);
    }
    if (rc == 0 && b->options.limit_times > 0)
        rc = tell_limit(b, now_ns);
    return rc;
}

bool broker_was_refused(const struct broker *b)
{
    return plan_was_refused(b->plan);
}

int64_t broker_wake_ns(const struct broker *b)
{
    int64_t at_ns = plan_wake_ns(b->plan);
    return at_ns < b->limit_due_ns ? at_ns : b->limit_due_ns;
}

void broker_shut(struct broker *b, int64_t now_ns, bool shut)
{
    plan_shut(b->plan, now_ns, PLAN_EVERYONE, shut);
}

void broker_finish(struct broker *b)
{
    struct wire_head h = {.kind = WIRE_FINISH};
    for (int w = 0; w < b->options.workers; w++)
        broker_send_head(b, w, &h); /* who can't be told learns it from our leaving */
}

/* ---- results ----------------------------------------------------------------- */

bool broker_next(struct broker *b, struct rota_result *out)
{
    return teller_next(&b->teller, out);
}

bool broker_next_run(struct broker *b, size_t most, struct rota_result *out,
                     size_t *count)
{
    return teller_next_run(&b->teller, most, out, count);
}

void broker_skip_gaps(struct broker *b)
{
    b->teller.gaps = true;
}

void broker_payload(const struct broker *b, const void **data, size_t *size)
{
    struct parcel_task t = ledger_task(b->ledger, teller_told_last(&b->teller));
    *data = t.data;
    *size = t.size;
}

/* ---- the whole --------------------------------------------------------------- */

bool broker_is_hungry(struct broker *b)
{
    return broker_tell_fresh(b) == 0 && b->teller.untold < UNTOLD_TASKS &&
           b->teller.reports.bytes < UNTOLD_BYTES && plan_is_hungry(b->plan);
}

bool broker_is_over(const struct broker *b)
{
    return teller_told(&b->teller) == ledger_count(b->ledger);
}

void broker_stats(const struct broker *b, struct rota_stats *out)
{
    const struct plan_counts *c = plan_counts(b->plan);
    *out = (struct rota_stats){
        .submitted = ledger_count(b->ledger),
        .waiting = c->ready + c->delayed + b->fresh,
        .lent = c->leased,
        .again = c->again,
        .refused = c->refused,
        .recalled = c->recalled,
        .copied = c->copied,
        .workers = c->here,
        .lost = c->lost,
        .slots = (int)c->slots,
        .busy_ns = c->busy_ns,
    };
    memcpy(out->ended, b->teller.ended, sizeof(out->ended));
    out->ended[b->teller.next.outcome] -= b->teller.left; /* not told yet */
}

struct broker_counts broker_counts(const struct broker *b)
{
    const struct plan_counts *c = plan_counts(b->plan);
    return (struct broker_counts){
        .running = c->running,
        .succeeded = b->succeeded,
        .failed = b->failed,
        .shut = c->shut,
    };
}

static uint64_t fit(void *ctx, uint64_t first, uint64_t count)
{
    const struct broker *b = ctx;
    return ledger_fit(b->ledger, first, count < UINT32_MAX ? count : UINT32_MAX,
                      BATCH_BYTES);
}

int broker_new(const struct broker_options *options, const struct broker_port *port,
               struct broker **out)
{
    size_t workers = (size_t)options->workers;
    rota_auto(broker) struct broker *b =
        calloc(1, sizeof(*b) + workers * sizeof(b->workers[0]));
    if (b == NULL)
        return ROTA_E_NOMEM;
    b->options = *options;
    b->port = *port;
    b->fresh_plain = -1;
    b->limit_due_ns = INT64_MAX;
    TAILQ_INIT(&b->unseen);
    struct plan_options plan = {
        .workers = options->workers,
        .poison_limit = options->poison_limit,
        .ahead = options->ahead,
        .retry_ns = options->retry_ns,
        .batch_ns = options->batch_ns,
        .once = options->once,
        .frail = options->frail,
        .prompt = options->prompt,
        .gap_ns = options->gap_ns,
        .gap_adapts = options->gap_adapts,
        .limit_times = options->limit_times,
        .fit = fit,
        .ctx = b,
    };
    int rc = ledger_new(&b->ledger);
    teller_init(&b->teller, b->ledger, options->first_rank, options->in_order,
                port->done, port->ctx);
    if (rc == 0)
        rc = plan_new(&plan, &b->plan);
    if (rc == 0)
        *out = rota_steal(b);
    return rc;
}

void broker_free(struct broker *b)
{
    if (b == NULL)
        return;
    struct report *r;
    while ((r = TAILQ_FIRST(&b->unseen)) != NULL) {
        TAILQ_REMOVE(&b->unseen, r, link);
        reports_free(&b->teller.reports, r);
    }
    teller_done(&b->teller);
    plan_free(b->plan);
    ledger_free(b->ledger);
    free(b);
}
