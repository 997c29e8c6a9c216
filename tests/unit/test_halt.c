/* test_halt.c - cli/halt and cli/steer: when a run is given up, and how */
#include "unit.h"

#include <signal.h>

#include "base/clock.h"
#include "cli/steer.h"

#define MS NS_PER_MS

/* ---- the words ------------------------------------------------------------------- */

static void reads(const char *text, enum halt_when when, enum halt_what what,
                  double limit, bool percent)
{
    struct halt h;
    if (!halt_parse(text, &h))
        fail_msg("'%s' is refused", text);
    assert_int_equal(h.when, when);
    assert_int_equal(h.what, what);
    assert_true(h.limit <= limit && h.limit >= limit);
    assert_int_equal(h.percent, percent);
}

static void it_reads_what_gnu_parallel_reads(void **state)
{
    (void)state;
    struct halt never = {.when = HALT_NOW};
    reads("now,fail=1", HALT_NOW, HALT_FAIL, 1, false);
    reads("soon,fail=3%", HALT_SOON, HALT_FAIL, 3, true);
    reads("now,success=12", HALT_NOW, HALT_SUCCESS, 12, false);
    reads("soon,done=2.5%", HALT_SOON, HALT_DONE, 2.5, true);
    reads("10%", HALT_SOON, HALT_FAIL, 10, true);
    reads("1", HALT_SOON, HALT_FAIL, 1, false);
    reads("2", HALT_NOW, HALT_FAIL, 1, false);
    reads("-1", HALT_SOON, HALT_SUCCESS, 1, false);
    reads("-2", HALT_NOW, HALT_SUCCESS, 1, false);
    assert_true(halt_parse("never", &never));
    assert_int_equal(never.when, HALT_NEVER);
    assert_true(halt_parse("0", &never));
}

static void it_refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           "now",           "now,",          "now,fail",      "now,fail=",
        "now,fail=0", "now,fail=x",    "now,fail=-1",   "now,fail=1x",   "later,fail=1",
        "now,lost=1", "now,fail=101%", "now,fail=1.5",  "soon,fail=1%%", "3",
        "nowfail=1",  "now,fail=inf",  "now,fail=0x10", "never,fail=1",  "now,fail= 1",
    };
    struct halt h = {.limit = 77};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (halt_parse(wrong[i], &h))
            fail_msg("'%s' is taken", wrong[i]);
    assert_int_equal(h.limit, 77);
}

/* ---- when it is enough ----------------------------------------------------------- */

static void a_number_counts_what_it_says(void **state)
{
    (void)state;
    struct halt fail = {.when = HALT_NOW, .what = HALT_FAIL, .limit = 2};
    struct halt success = {.when = HALT_NOW, .what = HALT_SUCCESS, .limit = 2};
    struct halt done = {.when = HALT_NOW, .what = HALT_DONE, .limit = 2};
    assert_false(halt_is_due(&fail, 9, 1, -1));
    assert_true(halt_is_due(&fail, 0, 2, -1));
    assert_false(halt_is_due(&success, 1, 9, -1));
    assert_true(halt_is_due(&success, 2, 0, -1));
    assert_false(halt_is_due(&done, 1, 0, -1));
    assert_true(halt_is_due(&done, 1, 1, -1));
}

static void a_percentage_is_of_all_and_waits_until_they_are_counted(void **state)
{
    (void)state;
    struct halt h = {
        .when = HALT_SOON, .what = HALT_FAIL, .limit = 10, .percent = true};
    assert_false(halt_is_due(&h, 0, 50, -1));
    assert_false(halt_is_due(&h, 0, 4, 41));
    assert_true(halt_is_due(&h, 0, 4, 40));
    h.limit = 0;
    assert_false(halt_is_due(&h, 5, 0, 40)); /* none has failed */
    assert_true(halt_is_due(&h, 5, 1, 40));
}

/* ---- where it goes --------------------------------------------------------------- */

static struct steer begin(const char *text)
{
    struct halt h;
    struct steer s;
    assert_true(halt_parse(text, &h));
    steer_init(&s, &h);
    return s;
}

