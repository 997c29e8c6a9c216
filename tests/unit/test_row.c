/* test_row.c - row: tasks and results that share a head, and what is refused */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "execute/row.h"

enum {
    COUNT = 5,
    ROOM = 4096,
};

/* Bytes of exactly the size they have, so that a reader that goes on is caught. */
static unsigned char *exactly(const unsigned char *data, size_t size)
{
    unsigned char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

static void fill(unsigned char *out, size_t size, unsigned i)
{
    memset(out, 0, parcel_padded(size));
    memset(out, (int)(i + 1), size);
}

static size_t write_tasks(unsigned char *out, const struct parcel_task *t)
{
    size_t at = row_head_bytes(t);
    row_write_head(out, t, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        fill(out + at, t->size, i);
        at += parcel_padded(t->size);
    }
    return at;
}

static void tasks_of_a_row_come_one_by_one(void **state)
{
    (void)state;
    unsigned char bytes[ROOM];
    for (size_t size = 0; size < 20; size++) {
        for (uint64_t tag = 0; tag < 2; tag++) {
            struct parcel_task t = {.size = size, .function = 65000, .tag = tag};
            size_t row = write_tasks(bytes, &t);
            struct parcel_task single = {.data = bytes + row - 8, .size = 0};
            parcel_write_task(bytes + row, &single);
            struct row_walk walk = {.at = bytes, .left = row + PARCEL_TASK_BYTES};
            for (unsigned i = 0; i < COUNT; i++) {
                unsigned char expected[32];
                struct parcel_task got;
                fill(expected, size, i);
                assert_int_equal(row_next_task(&walk, &got), 0);
                assert_int_equal(got.size, size);
                assert_int_equal(got.function, 65000);
                assert_int_equal(got.tag, tag);
                assert_memory_equal(got.data, expected, parcel_padded(size));
            }
            assert_int_equal(row_next_task(&walk, &t), 0);
            assert_int_equal(t.function, 0);
            assert_int_equal(walk.left, 0);
            assert_int_equal(row_next_task(&walk, &t), ROTA_E_FORMAT);
        }
    }
}

static int read_cut(const unsigned char *bytes, size_t size, bool tasks)
{
    unsigned char *copy = exactly(bytes, size);
    struct parcel_task t;
    struct parcel_result r;
    uint32_t count;
    size_t taken;
    int rc = tasks ? row_read_tasks(copy, size, &t, &count, &taken)
                   : row_read_results(copy, size, &r, &count, &taken);
    free(copy);
    return rc;
}

static void a_row_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[ROOM];
    struct parcel_task t = {.size = 11, .retries = 2};
    size_t size = write_tasks(bytes, &t);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(read_cut(bytes, cut, true), ROTA_E_FORMAT);
    assert_int_equal(read_cut(bytes, size, true), 0);
    memset(bytes, 0, sizeof(bytes));
    row_write_results(bytes, 11, 77, COUNT);
    size = ROW_RESULT_BYTES + COUNT * 16;
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(read_cut(bytes, cut, false), ROTA_E_FORMAT);
    assert_int_equal(read_cut(bytes, size, false), 0);
}

static void a_row_of_none_or_of_too_many_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[ROOM] = {0};
    struct parcel_task t = {.size = 0};
    static const uint64_t wrong[] = {0, ROW_MOST + 1, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        row_write_head(bytes, &t, 1);
        parcel_put64(bytes + PARCEL_TASK_BYTES, wrong[i]);
        assert_int_equal(read_cut(bytes, ROOM, true), ROTA_E_FORMAT);
        row_write_results(bytes, 0, 1, 1);
        parcel_put64(bytes + PARCEL_RESULT_BYTES, wrong[i]);
        assert_int_equal(read_cut(bytes, ROOM, false), ROTA_E_FORMAT);
    }
    row_write_head(bytes, &t, ROW_MOST);
    assert_int_equal(read_cut(bytes, ROOM, true), 0);
}

