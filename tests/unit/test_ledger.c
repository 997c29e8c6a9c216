/* test_ledger.c - farm/ledger: the records of tasks that have not ended */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "execute/row.h"
#include "farm/ledger.h"

enum {
    CHUNK = 1024, /* tasks that stand together */
};

static void add(struct ledger *l, size_t size, unsigned char fill, uint64_t tag)
{
    unsigned char *data = malloc(size + 1);
    assert_non_null(data);
    memset(data, fill, size);
    struct parcel_task t = {.data = data, .size = size, .tag = tag, .function = fill};
    assert_int_equal(ledger_add(l, &t), 0);
    free(data);
}

/* All tasks from `first` on, as they would travel: each as it was added. */
static void expect_all(const struct ledger *l, uint64_t first, uint64_t count,
                       size_t (*size_of)(uint64_t task))
{
    size_t bytes = ledger_bytes(l, first, count);
    unsigned char *copy = malloc(bytes);
    assert_non_null(copy);
    ledger_copy(l, first, count, copy);
    struct row_walk walk = {.at = copy, .left = bytes};
    for (uint64_t task = first; task < first + count; task++) {
        struct parcel_task t = {0};
        assert_int_equal(row_next_task(&walk, &t), 0);
        assert_int_equal(t.size, size_of(task));
        assert_int_equal(t.function, task % 200);
        for (size_t k = 0; k < t.size; k += 97)
            assert_int_equal(t.data[k], task % 200);
        t = ledger_task(l, task);
        assert_int_equal(t.size, size_of(task));
        if (t.size > 0)
            assert_int_equal(t.data[t.size - 1], task % 200);
    }
    assert_int_equal(walk.more, 0);
    assert_int_equal(walk.left, 0);
    free(copy);
}

static size_t small(uint64_t task)
{
    return task % 23;
}

/* Every seventh is long, and two of them are neighbours. */
static size_t mixed(uint64_t task)
{
    return task % 7 == 0 || task % 7 == 1 ? 4000 + (task % 300) : task % 23;
}

static struct ledger *filled(uint64_t count, size_t (*size_of)(uint64_t task))
{
    struct ledger *l;
    assert_int_equal(ledger_new(&l), 0);
    for (uint64_t i = 0; i < count; i++)
        add(l, size_of(i), (unsigned char)(i % 200), 0);
    assert_int_equal(ledger_count(l), count);
    return l;
}

static void records_come_back_as_they_were_added(void **state)
{
    (void)state;
    struct ledger *l = filled(3 * CHUNK + 5, small);
    expect_all(l, 0, 3 * CHUNK + 5, small);
    expect_all(l, CHUNK - 1, 2, small);
    ledger_free(l);
}

static void long_records_stand_between_short_ones(void **state)
{
    (void)state;
    struct ledger *l = filled(2 * CHUNK, mixed);
    expect_all(l, 0, 2 * CHUNK, mixed);
    for (uint64_t first = 0; first < 20; first++)
        expect_all(l, first, 30, mixed);
    ledger_free(l);
}

enum {
    HEAD = PARCEL_TASK_BYTES + ROW_COUNT_BYTES, /* of a row of plain tasks */
};

static void add_numbers(struct ledger *l, uint64_t from, uint64_t count, uint64_t tag)
{
    for (uint64_t i = from; i < from + count; i++) {
        const struct parcel_task t = {
            .data = (const unsigned char *)&i, .size = sizeof(i), .tag = tag};
        int rc = i % 2 == 0 || tag != 0 ? ledger_add(l, &t)
                                        : ledger_add_plain(l, 0, &i, sizeof(i));
        assert_int_equal(rc, 0);
    }
}

