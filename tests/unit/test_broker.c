/* test_broker.c - farm/broker: the manager's mind, with workers played by the test
 *
 * What the broker sends is kept by worker until the test answers it. Memory is refused
 * when the test says so (the linker's --wrap, CMakeLists.txt).
 */
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

static int keep_sent(void *ctx, int worker, void *data, size_t size)
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

static void free_data(void *ctx, void *data, size_t size)
{
    (void)ctx;
    (void)size;
    free(data);
}

static void note_fence(void *ctx, int worker)
{
    struct world *w = ctx;
    assert_int_equal(worker, w->lost);
    w->fences++;
}

static void note_lost(void *ctx, int worker, const char *strange, uint64_t again)
{
    struct world *w = ctx;
    w->losses++;
    w->lost = worker;
    snprintf(w->strange, sizeof(w->strange), "%s", strange ? strange : "");
    w->again = again;
}

static void open_with(struct world *w, struct broker_options options)
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

static void open_as(struct world *w, bool in_order)
{
    open_with(w, (struct broker_options){.in_order = in_order});
}

static void close_world(struct world *w)
{
    broker_free(w->broker);
    for (int i = 0; i < w->count; i++)
        free(w->sent[i].data);
}

static int submit(struct world *w, uint16_t function, uint64_t number, uint64_t tag)
{
    unsigned char data[8];
    parcel_put64(data, number);
    struct parcel_task t = {
        .data = data, .size = 8, .function = function, .tag = tag, .retries = 1};
    return broker_submit(w->broker, &t, NULL);
}

static void submit_all(struct world *w, uint16_t function, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(submit(w, function, (uint64_t)i, 0), 0);
}

/* `worker` sends these bytes, as often as there is no memory for them. */
static void give(struct world *w, int worker, const void *bytes, size_t size)
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

static void hello(struct world *w, int worker, uint32_t slots, uint64_t print)
{
    unsigned char head[WIRE_HEAD_BYTES];
    struct wire_head h = {.kind = WIRE_HELLO, .count = slots, .lease = print};
    wire_write(head, &h);
    give(w, worker, head, sizeof(head));
}

static void act(struct world *w)
{
    w->now_ns += 1000;
    while (broker_act(w->broker, w->now_ns) == ROTA_E_NOMEM)
        continue;
}

/* ---- playing a worker -------------------------------------------------------- */

/* Tasks that a result submits: three, of function 0. */
static size_t write_children(unsigned char *out)
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
static size_t write_answer(unsigned char *out, const struct parcel_task *t)
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
static void answer_as(struct world *w, int worker, const struct sent *s)
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

static void answer(struct world *w, const struct sent *s)
{
    answer_as(w, s->worker, s);
}

/* Answer everything, as it comes, until nothing is sent any more. */
static void answer_all(struct world *w)
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

static struct rota_result next(struct world *w)
{
    struct rota_result r;
    assert_true(broker_next(w->broker, &r));
    return r;
}

/* All results, each once; *sum is of their values where they are done. */
static int count_results(struct world *w, enum rota_outcome outcome)
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

/* ---- tests ------------------------------------------------------------------- */

static void a_result_says_what_became_of_its_task(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 1, 1, PRINT);
    assert_int_equal(submit(&w, 1, 1234, 55), 0);
    answer_all(&w);
    struct rota_result r = next(&w);
    assert_int_equal(r.task, 0);
    assert_int_equal(r.tag, 55);
    assert_int_equal(r.outcome, ROTA_DONE);
    assert_int_equal(r.size_bytes, 8);
    assert_int_equal(parcel_get64(r.data), 1234);
    assert_int_equal(((const char *)r.data)[8], 0);
    assert_int_equal(r.attempts, 1);
    assert_int_equal(r.worker, 2);
    assert_int_equal(r.took_ns, 10);
    assert_true(r.ended_ns > 0 && r.ended_ns <= w.now_ns);
    assert_true(broker_is_over(w.broker));
    assert_false(broker_next(w.broker, &r));
    close_world(&w);
}

static void each_of_many_tasks_is_told_once(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    for (int i = 0; i < WORKERS; i++)
        hello(&w, i, 2, PRINT);
    submit_all(&w, 0, 20000);
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 20000);
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

