/* test_isolated_ends.c - isolated: tasks that end before they are done, by whatever */
#include "isolated_functions.h"

/* --- ends ----------------------------------------------------------------- */

static void an_attempt_that_ends_its_process_costs_itself_alone(void **state)
{
    (void)state;
    static const struct {
        int function;
        enum rota_outcome outcome;
        int code;
    } ends[] = {
        {ABORT, ROTA_CRASHED, SIGABRT},
        {SEGV, ROTA_CRASHED, SIGSEGV},
        {KILL_SELF, ROTA_CRASHED, SIGKILL},
        {EXIT_3, ROTA_QUIT, 3},
        {EXIT_0, ROTA_QUIT, 0},
        {RAW_EXIT_7, ROTA_QUIT, 7},
        {END_THREAD, ROTA_QUIT, EXITED},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        rota_auto(executor) struct executor *x = make(1);
        give_amid(x, ends[i].function, 0);
        runner_finish(x, results);
        assert_amid(ends[i].outcome, ends[i].code);
    }
}

static void a_storm_of_crashes_costs_exactly_who_crashed(void **state)
{
    (void)state;
    static const int ends[] = {ABORT, EXIT_0, KILL_SELF, NOTHING, RAW_EXIT_7, ECHO};
    rota_auto(executor) struct executor *x = make(2);
    for (uint64_t batch = 0; batch < 20; batch++) {
        struct runner_task tasks[12] = {{0}};
        for (int i = 0; i < 12; i++)
            tasks[i].function = ends[i % 6];
        assert_int_equal(runner_give(x, batch * 12, 12, tasks), 0);
    }
    runner_finish(x, results);
    for (uint64_t i = 0; i < 240; i += 6) {
        assert_ended(i, ROTA_CRASHED, SIGABRT);
        assert_ended(i + 1, ROTA_QUIT, 0);
        assert_ended(i + 2, ROTA_CRASHED, SIGKILL);
        assert_ended(i + 3, ROTA_DONE, 0);
        assert_ended(i + 4, ROTA_QUIT, 7);
        assert_ended(i + 5, ROTA_DONE, 0);
    }
}

/* As a program may be started that way, or wants no zombies. */
static void crashes_are_told_where_ends_of_children_are_ignored(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    rota_auto(executor) struct executor *x = make(1);
    give_amid(x, ABORT, 0);
    runner_finish(x, results);
    signal(SIGCHLD, SIG_DFL);
    assert_amid(ROTA_CRASHED, SIGABRT);
}

static void large_tasks_amid_crashes_come_whole(void **state)
{
    (void)state;
    enum {
        SIZE = 3 * CELL_RING_BYTES
    };
    unsigned char *data = calloc(1, SIZE);
    assert_non_null(data);
    rota_auto(executor) struct executor *x = make(1);
    struct runner_task tasks[30];
    for (int i = 0; i < 30; i++)
        tasks[i] = (struct runner_task){.function = i % 3 == 1 ? EXIT_3 : ECHO,
                                        .data = data,
                                        .size = i % 3 == 2 ? 10 : SIZE};
    assert_int_equal(runner_give(x, 0, 30, tasks), 0);
    runner_finish(x, results);
    for (uint64_t i = 0; i < 30; i++) {
        if (i % 3 == 1)
            assert_ended(i, ROTA_QUIT, 3);
        else
            assert_int_equal(results[i].size, tasks[i].size);
    }
    free(data);
}

static void a_child_killed_from_outside_costs_the_task_that_it_is_in(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    runner_give_alike(x, 0, 1, HANG, 0);
    runner_give_alike(x, 1, 9, NOTHING, 0);
    await_pid(x);
    kill(atomic_load(&shared->pid), SIGKILL);
    runner_finish(x, results);
    assert_ended(0, ROTA_CRASHED, SIGKILL);
    assert_done(1, 10);
}

static void a_child_killed_between_tasks_costs_none(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    for (uint64_t i = 0; i < 5; i++) {
        atomic_store(&shared->pid, 0);
        atomic_store(&shared->gate, 1);
        runner_give_alike(x, 2 * i, 1, WAIT_AT_GATE, 0);
        runner_finish(x, results);
        kill(atomic_load(&shared->pid), SIGKILL);
        runner_give_alike(x, 2 * i + 1, 1, NOTHING, 0);
        runner_finish(x, results);
    }
    for (uint64_t i = 0; i < 10; i += 2) {
        assert_ended(i, ROTA_DONE, 0);
        /* The order to kill may come when the next has begun; never is it lost. */
        assert_true(results[i + 1].told);
        assert_true(results[i + 1].outcome == ROTA_DONE ||
                    results[i + 1].code == SIGKILL);
    }
}

