/* test_in_rank.c - the executor that runs functions in this very process */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "execute/executor.h"
#include "execute/row.h"
#include "execute/task.h"

static long allocations_left = -1; /* -1: no limit */

static bool may_allocate(void)
{
    if (allocations_left > 0)
        allocations_left--;
    return allocations_left != 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *p, size_t size)
{
    return may_allocate() ? __real_realloc(p, size) : NULL;
}

enum {
    SQUARE,
    SPIN,
    BLOB,
    HANG,
    END_THREAD,
    BLOB_BYTES = 100000,
    EXITED = 42, /* status: by exit() */
};

static int square(struct rota_task *task, void *context)
{
    (void)context;
    uint64_t y = *(const uint64_t *)rota_task_data(task, NULL);
    y *= y;
    return rota_task_return(task, &y, sizeof(y));
}

/* Takes 200 microseconds. */
static int spin(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    int64_t end_ns = clock_now_ns() + 200000;
    while (clock_now_ns() < end_ns)
        continue;
    return 0;
}

static int give_blob(struct rota_task *task, void *context)
{
    (void)context;
    static char blob[BLOB_BYTES];
    return rota_task_return(task, blob, sizeof(blob));
}

static int hang(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    while (pause() != 0)
        continue;
    return 0;
}

static void *stay(void *arg)
{
    while (pause() != 0)
        continue;
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

static const struct rota_function functions[] = {
    {.name = "square", .run = square},         {.name = "spin", .run = spin},
    {.name = "blob", .run = give_blob},        {.name = "hang", .run = hang},
    {.name = "end thread", .run = end_thread},
};

static struct executor *make(void)
{
    struct executor_options options = {
        .functions = functions,
        .count = sizeof(functions) / sizeof(functions[0]),
        .slots = 1,
    };
    struct executor *x;
    assert_int_equal(executor_in_rank_open(&options, &x, NULL), 0);
    assert_int_equal(x->slots, 1);
    assert_int_equal(x->held, 0);
    assert_false(x->ready);
    return x;
}

/* Give `count` tasks from number `first`, each with its number as its payload. */
static int give_some(struct executor *x, uint64_t lease, uint64_t first, uint32_t count,
                     int function, uint32_t limit_ms)
{
    struct task_bytes b = {0};
    for (uint64_t i = first; i < first + count; i++) {
        struct parcel_task t = {.data = (const unsigned char *)&i,
                                .size = sizeof(i),
                                .function = (uint16_t)function,
                                .time_limit_ms = limit_ms};
        assert_int_equal(task_bytes_reserve(&b, parcel_task_bytes(&t)), 0);
        parcel_write_task(b.data + b.size, &t);
        b.size += parcel_task_bytes(&t);
    }
    struct executor_batch batch = {
        .lease = lease,
        .first = first,
        .count = count,
        .attempt = 1,
        .records = b.data,
        .bytes = b.size,
    };
    int rc = x->ops->give(x, &batch);
    if (b.size > 0)
        memset(b.data, 0xee, b.size); /* it has been copied */
    free(b.data);
    return rc;
}

static void give(struct executor *x, uint64_t lease, uint64_t first, uint32_t count,
                 int function)
{
    assert_int_equal(give_some(x, lease, first, count, function, 0), 0);
}

/* Take a report of squares of `lease` that begins with task `first`; how many. */
static uint32_t take_squares(struct executor *x, uint64_t lease, uint64_t first)
{
    struct executor_report r;
    assert_int_equal(x->ops->take(x, &r), 0);
    assert_int_equal(r.lease, lease);
    assert_int_equal(r.first, first);
    int64_t sum_ns = 0;
    struct row_walk walk = {.at = r.records, .left = r.bytes};
    for (uint64_t i = first; i < first + r.count; i++) {
        struct parcel_result result = {0};
        assert_int_equal(row_next_result(&walk, &result), 0);
        assert_int_equal(result.outcome, ROTA_DONE);
        assert_int_equal(result.size, sizeof(uint64_t));
        assert_memory_equal(result.data, &(uint64_t){i * i}, sizeof(i));
        sum_ns += result.took_ns;
    }
    assert_int_equal(walk.more, 0);
    assert_int_equal(walk.left, 0);
    assert_true(sum_ns <= r.busy_ns);
    assert_true(r.busy_ns - sum_ns <= r.count); /* what rounding loses */
    return r.count;
}

static void assert_idle(struct executor *x)
{
    struct executor_report r;
    assert_int_equal(x->ops->take(x, &r), ROTA_E_TIMEOUT);
    assert_int_equal(x->held, 0);
    assert_false(x->ready);
}

static void every_task_of_a_batch_is_reported_once_in_order(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make();
    assert_idle(x);
    give(x, 5, 100, 50000, SQUARE);
    give(x, 6, 7, 3, SQUARE);
    give(x, 7, 7, 0, SQUARE);
    assert_int_equal(x->held, 2);
    for (uint64_t next = 100; next < 50100;) {
        assert_true(x->ready);
        next += take_squares(x, 5, next);
    }
    assert_int_equal(x->held, 1);
    for (uint64_t next = 7; next < 10;)
        next += take_squares(x, 6, next);
    assert_idle(x);
}

static void a_call_of_take_does_not_compute_for_long(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make();
    struct executor_report r;
    give(x, 1, 0, 1000, SPIN); /* a fifth of a second */
    assert_int_equal(x->ops->take(x, &r), 0);
    assert_true(r.count < 20);
    assert_true(r.busy_ns >= r.count * INT64_C(200000));
}

static void a_call_of_take_gives_what_has_grown_large(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make();
    struct executor_report r;
    uint32_t got = 0;
    give(x, 1, 0, 100, BLOB);
    while (x->ops->take(x, &r) == 0) {
        assert_true(r.bytes < 4 * (size_t)BLOB_BYTES);
        got += r.count;
    }
    assert_int_equal(got, 100);
}

static void dropped_tasks_are_neither_run_nor_reported(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make();
    give(x, 1, 10, 10, SQUARE);
    give(x, 2, 30, 5, SQUARE);
    give(x, 1, 40, 5, SQUARE);
    x->ops->drop(x, 1, 10, 1);
    x->ops->drop(x, 1, 15, 2);
    x->ops->drop(x, 1, 15, 1);  /* again */
    x->ops->drop(x, 3, 30, 1);  /* not there */
    x->ops->drop(x, 2, 20, 11); /* from before the batch into it */
    x->ops->drop(x, 1, 40, 5);  /* a whole batch */
    assert_int_equal(x->held, 2);
    for (uint64_t next = 11; next < 15;)
        next += take_squares(x, 1, next);
    x->ops->drop(x, 1, 19, UINT32_MAX);
    for (uint64_t next = 17; next < 19;)
        next += take_squares(x, 1, next);
    assert_int_equal(x->held, 1);
    for (uint64_t next = 31; next < 35;)
        next += take_squares(x, 2, next);
    assert_idle(x);
}

static void dropping_what_is_left_ends_a_batch_that_was_begun(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make();
    struct executor_report r;
    give(x, 1, 0, 1000, SPIN);
    give(x, 2, 0, 1, SQUARE);
    assert_int_equal(x->ops->take(x, &r), 0);
    x->ops->drop(x, 1, 0, 1000);
    assert_int_equal(x->held, 1);
    assert_int_equal(take_squares(x, 2, 0), 1);
    assert_idle(x);
}

static void waiting_ends_at_once_where_there_is_work(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make();
    x->ops->wait(x, 1000);
    x->ops->wait(x, -1);
    give(x, 1, 0, 1, SQUARE);
    x->ops->wait(x, INT64_MAX);
}

static void a_task_that_runs_out_of_time_costs_the_process(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct executor *x = make();
        struct executor_report r;
        if (give_some(x, 1, 0, 1, HANG, 20) == 0)
            x->ops->take(x, &r);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGALRM);
}

