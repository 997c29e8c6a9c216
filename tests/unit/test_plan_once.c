/* test_plan_once.c - plan: tasks with effects, none of which is begun twice
 *
 * Memory is refused when the test says so (the linker's --wrap, CMakeLists.txt).
 */
#include "unit.h"

#include <stdlib.h>

#include "rota.h"
#include "schedule/plan.h"

#define MS INT64_C(1000000)

static bool refuse; /* memory */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    return refuse ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refuse ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return refuse ? NULL : __real_realloc(p, size);
}

/* ---- what the tests are made of -------------------------------------------------- */

static void counts_add_up(const struct plan *p)
{
    const struct plan_counts *c = plan_counts(p);
    uint64_t sum = c->ready + c->delayed + c->leased + c->done;
    for (int why = 0; why <= PLAN_CANCELLED; why++)
        sum += c->ended[why];
    assert_int_equal(sum, c->added);
}

static void add(struct plan *p, uint64_t count)
{
    struct plan_class plain = {.near = -1};
    assert_int_equal(plan_add(p, &plain, count, NULL), 0);
}

static void join(struct plan *p, int worker)
{
    assert_int_equal(plan_join(p, 0, worker, 1), 0);
}

static struct plan_action next(struct plan *p, int64_t now_ns, enum plan_what what)
{
    struct plan_action a = {0};
    assert_true(plan_next(p, now_ns, &a));
    assert_int_equal(a.what, what);
    counts_add_up(p);
    return a;
}

static uint64_t lent(struct plan *p, int64_t now_ns, int worker, uint64_t first,
                     uint64_t count, uint32_t attempt)
{
    struct plan_action a = next(p, now_ns, PLAN_LEND);
    assert_int_equal(a.worker, worker);
    assert_int_equal(a.span.first, first);
    assert_int_equal(a.span.count, count);
    assert_int_equal(a.attempt, attempt);
    return a.lease;
}

static void asked(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                  uint64_t first, uint64_t count)
{
    struct plan_action a = next(p, now_ns, PLAN_RECALL);
    assert_int_equal(a.worker, worker);
    assert_int_equal(a.lease, lease);
    assert_int_equal(a.span.first, first);
    assert_int_equal(a.span.count, count);
}

static void nothing(struct plan *p, int64_t now_ns)
{
    struct plan_action a;
    assert_false(plan_next(p, now_ns, &a));
    counts_add_up(p);
}

static void settle(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                   uint64_t task, int64_t took_ns, bool counts)
{
    uint64_t run;
    bool accepted;
    uint32_t attempt;
    struct plan_span span = {task, 1};
    assert_int_equal(
        plan_settle(p, now_ns, worker, lease, span, took_ns, &run, &accepted, &attempt),
        0);
    assert_int_equal(accepted, counts);
    counts_add_up(p);
}

static void returned(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                     uint64_t first, uint64_t count)
{
    struct plan_span span = {first, count};
    assert_int_equal(plan_returned(p, now_ns, worker, lease, span), 0);
    counts_add_up(p);
}

/* A plan that knows: a task takes 0.1 ms. Worker 0 is there; *next_task is the next
 * task's number. */
static struct plan *make_with(int workers, int64_t batch_ns, uint64_t *next_task)
{
    struct plan_options options = {
        .workers = workers, .batch_ns = batch_ns, .once = true};
    struct plan *p = NULL;
    struct plan_action a;
    assert_int_equal(plan_new(&options, &p), 0);
    join(p, 0);
    add(p, 1000);
    while (plan_next(p, 0, &a)) {
        assert_int_equal(a.what, PLAN_LEND);
        for (uint64_t i = 0; i < a.span.count; i++)
            settle(p, 0, 0, a.lease, a.span.first + i, MS / 10, true);
    }
    *next_task = plan_counts(p)->added;
    return p;
}

static struct plan *make(int workers, uint64_t *next_task)
{
    return make_with(workers, 2 * MS, next_task);
}

/* Worker 0 has 4 tasks that run (`l[0]`) and 2 that wait (`l[1]`), worker 1 nothing,
 * and nothing is ready. */
