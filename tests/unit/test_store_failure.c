/* test_store_failure.c - store: writes that fail, memory that isn't there, kill -9 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "run_file.h"
#include "store/faulty.h"
#include "store/read.h"

#define FILE_NAME run_file_path("run.db")

enum {
    TASKS = 40,
};

/* --- the n-th allocation --------------------------------------------------- */

static int allocations_left; /* until one fails; 0: none does */

static bool refused(void)
{
    return allocations_left > 0 && --allocations_left == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return refused() ? NULL : __real_realloc(p, size);
}

static sqlite3_mem_methods memory; /* SQLite's own */

static void *sqlite_malloc(int size)
{
    return refused() ? NULL : memory.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size)
{
    return refused() ? NULL : memory.xRealloc(p, size);
}

static void hook_memory(void)
{
    sqlite3_mem_methods hooked;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
    hooked = memory;
    hooked.xMalloc = sqlite_malloc;
    hooked.xRealloc = sqlite_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &hooked);
}

/* --- a run that goes on as far as it can ----------------------------------- */

/* Add TASKS tasks and their results. Returns the first failure. What fails otherwise
 * than for want of memory has been taken. */
static int work(struct store *s)
{
    char argument[] = "argument";
    uint64_t task;
    int first = 0;
    for (int i = 0; i < TASKS; i++) {
        int rc = store_add_task(s, argument, sizeof(argument), &task, NULL);
        first = first ? first : rc;
    }
    for (uint64_t i = 1; i <= store_tasks(s); i++) {
        struct store_result r = {.task = i, .out = "out", .out_bytes = 3};
        int rc = store_add_result(s, &r, NULL);
        if (rc == 0 && i % 10 == 0)
            rc = store_flush(s, NULL);
        first = first ? first : rc;
    }
    return first;
}

/* All of the results that it reports as done, and sound. */
static void assert_complete(uint64_t count)
{
    run_file_assert_sound(FILE_NAME);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM results"), count);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM outputs"), count);
}

/* A commit that failed loses nothing: with room again, the next one has it all. */
static void calls_fail(enum fault_point point, int error, bool stays)
{
    bool failed = true;
    for (int n = 1; failed; n++) {
        struct store *s = NULL;
        unlink(FILE_NAME);
        unlink(run_file_path("run.db-journal"));
        fault_set(point, n, stays, error);
        int code = store_create(FILE_NAME, &run_file_start, &s, NULL);
        if (code != 0) {
            assert_true(fault_has_struck(point));
            assert_null(s);
            fault_set(point, 0, false, 0);
            assert_int_not_equal(access(FILE_NAME, F_OK), 0);
            continue;
        }
        int worked = work(s);
        failed = fault_has_struck(point);
        assert_true(worked == 0 || failed);
        fault_set(point, 0, false, 0);
        assert_int_equal(store_tasks(s), TASKS);
        struct rota_error err;
        if (store_flush(s, &err) != 0)
            fail_msg("call %d failed, and later: %s", n, err.text);
        store_close(s);
        assert_complete(TASKS);
    }
}

static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    calls_fail(FAULT_WRITE, ENOSPC, true);
}

static void a_failed_write_loses_nothing(void **state)
{
    (void)state;
    calls_fail(FAULT_WRITE, EIO, false);
}

static void a_failed_sync_loses_nothing(void **state)
{
    (void)state;
    calls_fail(FAULT_SYNC, EIO, false);
}

static void a_failed_commit_loses_nothing(void **state)
{
    (void)state;
    calls_fail(FAULT_COMMIT, EIO, false);
}

static void a_full_disk_says_what_to_do(void **state)
{
    (void)state;
    struct rota_error err = {0};
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 1);
    fault_set(FAULT_WRITE, 1, true, ENOSPC);
    assert_int_equal(store_flush(s, &err), ROTA_E_IO);
    fault_set(FAULT_WRITE, 0, false, 0);
    char wanted[1024];
    snprintf(wanted, sizeof(wanted),
             "cannot write to run file '%s': disk full; free space", FILE_NAME);
    assert_string_equal(err.text, wanted);
    store_close(s);
}

