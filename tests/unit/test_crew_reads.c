/* test_crew_reads.c - crew: commands that read on, which get blocks as they ask */
#include "crew_stage.h"

/* The others have got `m`: who reads asks for more, and ends when there is no more. */
static void read_on(struct stage *s, const struct sent *m)
{
    bool last = m->head.kind == WIRE_INPUT && m->head.more == 1;
    if (last)
        answer(s, m, 0);
    else
        say(s, m, EXECUTE_HUNGRY, "", "");
}

static bool next_sent(struct stage *s, struct sent *out)
{
    if (s->waits == 1) {
        hello(s, 1);
        hello(s, 2);
    }
    for (; s->answered < s->sent_count; s->answered++) {
        *out = s->sent[s->answered];
        if (out->head.kind == WIRE_TASKS || out->head.kind == WIRE_INPUT) {
            s->answered++;
            return true;
        }
    }
    return false;
}

static int count_inputs(const struct stage *s, bool last)
{
    int count = 0;
    for (int i = 0; i < s->sent_count; i++)
        count +=
            s->sent[i].head.kind == WIRE_INPUT && (s->sent[i].head.more == 1) == last;
    return count;
}

static void all_read(struct stage *s)
{
    struct sent m;
    while (next_sent(s, &m))
        read_on(s, &m);
}

static void blocks_go_to_who_asks_and_then_the_end_is_told(void **state)
{
    (void)state;
    for (int in_order = 0; in_order <= 1; in_order++) {
        struct stage s = {.commands = 2,
                          .reads_on = true,
                          .blocks = 5,
                          .in_order = in_order,
                          .play = all_read};
        struct crew_summary sum;
        struct rota_error err;
        assert_int_equal(manage(&s, &sum, &err), 0);
        assert_true(sum.complete);
        assert_int_equal(sum.stats.ended[ROTA_DONE], 2);
        assert_int_equal(count_inputs(&s, false), 5);
        assert_int_equal(count_inputs(&s, true), 2);
    }
}

static void fewer_blocks_than_slots_begin_fewer_commands(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .reads_on = true, .play = all_read};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_string_equal(s.log, "end0:0");
    assert_int_equal(count_inputs(&s, false), 0);
}

static void the_first_ends_early(struct stage *s)
{
    struct sent m;
    while (next_sent(s, &m)) {
        if (m.head.first == 0)
            answer(s, &m, 0);
        else
            read_on(s, &m);
    }
}

static void who_ends_before_its_input_does_has_failed(void **state)
{
    (void)state;
    struct stage s = {
        .commands = 2, .reads_on = true, .blocks = 3, .play = the_first_ends_early};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete); /* the other one has read the rest */
    assert_int_equal(sum.stats.ended[ROTA_FAILED], 1);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 1);
    assert_string_equal(s.had, "block 1");
}

static void all_end_early(struct stage *s)
{
    struct sent m;
    while (next_sent(s, &m))
        answer(s, &m, 0);
}

static void what_nobody_reads_any_more_ends_the_run(void **state)
{
    (void)state;
    struct stage s = {
        .commands = 2, .reads_on = true, .blocks = 3, .play = all_end_early};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), ROTA_E_STATE);
    assert_non_null(strstr(err.text, "nobody reads block 3 and what follows"));
    assert_false(sum.complete);
}

static void one_goes_before_the_other_has_come(struct stage *s)
{
    struct sent m;
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 8)
        hello(s, 2);
    if (s->waits > 1)
        while (next_sent(s, &m)) {
            if (m.rank == 1)
                go(s, 1, ROTA_KILLED, SIGKILL);
            else
                read_on(s, &m);
        }
}

static void who_is_awaited_will_read_what_is_left(void **state)
{
    (void)state;
    struct stage s = {.commands = 2,
                      .reads_on = true,
                      .blocks = 3,
                      .play = one_goes_before_the_other_has_come};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_int_equal(sum.stats.ended[ROTA_POISON], 1);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 1);
    assert_int_equal(count_inputs(&s, false), 3);
}

static void the_first_reads_and_goes(struct stage *s)
{
    struct sent m;
    while (next_sent(s, &m)) {
        if (m.head.first == 0 && m.head.kind == WIRE_INPUT)
            go(s, m.rank, ROTA_KILLED, SIGKILL);
        else
            read_on(s, &m);
    }
}

static void what_a_lost_worker_read_is_read_by_nobody_else(void **state)
{
    (void)state;
    struct stage s = {.commands = 2,
                      .reads_on = true,
                      .blocks = 4,
                      .in_order = true,
                      .play = the_first_reads_and_goes};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_int_equal(sum.stats.ended[ROTA_POISON], 1);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 1);
    assert_int_equal(sum.stats.again, 0);
    assert_non_null(strstr(s.log, "lost"));
    assert_string_equal(s.had, "blocks 1, 3");
}

static void a_run_that_runs_out_tells_who_reads_that_there_is_no_more(void **state)
{
    (void)state;
    struct stage s = {.commands = 2,
                      .reads_on = true,
                      .blocks = -1, /* and none ever comes */
                      .run_out_after = 5,
                      .play = all_read};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_false(sum.complete);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 2);
    assert_int_equal(count_inputs(&s, true), 2);
}

static void asks_where_nobody_reads_on(struct stage *s)
{
    struct sent m;
    while (next_sent(s, &m)) {
        if (m.rank == 1)
            say(s, &m, EXECUTE_HUNGRY, "", "");
        else
            answer(s, &m, 0);
    }
}

static void who_asks_for_more_where_there_is_none_is_lost(void **state)
{
    (void)state;
    struct stage s = {.commands = 2, .play = asks_where_nobody_reads_on};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_non_null(strstr(s.log, "strange1:"));
    assert_int_equal(sum.stats.ended[ROTA_DONE], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_go_to_who_asks_and_then_the_end_is_told),
        cmocka_unit_test(fewer_blocks_than_slots_begin_fewer_commands),
        cmocka_unit_test(who_ends_before_its_input_does_has_failed),
        cmocka_unit_test(what_nobody_reads_any_more_ends_the_run),
        cmocka_unit_test(what_a_lost_worker_read_is_read_by_nobody_else),
        cmocka_unit_test(who_is_awaited_will_read_what_is_left),
        cmocka_unit_test(a_run_that_runs_out_tells_who_reads_that_there_is_no_more),
        cmocka_unit_test(who_asks_for_more_where_there_is_none_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
