/* broker.c - the manager's mind: tasks in, messages out; messages in, results out
 *
 * What a task is stands in the ledger, where it is in the plan, and how it ended in the
 * message that says so: a *report*, which stays whole until its last result has been
 * told. Ends that no message tells (poison, cancelled) are reports without one.
 *
 * A report is gone through twice: at its coming, when the plan accepts or refuses each
 * of its results (a refused one is marked in the message itself), and when the results
 * are told (reports.h keeps them until then).
 *
 * Invariants
 *  1. A result is told once the plan has accepted it, and the plan accepts one result
 *     a task.
 *  2. What was interrupted for want of memory is taken up where it stood: of a report
 *     being gone through, by its `seen` cursor and `unborn` count; of the plan's
 *     actions, by `action`, as long as `acting`. Until that one has been carried out
 *     the plan learns nothing that could end a task, so it holds: what is to be lent
 *     is still in the ledger, and with that worker.
 *  3. Fresh tasks are told to the plan together, before anything else is asked of it.
 *
 * It is long, as all that is left here turns on the plan and on what was interrupted:
 * what stands alone does so in ledger.h, reports.h and wire.h.
 */
#include "farm/broker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "farm/ledger.h"
#include "farm/reports.h"
#include "farm/wire.h"
#include "schedule/plan.h"

enum {
    BATCH_BYTES = 256 << 10, /* of the records of a batch; one alone may have more */
    UNTOLD_TASKS = 1 << 20,  /* so many results, or bytes of them, are enough to wait */
    UNTOLD_BYTES = 256 << 20,
};

enum {
    REFUSED = 0x8000, /* flag of a result's record, ours alone */
    FLAGS_AT = 2,
};

enum worker_state {
    WORKER_AWAITED,
    WORKER_HERE,
    WORKER_LOST,
};

struct broker {
    struct broker_options options;
    struct broker_port port;
    struct ledger *ledger;
    struct plan *plan;
    bool acting;
    struct plan_action action;
    uint64_t fresh; /* tasks that the plan does not know yet, all of this class: */
    struct plan_class fresh_class;
    int fresh_plain;           /* its function, if it says nothing more; or -1 */
    struct report_list unseen; /* came, but the plan has not seen all of them */
    struct reports reports;    /* seen, and not told yet */
    uint64_t due;              /* in_order: the next task to tell */
    unsigned char *behind;     /* the value told last, where a 0 was put; or NULL */
    unsigned char was_behind;
    uint64_t told;
    uint64_t told_last; /* which task */
    uint64_t ended[ROTA_OUTCOMES];
    uint64_t untold_tasks;
    enum worker_state workers[];
};

/* ---- tasks ------------------------------------------------------------------- */

static int tell_fresh(struct broker *b)
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
    if (tell_fresh(b) != 0)
        return ROTA_E_NOMEM;
    b->fresh_class = *c;
    b->fresh_plain = c->priority == 0 && c->near < 0 && c->retries == 0 ? c->kind : -1;
    return 0;
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
    int near = t->near - 1 - b->options.first_rank;
    struct plan_class c = {
        .priority = t->priority,
        .near = near >= 0 && near < b->options.workers ? near : -1,
        .retries = t->retries,
        .kind = t->function,
    };
    if (!is_same_class(&c, &b->fresh_class) && begin_fresh(b, &c) != 0)
        return ROTA_E_NOMEM;
    return count_fresh(b, ledger_add(b->ledger, t), task);
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

static int catch_up(struct broker *b, int64_t now_ns);

int broker_cancel(struct broker *b, int64_t now_ns, uint64_t task)
{
    int rc = catch_up(b, now_ns);
    if (rc == 0)
        rc = tell_fresh(b);
    return rc ? rc : plan_cancel(b->plan, now_ns, task);
}

/* ---- reports: seen by the plan ----------------------------------------------- */

static void refuse(const struct report *r, size_t at)
{
    unsigned char *flags = r->data + at + FLAGS_AT;
    parcel_put16(flags, parcel_get16(flags) | REFUSED);
}

/* The record at `c`, and c moved behind it. */
static int read_record(const struct report *r, struct cursor *c,
                       struct parcel_result *out)
{
    size_t bytes;
    int rc = parcel_read_result(r->data + c->at, r->size - c->at, out, &bytes);
    if (rc != 0)
        return rc;
    c->at += bytes;
    c->task++;
    return 0;
}

