/* hand.c - what a worker takes from its manager: farm/wire.h, by farm/hand.c
 *
 * The hand has an executor that does nothing but look at what it is given: batches that
 * have been found sound are so, in all their records.
 */
#include "fuzz.h"

#include "execute/row.h"
#include "farm/hand.h"
#include "farm/wire.h"

enum {
    FUNCTIONS = 3,
};

struct idle {
    struct executor executor; /* first */
    uint64_t lease;
    uint64_t first;
    uint32_t count;
};

static int give(struct executor *x, const struct executor_batch *b)
{
    struct idle *i = (struct idle *)x;
    struct row_walk w = {.at = b->records, .left = b->bytes};
    struct parcel_task t;
    must(b->count > 0 && b->attempt > 0 && b->first <= UINT64_MAX - b->count);
    for (uint32_t n = 0; n < b->count; n++) {
        must(row_next_task(&w, &t) == 0 && t.function < FUNCTIONS);
        must(t.data + t.size <= b->records + b->bytes);
    }
    must(w.left == 0 && w.more == 0);
    i->lease = b->lease;
    i->first = b->first;
    i->count = b->count;
    return 0;
}

static int take(struct executor *x, struct executor_report *out)
{
    (void)x;
    (void)out;
    return ROTA_E_TIMEOUT;
}

static void drop(struct executor *x, uint64_t lease, uint64_t first, uint32_t count)
{
    (void)x;
    (void)lease;
    must(first <= UINT64_MAX - count);
}

static uint64_t unbegun(const struct executor *x, uint64_t lease)
{
    const struct idle *i = (const struct idle *)x;
    return i->count > 0 && lease == i->lease ? i->first + i->count / 2 : UINT64_MAX;
}

static void limit(struct executor *x, int64_t limit_ns)
{
    (void)x;
    must(limit_ns >= 0);
}

static void end(struct executor *x, uint64_t lease, uint64_t task)
{
    (void)x;
    (void)lease;
    (void)task;
}

static int feed(struct executor *x, uint64_t lease, uint64_t task, const void *data,
                size_t size, bool last)
{
    (void)x;
    (void)lease;
    (void)task;
    (void)last;
    for (size_t i = 0; i < size; i++) /* each of them is there */
        must(((const volatile unsigned char *)data)[i] <= 255);
    return 0;
}

static const struct executor_ops ops = {.give = give,
                                        .take = take,
                                        .drop = drop,
                                        .unbegun = unbegun,
                                        .limit = limit,
                                        .end = end,
                                        .feed = feed};

/* Only what was given is given back. */
static int send_out(void *ctx, const void *head, const void *data, size_t size)
{
    const struct idle *i = ctx;
    struct wire_head h;
    (void)data;
    must(wire_read(head, WIRE_HEAD_BYTES + size, &h) == 0);
    if (h.kind == WIRE_RETURNED)
        must(h.count > 0 && h.lease == i->lease && h.first >= i->first);
    return 0;
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    struct idle idle = {.executor = {.ops = &ops, .slots = 1}};
    struct hand_port port = {.send = send_out, .ctx = &idle};
    struct hand *h;
    must(hand_new(&port, &idle.executor, FUNCTIONS, 1, &h) == 0);
    while (b.left > 0 && !hand_is_finished(h)) {
        size_t some;
        unsigned char *message = fuzz_cut(&b, fuzz_take16(&b), &some);
        int rc = hand_receive(h, message, some);
        free(message);
        must(rc == 0 || rc == ROTA_E_FORMAT ||
             (rc == ROTA_E_ARG && hand_is_finished(h)));
    }
    hand_free(h);
}

static size_t put(unsigned char *out, struct wire_head h, const void *body, size_t size)
{
    uint16_t whole = (uint16_t)(WIRE_HEAD_BYTES + size);
    memcpy(out, &whole, 2);
    wire_write(out + 2, &h);
    memcpy(out + 2 + WIRE_HEAD_BYTES, body, size);
    return 2 + (size_t)whole;
}

void fuzz_seeds(void)
{
    unsigned char out[512];
    unsigned char body[128];
    const struct parcel_task t = {.data = (const unsigned char *)"abc", .size = 3};
    parcel_write_task(body, &t);
    size_t bytes = parcel_task_bytes(&t);
    parcel_write_task(body + bytes, &t);
    struct wire_head h = {
        .kind = WIRE_TASKS, .count = 2, .lease = 5, .first = 7, .more = 1};
    size_t n = put(out, h, body, 2 * bytes);
    h.kind = WIRE_RECALL;
    n += put(out + n, h, "", 0);
    h.kind = WIRE_DROP;
    n += put(out + n, h, "", 0);
    h.kind = WIRE_END;
    n += put(out + n, h, "", 0);
    h.kind = WIRE_LIMIT;
    n += put(out + n, h, "", 0);
    n += put(out + n, (struct wire_head){.kind = WIRE_FINISH}, "", 0);
    fuzz_seed("orders", out, n);
    h.kind = WIRE_RECALL;
    h.count = 0;
    n = put(out,
            (struct wire_head){
                .kind = WIRE_TASKS, .count = 2, .lease = 5, .first = 7, .more = 1},
            body, 2 * bytes);
    n += put(out + n, h, "", 0);
    fuzz_seed("recall-nothing", out, n);
    h.kind = WIRE_INPUT;
    h.count = 1;
    h.more = 1;
    fuzz_seed("input", out, put(out, h, "abc", 3));
    h.more = 0;
    h.count = 2;
    row_write_head(body, &t, 2);
    bytes = row_head_bytes(&t);
    memcpy(body + bytes, "abc\0\0\0\0\0def\0\0\0\0\0", 16);
    h.kind = WIRE_TASKS;
    fuzz_seed("row", out, put(out, h, body, bytes + 16));
}
