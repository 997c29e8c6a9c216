/* test_crew.c - farm/crew: commands over a farm, managed and worked at */
#include "crew_stage.h"

static void all_commands_end_and_the_run_with_them(void **state)
{
    (void)state;
    struct stage s = {.commands = 20, .play = both_come_and_do_all};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_false(sum.stopped);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 20);
    assert_int_equal(sum.stats.lost, 0);
    assert_int_equal(s.sent[s.sent_count - 1].head.kind, WIRE_FINISH);
    assert_int_equal(s.sent[s.sent_count - 2].head.kind, WIRE_FINISH);
}

static void one_comes_and_fails_at_all(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    answer_all(s, 5);
}

/* The numbers are what the caller makes of them: those of what is left of a list, say.
 */
static void commands_keep_the_numbers_that_they_are_given(void **state)
{
    (void)state;
    struct stage s = {.commands = 2, .numbers = 7, .play = one_comes_and_fails_at_all};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_string_equal(s.log, "came1:1 end6:5 end16:5");
}

static void a_try_that_is_not_the_last_is_told_too(void **state)
{
    (void)state;
    struct stage s = {.commands = 2,
                      .numbers = 7,
                      .retries = 1,
                      .stop_after = 10,
                      .play = one_comes_and_fails_at_all};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.stopped);
    assert_string_equal(s.log, "came1:1 tried6:1 tried16:1");
}

static void nothing_to_do_ends_at_once(void **state)
{
    (void)state;
    struct stage s = {.commands = 0};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_int_equal(s.waits, 0);
}

static void one_comes_and_fails(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    answer_all(s, 7);
}

static void a_failure_is_told_with_its_command(void **state)
{
    (void)state;
    struct stage s = {.commands = 2, .play = one_comes_and_fails};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "end0:7 end1:7");
    assert_true(sum.complete);
    assert_int_equal(sum.stats.ended[ROTA_FAILED], 2);
}

static void one_comes_and_goes_and_then_another(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 3)
        go(s, 1, ROTA_KILLED, SIGKILL);
    if (s->waits == 5)
        hello(s, 2);
    answer_all(s, 0);
}

static void a_lost_workers_command_runs_elsewhere(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .play = one_comes_and_goes_and_then_another};
    struct crew_summary sum;
    struct rota_error err;
    s.answered = 1; /* the first one is never answered */
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "lost1:1 end0:0");
    assert_true(sum.complete);
    assert_int_equal(sum.stats.again, 1);
    assert_int_equal(sum.stats.lost, 1);
}

/* ---- what is said before the end ---------------------------------------------- */

static void both_go(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 2)
        go(s, 2, ROTA_EXITED, 1);
    if (s->waits == 3)
        go(s, 1, ROTA_VANISHED, 0);
}

static void with_nobody_left_the_run_ends_and_takes_no_more(void **state)
{
    (void)state;
    struct stage s = {.commands = 100000, .play = both_go};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_false(sum.complete);
    assert_string_equal(s.log, "lost2:0 lost1:1");
    assert_int_equal(sum.stats.ended[ROTA_UNTRIED], sum.stats.submitted);
    assert_true(s.given < 5000);
}

static void commands_that_come_late_are_waited_for(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .none_yet = 5, .play = both_come_and_do_all};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "end0:0");
    assert_true(sum.complete);
}

static void one_comes_and_both_go(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 10) { /* for they were asked to stop, too */
        go(s, 1, ROTA_CLOSED, 0);
        go(s, 2, ROTA_CLOSED, 0);
    }
}

static void who_goes_when_all_were_asked_to_stop_is_not_lost(void **state)
{
    (void)state;
    struct stage s = {.commands = 5, .stop_after = 10, .play = one_comes_and_both_go};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.stopped);
    assert_false(sum.complete);
    assert_string_equal(s.log, "");
    assert_int_equal(sum.stats.lost, 0);
    assert_int_equal(sum.stats.submitted, 5);
}