/* Values alone, from `seen` on: how many, and where they end. */
static uint64_t run_of_values(const struct report *r, struct cursor *end)
{
    size_t at = r->seen.at;
    uint64_t task = r->seen.task;
    size_t bytes;
    while (task < r->end && (bytes = parcel_plain_result(r->data + at, r->size - at))) {
        at += bytes;
        task++;
    }
    *end = (struct cursor){task, at};
    return task - r->seen.task;
}

/* What a task said before its result counts as that does. */
static void settle_parts(const struct broker *b, const struct report *r, uint64_t task,
                         bool counts)
{
    if (b->port.parts != NULL)
        b->port.parts->settled(b->port.ctx, r->lease, task, counts);
}

/* Move `seen` over `count` records; where they don't count, mark them. */
static void see(struct broker *b, struct report *r, uint64_t count, bool accepted)
{
    struct parcel_result result;
    if (accepted)
        b->untold_tasks += count;
    for (; count > 0; count--) {
        size_t at = r->seen.at;
        settle_parts(b, r, r->seen.task, accepted);
        read_record(r, &r->seen, &result);
        if (!accepted)
            refuse(r, at);
    }
}

static int settle_run(struct broker *b, int64_t now_ns, struct report *r,
                      uint64_t count, struct cursor end)
{
    while (count > 0) {
        uint64_t run = 0;
        uint32_t attempt = 0;
        bool accepted = false;
        struct plan_span span = {r->seen.task, count};
        int rc = plan_settle(b->plan, now_ns, r->worker, r->lease, span,
                             (int64_t)((double)r->busy_ns * (double)count / r->count),
                             &run, &accepted, &attempt);
        if (rc != 0)
            return rc;
        if (accepted)
            r->attempts = (int)attempt;
        if (accepted && run == count) { /* as nearly always: no need to look again */
            for (uint64_t i = 0; b->port.parts != NULL && i < count; i++)
                settle_parts(b, r, r->seen.task + i, true);
            b->untold_tasks += count;
            r->seen = end;
            return 0;
        }
        see(b, r, run, accepted);
        count -= run;
    }
    return 0;
}

/* Whether the tasks that a result submits, which are readable, can be run. It is asked
 * before the plan is: what it has accepted must be told. */
static bool are_known(const struct broker *b, const struct parcel_result *result)
{
    size_t at = 0;
    for (uint32_t i = 0; i < result->tasks_count; i++) {
        struct parcel_task t = {0};
        size_t bytes = 0;
        parcel_read_task(result->tasks + at, result->tasks_bytes - at, &t, &bytes);
        if (t.function >= b->options.functions)
            return false;
        at += bytes;
    }
    return true;
}

/* The tasks that the accepted result at `seen` submits. Taken up where it was
 * interrupted, `unborn` of them before the end. */
static int bear(struct broker *b, struct report *r, const struct parcel_result *result)
{
    size_t at = 0;
    for (uint32_t i = 0; i < result->tasks_count; i++) {
        struct parcel_task t = {0};
        size_t bytes = 0;
        parcel_read_task(result->tasks + at, result->tasks_bytes - at, &t, &bytes);
        at += bytes;
        if (i < result->tasks_count - r->unborn)
            continue;
        int rc = broker_submit(b, &t, NULL);
        if (rc != 0)
            return rc;
        r->unborn--;
    }
    return 0;
}

/* A result that has tasks with it. */
static int settle_parent(struct broker *b, int64_t now_ns, struct report *r,
                         const struct parcel_result *result)
{
    uint64_t run = 0;
    bool accepted = r->unborn > 0;
    uint32_t attempt = 0;
    struct plan_span span = {r->seen.task, 1};
    if (!accepted) {
        if (!are_known(b, result))
            return ROTA_E_FORMAT;
        int rc = plan_settle(b->plan, now_ns, r->worker, r->lease, span,
                             result->took_ns, &run, &accepted, &attempt);
        if (rc != 0)
            return rc;
        if (accepted) {
            r->attempts = (int)attempt;
            r->unborn = result->tasks_count;
        }
    }
    int rc = accepted ? bear(b, r, result) : 0;
    if (rc == 0)
        see(b, r, 1, accepted);
    return rc;
}

