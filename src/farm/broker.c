/* broker.c - the manager's mind: tasks in, messages out; messages in, results out
 *
 * What a task is stands in the ledger, where it is in the plan, and how it ended in the
 * message that says so: a *report*, which stays whole until its last result has been
 * told. Ends that no message tells (poison, cancelled) are reports without one.
 *
 * A report is gone through twice: at its coming, when the plan accepts or refuses each
 * of its results, and when the results are told (teller.h keeps them until then).
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
 * what stands alone does so in ledger.h, report.h, teller.h and wire.h.
 */
#include "farm/broker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "farm/ledger.h"
#include "farm/nonsense.h"
#include "farm/teller.h"
#include "farm/wire.h"
#include "schedule/plan.h"

enum {
    BATCH_BYTES = 96 << 10, /* of the records of a batch; one alone may have more */
    UNTOLD_TASKS = 1 << 20, /* so many results, or bytes of them, are enough to wait */
    UNTOLD_BYTES = 256 << 20,
};

/* That a report's tasks took, as its sender says: some years, and far from what a sum,
 * or a share, could not hold. */
#define BUSY_MOST_NS (UINT64_C(1) << 57)

#define LIMIT_PAUSE_NS INT64_C(100000000) /* between two limits that are told */

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
    struct teller teller;      /* of what it has seen */
    uint64_t succeeded;        /* that were accepted; so too: */
    uint64_t failed;
    int64_t limit_ns; /* that workers were told; 0: none */
    int64_t limit_told_ns;
    int64_t limit_due_ns; /* when they may be told another; INT64_MAX: there is none */
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

static int catch_up(struct broker *b, int64_t now_ns);

int broker_cancel(struct broker *b, int64_t now_ns, uint64_t task)
{
    int rc = catch_up(b, now_ns);
    if (rc == 0)
        rc = tell_fresh(b);
    return rc ? rc : plan_cancel(b->plan, now_ns, task);
}

/* ---- reports: seen by the plan ----------------------------------------------- */

/* What a task said before its result counts as that does. */
static void settle_parts(const struct broker *b, const struct report *r, uint64_t task,
                         bool counts)
{
    if (b->port.parts != NULL)
        b->port.parts->settled(b->port.ctx, r->lease, task, counts);
}

/* Move `seen` over `count` results; where they don't count, note that. */
static void see(struct broker *b, struct report *r, uint64_t count, bool accepted)
{
    if (accepted)
        b->teller.untold += count;
    else
        report_refuse(r, r->seen.task, count);
    for (uint64_t i = 0; b->port.parts != NULL && i < count; i++)
        settle_parts(b, r, r->seen.task + i, accepted);
    report_pass(r, &r->seen, count);
}

