/* test_median.c - the median of durations, without keeping them */
#include "unit.h"

#include <stdlib.h>

#include "schedule/median.h"

#define MS INT64_C(1000000)

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void is_about(int64_t got, int64_t wanted)
{
    int64_t off = got > wanted ? got - wanted : wanted - got;
    if (off > wanted / 64)
        fail_msg("%ld is not about %ld", (long)got, (long)wanted);
}

static void of_nothing_it_is_none(void **state)
{
    (void)state;
    struct median m = {0};
    assert_int_equal(median_get(&m), 0);
}

static void of_two_it_is_the_lower_one(void **state)
{
    (void)state;
    struct median m = {0};
    median_add(&m, 300 * MS, 1);
    is_about(median_get(&m), 300 * MS);
    median_add(&m, 100 * MS, 1);
    is_about(median_get(&m), 100 * MS);
    median_add(&m, 200 * MS, 1);
    is_about(median_get(&m), 200 * MS);
}

static void it_is_right_to_a_percent_in_whatever_order(void **state)
{
    (void)state;
    enum {
        COUNT = 1001,
    };
    static struct median m;
    static int64_t all[COUNT];
    srandom(7);
    for (int round = 0; round < 20; round++) {
        m = (struct median){0};
        for (int i = 0; i < COUNT; i++) {
            all[i] = random() % 1000 << random() % 40;
            median_add(&m, all[i], 1);
            if (i < 64 || i == COUNT - 1) {
                qsort(all, (size_t)i + 1, sizeof(all[0]), by_size);
                is_about(median_get(&m), all[i / 2]);
            }
        }
    }
}

static void many_at_once_weigh_as_many(void **state)
{
    (void)state;
    struct median m = {0};
    median_add(&m, 10 * MS, 10);
    median_add(&m, MS, 9);
    is_about(median_get(&m), 10 * MS);
    median_add(&m, MS, 2);
    is_about(median_get(&m), MS);
}

static void the_shortest_and_the_longest_have_a_place(void **state)
{
    (void)state;
    struct median m = {0};
    median_add(&m, -5, 1);
    assert_int_equal(median_get(&m), 0);
    median_add(&m, INT64_MAX, 2);
    is_about(median_get(&m), INT64_MAX);
    median_add(&m, 63, 5);
    assert_int_equal(median_get(&m), 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nothing_it_is_none),
        cmocka_unit_test(of_two_it_is_the_lower_one),
        cmocka_unit_test(it_is_right_to_a_percent_in_whatever_order),
        cmocka_unit_test(many_at_once_weigh_as_many),
        cmocka_unit_test(the_shortest_and_the_longest_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
