/* test_dealer.c - farm/dealer: who gets the next block */
#include "unit.h"

#include <string.h>

#include "farm/dealer.h"
#include "rota.h"

enum {
    NOBODY = 99,
};

static struct dealer *make(bool in_turn, uint64_t count)
{
    struct dealer *d;
    assert_int_equal(dealer_new(in_turn, &d), 0);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(dealer_begin(d, i, i + 1), 0);
    return d;
}

static void ask(struct dealer *d, uint64_t task)
{
    dealer_ask(d, &(struct dealer_who){
                      .worker = (int)task / 2, .lease = task + 10, .task = task});
}

/* Whose the next block is, who then has it. */
static uint64_t deal(struct dealer *d, uint64_t block)
{
    struct dealer_who who;
    if (!dealer_next(d, block == 0, &who))
        return NOBODY;
    assert_int_equal(who.lease, who.task + 10);
    assert_int_equal(who.worker, who.task / 2);
    dealer_gave(d, who.task, block);
    return who.task;
}

static void had(const struct dealer *d, uint64_t task, const char *wanted)
{
    char text[200];
    assert_string_equal(dealer_text(d, task, text, sizeof(text)), wanted);
}

static void who_asks_first_is_served_first(void **state)
{
    (void)state;
    rota_auto(dealer) struct dealer *d = make(false, 3);
    assert_int_equal(deal(d, 4), NOBODY);
    ask(d, 2);
    ask(d, 0);
    ask(d, 2); /* it has asked already */
    assert_int_equal(deal(d, 4), 2);
    assert_int_equal(deal(d, 5), 0);
    assert_int_equal(deal(d, 6), NOBODY);
    ask(d, 7); /* which there is not */
    assert_int_equal(deal(d, 6), NOBODY);
    had(d, 0, "blocks 1, 5");
    had(d, 1, "block 2");
    had(d, 2, "blocks 3-4");
    had(d, 7, "");
}

static void in_turn_each_waits_for_the_one_before(void **state)
{
    (void)state;
    rota_auto(dealer) struct dealer *d = make(true, 3);
    ask(d, 1);
    ask(d, 2);
    assert_int_equal(deal(d, 4), NOBODY);
    ask(d, 0);
    assert_int_equal(deal(d, 4), 0);
    assert_int_equal(deal(d, 5), 1);
    assert_int_equal(deal(d, 6), 2);
    ask(d, 1);
    dealer_ended(d, 0); /* nobody waits for it */
    assert_int_equal(deal(d, 7), 1);
}

static void at_the_end_each_is_told_once(void **state)
{
    (void)state;
    rota_auto(dealer) struct dealer *d = make(true, 3);
    assert_int_equal(dealer_living(d), 3);
    ask(d, 1);
    assert_int_equal(deal(d, 0), 1); /* out of turn, as nobody gets anything */
    assert_int_equal(deal(d, 0), NOBODY);
    assert_true(dealer_has_told(d, 1));
    assert_false(dealer_has_told(d, 0));
    assert_int_equal(dealer_living(d), 2);
    ask(d, 1);
    ask(d, 0);
    assert_int_equal(deal(d, 0), 0);
    dealer_ended(d, 2);
    assert_int_equal(dealer_living(d), 0);
    assert_false(dealer_has_told(d, 2));
}

static void a_lost_worker_asks_no_more(void **state)
{
    (void)state;
    rota_auto(dealer) struct dealer *d = make(false, 4);
    for (uint64_t i = 0; i < 4; i++)
        ask(d, i);
    dealer_lost(d, 0); /* 0 and 1 */
    assert_int_equal(deal(d, 5), 2);
    assert_int_equal(deal(d, 6), 3);
    assert_int_equal(deal(d, 7), NOBODY);
    had(d, 0, "block 1");
}

static void of_very_many_blocks_it_names_some(void **state)
{
    (void)state;
    rota_auto(dealer) struct dealer *d = make(false, 1);
    char text[2000];
    char little[12];
    for (uint64_t block = 3; block < 1000; block += 2) {
        ask(d, 0);
        assert_int_equal(deal(d, block), 0);
    }
    dealer_text(d, 0, text, sizeof(text));
    assert_non_null(strstr(text, "blocks 1, 3, 5, "));
    assert_non_null(strstr(text, " and 468 more, the last 999"));
    assert_string_equal(dealer_text(d, 0, little, sizeof(little)), "blocks 1, 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_first_is_served_first),
        cmocka_unit_test(in_turn_each_waits_for_the_one_before),
        cmocka_unit_test(at_the_end_each_is_told_once),
        cmocka_unit_test(a_lost_worker_asks_no_more),
        cmocka_unit_test(of_very_many_blocks_it_names_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
