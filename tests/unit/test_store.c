/* test_store.c - store: what is recorded is there again */
#include "unit.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "run_file.h"
#include "store/read.h"

#define FILE_NAME run_file_path("run.db")

static struct reader *open_reader(void)
{
    struct reader *r = NULL;
    struct rota_error err = {0};
    if (reader_open(FILE_NAME, &r, &err) != 0)
        fail_msg("%s", err.text);
    return r;
}

static void a_new_run_file_is_its_owners_alone(void **state)
{
    (void)state;
    struct stat st;
    store_close(run_file_create(FILE_NAME));
    assert_int_equal(stat(FILE_NAME, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_not_equal(access(run_file_path("run.db-journal"), F_OK), 0);
    run_file_assert_sound(FILE_NAME);
}

static void what_is_recorded_is_read_again(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    uint64_t task;
    assert_int_equal(store_worker_came(s, 3, "node3", 4, NULL), 0);
    assert_int_equal(store_add_task(s, "a\0b c\0", 6, &task, NULL), 0);
    assert_int_equal(task, 1);
    assert_int_equal(store_add_task(s, "", 1, &task, NULL), 0);
    struct store_result result = {
        .task = 1,
        .outcome = ROTA_FAILED,
        .code = 7,
        .reason = "exited with status 7",
        .attempts = 2,
        .rank = 3,
        .took_ns = 1500,
        .out = "x\0y",
        .out_bytes = 3,
        .err = "oh\n",
        .err_bytes = 3,
    };
    assert_int_equal(store_add_result(s, &result, NULL), 0);
    store_close(s);

    struct reader *r = open_reader();
    struct rows *rows;
    const struct task_row *row;
    assert_int_equal(reader_rows(r, ROWS_ALL, SIZE_MAX, &rows, NULL), 0);
    assert_int_equal(rows_next(rows, &row, NULL), 0);
    assert_int_equal(row->task, 1);
    assert_int_equal(row->arguments.size, 6);
    assert_memory_equal(row->arguments.data, "a\0b c\0", 6);
    assert_true(row->ended);
    assert_int_equal(row->outcome, ROTA_FAILED);
    assert_int_equal(row->code, 7);
    assert_string_equal(row->reason.data, "exited with status 7");
    assert_int_equal(row->attempt, 2);
    assert_int_equal(row->rank, 3);
    assert_string_equal(row->host.data, "node3");
    assert_int_equal(row->took_ns, 1500);
    assert_int_equal(row->ended_ns - row->started_ns, 1500);
    assert_int_equal(row->out.size, 3);
    assert_memory_equal(row->out.data, "x\0y", 3);
    assert_string_equal(row->err.data, "oh\n");
    assert_int_equal(rows_next(rows, &row, NULL), 0);
    assert_int_equal(row->arguments.size, 1);
    assert_false(row->ended);
    assert_int_equal(row->rank, -1);
    assert_int_equal(rows_next(rows, &row, NULL), ROTA_E_NOTFOUND);
    rows_close(rows);
    reader_close(r);
}

static void an_output_of_several_parts_is_one(void **state)
{
    (void)state;
    size_t size = ((size_t)2 << 20) + 5;
    char *out = malloc(size);
    for (size_t i = 0; i < size; i++)
        out[i] = (char)(i * 7 + i / 1000);
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 1);
    struct store_result result = {.task = 1, .out = out, .out_bytes = size};
    assert_int_equal(store_add_result(s, &result, NULL), 0);
    store_close(s);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM outputs"), 3);

    struct reader *r = open_reader();
    struct rows *rows;
    const struct task_row *row;
    for (size_t max = 10; max != 0; max = max == 10 ? SIZE_MAX : 0) {
        assert_int_equal(reader_rows(r, ROWS_ALL, max, &rows, NULL), 0);
        assert_int_equal(rows_next(rows, &row, NULL), 0);
        assert_int_equal(row->out.size, max < size ? max : size);
        assert_memory_equal(row->out.data, out, row->out.size);
        rows_close(rows);
    }
    reader_close(r);
    free(out);
}

static void a_result_is_recorded_once(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 2);
    run_file_add_done(s, 1, "first");
    run_file_add_done(s, 1, "second");
    assert_int_equal(store_flush(s, NULL), 0);
    run_file_add_done(s, 1, "third");
    store_close(s);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM results"), 1);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM attempts"), 1);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT bytes = CAST('first' AS BLOB) "
                                               "FROM outputs"),
                     1);
}

static void a_result_of_no_task_is_refused(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    uint64_t task;
    run_file_add_tasks(s, 2);
    struct store_result strange[] = {
        {.task = 0}, {.task = 3}, {.task = 1, .outcome = ROTA_UNTRIED}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_add_result(s, &strange[i], NULL), ROTA_E_ARG);
    assert_int_equal(store_add_task(s, "a", 1, &task, NULL), ROTA_E_ARG);
    assert_int_equal(store_add_task(s, "", 0, &task, NULL), ROTA_E_ARG);
    store_close(s);
}

