/* test_plan_losses.c - plan: what was lent goes to others, whoever dies, however late
 */
#include "plans.h"

/* ---- losses ---------------------------------------------------------------------- */

static void a_lost_workers_tasks_go_to_others_in_their_order(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(2);
    join(p, 0, 2);
    add(p, 3);
    lent(p, 0, 0, 1);
    lent(p, 0, 1, 1);
    join(p, 1, 3);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    assert_int_equal(plan_lost(p, 0, 0), ROTA_E_STATE);
    lent_at(p, 0, 1, 0, 1, 2);
    lent_at(p, 0, 1, 1, 1, 2);
    lent(p, 1, 2, 1);
    assert_int_equal(plan_counts(p)->again, 2);
}

static void what_only_waited_at_a_lost_worker_is_no_suspect(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(2);
    join(p, 0, 1);
    add(p, 3);
    lent(p, 0, 0, 1);
    lent(p, 0, 1, 1);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    join(p, 1, 3);
    lent_at(p, 0, 1, 0, 1, 2);
    lent_at(p, 0, 1, 1, 1, 1);
    lent_at(p, 0, 1, 2, 1, 1);
}

/* Runs `tasks` of which `poison` kills its worker, on workers of one slot. Says how
 * many were lost. */
static int kills_of(uint64_t tasks, uint64_t poison, int limit)
{
    uint64_t n;
    struct plan_options o = {.workers = 20, .poison_limit = limit};
    rota_auto(plan) struct plan *p = make_paced(o, 20, &n);
    int lost = 0;
    struct plan_action a;
    add(p, tasks);
    while (plan_next(p, 0, &a)) {
        if (a.what == PLAN_ENDED) {
            assert_int_equal(a.why, PLAN_POISON);
            assert_int_equal(a.span.first, n + poison);
            assert_int_equal(a.span.count, 1);
            assert_int_equal(a.killed, lost);
            continue;
        }
        assert_int_equal(a.what, PLAN_LEND);
        if (n + poison < a.span.first || n + poison >= a.span.first + a.span.count) {
            settle_at(p, 0, a.worker, a.lease, a.span.first, a.span.count, 20,
                      a.span.count);
            continue;
        }
        assert_int_equal(plan_lost(p, 0, a.worker), 0);
        lost++;
        join(p, lost, 1);
    }
    assert_int_equal(plan_counts(p)->ended[PLAN_POISON], 1);
    assert_int_equal(plan_counts(p)->leased + plan_counts(p)->ready, 0);
    return lost;
}

/* Its timer ended the worker, so it is known which task did it. */
static void what_was_behind_a_task_that_took_too_long_is_no_suspect(void **state)
{
    (void)state;
    struct plan *p = make_with((struct plan_options){.workers = 2, .poison_limit = 1});
    uint64_t lease = UINT64_MAX;
    uint64_t task = UINT64_MAX;
    enum plan_verdict verdict = PLAN_REFUSED;
    uint32_t attempt = 0;
    add(p, 3);
    join(p, 0, 1);
    lent(p, 0, 0, 1);
    lent(p, 0, 1, 1);
    assert_true(plan_running(p, 0, &lease, &task));
    assert_int_equal(task, 0);
    assert_int_equal(plan_failed(p, 0, 0, lease, task, 0, &verdict, &attempt), 0);
    assert_int_equal(verdict, PLAN_FINAL);
    plan_excuse(p, 0);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    join(p, 1, 1);
    lent(p, 1, 1, 1);
    plan_free(p);
}

static void who_may_run_what_was_taken_back_runs_nothing_for_sure(void **state)
{
    (void)state;
    struct plan *p = make(1);
    uint64_t lease = UINT64_MAX;
    uint64_t task = UINT64_MAX;
    add(p, 3);
    join(p, 0, 1);
    lent(p, 0, 0, 1);
    lent(p, 0, 1, 1);
    assert_int_equal(plan_cancel(p, 0, 0), 0);
    assert_false(plan_running(p, 0, &lease, &task));
    plan_free(p);
}