static void a_row_of_results_holds_values_alone(void **state)
{
    (void)state;
    unsigned char bytes[ROOM] = {0};
    row_write_results(bytes, 8, 1, COUNT);
    bytes[0] = ROTA_FAILED;
    assert_int_equal(read_cut(bytes, ROOM, false), ROTA_E_FORMAT);
    row_write_results(bytes, 8, 1, COUNT);
    bytes[2] |= PARCEL_MORE;
    assert_int_equal(read_cut(bytes, ROOM, false), ROTA_E_FORMAT);
    row_write_results(bytes, 8, -1, COUNT);
    assert_int_equal(read_cut(bytes, ROOM, false), ROTA_E_FORMAT);
}

/* Who reads records alone takes no row for one. */
static void a_row_is_no_record(void **state)
{
    (void)state;
    unsigned char bytes[ROOM];
    struct parcel_task t = {.size = 8};
    struct parcel_result r;
    size_t taken;
    write_tasks(bytes, &t);
    assert_int_equal(parcel_read_task(bytes, ROOM, &t, &taken), ROTA_E_FORMAT);
    row_write_results(bytes, 8, 1, 1);
    assert_int_equal(parcel_read_result(bytes, ROOM, &r, &taken), ROTA_E_FORMAT);
    assert_int_equal(parcel_plain_result(bytes, ROOM), 0);
}

/* Values of one size and time share a head; what is between them does not. */
static void a_writer_packs_what_is_alike(void **state)
{
    (void)state;
    static const unsigned char value[32] = "what a task may have returned";
    static const struct parcel_result results[] = {
        {.size = 8, .took_ns = 5},  {.size = 8, .took_ns = 5},
        {.size = 8, .took_ns = 6},  {.size = 5, .took_ns = 6},
        {.size = 5, .took_ns = 6},  {.outcome = ROTA_FAILED, .code = 3, .size = 5},
        {.size = 5, .took_ns = 6},  {.size = 0, .took_ns = 6},
        {.size = 0, .took_ns = 6},  {.size = 24, .took_ns = 6},
        {.size = 24, .took_ns = 6}, {.outcome = ROTA_CRASHED, .code = 11},
    };
    enum {
        RESULTS = sizeof(results) / sizeof(results[0]),
        ROWS = 6,
        RECORDS = 2,
    };
    unsigned char bytes[ROOM];
    struct row_writer w = {.out = bytes};
    size_t values = 0;
    for (size_t i = 0; i < RESULTS; i++) {
        struct parcel_result r = results[i];
        r.data = value;
        row_write_result(&w, &r);
        values += parcel_padded(r.size);
    }
    row_end(&w);
    assert_int_equal(w.size, ROWS * ROW_RESULT_BYTES + values +
                                 RECORDS * (PARCEL_RESULT_BYTES + PARCEL_MORE_BYTES));
    struct row_walk walk = {.at = bytes, .left = w.size};
    for (size_t i = 0; i < RESULTS; i++) {
        struct parcel_result r;
        assert_int_equal(row_next_result(&walk, &r), 0);
        assert_int_equal(r.outcome, results[i].outcome);
        assert_int_equal(r.code, results[i].code);
        assert_int_equal(r.took_ns, results[i].took_ns);
        assert_int_equal(r.size, results[i].size);
        assert_memory_equal(r.data, value, r.size);
    }
    assert_int_equal(walk.left, 0);
    assert_int_equal(walk.more, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_of_a_row_come_one_by_one),
        cmocka_unit_test(a_row_that_is_cut_off_is_refused),
        cmocka_unit_test(a_row_of_none_or_of_too_many_is_refused),
        cmocka_unit_test(a_row_of_results_holds_values_alone),
        cmocka_unit_test(a_row_is_no_record),
        cmocka_unit_test(a_writer_packs_what_is_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