static void soon_lets_what_runs_end(void **state)
{
    (void)state;
    struct steer s = begin("soon,fail=1");
    struct steer_count none = {.succeeded = 9};
    struct steer_count one = {.succeeded = 9, .failed = 1};
    steer_ended(&s, none, none, -1);
    assert_int_equal(s.course, CREW_GO_ON);
    assert_true(steer_is_enough(&s, one, -1));
    steer_ended(&s, one, none, -1);
    assert_int_equal(s.course, CREW_RUN_OUT);
    assert_true(steer_runs_out(&s));
    steer_ended(&s, one, one, -1);
    assert_int_equal(s.course, CREW_RUN_OUT);
    assert_true(s.halted);
    assert_int_equal(s.signal, 0);
}

static void now_begins_no_more_and_stops_when_the_last_was_told(void **state)
{
    (void)state;
    struct steer s = begin("now,success=1");
    struct steer_count none = {0};
    struct steer_count one = {.succeeded = 1};
    steer_ended(&s, one, none, -1);
    assert_int_equal(s.course, CREW_RUN_OUT);
    assert_false(steer_runs_out(&s)); /* nobody waits for what runs */
    steer_ended(&s, one, one, -1);
    assert_int_equal(s.course, CREW_STOP);
}

static void the_first_ctrl_c_is_gentle_and_the_second_is_not(void **state)
{
    (void)state;
    struct steer s = begin("never");
    assert_true(steer_signal(&s, 0, SIGINT, false));
    assert_int_equal(s.course, CREW_RUN_OUT);
    assert_false(steer_signal(&s, 100 * MS, SIGINT, false)); /* the same, twice told */
    assert_int_equal(s.course, CREW_RUN_OUT);
    assert_true(steer_signal(&s, 400 * MS, SIGINT, false));
    assert_int_equal(s.course, CREW_STOP);
    assert_int_equal(s.signal, SIGINT);
    assert_false(s.halted);
    s = begin("never");
    assert_true(steer_signal(&s, 0, SIGINT, true));  /* typed, */
    assert_true(steer_signal(&s, MS, SIGINT, true)); /* and typed again */
    assert_int_equal(s.course, CREW_STOP);
}

static void who_is_asked_to_terminate_does(void **state)
{
    (void)state;
    struct steer s = begin("never");
    steer_signal(&s, 0, SIGHUP, false);
    assert_int_equal(s.course, CREW_RUN_OUT);
    steer_signal(&s, MS, SIGTERM, false);
    assert_int_equal(s.course, CREW_STOP);
    assert_int_equal(s.signal, SIGHUP); /* the first is what it says in the end */
    s = begin("never");
    steer_signal(&s, 0, SIGTERM, false);
    assert_int_equal(s.course, CREW_STOP);
}

static void a_signal_while_a_halt_waits_ends_everything(void **state)
{
    (void)state;
    struct steer s = begin("soon,done=1");
    struct steer_count one = {.failed = 1};
    steer_ended(&s, one, one, -1);
    assert_int_equal(s.course, CREW_RUN_OUT);
    steer_signal(&s, 0, SIGINT, false);
    assert_int_equal(s.course, CREW_STOP);
}

static void there_is_no_way_back(void **state)
{
    (void)state;
    struct steer s = begin("soon,fail=1");
    struct steer_count one = {.failed = 1};
    steer_signal(&s, 0, SIGTERM, false);
    steer_ended(&s, one, one, -1);
    steer_signal(&s, 400 * MS, SIGINT, false);
    assert_int_equal(s.course, CREW_STOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_what_gnu_parallel_reads),
        cmocka_unit_test(it_refuses_what_is_none),
        cmocka_unit_test(a_number_counts_what_it_says),
        cmocka_unit_test(a_percentage_is_of_all_and_waits_until_they_are_counted),
        cmocka_unit_test(soon_lets_what_runs_end),
        cmocka_unit_test(now_begins_no_more_and_stops_when_the_last_was_told),
        cmocka_unit_test(the_first_ctrl_c_is_gentle_and_the_second_is_not),
        cmocka_unit_test(who_is_asked_to_terminate_does),
        cmocka_unit_test(a_signal_while_a_halt_waits_ends_everything),
        cmocka_unit_test(there_is_no_way_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
