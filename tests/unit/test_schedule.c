/* test_schedule.c - schedule: every task ends exactly once, whoever dies */
#include "unit.h"

#include <stdlib.h>

#include "rota.h"
#include "schedule/schedule.h"

static struct schedule *make(int workers, int prefetch)
{
    struct schedule *s;
    struct schedule_options options = {.workers = workers, .prefetch = prefetch};
    assert_int_equal(schedule_new(&options, &s), 0);
    return s;
}

static void add(struct schedule *s, int count)
{
    uint64_t task;
    for (int i = 0; i < count; i++)
        assert_int_equal(schedule_add(s, NULL, &task), 0);
}

static void expect_start(struct schedule *s, uint64_t task, uint32_t attempt,
                         int worker)
{
    struct schedule_action a;
    assert_true(schedule_next(s, 0, &a));
    assert_int_equal(a.what, SCHEDULE_START);
    assert_int_equal(a.task, task);
    assert_int_equal(a.attempt, attempt);
    assert_int_equal(a.worker, worker);
}

static void expect_end(struct schedule *s, uint64_t task, enum schedule_outcome outcome)
{
    struct schedule_action a;
    assert_true(schedule_next(s, 0, &a));
    assert_int_equal(a.what, SCHEDULE_ENDED);
    assert_int_equal(a.task, task);
    assert_int_equal(a.outcome, outcome);
}

static void expect_nothing(struct schedule *s)
{
    struct schedule_action a;
    assert_false(schedule_next(s, 0, &a));
}

static void tasks_are_handed_out_as_workers_have_room(void **state)
{
    (void)state;
    rota_auto(schedule) struct schedule *s = make(2, 0);
    add(s, 4);
    expect_nothing(s);
    assert_int_equal(schedule_join(s, 1, 2), 0);
    expect_start(s, 0, 1, 1);
    expect_start(s, 1, 1, 1);
    expect_nothing(s);
    assert_int_equal(schedule_join(s, 0, 1), 0);
    expect_start(s, 2, 1, 0);
    assert_int_equal(schedule_ended(s, 5, 1, 1, 1, true), 0);
    expect_end(s, 1, SCHEDULE_SUCCEEDED);
    expect_start(s, 3, 1, 1);
    expect_nothing(s);
}

static void the_prefetch_is_used_only_while_tasks_are_plenty(void **state)
{
    (void)state;
    rota_auto(schedule) struct schedule *s = make(2, 1);
    assert_int_equal(schedule_join(s, 0, 1), 0);
    assert_int_equal(schedule_join(s, 1, 1), 0);
    add(s, 5);
    expect_start(s, 0, 1, 0);
    expect_start(s, 1, 1, 1);
    expect_start(s, 2, 1, 0); /* 3 ready for 2 slots; then 2, which is not more */
    expect_nothing(s);
    assert_int_equal(schedule_ended(s, 0, 1, 1, 1, false), 0);
    expect_end(s, 1, SCHEDULE_FAILED);
    expect_start(s, 3, 1, 1);
}

static void a_lost_workers_tasks_go_to_others_in_their_order(void **state)
{
    (void)state;
    rota_auto(schedule) struct schedule *s = make(2, 0);
    assert_int_equal(schedule_join(s, 0, 2), 0);
    add(s, 3);
    expect_start(s, 0, 1, 0);
    expect_start(s, 1, 1, 0);
    assert_int_equal(schedule_join(s, 1, 3), 0);
    assert_int_equal(schedule_lost(s, 0, 0), 0);
    expect_start(s, 0, 2, 1);
    expect_start(s, 1, 2, 1);
    expect_start(s, 2, 1, 1);
    assert_int_equal(schedule_counts(s)->again, 2);
    assert_int_equal(schedule_lost(s, 0, 0), ROTA_E_STATE);
}

static void a_late_result_of_an_expired_lease_is_refused(void **state)
{
    (void)state;
    rota_auto(schedule) struct schedule *s = make(2, 0);
    assert_int_equal(schedule_join(s, 0, 1), 0);
    assert_int_equal(schedule_join(s, 1, 1), 0);
    add(s, 1);
    expect_start(s, 0, 1, 0);
    assert_int_equal(schedule_ended(s, 0, 1, 0, 1, true), ROTA_E_STATE);
    assert_int_equal(schedule_ended(s, 0, 0, 0, 2, true), ROTA_E_STATE);
    assert_int_equal(schedule_ended(s, 0, 0, 9, 1, true), ROTA_E_STATE);
    assert_int_equal(schedule_lost(s, 0, 0), 0);
    expect_start(s, 0, 2, 1);
    assert_int_equal(schedule_ended(s, 0, 0, 0, 1, true), ROTA_E_STATE);
    assert_int_equal(schedule_ended(s, 0, 1, 0, 2, true), 0);
    assert_int_equal(schedule_ended(s, 0, 1, 0, 2, true), ROTA_E_STATE);
    expect_end(s, 0, SCHEDULE_SUCCEEDED);
    assert_int_equal(schedule_ended(s, 0, 1, 0, 2, true), ROTA_E_STATE);
    expect_nothing(s);
}