static void a_full_disk_is_tried_the_more_seldom(void **state)
{
    (void)state;
    int64_t now = INT64_C(5000000000);
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 1);
    fault_set(FAULT_WRITE, 1, true, ENOSPC);
    assert_int_equal(store_tick(s, now, NULL), ROTA_E_IO);
    for (int64_t wait = 2 * STORE_GROUP_NS; wait < INT64_C(1500000000); wait *= 2) {
        assert_true(store_due_ns(s) == now + wait);
        assert_int_equal(store_tick(s, now + wait - 1, NULL), 0);
        now += wait;
        assert_int_equal(store_tick(s, now, NULL), ROTA_E_IO);
    }
    fault_set(FAULT_WRITE, 0, false, 0);
    now = store_due_ns(s);
    assert_int_equal(store_tick(s, now, NULL), 0);
    run_file_add_done(s, 1, NULL);
    assert_true(store_due_ns(s) >= now + STORE_GROUP_NS);
    store_close(s);
}

static void a_file_that_was_removed_is_named(void **state)
{
    (void)state;
    struct rota_error err = {0};
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 1);
    unlink(FILE_NAME);
    assert_int_equal(store_flush(s, &err), ROTA_E_IO);
    assert_non_null(strstr(err.text, "it was removed or renamed"));
    store_close(s);
}

/* A disk that fails for good, and a run that dies then: what was flushed is there, and
 * of what was not all or nothing. */
static void what_was_committed_outlives_a_dead_disk(void **state)
{
    (void)state;
    for (int n = 1; n < 30; n++) {
        unlink(FILE_NAME);
        pid_t pid = fork();
        if (pid == 0) {
            struct store *s = run_file_create(FILE_NAME);
            run_file_add_tasks(s, TASKS);
            run_file_add_done(s, 1, "out");
            if (store_flush(s, NULL) != 0)
                _exit(1);
            fault_set(FAULT_WRITE, n, true, EIO);
            for (uint64_t i = 2; i <= TASKS; i++)
                run_file_add_done(s, i, "out");
            _exit(store_flush(s, NULL) == 0 ? 2 : 3);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WEXITSTATUS(status) == 2 || WEXITSTATUS(status) == 3);
        store_close(run_file_resume(FILE_NAME));
        int64_t count = run_file_count(FILE_NAME, "SELECT count(*) FROM results");
        assert_true(count == TASKS || (count == 1 && WEXITSTATUS(status) == 3));
        assert_complete((uint64_t)count);
    }
}

static void memory_may_be_refused_at_any_time(void **state)
{
    (void)state;
    int n = 1;
    bool done = false;
    for (; !done; n++) {
        struct store *s = NULL;
        unlink(FILE_NAME);
        allocations_left = n;
        int rc = store_create(FILE_NAME, &run_file_start, &s, NULL);
        if (rc == 0)
            rc = work(s);
        done = allocations_left > 0;
        allocations_left = 0;
        assert_true(rc == 0 || rc == ROTA_E_NOMEM);
        assert_true(rc == 0 || !done);
        if (s == NULL) {
            assert_int_not_equal(access(FILE_NAME, F_OK), 0);
            continue;
        }
        uint64_t tasks = store_tasks(s);
        assert_int_equal(store_flush(s, NULL), 0);
        store_close(s);
        run_file_assert_sound(FILE_NAME);
        assert_true(tasks >= TASKS - 1);
        assert_true(run_file_count(FILE_NAME, "SELECT count(*) FROM results") >=
                    (int64_t)tasks - 1);
    }
    assert_true(n > 50);
}

static void a_reader_may_be_refused_memory_at_any_time(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 3);
    run_file_add_done(s, 2, "out");
    store_close(s);
    bool done = false;
    for (int n = 1; !done; n++) {
        struct reader *r = NULL;
        struct rows *rows = NULL;
        const struct task_row *row;
        struct reader_summary sum;
        allocations_left = n;
        int rc = reader_open(FILE_NAME, &r, NULL);
        if (rc == 0)
            rc = reader_summarize(r, 0, &sum, NULL);
        if (rc == 0)
            rc = reader_rows(r, ROWS_ALL, SIZE_MAX, &rows, NULL);
        while (rc == 0)
            rc = rows_next(rows, &row, NULL);
        done = allocations_left > 0;
        allocations_left = 0;
        assert_true(rc == ROTA_E_NOMEM || rc == ROTA_E_NOTFOUND);
        rows_close(rows);
        reader_close(r);
    }
}

