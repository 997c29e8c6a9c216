/* broker_world.h - a broker and workers that are played, for what tests it
 *
 * What the broker sends is kept by worker until the test answers it. Memory is refused
 * when the test says so (the linker's --wrap, CMakeLists.txt).
 */
#ifndef ROTA_TESTS_BROKER_WORLD_H
#define ROTA_TESTS_BROKER_WORLD_H

#include "refused.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execute/row.h"
#include "farm/broker.h"
#include "farm/wire.h"

enum {
    WORKERS = 3,
    FUNCTIONS = 4, /* 0 and 1: done; 2: fails; 3: submits three of function 0 */
    PRINT = 77,    /* the functions' fingerprint */
    MESSAGES = 4096,
};

/* ---- the world --------------------------------------------------------------- */

struct sent {
    int worker;
    unsigned char *data;
    size_t size;
};

struct world {
    struct broker *broker;
    int64_t now_ns;
    struct sent sent[MESSAGES];
    int count; /* messages sent, */
    int taken; /* and how many of them were looked at */
    int refuse_sends;
    int losses; /* that were told; of the last one: */
    int lost;
    char strange[192]; /* "": it has gone */
    int fences;
    uint64_t again;
};

static inline int keep_sent(void *ctx, int worker, void *data, size_t size)
{
    struct world *w = ctx;
    if (w->refuse_sends > 0) {
        w->refuse_sends--;
        return ROTA_E_NOMEM;
    }
    assert_true(w->count < MESSAGES);
    w->sent[w->count++] = (struct sent){worker, data, size};
    return 0;
}

static inline void free_data(void *ctx, void *data, size_t size)
{
    (void)ctx;
    (void)size;
    free(data);
}

static inline void note_fence(void *ctx, int worker)
{
    struct world *w = ctx;
    assert_int_equal(worker, w->lost);
    w->fences++;
}

static inline void note_lost(void *ctx, int worker, const char *strange, uint64_t again)
{
    struct world *w = ctx;
    w->losses++;
    w->lost = worker;
    snprintf(w->strange, sizeof(w->strange), "%s", strange ? strange : "");
    w->again = again;
}

static inline void open_with(struct world *w, struct broker_options options)
{
    struct broker_port port = {.send = keep_sent,
                               .done = free_data,
                               .lost = note_lost,
                               .fence = note_fence,
                               .ctx = w};
    options.workers = WORKERS;
    options.first_rank = 1;
    options.functions = FUNCTIONS;
    options.fingerprint = PRINT;
    *w = (struct world){.now_ns = 1000};
    assert_int_equal(broker_new(&options, &port, &w->broker), 0);
}

static inline void open_as(struct world *w, bool in_order)
{
    open_with(w, (struct broker_options){.in_order = in_order});
}

static inline void close_world(struct world *w)
{
    broker_free(w->broker);
    for (int i = 0; i < w->count; i++)
        free(w->sent[i].data);
}

static inline int submit(struct world *w, uint16_t function, uint64_t number,
                         uint64_t tag)
{
    unsigned char data[8];
    parcel_put64(data, number);
    struct parcel_task t = {
        .data = data, .size = 8, .function = function, .tag = tag, .retries = 1};
    return broker_submit(w->broker, &t, NULL);
}

static inline void submit_all(struct world *w, uint16_t function, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(submit(w, function, (uint64_t)i, 0), 0);
}

/* `worker` sends these bytes, as often as there is no memory for them. */
static inline void give(struct world *w, int worker, const void *bytes, size_t size)
{
    unsigned char *data = __real_malloc(size + 1);
    memcpy(data, bytes, size);
    data[size] = 0;
    w->now_ns += 1000;
    int rc;
    do
        rc = broker_receive(w->broker, w->now_ns, worker, data, size);
    while (rc == ROTA_E_NOMEM);
    assert_int_equal(rc, 0);
}

static inline void hello(struct world *w, int worker, uint32_t slots, uint64_t print)
{
    unsigned char head[WIRE_HEAD_BYTES];
    struct wire_head h = {.kind = WIRE_HELLO, .count = slots, .lease = print};
    wire_write(head, &h);
    give(w, worker, head, sizeof(head));
}