static void a_poison_task_is_found_in_as_many_losses_as_its_limit(void **state)
{
    (void)state;
    assert_int_equal(kills_of(2000, 0, 0), 3);
    assert_int_equal(kills_of(2000, 1, 0), 3);
    assert_int_equal(kills_of(2000, 500, 0), 3);
    assert_int_equal(kills_of(2000, 999, 0), 3);
    assert_int_equal(kills_of(1, 0, 0), 3);
    assert_int_equal(kills_of(1, 0, 1), 1);
    assert_int_equal(kills_of(2000, 7, 1), 2); /* once more, to find it */
    assert_int_equal(kills_of(2000, 7, 2), 2);
    assert_int_equal(kills_of(200000, 77, 4), 4);
}

static void an_innocent_neighbour_of_a_poison_task_lives(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(9);
    struct plan_action a;
    int lost = 0;
    add(p, 2);
    join(p, 0, 2);
    /* Task 1 kills, and task 0 never ends before that, if both are there. */
    while (plan_counts(p)->ended[PLAN_POISON] == 0) {
        uint64_t held[2] = {0, 0};
        while (plan_next(p, 0, &a)) {
            assert_int_equal(a.what, PLAN_LEND);
            held[a.span.first] = a.lease;
        }
        if (held[1] == 0) {
            settle(p, lost, held[0], 0, 1);
            continue;
        }
        assert_int_equal(plan_lost(p, 0, lost), 0);
        join(p, ++lost, 2);
    }
    assert_int_equal(ended(p, PLAN_POISON, 1, 1).killed, 4);
    assert_int_equal(lost, 4); /* three together, and then alone */
    nothing(p);
}

static void with_no_worker_left_every_task_ends_with_that_reason(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(2);
    join(p, 0, 1);
    add_class(p, (struct plan_class){.near = -1, .retries = 1}, 4);
    uint64_t l = lent(p, 0, 0, 1);
    assert_int_equal(failed_at(p, 0, 0, l, 0), PLAN_AGAIN);
    lent(p, 0, 1, 2);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    nothing(p); /* worker 1 may still come */
    assert_int_equal(plan_lost(p, 0, 1), 0);
    assert_int_equal(plan_join(p, 0, 1, 1), ROTA_E_STATE);
    struct plan_action a = ended(p, PLAN_NO_WORKER, 1, 2);
    assert_int_equal(a.attempt, 1);
    assert_int_equal(a.worker, 0);
    a = ended(p, PLAN_NO_WORKER, 3, 1);
    assert_int_equal(a.attempt, 0);
    assert_int_equal(a.worker, -1);
    ended(p, PLAN_NO_WORKER, 0, 1);
    add(p, 1);
    ended(p, PLAN_NO_WORKER, 4, 1);
    nothing(p);
}

static void a_task_on_its_last_chance_has_its_worker_for_itself(void **state)
{
    (void)state;
    struct plan_options o = {.workers = 4, .poison_limit = 2};
    rota_auto(plan) struct plan *p = make_with(o);
    join(p, 0, 1);
    add(p, 10);
    lent(p, 0, 0, 1);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    join(p, 1, 1);
    uint64_t l = lent_at(p, 0, 1, 0, 1, 2);
    nothing(p); /* nothing is to wait behind it */
    settle(p, 1, l, 0, 1);
    lent(p, 1, 1, 5);
    lent(p, 1, 6, 2);
}

