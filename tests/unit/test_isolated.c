/* test_isolated.c - the executor whose functions run in children: what they may do,
 * and what is told of it
 *
 * The processes' coming and going is in test_nursery.c.
 */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "execute/cell.h"

/* Both break what a sanitizer stands on. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

enum {
    RESULTS_MAX = 200000,
};

static struct runner_result results[RESULTS_MAX];

/* Memory that all processes share: what tests and functions say to each other. */
struct shared {
    atomic_int pid;
    atomic_int gate;
    atomic_int ran;
};

static struct shared *shared;

/* --- functions ------------------------------------------------------------ */

enum {
    NOTHING,
    ECHO,
    ABORT,
    SEGV,
    EXIT_3,
    EXIT_0,
    RAW_EXIT_7,
    KILL_SELF,
    STOP_SELF,
    FAIL,
    HANG,
    SPAWN,
    GROW,
    LOOK_AROUND,
    PRINT,
    WAIT_AT_GATE,
    OPEN_GATE,
    COUNT,
    SCRIBBLE,
    NAP,
    FORK,
    END_THREAD,
    FUNCTIONS,
};

enum {
    EXITED = 42, /* status: by exit() */
};

static int nothing(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return 0;
}

static int echo(struct rota_task *task, void *context)
{
    (void)context;
    size_t size;
    const void *data = rota_task_data(task, &size);
    return rota_task_return(task, data, size);
}

static int call_abort(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    abort();
}

static int segv(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    signal(SIGSEGV, SIG_DFL); /* not a sanitizer's */
    return raise(SIGSEGV);
}

static int exit_3(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    exit(3);
}

static int exit_0(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    exit(0);
}

static int raw_exit_7(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    _exit(7);
}

static int kill_self(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return raise(SIGKILL);
}

static int stop_self(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return raise(SIGSTOP);
}

static int fail_saying(struct rota_task *task, void *context)
{
    (void)context;
    return rota_task_fail(task, "task %llu says no",
                          (unsigned long long)rota_task_id(task));
}

static int hang(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_store(&shared->pid, getpid());
    while (pause() != 0)
        continue;
    return 0;
}

static int spawn(struct rota_task *task, void *context)
{
    (void)context;
    for (int i = 0; i < 10; i++)
        if (rota_task_submit(task, &(struct rota_spec){.function = "echo",
                                                       .data = &i,
                                                       .size_bytes = sizeof(i)}) != 0)
            return 1;
    return 0;
}

/* Returns how many MiB it may have, at most 200. */
static int grow(struct rota_task *task, void *context)
{
    (void)context;
    void *blocks[200];
    int n = 0;
    while (n < 200 && (blocks[n] = malloc((size_t)1 << 20)) != NULL)
        n++;
    for (int i = 0; i < n; i++)
        free(blocks[i]);
    return rota_task_return(task, &n, sizeof(n));
}

/* Returns what is not as a program expects that has just been started. */
static int look_around(struct rota_task *task, void *context)
{
    (void)context;
    char byte;
    sigset_t blocked;
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return rota_task_fail(task, "descriptor %d is open", fd);
    if (read(0, &byte, 1) != 0)
        return rota_task_fail(task, "standard input is not empty");
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction a;
        if (sigismember(&blocked, i) == 1)
            return rota_task_fail(task, "signal %d is blocked", i);
        if (sigaction(i, NULL, &a) == 0 && a.sa_handler != SIG_DFL && i != SIGHUP)
            return rota_task_fail(task, "signal %d is not at its default", i);
    }
    if (getpgrp() != getpid())
        return rota_task_fail(task, "it has no process group of its own");
    return 0;
}

static int print(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    printf("heard\n");
    return 0;
}

static int wait_at_gate(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_store(&shared->pid, getpid());
    while (atomic_load(&shared->gate) == 0)
        usleep(1000);
    return 0;
}

static int open_gate(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_store(&shared->gate, 1);
    return 0;
}

static int count_call(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_fetch_add(&shared->ran, 1);
    return 0;
}

/* Overwrite all of the cell that can be written. */
static int scribble(struct rota_task *task, void *context)
{
    (void)context;
    unsigned char byte = *(const unsigned char *)rota_task_data(task, NULL);
    FILE *f = fopen("/proc/self/maps", "re");
    char line[512];
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        unsigned long begin, end;
        char writable;
        if (strstr(line, "memfd:rota-tasks") != NULL &&
            sscanf(line, "%lx-%lx r%c", &begin, &end, &writable) == 3 &&
            writable == 'w')
            memset((void *)begin, byte, end - begin); // NOLINT
    }
    if (f != NULL)
        fclose(f);
    return 0;
}

