/* test_input.c - execute/input: what commands read, and how it comes to them */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "execute/execute.h"

enum {
    WAIT_MS = 20000,
    MUCH = 3 << 20, /* more than any pipe holds */
};

static char folder[] = "/tmp/rota-test-input-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || setenv("TMPDIR", folder, 1) != 0;
}

/* It must be empty. */
static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static struct execute *make(enum execute_input way, bool reads_on)
{
    struct execute *x;
    struct rota_error err;
    struct execute_options options = {.slots = 2, .input = way, .reads_on = reads_on};
    assert_int_equal(execute_open(&options, &x, &err), 0);
    return x;
}

static void start(struct execute *x, uint64_t task, const char *script,
                  const char *input, size_t size)
{
    char *text = strdup(script);
    char sh[] = "sh", c[] = "-c";
    char *argv[] = {sh, c, text, NULL};
    struct execute_command command = {.task = task,
                                      .attempt = 1,
                                      .number = task,
                                      .argv = argv,
                                      .input = input,
                                      .input_bytes = size};
    assert_int_equal(execute_start(x, &command), 0);
    free(text);
}

static struct execute_result next(struct execute *x, enum execute_how how)
{
    struct execute_result r;
    assert_int_equal(execute_wait(x, WAIT_MS, &r), 0);
    assert_int_equal(r.how, how);
    return r;
}

/* The end of the next command: its status, and all that it wrote. */
static void ends(struct execute *x, int status, const char *output)
{
    struct execute_result r = next(x, EXECUTE_EXITED);
    assert_int_equal(r.code, status);
    assert_int_equal(r.out.size, strlen(output));
    if (r.out.size > 0)
        assert_memory_equal(r.out.data, output, r.out.size);
    execute_result_done(&r);
}

static char *much(void)
{
    char *data = malloc(MUCH);
    assert_non_null(data);
    memset(data, 'x', MUCH);
    return data;
}

static void a_file_is_whole_and_has_a_name(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = make(EXECUTE_FILE, false);
    rota_auto(heap) char *data = much();
    start(x, 1, "test -f $PARALLEL_TMP; echo $?; wc -c <$PARALLEL_TMP; cat", data,
          MUCH);
    ends(x, 0, "0\n3145728\n");
    start(x, 2, "cat $PARALLEL_TMP", "abc", 3);
    ends(x, 0, "abc");
}

static void a_named_pipe_gives_all_of_it_once(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = make(EXECUTE_FIFO, false);
    rota_auto(heap) char *data = much();
    start(x, 1, "test -p $PARALLEL_TMP; echo $?; cat $PARALLEL_TMP | wc -c", data,
          MUCH);
    ends(x, 0, "0\n3145728\n");
    start(x, 2, "cat $PARALLEL_TMP; cat $PARALLEL_TMP 2>/dev/null", "abc", 3);
    ends(x, 1, "abc"); /* and does not wait for ever */
}

static void two_named_pipes_are_not_mixed_up(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = make(EXECUTE_FIFO, false);
    start(x, 1, "cat $PARALLEL_TMP; read x", "first", 5);
    start(x, 2, "cat $PARALLEL_TMP", "second", 6);
    for (int i = 0; i < 2; i++) {
        struct execute_result r = next(x, EXECUTE_EXITED);
        assert_int_equal(r.out.size, r.task == 1 ? 5 : 6);
        assert_memory_equal(r.out.data, r.task == 1 ? "first" : "second", r.out.size);
        execute_result_done(&r);
    }
}

static void who_does_not_read_waits_for_nothing(void **state)
{
    (void)state;
    rota_auto(heap) char *data = much();
    for (int way = EXECUTE_STANDARD; way <= EXECUTE_FIFO; way++) {
        rota_auto(execute) struct execute *x = make((enum execute_input)way, false);
        start(x, 1, "echo no", data, MUCH);
        ends(x, 0, "no\n");
        start(x, 2, "head -c 2 ${PARALLEL_TMP:--}; echo", data, MUCH);
        ends(x, 0, "xx\n");
    }
}