static void results_come_in_order_where_that_was_asked_for(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, true);
    for (int i = 0; i < WORKERS; i++)
        hello(&w, i, 2, PRINT);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(submit(&w, i % 50 == 7 ? 2 : 0, (uint64_t)i, 0), 0);
    act(&w);
    while (w.taken < w.count) { /* whoever was asked last answers first */
        int last = w.count;
        for (int i = last - 1; i >= w.taken; i--)
            answer(&w, &w.sent[i]);
        w.taken = last;
        w.now_ns += 1000000000;
        act(&w);
    }
    for (int i = 0; i < 3000; i++) {
        struct rota_result r = next(&w);
        assert_int_equal(r.task, i);
        assert_int_equal(r.outcome, i % 50 == 7 ? ROTA_FAILED : ROTA_DONE);
        assert_int_equal(parcel_get64(r.data), i);
    }
    close_world(&w);
}

static void a_failed_task_is_tried_again_and_then_told(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 2, 5);
    answer_all(&w);
    for (int i = 0; i < 5; i++) {
        struct rota_result r = next(&w);
        assert_int_equal(r.outcome, ROTA_FAILED);
        assert_int_equal(r.code, 9);
        assert_int_equal(r.attempts, 2);
    }
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

static void tasks_of_a_result_are_tasks(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 3, 100);
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 400);
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

static void a_late_result_does_not_count_nor_do_its_tasks(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 3, 1);
    act(&w);
    assert_int_equal(w.count, 1);
    hello(&w, 1, 1, PRINT);
    assert_int_equal(broker_lost(w.broker, w.now_ns, 0, false), 0);
    act(&w);
    answer_as(&w, 0, &w.sent[0]);
    w.taken = 1;
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 4);
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

static void a_result_that_comes_twice_counts_once(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, true);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 300);
    act(&w);
    while (w.taken < w.count) {
        answer(&w, &w.sent[w.taken]);
        answer(&w, &w.sent[w.taken++]);
        act(&w);
    }
    assert_int_equal(count_results(&w, ROTA_DONE), 300);
    struct rota_stats s;
    broker_stats(w.broker, &s);
    assert_int_equal(s.refused, 300);
    assert_int_equal(s.ended[ROTA_DONE], 300);
    close_world(&w);
}

static void who_sends_nonsense_is_lost(void **state)
{
    (void)state;
    static const unsigned char short_one[] = {1, 2, 3};
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    hello(&w, 1, 1, PRINT);
    submit_all(&w, 0, 10);
    act(&w);
    give(&w, 0, short_one, sizeof(short_one));
    struct rota_stats s;
    broker_stats(w.broker, &s);
    assert_int_equal(s.lost, 1);
    assert_int_equal(w.fences, 1);
    assert_string_equal(w.strange,
                        "sent a message of 3 bytes, which is too short for one");
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 10);
    close_world(&w);
}

/* What a worker sends, and what is said of it. */
static void nonsense_is_named(void **state)
{
    (void)state;
    static const struct {
        unsigned char version;
        struct wire_head head;
        const char *said;
    } cases[] = {
        {9, {.kind = WIRE_RESULTS, .count = 1}, "sent a message of version 9, not 3"},
        {WIRE_VERSION,
         {.kind = 99},
         "sent a message of kind 99, which there is none of"},
        {WIRE_VERSION,
         {.kind = WIRE_TASKS},
         "sent TASKS, which is a manager's to send"},
        {WIRE_VERSION,
         {.kind = WIRE_RESULTS, .count = 5, .first = UINT64_MAX - 2},
         "sent RESULTS of 5 tasks from number 18446744073709551613 on, past the last "
         "there can be"},
        {WIRE_VERSION,
         {.kind = WIRE_RESULTS, .count = 0, .lease = 1},
         "sent RESULTS (count 0, lease 1, first 0, more 0), which it can't at this "
         "point"},
        {WIRE_VERSION,
         {.kind = WIRE_HELLO, .count = 1, .lease = PRINT},
         "sent HELLO (count 1, lease 77, first 0, more 0), which it can't at this "
         "point"},
        {WIRE_VERSION,
         {.kind = WIRE_RESULTS, .count = 3, .lease = 1},
         "sent results of 3 tasks, from number 0 on, that can't be read"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        unsigned char bytes[WIRE_HEAD_BYTES];
        open_as(&w, false);
        hello(&w, 0, 1, PRINT);
        hello(&w, 1, 1, PRINT);
        submit_all(&w, 0, 10);
        act(&w);
        wire_write(bytes, &cases[i].head);
        bytes[0] = cases[i].version;
        give(&w, 0, bytes, sizeof(bytes));
        assert_int_equal(w.losses, 1);
        assert_int_equal(w.fences, 1);
        assert_string_equal(w.strange, cases[i].said);
        answer_all(&w);
        assert_int_equal(count_results(&w, ROTA_DONE), 10);
        close_world(&w);
    }
}

/* Its frame was none, so that there is no message. */
static void who_sends_a_malformed_frame_is_fenced(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    hello(&w, 1, 1, PRINT);
    submit_all(&w, 0, 10);
    act(&w);
    assert_int_equal(broker_refuse(w.broker, w.now_ns, 0), 0);
    assert_int_equal(broker_refuse(w.broker, w.now_ns, 0), 0);
    assert_int_equal(broker_lost(w.broker, w.now_ns, 0, false), 0);
    assert_int_equal(w.losses, 1);
    assert_int_equal(w.fences, 1);
    assert_string_equal(w.strange, "sent a malformed frame");
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 10);
    close_world(&w);
}