static void tell_tried(const struct broker *b, const struct report *r,
                       const struct parcel_result *result, uint32_t attempt)
{
    struct rota_result tried = {
        .task = r->seen.task,
        .tag = ledger_task(b->ledger, r->seen.task).tag,
        .outcome = result->outcome,
        .code = result->code,
        .data = result->data,
        .size_bytes = result->size,
        .attempts = (int)attempt,
        .worker = r->worker + b->options.first_rank,
        .took_ns = result->took_ns,
        .ended_ns = r->ended_ns,
    };
    if (b->port.tried != NULL)
        b->port.tried(b->port.ctx, &tried);
}

static int settle_failure(struct broker *b, int64_t now_ns, struct report *r,
                          const struct parcel_result *result)
{
    if (result->outcome > ROTA_OVERTIME)
        return ROTA_E_FORMAT; /* that is the manager's to say */
    enum plan_verdict verdict = PLAN_REFUSED;
    uint32_t attempt = 0;
    int rc = plan_failed(b->plan, now_ns, r->worker, r->lease, r->seen.task,
                         result->took_ns, &verdict, &attempt);
    if (rc != 0)
        return rc;
    if (verdict == PLAN_FINAL)
        r->attempts = (int)attempt;
    if (verdict == PLAN_AGAIN)
        tell_tried(b, r, result, attempt);
    see(b, r, 1, verdict == PLAN_FINAL);
    return 0;
}

/* Show the report to the plan, from `seen` on. */
static int examine(struct broker *b, int64_t now_ns, struct report *r)
{
    int rc = tell_fresh(b);
    while (rc == 0 && r->seen.task < r->end) {
        struct cursor end;
        struct parcel_result result;
        uint64_t count = run_of_values(r, &end);
        if (count > 0)
            rc = settle_run(b, now_ns, r, count, end);
        if (rc != 0 || r->seen.task == r->end)
            break;
        struct cursor next = r->seen;
        rc = read_record(r, &next, &result);
        if (rc == 0)
            rc = result.outcome == ROTA_DONE ? settle_parent(b, now_ns, r, &result)
                                             : settle_failure(b, now_ns, r, &result);
    }
    return rc;
}

static void lose(struct broker *b, int64_t now_ns, int worker, bool strange)
{
    uint64_t before = plan_counts(b->plan)->again;
    b->workers[worker] = WORKER_LOST;
    plan_lost(b->plan, now_ns, worker);
    if (b->port.lost != NULL)
        b->port.lost(b->port.ctx, worker, strange,
                     plan_counts(b->plan)->again - before);
}

/* Show all that came to the plan. Who sent nonsense is lost, and the rest of his
 * report dropped. Fails with ROTA_E_NOMEM or ROTA_E_MPI: later. */
static int examine_all(struct broker *b, int64_t now_ns)
{
    struct report *r;
    int failed = catch_up(b, now_ns);
    if (failed)
        return failed;
    while ((r = TAILQ_FIRST(&b->unseen)) != NULL) {
        int rc = examine(b, now_ns, r);
        if (rc == ROTA_E_NOMEM || reports_reserve(&b->reports) != 0)
            return ROTA_E_NOMEM;
        if (rc != 0) {
            r->end = r->seen.task;
            lose(b, now_ns, r->worker, true);
        }
        TAILQ_REMOVE(&b->unseen, r, link);
        reports_keep(&b->reports, r);
    }
    return 0;
}

/* A task of whose parts one could not be kept has failed, whatever it says. */
static void spoil(const struct broker *b, struct report *r)
{
    struct parcel_result result;
    struct cursor c = r->seen;
    while (b->port.parts != NULL && c.task < r->end) {
        size_t at = c.at;
        uint64_t task = c.task;
        if (read_record(r, &c, &result) != 0)
            return; /* as will be seen */
        if (result.outcome == ROTA_DONE &&
            !b->port.parts->whole(b->port.ctx, r->lease, task))
            parcel_put16(r->data + at, ROTA_FAILED);
    }
}

static int take_results(struct broker *b, int64_t now_ns, int worker,
                        const struct wire_head *h, void *data, size_t size)
{
    struct report *r = malloc(sizeof(*r));
    if (r == NULL)
        return ROTA_E_NOMEM;
    *r = (struct report){
        .data = data,
        .size = size,
        .worker = worker,
        .ended_ns = now_ns,
        .lease = h->lease,
        .busy_ns = (int64_t)h->more,
        .count = h->count,
        .end = h->first + h->count,
        .seen = {h->first, WIRE_HEAD_BYTES},
        .told = {h->first, WIRE_HEAD_BYTES},
        .forget_from = h->first,
    };
    spoil(b, r);
    TAILQ_INSERT_TAIL(&b->unseen, r, link);
    examine_all(b, now_ns); /* or in the next broker_act */
    return 0;
}