static void a_task_that_runs_out_of_time_is_ended(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    give_amid(x, HANG, 30);
    runner_finish(x, results);
    assert_amid(ROTA_OVERTIME, 0);
    assert_true(results[100].took_ns >= 30 * NS_PER_MS);
}

static void a_stopped_task_runs_out_of_time_too(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(2);
    give_amid(x, STOP_SELF, 30);
    runner_finish(x, results);
    assert_amid(ROTA_OVERTIME, 0);
}

static void tasks_in_time_are_left_alone(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    runner_give_alike(x, 0, 2000, ECHO, 3600000);
    runner_give_alike(x, 2000, 20, NAP, 3600000);
    runner_finish(x, results);
    assert_done(0, 2020);
}

static void time_limits_near_the_tasks_own_length_cost_only_who_is_late(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(2);
    runner_give_alike(x, 0, 30, NAP, 3); /* some are late, some are not */
    runner_give_alike(x, 30, 30, NAP, 0);
    runner_finish(x, results);
    for (uint64_t i = 0; i < 30; i++)
        assert_true(results[i].outcome == ROTA_DONE ||
                    results[i].outcome == ROTA_OVERTIME);
    assert_done(30, 60);
}

static void an_attempt_gets_no_more_memory_than_allowed(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    rota_auto(executor) struct executor *x = make_limited(1, (size_t)100 << 20);
    enum {
        LARGE = 150 << 20
    };
    char *data = calloc(1, LARGE); /* a payload may be larger than the limit */
    assert_non_null(data);
    struct runner_task large = {.function = NOTHING, .data = data, .size = LARGE};
    runner_give_alike(x, 0, 50, GROW, 0);
    assert_int_equal(runner_give(x, 50, 1, &large), 0);
    runner_finish(x, results);
    assert_done(0, 51);
    for (int i = 0; i < 50; i++) {
        int mib;
        memcpy(&mib, results[i].text, sizeof(mib));
        assert_in_range(mib, 50, 120); /* some may be had from what was freed */
    }
    free(data);
}

static void a_function_that_writes_everywhere_costs_no_more_than_its_child(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0xff, 0x00, 0x01, 0x7f};
    for (size_t i = 0; i < sizeof(bytes); i++) {
        rota_auto(executor) struct executor *x = make(1);
        struct runner_task tasks[3] = {{0}};
        tasks[1] =
            (struct runner_task){.function = SCRIBBLE, .data = &bytes[i], .size = 1};
        assert_int_equal(runner_give(x, 0, 3, tasks), 0);
        runner_give_alike(x, 3, 100, ECHO, 0);
        runner_finish(x, results);
        /* Which task it costs can't be told any more; that each ends can. */
        for (int j = 0; j < 103; j++)
            assert_true(results[j].told);
        runner_give_alike(x, 103, 100, ECHO, 0);
        runner_finish(x, results);
        for (uint64_t j = 103; j < 203; j++) {
            assert_ended(j, ROTA_DONE, 0);
            assert_int_equal(results[j].sum, runner_sum(&j, sizeof(j)));
        }
    }
}

static void a_function_that_comes_back_twice_has_one_result(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    runner_give_alike(x, 0, 50, FORK, 0);
    runner_give_alike(x, 50, 1000, ECHO, 0);
    runner_finish(x, results);
    assert_done(0, 1050);
    for (int i = 0; i < 50; i++) {
        pid_t pid;
        memcpy(&pid, results[i].text, sizeof(pid));
        assert_true(pid > 0); /* it is the parent's */
    }
}

/* --- dropping ------------------------------------------------------------- */

