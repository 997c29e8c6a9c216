/* test_past.c - cli/past: what a joblog says was done before */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/past.h"

static char path[] = "/tmp/rota-test-XXXXXX";

static void write_log(const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

#define HEAD                                                                           \
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
#define LINE(seq, exit, signal, command)                                               \
    seq "\t:\t1.5\t     0.001\t0\t0\t" exit "\t" signal "\t" command "\n"

static const char log_text[] =
    HEAD LINE("3", "7", "0", "exit 7") LINE("1", "0", "0", "true")
        LINE("2", "1", "0", "echo a\tb\0exit 1") LINE("5", "0", "15", "sleep 9")
            LINE("3", "8", "0", "exit 7") LINE("4", "1", "0", "flaky")
                LINE("4", "0", "0", "flaky") LINE("6", "-1", "15", "slow");

static struct past *past_of(enum past_mode mode)
{
    struct past *p;
    struct rota_error err;
    assert_int_equal(past_read(path, mode, &p, &err), 0);
    return p;
}

static void done_are(enum past_mode mode, const char *numbers)
{
    rota_auto(past) struct past *p = past_of(mode);
    char got[32] = "";
    for (uint64_t i = 1; i < 10; i++)
        if (past_has(p, i))
            snprintf(got + strlen(got), 4, "%ju", (uintmax_t)i);
    assert_false(past_has(p, UINT64_MAX));
    assert_string_equal(got, numbers);
}

static void what_stands_there_or_has_succeeded_is_done(void **state)
{
    (void)state;
    write_log(log_text, sizeof(log_text) - 1);
    done_are(PAST_RESUME, "123456");
    done_are(PAST_RESUME_FAILED, "14");
}

static void what_never_succeeded_is_tried_again_once_in_order(void **state)
{
    (void)state;
    static const char *const commands[] = {"echo a\tb\nexit 1", "exit 7", "sleep 9",
                                           "slow"};
    static const uint64_t numbers[] = {2, 3, 5, 6};
    write_log(log_text, sizeof(log_text) - 1);
    rota_auto(past) struct past *p = past_of(PAST_RETRY_FAILED);
    uint64_t number;
    const char *command;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(past_left(p), 4 - i);
        assert_true(past_next(p, &number, &command));
        assert_int_equal(number, numbers[i]);
        assert_string_equal(command, commands[i]);
    }
    assert_false(past_next(p, &number, &command));
}

static void a_log_that_is_not_there_is_empty(void **state)
{
    (void)state;
    struct past *p;
    assert_int_equal(past_read("/tmp/no-such-joblog", PAST_RESUME, &p, NULL), 0);
    assert_false(past_has(p, 1));
    past_free(p);
    write_log("", 0);
    done_are(PAST_RESUME, "");
}

static void half_a_line_at_the_end_is_cut_off(void **state)
{
    (void)state;
    static const char text[] = HEAD LINE("1", "0", "0", "true") "2\t:\t1.5\t0.0";
    struct stat st;
    write_log(text, sizeof(text) - 1);
    done_are(PAST_RESUME, "1");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, sizeof(text) - 1 - strlen("2\t:\t1.5\t0.0"));
}

static void what_is_no_joblog_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "garbage\n",
        "\n",
        "0\t:\t1\t1\t0\t0\t0\t0\ttrue\n",
        "-1\t:\t1\t1\t0\t0\t0\t0\ttrue\n",
        "1x\t:\t1\t1\t0\t0\t0\t0\ttrue\n",
        "99999999999999999999\t:\t1\t1\t0\t0\t0\t0\ttrue\n",
        "9999999999999999\t:\t1\t1\t0\t0\t0\t0\ttrue\n",
        "1\t:\t1\t1\t0\t0\tx\t0\ttrue\n",
        "1\t:\t1\t1\t0\t0\t0\t\ttrue\n",
        "1\t:\t1\t1\t0\t0\t0\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[512];
        struct past *p;
        struct rota_error err;
        snprintf(text, sizeof(text), "%s%s", HEAD, lines[i]);
        write_log(text, strlen(text));
        assert_int_equal(past_read(path, PAST_RESUME, &p, &err), ROTA_E_FORMAT);
        assert_non_null(strstr(err.text, "line 2 of '/tmp/rota-test-"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_there_or_has_succeeded_is_done),
        cmocka_unit_test(what_never_succeeded_is_tried_again_once_in_order),
        cmocka_unit_test(a_log_that_is_not_there_is_empty),
        cmocka_unit_test(half_a_line_at_the_end_is_cut_off),
        cmocka_unit_test(what_is_no_joblog_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
