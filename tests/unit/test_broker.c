/* test_broker.c - farm/broker: the manager's mind: tasks, results, losses, memory */
#include "broker_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_says_what_became_of_its_task),
        cmocka_unit_test(each_of_many_tasks_is_told_once),
        cmocka_unit_test(results_come_in_order_where_that_was_asked_for),
        cmocka_unit_test(a_failed_task_is_tried_again_and_then_told),
        cmocka_unit_test(tasks_of_a_result_are_tasks),
        cmocka_unit_test(a_late_result_does_not_count_nor_do_its_tasks),
        cmocka_unit_test(a_result_that_comes_twice_counts_once),
        cmocka_unit_test(a_task_that_took_too_long_is_blamed_alone),
        cmocka_unit_test(a_loss_is_told_once_with_what_it_costs),
        cmocka_unit_test(the_payload_of_a_result_is_there_however_it_ended),
        cmocka_unit_test(a_task_with_effects_goes_elsewhere_only_if_it_is_given_back),
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
