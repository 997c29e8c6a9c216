/* plans.c - what the tests of the plan are made of */
#include "plans.h"

const struct plan_class plain = {.near = -1};

struct plan *make_with(struct plan_options options)
{
    struct plan *p;
    assert_int_equal(plan_new(&options, &p), 0);
    return p;
}

struct plan *make(int workers)
{
    return make_with((struct plan_options){.workers = workers});
}

uint64_t add_class(struct plan *p, struct plan_class c, uint64_t count)
{
    uint64_t first = UINT64_MAX;
    assert_int_equal(plan_add(p, &c, count, &first), 0);
    return first;
}

void add(struct plan *p, uint64_t count)
{
    add_class(p, plain, count);
}

void join(struct plan *p, int worker, int slots)
{
    assert_int_equal(plan_join(p, 0, worker, slots), 0);
}

void counts_add_up(const struct plan *p)
{
    const struct plan_counts *c = plan_counts(p);
    uint64_t sum = c->ready + c->delayed + c->leased + c->done;
    for (int why = 0; why <= PLAN_CANCELLED; why++)
        sum += c->ended[why];
    assert_int_equal(sum, c->added);
}

void nothing_at(struct plan *p, int64_t now_ns)
{
    struct plan_action a;
    assert_false(plan_next(p, now_ns, &a));
    counts_add_up(p);
}

void nothing(struct plan *p)
{
    nothing_at(p, 0);
}

uint64_t lent_at(struct plan *p, int64_t now_ns, int worker, uint64_t first,
                 uint64_t count, uint32_t attempt)
{
    struct plan_action a;
    assert_true(plan_next(p, now_ns, &a));
    assert_int_equal(a.what, PLAN_LEND);
    assert_int_equal(a.worker, worker);
    assert_int_equal(a.span.first, first);
    assert_int_equal(a.span.count, count);
    assert_int_equal(a.attempt, attempt);
    counts_add_up(p);
    return a.lease;
}

uint64_t lent(struct plan *p, int worker, uint64_t first, uint64_t count)
{
    return lent_at(p, 0, worker, first, count, 1);
}

void recalled_at(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                 uint64_t first, uint64_t count)
{
    struct plan_action a;
    assert_true(plan_next(p, now_ns, &a));
    assert_int_equal(a.what, PLAN_RECALL);
    assert_int_equal(a.worker, worker);
    assert_int_equal(a.lease, lease);
    assert_int_equal(a.span.first, first);
    assert_int_equal(a.span.count, count);
    counts_add_up(p);
}

struct plan_action ended(struct plan *p, enum plan_why why, uint64_t first,
                         uint64_t count)
{
    struct plan_action a;
    assert_true(plan_next(p, 0, &a));
    assert_int_equal(a.what, PLAN_ENDED);
    assert_int_equal(a.why, why);
    assert_int_equal(a.span.first, first);
    assert_int_equal(a.span.count, count);
    counts_add_up(p);
    return a;
}

void settle_at(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
               uint64_t first, uint64_t count, int64_t each_ns, uint64_t good)
{
    uint64_t counted = 0;
    while (count > 0) {
        uint64_t run = 0;
        bool accepted;
        uint32_t attempt;
        struct plan_span span = {.first = first, .count = count};
        assert_int_equal(plan_settle(p, now_ns, worker, lease, span,
                                     (int64_t)count * each_ns, &run, &accepted,
                                     &attempt),
                         0);
        assert_true(run >= 1 && run <= count);
        counted += accepted ? run : 0;
        first += run;
        count -= run;
    }
    assert_int_equal(counted, good);
    counts_add_up(p);
}

void settle(struct plan *p, int worker, uint64_t lease, uint64_t first, uint64_t count)
{
    settle_at(p, 0, worker, lease, first, count, 1000, count);
}

void refused(struct plan *p, int worker, uint64_t lease, uint64_t first, uint64_t count)
{
    settle_at(p, 0, worker, lease, first, count, 1000, 0);
}

enum plan_verdict failed_at(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                            uint64_t task)
{
    enum plan_verdict verdict;
    uint32_t attempt;
    assert_int_equal(
        plan_failed(p, now_ns, worker, lease, task, 1000, &verdict, &attempt), 0);
    counts_add_up(p);
    return verdict;
}

struct plan *make_paced(struct plan_options options, int64_t task_ns, uint64_t *next)
{
    struct plan *p = make_with(options);
    struct plan_action a;
    join(p, 0, 1);
    add(p, (uint64_t)(10 * MS / task_ns) + 1000);
    while (plan_next(p, 0, &a)) {
        assert_int_equal(a.what, PLAN_LEND);
        settle_at(p, 0, 0, a.lease, a.span.first, a.span.count, task_ns, a.span.count);
    }
    *next = plan_counts(p)->added;
    nothing(p);
    return p;
}
