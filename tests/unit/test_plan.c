/* test_plan.c - plan: every task ends exactly once, in a result or a reason
 *
 * What becomes of it when workers die, freeze or are late is in test_plan_losses.c.
 */
#include "plans.h"

#include <stdlib.h>

/* ---- memory, which the linker hands to us (--wrap) ------------------------------- */

static long fail_at; /* the how many-th allocation from here fails; 0: none */
static long allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool fails(void)
{
    allocations++;
    return fail_at > 0 && --fail_at == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

/* ---- lending --------------------------------------------------------------------- */

static void tasks_are_lent_as_workers_come(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(2);
    add(p, 3);
    nothing(p);
    join(p, 1, 2);
    uint64_t a = lent(p, 1, 0, 1);
    uint64_t b = lent(p, 1, 1, 1);
    assert_int_not_equal(a, b);
    nothing(p);
    join(p, 0, 1);
    lent(p, 0, 2, 1);
    settle(p, 1, b, 1, 1);
    settle(p, 1, a, 0, 1);
    nothing(p);
    assert_int_equal(plan_counts(p)->done, 2);
}

static void higher_priorities_go_first_and_within_one_the_order_is_kept(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(1);
    int priorities[] = {0, 5, -3, 5, 0, INT32_MAX, INT32_MIN};
    uint64_t expected[] = {5, 1, 3, 0, 4, 2, 6};
    for (int i = 0; i < 7; i++)
        add_class(p, (struct plan_class){.near = -1, .priority = priorities[i]}, 1);
    join(p, 0, 7);
    for (int i = 0; i < 7; i++)
        lent(p, 0, expected[i], 1);
    nothing(p);
}

static void what_is_near_a_worker_goes_there_alone(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(3);
    add_class(p, (struct plan_class){.near = 1}, 2);
    add_class(p, (struct plan_class){.near = 2, .priority = -1}, 1);
    join(p, 0, 1);
    nothing(p);
    join(p, 1, 1);
    uint64_t a = lent(p, 1, 0, 1);
    nothing(p);
    add(p, 1); /* 3 */
    lent(p, 0, 3, 1);
    add(p, 1); /* 4: any's, but 1 is older */
    settle(p, 1, a, 0, 1);
    a = lent(p, 1, 1, 1);
    settle(p, 1, a, 1, 1);
    lent(p, 1, 4, 1);
    nothing(p);
    assert_int_equal(plan_counts(p)->ready, 1);
}

static void what_was_near_a_lost_worker_goes_anywhere(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(3);
    add_class(p, (struct plan_class){.near = 1}, 2);
    join(p, 0, 4);
    join(p, 1, 1);
    lent(p, 1, 0, 1);
    nothing(p);
    assert_int_equal(plan_lost(p, 0, 1), 0);
    lent_at(p, 0, 0, 0, 1, 2);
    lent(p, 0, 1, 1);
    add_class(p, (struct plan_class){.near = 1}, 1);
    lent(p, 0, 2, 1);
    nothing(p);
}

static void a_batch_waits_behind_another_only_while_tasks_are_plenty(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(2);
    join(p, 0, 1);
    join(p, 1, 1);
    add(p, 5);
    lent(p, 0, 0, 1);
    lent(p, 1, 1, 1);
    lent(p, 0, 2, 1); /* 3 ready for 2 slots; then 2, which is not more */
    nothing(p);
}

static void batches_grow_to_what_the_time_allows(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(1);
    join(p, 0, 1);
    add(p, 10000000);
    uint64_t last = 0;
    uint64_t largest = 0;
    struct plan_action a;
    for (int i = 0; i < 12; i++) {
        assert_true(plan_next(p, 0, &a));
        assert_int_equal(a.what, PLAN_LEND);
        assert_true(a.span.count <= 8 * last || last == 0);
        last = a.span.count > last ? a.span.count : last;
        largest = a.span.count;
        settle_at(p, 0, 0, a.lease, a.span.first, a.span.count, 20, a.span.count);
    }
    assert_int_equal(largest, 2 * MS / 20);
}

static void batches_are_small_again_near_the_end(void **state)
{
    (void)state;
    uint64_t next;
    rota_auto(plan) struct plan *p =
        make_paced((struct plan_options){.workers = 2}, 20, &next);
    join(p, 1, 3);
    add(p, 80);
    lent(p, 0, next, 10);
    lent(p, 1, next + 10, 9);
}

static uint64_t fit_three(void *ctx, uint64_t first, uint64_t count)
{
    assert_int_equal(first % 3, 0);
    *(int *)ctx += 1;
    return count < 3 ? count : 3;
}

static void a_batch_is_no_larger_than_fits(void **state)
{
    (void)state;
    int asked = 0;
    struct plan_options o = {.workers = 1, .fit = fit_three, .ctx = &asked};
    rota_auto(plan) struct plan *p = make_with(o);
    join(p, 0, 1);
    add(p, 3000);
    struct plan_action a;
    assert_true(plan_next(p, 0, &a));
    settle(p, 0, a.lease, 0, 1);
    assert_int_equal(plan_cancel(p, 0, 1), 0);
    assert_int_equal(plan_cancel(p, 0, 2), 0);
    ended(p, PLAN_CANCELLED, 1, 2);
    lent(p, 0, 3, 3);
    assert_true(asked > 0);
}

static void more_is_wanted_until_some_rounds_are_ready(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(1);
    assert_true(plan_is_hungry(p));
    add(p, 999);
    assert_true(plan_is_hungry(p));
    add(p, 1);
    assert_false(plan_is_hungry(p));
    join(p, 0, 1);
    assert_false(plan_is_hungry(p));
    struct plan_action a;
    assert_true(plan_next(p, 0, &a));
    settle_at(p, 0, 0, a.lease, 0, 1, 20, 1);
    while (plan_next(p, 0, &a))
        settle_at(p, 0, 0, a.lease, a.span.first, a.span.count, 20, a.span.count);
    assert_true(plan_is_hungry(p));
    add(p, 10000);
    assert_true(plan_is_hungry(p));
    add(p, 100000);
    assert_false(plan_is_hungry(p));
}

static void a_task_that_waits_costs_no_memory_of_its_own(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(1);
    add(p, 1);
    allocations = 0;
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(plan_add(p, &plain, 1, NULL), 0);
    assert_int_equal(allocations, 0);
    assert_int_equal(plan_counts(p)->ready, 1000001);
}

static void thousands_of_priorities_are_kept_apart(void **state)
{
    (void)state;
    enum {
        TASKS = 5000
    };
    rota_auto(plan) struct plan *p = make(1);
    join(p, 0, TASKS);
    for (int i = 0; i < TASKS; i++) {
        int priority = (int)((unsigned)i * 2654435761U % TASKS);
        add_class(p, (struct plan_class){.near = -1, .priority = priority}, 1);
    }
    int last = INT32_MAX;
    for (int i = 0; i < TASKS; i++) {
        struct plan_action a;
        assert_true(plan_next(p, 0, &a));
        int priority = (int)((unsigned)a.span.first * 2654435761U % TASKS);
        assert_true(priority <= last);
        last = priority;
    }
    nothing(p);
}

/* ---- reports --------------------------------------------------------------------- */

static void results_may_come_in_any_order_and_each_counts_once(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p =
        make_paced((struct plan_options){.workers = 1}, 20, &n);
    add(p, 20);
    uint64_t l = lent(p, 0, n, 10);
    settle(p, 0, l, n + 4, 2);
    refused(p, 0, l, n + 5, 1);
    settle(p, 0, l, n + 9, 1);
    settle(p, 0, l, n, 1);
    settle_at(p, 0, 0, l, n, 9, 20, 6);
    refused(p, 0, l, n, 10);
    assert_int_equal(plan_counts(p)->leased, 0);
}

static void a_result_for_someone_elses_lease_is_refused(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(2);
    join(p, 0, 1);
    join(p, 1, 1);
    add(p, 2);
    uint64_t a = lent(p, 0, 0, 1);
    uint64_t b = lent(p, 1, 1, 1);
    refused(p, 1, a, 0, 1);
    refused(p, 0, b, 0, 1);
    refused(p, 0, a, 1, 1);
    refused(p, 0, 0, 0, 1);
    refused(p, 0, UINT64_MAX, 0, 1);
    refused(p, -1, a, 0, 1);
    refused(p, 7, a, 0, 1);
    assert_int_equal(failed_at(p, 0, 1, a, 0), PLAN_REFUSED);
    assert_int_equal(plan_counts(p)->refused, 8);
    settle(p, 0, a, 0, 1);
    settle(p, 1, b, 1, 1);
}

static void a_lost_workers_lease_refuses_the_late_result(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(2);
    join(p, 0, 1);
    join(p, 1, 1);
    add(p, 1);
    uint64_t a = lent(p, 0, 0, 1);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    uint64_t b = lent_at(p, 0, 1, 0, 1, 2);
    refused(p, 0, a, 0, 1);
    assert_int_equal(failed_at(p, 0, 0, a, 0), PLAN_REFUSED);
    settle(p, 1, b, 0, 1);
    refused(p, 1, b, 0, 1);
    nothing(p);
}

static void a_failed_task_is_tried_again_after_a_while(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(1);
    join(p, 0, 1);
    add_class(p, (struct plan_class){.near = -1, .retries = 2}, 1);
    uint64_t l = lent(p, 0, 0, 1);
    assert_int_equal(failed_at(p, 5, 0, l, 0), PLAN_AGAIN);
    nothing_at(p, 5);
    assert_int_equal(plan_counts(p)->delayed, 1);
    assert_int_equal(plan_wake_ns(p), 100 * MS + 5);
    nothing_at(p, 100 * MS + 4);
    l = lent_at(p, 100 * MS + 5, 0, 0, 1, 2);
    assert_int_equal(plan_wake_ns(p), INT64_MAX);
    assert_int_equal(failed_at(p, 200 * MS, 0, l, 0), PLAN_AGAIN);
    assert_int_equal(plan_wake_ns(p), 400 * MS);
    l = lent_at(p, 400 * MS, 0, 0, 1, 3);
    assert_int_equal(failed_at(p, 500 * MS, 0, l, 0), PLAN_FINAL);
    assert_int_equal(failed_at(p, 500 * MS, 0, l, 0), PLAN_REFUSED);
    nothing(p);
    assert_int_equal(plan_counts(p)->done, 1);
    assert_int_equal(plan_counts(p)->again, 2);
}

static void the_delay_has_an_upper_limit(void **state)
{
    (void)state;
    struct plan_options o = {.workers = 1, .retry_ns = 3, .retry_most_ns = 10};
    rota_auto(plan) struct plan *p = make_with(o);
    int64_t delays[] = {3, 6, 10, 10, 10};
    int64_t now_ns = 0;
    join(p, 0, 1);
    add_class(p, (struct plan_class){.near = -1, .retries = 99}, 1);
    for (uint32_t i = 0; i < 5; i++) {
        uint64_t l = lent_at(p, now_ns, 0, 0, 1, i + 1);
        assert_int_equal(failed_at(p, now_ns, 0, l, 0), PLAN_AGAIN);
        assert_int_equal(plan_wake_ns(p) - now_ns, delays[i]);
        now_ns += delays[i];
    }
}

static void one_failure_in_a_batch_leaves_the_others_alone(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p =
        make_paced((struct plan_options){.workers = 1}, 20, &n);
    add_class(p, (struct plan_class){.near = -1, .retries = 1}, 10);
    uint64_t l = lent(p, 0, n, 5);
    assert_int_equal(failed_at(p, 0, 0, l, n + 2), PLAN_AGAIN);
    assert_int_equal(failed_at(p, 0, 0, l, n + 2), PLAN_REFUSED);
    settle_at(p, 0, 0, l, n, 5, 20, 4);
    assert_int_equal(plan_counts(p)->delayed, 1);
}

/* ---- cancellation ---------------------------------------------------------------- */

static void a_task_can_be_cancelled_wherever_it_is(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(2);
    join(p, 0, 1);
    add_class(p, (struct plan_class){.near = -1, .retries = 1}, 10);
    uint64_t l = lent(p, 0, 0, 1);
    assert_int_equal(failed_at(p, 0, 0, l, 0), PLAN_AGAIN);
    l = lent(p, 0, 1, 5);
    assert_int_equal(plan_cancel(p, 0, 0), 0); /* delayed */
    assert_int_equal(plan_cancel(p, 0, 7), 0); /* ready */
    assert_int_equal(plan_cancel(p, 0, 1), 0); /* running */
    assert_int_equal(plan_cancel(p, 0, 1), ROTA_E_NOTFOUND);
    refused(p, 0, l, 1, 1);
    recalled_at(p, 0, 0, l, 1, 1);
    assert_int_equal(ended(p, PLAN_CANCELLED, 0, 1).attempt, 1);
    assert_int_equal(ended(p, PLAN_CANCELLED, 7, 1).attempt, 0);
    assert_int_equal(ended(p, PLAN_CANCELLED, 1, 1).attempt, 1);
    assert_int_equal(plan_cancel(p, 0, 0), ROTA_E_NOTFOUND);
    assert_int_equal(plan_cancel(p, 0, 10), ROTA_E_NOTFOUND);
    settle(p, 0, l, 2, 1);
    assert_int_equal(plan_cancel(p, 0, 2), ROTA_E_NOTFOUND);
}

static void what_is_cancelled_one_by_one_ends_together(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(1);
    add(p, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(plan_cancel(p, 0, i), 0);
    ended(p, PLAN_CANCELLED, 0, 1000);
    nothing(p);
}

static void what_was_taken_back_can_be_cancelled_before_that_is_told(void **state)
{
    (void)state;
    rota_auto(plan) struct plan *p = make(1);
    join(p, 0, 1);
    add(p, 3);
    lent(p, 0, 0, 1);
    uint64_t l = lent(p, 0, 1, 1);
    plan_freeze(p, 0, 0, true);
    assert_int_equal(plan_cancel(p, 0, 1), 0);
    assert_int_equal(plan_cancel(p, 0, 1), ROTA_E_NOTFOUND);
    counts_add_up(p);
    recalled_at(p, 0, 0, l, 1, 1);
    assert_int_equal(ended(p, PLAN_CANCELLED, 1, 1).attempt, 0);
    nothing(p);
}

static void a_copied_task_is_cancelled_in_both_places(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p =
        make_paced((struct plan_options){.workers = 2}, 10 * MS, &n);
    join(p, 1, 1);
    add(p, 1);
    uint64_t a = lent(p, 0, n, 1);
    uint64_t b = lent_at(p, 100 * MS, 1, n, 1, 2);
    assert_int_equal(plan_cancel(p, 0, n), 0);
    recalled_at(p, 100 * MS, 1, b, n, 1);
    recalled_at(p, 100 * MS, 0, a, n, 1);
    assert_int_equal(ended(p, PLAN_CANCELLED, n, 1).attempt, 2);
    refused(p, 0, a, n, 1);
    refused(p, 1, b, n, 1);
    nothing_at(p, 200 * MS);
}

/* ---- nonsense, and no memory ----------------------------------------------------- */

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct plan *none = NULL;
    assert_int_equal(plan_new(&(struct plan_options){0}, &none), ROTA_E_ARG);
    assert_null(none);
    rota_auto(plan) struct plan *p = make(1);
    struct plan_class bad[] = {
        {.near = 1}, {.near = -2}, {.near = -1, .retries = -1}, {.kind = -1}};
    for (int i = 0; i < 4; i++)
        assert_int_equal(plan_add(p, &bad[i], 1, NULL), ROTA_E_ARG);
    assert_int_equal(plan_add(p, &plain, 0, NULL), ROTA_E_ARG);
    assert_int_equal(plan_join(p, 0, 1, 1), ROTA_E_ARG);
    assert_int_equal(plan_join(p, 0, -1, 1), ROTA_E_ARG);
    assert_int_equal(plan_join(p, 0, 0, 0), ROTA_E_ARG);
    assert_int_equal(plan_lost(p, 0, 1), ROTA_E_ARG);
    plan_freeze(p, 0, 1, true);
    join(p, 0, 1);
    assert_int_equal(plan_join(p, 0, 0, 1), ROTA_E_STATE);
    uint64_t run;
    bool accepted;
    uint32_t attempt;
    assert_int_equal(
        plan_settle(p, 0, 0, 0, (struct plan_span){0, 0}, 0, &run, &accepted, &attempt),
        ROTA_E_ARG);
    plan_free(NULL);
}

/* Whatever fails for want of memory has changed nothing, and is done again. */
#define insist(p, call)                                                                \
    do {                                                                               \
        struct plan_counts before_ = *plan_counts(p);                                  \
        int rc_ = (call);                                                              \
        if (rc_ == ROTA_E_NOMEM) {                                                     \
            assert_memory_equal(&before_, plan_counts(p), sizeof(before_));            \
            rc_ = (call);                                                              \
        }                                                                              \
        assert_int_equal(rc_, 0);                                                      \
    } while (0)

struct ends {
    bool ended[400];
};

static void end(struct ends *e, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        assert_false(e->ended[i]);
        e->ended[i] = true;
    }
}

