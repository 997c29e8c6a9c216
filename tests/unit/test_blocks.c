/* test_blocks.c - cli/split and cli/blocks: a stream in blocks of whole records */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/blocks.h"
#include "cli/split.h"

/* ---- what separates records -------------------------------------------------- */

static struct split *separate(const char *start, const char *end, bool regex)
{
    struct split *s;
    assert_int_equal(split_new(start, end, regex, &s, NULL), 0);
    return s;
}

/* The last place in `text` where a record ends is behind `before`; NULL: none. */
static void ends(const char *start, const char *end, bool regex, const char *text,
                 const char *before)
{
    rota_auto(split) struct split *s = separate(start, end, regex);
    size_t cut = 0;
    assert_int_equal(split_last(s, text, strlen(text), &cut), before != NULL);
    if (before != NULL)
        assert_int_equal(cut, strlen(before));
}

static void a_record_ends_between_an_end_and_a_start(void **state)
{
    (void)state;
    ends(NULL, NULL, false, "a\nb\nc", "a\nb\n");
    ends(NULL, NULL, false, "abc", NULL);
    ends(NULL, NULL, false, "", NULL);
    ends(NULL, ", ", false, "a, b,c", "a, ");
    ends(">", NULL, false, ">a>b", ">a");
    ends(">", NULL, false, ">ab", NULL); /* there is nothing before it */
    ends(">", ";", false, "a;b>c;>d", "a;b>c;");
    ends("", "", false, "abc", "abc");
    ends("", "", false, "", NULL);
    ends("aa", NULL, false, "xaaaa", "xaa");
    ends(NULL, "\\t\\\\", false, "a\t\\b", "a\t\\");
    ends(NULL, ",_+", true, "a,__b,_c,", "a,__b,_");
    ends("[0-9]", ";|,", true, "a;1,x;2", "a;1,x;");
    ends("(x)(y)", "(;)", true, ";xy;xz", ";");
    ends(NULL, "", true, "ab\n", "ab\n");
}

static void a_separator_may_hold_any_byte(void **state)
{
    (void)state;
    rota_auto(split) struct split *s = separate(NULL, "\\0", false);
    struct split_place p;
    assert_true(split_next(s, "a\0b\0", 4, 0, &p));
    assert_int_equal(p.cut, 2);
    assert_true(split_next(s, "a\0b\0", 4, p.cut, &p));
    assert_int_equal(p.cut, 4);
    assert_false(split_next(s, "a\0b\0", 4, p.cut, &p));
}

static void what_is_no_expression_is_refused(void **state)
{
    (void)state;
    struct split *s = NULL;
    struct rota_error err;
    assert_int_equal(split_new(NULL, "(", true, &s, &err), ROTA_E_ARG);
    assert_non_null(strstr(err.text, "--recend '('"));
    assert_null(s);
}

static void strips(const char *start, const char *end, bool regex, const char *text,
                   const char *left)
{
    rota_auto(split) struct split *s = separate(start, end, regex);
    char data[64];
    memcpy(data, text, strlen(text));
    size_t size = split_strip(s, data, strlen(text));
    assert_int_equal(size, strlen(left));
    assert_memory_equal(data, left, size);
}

static void separators_can_be_taken_out(void **state)
{
    (void)state;
    strips(NULL, NULL, false, "a\nb\n", "ab");
    strips(NULL, NULL, false, "a\nb", "ab");
    strips("/", ", ", false, "/a, /b, ", "ab");
    strips("/", NULL, false, "/a/b", "ab");
    strips(NULL, ",_+", true, "a,__b,_", "ab");
    strips("", "", false, "ab", "ab");
    strips(NULL, NULL, false, "", "");
    strips(NULL, NULL, false, "\n", "");
}

/* ---- blocks ------------------------------------------------------------------ */

/* What comes of `text`, blocks separated by '|'. */
static void gives(const struct blocks_options *options, const char *text,
                  const char *blocks)
{
    char got[1024] = "";
    size_t used = 0;
    int fds[2];
    struct blocks *b;
    struct rota_error err;
    const char *data;
    size_t size;
    int rc;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
    close(fds[1]);
    assert_int_equal(blocks_open(fds[0], options, &b, &err), 0);
    while ((rc = blocks_next(b, &data, &size, &err)) == 0) {
        assert_true(size > 0 && used + size + 2 < sizeof(got));
        if (used > 0)
            got[used++] = '|';
        memcpy(got + used, data, size);
        used += size;
    }
    assert_int_equal(rc, ROTA_E_NOTFOUND);
    assert_int_equal(blocks_next(b, &data, &size, &err), ROTA_E_NOTFOUND);
    blocks_close(b);
    close(fds[0]);
    assert_string_equal(got, blocks);
}

#define OPTIONS(...) (&(struct blocks_options){__VA_ARGS__})

static void a_block_ends_with_the_last_record_that_fits(void **state)
{
    (void)state;
    gives(OPTIONS(.block_bytes = 5), "ab\ncd\nef\ng", "ab\n|cd\n|ef\ng");
    gives(OPTIONS(.block_bytes = 1000), "ab\ncd\n", "ab\ncd\n");
    gives(OPTIONS(.block_bytes = 1000), "", "");
    gives(OPTIONS(.block_bytes = 3), "ab\n", "ab\n");
    gives(OPTIONS(.block_bytes = 3, .recend = ""), "abcdefgh", "abc|def|gh");
    gives(OPTIONS(.block_bytes = 4, .recstart = ">"), "x>aa>b>c", "x|>aa|>b|>c");
}