/* Its results up to there count. */
static void a_report_that_turns_to_nonsense_costs_its_sender(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 2000);
    answer_all(&w);
    int before = w.count;
    submit_all(&w, 0, 2000);
    act(&w);
    assert_true(w.count > before);
    struct sent *s = &w.sent[before];
    struct wire_head h = {0};
    assert_int_equal(wire_read(s->data, s->size, &h), 0);
    assert_true(h.count > 1);
    unsigned char bytes[WIRE_HEAD_BYTES + 48] = {0};
    unsigned char value[8] = {0};
    struct parcel_result one = {.data = value, .size = 8};
    struct wire_head two = {
        .kind = WIRE_RESULTS, .count = 2, .lease = h.lease, .first = h.first};
    wire_write(bytes, &two);
    parcel_write_result(bytes + WIRE_HEAD_BYTES, &one);
    memset(bytes + WIRE_HEAD_BYTES + 24, 0xff, 24);
    give(&w, 0, bytes, sizeof(bytes));
    hello(&w, 1, 1, PRINT);
    w.taken = w.count;
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 4000);
    struct rota_stats stats;
    broker_stats(w.broker, &stats);
    assert_int_equal(stats.lost, 1);
    close_world(&w);
}

static void a_worker_cannot_say_what_only_the_manager_knows(void **state)
{
    (void)state;
    static const enum rota_outcome wrong[] = {ROTA_POISON, ROTA_CANCELLED,
                                              ROTA_UNTRIED};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct world w;
        struct wire_head h = {0};
        unsigned char bytes[WIRE_HEAD_BYTES + 40] = {0};
        struct parcel_result r = {.outcome = wrong[i]};
        open_as(&w, false);
        hello(&w, 0, 1, PRINT);
        submit_all(&w, 0, 1);
        act(&w);
        assert_int_equal(wire_read(w.sent[0].data, w.sent[0].size, &h), 0);
        struct wire_head answer = {
            .kind = WIRE_RESULTS, .count = 1, .lease = h.lease, .first = h.first};
        wire_write(bytes, &answer);
        parcel_write_result(bytes + WIRE_HEAD_BYTES, &r);
        give(&w, 0, bytes, WIRE_HEAD_BYTES + parcel_result_bytes(&r));
        hello(&w, 1, 1, PRINT);
        w.taken = w.count;
        answer_all(&w);
        assert_int_equal(count_results(&w, ROTA_DONE), 1);
        close_world(&w);
    }
}

/* It does not even count as a result: its task runs elsewhere. */
static void a_result_with_a_task_of_no_function_costs_its_sender(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 1);
    act(&w);
    struct wire_head h = {0};
    assert_int_equal(wire_read(w.sent[0].data, w.sent[0].size, &h), 0);
    unsigned char bytes[WIRE_HEAD_BYTES + 100] = {0};
    unsigned char child[64];
    struct parcel_task t = {.function = FUNCTIONS, .tag = 1};
    struct parcel_result r = {
        .tasks = child, .tasks_count = 1, .tasks_bytes = parcel_task_bytes(&t)};
    struct wire_head answer = {
        .kind = WIRE_RESULTS, .count = 1, .lease = h.lease, .first = h.first};
    parcel_write_task(child, &t);
    wire_write(bytes, &answer);
    parcel_write_result(bytes + WIRE_HEAD_BYTES, &r);
    give(&w, 0, bytes, WIRE_HEAD_BYTES + parcel_result_bytes(&r));
    hello(&w, 1, 1, PRINT);
    w.taken = w.count;
    answer_all(&w);
    struct rota_result told = next(&w);
    assert_int_equal(told.outcome, ROTA_DONE);
    assert_int_equal(told.worker, 2);
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

