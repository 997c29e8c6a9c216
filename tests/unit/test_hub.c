/* test_hub.c - liveness/hub and liveness/member: who is let in, and what is told */
#include "hub_world.h"

/* ---- joining, and what is told --------------------------------------------------- */

static void members_join_and_are_told_a_fate_with_what_is_due(void **state)
{
    struct world *w = *state;
    join_all(w);
    for (int i = 0; i < 5; i++)
        board_count_sent(w->boards[1], 0);
    for (int i = 0; i < 7; i++)
        board_count_sent(w->boards[1], 3);
    member_report(w->members[1], (struct rota_fate){ROTA_KILLED, 9});
    pump(w);
    const uint64_t due[] = {5, 0, 0, 7};
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(how_at(w, rank, 1), ROTA_KILLED);
        assert_int_equal(board_fate(w->boards[rank], 1).code, 9);
        assert_true(board_due(w->boards[rank], 1) == due[rank]);
        assert_int_equal(how_at(w, rank, 2), ROTA_ALIVE);
    }
}

static void who_asks_is_told_what_has_left_the_others_for_it(void **state)
{
    struct world *w = *state;
    join_all(w);
    for (int i = 0; i < 5; i++)
        board_count_sent(w->boards[1], 3);
    board_count_left(w->boards[1], 3);
    board_count_sent(w->boards[1], 3);
    board_count_sent(w->boards[2], 0);
    board_count_left(w->boards[2], 0);
    live(w, 2 * NS_PER_SEC);
    assert_true(board_due(w->boards[3], 1) == 0); /* nobody has asked */
    board_ask(w->boards[3]);
    live(w, 2 * NS_PER_SEC);
    const uint64_t left[] = {0, 5, 0};
    for (int rank = 0; rank < 3; rank++) {
        assert_int_equal(how_at(w, 3, rank), ROTA_ALIVE);
        assert_true(board_due(w->boards[3], rank) == left[rank]);
        assert_true(board_due(w->boards[0], rank) == 0); /* it is not the one */
    }
    /* Of one that has gone, its last word counts. */
    member_report(w->members[1], (struct rota_fate){ROTA_KILLED, 9});
    board_ask(w->boards[3]);
    live(w, 2 * NS_PER_SEC);
    assert_int_equal(how_at(w, 3, 1), ROTA_KILLED);
    assert_true(board_due(w->boards[3], 1) == 6);
}

static void who_is_stopped_is_told_of_and_goes_on(void **state)
{
    struct world *w = *state;
    join_all(w);
    member_report(w->members[2], (struct rota_fate){ROTA_STOPPED, 19});
    pump(w);
    assert_int_equal(how_at(w, 0, 2), ROTA_STOPPED);
    member_report(w->members[2], (struct rota_fate){ROTA_ALIVE, 0});
    pump(w);
    assert_int_equal(how_at(w, 0, 2), ROTA_ALIVE);
}

static void a_late_joiner_is_told_what_was_before(void **state)
{
    struct world *w = *state;
    for (int rank = 0; rank < RANKS - 1; rank++)
        member_at(w, rank);
    pump(w);
    board_count_sent(w->boards[2], 3);
    member_report(w->members[2], (struct rota_fate){ROTA_EXITED, 1});
    member_report(w->members[1], (struct rota_fate){ROTA_STOPPED, 20});
    live(w, 20 * NS_PER_SEC);
    member_at(w, 3);
    pump(w);
    assert_int_equal(member_state(w->members[3]), MEMBER_JOINED);
    assert_int_equal(how_at(w, 3, 0), ROTA_ALIVE);
    assert_int_equal(how_at(w, 3, 1), ROTA_STOPPED);
    assert_int_equal(how_at(w, 3, 2), ROTA_EXITED);
    assert_true(board_due(w->boards[3], 2) == 1);
}

static void a_report_made_before_joining_is_kept(void **state)
{
    struct world *w = *state;
    member_report(member_at(w, 1), (struct rota_fate){ROTA_KILLED, 11});
    member_at(w, 0);
    pump(w);
    assert_int_equal(how_at(w, 0, 1), ROTA_KILLED);
}