static struct plan *make_uneven(uint64_t *n, uint64_t l[2])
{
    struct plan *p = make(2, n);
    add(p, 8);
    l[0] = lent(p, 0, 0, *n, 4, 1);
    l[1] = lent(p, 0, 0, *n + 4, 2, 1);
    join(p, 1);
    for (uint64_t i = 6; i < 8; i++)
        settle(p, 0, 1, lent(p, 0, 1, *n + i, 1, 1), *n + i, MS / 10, true);
    nothing(p, 0);
    return p;
}

/* ---- tests ----------------------------------------------------------------------- */

static void a_slow_worker_is_asked_once_for_what_it_has_not_begun(void **state)
{
    (void)state;
    uint64_t n, l[2];
    rota_auto(plan) struct plan *p = make_uneven(&n, l);
    asked(p, 50 * MS, 0, l[1], n + 4, 2);
    asked(p, 50 * MS, 0, l[0], n + 1, 3);
    nothing(p, 50 * MS);
    nothing(p, 500 * MS);
    assert_int_equal(plan_counts(p)->leased,
                     6); /* until it answers, they are its own */
    assert_int_equal(plan_counts(p)->recalled, 0);
}

static void what_is_given_back_goes_elsewhere_and_the_rest_still_counts(void **state)
{
    (void)state;
    uint64_t n, l[2];
    rota_auto(plan) struct plan *p = make_uneven(&n, l);
    asked(p, 50 * MS, 0, l[1], n + 4, 2);
    asked(p, 50 * MS, 0, l[0], n + 1, 3);
    settle(p, 51 * MS, 0, l[0], n, MS / 10, true);
    settle(p, 51 * MS, 0, l[0], n + 1, MS / 10, true); /* it was begun before */
    returned(p, 51 * MS, 0, l[1], n + 4, 2);
    returned(p, 51 * MS, 0, l[0], n + 3, 1);
    assert_int_equal(plan_counts(p)->recalled, 3);
    assert_int_equal(plan_counts(p)->again, 0);
    lent(p, 51 * MS, 1, n + 3, 1, 1);
    nothing(p, 51 * MS);
    settle(p, 52 * MS, 0, l[0], n + 2, MS / 10, true);
    settle(p, 52 * MS, 0, l[0], n + 3, MS / 10, false); /* it is not its any more */
    lent(p, 52 * MS, 0, n + 4, 1, 1);
}

static void what_is_not_a_workers_it_cannot_give_back(void **state)
{
    (void)state;
    uint64_t n, l[2];
    rota_auto(plan) struct plan *p = make_uneven(&n, l);
    returned(p, 0, 1, l[0], n, 4);
    returned(p, 0, 0, 12345, n, 4);
    returned(p, 0, 0, l[0], 0, n);
    returned(p, 0, 0, l[0], n + 4, UINT64_MAX - n - 4);
    assert_int_equal(plan_counts(p)->recalled, 0);
    nothing(p, 0);
    returned(p, 0, 0, l[0], 0, UINT64_MAX); /* all that it has of that lease */
    assert_int_equal(plan_counts(p)->recalled, 4);
    assert_int_equal(plan_counts(p)->leased, 2);
}

static void a_straggler_has_no_copy(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p = make(2, &n);
    add(p, 1);
    lent(p, 0, 0, n, 1, 1);
    join(p, 1);
    nothing(p, 1000000 * MS);
    assert_int_equal(plan_counts(p)->copied, 0);
}

static void a_frozen_worker_keeps_what_it_has(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p = make(2, &n);
    add(p, 16);
    uint64_t l = lent(p, 0, 0, n, 8, 1);
    lent(p, 0, 0, n + 8, 4, 1);
    plan_freeze(p, 0, 0, true);
    nothing(p, 0);
    plan_freeze(p, 0, 0, false);
    settle(p, 0, 0, l, n, MS / 10, true);
}