/* Whichever allocation fails while they are taken. */
static void what_was_said_before_nonsense_counts(void **state)
{
    (void)state;
    static const unsigned char short_one[] = {1, 2, 3};
    for (long n = 1; n < 6; n++) {
        struct world w;
        open_as(&w, true);
        hello(&w, 0, 1, PRINT);
        submit_all(&w, 0, 1);
        act(&w);
        submit_all(&w, 1, 1); /* the plan is to learn of it first, which needs memory */
        fail_at = n;
        answer(&w, &w.sent[0]);
        fail_at = 0;
        give(&w, 0, short_one, sizeof(short_one));
        act(&w);
        assert_int_equal(next(&w).outcome, ROTA_DONE);
        struct rota_stats s;
        broker_stats(w.broker, &s);
        assert_int_equal(s.refused, 0);
        assert_int_equal(s.lost, 1);
        close_world(&w);
    }
}

static void who_is_stopped_before_saying_hello_gets_nothing(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    broker_freeze(w.broker, w.now_ns, 0, true);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 3);
    act(&w);
    assert_int_equal(w.count, 0);
    broker_freeze(w.broker, w.now_ns, 0, false);
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 3);
    close_world(&w);
}

/* Of two tasks at the worker that is lost, the one behind is not tried "again". */
static void a_task_that_took_too_long_is_blamed_alone(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 3);
    act(&w);
    assert_int_equal(w.count, 2);
    assert_int_equal(broker_lost(w.broker, w.now_ns, 0, true), 0);
    struct rota_stats s;
    broker_stats(w.broker, &s);
    assert_int_equal(s.again, 1);
    close_world(&w);
}

static void who_has_other_functions_is_sent_home(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT + 1);
    assert_int_equal(w.count, 1);
    struct wire_head h = {0};
    assert_int_equal(wire_read(w.sent[0].data, w.sent[0].size, &h), 0);
    assert_int_equal(h.kind, WIRE_FINISH);
    assert_int_equal(h.more, 1);
    submit_all(&w, 0, 3);
    act(&w);
    assert_int_equal(w.count, 1);
    close_world(&w);
}

static void a_loss_is_told_once_with_what_it_costs(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 2, PRINT);
    hello(&w, 1, 1, PRINT);
    submit_all(&w, 0, 3);
    act(&w);
    assert_int_equal(broker_lost(w.broker, w.now_ns, 0, false), 0);
    assert_int_equal(w.losses, 1);
    assert_int_equal(w.lost, 0);
    assert_int_equal(w.again, 2);
    assert_string_equal(w.strange, "");
    give(&w, 1, "nonsense", 8);
    assert_int_equal(w.losses, 2);
    assert_int_equal(w.lost, 1);
    assert_int_equal(w.again, 1);
    assert_string_not_equal(w.strange, "");
    assert_int_equal(broker_lost(w.broker, w.now_ns, 1, false), 0);
    assert_int_equal(broker_lost(w.broker, w.now_ns, 0, false), 0);
    assert_int_equal(w.losses, 2);
    close_world(&w);
}

/* Whether the payload of the result told last is this number. */
static bool payload_is(const struct world *w, uint64_t number)
{
    const void *data;
    size_t size;
    broker_payload(w->broker, &data, &size);
    return size == 8 && parcel_get64(data) == number;
}

static void the_payload_of_a_result_is_there_however_it_ended(void **state)
{
    (void)state;
    struct world w;
    struct rota_result r;
    open_as(&w, false);
    hello(&w, 0, 2, PRINT);
    for (uint64_t i = 0; i < 3000; i++)
        assert_int_equal(submit(&w, i % 3 == 1 ? 2 : 0, i, i % 2), 0);
    assert_int_equal(broker_cancel(w.broker, w.now_ns, 2000), 0);
    answer_all(&w);
    int count = 0;
    for (; broker_next(w.broker, &r); count++)
        assert_true(payload_is(&w, r.task));
    assert_int_equal(count, 3000);
    close_world(&w);
}