static void a_worker_is_emptied_for_a_task_that_others_were_blamed_with(void **state)
{
    (void)state;
    struct plan_options o = {.workers = 2, .poison_limit = 1};
    rota_auto(plan) struct plan *p = make_with(o);
    join(p, 0, 2);
    add(p, 2);
    lent(p, 0, 0, 1);
    lent(p, 0, 1, 1);
    add(p, 9);
    join(p, 1, 2);
    uint64_t a = lent(p, 1, 2, 1);
    uint64_t b = lent(p, 1, 3, 1);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    nothing(p);
    settle(p, 1, a, 2, 1);
    settle(p, 1, b, 3, 1);
    uint64_t l = lent_at(p, 0, 1, 0, 1, 2);
    nothing(p);
    settle(p, 1, l, 0, 1);
    lent_at(p, 0, 1, 1, 1, 2);
    nothing(p);
    assert_int_equal(plan_lost(p, 0, 1), 0);
    ended(p, PLAN_POISON, 1, 1);
    ended(p, PLAN_NO_WORKER, 4, 7);
}

/* ---- the frozen and the slow ----------------------------------------------------- */

static void
a_frozen_worker_keeps_only_what_it_may_have_begun_and_gets_nothing(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p =
        make_paced((struct plan_options){.workers = 2}, 20, &n);
    add(p, 16);
    uint64_t a = lent(p, 0, n, 8);
    uint64_t b = lent(p, 0, n + 8, 4);
    settle(p, 0, a, n, 1);
    plan_freeze(p, 0, 0, true);
    recalled_at(p, 0, 0, b, n + 8, 4);
    recalled_at(p, 0, 0, a, n + 2, 6);
    nothing(p);
    assert_int_equal(plan_counts(p)->recalled, 10);
    refused(p, 0, a, n + 2, 6);
    settle(p, 0, a, n + 1, 1);
    nothing(p);
    plan_freeze(p, 0, 0, false);
    lent(p, 0, n + 2, 7); /* one span again */
}

static void what_a_slow_worker_has_not_begun_goes_to_an_idle_one(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p =
        make_paced((struct plan_options){.workers = 2}, 100000, &n);
    add(p, 8);
    uint64_t a = lent(p, 0, n, 4);
    uint64_t b = lent(p, 0, n + 4, 2);
    nothing(p);
    join(p, 1, 1);
    for (uint64_t i = 6; i < 8; i++)
        settle(p, 1, lent(p, 1, n + i, 1), n + i, 1);
    nothing(p); /* worker 0 is expected to be done with it soon */
    int64_t now_ns = plan_wake_ns(p);
    assert_true(now_ns > 3 * MS && now_ns < 5 * MS);
    settle_at(p, MS, 0, a, n, 1, 100000, 1);
    nothing_at(p, now_ns);
    assert_true(plan_wake_ns(p) > now_ns && plan_wake_ns(p) < 7 * MS);
    now_ns = plan_wake_ns(p);
    nothing_at(p, now_ns - 1);
    recalled_at(p, now_ns, 0, b, n + 4, 2);
    recalled_at(p, now_ns, 0, a, n + 2, 2);
    lent_at(p, now_ns, 1, n + 2, 1, 1);
    lent_at(p, now_ns, 0, n + 3, 1, 1);
    nothing_at(p, now_ns);
    settle_at(p, now_ns, 0, a, n + 1, 1, 100000, 1);
    assert_int_equal(plan_counts(p)->recalled, 4);
}

static void
a_stragglers_task_is_lent_a_second_time_and_the_first_result_wins(void **state)
{
    (void)state;
    for (int winner = 0; winner < 2; winner++) {
        uint64_t n;
        rota_auto(plan) struct plan *p =
            make_paced((struct plan_options){.workers = 2}, 10 * MS, &n);
        join(p, 1, 1);
        add(p, 1);
        uint64_t l[2];
        l[0] = lent(p, 0, n, 1);
        nothing_at(p, 90 * MS);
        assert_int_equal(plan_wake_ns(p), 100 * MS);
        l[1] = lent_at(p, 100 * MS, 1, n, 1, 2);
        nothing_at(p, 1000 * MS); /* one copy at a time */
        assert_int_equal(plan_wake_ns(p), INT64_MAX);
        settle(p, winner, l[winner], n, 1);
        recalled_at(p, 1000 * MS, 1 - winner, l[1 - winner], n, 1);
        nothing_at(p, 1000 * MS);
        refused(p, 1 - winner, l[1 - winner], n, 1);
        assert_int_equal(plan_counts(p)->copied, 1);
        assert_int_equal(plan_counts(p)->leased, 0);
    }
}