static void what_is_killed_leaves_nothing(void **state)
{
    (void)state;
    rota_auto(heap) char *data = much();
    for (int way = EXECUTE_FILE; way <= EXECUTE_FIFO; way++) {
        struct execute *x = make((enum execute_input)way, false);
        start(x, 1, "kill -9 $$", data, MUCH);
        struct execute_result r = next(x, EXECUTE_KILLED);
        execute_result_done(&r);
        start(x, 2, "exec cat $PARALLEL_TMP - >/dev/null; exec sleep 1000", data, MUCH);
        start(x, 3, "exec sleep 1000", data, MUCH);
        execute_close(x);
        assert_return_code(rmdir(folder), 0);
        assert_return_code(mkdir(folder, 0700), 0);
    }
}

static void a_command_that_reads_on_asks_and_is_given(void **state)
{
    (void)state;
    rota_auto(heap) char *data = much();
    for (int way = EXECUTE_STANDARD; way <= EXECUTE_FIFO; way += EXECUTE_FIFO) {
        rota_auto(execute) struct execute *x = make((enum execute_input)way, true);
        struct execute_result none;
        start(x, 1, "cat $PARALLEL_TMP | tr -d x; echo end", data, MUCH);
        assert_int_equal(next(x, EXECUTE_HUNGRY).task, 1);
        assert_int_equal(execute_wait(x, 0, &none), ROTA_E_TIMEOUT); /* just once */
        assert_int_equal(execute_feed(x, 1, "a", 1, false), 0);
        assert_int_equal(next(x, EXECUTE_HUNGRY).task, 1);
        assert_int_equal(execute_feed(x, 2, "nobody", 6, false), 0);
        assert_int_equal(execute_feed(x, 1, "bc", 2, true), 0);
        ends(x, 0, "abcend\n");
        assert_int_equal(execute_feed(x, 1, "late", 4, false), 0);
    }
}

static void who_reads_no_more_is_not_hungry(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = make(EXECUTE_STANDARD, true);
    rota_auto(heap) char *data = much();
    struct execute_result r;
    start(x, 1, "exec <&-; echo", "a", 1);
    assert_int_equal(execute_wait(x, WAIT_MS, &r), 0);
    if (r.how == EXECUTE_HUNGRY) { /* it held what it never read */
        assert_int_equal(execute_feed(x, 1, data, MUCH, false), 0);
        ends(x, 0, "\n");
    }
    execute_result_done(&r);
    start(x, 2, "echo", data, MUCH);
    ends(x, 0, "\n");
}

static void what_cannot_be_is_refused_in_words(void **state)
{
    (void)state;
    struct execute *x = NULL;
    struct rota_error err;
    struct execute_options options = {
        .slots = 1, .input = EXECUTE_FILE, .reads_on = true};
    assert_int_equal(execute_open(&options, &x, &err), ROTA_E_ARG);
    options.reads_on = false;
    setenv("TMPDIR", "/no/such/folder", 1);
    assert_int_equal(execute_open(&options, &x, &err), ROTA_E_IO);
    assert_non_null(strstr(err.text, "in '/no/such/folder': No such file"));
    setenv("TMPDIR", folder, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_whole_and_has_a_name),
        cmocka_unit_test(a_named_pipe_gives_all_of_it_once),
        cmocka_unit_test(two_named_pipes_are_not_mixed_up),
        cmocka_unit_test(who_does_not_read_waits_for_nothing),
        cmocka_unit_test(what_is_killed_leaves_nothing),
        cmocka_unit_test(a_command_that_reads_on_asks_and_is_given),
        cmocka_unit_test(who_reads_no_more_is_not_hungry),
        cmocka_unit_test(what_cannot_be_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