static struct wire_head head_of(const struct sent *s)
{
    struct wire_head h = {0};
    assert_int_equal(wire_read(s->data, s->size, &h), 0);
    return h;
}

/* Worker 1 does all that it has been sent. */
static void answer_as_1(struct world *w)
{
    for (; w->taken < w->count; w->taken++)
        if (w->sent[w->taken].worker == 1)
            answer(w, &w->sent[w->taken]);
    act(w);
}

static void a_task_with_effects_goes_elsewhere_only_if_it_is_given_back(void **state)
{
    (void)state;
    struct world w;
    open_with(&w, (struct broker_options){.once = true});
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 2000);
    answer_all(&w); /* so it is known that they are short */
    int before = w.count;
    submit_all(&w, 0, 8);
    act(&w);
    struct wire_head lent = head_of(&w.sent[before]);
    assert_true(lent.count > 1);
    hello(&w, 1, 1, PRINT);
    act(&w);
    answer_as_1(&w);
    answer_as_1(&w);
    w.now_ns += 1000000000;
    act(&w);
    struct wire_head asked = head_of(&w.sent[w.count - 1]);
    assert_int_equal(asked.kind, WIRE_RECALL);
    assert_int_equal(asked.lease, lent.lease);
    assert_int_equal(asked.first, lent.first + 1);
    assert_int_equal(asked.count, lent.count - 1);

    struct wire_head answer = {.kind = WIRE_RETURNED,
                               .count = 1,
                               .lease = lent.lease,
                               .first = lent.first + lent.count - 1};
    unsigned char bytes[WIRE_HEAD_BYTES];
    wire_write(bytes, &answer);
    give(&w, 0, bytes, sizeof(bytes));
    act(&w);
    struct wire_head anew = head_of(&w.sent[w.count - 1]);
    assert_int_equal(anew.kind, WIRE_TASKS);
    assert_int_equal(anew.first, answer.first);
    assert_int_equal(w.sent[w.count - 1].worker, 1);
    close_world(&w);
}

/* How many messages of `kind` were sent to `worker`; *last is the head of the last. */
static int count_sent(const struct world *w, int worker, enum wire_kind kind,
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

static void say(struct world *w, int worker, struct wire_head h)
{
    unsigned char head[WIRE_HEAD_BYTES];
    wire_write(head, &h);
    give(w, worker, head, sizeof(head));
}

static void who_wants_no_more_gets_none_until_he_does(void **state)
{
    (void)state;
    struct world w;
    struct wire_head last;
    open_with(&w, (struct broker_options){.once = true, .prompt = true});
    hello(&w, 1, 2, PRINT);
    say(&w, 1, (struct wire_head){.kind = WIRE_SHUT, .more = 1});
    assert_int_equal(broker_counts(w.broker).shut, 1);
    submit_all(&w, 0, 5);
    act(&w);
    assert_int_equal(count_sent(&w, 1, WIRE_TASKS, &last), 0);
    say(&w, 1, (struct wire_head){.kind = WIRE_SHUT, .more = 0});
    act(&w);
    assert_int_equal(count_sent(&w, 1, WIRE_TASKS, &last), 2); /* and none to wait */
    assert_int_equal(last.count, 1);
    assert_int_equal(broker_counts(w.broker).running, 2);
    assert_int_equal(w.losses, 0);
    say(&w, 1, (struct wire_head){.kind = WIRE_SHUT, .more = 2});
    assert_int_equal(w.losses, 1);
    assert_int_equal(broker_counts(w.broker).shut, 0);
    close_world(&w);
}

static void everyone_hears_of_the_limit_but_not_at_every_change(void **state)
{
    (void)state;
    struct world w;
    struct wire_head last;
    open_with(&w, (struct broker_options){.once = true, .limit_times = 3});
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 3);
    act(&w);
    assert_int_equal(count_sent(&w, 0, WIRE_LIMIT, &last), 0);
    assert_int_equal(broker_wake_ns(w.broker), INT64_MAX);
    answer(&w, &w.sent[w.taken++]); /* its task took 10 ns */
    act(&w);
    assert_int_equal(count_sent(&w, 0, WIRE_LIMIT, &last), 1);
    assert_int_equal(last.more, 30);
    hello(&w, 2, 1, PRINT);
    act(&w);
    assert_int_equal(count_sent(&w, 2, WIRE_LIMIT, &last), 1);
    assert_int_equal(count_sent(&w, 0, WIRE_LIMIT, &last), 1);
    close_world(&w);
}

