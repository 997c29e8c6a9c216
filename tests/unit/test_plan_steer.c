/* test_plan_steer.c - plan: no more is lent, or not so fast, or not for so long */
#include "unit.h"

#include "rota.h"
#include "schedule/plan.h"

#define MS INT64_C(1000000)

/* ---- what the tests are made of -------------------------------------------------- */

static struct plan *make(struct plan_options options, uint64_t tasks, int slots)
{
    struct plan_class plain = {.near = -1, .retries = 1};
    struct plan *p = NULL;
    options.once = true;
    assert_int_equal(plan_new(&options, &p), 0);
    for (int w = 0; w < options.workers; w++)
        assert_int_equal(plan_join(p, 0, w, slots), 0);
    if (tasks > 0)
        assert_int_equal(plan_add(p, &plain, tasks, NULL), 0);
    return p;
}

static struct plan_action next(struct plan *p, int64_t now_ns, enum plan_what what)
{
    struct plan_action a = {0};
    assert_true(plan_next(p, now_ns, &a));
    assert_int_equal(a.what, what);
    return a;
}

static void nothing(struct plan *p, int64_t now_ns)
{
    struct plan_action a;
    assert_false(plan_next(p, now_ns, &a));
}

static void succeed(struct plan *p, int64_t now_ns, const struct plan_action *a,
                    int64_t took_ns)
{
    uint64_t run;
    bool accepted;
    uint32_t attempt;
    assert_int_equal(plan_settle(p, now_ns, a->worker, a->lease, a->span, took_ns, &run,
                                 &accepted, &attempt),
                     0);
    assert_true(accepted);
}

static void fail_once(struct plan *p, int64_t now_ns, const struct plan_action *a)
{
    enum plan_verdict verdict;
    uint32_t attempt;
    assert_int_equal(plan_failed(p, now_ns, a->worker, a->lease, a->span.first, MS,
                                 &verdict, &attempt),
                     0);
    assert_int_equal(verdict, PLAN_AGAIN);
}

static void give_back(struct plan *p, const struct plan_action *a)
{
    assert_int_equal(plan_returned(p, 0, a->worker, a->lease, a->span), 0);
}

/* ---- no more --------------------------------------------------------------------- */

static void who_is_shut_is_asked_for_all_and_gets_no_more(void **state)
{
    (void)state;
    struct plan *p = make((struct plan_options){.workers = 2}, 2, 1);
    struct plan_action a = next(p, 0, PLAN_LEND);
    struct plan_action b = next(p, 0, PLAN_LEND);
    plan_shut(p, MS, a.worker, true);
    struct plan_action ask = next(p, MS, PLAN_RECALL);
    assert_int_equal(ask.worker, a.worker);
    assert_int_equal(ask.lease, a.lease);
    nothing(p, MS);
    give_back(p, &a); /* it had not even begun its first task */
    nothing(p, MS);
    succeed(p, 2 * MS, &b, MS);
    struct plan_action again = next(p, 2 * MS, PLAN_LEND);
    assert_int_equal(again.worker, b.worker);
    assert_int_equal(again.span.first, a.span.first);
    assert_int_equal(again.attempt, 1);
    plan_free(p);
}

static void when_all_are_shut_what_runs_ends_and_nothing_begins(void **state)
{
    (void)state;
    struct plan *p = make((struct plan_options){.workers = 2}, 10, 1);
    struct plan_action a = next(p, 0, PLAN_LEND);
    struct plan_action b = next(p, 0, PLAN_LEND);
    assert_int_equal(plan_counts(p)->running, 2);
    struct plan_action ahead[2] = {next(p, 0, PLAN_LEND), next(p, 0, PLAN_LEND)};
    nothing(p, 0);
    plan_shut(p, 0, PLAN_EVERYONE, true);
    for (int i = 0; i < 4; i++)
        next(p, 0, PLAN_RECALL);
    nothing(p, 0);
    give_back(p, &ahead[0]);
    give_back(p, &ahead[1]);
    succeed(p, MS, &a, MS);
    fail_once(p, MS, &b);
    nothing(p, 1000 * MS); /* and it is not tried again */
    assert_int_equal(plan_counts(p)->leased, 0);
    assert_int_equal(plan_counts(p)->running, 0);
    assert_int_equal(plan_counts(p)->ready, 9);
    assert_int_equal(plan_wake_ns(p), INT64_MAX);
    plan_free(p);
}

