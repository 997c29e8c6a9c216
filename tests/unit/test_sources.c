/* test_sources.c - cli/sources: rows of arguments, from one source and several */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/sources.h"

enum {
    SOURCES_MAX = 4,
    WORDS_MAX = 8,
};

/* Lists of words: each ends with NULL. */
struct lists {
    char *words[SOURCES_MAX][WORDS_MAX];
    struct source_spec specs[SOURCES_MAX];
    int count;
};

/* Add a source: its words in one text, separated by blanks. */
static void add(struct lists *l, const char *text, bool linked)
{
    char **words = l->words[l->count];
    char *copy = strdup(text);
    int n = 0;
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[n++] = strdup(word);
    free(copy);
    l->specs[l->count++] =
        (struct source_spec){.list = words, .count = n, .linked = linked};
}

static void lists_done(struct lists *l)
{
    for (int i = 0; i < SOURCES_MAX; i++)
        for (int j = 0; j < WORDS_MAX; j++)
            free(l->words[i][j]);
}

/* Append a row as "[a b]". */
static void show(char *to, struct row row)
{
    strcat(to, "[");
    for (int i = 0; i < row.count; i++) {
        strcat(to, i > 0 ? " " : "");
        strcat(to, row.values[i]);
    }
    strcat(to, "]");
}

static void expect_rows(struct sources *s, const char *wanted)
{
    char got[512] = "";
    struct row row;
    int rc;
    while ((rc = sources_next(s, &row, NULL)) == 0)
        show(got, row);
    assert_int_equal(rc, ROTA_E_NOTFOUND);
    assert_string_equal(got, wanted);
    assert_int_equal(sources_next(s, &row, NULL), ROTA_E_NOTFOUND);
}

static void expect(struct lists *l, struct sources_options options, const char *wanted)
{
    rota_auto(sources) struct sources *s = NULL;
    assert_int_equal(sources_open(l->specs, l->count, &options, &s, NULL), 0);
    expect_rows(s, wanted);
    lists_done(l);
}

static const struct sources_options plain = {.rows = 0};

static void one_source_gives_a_row_for_each(void **state)
{
    (void)state;
    struct lists l = {.count = 0};
    add(&l, "a b c", false);
    expect(&l, plain, "[a][b][c]");
}

static void several_give_every_combination_the_last_fastest(void **state)
{
    (void)state;
    struct lists l = {.count = 0};
    add(&l, "a b", false);
    add(&l, "1 2 3", false);
    add(&l, "x y", false);
    expect(&l, plain,
           "[a 1 x][a 1 y][a 2 x][a 2 y][a 3 x][a 3 y]"
           "[b 1 x][b 1 y][b 2 x][b 2 y][b 3 x][b 3 y]");
}

static void linked_ones_go_along_until_either_ends(void **state)
{
    (void)state;
    struct lists l = {.count = 0};
    add(&l, "a b c", false);
    add(&l, "1 2", true);
    add(&l, "x y", false);
    expect(&l, plain, "[a 1 x][a 1 y][b 2 x][b 2 y]");
    struct lists second = {.count = 0};
    add(&second, "a b", false);
    add(&second, "1 2", false);
    add(&second, "x y z", true);
    expect(&second, plain, "[a 1 x][a 2 y][b 1 x][b 2 y]");
}

static void where_all_are_linked_the_shorter_begin_again(void **state)
{
    (void)state;
    struct lists l = {.count = 0};
    struct sources_options o = {.link_all = true};
    add(&l, "a b c d e", false);
    add(&l, "1 2", false);
    add(&l, "x", false);
    expect(&l, o, "[a 1 x][b 2 x][c 1 x][d 2 x][e 1 x]");
}

static void a_source_of_nothing_is_one_empty_argument(void **state)
{
    (void)state;
    struct lists l = {.count = 0};
    add(&l, "a b", false);
    add(&l, "", false);
    expect(&l, plain, "[a ][b ]");
    struct lists alone = {.count = 0};
    add(&alone, "", false);
    expect(&alone, plain, "");
    struct lists both = {.count = 0};
    add(&both, "", false);
    add(&both, "", false);
    expect(&both, plain, "");
}

static void a_name_stands_above_each_column(void **state)
{
    (void)state;
    rota_auto(sources) struct sources *s = NULL;
    struct lists l = {.count = 0};
    struct sources_options o = {.header = ":", .colsep = ","};
    struct row row;
    char names[64] = "";
    add(&l, "x,y 1,2 3,4", false);
    add(&l, "z 5", false);
    assert_int_equal(sources_open(l.specs, l.count, &o, &s, NULL), 0);
    assert_int_equal(sources_next(s, &row, NULL), 0);
    show(names, sources_names(s));
    assert_string_equal(names, "[x y z]");
    show(names, row);
    assert_string_equal(names, "[x y z][1 2 5]");
    expect_rows(s, "[3 4 5]");
    lists_done(&l);
}

