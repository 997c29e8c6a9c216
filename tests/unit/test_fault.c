/* test_fault.c - fault points: the words of ROTA_FAULT, and what is counted */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"

/* What a fault says goes nowhere; all points as if they had never been set. */
static int forget(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_COUNT; i++)
        fault_set((enum fault_point)i, 0, false, 0);
    return 0;
}

static int arm(const char *words)
{
    setenv("ROTA_FAULT", words, 1);
    return fault_arm("rank2", NULL);
}

/* The first ten calls, as 0 and 1. */
static void assert_strikes(enum fault_point point, const char *wanted)
{
    char got[11] = "";
    for (int i = 0; i < 10; i++)
        got[i] = fault(point) ? '1' : '0';
    assert_string_equal(got, wanted);
}

static void unset_nothing_fails(void **state)
{
    (void)state;
    unsetenv("ROTA_FAULT");
    assert_int_equal(fault_arm("front", NULL), 0);
    assert_strikes(FAULT_SPAWN, "0000000000");
}

static void the_nth_call_fails_once(void **state)
{
    (void)state;
    fault_set(FAULT_SPAWN, 3, false, EAGAIN);
    assert_false(fault_has_struck(FAULT_SPAWN));
    assert_strikes(FAULT_SPAWN, "0010000000");
    assert_true(fault_has_struck(FAULT_SPAWN));
    assert_int_equal(errno, EAGAIN);
    assert_strikes(FAULT_SPAWN, "0000000000");
    assert_strikes(FAULT_PIPE, "0000000000");
}

static void or_all_from_the_nth_on(void **state)
{
    (void)state;
    fault_set(FAULT_WRITE, 4, true, ENOSPC);
    assert_strikes(FAULT_WRITE, "0001111111");
    assert_int_equal(errno, ENOSPC);
}

static void words_say_which_when_how_and_where(void **state)
{
    (void)state;
    assert_int_equal(arm("pipe:2,store.write:1+=EIO,send:1@rank1,line:1@rank2"), 0);
    assert_strikes(FAULT_PIPE, "0100000000");
    assert_int_equal(errno, EMFILE);
    assert_strikes(FAULT_WRITE, "1111111111");
    assert_int_equal(errno, EIO);
    assert_strikes(FAULT_SEND, "0000000000");
    assert_strikes(FAULT_LINE, "1000000000");
    fault_set(FAULT_ALLOC, 0, false, 0);
    assert_int_equal(arm("alloc:1=EAGAIN@rank2"), 0);
    assert_strikes(FAULT_ALLOC, "1000000000");
    assert_int_equal(errno, EAGAIN);
}

/* Two ways to a point; what stands behind the call keeps it one. */
static __attribute__((noinline)) bool strikes(void)
{
    bool struck = fault_strike(FAULT_PIPE);
    __asm__ volatile("");
    return struck;
}

static __attribute__((noinline)) bool strikes_deeper(void)
{
    bool struck = strikes();
    __asm__ volatile("");
    return struck;
}

/* Six calls, in turn by the one way and the other, as 0 and 1; `said`, of 400 bytes, is
 * what they wrote on standard error. */
static void call_both_ways(char *got, char *said)
{
    char path[] = "/tmp/rota-test-fault.XXXXXX";
    int kept = dup(STDERR_FILENO);
    int file = mkstemp(path);
    assert_true(kept >= 0 && file >= 0);
    unlink(path);
    dup2(file, STDERR_FILENO);
    for (int i = 0; i < 6; i++) {
        bool struck = i % 2 == 0 ? strikes() : strikes_deeper();
        got[i] = struck ? '1' : '0';
    }
    got[6] = '\0';
    dup2(kept, STDERR_FILENO);
    ssize_t size = pread(file, said, 399, 0);
    said[size > 0 ? size : 0] = '\0';
    close(kept);
    close(file);
}

/* Of the way whose calls are the first and the third in `said`: into `origin`. */
static void read_origins(const char *said, char *origin)
{
    char second[9];
    char third[9];
    int n = sscanf(said,
                   "rota: fault pipe in rank2: from %8s\n"
                   "rota: fault pipe in rank2: from %8s\n"
                   "rota: fault pipe in rank2: from %8s\n",
                   origin, second, third);
    assert_int_equal(n, 3);
    assert_string_not_equal(origin, second);
    assert_string_equal(origin, third);
}

static void calls_are_told_apart_by_where_they_come_from(void **state)
{
    (void)state;
    static const char *const words[] = {"pipe:?@rank2", "pipe:2/", "pipe:2+/",
                                        "pipe:4/"};
    static const char *const wanted[] = {"000000", "001000", "001111", "000000"};
    char origin[9] = "";
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        char word[64];
        char got[7];
        char said[400];
        snprintf(word, sizeof(word), "%s%s", words[i], origin);
        forget(NULL);
        assert_int_equal(arm(word), 0);
        call_both_ways(got, said);
        assert_string_equal(got, wanted[i]);
        if (said[0] != '\0' && origin[0] == '\0')
            read_origins(said, origin);
    }
}

static void words_without_sense_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "nothing:1", "alloc",    "alloc:",     "alloc:0",      "alloc:-1", "alloc:x",
        "alloc:1x",  "alloc:1=", "alloc:1=EX", "alloc:1,",     ",alloc:1", "alloc:1++",
        ":1",        "allo:1",   "alloc1:1",   "alloc:1=EIOX", "alloc:1 ", " alloc:1",
        "alloc:1/",  "alloc:?x", "alloc:1/0",  "alloc:1/zz",   "alloc:??", "alloc:1@",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (arm(wrong[i]) != ROTA_E_ARG)
            fail_msg("'%s' was taken", wrong[i]);
    }
    struct rota_error err;
    setenv("ROTA_FAULT", "alloc:1,brain:3", 1);
    assert_int_equal(fault_arm("front", &err), ROTA_E_ARG);
    assert_non_null(strstr(err.text, "'brain:3' is not POINT:N"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unset_nothing_fails),
        TEST(the_nth_call_fails_once),
        TEST(or_all_from_the_nth_on),
        TEST(words_say_which_when_how_and_where),
        TEST(calls_are_told_apart_by_where_they_come_from),
        TEST(words_without_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