/* --- groups --------------------------------------------------------------- */

static void results_are_committed_in_groups(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    struct reader_summary sum;
    struct reader *r;
    run_file_add_tasks(s, STORE_GROUP_RESULTS);
    for (int i = 1; i < STORE_GROUP_RESULTS; i++)
        run_file_add_done(s, (uint64_t)i, NULL);

    pid_t pid = fork(); /* who reads is another process (lock.h) */
    if (pid == 0) {
        r = open_reader();
        _exit(reader_summarize(r, 0, &sum, NULL) != 0 || sum.ended[ROTA_DONE] != 0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    run_file_add_done(s, STORE_GROUP_RESULTS, NULL);
    assert_true(store_due_ns(s) == INT64_MAX);
    store_close(s);
}

/* Commits that follow one another at once would take all of the time. */
static void a_group_grows_while_commits_rest(void **state)
{
    (void)state;
    enum {
        MANY = 20 * STORE_GROUP_RESULTS,
    };
    int commits = 0;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, MANY);
    assert_int_equal(store_flush(s, NULL), 0);
    for (int i = 1; i <= MANY; i++) {
        run_file_add_done(s, (uint64_t)i, NULL);
        commits += store_due_ns(s) == INT64_MAX;
    }
    assert_true(commits < MANY / STORE_GROUP_RESULTS);
    store_close(s);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM results"), MANY);
}

static void a_group_waits_a_tenth_of_a_second(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    int64_t now = INT64_C(5000000000);
    run_file_add_tasks(s, 1);
    assert_int_equal(store_tick(s, now, NULL), 0);
    assert_true(store_due_ns(s) == INT64_MAX);
    run_file_add_done(s, 1, NULL);
    int64_t due = store_due_ns(s); /* later where the disk is slow */
    assert_true(due >= now + STORE_GROUP_NS);
    assert_true(due <= now + 2 * NS_PER_SEC);
    assert_int_equal(store_tick(s, due - 1, NULL), 0);
    assert_true(store_due_ns(s) == due);
    assert_int_equal(store_tick(s, due, NULL), 0);
    assert_true(store_due_ns(s) == INT64_MAX);
    store_close(s);
}

/* --- resuming ------------------------------------------------------------- */

static void what_is_left_comes_in_order(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 1000);
    assert_int_equal(store_listed(s, NULL), 0);
    for (uint64_t task = 1; task <= 1000; task++)
        if (task % 3 != 0)
            run_file_add_done(s, task, NULL);
    store_close(s);

    s = run_file_resume(FILE_NAME);
    uint64_t task = 0;
    const char *arguments;
    size_t size;
    assert_int_equal(store_tasks(s), 1000);
    assert_true(store_is_listed(s));
    for (uint64_t wanted = 3; wanted <= 1000; wanted += 3) {
        assert_int_equal(store_next_left(s, task, &task, &arguments, &size, NULL), 0);
        assert_int_equal(task, wanted);
        assert_int_equal(size, strlen(arguments) + 1);
        assert_int_equal(atoi(arguments + strlen("argument ")), (int)wanted);
    }
    assert_int_equal(store_next_left(s, task, &task, &arguments, &size, NULL),
                     ROTA_E_NOTFOUND);
    store_close(s);
}

static void what_is_added_later_is_left_too(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    uint64_t task = 0;
    const char *arguments;
    size_t size;
    assert_int_equal(store_next_left(s, 0, &task, &arguments, &size, NULL),
                     ROTA_E_NOTFOUND);
    run_file_add_tasks(s, 1);
    assert_int_equal(store_next_left(s, 0, &task, &arguments, &size, NULL), 0);
    run_file_add_tasks(s, 1);
    assert_int_equal(store_next_left(s, task, &task, &arguments, &size, NULL), 0);
    assert_int_equal(task, 2);
    store_close(s);
}

static void what_failed_can_be_tried_again(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    uint64_t count;
    uint64_t task;
    const char *arguments;
    size_t size;
    struct store_result failed = {
        .task = 2, .outcome = ROTA_CRASHED, .code = 9, .out = "x", .out_bytes = 1};
    run_file_add_tasks(s, 3);
    run_file_add_done(s, 1, NULL);
    run_file_add_done(s, 3, NULL);
    assert_int_equal(store_add_result(s, &failed, NULL), 0);
    assert_int_equal(store_next_left(s, 0, &task, &arguments, &size, NULL),
                     ROTA_E_NOTFOUND);
    store_close(s);

    s = run_file_resume(FILE_NAME);
    assert_int_equal(store_retry_failed(s, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(store_next_left(s, 0, &task, &arguments, &size, NULL), 0);
    assert_int_equal(task, 2);
    run_file_add_done(s, 2, "good");
    store_close(s);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM attempts "
                                               "WHERE task = 2"),
                     2);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT attempts FROM report "
                                               "WHERE task = 2 AND out = 'good'"),
                     2);
}