static int nap(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    usleep(3000);
    return 0;
}

/* Forgets that it is two now. */
static int fork_and_return(struct rota_task *task, void *context)
{
    (void)context;
    pid_t pid = fork();
    return rota_task_return(task, &pid, sizeof(pid));
}

static void *stay(void *arg)
{
    for (;;)
        pause();
    return arg;
}

/* As the last of exit(): before LeakSanitizer looks at a stack that has gone. */
static void say_exited(void)
{
    _exit(EXITED);
}

/* Another thread of the process stays. */
static int end_thread(struct rota_task *task, void *context)
{
    pthread_t other;
    (void)task;
    if (atexit(say_exited) == 0 && pthread_create(&other, NULL, stay, context) == 0)
        pthread_exit(NULL);
    return -1;
}

static const struct rota_function functions[FUNCTIONS] = {
    [NOTHING] = {.name = "nothing", .run = nothing},
    [ECHO] = {.name = "echo", .run = echo},
    [ABORT] = {.name = "abort", .run = call_abort},
    [SEGV] = {.name = "segv", .run = segv},
    [EXIT_3] = {.name = "exit 3", .run = exit_3},
    [EXIT_0] = {.name = "exit 0", .run = exit_0},
    [RAW_EXIT_7] = {.name = "_exit 7", .run = raw_exit_7},
    [KILL_SELF] = {.name = "kill", .run = kill_self},
    [STOP_SELF] = {.name = "stop", .run = stop_self},
    [FAIL] = {.name = "fail", .run = fail_saying},
    [HANG] = {.name = "hang", .run = hang},
    [SPAWN] = {.name = "spawn", .run = spawn},
    [GROW] = {.name = "grow", .run = grow},
    [LOOK_AROUND] = {.name = "look around", .run = look_around},
    [PRINT] = {.name = "print", .run = print},
    [WAIT_AT_GATE] = {.name = "wait at gate", .run = wait_at_gate},
    [OPEN_GATE] = {.name = "open gate", .run = open_gate},
    [COUNT] = {.name = "count", .run = count_call},
    [SCRIBBLE] = {.name = "scribble", .run = scribble},
    [NAP] = {.name = "nap", .run = nap},
    [FORK] = {.name = "fork", .run = fork_and_return},
    [END_THREAD] = {.name = "end thread", .run = end_thread},
};

/* --- helpers -------------------------------------------------------------- */

static struct executor *make_limited(int slots, size_t memory_limit_bytes)
{
    struct executor_options options = {
        .functions = functions,
        .count = FUNCTIONS,
        .slots = slots,
        .memory_limit_bytes = memory_limit_bytes,
    };
    struct executor *x;
    struct rota_error err = {0};
    memset(results, 0, sizeof(results));
    memset(shared, 0, sizeof(*shared));
    if (executor_isolated_open(&options, &x, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(x->slots, slots);
    assert_int_equal(x->held, 0);
    return x;
}

static struct executor *make(int slots)
{
    return make_limited(slots, 0);
}

static void assert_ended(uint64_t task, enum rota_outcome outcome, int code)
{
    assert_true(results[task].told);
    assert_int_equal(results[task].outcome, outcome);
    assert_int_equal(results[task].code, code);
}

static void assert_done(uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        assert_ended(i, ROTA_DONE, 0);
}

/* 200 tasks, the 100th of which is `function`. */
static void give_amid(struct executor *x, int function, uint32_t limit_ms)
{
    struct runner_task tasks[200] = {{0}};
    tasks[100] = (struct runner_task){.function = function, .limit_ms = limit_ms};
    assert_int_equal(runner_give(x, 0, 200, tasks), 0);
}

static void assert_amid(enum rota_outcome outcome, int code)
{
    assert_done(0, 100);
    assert_ended(100, outcome, code);
    assert_done(101, 200);
}

static void await_pid(struct executor *x)
{
    while (atomic_load(&shared->pid) == 0)
        assert_int_equal(runner_take(x, results, NS_PER_MS), ROTA_E_TIMEOUT);
}

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
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