/* Does what is lent, the last task of a batch first; every seventh fails. */
static void work(struct plan *p, struct ends *e, const struct plan_action *a)
{
    for (uint64_t i = a->span.first + a->span.count; i-- > a->span.first;) {
        uint64_t run;
        bool accepted;
        uint32_t attempt;
        enum plan_verdict verdict;
        if (i % 7 == 0) {
            insist(p, plan_failed(p, 0, a->worker, a->lease, i, 9, &verdict, &attempt));
            if (verdict == PLAN_FINAL)
                end(e, i, 1);
            continue;
        }
        insist(p, plan_settle(p, 0, a->worker, a->lease, (struct plan_span){i, 1}, 9,
                              &run, &accepted, &attempt));
        if (accepted)
            end(e, i, 1);
    }
}

/* Do what is to be done; or just one thing. */
static void act(struct plan *p, struct ends *e, int64_t now_ns, bool once)
{
    struct plan_action a;
    while (plan_next(p, now_ns, &a)) {
        if (a.what == PLAN_LEND)
            work(p, e, &a);
        else if (a.what == PLAN_ENDED)
            end(e, a.span.first, a.span.count);
        if (once)
            break;
    }
}

static void everything_once(struct plan *p)
{
    struct ends e = {.ended = {false}};
    for (int i = 0; i < 200; i++) {
        struct plan_class c = {
            .near = i % 3 - 1, .priority = i % 4, .retries = i % 2, .kind = i % 50};
        insist(p, plan_add(p, &c, 2, NULL));
    }
    join(p, 0, 3);
    join(p, 1, 2);
    act(p, &e, 0, true);
    act(p, &e, 0, true);
    for (uint64_t i = 1; i < 400; i += 40) {
        if (!e.ended[i])
            insist(p, plan_cancel(p, 0, i));
    }
    struct plan_action a;
    for (int i = 0; i < 6; i++)
        plan_next(p, 0, &a); /* lent, and never heard of again */
    plan_freeze(p, 0, 0, true);
    assert_int_equal(plan_lost(p, 0, 1), 0);
    act(p, &e, 0, false);
    plan_freeze(p, 0, 0, false);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    join(p, 2, 1);
    for (int64_t now_ns = 0; now_ns < 1000 * MS; now_ns += 50 * MS)
        act(p, &e, now_ns, false);
    const struct plan_counts *n = plan_counts(p);
    assert_int_equal(n->ready + n->delayed + n->leased, 0);
}