static void a_worker_that_comes_while_all_are_shut_gets_nothing(void **state)
{
    (void)state;
    struct plan *p = make((struct plan_options){.workers = 1}, 0, 1);
    struct plan_class plain = {.near = -1};
    plan_shut(p, 0, PLAN_EVERYONE, true);
    assert_true(plan_is_hungry(p)); /* so that the end of the list is seen */
    assert_int_equal(plan_add(p, &plain, 1, NULL), 0);
    assert_false(plan_is_hungry(p));
    nothing(p, 0);
    plan_shut(p, 0, PLAN_EVERYONE, false);
    next(p, 0, PLAN_LEND);
    plan_free(p);
}

static void who_is_lost_is_not_asked(void **state)
{
    (void)state;
    struct plan *p = make((struct plan_options){.workers = 2}, 2, 1);
    struct plan_action a = next(p, 0, PLAN_LEND);
    struct plan_action b = next(p, 0, PLAN_LEND);
    plan_shut(p, 0, PLAN_EVERYONE, true);
    assert_int_equal(plan_lost(p, 0, a.worker), 0);
    struct plan_action ask = next(p, 0, PLAN_RECALL);
    assert_int_equal(ask.worker, b.worker);
    nothing(p, 0);
    assert_int_equal(plan_counts(p)->ready, 1);
    plan_free(p);
}

/* ---- not so fast ----------------------------------------------------------------- */

static void between_two_tasks_there_is_a_gap(void **state)
{
    (void)state;
    struct plan *p = make((struct plan_options){.workers = 1, .gap_ns = 10 * MS}, 3, 2);
    assert_int_equal(next(p, 5 * MS, PLAN_LEND).span.count, 1);
    nothing(p, 5 * MS);
    assert_int_equal(plan_wake_ns(p), 15 * MS);
    nothing(p, 15 * MS - 1);
    next(p, 15 * MS, PLAN_LEND);
    nothing(p, 25 * MS); /* both slots are taken, and nothing is to wait there */
    assert_int_equal(plan_wake_ns(p), INT64_MAX);
    plan_free(p);
}

static void a_gap_grows_with_failures_and_shrinks_with_successes(void **state)
{
    (void)state;
    struct plan_options options = {
        .workers = 1, .gap_ns = 100 * MS, .gap_adapts = true, .retry_ns = MS};
    struct plan *p = make(options, 9, 1);
    struct plan_action a = next(p, 0, PLAN_LEND);
    fail_once(p, 10 * MS, &a);
    nothing(p, 129 * MS);
    assert_int_equal(plan_wake_ns(p), 130 * MS);
    a = next(p, 130 * MS, PLAN_LEND);
    succeed(p, 140 * MS, &a, MS);
    nothing(p, 140 * MS);
    assert_int_equal(plan_wake_ns(p), (130 + 117) * MS);
    plan_free(p);
}

/* ---- not for so long ------------------------------------------------------------- */

static void the_limit_follows_the_median_of_those_that_succeed(void **state)
{
    (void)state;
    struct plan *p = make((struct plan_options){.workers = 1, .limit_times = 2}, 9, 1);
    assert_int_equal(plan_limit_ns(p), 0);
    struct plan_action a = next(p, 0, PLAN_LEND);
    struct plan_action b = next(p, 0, PLAN_LEND);
    fail_once(p, 0, &a);
    assert_int_equal(plan_limit_ns(p), 0);
    succeed(p, 0, &b, 100 * MS);
    assert_in_range(plan_limit_ns(p), 197 * MS, 203 * MS);
    plan_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_shut_is_asked_for_all_and_gets_no_more),
        cmocka_unit_test(when_all_are_shut_what_runs_ends_and_nothing_begins),
        cmocka_unit_test(a_worker_that_comes_while_all_are_shut_gets_nothing),
        cmocka_unit_test(who_is_lost_is_not_asked),
        cmocka_unit_test(between_two_tasks_there_is_a_gap),
        cmocka_unit_test(a_gap_grows_with_failures_and_shrinks_with_successes),
        cmocka_unit_test(the_limit_follows_the_median_of_those_that_succeed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
