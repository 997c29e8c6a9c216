/* test_roster.c - liveness/roster: who is alive, and how the others went */
#include "unit.h"

#include <stdlib.h>

#include "liveness/roster.h"

enum {
    RANKS = 7,
};

static struct rota_fate fate_of(enum rota_how how)
{
    return (struct rota_fate){.how = how, .code = (int)how * 10};
}

static void a_rank_joins_once_and_under_the_right_size(void **state)
{
    (void)state;
    struct roster *r = roster_new(RANKS);
    assert_int_equal(roster_join(r, -1, RANKS), ROTA_E_ARG);
    assert_int_equal(roster_join(r, RANKS, RANKS), ROTA_E_ARG);
    assert_int_equal(roster_join(r, 1, RANKS + 1), ROTA_E_ARG);
    assert_false(roster_joined(r, 1));
    assert_int_equal(roster_join(r, 1, RANKS), 0);
    assert_true(roster_joined(r, 1));
    assert_int_equal(roster_join(r, 1, RANKS), ROTA_E_STATE);
    roster_free(r);
}

static void who_has_gone_does_not_come_back(void **state)
{
    (void)state;
    for (int how = ROTA_CLOSED; how <= ROTA_VANISHED; how++) {
        struct roster *r = roster_new(RANKS);
        assert_true(roster_report(r, 2, fate_of((enum rota_how)how)));
        assert_int_equal(roster_join(r, 2, RANKS), ROTA_E_STATE);
        assert_false(roster_report(r, 2, fate_of(ROTA_ALIVE)));
        assert_false(roster_report(r, 2, fate_of(ROTA_STOPPED)));
        assert_int_equal(roster_fate(r, 2).how, how);
        assert_int_equal(roster_fate(r, 2).code, how * 10);
        roster_free(r);
    }
}

static void a_final_fate_stays_as_it_was_told_first(void **state)
{
    (void)state;
    struct roster *r = roster_new(1);
    assert_true(roster_report(r, 0, (struct rota_fate){ROTA_KILLED, 9}));
    assert_true(roster_over(r));
    assert_false(roster_report(r, 0, (struct rota_fate){ROTA_KILLED, 11}));
    assert_false(roster_report(r, 0, (struct rota_fate){ROTA_VANISHED, 0}));
    assert_int_equal(roster_fate(r, 0).how, ROTA_KILLED);
    assert_int_equal(roster_fate(r, 0).code, 9);
    roster_free(r);
}

static void to_be_stopped_can_pass(void **state)
{
    (void)state;
    struct roster *r = roster_new(1);
    assert_false(roster_report(r, 0, fate_of(ROTA_ALIVE)));
    assert_true(roster_report(r, 0, fate_of(ROTA_STOPPED)));
    assert_false(roster_report(r, 0, fate_of(ROTA_STOPPED)));
    assert_true(roster_report(r, 0, fate_of(ROTA_ALIVE)));
    assert_false(roster_over(r));
    roster_free(r);
}

static void reports_about_nobody_and_of_nothing_are_no_news(void **state)
{
    (void)state;
    struct roster *r = roster_new(RANKS);
    assert_false(roster_report(r, -1, fate_of(ROTA_KILLED)));
    assert_false(roster_report(r, RANKS, fate_of(ROTA_KILLED)));
    assert_false(roster_report(r, 0, fate_of((enum rota_how)(ROTA_VANISHED + 1))));
    assert_false(roster_report(r, 0, fate_of((enum rota_how)99)));
    assert_int_equal(roster_fate(r, 0).how, ROTA_ALIVE);
    roster_free(r);
}