static void without_memory_nothing_is_lost(void **state)
{
    (void)state;
    bool failed = true;
    for (long n = 1; failed; n++) {
        struct plan *p = NULL;
        struct plan_options o = {.workers = 3};
        fail_at = n;
        int rc = plan_new(&o, &p);
        if (rc != 0)
            assert_int_equal(rc, ROTA_E_NOMEM);
        else
            everything_once(p);
        failed = fail_at == 0;
        fail_at = 0;
        plan_free(p);
        assert_true(n < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_lent_as_workers_come),
        cmocka_unit_test(higher_priorities_go_first_and_within_one_the_order_is_kept),
        cmocka_unit_test(what_is_near_a_worker_goes_there_alone),
        cmocka_unit_test(what_was_near_a_lost_worker_goes_anywhere),
        cmocka_unit_test(a_batch_waits_behind_another_only_while_tasks_are_plenty),
        cmocka_unit_test(batches_grow_to_what_the_time_allows),
        cmocka_unit_test(batches_are_small_again_near_the_end),
        cmocka_unit_test(a_batch_is_no_larger_than_fits),
        cmocka_unit_test(more_is_wanted_until_some_rounds_are_ready),
        cmocka_unit_test(a_task_that_waits_costs_no_memory_of_its_own),
        cmocka_unit_test(thousands_of_priorities_are_kept_apart),
        cmocka_unit_test(results_may_come_in_any_order_and_each_counts_once),
        cmocka_unit_test(a_result_for_someone_elses_lease_is_refused),
        cmocka_unit_test(a_lost_workers_lease_refuses_the_late_result),
        cmocka_unit_test(a_failed_task_is_tried_again_after_a_while),
        cmocka_unit_test(the_delay_has_an_upper_limit),
        cmocka_unit_test(one_failure_in_a_batch_leaves_the_others_alone),
        cmocka_unit_test(a_task_can_be_cancelled_wherever_it_is),
        cmocka_unit_test(what_is_cancelled_one_by_one_ends_together),
        cmocka_unit_test(what_was_taken_back_can_be_cancelled_before_that_is_told),
        cmocka_unit_test(a_copied_task_is_cancelled_in_both_places),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