static void a_task_that_loses_three_workers_is_poison(void **state)
{
    (void)state;
    rota_auto(schedule) struct schedule *s = make(4, 0);
    for (int w = 0; w < 4; w++)
        assert_int_equal(schedule_join(s, w, 1), 0);
    add(s, 1);
    for (int w = 0; w < 3; w++) {
        expect_start(s, 0, (uint32_t)w + 1, w);
        assert_int_equal(schedule_lost(s, 0, w), 0);
    }
    expect_end(s, 0, SCHEDULE_POISON);
    expect_nothing(s);
}

static void a_task_that_only_waited_on_a_lost_worker_is_no_suspect(void **state)
{
    (void)state;
    rota_auto(schedule) struct schedule *s = make(4, 3);
    add(s, 9);
    for (int w = 0; w < 3; w++) {
        assert_int_equal(schedule_join(s, w, 1), 0);
        struct schedule_action a;
        while (schedule_next(s, 0, &a))
            assert_false(a.what == SCHEDULE_ENDED && a.task != 0);
        assert_int_equal(schedule_lost(s, 0, w), 0);
    }
    expect_end(s, 0, SCHEDULE_POISON);
    expect_nothing(s);
    assert_int_equal(schedule_counts(s)->ready, 8);
}

static void with_no_worker_left_every_task_ends_with_that_reason(void **state)
{
    (void)state;
    rota_auto(schedule) struct schedule *s = make(2, 0);
    assert_int_equal(schedule_join(s, 0, 1), 0);
    add(s, 2);
    expect_start(s, 0, 1, 0);
    assert_int_equal(schedule_lost(s, 0, 0), 0);
    expect_nothing(s); /* worker 1 may still come */
    assert_int_equal(schedule_lost(s, 0, 1), 0);
    assert_int_equal(schedule_join(s, 1, 1), ROTA_E_STATE);
    expect_end(s, 0, SCHEDULE_NO_WORKER);
    expect_end(s, 1, SCHEDULE_NO_WORKER);
    add(s, 1);
    expect_end(s, 2, SCHEDULE_NO_WORKER);
    expect_nothing(s);
}

static void tags_and_times_come_back_with_the_end(void **state)
{
    (void)state;
    rota_auto(schedule) struct schedule *s = make(1, 0);
    struct schedule_action a;
    uint64_t task;
    int tag;
    assert_int_equal(schedule_join(s, 0, 1), 0);
    assert_int_equal(schedule_add(s, &tag, &task), 0);
    assert_true(schedule_next(s, 100, &a));
    assert_ptr_equal(a.tag, &tag);
    assert_int_equal(schedule_ended(s, 350, 0, task, 1, true), 0);
    assert_true(schedule_next(s, 400, &a));
    assert_ptr_equal(a.tag, &tag);
    assert_int_equal(a.held_ns, 250);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct schedule *none = NULL;
    assert_int_equal(schedule_new(&(struct schedule_options){0}, &none), ROTA_E_ARG);
    assert_null(none);
    rota_auto(schedule) struct schedule *s = make(1, 0);
    assert_int_equal(schedule_join(s, 1, 1), ROTA_E_ARG);
    assert_int_equal(schedule_join(s, -1, 1), ROTA_E_ARG);
    assert_int_equal(schedule_join(s, 0, 0), ROTA_E_ARG);
    assert_int_equal(schedule_lost(s, 0, 1), ROTA_E_ARG);
    assert_int_equal(schedule_join(s, 0, 1), 0);
    assert_int_equal(schedule_join(s, 0, 1), ROTA_E_STATE);
    schedule_free(NULL);
}

/* --- a simulated run: everything that can happen, in a random order ------- */

enum {
    SIM_TASKS = 3000,
    SIM_WORKERS = 12,
    SIM_HELD = 64,
};

struct sim_lease {
    uint64_t task;
    uint32_t attempt;
    int worker;
};

struct sim {
    struct schedule *s;
    uint64_t random;
    int added;
    int ended[SIM_TASKS];
    uint32_t attempts[SIM_TASKS];
    bool lost[SIM_WORKERS];
    struct sim_lease held[SIM_HELD]; /* leases that are valid */
    int held_count;
    struct sim_lease stale; /* the last that a dead worker had */
};

static unsigned sim_random(struct sim *m, unsigned below)
{
    m->random = m->random * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (unsigned)(m->random >> 33) % below;
}

