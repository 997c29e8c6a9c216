/* test_list.c - cli/list: the list of a run, through its run file */
#include "run_file.h"
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/list.h"

#define FILE_NAME run_file_path("run.db")

/* A list of "a 1", "a 2", ... in two columns. */
struct script {
    int rows; /* how many there are, */
    int come; /* and have come: for others it is too early */
    int given;
    int fail_at; /* the row before which reading fails; 0: none */
    const char *first;
    char number[16];
    const char *values[2];
};

static int script_read(void *ctx, struct row *out, struct rota_error *err)
{
    struct script *s = ctx;
    if (s->fail_at > 0 && s->given + 1 == s->fail_at) {
        snprintf(err->text, sizeof(err->text), "broken");
        err->code = ROTA_E_IO;
        return ROTA_E_IO;
    }
    if (s->given == s->rows)
        return ROTA_E_NOTFOUND;
    if (s->given == s->come)
        return ROTA_E_TIMEOUT;
    snprintf(s->number, sizeof(s->number), "%d", ++s->given);
    s->values[0] = s->first ? s->first : "a";
    s->values[1] = s->number;
    *out = (struct row){.values = s->values, .count = 2};
    return 0;
}

static struct row script_names(void *ctx)
{
    static const char *const names[] = {"letter", "n"};
    (void)ctx;
    return (struct row){.values = names, .count = 2};
}

static struct list *open_list(struct store *s, struct script *script)
{
    struct list_options o = {.store = s,
                             .read = script ? script_read : NULL,
                             .names = script_names,
                             .ctx = script};
    struct list *l;
    assert_int_equal(list_open(&o, &l, NULL), 0);
    return l;
}

static void assert_next(struct list *l, uint64_t task)
{
    struct row row;
    uint64_t number;
    char text[24];
    assert_int_equal(list_next(l, &row, &number, NULL), 0);
    assert_int_equal(number, task);
    assert_int_equal(row.count, 2);
    assert_string_equal(row.values[0], "a");
    snprintf(text, sizeof(text), "%" PRIu64, task);
    assert_string_equal(row.values[1], text);
}

static int next(struct list *l)
{
    struct row row;
    uint64_t number;
    return list_next(l, &row, &number, NULL);
}

/* Until all of it is in the file. No test has a list for which this would be long. */
static void read_ahead(struct list *l)
{
    int64_t deadline_ns = clock_now_ns() + 30 * NS_PER_SEC;
    while (!list_is_whole(l)) {
        assert_true(clock_now_ns() < deadline_ns);
        list_tick(l);
    }
}

static void rows_come_in_order_with_their_numbers(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    struct script script = {.rows = 3, .come = 1};
    struct list *l = open_list(s, &script);
    assert_next(l, 1);
    assert_int_equal(next(l), ROTA_E_TIMEOUT);
    assert_int_equal(list_left(l), -1);
    script.come = 3;
    assert_next(l, 2);
    assert_next(l, 3);
    assert_int_equal(next(l), ROTA_E_NOTFOUND);
    assert_true(list_is_whole(l));
    assert_int_equal(list_left(l), 0);
    assert_null(list_trouble(l));
    list_close(l);
    store_close(s);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM tasks"), 3);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM names"), 2);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT listed FROM run"), 1);
}

/* Far more than memory is to hold, and all of it in its order. */
static void what_is_read_ahead_comes_back_from_the_file(void **state)
{
    (void)state;
    enum {
        ROWS = 30000,
    };
    struct store *s = run_file_create(FILE_NAME);
    struct script script = {.rows = ROWS, .come = ROWS};
    struct list *l = open_list(s, &script);
    assert_next(l, 1);
    read_ahead(l);
    assert_int_equal(list_left(l), ROWS - 1);
    for (uint64_t task = 2; task <= ROWS; task++)
        assert_next(l, task);
    assert_int_equal(next(l), ROTA_E_NOTFOUND);
    list_close(l);
    store_close(s);
}

/* Reading and giving by turns, at every distance. */
static void no_row_is_lost_between_memory_and_file(void **state)
{
    (void)state;
    enum {
        ROWS = 40000,
    };
    struct store *s = run_file_create(FILE_NAME);
    struct script script = {.rows = ROWS, .come = ROWS};
    struct list *l = open_list(s, &script);
    uint64_t task = 0;
    for (int turn = 0; task < ROWS; turn++) {
        for (int i = 0; i < turn * 700 && task < ROWS; i++)
            assert_next(l, ++task);
        for (int i = 0; i < 3; i++)
            list_tick(l);
    }
    assert_int_equal(next(l), ROTA_E_NOTFOUND);
    list_close(l);
    store_close(s);
}

static void add_done(struct store *s, uint64_t task)
{
    struct store_result r = {.task = task, .outcome = ROTA_DONE};
    assert_int_equal(store_add_result(s, &r, NULL), 0);
}

/* A run of which `rows` were read, 2 given and 1 is done. */
static void be_cut_off(int rows, bool at_end)
{
    struct store *s = run_file_create(FILE_NAME);
    struct script script = {.rows = at_end ? rows : rows + 1, .come = rows};
    struct list *l = open_list(s, &script);
    assert_next(l, 1);
    assert_next(l, 2);
    if (at_end)
        read_ahead(l);
    else
        while (script.given < rows)
            list_tick(l);
    add_done(s, 2);
    list_close(l);
    store_close(s);
}