static void expect_numbers(const struct ledger *l, uint64_t count, size_t bytes)
{
    unsigned char *copy = malloc(bytes);
    assert_non_null(copy);
    assert_int_equal(ledger_bytes(l, 0, count), bytes);
    ledger_copy(l, 0, count, copy);
    struct row_walk walk = {.at = copy, .left = bytes};
    for (uint64_t i = 0; i < count; i++) {
        struct parcel_task t = {0};
        assert_int_equal(row_next_task(&walk, &t), 0);
        assert_int_equal(t.size, 8);
        assert_memory_equal(t.data, &i, 8);
    }
    assert_int_equal(walk.more, 0);
    assert_int_equal(walk.left, 0);
    free(copy);
}

static void tasks_alike_are_a_row_of_payloads(void **state)
{
    (void)state;
    struct ledger *l;
    assert_int_equal(ledger_new(&l), 0);
    add_numbers(l, 0, 2 * CHUNK + 1, 0);
    /* a row a chunk; and one task is a record */
    expect_numbers(l, 2 * CHUNK + 1, 2 * (HEAD + CHUNK * 8) + PARCEL_TASK_BYTES + 8);
    assert_int_equal(ledger_bytes(l, 10, 100), HEAD + 800);
    ledger_free(l);
}

static void a_task_that_differs_gives_its_neighbours_records(void **state)
{
    (void)state;
    struct ledger *l;
    uint64_t until;
    assert_int_equal(ledger_new(&l), 0);
    add_numbers(l, 0, 100, 7);
    assert_int_equal(ledger_tag(l, 3, &until), 7);
    assert_int_equal(until, 100);
    assert_int_equal(ledger_bytes(l, 0, 100), HEAD + PARCEL_EXTRA_BYTES + 800);
    add_numbers(l, 100, 100, 0);
    assert_int_equal(ledger_tag(l, 3, &until), 7);
    assert_int_equal(until, 4);
    assert_int_equal(ledger_tag(l, 150, &until), 0);
    expect_numbers(l, 200, 200 * (PARCEL_TASK_BYTES + 8) + 100 * PARCEL_EXTRA_BYTES);
    ledger_free(l);
}

/* Payloads of 5 bytes, which are put 8 bytes apart; and what there is no room for. */
static void payloads_are_filled_in_where_there_is_room(void **state)
{
    (void)state;
    struct ledger *l;
    struct parcel_task t = {.size = 5, .function = 2, .retries = 1};
    struct parcel_task large = {.size = 5000};
    unsigned char *room = NULL;
    uint32_t count = 100;
    assert_int_equal(ledger_new(&l), 0);
    assert_int_equal(ledger_room(l, &t, &room, &count), 0);
    assert_int_equal(count, 100);
    for (uint32_t i = 0; i < 60; i++)
        memset(room + i * 5UL, (int)i + 1, 5);
    ledger_fill(l, 60);
    assert_int_equal(ledger_count(l), 60);
    count = 5000;
    assert_int_equal(ledger_room(l, &t, &room, &count), 0);
    assert_int_equal(count, CHUNK - 60);
    for (uint64_t i = 0; i < 60; i++) {
        struct parcel_task got = ledger_task(l, i);
        assert_int_equal(got.size, 5);
        assert_int_equal(got.function, 2);
        assert_int_equal(got.retries, 1);
        uint64_t expected = 0x0101010101 * (i + 1);
        assert_memory_equal(got.data, &expected, 8);
    }
    count = 10;
    assert_int_equal(ledger_room(l, &large, &room, &count), 0);
    assert_int_equal(count, 0);
    t.tag = 1;
    count = 10;
    assert_int_equal(ledger_room(l, &t, &room, &count), 0);
    assert_int_equal(count, 0);
    ledger_free(l);
}