/* Where the n-th message (from 0) of this kind to `rank` stands, or -1. */
static int find_sent(const struct stage *s, int rank, enum wire_kind kind, int nth)
{
    for (int i = 0; i < s->sent_count; i++)
        if (s->sent[i].rank == rank && s->sent[i].head.kind == kind && nth-- == 0)
            return i;
    return -1;
}

static const struct sent *sent_to(const struct stage *s, int rank, enum wire_kind kind,
                                  int nth)
{
    int i = find_sent(s, rank, kind, nth);
    assert_in_range(i, 0, INBOX - 1);
    return &s->sent[i];
}

/* Two tasks at each worker. When they are wanted back, the second one is given back;
 * then the first one of rank 2 ends, and that of rank 1. */
static void they_are_asked_back(struct stage *s)
{
    if (s->waits == 1) {
        hello(s, 1);
        hello(s, 2);
    }
    for (int rank = 1; rank <= 2 && s->waits == 6; rank++) {
        struct wire_head back = sent_to(s, rank, WIRE_TASKS, 1)->head;
        assert_int_equal(sent_to(s, rank, WIRE_RECALL, 1)->head.lease, back.lease);
        back.kind = WIRE_RETURNED;
        back.more = 0;
        put(s, rank, back, NULL, 0);
    }
    if (s->waits == 7)
        answer(s, sent_to(s, 2, WIRE_TASKS, 0), 5);
    if (s->waits == 9)
        answer(s, sent_to(s, 1, WIRE_TASKS, 0), 0);
}

static void a_run_that_runs_out_tells_what_ended_and_begins_no_more(void **state)
{
    (void)state;
    for (int in_order = 0; in_order < 2; in_order++) {
        struct stage s = {.commands = 20,
                          .run_out_after = 4,
                          .in_order = in_order == 1,
                          .play = they_are_asked_back};
        struct crew_summary sum;
        struct rota_error err;
        assert_int_equal(manage(&s, &sum, &err), 0);
        assert_true(sum.stopped);
        assert_false(sum.complete);
        assert_string_equal(s.log, in_order ? "end0:0 end1:5" : "end1:5 end0:0");
        assert_int_equal(sum.stats.submitted, 20);
        assert_int_equal(find_sent(&s, 1, WIRE_TASKS, 2), -1);
        assert_int_equal(find_sent(&s, 2, WIRE_TASKS, 2), -1);
    }
}

/* Rank 2's task ends, which waits for that of rank 1 to be told; that one is lost. */
static void one_ends_and_one_is_lost(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 2)
        hello(s, 2);
    if (s->waits == 3)
        answer(s, sent_to(s, 2, WIRE_TASKS, 0), 0);
    if (s->waits == 5)
        go(s, 1, ROTA_KILLED, 9);
}

static void in_order_what_ended_is_told_past_what_did_not(void **state)
{
    (void)state;
    struct stage s = {.commands = 2,
                      .run_out_after = 4,
                      .in_order = true,
                      .play = one_ends_and_one_is_lost};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_false(sum.complete);
    assert_string_equal(s.log, "lost1:1 end1:0");
}

static void when_it_is_enough_the_next_is_not_begun(void **state)
{
    (void)state;
    struct stage s = {.commands = 20, .enough = 5, .play = both_come_and_do_all};
    struct crew_summary sum;
    struct rota_error err;
    s.run_out_after = 10;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.stopped);
    int lent = 0;
    for (int i = 0; i < s.sent_count; i++) {
        assert_int_not_equal(s.sent[i].head.kind, WIRE_RECALL); /* none waited */
        lent += s.sent[i].head.kind == WIRE_TASKS;
    }
    assert_in_range(lent, 5, 6); /* two at a time: one more may have been under way */
    assert_int_equal(sum.stats.ended[ROTA_DONE], lent);
}