static void of_two_that_run_a_task_one_may_fail_or_be_lost(void **state)
{
    (void)state;
    for (int other = 0; other < 4; other++) {
        uint64_t n;
        rota_auto(plan) struct plan *p =
            make_paced((struct plan_options){.workers = 3}, 10 * MS, &n);
        join(p, 1, 1);
        add(p, 1);
        uint64_t l[2];
        l[0] = lent(p, 0, n, 1);
        l[1] = lent_at(p, 100 * MS, 1, n, 1, 2);
        int out = other % 2;
        if (other < 2)
            assert_int_equal(failed_at(p, 101 * MS, out, l[out], n), PLAN_AGAIN);
        else
            assert_int_equal(plan_lost(p, 101 * MS, out), 0);
        assert_int_equal(plan_counts(p)->leased, 1);
        assert_int_equal(plan_counts(p)->delayed, 0);
        refused(p, out, l[out], n, 1);
        if (other < 2)
            assert_int_equal(failed_at(p, 102 * MS, 1 - out, l[1 - out], n),
                             PLAN_FINAL);
        else
            settle(p, 1 - out, l[1 - out], n, 1);
        nothing_at(p, 103 * MS);
    }
}

/* Else a worker that is stopped would let others fail without end. */
static void a_second_one_that_fails_is_not_followed_by_a_third(void **state)
{
    (void)state;
    for (int out = 0; out < 2; out++) {
        uint64_t n;
        rota_auto(plan) struct plan *p =
            make_paced((struct plan_options){.workers = 3}, 10 * MS, &n);
        join(p, 1, 1);
        add(p, 1);
        uint64_t l[2];
        l[0] = lent(p, 0, n, 1);
        l[1] = lent_at(p, 100 * MS, 1, n, 1, 2);
        assert_int_equal(failed_at(p, 101 * MS, out, l[out], n), PLAN_AGAIN);
        nothing_at(p, 102 * MS);
        nothing_at(p, 10000 * MS);
        settle(p, 1 - out, l[1 - out], n, 1);
        nothing_at(p, 10001 * MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_workers_tasks_go_to_others_in_their_order),
        cmocka_unit_test(what_only_waited_at_a_lost_worker_is_no_suspect),
        cmocka_unit_test(what_was_behind_a_task_that_took_too_long_is_no_suspect),
        cmocka_unit_test(who_may_run_what_was_taken_back_runs_nothing_for_sure),
        cmocka_unit_test(a_poison_task_is_found_in_as_many_losses_as_its_limit),
        cmocka_unit_test(an_innocent_neighbour_of_a_poison_task_lives),
        cmocka_unit_test(with_no_worker_left_every_task_ends_with_that_reason),
        cmocka_unit_test(a_task_on_its_last_chance_has_its_worker_for_itself),
        cmocka_unit_test(a_worker_is_emptied_for_a_task_that_others_were_blamed_with),
        cmocka_unit_test(
            a_frozen_worker_keeps_only_what_it_may_have_begun_and_gets_nothing),
        cmocka_unit_test(what_a_slow_worker_has_not_begun_goes_to_an_idle_one),
        cmocka_unit_test(
            a_stragglers_task_is_lent_a_second_time_and_the_first_result_wins),
        cmocka_unit_test(of_two_that_run_a_task_one_may_fail_or_be_lost),
        cmocka_unit_test(a_second_one_that_fails_is_not_followed_by_a_third),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