static void sim_act(struct sim *m)
{
    struct schedule_action a;
    while (schedule_next(m->s, 0, &a)) {
        assert_true(a.task < (uint64_t)m->added);
        assert_int_equal(m->ended[a.task], 0);
        if (a.what == SCHEDULE_ENDED) {
            m->ended[a.task] = 1;
            continue;
        }
        assert_false(m->lost[a.worker]);
        assert_int_equal(a.attempt, ++m->attempts[a.task]);
        assert_true(m->held_count < SIM_HELD);
        m->held[m->held_count++] = (struct sim_lease){a.task, a.attempt, a.worker};
    }
}

static void sim_end_one(struct sim *m)
{
    if (m->held_count == 0)
        return;
    unsigned i = sim_random(m, (unsigned)m->held_count);
    struct sim_lease l = m->held[i];
    m->held[i] = m->held[--m->held_count];
    bool good = sim_random(m, 8) != 0;
    assert_int_equal(schedule_ended(m->s, 0, l.worker, l.task, l.attempt, good), 0);
    assert_int_equal(schedule_ended(m->s, 0, l.worker, l.task, l.attempt, good),
                     ROTA_E_STATE);
}

static void sim_lose_one(struct sim *m)
{
    int w = (int)sim_random(m, SIM_WORKERS);
    if (m->lost[w])
        return;
    m->lost[w] = true;
    assert_int_equal(schedule_lost(m->s, 0, w), 0);
    for (int i = 0; i < m->held_count;) {
        if (m->held[i].worker != w) {
            i++;
            continue;
        }
        m->stale = m->held[i];
        m->held[i] = m->held[--m->held_count];
    }
}

static void sim_add_one(struct sim *m)
{
    uint64_t task;
    if (m->added == SIM_TASKS)
        return;
    m->added++;
    assert_int_equal(schedule_add(m->s, NULL, &task), 0);
}

static void sim_late_result(struct sim *m)
{
    const struct sim_lease *l = &m->stale;
    if (l->attempt > 0)
        assert_int_equal(schedule_ended(m->s, 0, l->worker, l->task, l->attempt, true),
                         ROTA_E_STATE);
}

static void sim_step(struct sim *m)
{
    unsigned dice = sim_random(m, 1000);
    if (dice < 1)
        sim_lose_one(m);
    else if (dice < 400)
        sim_add_one(m);
    else if (dice < 450)
        sim_late_result(m);
    else if (dice < 470)
        schedule_join(m->s, (int)sim_random(m, SIM_WORKERS), 1 + (int)sim_random(m, 3));
    else
        sim_end_one(m);
    sim_act(m);
}

static void sim_check(const struct sim *m)
{
    const struct schedule_counts *c = schedule_counts(m->s);
    uint64_t ended = 0;
    for (int i = 0; i < SCHEDULE_OUTCOMES; i++)
        ended += c->ended[i];
    assert_int_equal(c->added, m->added);
    assert_int_equal(c->leased, m->held_count);
    assert_int_equal(c->added, ended + c->ready + c->leased);
}

static void sim_run(uint64_t seed)
{
    struct sim m = {.s = make(SIM_WORKERS, (int)(seed % 3)), .random = seed};
    for (int i = 0; i < 60000; i++) {
        sim_step(&m);
        sim_check(&m);
    }
    /* The end: whoever has not come will not, and the others finish. */
    for (int i = 0; i < 4 * SIM_TASKS && m.held_count > 0; i++) {
        sim_end_one(&m);
        sim_act(&m);
    }
    for (int w = 0; w < SIM_WORKERS; w++)
        if (!m.lost[w])
            assert_int_equal(schedule_lost(m.s, 0, w), 0);
    sim_act(&m);
    sim_check(&m);
    for (int i = 0; i < m.added; i++)
        assert_int_equal(m.ended[i], 1);
    assert_int_equal(schedule_counts(m.s)->leased, 0);
    schedule_free(m.s);
}

static void whatever_happens_each_task_ends_exactly_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        sim_run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_handed_out_as_workers_have_room),
        cmocka_unit_test(the_prefetch_is_used_only_while_tasks_are_plenty),
        cmocka_unit_test(a_lost_workers_tasks_go_to_others_in_their_order),
        cmocka_unit_test(a_late_result_of_an_expired_lease_is_refused),
        cmocka_unit_test(a_task_that_loses_three_workers_is_poison),
        cmocka_unit_test(a_task_that_only_waited_on_a_lost_worker_is_no_suspect),
        cmocka_unit_test(with_no_worker_left_every_task_ends_with_that_reason),
        cmocka_unit_test(tags_and_times_come_back_with_the_end),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(whatever_happens_each_task_ends_exactly_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