static void without_workers_tasks_are_untried(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    submit_all(&w, 0, 50);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(broker_lost(w.broker, w.now_ns, i, false), 0);
    act(&w);
    struct rota_result r = next(&w);
    assert_int_equal(r.worker, -1);
    assert_int_equal(r.attempts, 0);
    assert_int_equal(r.size_bytes, 0);
    assert_int_equal(count_results(&w, ROTA_UNTRIED), 49);
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

static void a_cancelled_task_is_told_and_its_result_is_not(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, true);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 3);
    act(&w);
    assert_int_equal(broker_cancel(w.broker, w.now_ns, 0), 0);
    assert_int_equal(broker_cancel(w.broker, w.now_ns, 2), 0);
    assert_int_equal(broker_cancel(w.broker, w.now_ns, 2), ROTA_E_NOTFOUND);
    answer_all(&w);
    assert_int_equal(next(&w).outcome, ROTA_CANCELLED);
    assert_int_equal(next(&w).outcome, ROTA_DONE);
    assert_int_equal(next(&w).outcome, ROTA_CANCELLED);
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

/* A whole life, in which whatever could not be done for want of memory is done later.
 */
static void live(struct world *w)
{
    hello(w, 0, 2, PRINT);
    hello(w, 1, 1, PRINT);
    for (int i = 0; i < 60; i++) {
        while (submit(w, (uint16_t)(i % 4), (uint64_t)i, i % 7 == 0 ? 3 : 0) != 0)
            continue;
    }
    for (; w->count == 0; w->now_ns += 10000000)
        act(w);
    answer(w, &w->sent[0]);
    w->taken = 1;
    while (broker_lost(w->broker, w->now_ns, 1, false) == ROTA_E_NOMEM)
        continue;
    answer_all(w);
}

static void check_life(struct world *w)
{
    struct rota_stats s;
    assert_int_equal(count_results(w, ROTA_FAILED), 15);
    broker_stats(w->broker, &s);
    assert_int_equal(s.ended[ROTA_DONE], 45 + 45);
    assert_true(broker_is_over(w->broker));
}

static void nothing_is_lost_when_memory_is_refused(void **state)
{
    (void)state;
    static struct world w;
    for (int in_order = 0; in_order < 2; in_order++) {
        bool all = false;
        for (long n = 1; !all; n++) {
            open_as(&w, in_order);
            fail_at = n;
            live(&w);
            all = fail_at > 0; /* there were not so many allocations */
            fail_at = 0;
            check_life(&w);
            close_world(&w);
        }
    }
}

static void a_broker_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    struct broker_options options = {.workers = WORKERS, .functions = 1};
    struct broker_port port = {.send = keep_sent, .done = free_data};
    struct broker *b = NULL;
    for (long n = 1; b == NULL; n++) {
        fail_at = n;
        int rc = broker_new(&options, &port, &b);
        fail_at = 0;
        assert_int_equal(rc, b == NULL ? ROTA_E_NOMEM : 0);
    }
    broker_free(b);
}

static void what_cannot_be_sent_is_sent_later(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 100);
    w.refuse_sends = 5;
    assert_int_equal(broker_act(w.broker, w.now_ns), ROTA_E_NOMEM);
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 100);
    close_world(&w);
}

/* A worker that is slow gets a task whose record is long, of which there is a second
 * one for whoever is idle; but that cannot be sent until the first has reported. */