static void a_block_has_as_many_records_as_are_wanted(void **state)
{
    (void)state;
    gives(OPTIONS(.block_bytes = 100, .records = 2), "a\nb\nc\nd\ne",
          "a\nb\n|c\nd\n|e");
    gives(OPTIONS(.block_bytes = 3, .records = 2), "a\nb\nc\nd\n", "a\nb\n|c\nd\n");
    gives(OPTIONS(.block_bytes = 9, .records = 1), "\n\na", "\n|\n|a");
    gives(OPTIONS(.block_bytes = 100, .records = 2, .recend = ""), "abcde", "ab|cd|e");
    gives(OPTIONS(.block_bytes = 9, .records = 1, .recstart = ">"), ">a>b>", ">a|>b|>");
    gives(OPTIONS(.block_bytes = 100, .lines = 2), "a\nb\nc\nd\ne\n",
          "a\nb\nc\nd\n|e\n");
    gives(OPTIONS(.block_bytes = 100, .lines = 2, .records = 1), "a\nb\nc\n",
          "a\nb\n|c\n");
}

static void a_record_is_never_cut(void **state)
{
    (void)state;
    gives(OPTIONS(.block_bytes = 1), "a long line\nb\n", "a long line\n|b\n");
    gives(OPTIONS(.block_bytes = 2, .lines = 3), "a\nbcd\nefgh\ni", "a\nbcd\nefgh\n|i");
}

static void a_header_comes_with_each_block(void **state)
{
    (void)state;
    gives(OPTIONS(.block_bytes = 100, .records = 1, .header = ":"), "h\na\nb\n",
          "h\na\n|h\nb\n");
    gives(OPTIONS(.block_bytes = 3, .records = 1, .header = "2"), "h\ni\na\nb\n",
          "h\ni\na\n|h\ni\nb\n");
    gives(OPTIONS(.block_bytes = 100, .records = 1, .header = "(%.*\\n)*"),
          "%h\n%i\na\nb\n", "%h\n%i\na\n|%h\n%i\nb\n");
    gives(OPTIONS(.block_bytes = 3, .recend = "", .header = ".{4}"), "HHHHAAABB",
          "HHHHAAA|HHHHBB");
    gives(OPTIONS(.block_bytes = 3, .records = 1, .header = "x"), "a\nb\n", "a\n|b\n");
    gives(OPTIONS(.block_bytes = 100, .strip = true, .header = ":"), "h\na\nb\n",
          "h\nab");
    gives(OPTIONS(.block_bytes = 100, .header = ":"), "h\n", "");
}

static void what_has_not_come_is_not_waited_for(void **state)
{
    (void)state;
    int fds[2];
    struct blocks *b;
    const char *data;
    size_t size;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(
        blocks_open(fds[0], OPTIONS(.block_bytes = 4, .records = 1), &b, NULL), 0);
    assert_int_equal(blocks_next(b, &data, &size, NULL), ROTA_E_TIMEOUT);
    assert_int_equal(write(fds[1], "a\n", 2), 2);
    assert_int_equal(blocks_next(b, &data, &size, NULL), ROTA_E_TIMEOUT);
    assert_int_equal(write(fds[1], "b\nc", 3), 3);
    assert_int_equal(blocks_next(b, &data, &size, NULL), 0);
    assert_int_equal(size, 2);
    close(fds[1]);
    assert_int_equal(blocks_next(b, &data, &size, NULL), 0);
    assert_memory_equal(data, "b\n", 2);
    assert_int_equal(blocks_next(b, &data, &size, NULL), 0);
    assert_memory_equal(data, "c", 1);
    blocks_close(b);
    close(fds[0]);
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct blocks *b;
    const char *data;
    size_t size;
    struct rota_error err;
    int folder = open("/", O_RDONLY);
    assert_int_equal(blocks_open(folder, OPTIONS(.block_bytes = 4), &b, &err), 0);
    assert_int_equal(blocks_next(b, &data, &size, &err), ROTA_E_IO);
    assert_non_null(strstr(err.text, "cannot read records: "));
    blocks_close(b);
    assert_int_equal(
        blocks_open(folder, OPTIONS(.block_bytes = 4, .regex = true, .recend = "["), &b,
                    &err),
        ROTA_E_ARG);
    close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_ends_between_an_end_and_a_start),
        cmocka_unit_test(a_separator_may_hold_any_byte),
        cmocka_unit_test(what_is_no_expression_is_refused),
        cmocka_unit_test(separators_can_be_taken_out),
        cmocka_unit_test(a_block_ends_with_the_last_record_that_fits),
        cmocka_unit_test(a_block_has_as_many_records_as_are_wanted),
        cmocka_unit_test(a_record_is_never_cut),
        cmocka_unit_test(a_header_comes_with_each_block),
        cmocka_unit_test(what_has_not_come_is_not_waited_for),
        cmocka_unit_test(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
