/* test_arguments.c - cli/arguments: lists, as they come */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments.h"

struct fixture {
    struct arguments a;
    int write_end;
};

static void begin(struct fixture *f, char end)
{
    int fds[2];
    assert_return_code(pipe2(fds, O_CLOEXEC), 0);
    arguments_init_fd(&f->a, fds[0], end);
    f->write_end = fds[1];
}

static void feed(struct fixture *f, const char *data, size_t size)
{
    assert_int_equal(write(f->write_end, data, size), size);
}

static void finish(struct fixture *f)
{
    arguments_done(&f->a);
    close(f->a.fd);
}

static void expect(struct fixture *f, const char *wanted)
{
    const char *got;
    assert_int_equal(arguments_next(&f->a, &got, NULL), 0);
    assert_string_equal(got, wanted);
}

static void expect_code(struct fixture *f, int code)
{
    const char *got;
    assert_int_equal(arguments_next(&f->a, &got, NULL), code);
}

static void a_list_is_given_in_order(void **state)
{
    (void)state;
    char a[] = "a", b[] = "b";
    char *list[] = {a, b};
    struct fixture f;
    arguments_init_list(&f.a, list, 2);
    expect(&f, "a");
    assert_int_equal(arguments_left(&f.a), 1);
    expect(&f, "b");
    expect_code(&f, ROTA_E_NOTFOUND);
    arguments_done(&f.a);
}

static void lines_are_given_as_they_come(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, '\n');
    expect_code(&f, ROTA_E_TIMEOUT);
    feed(&f, "one\n\ntw", 7);
    expect(&f, "one");
    expect(&f, "");
    expect_code(&f, ROTA_E_TIMEOUT);
    assert_int_equal(arguments_left(&f.a), -1);
    feed(&f, "o\nlast", 6);
    expect(&f, "two");
    close(f.write_end);
    expect(&f, "last"); /* without a line end */
    expect_code(&f, ROTA_E_NOTFOUND);
    expect_code(&f, ROTA_E_NOTFOUND);
    assert_int_equal(arguments_left(&f.a), 0);
    finish(&f);
}

static void names_with_line_ends_come_behind_zeros(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, '\0');
    feed(&f, "a\nb\0c", 5);
    close(f.write_end);
    expect(&f, "a\nb");
    expect(&f, "c");
    expect_code(&f, ROTA_E_NOTFOUND);
    finish(&f);
}

static void a_line_with_a_zero_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, '\n');
    feed(&f, "a\0b\n", 4);
    expect_code(&f, ROTA_E_FORMAT);
    close(f.write_end);
    finish(&f);
}

static void a_line_without_end_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    arguments_init_fd(&f.a, zero, '\n');
    expect_code(&f, ROTA_E_FORMAT);
    finish(&f);
}

static void what_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct fixture f;
    arguments_init_fd(&f.a, open("/", O_RDONLY | O_CLOEXEC), '\n');
    expect_code(&f, ROTA_E_IO);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_given_in_order),
        cmocka_unit_test(lines_are_given_as_they_come),
        cmocka_unit_test(names_with_line_ends_come_behind_zeros),
        cmocka_unit_test(a_line_with_a_zero_is_refused),
        cmocka_unit_test(a_line_without_end_is_refused),
        cmocka_unit_test(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