/* ---- messages out ------------------------------------------------------------ */

static int send_head(struct broker *b, int worker, const struct wire_head *h)
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
    return send_head(b, a->worker, &h);
}

/* Keep what the manager itself says of the tasks of `s`; `r` is of reports_new(). */
static void keep_end(struct broker *b, int64_t now_ns, struct report *r,
                     struct plan_span s)
{
    r->ended_ns = now_ns;
    r->told.task = r->forget_from = s.first;
    r->seen.task = r->end = s.first + s.count;
    b->untold_tasks += s.count;
    reports_keep(&b->reports, r);
}

static int end(struct broker *b, int64_t now_ns, const struct plan_action *a)
{
    static const enum rota_outcome outcomes[] = {
        [PLAN_POISON] = ROTA_POISON,
        [PLAN_NO_WORKER] = ROTA_UNTRIED,
        [PLAN_CANCELLED] = ROTA_CANCELLED,
    };
    struct report *r = reports_new(&b->reports);
    if (r == NULL)
        return ROTA_E_NOMEM;
    r->worker = a->worker;
    r->attempts = (int)a->attempt;
    r->how = outcomes[a->why];
    r->code = a->why == PLAN_POISON ? a->killed : 0;
    keep_end(b, now_ns, r, a->span);
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

/* Carry out the action that was interrupted, if one was. */
static int catch_up(struct broker *b, int64_t now_ns)
{
    int rc = b->acting ? carry_out(b, now_ns, &b->action) : 0;
    b->acting = rc != 0;
    return rc;
}

int broker_act(struct broker *b, int64_t now_ns)
{
    int rc = examine_all(b, now_ns);
    if (rc == 0)
        rc = tell_fresh(b);
    while (rc == 0 && plan_next(b->plan, now_ns, &b->action)) {
        b->acting = true;
        rc = catch_up(b, now_ns);
    }
    return rc;
}

int64_t broker_wake_ns(const struct broker *b)
{
    return plan_wake_ns(b->plan);
}

/* ---- workers ----------------------------------------------------------------- */

/* Who has other functions than the manager goes home at once. */
static int take_hello(struct broker *b, int64_t now_ns, int worker,
                      const struct wire_head *h, const void *name, size_t size)
{
    char host[WIRE_HOST_MAX + 1] = "";
    if (h->lease != b->options.fingerprint) {
        struct wire_head no = {.kind = WIRE_FINISH, .more = 1};
        int rc = send_head(b, worker, &no);
        if (rc == 0)
            lose(b, now_ns, worker, true);
        return rc;
    }
    int rc = plan_join(b->plan, now_ns, worker, (int)h->count);
    if (rc != 0)
        return rc;
    b->workers[worker] = WORKER_HERE;
    memcpy(host, name, size < WIRE_HOST_MAX ? size : WIRE_HOST_MAX);
    if (b->port.came != NULL)
        b->port.came(b->port.ctx, worker, (int)h->count, host);
    return 0;
}

static bool may_say(const struct broker *b, const struct wire_head *h,
                    enum worker_state state)
{
    if (h->kind == WIRE_HELLO)
        return state == WORKER_AWAITED && h->count > 0 && h->count <= WIRE_SLOTS_MAX;
    if (h->kind == WIRE_PART && (b->port.parts == NULL || h->count != 1))
        return false;
    return (h->kind == WIRE_RESULTS || h->kind == WIRE_RETURNED ||
            h->kind == WIRE_PART) &&
           state == WORKER_HERE && h->count > 0 && h->more <= INT64_MAX;
}

/* What the worker had said before counts. */
static int take_nonsense(struct broker *b, int64_t now_ns, int worker)
{
    if (examine_all(b, now_ns) != 0)
        return ROTA_E_NOMEM;
    lose(b, now_ns, worker, true);
    return 0;
}

/* So too. */
static int take_returned(struct broker *b, int64_t now_ns, int worker,
                         const struct wire_head *h)
{
    if (examine_all(b, now_ns) != 0)
        return ROTA_E_NOMEM;
    return plan_returned(b->plan, now_ns, worker, h->lease,
                         (struct plan_span){h->first, h->count});
}

/* What can't be kept is not to be said any further. */
static int take_part(struct broker *b, int64_t now_ns, int worker,
                     const struct wire_head *h, const void *data, size_t size)
{
    if (!plan_holds(b->plan, worker, h->lease, h->first))
        return 0;
    struct broker_attempt a = {
        .lease = h->lease,
        .task = h->first,
        .tag = ledger_task(b->ledger, h->first).tag,
    };
    int rc = b->port.parts->came(b->port.ctx, worker, &a, data, size);
    struct wire_head end = {
        .kind = WIRE_END, .count = 1, .lease = h->lease, .first = h->first};
    if (rc == ROTA_E_IO)
        rc = send_head(b, worker, &end);
    return rc == ROTA_E_FORMAT ? take_nonsense(b, now_ns, worker) : rc;
}

int broker_receive(struct broker *b, int64_t now_ns, int worker, void *data,
                   size_t size)
{
    struct wire_head h;
    int rc = 0;
    if (b->workers[worker] != WORKER_LOST) {
        if (wire_read(data, size, &h) != 0 || !may_say(b, &h, b->workers[worker]))
            rc = take_nonsense(b, now_ns, worker);
        else if (h.kind == WIRE_RESULTS)
            return take_results(b, now_ns, worker, &h, data, size);
        else if (h.kind == WIRE_RETURNED)
            rc = take_returned(b, now_ns, worker, &h);
        else if (h.kind == WIRE_PART)
            rc = take_part(b, now_ns, worker, &h,
                           (const unsigned char *)data + WIRE_HEAD_BYTES,
                           size - WIRE_HEAD_BYTES);
        else
            rc = take_hello(b, now_ns, worker, &h, (char *)data + WIRE_HEAD_BYTES,
                            size - WIRE_HEAD_BYTES);
    }
    if (rc == 0)
        b->port.done(b->port.ctx, data, size);
    return rc;
}

/* The task that a worker ran has run out of time, if it had any limit: others may send
 * the same signal. */
static int fail_overtime(struct broker *b, int64_t now_ns, int worker)
{
    uint64_t lease;
    uint64_t task;
    enum plan_verdict verdict = PLAN_REFUSED;
    uint32_t attempt = 0;
    if (!plan_running(b->plan, worker, &lease, &task) ||
        ledger_task(b->ledger, task).time_limit_ms == 0)
        return 0;
    rota_auto(heap) struct report *r = reports_new(&b->reports);
    int rc = r != NULL ? plan_failed(b->plan, now_ns, worker, lease, task, 0, &verdict,
                                     &attempt)
                       : ROTA_E_NOMEM;
    if (rc != 0)
        return rc;
    plan_excuse(b->plan, worker);
    if (verdict != PLAN_FINAL)
        return 0;
    r->worker = worker;
    r->attempts = (int)attempt;
    r->how = ROTA_OVERTIME;
    keep_end(b, now_ns, rota_steal(r), (struct plan_span){task, 1});
    return 0;
}

int broker_lost(struct broker *b, int64_t now_ns, int worker, bool overtime)
{
    int rc = examine_all(b, now_ns);
    if (rc != 0 || b->workers[worker] == WORKER_LOST)
        return rc;
    if (overtime)
        rc = fail_overtime(b, now_ns, worker);
    if (rc == 0)
        lose(b, now_ns, worker, false);
    return rc;
}

void broker_freeze(struct broker *b, int64_t now_ns, int worker, bool frozen)
{
    if (b->workers[worker] != WORKER_LOST) /* nor need it have come yet */
        plan_freeze(b->plan, now_ns, worker, frozen);
}

void broker_finish(struct broker *b)
{
    struct wire_head h = {.kind = WIRE_FINISH};
    for (int w = 0; w < b->options.workers; w++)
        send_head(b, w, &h); /* who can't be told learns it from our leaving */
}

/* ---- results ----------------------------------------------------------------- */

static void forget_told(struct broker *b, struct report *r)
{
    if (r->told.task > r->forget_from)
        ledger_forget(b->ledger, r->forget_from, r->told.task - r->forget_from);
    r->forget_from = r->told.task;
}

static bool is_refused(const struct report *r)
{
    return r->data != NULL && parcel_get16(r->data + r->told.at + FLAGS_AT) & REFUSED;
}

static void skip_refused(struct broker *b, struct report *r)
{
    struct parcel_result result;
    unsigned char *flags = r->data + r->told.at + FLAGS_AT;
    forget_told(b, r);
    parcel_put16(flags, parcel_get16(flags) & (uint16_t)~REFUSED);
    read_record(r, &r->told, &result);
    r->forget_from = r->told.task;
}

/* There is a 0 behind a value, as for text. Where it ends a record that is the first
 * byte of the next, which is 0 as nearly all results are done; or it is made one, until
 * the next call. Behind a message's last byte stands one anyway. */
static void end_value(struct broker *b, unsigned char *end)
{
    if (*end == 0)
        return;
    b->behind = end;
    b->was_behind = *end;
    *end = 0;
}

static void restore_value(struct broker *b)
{
    if (b->behind != NULL)
        *b->behind = b->was_behind;
    b->behind = NULL;
}

/* What the record that is to be told next says. */
static void read_told(struct broker *b, struct report *r, struct rota_result *out)
{
    unsigned char *record = r->data + r->told.at;
    size_t bytes = parcel_plain_result(record, r->size - r->told.at);
    if (bytes > 0) {
        out->data = record + PARCEL_RESULT_BYTES;
        out->size_bytes = parcel_get32(record + 4);
        out->took_ns = (int64_t)parcel_get64(record + 8);
        r->told.at += bytes;
        r->told.task++;
    } else {
        struct parcel_result result = {0};
        read_record(r, &r->told, &result);
        out->outcome = result.outcome;
        out->code = result.code;
        out->data = result.data;
        out->size_bytes = result.size;
        out->took_ns = result.took_ns;
    }
    end_value(b, record + PARCEL_RESULT_BYTES + out->size_bytes);
}

/* Tell the next result of the head report, which is not refused. */
static void tell(struct broker *b, struct report *r, struct rota_result *out)
{
    if (r->told.task >= r->tag_until)
        r->tag = ledger_tag(b->ledger, r->told.task, &r->tag_until);
    *out = (struct rota_result){
        .task = r->told.task,
        .tag = r->tag,
        .outcome = r->how,
        .code = r->code,
        .data = "",
        .attempts = r->attempts,
        .worker = r->worker < 0 ? -1 : r->worker + b->options.first_rank,
        .ended_ns = r->ended_ns,
    };
    if (r->data == NULL)
        r->told.task++;
    else
        read_told(b, r, out);
    b->told++;
    b->told_last = out->task;
    b->untold_tasks--;
    b->ended[out->outcome]++;
}

bool broker_next(struct broker *b, struct rota_result *out)
{
    struct report *r;
    bool in_order = b->options.in_order;
    restore_value(b);
    while ((r = reports_head(&b->reports)) != NULL) {
        bool told = false;
        if (r->told.task == r->end) {
            forget_told(b, r);
            reports_retire_head(&b->reports);
            continue;
        }
        if (is_refused(r)) {
            skip_refused(b, r);
        } else {
            if (in_order && r->told.task != b->due)
                return false;
            tell(b, r, out);
            b->due++;
            told = true;
        }
        reports_move_head(&b->reports);
        if (told)
            return true;
    }
    return false;
}

/* A report forgets its tasks only when the next result is asked for. */
void broker_payload(const struct broker *b, const void **data, size_t *size)
{
    struct parcel_task t = ledger_task(b->ledger, b->told_last);
    *data = t.data;
    *size = t.size;
}

/* ---- the whole --------------------------------------------------------------- */

bool broker_is_hungry(struct broker *b)
{
    return tell_fresh(b) == 0 && b->untold_tasks < UNTOLD_TASKS &&
           b->reports.bytes < UNTOLD_BYTES && plan_is_hungry(b->plan);
}

bool broker_is_over(const struct broker *b)
{
    return b->told == ledger_count(b->ledger);
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
    memcpy(out->ended, b->ended, sizeof(out->ended));
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
    TAILQ_INIT(&b->unseen);
    reports_init(&b->reports, options->in_order, port->done, port->ctx);
    struct plan_options plan = {
        .workers = options->workers,
        .poison_limit = options->poison_limit,
        .ahead = options->ahead,
        .retry_ns = options->retry_ns,
        .batch_ns = options->batch_ns,
        .once = options->once,
        .fit = fit,
        .ctx = b,
    };
    int rc = ledger_new(&b->ledger);
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
        reports_free(&b->reports, r);
    }
    reports_done(&b->reports);
    plan_free(b->plan);
    ledger_free(b->ledger);
    free(b);
}