static void how_it_was_begun_comes_back(void **state)
{
    (void)state;
    static const char *const names[] = {"n", "rate"};
    struct store *s = run_file_create(FILE_NAME);
    char **words;
    char *folder;
    int count;
    assert_int_equal(store_add_names(s, names, 2, NULL), 0);
    store_close(s);
    struct reader *r = open_reader();
    assert_int_equal(reader_start(r, &folder, &words, &count, NULL), 0);
    assert_string_equal(folder, "/where/it/began");
    assert_int_equal(count, 2);
    assert_string_equal(words[0], "echo");
    assert_string_equal(words[1], "a {}");
    assert_null(words[2]);
    free(words);
    free(folder);
    reader_close(r);

    s = run_file_resume(FILE_NAME);
    assert_int_equal(store_names(s, &words, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(words[1], "rate");
    free(words);
    store_close(s);
}

static void tries_are_numbered_through_all_sessions(void **state)
{
    (void)state;
    struct store_result r = {
        .task = 1, .outcome = ROTA_FAILED, .code = 1, .attempts = 1};
    uint64_t left;
    uint64_t failed;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 2);
    assert_int_equal(store_add_try(s, &r, NULL), 0);
    r.attempts = 2;
    assert_int_equal(store_add_try(s, &r, NULL), 0);
    assert_int_equal(store_count(s, &left, &failed, NULL), 0);
    assert_int_equal(left, 2);
    assert_int_equal(failed, 0);
    store_close(s);
    s = run_file_resume(FILE_NAME);
    r.attempts = 1;
    assert_int_equal(store_add_try(s, &r, NULL), 0);
    r.attempts = 2;
    assert_int_equal(store_add_result(s, &r, NULL), 0);
    assert_int_equal(store_count(s, &left, &failed, NULL), 0);
    assert_int_equal(left, 1);
    assert_int_equal(failed, 1);
    store_close(s);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM attempts"), 4);
    assert_int_equal(
        run_file_count(FILE_NAME, "SELECT attempt FROM results WHERE task = 1"), 4);
}

static void recent_is_what_the_last_session_has_ended(void **state)
{
    (void)state;
    struct reader_summary sum;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 3);
    run_file_add_done(s, 1, NULL);
    run_file_add_done(s, 2, NULL);
    store_close(s);
    s = run_file_resume(FILE_NAME);
    run_file_add_done(s, 3, NULL);
    store_close(s);
    struct reader *r = open_reader();
    assert_int_equal(reader_summarize(r, 0, &sum, NULL), 0);
    assert_int_equal(sum.ended[ROTA_DONE], 3);
    assert_int_equal(sum.recent, 1);
    reader_close(r);
}

static void sessions_and_workers_are_told(void **state)
{
    (void)state;
    struct reader_summary sum;
    struct reader_worker *workers;
    int count;
    store_close(run_file_create(FILE_NAME)); /* as one that died */
    struct reader *r = open_reader();
    assert_int_equal(reader_summarize(r, 0, &sum, NULL), 0);
    assert_string_equal(sum.command, "echo 'a {}'");
    assert_false(sum.written);
    assert_int_equal(sum.last.session, 1);
    assert_int_equal(sum.last.pid, getpid());
    assert_int_equal(sum.last.ended_ns, 0);
    reader_close(r);

    struct store *s = run_file_resume(FILE_NAME);
    assert_int_equal(store_worker_came(s, 1, "a", 2, NULL), 0);
    assert_int_equal(store_worker_came(s, 2, "b", 2, NULL), 0);
    assert_int_equal(store_worker_went(s, 1, "vanished", NULL), 0);
    assert_int_equal(store_event(s, "something happened", NULL), 0);
    assert_int_equal(store_end(s, 3, "no worker is left", NULL), 0);
    store_close(s);
    r = open_reader();
    assert_int_equal(reader_summarize(r, 0, &sum, NULL), 0);
    assert_int_equal(sum.last.session, 2);
    assert_int_equal(sum.last.status, 3);
    assert_true(sum.last.ended_ns >= sum.last.started_ns);
    assert_string_equal(sum.last.how, "no worker is left");
    assert_int_equal(reader_workers(r, 2, &workers, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_string_equal(workers[0].how, "vanished");
    assert_true(workers[0].went_ns > 0);
    assert_int_equal(workers[1].went_ns, 0);
    free(workers);
    reader_close(r);
}

#define TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, run_file_setup, run_file_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_run_file_is_its_owners_alone),
        TEST(what_is_recorded_is_read_again),
        TEST(an_output_of_several_parts_is_one),
        TEST(a_result_is_recorded_once),
        TEST(a_result_of_no_task_is_refused),
        TEST(results_are_committed_in_groups),
        TEST(a_group_grows_while_commits_rest),
        TEST(a_group_waits_a_tenth_of_a_second),
        TEST(what_is_left_comes_in_order),
        TEST(what_is_added_later_is_left_too),
        TEST(what_failed_can_be_tried_again),
        TEST(how_it_was_begun_comes_back),
        TEST(tries_are_numbered_through_all_sessions),
        TEST(recent_is_what_the_last_session_has_ended),
        TEST(sessions_and_workers_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
