/* test_hand_recall.c - farm/hand: tasks that the manager would like to have back */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "farm/hand.h"
#include "farm/wire.h"

enum {
    FUNCTIONS = 2,
    PRINT = 77,
};

struct world {
    struct executor executor; /* first: an executor is one of these */
    struct hand *hand;
    struct wire_head sent; /* what was sent last */
    size_t sent_bytes;
    int sends;
    int send_rc;
    uint64_t given; /* first task of the batch given last */
    int give_rc;
    uint64_t unbegun;
    struct executor_batch dropped; /* lease, first and count of what was dropped last */
    int drops;
    bool done; /* a report is there to be taken */
    unsigned char result[PARCEL_RESULT_BYTES];
};

static int play_give(struct executor *x, const struct executor_batch *b)
{
    struct world *w = (struct world *)x;
    if (w->give_rc == 0)
        w->given = b->first;
    return w->give_rc;
}

static int play_take(struct executor *x, struct executor_report *out)
{
    struct world *w = (struct world *)x;
    if (!w->done)
        return ROTA_E_TIMEOUT;
    w->done = false;
    *out = (struct executor_report){.lease = 5,
                                    .first = 10,
                                    .count = 1,
                                    .busy_ns = 99,
                                    .records = w->result,
                                    .bytes = sizeof(w->result)};
    return 0;
}

static void play_drop(struct executor *x, uint64_t lease, uint64_t first,
                      uint32_t count)
{
    struct world *w = (struct world *)x;
    w->drops++;
    w->dropped =
        (struct executor_batch){.lease = lease, .first = first, .count = count};
}

static uint64_t play_unbegun(const struct executor *x, uint64_t lease)
{
    const struct world *w = (const struct world *)x;
    return lease == 5 ? w->unbegun : UINT64_MAX;
}

static const struct executor_ops exact_ops = {
    .give = play_give, .take = play_take, .drop = play_drop, .unbegun = play_unbegun};
static const struct executor_ops inexact_ops = {
    .give = play_give, .take = play_take, .drop = play_drop};

static int keep_sent(void *ctx, const void *data, size_t size)
{
    struct world *w = ctx;
    if (w->send_rc != 0)
        return w->send_rc;
    assert_int_equal(wire_read(data, size, &w->sent), 0);
    w->sent_bytes = size;
    w->sends++;
    return 0;
}

static void open_world(struct world *w)
{
    struct hand_port port = {.send = keep_sent, .ctx = w};
    *w = (struct world){.executor = {.ops = &exact_ops, .slots = 3}};
    assert_int_equal(hand_new(&port, &w->executor, FUNCTIONS, PRINT, &w->hand), 0);
}

static int receive(struct world *w, struct wire_head h)
{
    unsigned char data[WIRE_HEAD_BYTES];
    wire_write(data, &h);
    return hand_receive(w->hand, data, sizeof(data));
}

/* A batch of one task of `function`, of which the message says `count`. */
static int receive_task(struct world *w, uint16_t function, uint32_t count)
{
    unsigned char data[WIRE_HEAD_BYTES + PARCEL_TASK_BYTES];
    struct wire_head h = {
        .kind = WIRE_TASKS, .count = count, .lease = 5, .first = 10, .more = 1};
    wire_write(data, &h);
    parcel_write_plain(data + WIRE_HEAD_BYTES, function, NULL, 0);
    return hand_receive(w->hand, data, sizeof(data));
}

/* ---- tests ------------------------------------------------------------------- */

static void a_worker_says_who_it_is(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    assert_int_equal(hand_hello(w.hand, "node"), 0);
    assert_int_equal(w.sent.kind, WIRE_HELLO);
    assert_int_equal(w.sent.count, 3);
    assert_int_equal(w.sent.lease, PRINT);
    hand_free(w.hand);
}

static void tasks_are_given_and_results_reported(void **state)
{
    (void)state;
    struct world w;
    bool reported;
    open_world(&w);
    assert_int_equal(receive_task(&w, 1, 1), 0);
    assert_int_equal(w.given, 10);
    assert_int_equal(hand_work(w.hand, &reported), 0);
    assert_false(reported);
    w.done = true;
    assert_int_equal(hand_work(w.hand, &reported), 0);
    assert_true(reported);
    assert_int_equal(w.sent.kind, WIRE_RESULTS);
    assert_int_equal(w.sent.lease, 5);
    assert_int_equal(w.sent.first, 10);
    assert_int_equal(w.sent.more, 99);
    assert_int_equal(w.sent_bytes, WIRE_HEAD_BYTES + PARCEL_RESULT_BYTES);
    hand_free(w.hand);
}