/* Show values to the plan: `count` from `seen` on, up to `end`. */
static int settle_values(struct broker *b, int64_t now_ns, struct report *r,
                         uint64_t count, struct cursor end)
{
    while (count > 0) {
        uint64_t run = 0;
        uint32_t attempt = 0;
        bool accepted = false;
        struct plan_span span = {r->seen.task, count};
        if (report_reserve(r) != 0)
            return ROTA_E_NOMEM;
        int rc = plan_settle(b->plan, now_ns, r->worker, r->lease, span,
                             (int64_t)((double)r->busy_ns * (double)count / r->count),
                             &run, &accepted, &attempt);
        if (rc != 0)
            return rc;
        if (accepted)
            r->attempts = (int)attempt;
        b->succeeded += accepted ? run : 0;
        if (accepted && run == count) { /* as nearly always: no need to look again */
            for (uint64_t i = 0; b->port.parts != NULL && i < count; i++)
                settle_parts(b, r, r->seen.task + i, true);
            b->teller.untold += count;
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
    if (report_reserve(r) != 0)
        return ROTA_E_NOMEM;
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
            b->succeeded++;
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
    if (report_reserve(r) != 0)
        return ROTA_E_NOMEM;
    int rc = plan_failed(b->plan, now_ns, r->worker, r->lease, r->seen.task,
                         result->took_ns, &verdict, &attempt);
    if (rc != 0)
        return rc;
    if (verdict == PLAN_FINAL) {
        r->attempts = (int)attempt;
        b->failed++;
    } else if (verdict == PLAN_AGAIN) {
        tell_tried(b, r, result, attempt);
    }
    see(b, r, 1, verdict == PLAN_FINAL);
    return 0;
}

/* Show the report to the plan, from `seen` on. */
static int examine(struct broker *b, int64_t now_ns, struct report *r)
{
    int rc = tell_fresh(b);
    while (rc == 0 && r->seen.task < r->end) {
        struct cursor end;
        struct report_part part;
        uint64_t count = report_values(r, &end);
        if (count > 0)
            rc = settle_values(b, now_ns, r, count, end);
        if (rc != 0 || r->seen.task == r->end)
            break;
        rc = report_read(r, &r->seen, &part);
        if (rc == 0)
            rc = part.result.outcome == ROTA_DONE
                     ? settle_parent(b, now_ns, r, &part.result)
                     : settle_failure(b, now_ns, r, &part.result);
    }
    return rc;
}

static void lose(struct broker *b, int64_t now_ns, int worker, const char *strange)
{
    uint64_t before = plan_counts(b->plan)->again;
    b->workers[worker] = WORKER_LOST;
    plan_lost(b->plan, now_ns, worker);
    if (b->port.lost != NULL)
        b->port.lost(b->port.ctx, worker, strange,
                     plan_counts(b->plan)->again - before);
}

/* Nothing that `worker` says makes sense any more. */
static void refuse(struct broker *b, int64_t now_ns, int worker, const char *why)
{
    lose(b, now_ns, worker, why);
    if (b->port.fence != NULL)
        b->port.fence(b->port.ctx, worker);
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
        if (rc == ROTA_E_NOMEM || reports_reserve(&b->teller.reports) != 0)
            return ROTA_E_NOMEM;
        if (rc != 0) {
            char why[NONSENSE_TEXT];
            r->end = r->seen.task;
            if (b->workers[r->worker] != WORKER_LOST)
                refuse(b, now_ns, r->worker, nonsense_results(r->data, r->size, why));
        }
        TAILQ_REMOVE(&b->unseen, r, link);
        reports_keep(&b->teller.reports, r);
    }
    return 0;
}

/* A task of whose parts one could not be kept has failed, whatever it says. Who has
 * parts reports in records; in a row this makes nonsense. */
static void spoil(const struct broker *b, struct report *r)
{
    struct report_part part;
    struct cursor c = r->seen;
    while (b->port.parts != NULL && c.task < r->end) {
        size_t at = c.at;
        uint64_t task = c.task;
        if (report_read(r, &c, &part) != 0)
            return; /* as will be seen */
        report_pass(r, &c, 1);
        if (part.result.outcome == ROTA_DONE &&
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
        .busy_ns = (int64_t)(h->more < BUSY_MOST_NS ? h->more : BUSY_MOST_NS),
        .count = h->count,
        .end = h->first + h->count,
        .seen = {h->first, WIRE_HEAD_BYTES, 0},
        .told = {h->first, WIRE_HEAD_BYTES, 0},
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

/* ---- the limit of time ------------------------------------------------------- */

static int send_limit(struct broker *b, int worker, int64_t limit_ns)
{
    struct wire_head h = {.kind = WIRE_LIMIT, .more = (uint64_t)limit_ns};
    return send_head(b, worker, &h);
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
        int rc = b->workers[w] == WORKER_HERE ? send_limit(b, w, limit_ns) : 0;
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
    int rc = examine_all(b, now_ns);
    if (rc == 0)
        rc = tell_fresh(b);
    while (rc == 0 && plan_next(b->plan, now_ns, &b->action)) {
        b->acting = true;
        rc = catch_up(b, now_ns);
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
            lose(b, now_ns, worker, "has other functions than the manager");
        return rc;
    }
    int rc = b->limit_ns > 0 ? send_limit(b, worker, b->limit_ns) : 0;
    if (rc == 0)
        rc = plan_join(b->plan, now_ns, worker, (int)h->count);
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
    if (h->kind == WIRE_SHUT)
        return state == WORKER_HERE && h->count == 0 && h->more <= 1;
    if (h->kind == WIRE_PART && (b->port.parts == NULL || h->count != 1))
        return false;
    return (h->kind == WIRE_RESULTS || h->kind == WIRE_RETURNED ||
            h->kind == WIRE_PART) &&
           state == WORKER_HERE && h->count > 0 && h->more <= INT64_MAX;
}

/* What the worker had said before counts. */
static int take_nonsense(struct broker *b, int64_t now_ns, int worker, const void *data,
                         size_t size)
{
    char why[NONSENSE_TEXT];
    if (examine_all(b, now_ns) != 0)
        return ROTA_E_NOMEM;
    if (b->workers[worker] != WORKER_LOST)
        refuse(b, now_ns, worker, nonsense_message(data, size, why));
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

/* So too. */
static int take_shut(struct broker *b, int64_t now_ns, int worker,
                     const struct wire_head *h)
{
    if (examine_all(b, now_ns) != 0)
        return ROTA_E_NOMEM;
    plan_shut(b->plan, now_ns, worker, h->more == 1);
    return 0;
}

/* What can't be kept is not to be said any further. */
static int take_part(struct broker *b, int64_t now_ns, int worker,
                     const struct wire_head *h, const unsigned char *message,
                     size_t whole)
{
    const void *data = message + WIRE_HEAD_BYTES;
    size_t size = whole - WIRE_HEAD_BYTES;
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
    return rc == ROTA_E_FORMAT ? take_nonsense(b, now_ns, worker, message, whole) : rc;
}

int broker_receive(struct broker *b, int64_t now_ns, int worker, void *data,
                   size_t size)
{
    struct wire_head h;
    int rc = 0;
    if (b->workers[worker] != WORKER_LOST) {
        if (wire_read(data, size, &h) != 0 || !may_say(b, &h, b->workers[worker]))
            rc = take_nonsense(b, now_ns, worker, data, size);
        else if (h.kind == WIRE_RESULTS)
            return take_results(b, now_ns, worker, &h, data, size);
        else if (h.kind == WIRE_RETURNED)
            rc = take_returned(b, now_ns, worker, &h);
        else if (h.kind == WIRE_SHUT)
            rc = take_shut(b, now_ns, worker, &h);
        else if (h.kind == WIRE_PART)
            rc = take_part(b, now_ns, worker, &h, data, size);
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
    rota_auto(heap) struct report *r = reports_new(&b->teller.reports);
    int rc = r != NULL ? plan_failed(b->plan, now_ns, worker, lease, task, 0, &verdict,
                                     &attempt)
                       : ROTA_E_NOMEM;
    if (rc != 0)
        return rc;
    plan_excuse(b->plan, worker);
    if (verdict != PLAN_FINAL)
        return 0;
    b->failed++;
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
        lose(b, now_ns, worker, NULL);
    return rc;
}

int broker_refuse(struct broker *b, int64_t now_ns, int worker)
{
    int rc = examine_all(b, now_ns);
    if (rc == 0 && b->workers[worker] != WORKER_LOST)
        refuse(b, now_ns, worker, "sent a malformed frame");
    return rc;
}

void broker_freeze(struct broker *b, int64_t now_ns, int worker, bool frozen)
{
    if (b->workers[worker] != WORKER_LOST) /* nor need it have come yet */
        plan_freeze(b->plan, now_ns, worker, frozen);
}

void broker_shut(struct broker *b, int64_t now_ns, bool shut)
{
    plan_shut(b->plan, now_ns, PLAN_EVERYONE, shut);
}

void broker_finish(struct broker *b)
{
    struct wire_head h = {.kind = WIRE_FINISH};
    for (int w = 0; w < b->options.workers; w++)
        send_head(b, w, &h); /* who can't be told learns it from our leaving */
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
    return tell_fresh(b) == 0 && b->teller.untold < UNTOLD_TASKS &&
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
