/* test_gather.c - cli/gather: as many arguments as a command line takes */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cli/gather.h"

/* Words that come, of which NULL stands for one that has not come yet; and a line that
 * has them all behind four bytes. */
struct list {
    const char *const *words;
    int count;
    int at;
};

static int read_word(void *ctx, struct row *out, struct rota_error *err)
{
    struct list *l = ctx;
    (void)err;
    if (l->at == l->count)
        return ROTA_E_NOTFOUND;
    if (l->words[l->at] == NULL) {
        l->at++;
        return ROTA_E_TIMEOUT;
    }
    *out = (struct row){.values = &l->words[l->at++], .count = 1};
    return 0;
}

static int measure(void *ctx, struct row row, size_t *bytes)
{
    (void)ctx;
    *bytes = 4;
    for (int i = 0; i < row.count; i++)
        *bytes += strlen(row.values[i]) + 1;
    return 0;
}

/* All that is given, in brackets; what is not is said by its code. */
static void gather_all(struct list *l, struct gather_options options, char *text)
{
    struct gather *g;
    struct row row;
    struct rota_error err;
    int rc = 0;
    options.read = read_word;
    options.measure = measure;
    options.ctx = l;
    assert_int_equal(gather_new(&options, &g), 0);
    text[0] = '\0';
    while (rc == 0 || rc == ROTA_E_TIMEOUT) {
        rc = gather_next(g, &row, &err);
        for (int i = 0; rc == 0 && i < row.count; i++)
            sprintf(text + strlen(text), "%s%s", i == 0 ? "[" : " ", row.values[i]);
        strcat(text, rc == 0 ? "]" : rc == ROTA_E_TIMEOUT ? "..." : "");
    }
    assert_int_equal(rc, ROTA_E_NOTFOUND);
    assert_int_equal(gather_next(g, &row, &err), ROTA_E_NOTFOUND);
    gather_free(g);
}

static void expect(const char *const *words, int count, struct gather_options options,
                   const char *wanted)
{
    struct list l = {.words = words, .count = count};
    char got[256];
    gather_all(&l, options, got);
    assert_string_equal(got, wanted);
}

static const char *const numbers[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};

static void a_line_has_as_many_as_it_takes(void **state)
{
    (void)state;
    struct gather_options options = {.bytes = 11, .spread = 1};
    expect(numbers, 9, options, "[1 2 3][4 5 6][7 8 9]"); /* 4 + 3 * 2 < 11 */
    options.bytes = 12;
    expect(numbers, 7, options, "[1 2 3][4 5 6][7]");
    options.bytes = 13;
    expect(numbers, 9, options, "[1 2 3 4][5 6 7 8][9]");
    options.bytes = 100;
    expect(numbers, 9, options, "[1 2 3 4 5 6 7 8 9]");
    expect(numbers, 0, options, "");
}

static void long_words_and_short_ones_count_as_they_are(void **state)
{
    (void)state;
    static const char *const words[] = {"a", "bcdefg", "", "h", "ijklmn", "o", "p"};
    struct gather_options options = {.bytes = 15, .spread = 1};
    expect(words, 7, options, "[a bcdefg ][h ijklmn][o p]");
}

static void no_more_than_wanted_go_together(void **state)
{
    (void)state;
    struct gather_options options = {.bytes = 100, .spread = 1, .most = 2};
    expect(numbers, 5, options, "[1 2][3 4][5]");
    options.bytes = 11;
    options.most = 3;
    expect(numbers, 7, options, "[1 2 3][4 5 6][7]");
}

static void what_was_put_together_last_is_shared_out(void **state)
{
    (void)state;
    struct gather_options options = {.bytes = 100, .spread = 4};
    expect(numbers, 9, options, "[1 2 3][4 5 6][7 8 9]");
    expect(numbers, 8, options, "[1 2][3 4][5 6][7 8]");
    expect(numbers, 2, options, "[1][2]");
    options.bytes = 13;
    options.spread = 2;
    expect(numbers, 7, options, "[1 2 3 4][5 6][7]");
    options.most = 4;
    expect(numbers, 8, options, "[1 2 3 4][5 6][7 8]");
}

static void what_has_not_come_yet_is_waited_for(void **state)
{
    (void)state;
    static const char *const words[] = {"1", NULL, "2", "3", NULL, NULL, "4", NULL};
    struct gather_options options = {.bytes = 100, .spread = 2};
    expect(words, 8, options, "............[1 2][3 4]");
    options.most = 3; /* who has enough does not wait for more */
    expect(words, 8, options, "...[1 2 3]......[4]");
}

static void a_word_that_no_line_takes_is_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"1", "2", "much too long", "3"};
    struct list l = {.words = words, .count = 4};
    struct gather_options options = {
        .bytes = 12, .spread = 1, .read = read_word, .measure = measure, .ctx = &l};
    struct gather *g;
    struct row row;
    struct rota_error err;
    assert_int_equal(gather_new(&options, &g), 0);
    assert_int_equal(gather_next(g, &row, &err), 0);
    assert_int_equal(row.count, 2);
    assert_int_equal(gather_next(g, &row, &err), ROTA_E_ARG);
    assert_string_equal(
        err.text, "the argument 'much too long' makes a command line of 18 bytes, "
                  "and fewer than 12 are allowed (-s)");
    gather_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_as_many_as_it_takes),
        cmocka_unit_test(long_words_and_short_ones_count_as_they_are),
        cmocka_unit_test(no_more_than_wanted_go_together),
        cmocka_unit_test(what_was_put_together_last_is_shared_out),
        cmocka_unit_test(what_has_not_come_yet_is_waited_for),
        cmocka_unit_test(a_word_that_no_line_takes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
