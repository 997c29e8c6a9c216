/* broker_examine.c - reports of results, as they are shown to the plan
 *
 * At its coming a report is gone through once: the plan accepts or refuses each result,
 * values by the run and all else one by one. What is refused is noted in the report; an
 * accepted result's own tasks are submitted before the next one is looked at.
 */
#include "farm/broker_state.h"

#include <stdlib.h>

#include "farm/nonsense.h"

/* That a report's tasks took, as its sender says: some years, and far from what a sum,
 * or a share, could not hold. */
#define BUSY_MOST_NS (UINT64_C(1) << 57)

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
    int rc = broker_tell_fresh(b);
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

void broker_lose(struct broker *b, int64_t now_ns, int worker, const char *strange)
{
    uint64_t before = plan_counts(b->plan)->again;
    b->workers[worker] = WORKER_LOST;
    plan_lost(b->plan, now_ns, worker);
    if (b->port.lost != NULL)
        b->port.lost(b->port.ctx, worker, strange,
                     plan_counts(b->plan)->again - before);
}

void broker_turn_away(struct broker *b, int64_t now_ns, int worker, const char *why)
{
    broker_lose(b, now_ns, worker, why);
    if (b->port.fence != NULL)
        b->port.fence(b->port.ctx, worker);
}

int broker_examine(struct broker *b, int64_t now_ns)
{
    struct report *r;
    int failed = broker_catch_up(b, now_ns);
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
                broker_turn_away(b, now_ns, r->worker,
                                 nonsense_results(r->data, r->size, why));
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

int broker_take_results(struct broker *b, int64_t now_ns, int worker,
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
    broker_examine(b, now_ns); /* or in the next broker_act */
    return 0;
}
