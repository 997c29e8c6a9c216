/* test_ledger.c - farm/ledger: the records of tasks that have not ended */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

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

/* All records from `first` on, in however many pieces: each as it was added. */
static void expect_all(const struct ledger *l, uint64_t first, uint64_t count,
                       size_t (*size_of)(uint64_t task))
{
    uint64_t at = first;
    while (at < first + count) {
        const unsigned char *records;
        size_t bytes;
        uint64_t n = ledger_piece(l, at, first + count - at, &records, &bytes);
        assert_true(n >= 1 && n <= first + count - at);
        for (uint64_t i = 0; i < n; i++) {
            struct parcel_task t = {0};
            size_t taken = 0;
            assert_int_equal(parcel_read_task(records, bytes, &t, &taken), 0);
            assert_int_equal(t.size, size_of(at + i));
            assert_int_equal(t.function, (at + i) % 200);
            for (size_t k = 0; k < t.size; k += 97)
                assert_int_equal(t.data[k], (at + i) % 200);
            records += taken;
            bytes -= taken;
        }
        assert_int_equal(bytes, 0);
        at += n;
    }
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

static void short_records_of_a_chunk_are_one_piece(void **state)
{
    (void)state;
    struct ledger *l = filled(2 * CHUNK, small);
    const unsigned char *records;
    size_t bytes;
    assert_int_equal(ledger_piece(l, 0, 2 * CHUNK, &records, &bytes), CHUNK);
    assert_int_equal(ledger_piece(l, 10, 100, &records, &bytes), 100);
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
        cmocka_unit_test(short_records_of_a_chunk_are_one_piece),
        cmocka_unit_test(as_many_fit_as_there_is_room_for),
        cmocka_unit_test(a_tag_is_kept_where_one_was_given),
        cmocka_unit_test(neighbours_without_tags_are_told_of_together),
        cmocka_unit_test(tasks_are_forgotten_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