static void what_could_not_be_sent_is_not_forgotten_meanwhile(void **state)
{
    (void)state;
    struct world w;
    static const unsigned char payload[5000] = {42};
    struct parcel_task t = {.data = payload, .size = sizeof(payload)};
    struct rota_result r;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 1);
    answer_all(&w); /* so it is known how long they take */
    assert_int_equal(next(&w).outcome, ROTA_DONE);
    assert_int_equal(broker_submit(w.broker, &t, NULL), 0);
    act(&w);
    int first = w.count - 1;
    hello(&w, 1, 1, PRINT);
    w.refuse_sends = 2;
    w.now_ns += 1000000000;
    assert_int_equal(broker_act(w.broker, w.now_ns), ROTA_E_NOMEM);
    answer(&w, &w.sent[first]);
    while (broker_next(w.broker, &r))
        assert_int_equal(r.task, 1);
    act(&w);
    assert_true(w.count > first + 1);
    const struct sent *s = &w.sent[first + 1];
    assert_int_equal(s->worker, 1);
    assert_int_equal(s->size, WIRE_HEAD_BYTES + parcel_task_bytes(&t));
    assert_int_equal(s->data[WIRE_HEAD_BYTES + PARCEL_TASK_BYTES], 42);
    while (broker_next(w.broker, &r))
        assert_int_equal(r.task, 1);
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

/* ---- parts ------------------------------------------------------------------- */

/* Parts that came, and what became of the attempts that they are of. */
struct parts_world {
    struct world world; /* first: what the port's functions get */
    int came;
    int came_rc;
    bool spoilt;
    int counted;
    int dropped;
};

static int part_came(void *ctx, int worker, const struct broker_attempt *a,
                     const void *data, size_t size)
{
    struct parts_world *p = ctx;
    (void)worker;
    (void)a;
    assert_int_equal(size, 3);
    assert_memory_equal(data, "abc", 3);
    p->came++;
    int rc = p->came_rc;
    if (rc == ROTA_E_NOMEM)
        p->came_rc = 0;
    return rc;
}

static bool parts_are_whole(void *ctx, uint64_t lease, uint64_t task)
{
    const struct parts_world *p = ctx;
    (void)lease;
    return !p->spoilt || task != 0;
}

static void parts_settled(void *ctx, uint64_t lease, uint64_t task, bool counts)
{
    struct parts_world *p = ctx;
    (void)lease;
    (void)task;
    p->counted += counts;
    p->dropped += !counts;
}

static const struct broker_parts parts = {
    .came = part_came, .whole = parts_are_whole, .settled = parts_settled};

static void open_parts(struct parts_world *p)
{
    struct broker_port port = {.send = keep_sent,
                               .done = free_data,
                               .lost = note_lost,
                               .parts = &parts,
                               .ctx = &p->world};
    struct broker_options options = {.workers = WORKERS,
                                     .first_rank = 1,
                                     .functions = FUNCTIONS,
                                     .fingerprint = PRINT,
                                     .once = true};
    *p = (struct parts_world){.world = {.now_ns = 1000}};
    assert_int_equal(broker_new(&options, &port, &p->world.broker), 0);
}

/* The worker that got message `s` says "abc" of its first task. */
static void say_part(struct world *w, const struct sent *s, uint64_t lease_off)
{
    unsigned char message[WIRE_HEAD_BYTES + 3];
    struct wire_head h = {0};
    assert_int_equal(wire_read(s->data, s->size, &h), 0);
    h.kind = WIRE_PART;
    h.count = 1;
    h.lease += lease_off;
    h.more = 0;
    wire_write(message, &h);
    memcpy(message + WIRE_HEAD_BYTES, "abc", 3);
    give(w, s->worker, message, sizeof(message));
}

static void a_part_is_passed_on_while_its_attempt_has_no_result(void **state)
{
    (void)state;
    struct parts_world p;
    struct world *w = &p.world;
    open_parts(&p);
    submit_all(w, 0, 1);
    hello(w, 0, 1, PRINT);
    act(w);
    p.came_rc = ROTA_E_NOMEM;
    say_part(w, &w->sent[0], 0); /* tried twice */
    assert_int_equal(p.came, 2);
    say_part(w, &w->sent[0], 1); /* nobody's lease */
    assert_int_equal(p.came, 2);
    answer(w, &w->sent[0]);
    assert_int_equal(p.counted, 1);
    assert_int_equal(p.dropped, 0);
    say_part(w, &w->sent[0], 0); /* too late */
    assert_int_equal(p.came, 2);
    assert_int_equal(next(w).outcome, ROTA_DONE);
    close_world(w);
}