/* --- kill -9 ---------------------------------------------------------------- */

/* Resume, and record what is left; after each commit say how many are recorded. */
static void record_until_killed(int report)
{
    struct store *s = NULL;
    const char *arguments;
    size_t size;
    uint64_t task = 0;
    if (store_resume(FILE_NAME, &run_file_start, &s, NULL) != 0)
        _exit(1);
    for (;;) {
        uint64_t upto = task;
        for (int i = 0; i < 20; i++) {
            if (store_next_left(s, task, &task, &arguments, &size, NULL) != 0)
                _exit(2);
            run_file_add_done(s, task, "what it wrote");
            upto = task;
        }
        if (store_flush(s, NULL) != 0 ||
            write(report, &upto, sizeof(upto)) != sizeof(upto))
            _exit(3);
    }
}

static void what_was_committed_survives_kill_9(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 100000);
    store_close(s);
    unsigned seed = (unsigned)getpid();
    uint64_t last = 0;
    for (int round = 0; round < 40; round++) {
        int report[2];
        int status;
        uint64_t told;
        assert_int_equal(pipe(report), 0);
        pid_t pid = fork();
        if (pid == 0)
            record_until_killed(report[1]);
        close(report[1]);
        for (int i = rand_r(&seed) % 4; i >= 0; i--)
            if (read(report[0], &told, sizeof(told)) == sizeof(told))
                last = told;
        for (volatile int i = rand_r(&seed) % 3000000; i > 0; i--)
            continue;
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        while (read(report[0], &told, sizeof(told)) == sizeof(told))
            last = told;
        close(report[0]);
        char sql[96];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM results WHERE task <= %d",
                 (int)last);
        assert_int_equal(run_file_count(FILE_NAME, sql), last);
    }
    assert_true(last > 0);
    run_file_assert_sound(FILE_NAME);
    assert_int_equal(run_file_count(FILE_NAME,
                                    "SELECT (SELECT count(*) FROM results) = "
                                    "(SELECT count(*) FROM attempts)"),
                     1);
}

/* --- others ------------------------------------------------------------------ */

static void a_program_that_reads_puts_a_commit_off(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    int status;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 2);
    assert_int_equal(store_flush(s, NULL), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *db;
        sqlite3_open(FILE_NAME, &db);
        sqlite3_exec(db, "BEGIN; SELECT * FROM tasks", NULL, NULL, NULL);
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    run_file_add_done(s, 1, NULL);
    assert_int_equal(store_tick(s, store_due_ns(s), NULL), 0);
    assert_true(store_due_ns(s) != INT64_MAX); /* still to be done */
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    assert_int_equal(store_tick(s, store_due_ns(s), NULL), 0);
    assert_true(store_due_ns(s) == INT64_MAX);
    store_close(s);
    close(ready[0]);
    close(ready[1]);
}

#define TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, run_file_setup, run_file_teardown)

int main(void)
{
    hook_memory();
    fault_armed = true; /* before the first file is opened */
    faulty_install();
    faulty_spare_syncs();
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk_loses_nothing),
        TEST(a_failed_write_loses_nothing),
        TEST(a_failed_sync_loses_nothing),
        TEST(a_failed_commit_loses_nothing),
        TEST(a_full_disk_says_what_to_do),
        TEST(a_full_disk_is_tried_the_more_seldom),
        TEST(a_file_that_was_removed_is_named),
        TEST(what_was_committed_outlives_a_dead_disk),
        TEST(memory_may_be_refused_at_any_time),
        TEST(a_reader_may_be_refused_memory_at_any_time),
        TEST(what_was_committed_survives_kill_9),
        TEST(a_program_that_reads_puts_a_commit_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