static void the_run_is_over_when_the_last_has_ended(void **state)
{
    struct world *w = *state;
    join_all(w);
    for (int rank = 0; rank < RANKS; rank++) {
        assert_false(hub_done(w->hub, w->now_ns));
        assert_int_equal(member_state(w->members[rank]), MEMBER_JOINED);
        member_report(w->members[rank], (struct rota_fate){ROTA_CLOSED, 0});
        pump(w);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        assert_false(hub_done(w->hub, w->now_ns));
        member_report(w->members[rank], (struct rota_fate){ROTA_EXITED, 0});
        pump(w);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(member_state(w->members[rank]), MEMBER_OVER);
        assert_int_equal(how_at(w, rank, RANKS - 1), ROTA_EXITED);
    }
    for (int rank = 1; rank < RANKS; rank++) { /* rank 0's parent ends last */
        assert_false(hub_done(w->hub, w->now_ns));
        leave(w, rank);
        pump(w);
    }
    assert_true(hub_done(w->hub, w->now_ns));
}

static void a_parent_that_does_not_end_holds_up_the_hub_for_five_seconds(void **state)
{
    struct world *w = *state;
    join_all(w);
    for (int rank = 0; rank < RANKS; rank++)
        member_report(w->members[rank], (struct rota_fate){ROTA_EXITED, 0});
    pump(w);
    assert_false(hub_done(w->hub, w->now_ns + 4 * NS_PER_SEC));
    assert_true(hub_done(w->hub, w->now_ns + 6 * NS_PER_SEC));
}

static void who_does_not_join_in_time_has_vanished(void **state)
{
    struct world *w = *state;
    member_at(w, 0);
    live(w, patience.join_ns - NS_PER_SEC);
    assert_int_equal(how_at(w, 0, 1), ROTA_ALIVE);
    live(w, 2 * NS_PER_SEC);
    for (int rank = 1; rank < RANKS; rank++)
        assert_int_equal(how_at(w, 0, rank), ROTA_VANISHED);
    assert_int_equal(how_at(w, 0, 0), ROTA_ALIVE);

    member_at(w, 1); /* too late */
    live(w, NS_PER_SEC);
    assert_int_equal(member_state(w->members[1]), MEMBER_JOINING);
    live(w, patience.join_ns + NS_PER_SEC);
    assert_int_equal(member_state(w->members[1]), MEMBER_CUT);
}

/* An overloaded host: the hub reads the HELLO seconds after it was sent. */
static void a_hub_that_is_slow_to_answer_loses_nobody(void **state)
{
    struct world *w = *state;
    member_at(w, 0);
    member_run(w->members[0], w->now_ns); /* connects */
    for (int i = 0; i < 3; i++) {
        struct pollfd fds[8];
        hub_run(w->hub, w->now_ns); /* lets in, and challenges */
        poll(fds, (nfds_t)member_fds(w->members[0], fds, 8), SETTLE_MS);
    }
    member_run(w->members[0], w->now_ns); /* says HELLO */
    for (int i = 0; i < 8; i++) {
        w->now_ns += NS_PER_SEC / 2;
        member_run(w->members[0], w->now_ns);
    }
    live(w, NS_PER_SEC);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
    member_at(w, 1);
    pump(w);
    assert_int_equal(how_at(w, 1, 0), ROTA_ALIVE);
}

/* ---- silence --------------------------------------------------------------------- */

