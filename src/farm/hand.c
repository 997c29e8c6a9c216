/* hand.c - a worker's mind: batches in, reports out
 *
 * A report that was taken from the executor is sent. For want of memory that may have
 * to wait; until then the executor, whose bytes they are, is asked nothing.
 */
#include "farm/hand.h"

#include <stdlib.h>
#include <string.h>

#include "execute/row.h"
#include "farm/wire.h"

struct hand {
    struct hand_port port;
    struct executor *executor;
    int functions;
    uint64_t fingerprint;
    bool finished;
    bool shut;       /* as the manager was told */
    bool refused;    /* memory, when it worked last */
    bool has_report; /* which is the executor's, and not sent yet */
    struct executor_report report;
};

int hand_new(const struct hand_port *port, struct executor *x, int functions,
             uint64_t fingerprint, struct hand **out)
{
    struct hand *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return ROTA_E_NOMEM;
    h->port = *port;
    h->executor = x;
    h->functions = functions;
    h->fingerprint = fingerprint;
    *out = h;
    return 0;
}

void hand_free(struct hand *h)
{
    free(h);
}

int hand_hello(struct hand *h, const char *host)
{
    unsigned char data[WIRE_HEAD_BYTES];
    size_t size = strnlen(host, WIRE_HOST_MAX);
    struct wire_head head = {.kind = WIRE_HELLO,
                             .count = (uint32_t)h->executor->slots,
                             .lease = h->fingerprint};
    wire_write(data, &head);
    return h->port.send(h->port.ctx, data, host, size);
}

/* ---- batches in -------------------------------------------------------------- */

/* Whether the records and rows of `count` tasks of known functions fill these bytes. */
static bool are_sound(const struct hand *h, const unsigned char *records, size_t bytes,
                      uint32_t count)
{
    while (count > 0) {
        struct parcel_task t;
        uint32_t some;
        size_t taken;
        if (row_read_tasks(records, bytes, &t, &some, &taken) != 0 || some > count ||
            t.function >= h->functions)
            return false;
        count -= some;
        records += taken;
        bytes -= taken;
    }
    return bytes == 0;
}

static int take_on(struct hand *h, const struct wire_head *head,
                   const unsigned char *records, size_t bytes)
{
    if (head->count == 0 || head->more == 0 || head->more > UINT32_MAX ||
        !are_sound(h, records, bytes, head->count))
        return ROTA_E_FORMAT;
    struct executor_batch batch = {
        .lease = head->lease,
        .first = head->first,
        .count = head->count,
        .attempt = (uint32_t)head->more,
        .records = records,
        .bytes = bytes,
    };
    return h->executor->ops->give(h->executor, &batch);
}

/* Of the tasks that the manager wants back, those that have not begun: first say so,
 * then forget them. */
static int give_back(struct hand *h, const struct wire_head *wanted)
{
    const struct executor_ops *ops = h->executor->ops;
    uint64_t end = wanted->first + wanted->count;
    uint64_t first = UINT64_MAX;
    if (ops->unbegun != NULL)
        first = ops->unbegun(h->executor, wanted->lease);
    if (first >= end)
        return 0;
    if (first < wanted->first)
        first = wanted->first;
    struct wire_head head = {.kind = WIRE_RETURNED,
                             .count = (uint32_t)(end - first),
                             .lease = wanted->lease,
                             .first = first};
    unsigned char data[WIRE_HEAD_BYTES];
    wire_write(data, &head);
    int rc = h->port.send(h->port.ctx, data, NULL, 0);
    if (rc == 0)
        ops->drop(h->executor, head.lease, head.first, head.count);
    return rc;
}

int hand_receive(struct hand *h, const void *data, size_t size)
{
    struct wire_head head;
    if (h->has_report)
        return ROTA_E_NOMEM;
    if (wire_read(data, size, &head) != 0)
        return ROTA_E_FORMAT;
    if (head.kind == WIRE_TASKS)
        return take_on(h, &head, (const unsigned char *)data + WIRE_HEAD_BYTES,
                       size - WIRE_HEAD_BYTES);
    if (head.kind == WIRE_DROP) {
        h->executor->ops->drop(h->executor, head.lease, head.first, head.count);
        return 0;
    }
    if (head.kind == WIRE_END && h->executor->ops->end != NULL) {
        h->executor->ops->end(h->executor, head.lease, head.first);
        return 0;
    }
    if (head.kind == WIRE_INPUT && head.count == 1 && head.more <= 1 &&
        h->executor->ops->feed != NULL)
        return h->executor->ops->feed(h->executor, head.lease, head.first,
                                      (const unsigned char *)data + WIRE_HEAD_BYTES,
                                      size - WIRE_HEAD_BYTES, head.more == 1);
    if (head.kind == WIRE_RECALL && head.count > 0)
        return give_back(h, &head);
    if (head.kind == WIRE_LIMIT && head.more <= INT64_MAX) {
        if (h->executor->ops->limit != NULL)
            h->executor->ops->limit(h->executor, (int64_t)head.more);
        return 0;
    }
    if (head.kind != WIRE_FINISH)
        return ROTA_E_FORMAT;
    h->finished = true;
    return head.more == 0 ? 0 : ROTA_E_ARG;
}

/* ---- reports out ------------------------------------------------------------- */

static int take(struct hand *h)
{
    if (h->executor->fatal && h->port.settle != NULL) {
        int rc = h->port.settle(h->port.ctx);
        if (rc != 0)
            return rc;
    }
    int rc = h->executor->ops->take(h->executor, &h->report);
    h->has_report = rc == 0;
    return rc;
}

/* Whether this worker wants anything more has changed: say so. */
static int tell_shut(struct hand *h)
{
    unsigned char data[WIRE_HEAD_BYTES];
    struct wire_head head = {.kind = WIRE_SHUT, .more = h->executor->shut};
    wire_write(data, &head);
    int rc = h->port.send(h->port.ctx, data, NULL, 0);
    if (rc == 0)
        h->shut = h->executor->shut;
    return rc;
}

static int hand_in(struct hand *h)
{
    const struct executor_report *r = &h->report;
    unsigned char data[WIRE_HEAD_BYTES];
    struct wire_head head = {
        .kind = r->part ? WIRE_PART : WIRE_RESULTS,
        .count = r->part ? 1 : r->count,
        .lease = r->lease,
        .first = r->first,
        .more = r->busy_ns > 0 ? (uint64_t)r->busy_ns : 0,
    };
    wire_write(data, &head);
    int rc = h->port.send(h->port.ctx, data, r->records, r->bytes);
    h->has_report = rc != 0;
    return rc;
}

int hand_work(struct hand *h, bool *reported)
{
    int rc = 0;
    *reported = false;
    if (!h->has_report)
        rc = take(h);
    if (rc == 0)
        rc = hand_in(h);
    *reported = rc == 0;
    h->refused = rc == ROTA_E_NOMEM;
    if (rc == ROTA_E_TIMEOUT || rc == ROTA_E_NOMEM)
        rc = 0;
    if (rc == 0 && h->shut != h->executor->shut)
        rc = tell_shut(h);
    h->refused = h->refused || rc == ROTA_E_NOMEM;
    return rc == ROTA_E_NOMEM ? 0 : rc;
}

bool hand_was_refused(const struct hand *h)
{
    return h->refused;
}

bool hand_is_finished(const struct hand *h)
{
    return h->finished;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo), of the names with their 0 bytes. */
uint64_t hand_fingerprint(const struct rota_function *functions, int count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < count; i++) {
        const char *at = functions[i].name;
        do
            hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
        while (*at++ != '\0');
    }
    return hash;
}