static void columns_are_what_a_regular_expression_separates(void **state)
{
    (void)state;
    struct lists l = {.count = 0};
    struct sources_options o = {.colsep = "[,;]+"};
    add(&l, "a,b;;c d ,e,", false);
    expect(&l, o, "[a b c][d][ e ]");
    rota_auto(sources) struct sources *s = NULL;
    struct rota_error err;
    o.colsep = "(";
    assert_int_equal(sources_open(l.specs, 0, &o, &s, &err), ROTA_E_ARG);
    assert_non_null(strstr(err.text, "'('"));
}

static void blanks_are_cut_off_where_that_is_wanted(void **state)
{
    (void)state;
    char blank[] = " \t", word[] = " a ";
    char *list[] = {blank, word};
    const struct {
        enum sources_trim trim;
        const char *wanted;
    } cases[] = {{TRIM_NONE, "[ \t][ a ]"},
                 {TRIM_LEFT, "[][a ]"},
                 {TRIM_RIGHT, "[][ a]"},
                 {TRIM_BOTH, "[][a]"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lists l = {.specs = {{.list = list, .count = 2}}, .count = 1};
        expect(&l, (struct sources_options){.trim = cases[i].trim}, cases[i].wanted);
    }
    struct lists l = {.specs = {{.list = list, .count = 2}}, .count = 1};
    expect(&l, (struct sources_options){.skip_empty = true}, "[ a ]");
}

static void several_rows_make_one(void **state)
{
    (void)state;
    struct lists l = {.count = 0};
    add(&l, "a b c d e", false);
    expect(&l, (struct sources_options){.rows = 2}, "[a b][c d][e]");
}

static void how_many_are_left_is_known_of_lists(void **state)
{
    (void)state;
    rota_auto(sources) struct sources *s = NULL;
    struct lists l = {.count = 0};
    struct row row;
    add(&l, "a b", false);
    add(&l, "1 2 3", false);
    assert_int_equal(sources_open(l.specs, l.count, &plain, &s, NULL), 0);
    for (int left = 5; left >= 0; left--) {
        assert_int_equal(sources_next(s, &row, NULL), 0);
        assert_int_equal(sources_left(s), left);
    }
    lists_done(&l);
}

/* A source that is read from a pipe, by its name. */
struct piped {
    char name[32];
    int read_end;
    int write_end;
};

static void pipe_open(struct piped *p)
{
    int fds[2];
    assert_return_code(pipe2(fds, O_CLOEXEC), 0);
    p->read_end = fds[0];
    p->write_end = fds[1];
    snprintf(p->name, sizeof(p->name), "/dev/fd/%d", fds[0]);
}

static void what_is_read_comes_as_it_is_written(void **state)
{
    (void)state;
    rota_auto(sources) struct sources *s = NULL;
    struct piped first, second;
    struct row row;
    char got[64] = "";
    pipe_open(&first);
    pipe_open(&second);
    const struct source_spec specs[] = {{.file = first.name}, {.file = second.name}};
    assert_int_equal(sources_open(specs, 2, &plain, &s, NULL), 0);
    assert_int_equal(write(first.write_end, "a\n", 2), 2);
    assert_int_equal(sources_next(s, &row, NULL), ROTA_E_TIMEOUT);
    assert_int_equal(write(second.write_end, "1\n2\n", 4), 4);
    assert_int_equal(sources_next(s, &row, NULL), ROTA_E_TIMEOUT);
    close(second.write_end); /* the second one is needed whole, the first is not */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sources_next(s, &row, NULL), 0);
        show(got, row);
    }
    assert_string_equal(got, "[a 1][a 2]");
    assert_int_equal(sources_next(s, &row, NULL), ROTA_E_TIMEOUT);
    assert_int_equal(sources_left(s), -1);
    assert_int_equal(write(first.write_end, "b", 1), 1);
    close(first.write_end);
    expect_rows(s, "[b 1][b 2]");
    close(first.read_end);
    close(second.read_end);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    rota_auto(sources) struct sources *s = NULL;
    struct rota_error err;
    const struct source_spec spec = {.file = "/no/such/list"};
    assert_int_equal(sources_open(&spec, 1, &plain, &s, &err), ROTA_E_IO);
    assert_non_null(strstr(err.text, "'/no/such/list'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_source_gives_a_row_for_each),
        cmocka_unit_test(several_give_every_combination_the_last_fastest),
        cmocka_unit_test(linked_ones_go_along_until_either_ends),
        cmocka_unit_test(where_all_are_linked_the_shorter_begin_again),
        cmocka_unit_test(a_source_of_nothing_is_one_empty_argument),
        cmocka_unit_test(a_name_stands_above_each_column),
        cmocka_unit_test(columns_are_what_a_regular_expression_separates),
        cmocka_unit_test(blanks_are_cut_off_where_that_is_wanted),
        cmocka_unit_test(several_rows_make_one),
        cmocka_unit_test(how_many_are_left_is_known_of_lists),
        cmocka_unit_test(what_is_read_comes_as_it_is_written),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