static void parts_of_a_try_that_is_not_the_last_are_dropped(void **state)
{
    (void)state;
    struct parts_world p;
    struct world *w = &p.world;
    open_parts(&p);
    submit_all(w, 2, 1); /* fails, and once more */
    hello(w, 0, 1, PRINT);
    act(w);
    say_part(w, &w->sent[0], 0);
    answer_all(w);
    assert_int_equal(p.dropped, 1);
    assert_int_equal(p.counted, 1);
    assert_int_equal(next(w).outcome, ROTA_FAILED);
    close_world(w);
}

static void a_task_whose_parts_are_not_whole_has_failed(void **state)
{
    (void)state;
    struct parts_world p;
    struct world *w = &p.world;
    struct wire_head h = {0};
    open_parts(&p);
    p.spoilt = true; /* task 0 */
    submit_all(w, 0, 2);
    hello(w, 0, 2, PRINT);
    act(w);
    p.came_rc = ROTA_E_IO;
    int sent = w->count;
    say_part(w, &w->sent[0], 0);
    assert_int_equal(w->count, sent + 1);
    assert_int_equal(wire_read(w->sent[sent].data, w->sent[sent].size, &h), 0);
    assert_int_equal(h.kind, WIRE_END);
    answer_all(w);
    int done = 0, failed = 0;
    for (int i = 0; i < 2; i++) {
        enum rota_outcome outcome = next(w).outcome;
        done += outcome == ROTA_DONE;
        failed += outcome == ROTA_FAILED;
    }
    assert_int_equal(done, 1);
    assert_int_equal(failed, 1);
    close_world(w);
}

static void who_says_parts_where_there_are_none_is_lost(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    submit_all(&w, 0, 1);
    hello(&w, 0, 1, PRINT);
    act(&w);
    say_part(&w, &w.sent[0], 0);
    assert_int_equal(w.losses, 1);
    assert_string_not_equal(w.strange, "");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_passed_on_while_its_attempt_has_no_result),
        cmocka_unit_test(parts_of_a_try_that_is_not_the_last_are_dropped),
        cmocka_unit_test(a_task_whose_parts_are_not_whole_has_failed),
        cmocka_unit_test(who_says_parts_where_there_are_none_is_lost),
        cmocka_unit_test(a_result_says_what_became_of_its_task),
        cmocka_unit_test(each_of_many_tasks_is_told_once),
        cmocka_unit_test(results_come_in_order_where_that_was_asked_for),
        cmocka_unit_test(a_failed_task_is_tried_again_and_then_told),
        cmocka_unit_test(tasks_of_a_result_are_tasks),
        cmocka_unit_test(a_late_result_does_not_count_nor_do_its_tasks),
        cmocka_unit_test(a_result_that_comes_twice_counts_once),
        cmocka_unit_test(who_sends_nonsense_is_lost),
        cmocka_unit_test(nonsense_is_named),
        cmocka_unit_test(who_sends_a_malformed_frame_is_fenced),
        cmocka_unit_test(a_report_that_turns_to_nonsense_costs_its_sender),
        cmocka_unit_test(a_worker_cannot_say_what_only_the_manager_knows),
        cmocka_unit_test(a_result_with_a_task_of_no_function_costs_its_sender),
        cmocka_unit_test(what_was_said_before_nonsense_counts),
        cmocka_unit_test(who_is_stopped_before_saying_hello_gets_nothing),
        cmocka_unit_test(a_task_that_took_too_long_is_blamed_alone),
        cmocka_unit_test(who_has_other_functions_is_sent_home),
        cmocka_unit_test(a_loss_is_told_once_with_what_it_costs),
        cmocka_unit_test(the_payload_of_a_result_is_there_however_it_ended),
        cmocka_unit_test(a_task_with_effects_goes_elsewhere_only_if_it_is_given_back),
        cmocka_unit_test(who_wants_no_more_gets_none_until_he_does),
        cmocka_unit_test(everyone_hears_of_the_limit_but_not_at_every_change),
        cmocka_unit_test(without_workers_tasks_are_untried),
        cmocka_unit_test(a_cancelled_task_is_told_and_its_result_is_not),
        cmocka_unit_test(nothing_is_lost_when_memory_is_refused),
        cmocka_unit_test(a_broker_that_cannot_be_made_leaves_nothing),
        cmocka_unit_test(what_cannot_be_sent_is_sent_later),
        cmocka_unit_test(what_could_not_be_sent_is_not_forgotten_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