static void a_report_that_cannot_be_sent_is_sent_later(void **state)
{
    (void)state;
    struct world w;
    bool reported;
    open_world(&w);
    w.done = true;
    w.send_rc = ROTA_E_NOMEM;
    assert_int_equal(hand_work(w.hand, &reported), 0);
    assert_false(reported);
    w.send_rc = ROTA_E_LOST;
    assert_int_equal(hand_work(w.hand, &reported), ROTA_E_LOST);
    w.send_rc = 0;
    assert_int_equal(hand_work(w.hand, &reported), 0);
    assert_true(reported);
    hand_free(w.hand);
}

static void what_is_wanted_back_is_given_back_if_it_has_not_begun(void **state)
{
    (void)state;
    struct world w;
    struct wire_head recall = {
        .kind = WIRE_RECALL, .count = 4, .lease = 5, .first = 11};
    open_world(&w);
    w.unbegun = 13;
    assert_int_equal(receive(&w, recall), 0);
    assert_int_equal(w.sent.kind, WIRE_RETURNED);
    assert_int_equal(w.sent.lease, 5);
    assert_int_equal(w.sent.first, 13);
    assert_int_equal(w.sent.count, 2);
    assert_int_equal(w.dropped.lease, 5);
    assert_int_equal(w.dropped.first, 13);
    assert_int_equal(w.dropped.count, 2);

    w.unbegun = 10; /* it keeps what is not wanted */
    assert_int_equal(receive(&w, recall), 0);
    assert_int_equal(w.sent.first, 11);
    assert_int_equal(w.sent.count, 4);
    hand_free(w.hand);
}

static void what_has_begun_is_not_given_back(void **state)
{
    (void)state;
    struct world w;
    struct wire_head recall = {
        .kind = WIRE_RECALL, .count = 4, .lease = 5, .first = 11};
    open_world(&w);
    w.unbegun = 15;
    assert_int_equal(receive(&w, recall), 0);
    recall.lease = 6; /* it has no such lease */
    assert_int_equal(receive(&w, recall), 0);
    recall.lease = 5;
    w.unbegun = 11;
    w.executor.ops = &inexact_ops; /* nobody knows what has begun */
    assert_int_equal(receive(&w, recall), 0);
    assert_int_equal(w.sends, 0);
    assert_int_equal(w.drops, 0);
    hand_free(w.hand);
}

static void what_was_not_said_to_be_given_back_is_kept(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    w.unbegun = 11;
    w.send_rc = ROTA_E_NOMEM;
    struct wire_head recall = {
        .kind = WIRE_RECALL, .count = 4, .lease = 5, .first = 11};
    assert_int_equal(receive(&w, recall), ROTA_E_NOMEM);
    assert_int_equal(w.drops, 0);
    hand_free(w.hand);
}

static void what_is_dropped_is_dropped(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    struct wire_head drop = {.kind = WIRE_DROP, .count = 4, .lease = 5, .first = 11};
    assert_int_equal(receive(&w, drop), 0);
    assert_int_equal(w.drops, 1);
    assert_int_equal(w.sends, 0);
    hand_free(w.hand);
}

static void a_worker_is_sent_home(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    assert_false(hand_is_finished(w.hand));
    assert_int_equal(receive(&w, (struct wire_head){.kind = WIRE_FINISH}), 0);
    assert_true(hand_is_finished(w.hand));
    assert_int_equal(receive(&w, (struct wire_head){.kind = WIRE_FINISH, .more = 1}),
                     ROTA_E_ARG);
    hand_free(w.hand);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    assert_int_equal(hand_receive(w.hand, "nonsense", 8), ROTA_E_FORMAT);
    assert_int_equal(receive(&w, (struct wire_head){.kind = WIRE_HELLO, .count = 1}),
                     ROTA_E_FORMAT);
    assert_int_equal(receive_task(&w, FUNCTIONS, 1), ROTA_E_FORMAT);
    assert_int_equal(receive_task(&w, 0, 2), ROTA_E_FORMAT);
    assert_int_equal(receive_task(&w, 0, 0), ROTA_E_FORMAT);
    w.give_rc = ROTA_E_NOMEM;
    assert_int_equal(receive_task(&w, 0, 1), ROTA_E_NOMEM);
    hand_free(w.hand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_says_who_it_is),
        cmocka_unit_test(tasks_are_given_and_results_reported),
        cmocka_unit_test(a_report_that_cannot_be_sent_is_sent_later),
        cmocka_unit_test(what_is_wanted_back_is_given_back_if_it_has_not_begun),
        cmocka_unit_test(what_has_begun_is_not_given_back),
        cmocka_unit_test(what_was_not_said_to_be_given_back_is_kept),
        cmocka_unit_test(what_is_dropped_is_dropped),
        cmocka_unit_test(a_worker_is_sent_home),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
