/* test_store_refusal.c - store: files that it won't open, and what it says of them */
#include "unit.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_file.h"
#include "store/read.h"

#define FILE_NAME run_file_path("run.db")

/* Neither resumes nor reads; what is said holds `text`. */
static void expect_refused(const char *path, int code, const char *text)
{
    struct store *s = NULL;
    struct reader *r = NULL;
    struct rota_error err = {0};
    assert_int_equal(store_resume(path, &run_file_start, &s, &err), code);
    assert_null(s);
    assert_int_equal(err.code, code);
    if (strstr(err.text, text) == NULL || strstr(err.text, path) == NULL)
        fail_msg("it says: %s", err.text);
    assert_int_equal(reader_open(path, &r, &err), code);
    assert_null(r);
    if (strstr(err.text, text) == NULL)
        fail_msg("it says: %s", err.text);
}

static void expect_not_created(const char *path, int code, const char *text)
{
    struct store *s = NULL;
    struct rota_error err = {0};
    assert_int_equal(store_create(path, &run_file_start, &s, &err), code);
    assert_null(s);
    if (strstr(err.text, text) == NULL || strstr(err.text, path) == NULL)
        fail_msg("it says: %s", err.text);
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static void assert_holds(const char *path, const char *bytes, size_t size)
{
    char got[8192];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof(got), f), size);
    fclose(f);
    assert_memory_equal(got, bytes, size);
}

static void change(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void what_is_not_there_is_not_opened(void **state)
{
    (void)state;
    expect_refused(FILE_NAME, ROTA_E_IO, "No such file or directory; check its name");
    assert_int_not_equal(access(FILE_NAME, F_OK), 0);
    expect_not_created(run_file_path("no/run.db"), ROTA_E_IO, "folder is there");
    expect_not_created("/sys/run.db", ROTA_E_IO, "choose a place");
    expect_not_created(run_file_path("."), ROTA_E_IO, "directory");
    expect_refused("/dev/null", ROTA_E_FORMAT, "/dev/null");
}

static void another_programs_file_stays_as_it_is(void **state)
{
    (void)state;
    const char *text = "these are somebody's notes, and not to be lost\n";
    char blank[5000] = "";
    write_file(FILE_NAME, text, strlen(text));
    expect_refused(FILE_NAME, ROTA_E_FORMAT, "it is no run file");
    expect_not_created(FILE_NAME, ROTA_E_FORMAT, "it is no run file");
    assert_holds(FILE_NAME, text, strlen(text));

    memset(blank, ' ', sizeof(blank));
    write_file(FILE_NAME, blank, sizeof(blank));
    expect_refused(FILE_NAME, ROTA_E_FORMAT, "it is no run file");
    expect_not_created(FILE_NAME, ROTA_E_FORMAT, "it is no run file");
    assert_holds(FILE_NAME, blank, sizeof(blank));

    unlink(FILE_NAME);
    change(FILE_NAME, "CREATE TABLE t (a)");
    expect_refused(FILE_NAME, ROTA_E_FORMAT, "it is no run file");
    expect_not_created(FILE_NAME, ROTA_E_FORMAT, "it is no run file");
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM t"), 0);
}

/* As one whose process died while it was filled for the first time. */
static void leave_half_filled(void)
{
    unlink(FILE_NAME);
    pid_t pid = fork();
    if (pid == 0) {
        sqlite3 *db;
        if (sqlite3_open(FILE_NAME, &db) == SQLITE_OK &&
            sqlite3_exec(db,
                         "PRAGMA cache_size = 1; BEGIN IMMEDIATE; CREATE TABLE t (a);"
                         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                         "n WHERE i < 200) INSERT INTO t SELECT randomblob(999) FROM n",
                         NULL, NULL, NULL) == SQLITE_OK)
            _exit(0);
        _exit(1);
    }
    int status;
    struct stat st;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_return_code(stat(FILE_NAME, &st), 0);
    assert_true(st.st_size > 0);
}

static void what_was_never_filled_is_begun_anew(void **state)
{
    (void)state;
    leave_half_filled();
    expect_refused(FILE_NAME, ROTA_E_FORMAT, "give the whole command again");
    leave_half_filled();
    store_close(run_file_create(FILE_NAME));
    run_file_assert_sound(FILE_NAME);
}

static void an_empty_file_is_as_good_as_none(void **state)
{
    (void)state;
    write_file(FILE_NAME, "", 0);
    expect_refused(FILE_NAME, ROTA_E_FORMAT, "it is empty");
    store_close(run_file_create(FILE_NAME));
    run_file_assert_sound(FILE_NAME);
}

static void a_run_file_is_not_begun_twice(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 3);
    store_close(s);
    expect_not_created(FILE_NAME, ROTA_E_STATE, "goes on with it, another name");
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM tasks"), 3);
}

static void a_newer_versions_file_is_refused(void **state)
{
    (void)state;
    store_close(run_file_create(FILE_NAME));
    change(FILE_NAME, "PRAGMA user_version = 2");
    expect_refused(FILE_NAME, ROTA_E_FORMAT, "a newer Rota wrote it (format 2, this");
    expect_not_created(FILE_NAME, ROTA_E_FORMAT, "a newer Rota wrote it");
}

