/* broker_hear.c - what workers say, and that they have gone
 *
 * Who says what is none of a worker's is lost from then on; what it had said before
 * counts.
 */
#include "farm/broker_state.h"

#include <string.h>

#include "farm/nonsense.h"

/* Who has other functions than the manager goes home at once. */
static int take_hello(struct broker *b, int64_t now_ns, int worker,
                      const struct wire_head *h, const void *name, size_t size)
{
    char host[WIRE_HOST_MAX + 1] = "";
    if (h->lease != b->options.fingerprint) {
        struct wire_head no = {.kind = WIRE_FINISH, .more = 1};
        int rc = broker_send_head(b, worker, &no);
        if (rc == 0)
            broker_lose(b, now_ns, worker, "has other functions than the manager");
        return rc;
    }
    int rc = b->limit_ns > 0 ? broker_send_limit(b, worker, b->limit_ns) : 0;
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
    if (broker_examine(b, now_ns) != 0)
        return ROTA_E_NOMEM;
    if (b->workers[worker] != WORKER_LOST)
        broker_turn_away(b, now_ns, worker, nonsense_message(data, size, why));
    return 0;
}

/* So too. */
static int take_returned(struct broker *b, int64_t now_ns, int worker,
                         const struct wire_head *h)
{
    if (broker_examine(b, now_ns) != 0)
        return ROTA_E_NOMEM;
    return plan_returned(b->plan, now_ns, worker, h->lease,
                         (struct plan_span){h->first, h->count});
}

/* So too. */
static int take_shut(struct broker *b, int64_t now_ns, int worker,
                     const struct wire_head *h)
{
    if (broker_examine(b, now_ns) != 0)
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
        rc = broker_send_head(b, worker, &end);
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
            return broker_take_results(b, now_ns, worker, &h, data, size);
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
    broker_keep_end(b, now_ns, rota_steal(r), (struct plan_span){task, 1});
    return 0;
}

int broker_lost(struct broker *b, int64_t now_ns, int worker, bool overtime)
{
    int rc = broker_examine(b, now_ns);
    if (rc != 0 || b->workers[worker] == WORKER_LOST)
        return rc;
    if (overtime)
        rc = fail_overtime(b, now_ns, worker);
    if (rc == 0)
        broker_lose(b, now_ns, worker, NULL);
    return rc;
}

int broker_refuse(struct broker *b, int64_t now_ns, int worker)
{
    int rc = broker_examine(b, now_ns);
    if (rc == 0 && b->workers[worker] != WORKER_LOST)
        broker_turn_away(b, now_ns, worker, "sent a malformed frame");
    return rc;
}

void broker_freeze(struct broker *b, int64_t now_ns, int worker, bool frozen)
{
    if (b->workers[worker] != WORKER_LOST) /* nor need it have come yet */
        plan_freeze(b->plan, now_ns, worker, frozen);
}
