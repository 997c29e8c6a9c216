/* test_run_dir.c - cli/run_dir: a folder for all run files; cli/words */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scratch.h"
#include "cli/run_dir.h"
#include "cli/words.h"

static char *scratch;
static char folder[600];

static int setup(void **state)
{
    (void)state;
    int rc = scratch_make(&scratch);
    if (rc == 0)
        snprintf(folder, sizeof(folder), "%s/runs", scratch);
    return rc ? rc : setenv("ROTA_RUN_DIR", folder, 1);
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(scratch, NULL);
    unsetenv("TMPDIR");
    return unsetenv("ROTA_RUN_DIR");
}

static void touch(const char *path)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fclose(f);
}

static void assert_named(const char *command, const char *ending)
{
    char *path = NULL;
    assert_int_equal(run_dir_new(command, &path, NULL), 0);
    assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
    const char *name = path + strlen(folder) + 1;
    assert_int_equal(strlen(name), strlen("2026-11-22_18.30.15.250_") + strlen(ending));
    assert_string_equal(name + strlen("2026-11-22_18.30.15.250_"), ending);
    free(path);
}

static void a_file_is_named_by_its_time_and_command(void **state)
{
    (void)state;
    assert_named("gzip", "gzip.db");
    assert_named("/usr/bin/gzip", "gzip.db");
    assert_named("sort {} | uniq -c > /tmp/x", "sort.db");
    assert_named("$HOME/a;b", "a-b.db");
    assert_named(NULL, "commands.db");
    assert_named("a-command-with-a-name-that-is-longer-than-anybody-would-read",
                 "a-command-with-a-name-that-is-longer-tha.db");
}

static void the_newest_is_the_last_that_was_begun(void **state)
{
    (void)state;
    char other[700];
    char *newest;
    for (int i = 0; i < 20; i++) {
        char *path;
        assert_int_equal(run_dir_new(i % 2 ? "a" : "b", &path, NULL), 0);
        touch(path);
        snprintf(other, sizeof(other), "%s/zzz.db", folder);
        touch(other);
        snprintf(other, sizeof(other), "%s-journal", path);
        touch(other);
        assert_int_equal(run_dir_newest(&newest, NULL), 0);
        assert_string_equal(newest, path);
        free(newest);
        free(path);
    }
}

static void without_a_folder_there_is_no_name(void **state)
{
    (void)state;
    struct rota_error err;
    char *path = NULL;
    char *blocked;
    unsetenv("ROTA_RUN_DIR");
    assert_false(run_dir_is_set());
    assert_int_equal(run_dir_new("a", &path, &err), 0);
    assert_null(path);
    assert_int_equal(run_dir_newest(&path, &err), ROTA_E_ARG);
    assert_non_null(strstr(err.text, "no run file: name one, or set ROTA_RUN_DIR"));
    setenv("ROTA_RUN_DIR", folder, 1);
    assert_int_equal(run_dir_newest(&path, &err), ROTA_E_IO);
    assert_int_equal(run_dir_new("a", &path, &err), 0);
    free(path);
    assert_int_equal(run_dir_newest(&path, &err), ROTA_E_NOTFOUND);
    assert_true(asprintf(&blocked, "%s/not/there", scratch) > 0);
    setenv("ROTA_RUN_DIR", blocked, 1);
    assert_int_equal(run_dir_new("a", &path, &err), ROTA_E_IO);
    assert_non_null(strstr(err.text, "cannot make ROTA_RUN_DIR"));
    free(blocked);
}

static void words_go_between_others(void **state)
{
    (void)state;
    static char a[] = "a", b[] = "b", c[] = "", d[] = "d d";
    char *words[] = {a, b};
    char *more[] = {c, d};
    char **all = words_insert(words, 2, 1, more, 2);
    assert_int_equal(words_count(all), 4);
    assert_string_equal(all[0], "a");
    assert_string_equal(all[1], "");
    assert_string_equal(all[2], "d d");
    assert_string_equal(all[3], "b");
    free(all);
    all = words_insert(words, 0, 0, more, 0);
    assert_int_equal(words_count(all), 0);
    free(all);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_named_by_its_time_and_command),
        TEST(the_newest_is_the_last_that_was_begun),
        TEST(without_a_folder_there_is_no_name),
        cmocka_unit_test(words_go_between_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
