/* run_file.c - what the tests of the run file have in common */
#include "run_file.h"

#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scratch.h"

static char version[] = "test";
static char word_run[] = "echo";
static char word_place[] = "a {}";
static char *const words[] = {word_run, word_place};

const struct store_start run_file_start = {
    .version = version,
    .command = "echo 'a {}'",
    .folder = "/where/it/began",
    .words = words,
    .word_count = 2,
};

static char *folder;
static char *before; /* TMPDIR */

int run_file_setup(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    before = tmp ? strdup(tmp) : NULL;
    return scratch_make(&folder);
}

int run_file_teardown(void **state)
{
    (void)state;
    scratch_remove(folder, NULL);
    if (before != NULL)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
    free(before);
    return 0;
}

const char *run_file_path(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

struct store *run_file_create(const char *path)
{
    struct store *s = NULL;
    struct rota_error err = {0};
    int rc = store_create(path, &run_file_start, &s, &err);
    if (rc != 0)
        fail_msg("%s", err.text);
    return s;
}

struct store *run_file_resume(const char *path)
{
    struct store *s = NULL;
    struct rota_error err = {0};
    int rc = store_resume(path, &run_file_start, &s, &err);
    if (rc != 0)
        fail_msg("%s", err.text);
    return s;
}

void run_file_add_tasks(struct store *s, int count)
{
    for (int i = 1; i <= count; i++) {
        char argument[32];
        uint64_t task;
        int n = snprintf(argument, sizeof(argument), "argument %d", i);
        assert_int_equal(store_add_task(s, argument, (size_t)n + 1, &task, NULL), 0);
    }
}

void run_file_add_done(struct store *s, uint64_t task, const char *out)
{
    struct store_result r = {
        .task = task,
        .outcome = ROTA_DONE,
        .rank = 1,
        .took_ns = 2000000,
        .out = out,
        .out_bytes = out ? strlen(out) : 0,
    };
    assert_int_equal(store_add_result(s, &r, NULL), 0);
}

int64_t run_file_count(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

void run_file_assert_sound(const char *path)
{
    assert_int_equal(
        run_file_count(path,
                       "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
        1);
}