static void a_task_that_ends_its_thread_ends_the_process(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct executor *x = make();
        struct executor_report r;
        alarm(20);
        if (give_some(x, 1, 0, 1, END_THREAD, 0) == 0)
            x->ops->take(x, &r);
        _exit(9);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXITED);
}

static void a_task_in_time_costs_nothing(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make();
    assert_int_equal(give_some(x, 1, 0, 3, SQUARE, 3600000), 0);
    for (uint64_t next = 0; next < 3;)
        next += take_squares(x, 1, next);
    assert_idle(x);
}

/* All of it, with `allocations` allocations: 0 once that was enough. */
static int play(long allocations)
{
    struct executor_options options = {.functions = functions, .count = 4, .slots = 1};
    rota_auto(executor) struct executor *x = NULL;
    struct rota_error err = {0};
    allocations_left = allocations;
    int rc = executor_in_rank_open(&options, &x, &err);
    if (rc == 0)
        rc = x->ops->give(
            x, &(struct executor_batch){
                   .count = 1, .records = (unsigned char[8]){[4] = BLOB}, .bytes = 8});
    struct executor_report r = {0};
    if (rc == 0)
        rc = x->ops->take(x, &r);
    allocations_left = -1;
    if (rc == 0 && r.records[4] == ROTA_FAILED) /* said by the attempt itself */
        rc = ROTA_E_NOMEM;
    else if (rc == ROTA_E_NOMEM && x != NULL && x->held == 1) /* and again, later */
        assert_int_equal(x->ops->take(x, &r), 0);
    return rc;
}

static void whichever_allocation_fails_nothing_is_lost(void **state)
{
    (void)state;
    long n = 0;
    int rc;
    while ((rc = play(n)) != 0) {
        assert_int_equal(rc, ROTA_E_NOMEM);
        n++;
    }
    assert_true(n >= 4);
}

static void an_executor_without_functions_is_refused(void **state)
{
    (void)state;
    struct executor_options options = {.functions = functions, .count = 0};
    struct executor *x = NULL;
    assert_int_equal(executor_in_rank_open(&options, &x, NULL), ROTA_E_ARG);
    assert_null(x);
    executor_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_of_a_batch_is_reported_once_in_order),
        cmocka_unit_test(a_call_of_take_does_not_compute_for_long),
        cmocka_unit_test(a_call_of_take_gives_what_has_grown_large),
        cmocka_unit_test(dropped_tasks_are_neither_run_nor_reported),
        cmocka_unit_test(dropping_what_is_left_ends_a_batch_that_was_begun),
        cmocka_unit_test(waiting_ends_at_once_where_there_is_work),
        cmocka_unit_test(a_task_that_runs_out_of_time_costs_the_process),
        cmocka_unit_test(a_task_that_ends_its_thread_ends_the_process),
        cmocka_unit_test(a_task_in_time_costs_nothing),
        cmocka_unit_test(whichever_allocation_fails_nothing_is_lost),
        cmocka_unit_test(an_executor_without_functions_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