static void a_damaged_file_is_named(void **state)
{
    (void)state;
    store_close(run_file_create(FILE_NAME));
    change(FILE_NAME, "DROP TABLE tasks");
    struct store *s = NULL;
    struct rota_error err = {0};
    assert_int_equal(store_resume(FILE_NAME, &run_file_start, &s, &err), ROTA_E_FORMAT);
    assert_non_null(strstr(err.text, "it is damaged"));
    assert_non_null(strstr(err.text, ".recover"));
}

static void a_task_that_stands_there_twice_is_damage(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 3);
    store_close(s);
    change(FILE_NAME, "CREATE TABLE once AS SELECT * FROM tasks; DROP TABLE tasks;"
                      "CREATE TABLE tasks AS SELECT * FROM once UNION ALL "
                      "SELECT * FROM once WHERE task = 2");
    struct reader *r = NULL;
    struct rows *rows = NULL;
    const struct task_row *row;
    struct rota_error err = {0};
    assert_int_equal(reader_open(FILE_NAME, &r, &err), 0);
    assert_int_equal(reader_rows(r, ROWS_ALL, 0, &rows, &err), 0);
    assert_int_equal(rows_next(rows, &row, &err), ROTA_E_FORMAT);
    assert_non_null(strstr(err.text, "it is damaged"));
    rows_close(rows);
    reader_close(r);
}

/* Whatever stands in the file: an error or an answer, and an end. */
static void any_page_may_be_nonsense(void **state)
{
    (void)state;
    struct stat st;
    struct store *s = run_file_create(FILE_NAME);
    run_file_add_tasks(s, 500);
    for (uint64_t task = 1; task <= 400; task++)
        run_file_add_done(s, task, "some output");
    store_close(s);
    assert_int_equal(stat(FILE_NAME, &st), 0);
    for (off_t at = 0; at < st.st_size; at += 509) {
        FILE *f = fopen(FILE_NAME, "r+");
        unsigned char old[16];
        unsigned char bad[16];
        struct reader *r = NULL;
        struct rows *rows = NULL;
        const struct task_row *row;
        struct reader_summary sum;
        fseek(f, at, SEEK_SET);
        size_t size = fread(old, 1, sizeof(old), f);
        for (size_t i = 0; i < size; i++)
            bad[i] = (unsigned char)(~old[i] + (unsigned char)i);
        fseek(f, at, SEEK_SET);
        fwrite(bad, 1, size, f);
        fflush(f);
        if (reader_open(FILE_NAME, &r, NULL) == 0) {
            reader_summarize(r, 0, &sum, NULL);
            if (reader_rows(r, ROWS_ALL, SIZE_MAX, &rows, NULL) == 0)
                while (rows_next(rows, &row, NULL) == 0)
                    continue;
        }
        rows_close(rows);
        reader_close(r);
        fseek(f, at, SEEK_SET);
        fwrite(old, 1, size, f);
        fclose(f);
    }
    run_file_assert_sound(FILE_NAME);
}

/* A process that holds the run file open until it is killed. */
static pid_t hold(const char *path)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct store *s = NULL;
        if (store_resume(path, &run_file_start, &s, NULL) == 0)
            (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void a_second_run_is_refused_while_the_first_lives(void **state)
{
    (void)state;
    struct reader_summary sum;
    struct reader *r;
    struct store *s = NULL;
    struct rota_error err = {0};
    char who[64];
    int status;
    store_close(run_file_create(FILE_NAME));
    pid_t pid = hold(FILE_NAME);
    snprintf(who, sizeof(who), "a run writes to it (process %d on ", (int)pid);
    assert_int_equal(store_resume(FILE_NAME, &run_file_start, &s, &err), ROTA_E_STATE);
    if (strstr(err.text, who) == NULL)
        fail_msg("it says: %s", err.text);
    expect_not_created(FILE_NAME, ROTA_E_STATE, who);

    assert_int_equal(reader_open(FILE_NAME, &r, NULL), 0);
    assert_int_equal(reader_summarize(r, 0, &sum, NULL), 0);
    assert_true(sum.written);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    assert_int_equal(reader_summarize(r, 0, &sum, NULL), 0);
    assert_false(sum.written);
    assert_int_equal(sum.last.ended_ns, 0);
    reader_close(r);

    s = run_file_resume(FILE_NAME);
    store_close(s);
}

#define TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, run_file_setup, run_file_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_there_is_not_opened),
        TEST(another_programs_file_stays_as_it_is),
        TEST(an_empty_file_is_as_good_as_none),
        TEST(what_was_never_filled_is_begun_anew),
        TEST(a_run_file_is_not_begun_twice),
        TEST(a_newer_versions_file_is_refused),
        TEST(a_damaged_file_is_named),
        TEST(a_task_that_stands_there_twice_is_damage),
        TEST(any_page_may_be_nonsense),
        TEST(a_second_run_is_refused_while_the_first_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
