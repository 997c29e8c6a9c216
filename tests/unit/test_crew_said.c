/* test_crew_said.c - crew: what commands and workers say before an end, sense or not */
#include "crew_stage.h"

/* ---- what is said before the end ---------------------------------------------- */

static void one_says_much(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 2) {
        struct sent stranger = s->sent[0];
        stranger.head.lease += 1000;
        say(s, &stranger, EXECUTE_RUNNING, "no", "no");
        say(s, &s->sent[0], EXECUTE_RUNNING, "ab", "x");
        say(s, &s->sent[0], EXECUTE_RUNNING, "", "y");
        say(s, &s->sent[0], EXECUTE_RUNNING, "c", "");
    }
    if (s->waits > 3)
        answer_all(s, 0);
}

static void what_was_said_before_the_end_is_told_with_it(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .keep = true, .play = one_says_much};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "end0:0");
    assert_string_equal(s.told, "abc|xy");
}

static void what_is_said_can_be_shown_and_not_kept(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .shown = true, .play = one_says_much};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.said, "ab;;c;");
    assert_string_equal(s.told, "|");
}

static void what_is_shown_and_kept_is_shown_from_the_begin(void **state)
{
    (void)state;
    struct stage s = {
        .commands = 1, .shown = true, .keep = true, .play = one_says_much};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.said, "ab;ab;abc;");
    assert_string_equal(s.told, "abc|xy");
}

static void one_says_much_and_goes(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 2)
        say(s, &s->sent[0], EXECUTE_RUNNING, "lost", "lost");
    if (s->waits == 3)
        go(s, 1, ROTA_KILLED, SIGKILL);
    if (s->waits == 5)
        hello(s, 2);
    if (s->waits == 6)
        say(s, &s->sent[1], EXECUTE_RUNNING, "again", "");
    if (s->waits > 6)
        answer_all(s, 0);
}

static void what_a_lost_worker_said_counts_no_more(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .keep = true, .play = one_says_much_and_goes};
    struct crew_summary sum;
    struct rota_error err;
    s.answered = 1;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "lost1:1 end0:0");
    assert_string_equal(s.told, "again|");
}

static void what_cannot_be_kept_has_failed_and_is_ended(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .keep = true, .play = one_says_much};
    struct crew_summary sum;
    struct rota_error err;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    setenv("TMPDIR", "/no/such/folder", 1);
    assert_int_equal(manage(&s, &sum, &err), 0);
    if (kept != NULL)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    assert_string_equal(s.log, "spilt0:0 end0:0");
    assert_non_null(strstr(s.why, "'/no/such/folder'"));
    assert_string_equal(s.told, "|");
    assert_int_equal(s.sent[1].head.kind, WIRE_END);
    assert_int_equal(s.sent[1].head.lease, s.sent[0].head.lease);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 0);
    assert_int_equal(sum.stats.ended[ROTA_FAILED], 1);
    assert_true(sum.complete);
}

static void one_says_what_makes_no_sense(struct stage *s)
{
    if (s->waits == 1) {
        hello(s, 1);
        hello(s, 2);
    }
    if (s->waits == 2)
        say(s, &s->sent[0], EXECUTE_EXITED, "done", "");
    if (s->waits > 2)
        answer_all(s, 0);
}

static void a_part_that_makes_no_sense_costs_its_worker(void **state)
{
    (void)state;
    struct stage s = {
        .commands = 1, .keep = true, .play = one_says_what_makes_no_sense};
    struct crew_summary sum;
    struct rota_error err;
    s.answered = 1;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_non_null(strstr(s.log, "strange"));
    assert_non_null(strstr(s.log, "end0:0"));
    assert_true(sum.complete);
}

static void one_talks_nonsense(struct stage *s)
{
    if (s->waits == 1) {
        hello(s, 2);
        hello(s, 2);
        hello(s, 1);
    }
    answer_all(s, 0);
}

static void who_sends_nonsense_is_lost_and_not_heard_again(void **state)
{
    (void)state;
    struct stage s = {.commands = 3, .play = one_talks_nonsense};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_non_null(strstr(s.log, "strange2:0"));
    assert_int_equal(sum.stats.lost, 1);
    assert_true(sum.complete);
}

static void a_value_without_sense(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits != 2)
        return;
    struct parcel_result r = {.took_ns = 1};
    unsigned char record[64];
    struct wire_head h = s->sent[0].head;
    parcel_write_result(record, &r);
    h.kind = WIRE_RESULTS;
    h.count = 1;
    put(s, 1, h, record, parcel_result_bytes(&r));
}

static void a_result_that_makes_no_sense_ends_the_run(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .play = a_value_without_sense};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), ROTA_E_FORMAT);
    assert_non_null(strstr(err.text, "cannot read the result of task 1 from rank 1"));
    assert_false(sum.complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_before_the_end_is_told_with_it),
        cmocka_unit_test(what_is_said_can_be_shown_and_not_kept),
        cmocka_unit_test(what_is_shown_and_kept_is_shown_from_the_begin),
        cmocka_unit_test(what_a_lost_worker_said_counts_no_more),
        cmocka_unit_test(what_cannot_be_kept_has_failed_and_is_ended),
        cmocka_unit_test(a_part_that_makes_no_sense_costs_its_worker),
        cmocka_unit_test(who_sends_nonsense_is_lost_and_not_heard_again),
        cmocka_unit_test(a_result_that_makes_no_sense_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