static void what_a_hook_fails_with_ends_the_run(void **state)
{
    (void)state;
    struct crew_summary sum;
    struct rota_error err = {0};
    struct stage s = {.commands = 5, .fail_ended = -99, .play = both_come_and_do_all};
    assert_int_equal(manage(&s, &sum, &err), -99);
    assert_false(sum.complete);
    struct stage t = {
        .commands = 5, .fail_next = ROTA_E_IO, .play = both_come_and_do_all};
    assert_int_equal(manage(&t, &sum, &err), ROTA_E_IO);
    assert_int_equal(err.code, ROTA_E_IO);
    assert_false(sum.complete);
}

/* The real thing, without anybody else. */
static void one_alone_does_all_by_itself(void **state)
{
    (void)state;
    struct stage s = {.commands = 50, .none_yet = 2};
    struct crew_hooks hooks = {.ctx = &s,
                               .next = next_command,
                               .ended = note_ended,
                               .lost = note_lost,
                               .steer = course_of};
    struct crew_summary sum;
    struct execute_options options = {.slots = 3};
    struct link *link;
    struct rota_farm *farm;
    assert_int_equal(link_alone_open(&link), 0);
    assert_int_equal(crew_open(link, &options, &plain, &farm, NULL), 0);
    assert_int_equal(crew_manage(farm, &hooks, &sum, NULL), 0);
    assert_true(sum.complete);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 50);
    rota_farm_close(farm);
    options.slots = 0;
    assert_int_equal(link_alone_open(&link), 0);
    assert_int_equal(crew_open(link, &options, &plain, &farm, NULL), ROTA_E_ARG);
}

/* ---- working ----------------------------------------------------------------- */

/* The manager sends a batch of scripts. */
static void lend(struct stage *s, uint64_t lease, uint64_t first, char *const *scripts)
{
    static char sh[] = "sh", c[] = "-c";
    struct task_bytes records = {0}, words = {0};
    uint32_t count = 0;
    for (; scripts[count] != NULL; count++) {
        struct commands_spec spec = {.argv = (char *[]){sh, c, scripts[count], NULL}};
        assert_int_equal(commands_pack(&spec, &words), 0);
        struct parcel_task t = {.data = words.data, .size = words.size};
        assert_int_equal(task_bytes_reserve(&records, parcel_task_bytes(&t)), 0);
        parcel_write_task(records.data + records.size, &t);
        records.size += parcel_task_bytes(&t);
    }
    struct wire_head h = {
        .kind = WIRE_TASKS, .count = count, .lease = lease, .first = first, .more = 1};
    put(s, 0, h, records.data, records.size);
    free(records.data);
    free(words.data);
}

#define SCRIPTS(...) ((char *[]){__VA_ARGS__, NULL})

static int work(struct stage *s, struct rota_error *err)
{
    struct execute_options options = {.slots = 1};
    struct rota_farm *farm;
    s->link = (struct link){.ops = &play_ops, .rank = 1, .size = SIZE};
    assert_int_equal(crew_open(&s->link, &options, &plain, &farm, err), 0);
    int rc = crew_work(farm, is_enough, s, err);
    rota_farm_close(farm);
    assert_true(s->closed);
    return rc;
}

static void send_home(struct stage *s)
{
    put(s, 0, (struct wire_head){.kind = WIRE_FINISH}, NULL, 0);
}

static void a_worker_runs_what_it_is_sent_until_it_is_sent_home(void **state)
{
    (void)state;
    struct rota_error err;
    char fine[] = "true", bad[] = "exit 3";
    struct stage s = {.play = send_home};
    lend(&s, 4, 10, SCRIPTS(fine, bad));
    assert_int_equal(work(&s, &err), 0);
    assert_int_equal(s.sent_count, 3);
    assert_int_equal(s.sent[0].head.kind, WIRE_HELLO);
    assert_int_equal(s.sent[0].head.count, 1);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(s.sent[i].head.kind, WIRE_RESULTS);
        assert_int_equal(s.sent[i].head.lease, 4);
        assert_int_equal(s.sent[i].head.first, 9 + i);
    }
}