static void those_who_have_not_joined_are_given_up(void **state)
{
    (void)state;
    struct roster *r = roster_new(RANKS);
    roster_join(r, 0, RANKS);
    roster_join(r, 3, RANKS);
    roster_report(r, 5, fate_of(ROTA_KILLED)); /* never joined, but known of */
    const int expected[] = {1, 2, 4, 6};
    int rank = roster_give_up(r, 0);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_int_equal(rank, expected[i]);
        assert_int_equal(roster_fate(r, rank).how, ROTA_VANISHED);
        assert_int_equal(roster_join(r, rank, RANKS), ROTA_E_STATE);
        rank = roster_give_up(r, rank + 1);
    }
    assert_int_equal(rank, -1);
    assert_int_equal(roster_give_up(r, 0), -1);
    assert_int_equal(roster_fate(r, 3).how, ROTA_ALIVE);
    assert_int_equal(roster_fate(r, 5).how, ROTA_KILLED);
    roster_free(r);
}

static void gone_and_final_are_what_the_words_say(void **state)
{
    (void)state;
    for (int how = ROTA_ALIVE; how <= ROTA_VANISHED; how++) {
        assert_int_equal(fate_is_gone((enum rota_how)how), how >= ROTA_CLOSED);
        assert_int_equal(fate_is_final((enum rota_how)how), how > ROTA_CLOSED);
    }
}

/* ---- any sequence at all ------------------------------------------------------- */

/* Invariant 1, as a road: 0 may stay or move within itself, else only upwards. */
static int road(enum rota_how how)
{
    return how <= ROTA_STOPPED ? 0 : how == ROTA_CLOSED ? 1 : 2;
}

struct seen {
    struct rota_fate fate;
    bool joined;
};

static void step(struct roster *r, struct seen *seen)
{
    int rank = rand() % (RANKS + 2) - 1;
    bool there = rank >= 0 && rank < RANKS;
    if (rand() % 8 == 0) {
        int size = RANKS + (rand() % 4 == 0);
        int rc = roster_join(r, rank, size);
        bool may = there && size == RANKS && !seen[rank].joined &&
                   road(seen[rank].fate.how) == 0;
        assert_int_equal(rc == 0, may);
        if (rc == 0)
            seen[rank].joined = true;
        return;
    }
    /* Those that end a rank are rare, so that the run lasts. */
    int how = rand() % 40 == 0 ? rand() % (ROTA_VANISHED + 3) : rand() % 2;
    struct rota_fate fate = {(enum rota_how)how, rand()};
    bool news = roster_report(r, rank, fate);
    if (!there || how > ROTA_VANISHED) {
        assert_false(news);
        return;
    }
    struct rota_fate was = seen[rank].fate;
    struct rota_fate is = roster_fate(r, rank);
    if (news) {
        assert_true(is.how != was.how);
        assert_true(road(is.how) > road(was.how) || road(is.how) == 0);
        assert_true(is.how == fate.how && is.code == fate.code);
        seen[rank].fate = is;
    } else {
        assert_true(is.how == was.how && is.code == was.code);
        assert_true(how == (int)was.how || road(fate.how) < road(was.how) ||
                    road(was.how) == 2);
    }
}

static bool all_final(const struct seen *seen)
{
    for (int i = 0; i < RANKS; i++) {
        if (road(seen[i].fate.how) != 2)
            return false;
    }
    return true;
}

static void the_invariants_hold_over_any_sequence_of_reports(void **state)
{
    (void)state;
    int runs_over = 0;
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        struct roster *r = roster_new(RANKS);
        struct seen seen[RANKS] = {0};
        for (int i = 0; i < 5000; i++) {
            step(r, seen);
            assert_int_equal(roster_over(r), all_final(seen));
            for (int rank = 0; rank < RANKS; rank++)
                assert_int_equal(roster_joined(r, rank), seen[rank].joined);
        }
        runs_over += roster_over(r);
        roster_free(r);
    }
    assert_int_equal(runs_over, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rank_joins_once_and_under_the_right_size),
        cmocka_unit_test(who_has_gone_does_not_come_back),
        cmocka_unit_test(a_final_fate_stays_as_it_was_told_first),
        cmocka_unit_test(to_be_stopped_can_pass),
        cmocka_unit_test(reports_about_nobody_and_of_nothing_are_no_news),
        cmocka_unit_test(those_who_have_not_joined_are_given_up),
        cmocka_unit_test(gone_and_final_are_what_the_words_say),
        cmocka_unit_test(the_invariants_hold_over_any_sequence_of_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