static inline void act(struct world *w)
{
    w->now_ns += 1000;
    while (broker_act(w->broker, w->now_ns) == ROTA_E_NOMEM)
        continue;
}

/* ---- playing a worker -------------------------------------------------------- */

/* Tasks that a result submits: three, of function 0. */
static inline size_t write_children(unsigned char *out)
{
    unsigned char data[8] = {0};
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        struct parcel_task t = {.data = data, .size = 8, .tag = 5};
        parcel_write_task(out + at, &t);
        at += parcel_task_bytes(&t);
    }
    return at;
}

/* The result of a task, as its function's number says. Its value is the payload. */
static inline size_t write_answer(unsigned char *out, const struct parcel_task *t)
{
    unsigned char children[200];
    struct parcel_result r = {.data = t->data, .size = t->size, .took_ns = 10};
    if (t->function == 2) {
        r.outcome = ROTA_FAILED;
        r.code = 9;
    } else if (t->function == 3) {
        r.tasks = children;
        r.tasks_count = 3;
        r.tasks_bytes = write_children(children);
    }
    parcel_write_result(out, &r);
    return parcel_result_bytes(&r);
}

/* Answer the tasks of a message that were sent to a worker, as `worker`. */
static inline void answer_as(struct world *w, int worker, const struct sent *s)
{
    static unsigned char out[1 << 20];
    struct wire_head h = {0};
    assert_int_equal(wire_read(s->data, s->size, &h), 0);
    if (h.kind != WIRE_TASKS)
        return;
    struct row_walk walk = {.at = s->data + WIRE_HEAD_BYTES,
                            .left = s->size - WIRE_HEAD_BYTES};
    size_t at = WIRE_HEAD_BYTES;
    for (uint32_t i = 0; i < h.count; i++) {
        struct parcel_task t = {0};
        assert_int_equal(row_next_task(&walk, &t), 0);
        at += write_answer(out + at, &t);
    }
    assert_int_equal(walk.more, 0);
    assert_int_equal(walk.left, 0);
    struct wire_head answer = {.kind = WIRE_RESULTS,
                               .count = h.count,
                               .lease = h.lease,
                               .first = h.first,
                               .more = 10 * h.count};
    wire_write(out, &answer);
    give(w, worker, out, at);
}

static inline void answer(struct world *w, const struct sent *s)
{
    answer_as(w, s->worker, s);
}

/* Answer everything, as it comes, until nothing is sent any more. */
static inline void answer_all(struct world *w)
{
    act(w);
    for (int idle = 0; idle < 2; idle++) {
        while (w->taken < w->count) {
            answer(w, &w->sent[w->taken++]);
            act(w);
            idle = 0;
        }
        w->now_ns += 1000000000; /* for what waits for its next try */
        act(w);
    }
}

static inline struct rota_result next(struct world *w)
{
    struct rota_result r;
    assert_true(broker_next(w->broker, &r));
    return r;
}

/* All results, each once; *sum is of their values where they are done. */
static inline int count_results(struct world *w, enum rota_outcome outcome)
{
    struct rota_result r;
    static bool seen[100000];
    int count = 0;
    memset(seen, 0, sizeof(seen));
    while (broker_next(w->broker, &r)) {
        assert_true(r.task < 100000 && !seen[r.task]);
        seen[r.task] = true;
        count += r.outcome == outcome;
    }
    return count;
}

static inline struct wire_head head_of(const struct sent *s)
{
    struct wire_head h = {0};
    assert_int_equal(wire_read(s->data, s->size, &h), 0);
    return h;
}

/* How many messages of `kind` were sent to `worker`; *last is the head of the last. */
static inline int count_sent(const struct world *w, int worker, enum wire_kind kind,
                             struct wire_head *last)
{
    int count = 0;
    for (int i = 0; i < w->count; i++) {
        struct wire_head h = head_of(&w->sent[i]);
        if (w->sent[i].worker != worker || h.kind != kind)
            continue;
        *last = h;
        count++;
    }
    return count;
}

#endif
