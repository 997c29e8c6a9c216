/* test_isolated.c - the executor whose functions run in children: what they may do, and
 * what is told of it
 *
 * The processes' coming and going is in test_nursery.c.
 */
#include "isolated_functions.h"

/* --- results -------------------------------------------------------------- */

static void every_task_of_a_batch_is_reported_once_in_order(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    runner_give_alike(x, 0, 50000, ECHO, 0);
    runner_give_alike(x, 50000, 1, ECHO, 0);
    runner_give_alike(x, 50001, 49999, ECHO, 0);
    assert_int_equal(x->held, 3);
    runner_finish(x, results);
    int64_t took_ns = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        assert_ended(i, ROTA_DONE, 0);
        assert_int_equal(results[i].sum, runner_sum(&i, sizeof(i)));
        took_ns += results[i].took_ns;
    }
    assert_true(took_ns > 0);
}

static void many_slots_work_at_once(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(20);
    for (uint64_t i = 0; i < 300; i++)
        runner_give_alike(x, i * 10, 10, ECHO, 0);
    runner_finish(x, results);
    assert_done(0, 3000);
}

static void payloads_and_values_of_any_size_come_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0,
        1,
        7,
        8,
        9,
        4000,
        CELL_TRAY_BYTES - PARCEL_TASK_BYTES,
        CELL_TRAY_BYTES - PARCEL_TASK_BYTES + 1,
        2 * CELL_TRAY_BYTES,
        CELL_RING_BYTES / 2,
        CELL_RING_BYTES - PARCEL_RESULT_BYTES - 8,
        CELL_RING_BYTES,
        (size_t)64 << 20,
        3,
        CELL_RING_BYTES * 3 + 5,
        0,
    };
    enum {
        COUNT_SIZES = sizeof(sizes) / sizeof(sizes[0])
    };
    size_t max = (size_t)64 << 20;
    unsigned char *data = malloc(max);
    assert_non_null(data);
    for (size_t i = 0; i < max; i++)
        data[i] = (unsigned char)(i * 2654435761u >> 13);
    rota_auto(executor) struct executor *x = make(1);
    struct runner_task tasks[COUNT_SIZES];
    for (int i = 0; i < COUNT_SIZES; i++)
        tasks[i] =
            (struct runner_task){.function = ECHO, .data = data + i, .size = sizes[i]};
    tasks[12].data = data;
    assert_int_equal(runner_give(x, 0, COUNT_SIZES, tasks), 0);
    runner_give_alike(x, COUNT_SIZES, 1000, ECHO, 0);
    runner_finish(x, results);
    for (int i = 0; i < COUNT_SIZES; i++) {
        assert_ended((uint64_t)i, ROTA_DONE, 0);
        assert_int_equal(results[i].size, sizes[i]);
        assert_true(results[i].sum == runner_sum(tasks[i].data, sizes[i]));
    }
    assert_done(COUNT_SIZES, COUNT_SIZES + 1000);
    free(data);
}

static void a_failed_attempt_says_why(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    give_amid(x, FAIL, 0);
    runner_finish(x, results);
    assert_amid(ROTA_FAILED, -1);
    assert_string_equal(results[100].text, "task 100 says no");
}

static void submitted_tasks_come_with_the_result(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    runner_give_alike(x, 0, 20000, SPAWN, 0);
    runner_finish(x, results);
    assert_done(0, 20000);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(results[i].tasks, 10);
}

static void what_was_done_is_told_while_a_long_task_runs(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    give_amid(x, WAIT_AT_GATE, 0);
    while (!results[99].told)
        runner_take(x, results, NS_PER_SEC);
    assert_false(results[100].told);
    atomic_store(&shared->gate, 1);
    runner_finish(x, results);
    assert_done(0, 200);
}

static void nothing_stands_behind_a_long_task_while_a_slot_is_free(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(2);
    for (uint64_t i = 0; i < 9; i++)
        runner_give_alike(x, i, 1, i == 0 ? WAIT_AT_GATE : NAP, 0);
    runner_give_alike(x, 9, 1, OPEN_GATE, 0); /* or it would wait for ever */
    runner_finish(x, results);
    assert_done(0, 10);
}

static void a_function_finds_what_a_program_expects(void **state)
{
    (void)state;
    int leak = fcntl(1, F_DUPFD, 50);
    sigset_t usr2;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    sigprocmask(SIG_BLOCK, &usr2, NULL);
    signal(SIGUSR1, (void (*)(int))exit);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* as nohup does: stays so */
    rota_auto(executor) struct executor *x = make(1);
    sigprocmask(SIG_UNBLOCK, &usr2, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    close(leak);
    runner_give_alike(x, 0, 1, LOOK_AROUND, 0);
    runner_finish(x, results);
    if (results[0].outcome != ROTA_DONE)
        fail_msg("%s", results[0].text);
}

static void what_a_reported_task_has_printed_has_been_written(void **state)
{
    (void)state;
    char text[32] = {0};
    int file = memfd_create("output", MFD_CLOEXEC);
    fflush(stdout);
    int out = dup(1);
    dup2(file, 1);
    printf("the rank's ");
    struct executor *x = make(1);
    runner_give_alike(x, 0, 1, PRINT, 0);
    runner_finish(x, results);
    ssize_t n = pread(file, text, sizeof(text) - 1, 0);
    executor_close(x);
    dup2(out, 1);
    close(out);
    close(file);
    assert_int_equal(n, 17);
    assert_string_equal(text, "the rank's heard\n");
}

/* --- dropping ------------------------------------------------------------- */

static void wrong_options_are_refused(void **state)
{
    (void)state;
    struct executor *x = NULL;
    struct executor_options options = {
        .functions = functions, .count = FUNCTIONS, .slots = 0};
    assert_int_equal(executor_isolated_open(&options, &x, NULL), ROTA_E_ARG);
    options.slots = 1000000;
    assert_int_equal(executor_isolated_open(&options, &x, NULL), ROTA_E_ARG);
    options = (struct executor_options){.slots = 1};
    assert_int_equal(executor_isolated_open(&options, &x, NULL), ROTA_E_ARG);
    assert_null(x);
}

int main(void)
{
    alarm(55);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_of_a_batch_is_reported_once_in_order),
        cmocka_unit_test(many_slots_work_at_once),
        cmocka_unit_test(payloads_and_values_of_any_size_come_whole),
        cmocka_unit_test(a_failed_attempt_says_why),
        cmocka_unit_test(submitted_tasks_come_with_the_result),
        cmocka_unit_test(what_was_done_is_told_while_a_long_task_runs),
        cmocka_unit_test(nothing_stands_behind_a_long_task_while_a_slot_is_free),
        cmocka_unit_test(a_function_finds_what_a_program_expects),
        cmocka_unit_test(what_a_reported_task_has_printed_has_been_written),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