static void dropped_tasks_are_neither_run_nor_reported(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    runner_give_alike(x, 0, 1, WAIT_AT_GATE, 0);
    runner_give_alike(x, 1, 1000, COUNT, 0);
    for (uint64_t i = 2; i < 12; i++)
        runner_give_alike(x, i * 1000, 1000, COUNT, 0);
    await_pid(x);
    assert_int_equal(x->held, 12);
    x->ops->drop(x, 1, 1, 1);             /* the first of a batch */
    x->ops->drop(x, 1, 501, 500);         /* its second half */
    x->ops->drop(x, 2000, 2000, 1000);    /* a whole one */
    x->ops->drop(x, 11000, 11000, 1000);  /* one that no slot has */
    x->ops->drop(x, 3000, 0, UINT32_MAX); /* from before it, beyond it */
    x->ops->drop(x, 77, 4000, 1000);      /* no such lease */
    assert_int_equal(x->held, 9);
    atomic_store(&shared->gate, 1);
    runner_finish(x, results);
    assert_ended(0, ROTA_DONE, 0);
    assert_false(results[1].told);
    assert_done(2, 501);
    for (int i = 501; i < 4000; i++)
        assert_false(results[i].told);
    assert_done(4000, 11000);
    assert_false(results[11000].told);
    assert_int_equal(atomic_load(&shared->ran), 499 + 7000);
}

static void the_rest_of_a_batch_that_runs_can_be_dropped(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    struct runner_task tasks[100] = {{0}};
    for (int i = 0; i < 100; i++)
        tasks[i].function = i == 10 ? WAIT_AT_GATE : COUNT;
    assert_int_equal(runner_give(x, 0, 100, tasks), 0);
    while (!results[9].told)
        runner_take(x, results, NS_PER_MS);
    x->ops->drop(x, 0, 11, 80);
    atomic_store(&shared->gate, 1);
    runner_finish(x, results);
    assert_done(0, 11);
    for (int i = 11; i < 91; i++)
        assert_false(results[i].told);
    assert_done(91, 100);
    assert_int_equal(atomic_load(&shared->ran), 19);
}

static void dropped_tasks_stay_dropped_when_the_child_ends(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    struct runner_task tasks[100] = {{0}};
    for (int i = 0; i < 100; i++)
        tasks[i].function = i == 10 ? HANG : COUNT;
    assert_int_equal(runner_give(x, 0, 100, tasks), 0);
    while (atomic_load(&shared->pid) == 0)
        runner_take(x, results, NS_PER_MS);
    x->ops->drop(x, 0, 11, 80);
    kill(atomic_load(&shared->pid), SIGKILL);
    runner_finish(x, results);
    assert_done(0, 10);
    assert_ended(10, ROTA_CRASHED, SIGKILL);
    assert_false(results[11].told || results[90].told);
    assert_done(91, 100);
    assert_int_equal(atomic_load(&shared->ran), 19);
}

static void a_dropped_task_that_runs_is_ended(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    struct runner_task tasks[100] = {{0}};
    for (int i = 0; i < 100; i++)
        tasks[i].function = i == 10 ? HANG : COUNT;
    assert_int_equal(runner_give(x, 0, 100, tasks), 0);
    while (atomic_load(&shared->pid) == 0)
        runner_take(x, results, NS_PER_MS);
    x->ops->drop(x, 0, 10, 1);
    runner_finish(x, results);
    assert_done(0, 10);
    assert_false(results[10].told);
    assert_done(11, 100);
    assert_int_equal(atomic_load(&shared->ran), 99);
}

int main(void)
{
    alarm(55);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_that_ends_its_process_costs_itself_alone),
        cmocka_unit_test(a_storm_of_crashes_costs_exactly_who_crashed),
        cmocka_unit_test(crashes_are_told_where_ends_of_children_are_ignored),
        cmocka_unit_test(large_tasks_amid_crashes_come_whole),
        cmocka_unit_test(a_child_killed_from_outside_costs_the_task_that_it_is_in),
        cmocka_unit_test(a_child_killed_between_tasks_costs_none),
        cmocka_unit_test(a_task_that_runs_out_of_time_is_ended),
        cmocka_unit_test(a_stopped_task_runs_out_of_time_too),
        cmocka_unit_test(tasks_in_time_are_left_alone),
        cmocka_unit_test(time_limits_near_the_tasks_own_length_cost_only_who_is_late),
        cmocka_unit_test(an_attempt_gets_no_more_memory_than_allowed),
        cmocka_unit_test(
            a_function_that_writes_everywhere_costs_no_more_than_its_child),
        cmocka_unit_test(a_function_that_comes_back_twice_has_one_result),
        cmocka_unit_test(dropped_tasks_are_neither_run_nor_reported),
        cmocka_unit_test(the_rest_of_a_batch_that_runs_can_be_dropped),
        cmocka_unit_test(dropped_tasks_stay_dropped_when_the_child_ends),
        cmocka_unit_test(a_dropped_task_that_runs_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