static void who_falls_silent_has_vanished(void **state)
{
    struct world *w = *state;
    join_all(w);
    int64_t since = w->now_ns;
    struct member *silent = w->members[2];
    w->members[2] = NULL; /* it is not run any more, and its socket stays open */
    live(w, patience.silence_ns - NS_PER_SEC);
    assert_int_equal(how_at(w, 0, 2), ROTA_ALIVE);
    live(w, 2 * NS_PER_SEC);
    assert_int_equal(how_at(w, 0, 2), ROTA_VANISHED);
    assert_int_equal(how_at(w, 0, 1), ROTA_ALIVE);
    assert_true(w->now_ns - since < patience.silence_ns + 2 * NS_PER_SEC);
    w->members[2] = silent;
    pump(w);
    assert_int_equal(member_state(silent), MEMBER_CUT);
    assert_int_equal(how_at(w, 0, 2), ROTA_VANISHED); /* and stays so */
    for (int rank = 0; rank < RANKS; rank++) {
        if (rank != 2)
            assert_int_equal(how_at(w, 2, rank), ROTA_VANISHED);
    }
}

static void those_who_live_are_heard_however_long_they_have_nothing_to_say(void **state)
{
    struct world *w = *state;
    join_all(w);
    live(w, 5 * patience.silence_ns);
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(member_state(w->members[rank]), MEMBER_JOINED);
        assert_int_equal(how_at(w, 0, rank), ROTA_ALIVE);
    }
}

static void a_hub_that_slept_itself_blames_nobody(void **state)
{
    struct world *w = *state;
    member_at(w, 0);
    member_at(w, 1);
    pump(w);
    w->now_ns += 3600 * NS_PER_SEC;
    hub_forgive(w->hub, 3600 * NS_PER_SEC);
    hub_run(w->hub, w->now_ns); /* before anybody has said a word */
    for (int rank = 0; rank < 2; rank++)
        member_forgive(w->members[rank], 3600 * NS_PER_SEC);
    pump(w);
    assert_int_equal(how_at(w, 0, 1), ROTA_ALIVE);
    assert_int_equal(how_at(w, 0, 3), ROTA_ALIVE); /* may still join */
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
}

static void a_member_that_slept_itself_does_not_blame_the_hub(void **state)
{
    struct world *w = *state;
    join_all(w);
    w->now_ns += 3600 * NS_PER_SEC;
    member_forgive(w->members[0], 3600 * NS_PER_SEC);
    member_run(w->members[0], w->now_ns); /* before the hub has said a word */
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
}

static void what_came_while_the_hub_was_away_is_read_before_it_judges(void **state)
{
    struct world *w = *state;
    join_all(w);
    w->now_ns += patience.silence_ns - NS_PER_SEC;
    for (int rank = 0; rank < RANKS; rank++)
        member_run(w->members[rank], w->now_ns); /* they ping */
    w->now_ns += 2 * NS_PER_SEC;
    pump(w);
    for (int rank = 0; rank < RANKS; rank++)
        assert_int_equal(how_at(w, 0, rank), ROTA_ALIVE);
}

static void a_member_whose_hub_has_gone_hears_of_nobody_any_more(void **state)
{
    struct world *w = *state;
    join_all(w);
    member_report(w->members[1], (struct rota_fate){ROTA_EXITED, 3});
    pump(w);
    hub_free(w->hub);
    w->hub = NULL;
    pump(w);
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(member_state(w->members[rank]), MEMBER_CUT);
        assert_int_equal(how_at(w, rank, 1), ROTA_EXITED); /* what is known stays */
    }
    assert_int_equal(how_at(w, 0, 2), ROTA_VANISHED);
    assert_int_equal(how_at(w, 0, 3), ROTA_VANISHED);
    assert_int_equal(how_at(w, 0, 0), ROTA_ALIVE);
    assert_true(board_due(w->boards[0], 2) == BOARD_DUE_UNKNOWN);
}

static void a_member_whose_hub_is_silent_is_cut(void **state)
{
    struct world *w = *state;
    join_all(w);
    w->now_ns += patience.silence_ns + 1;
    member_run(w->members[0], w->now_ns);
    assert_int_equal(member_state(w->members[0]), MEMBER_CUT);
}

static void a_member_that_leaves_without_a_word_has_vanished(void **state)
{
    struct world *w = *state;
    join_all(w);
    leave(w, 3);
    pump(w);
    assert_int_equal(how_at(w, 0, 3), ROTA_VANISHED);
    assert_true(board_due(w->boards[0], 3) == BOARD_DUE_UNKNOWN);
}