static void a_worker_gives_back_what_it_has_not_begun(void **state)
{
    (void)state;
    struct rota_error err;
    char brief[] = "sleep 0.1", never[] = "exit 9";
    struct stage s = {.play = send_home};
    lend(&s, 4, 10, SCRIPTS(brief, never, never));
    put(&s, 0,
        (struct wire_head){.kind = WIRE_RECALL, .count = 3, .lease = 4, .first = 10},
        NULL, 0);
    assert_int_equal(work(&s, &err), 0);
    assert_int_equal(s.sent_count, 3);
    assert_int_equal(s.sent[1].head.kind, WIRE_RETURNED);
    assert_int_equal(s.sent[1].head.first, 11);
    assert_int_equal(s.sent[1].head.count, 2);
    assert_int_equal(s.sent[2].head.kind, WIRE_RESULTS);
    assert_int_equal(s.sent[2].head.first, 10);
}

static void a_worker_without_a_manager_ends_and_so_does_its_work(void **state)
{
    (void)state;
    struct rota_error err;
    char forever[] = "sleep 1000";
    struct stage s = {0};
    lend(&s, 4, 10, SCRIPTS(forever));
    go(&s, 0, ROTA_ALIVE, 0);
    struct execute_options options = {.slots = 1};
    struct rota_farm *farm;
    s.link = (struct link){.ops = &play_ops, .rank = 1, .size = SIZE};
    assert_int_equal(crew_open(&s.link, &options, &plain, &farm, &err), 0);
    go(&s, 0, ROTA_KILLED, SIGKILL);
    assert_int_equal(crew_work(farm, is_enough, &s, &err), ROTA_E_LOST);
    rota_farm_close(farm);
}

static void a_worker_refuses_nonsense_from_its_manager(void **state)
{
    (void)state;
    struct rota_error err;
    struct stage s = {0};
    hello(&s, 0);
    assert_int_equal(work(&s, &err), ROTA_E_FORMAT);
    assert_string_equal(err.text, "rank 1 cannot go on working: malformed bytes from a "
                                  "peer");
}

static void asked_to_stop_a_worker_ends_its_work_and_awaits_the_farewell(void **state)
{
    (void)state;
    struct rota_error err;
    char forever[] = "sleep 1000";
    struct stage s = {.stop_after = 1, .waits = 1, .play = send_home};
    lend(&s, 4, 10, SCRIPTS(forever));
    int64_t began_ns = clock_now_ns();
    assert_int_equal(work(&s, &err), 0);
    assert_int_equal(s.sent_count, 1); /* its hello */
    assert_int_equal(s.waits, 2);
    assert_true(clock_now_ns() - began_ns < 100 * NS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_commands_end_and_the_run_with_them),
        cmocka_unit_test(commands_keep_the_numbers_that_they_are_given),
        cmocka_unit_test(a_try_that_is_not_the_last_is_told_too),
        cmocka_unit_test(nothing_to_do_ends_at_once),
        cmocka_unit_test(a_failure_is_told_with_its_command),
        cmocka_unit_test(a_lost_workers_command_runs_elsewhere),
        cmocka_unit_test(with_nobody_left_the_run_ends_and_takes_no_more),
        cmocka_unit_test(commands_that_come_late_are_waited_for),
        cmocka_unit_test(who_goes_when_all_were_asked_to_stop_is_not_lost),
        cmocka_unit_test(a_run_that_runs_out_tells_what_ended_and_begins_no_more),
        cmocka_unit_test(in_order_what_ended_is_told_past_what_did_not),
        cmocka_unit_test(when_it_is_enough_the_next_is_not_begun),
        cmocka_unit_test(what_a_hook_fails_with_ends_the_run),
        cmocka_unit_test(one_alone_does_all_by_itself),
        cmocka_unit_test(a_worker_runs_what_it_is_sent_until_it_is_sent_home),
        cmocka_unit_test(a_worker_gives_back_what_it_has_not_begun),
        cmocka_unit_test(a_worker_without_a_manager_ends_and_so_does_its_work),
        cmocka_unit_test(a_worker_refuses_nonsense_from_its_manager),
        cmocka_unit_test(asked_to_stop_a_worker_ends_its_work_and_awaits_the_farewell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