static void of_a_lost_workers_batch_only_the_first_task_was_begun(void **state)
{
    (void)state;
    uint64_t n, l[2];
    rota_auto(plan) struct plan *p = make_uneven(&n, l);
    settle(p, 0, 0, l[0], n, MS / 10, true);
    refuse = true;
    assert_int_equal(plan_lost(p, 0, 0), 0);
    refuse = false;
    assert_int_equal(plan_counts(p)->again, 1);
    lent(p, 0, 1, n + 1, 1, 2);
    nothing(p, 0); /* and nothing waits behind it */
    assert_int_equal(plan_counts(p)->ready, 4);
    assert_int_equal(plan_counts(p)->leased, 1);
}

static void what_a_lost_worker_ran_ends_where_it_cannot_be_run_again(void **state)
{
    (void)state;
    struct plan_options options = {
        .workers = 2, .once = true, .prompt = true, .frail = true};
    struct plan *p;
    assert_int_equal(plan_new(&options, &p), 0);
    assert_int_equal(plan_join(p, 0, 0, 2), 0); /* two slots: neither is alone there */
    add(p, 3);
    lent(p, 0, 0, 0, 1, 1);
    lent(p, 0, 0, 1, 1, 1);
    plan_lost(p, 1 * MS, 0);
    for (uint64_t task = 0; task < 2; task++) {
        struct plan_action a = next(p, 1 * MS, PLAN_ENDED);
        assert_int_equal(a.why, PLAN_POISON);
        assert_int_equal(a.killed, 1);
        if (a.span.count == 2)
            break;
    }
    assert_int_equal(plan_counts(p)->again, 0);
    join(p, 1);
    lent(p, 2 * MS, 1, 2, 1, 1); /* which nobody had begun */
    plan_free(p);
}

static void a_poison_task_in_a_batch_takes_as_many_workers_as_its_limit(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p = make(4, &n);
    add(p, 16);
    lent(p, 0, 0, n, 8, 1);
    lent(p, 0, 0, n + 8, 4, 1);
    assert_int_equal(plan_lost(p, 0, 0), 0);
    for (int worker = 1; worker < 3; worker++) {
        join(p, worker);
        lent(p, 0, worker, n, 1, (uint32_t)worker + 1);
        assert_int_equal(plan_counts(p)->leased, 1);
        assert_int_equal(plan_lost(p, 0, worker), 0);
    }
    struct plan_action a = next(p, 0, PLAN_ENDED);
    assert_int_equal(a.why, PLAN_POISON);
    assert_int_equal(a.span.first, n);
    assert_int_equal(a.span.count, 1);
    assert_int_equal(a.killed, 3);
    join(p, 3);
    lent(p, 0, 3, n + 1, 8, 1); /* the others are no suspects */
}

static void without_memory_nothing_is_given_back(void **state)
{
    (void)state;
    uint64_t n;
    rota_auto(plan) struct plan *p = make_with(1, 40 * MS, &n);
    add(p, 10000);
    uint64_t lease = lent(p, 0, 0, n, 400, 1);
    int rc = 0;
    for (uint64_t i = 398; rc == 0 && i > 0; i -= 2) { /* each takes up two spans */
        struct plan_counts before = *plan_counts(p);
        struct plan_span span = {n + i, 1};
        refuse = true;
        rc = plan_returned(p, 0, 0, lease, span);
        refuse = false;
        if (rc != 0) {
            assert_memory_equal(&before, plan_counts(p), sizeof(before));
            returned(p, 0, 0, lease, n + i, 1);
        }
        assert_int_equal(plan_counts(p)->recalled, before.recalled + 1);
    }
    assert_int_equal(rc, ROTA_E_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_worker_is_asked_once_for_what_it_has_not_begun),
        cmocka_unit_test(what_is_given_back_goes_elsewhere_and_the_rest_still_counts),
        cmocka_unit_test(what_is_not_a_workers_it_cannot_give_back),
        cmocka_unit_test(a_straggler_has_no_copy),
        cmocka_unit_test(a_frozen_worker_keeps_what_it_has),
        cmocka_unit_test(of_a_lost_workers_batch_only_the_first_task_was_begun),
        cmocka_unit_test(what_a_lost_worker_ran_ends_where_it_cannot_be_run_again),
        cmocka_unit_test(a_poison_task_in_a_batch_takes_as_many_workers_as_its_limit),
        cmocka_unit_test(without_memory_nothing_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