/* Tasks without payloads: what is to be done with them takes memory elsewhere. */
static void empty_payloads_count_too(void **state)
{
    (void)state;
    struct ledger *l;
    assert_int_equal(ledger_new(&l), 0);
    for (int i = 0; i < 3 * CHUNK; i++)
        assert_int_equal(ledger_add_plain(l, 1, "", 0), 0);
    assert_int_equal(ledger_bytes(l, 0, 3 * CHUNK), 3 * HEAD);
    assert_int_equal(ledger_fit(l, 0, 3 * CHUNK, 1 << 20), 3 * CHUNK);
    assert_int_equal(ledger_fit(l, 0, 3 * CHUNK, HEAD + 8 * 100), 100);
    assert_int_equal(ledger_fit(l, 0, 3 * CHUNK, 2 * HEAD + 8 * (CHUNK + 100)),
                     CHUNK + 100);
    ledger_free(l);
}

static void as_many_fit_as_there_is_room_for(void **state)
{
    (void)state;
    struct ledger *l = filled(3 * CHUNK, mixed);
    for (uint64_t first = 0; first < 2 * CHUNK; first += 311) {
        for (size_t room = 16; room < 3000000; room = room * 5 / 3) {
            uint64_t n = ledger_fit(l, first, CHUNK, room);
            assert_true(n >= 1 && n <= CHUNK);
            assert_true(n == 1 || ledger_bytes(l, first, n) <= room);
            assert_true(n == CHUNK || ledger_bytes(l, first, n + 1) > room);
        }
    }
    ledger_free(l);
}

static void a_tag_is_kept_where_one_was_given(void **state)
{
    (void)state;
    struct ledger *l;
    assert_int_equal(ledger_new(&l), 0);
    for (uint64_t i = 0; i < 10; i++)
        add(l, 8, 0, i % 3 == 0 ? 100 + i : 0);
    uint64_t until;
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(ledger_tag(l, i, &until), i % 3 == 0 ? 100 + i : 0);
        assert_int_equal(until, i + 1);
    }
    ledger_free(l);
}

static void neighbours_without_tags_are_told_of_together(void **state)
{
    (void)state;
    struct ledger *l = filled(CHUNK + 10, small);
    uint64_t until;
    assert_int_equal(ledger_tag(l, 3, &until), 0);
    assert_int_equal(until, CHUNK);
    assert_int_equal(ledger_tag(l, CHUNK + 3, &until), 0);
    assert_int_equal(until, CHUNK + 10);
    ledger_free(l);
}

/* Under a sanitizer: what is forgotten is freed, and what is not stays. */
static void tasks_are_forgotten_in_any_order(void **state)
{
    (void)state;
    struct ledger *l = filled(8 * CHUNK, mixed);
    ledger_forget(l, 2 * CHUNK - 10, 20);
    ledger_forget(l, 0, 2 * CHUNK - 10);
    expect_all(l, 2 * CHUNK + 10, 6 * CHUNK - 10, mixed);
    ledger_forget(l, 4 * CHUNK, 4 * CHUNK);
    expect_all(l, 2 * CHUNK + 10, 2 * CHUNK - 10, mixed);
    for (uint64_t i = 8 * CHUNK; i < 40 * CHUNK; i++) {
        add(l, mixed(i), (unsigned char)(i % 200), 0);
        ledger_forget(l, i, 1);
    }
    expect_all(l, 2 * CHUNK + 10, 2 * CHUNK - 10, mixed);
    ledger_forget(l, 2 * CHUNK + 10, 2 * CHUNK - 10);
    add(l, mixed(40 * CHUNK), (40 * CHUNK) % 200, 0);
    expect_all(l, 40 * CHUNK, 1, mixed);
    ledger_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_as_they_were_added),
        cmocka_unit_test(long_records_stand_between_short_ones),
        cmocka_unit_test(tasks_alike_are_a_row_of_payloads),
        cmocka_unit_test(a_task_that_differs_gives_its_neighbours_records),
        cmocka_unit_test(payloads_are_filled_in_where_there_is_room),
        cmocka_unit_test(empty_payloads_count_too),
        cmocka_unit_test(as_many_fit_as_there_is_room_for),
        cmocka_unit_test(a_tag_is_kept_where_one_was_given),
        cmocka_unit_test(neighbours_without_tags_are_told_of_together),
        cmocka_unit_test(tasks_are_forgotten_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