/* One that has joined and one that has not; and those that there are none of. */
static void who_is_fenced_has_vanished_and_is_cut(void **state)
{
    struct world *w = *state;
    member_at(w, 0);
    member_at(w, 1);
    pump(w);
    const int fenced[] = {1, 2, -1, RANKS, 1};
    for (size_t i = 0; i < sizeof(fenced) / sizeof(fenced[0]); i++)
        hub_fence(w->hub, fenced[i]);
    pump(w);
    assert_int_equal(member_state(w->members[1]), MEMBER_CUT);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
    assert_int_equal(board_fate(w->boards[0], 1).how, ROTA_VANISHED);
    assert_int_equal(board_fate(w->boards[0], 2).how, ROTA_VANISHED);
    assert_int_equal(board_fate(w->boards[0], 3).how, ROTA_ALIVE);
    struct member *again = w->members[1];
    member_at(w, 1);
    live(w, 5 * NS_PER_SEC);
    assert_int_not_equal(member_state(w->members[1]), MEMBER_JOINED);
    member_free(again);
}

static void the_last_words_of_a_member_that_left_at_once_are_heard(void **state)
{
    struct world *w = *state;
    join_all(w);
    member_report(w->members[3], (struct rota_fate){ROTA_EXITED, 4});
    leave(w, 3);
    pump(w);
    assert_int_equal(how_at(w, 0, 3), ROTA_EXITED);
    assert_int_equal(board_fate(w->boards[0], 3).code, 4);
}

/* Its socket is reset, since the pings to it lie unread: what is told to it cannot
 * be sent, and what it has said before is still to be read. */
static void last_words_are_heard_even_where_nothing_can_be_answered(void **state)
{
    struct world *w = *state;
    unsigned char last[8];
    member_at(w, 0);
    pump(w);
    int fd = raw_member(w, 1, RANKS);
    live(w, 2 * NS_PER_SEC);
    line_put_report(last, (struct rota_fate){ROTA_EXITED, 4}, NULL, 0);
    say_frame(fd, LINE_REPORT, last, sizeof(last));
    close(fd);
    member_report(w->members[0], (struct rota_fate){ROTA_STOPPED, 19});
    pump(w); /* the first is served first, and its news told to the second */
    assert_int_equal(how_at(w, 0, 1), ROTA_EXITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(members_join_and_are_told_a_fate_with_what_is_due),
        IN_WORLD(who_asks_is_told_what_has_left_the_others_for_it),
        IN_WORLD(who_is_stopped_is_told_of_and_goes_on),
        IN_WORLD(a_late_joiner_is_told_what_was_before),
        IN_WORLD(a_report_made_before_joining_is_kept),
        IN_WORLD(the_run_is_over_when_the_last_has_ended),
        IN_WORLD(a_parent_that_does_not_end_holds_up_the_hub_for_five_seconds),
        IN_WORLD(who_does_not_join_in_time_has_vanished),
        IN_WORLD(a_hub_that_is_slow_to_answer_loses_nobody),
        IN_WORLD(who_falls_silent_has_vanished),
        IN_WORLD(those_who_live_are_heard_however_long_they_have_nothing_to_say),
        IN_WORLD(a_hub_that_slept_itself_blames_nobody),
        IN_WORLD(a_member_that_slept_itself_does_not_blame_the_hub),
        IN_WORLD(who_is_fenced_has_vanished_and_is_cut),
        IN_WORLD(what_came_while_the_hub_was_away_is_read_before_it_judges),
        IN_WORLD(a_member_whose_hub_has_gone_hears_of_nobody_any_more),
        IN_WORLD(a_member_whose_hub_is_silent_is_cut),
        IN_WORLD(a_member_that_leaves_without_a_word_has_vanished),
        IN_WORLD(the_last_words_of_a_member_that_left_at_once_are_heard),
        IN_WORLD(last_words_are_heard_even_where_nothing_can_be_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