static void a_resumed_run_gives_what_has_no_result(void **state)
{
    (void)state;
    be_cut_off(4, true);
    struct store *s = run_file_resume(FILE_NAME);
    struct list *l = open_list(s, NULL);
    assert_int_equal(list_left(l), 3);
    assert_next(l, 1);
    assert_next(l, 3);
    assert_next(l, 4);
    assert_int_equal(next(l), ROTA_E_NOTFOUND);
    assert_true(list_is_whole(l));
    list_close(l);
    store_close(s);
}

static void the_rest_of_the_list_is_read_where_it_begins_as_it_did(void **state)
{
    (void)state;
    be_cut_off(4, false);
    struct store *s = run_file_resume(FILE_NAME);
    struct script script = {.rows = 6, .come = 6};
    struct list *l = open_list(s, &script);
    assert_int_equal(list_left(l), -1);
    assert_next(l, 1);
    for (uint64_t task = 3; task <= 6; task++)
        assert_next(l, task);
    assert_int_equal(next(l), ROTA_E_NOTFOUND);
    assert_true(list_is_whole(l));
    list_close(l);
    store_close(s);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM tasks"), 6);
}

static void another_list_is_not_taken_for_the_rest(void **state)
{
    (void)state;
    be_cut_off(4, false);
    struct script others[] = {{.rows = 6, .come = 6, .first = "b"},
                              {.rows = 3, .come = 3}};
    const char *const says[] = {"task 4 was 'a', and is 'b' now", "shorter, by 1 task"};
    for (int i = 0; i < 2; i++) {
        struct store *s = run_file_resume(FILE_NAME);
        struct list *l = open_list(s, &others[i]);
        assert_next(l, 1);
        assert_next(l, 3);
        assert_next(l, 4);
        assert_int_equal(next(l), ROTA_E_NOTFOUND);
        assert_false(list_is_whole(l));
        assert_non_null(list_trouble(l));
        assert_non_null(strstr(list_trouble(l), says[i]));
        list_close(l);
        store_close(s);
    }
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM tasks"), 4);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT listed FROM run"), 0);
}

static void where_the_rest_cannot_be_read_what_is_known_comes(void **state)
{
    (void)state;
    be_cut_off(4, false);
    struct store *s = run_file_resume(FILE_NAME);
    struct list *l = open_list(s, NULL);
    assert_next(l, 1);
    assert_next(l, 3);
    assert_next(l, 4);
    assert_int_equal(next(l), ROTA_E_NOTFOUND);
    assert_false(list_is_whole(l));
    list_close(l);
    store_close(s);
}

static void what_reading_fails_with_comes_behind_what_was_read(void **state)
{
    (void)state;
    struct store *s = run_file_create(FILE_NAME);
    struct script script = {.rows = 5, .come = 5, .fail_at = 3};
    struct list *l = open_list(s, &script);
    struct row row;
    uint64_t number;
    struct rota_error err = {0};
    for (int i = 0; i < 100; i++)
        list_tick(l);
    assert_next(l, 1);
    assert_next(l, 2);
    assert_int_equal(list_next(l, &row, &number, &err), ROTA_E_IO);
    assert_string_equal(err.text, "broken");
    assert_false(list_is_whole(l));
    list_close(l);
    store_close(s);
}

/* What the file cannot take stays in memory, and no more is read. */
static void where_the_file_takes_nothing_no_row_is_lost(void **state)
{
    (void)state;
    enum {
        ROWS = 60000,
    };
    struct store *s = run_file_create(FILE_NAME);
    struct script script = {.rows = ROWS, .come = ROWS};
    struct list *l = open_list(s, &script);
    char away[600];
    snprintf(away, sizeof(away), "%s.away", FILE_NAME);
    assert_next(l, 1);
    assert_int_equal(rename(FILE_NAME, away), 0);
    for (int i = 0; i < 20000; i++)
        list_tick(l);
    assert_true(script.given < ROWS / 2);
    uint64_t task = 1;
    for (; (int)task < script.given; task++)
        assert_next(l, task + 1);
    assert_int_equal(rename(away, FILE_NAME), 0);
    for (; task < ROWS; task++)
        assert_next(l, task + 1);
    assert_int_equal(next(l), ROTA_E_NOTFOUND);
    list_close(l);
    store_close(s);
    assert_int_equal(run_file_count(FILE_NAME, "SELECT count(*) FROM tasks"), ROWS);
}

#define TEST(name)                                                                     \
    cmocka_unit_test_setup_teardown(name, run_file_setup, run_file_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_come_in_order_with_their_numbers),
        TEST(what_is_read_ahead_comes_back_from_the_file),
        TEST(no_row_is_lost_between_memory_and_file),
        TEST(a_resumed_run_gives_what_has_no_result),
        TEST(the_rest_of_the_list_is_read_where_it_begins_as_it_did),
        TEST(another_list_is_not_taken_for_the_rest),
        TEST(where_the_rest_cannot_be_read_what_is_known_comes),
        TEST(what_reading_fails_with_comes_behind_what_was_read),
        TEST(where_the_file_takes_nothing_no_row_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
