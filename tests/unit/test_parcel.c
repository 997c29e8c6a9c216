/* test_parcel.c - parcel: records as bytes, and what is refused */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "execute/parcel.h"

/* Bytes of exactly the size they have, so that a reader that goes on is caught. */
struct exact {
    unsigned char *data;
    size_t size;
};

static struct exact copy(const unsigned char *data, size_t size)
{
    struct exact e = {.data = malloc(size ? size : 1), .size = size};
    assert_non_null(e.data);
    if (size > 0)
        memcpy(e.data, data, size);
    return e;
}

static struct exact write_task(const struct parcel_task *t)
{
    struct exact e = {.size = parcel_task_bytes(t)};
    e.data = malloc(e.size);
    assert_non_null(e.data);
    memset(e.data, 0xaa, e.size);
    parcel_write_task(e.data, t);
    return e;
}

static void assert_same_task(const struct parcel_task *a, const struct parcel_task *b)
{
    assert_int_equal(a->size, b->size);
    if (a->size > 0)
        assert_memory_equal(a->data, b->data, a->size);
    assert_int_equal(a->tag, b->tag);
    assert_int_equal(a->time_limit_ms, b->time_limit_ms);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->function, b->function);
    assert_int_equal(a->retries, b->retries);
    assert_int_equal(a->near, b->near);
}

static const unsigned char payload[] = "0123456789abcdefghijklmnopqrstuvwxyz";

static void a_task_comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t size = 0; size < 20; size++) {
        for (int extra = 0; extra < 2; extra++) {
            struct parcel_task t = {.data = payload, .size = size, .function = 65535};
            if (extra) {
                t.tag = UINT64_MAX - 1;
                t.time_limit_ms = UINT32_MAX;
                t.priority = -5;
                t.retries = PARCEL_RETRIES_MAX;
                t.near = 65535;
            }
            struct exact e = write_task(&t);
            struct parcel_task got = {0};
            size_t bytes = 0;
            assert_int_equal(parcel_read_task(e.data, e.size, &got, &bytes), 0);
            assert_int_equal(bytes, e.size);
            assert_int_equal(bytes % 8, 0);
            assert_same_task(&t, &got);
            for (size_t i = size; i < parcel_padded(size); i++)
                assert_int_equal(got.data[i], 0);
            free(e.data);
        }
    }
}

static void a_plain_task_takes_eight_bytes_and_its_payload(void **state)
{
    (void)state;
    struct parcel_task t = {.data = payload, .size = 8};
    assert_int_equal(parcel_task_bytes(&t), 16);
    t.priority = 1;
    assert_int_equal(parcel_task_bytes(&t), 40);
}

static void a_task_cut_short_is_refused_at_every_length(void **state)
{
    (void)state;
    struct parcel_task t = {.data = payload, .size = 11, .tag = 3};
    struct exact whole = write_task(&t);
    for (size_t size = 0; size < whole.size; size++) {
        struct exact e = copy(whole.data, size);
        struct parcel_task got = {0};
        size_t bytes = 99;
        assert_int_equal(parcel_read_task(e.data, e.size, &got, &bytes), ROTA_E_FORMAT);
        assert_int_equal(bytes, 99);
        free(e.data);
    }
    free(whole.data);
}

static void a_task_that_says_nonsense_is_refused(void **state)
{
    (void)state;
    struct parcel_task t = {.data = payload, .size = 8, .tag = 3};
    struct parcel_task got = {0};
    size_t bytes;
    struct exact e = write_task(&t);
    parcel_put16(e.data + 6, 2);
    assert_int_equal(parcel_read_task(e.data, e.size, &got, &bytes), ROTA_E_FORMAT);
    parcel_put16(e.data + 6, PARCEL_EXTRA);
    parcel_put16(e.data + 20, PARCEL_RETRIES_MAX + 1);
    assert_int_equal(parcel_read_task(e.data, e.size, &got, &bytes), ROTA_E_FORMAT);
    parcel_put16(e.data + 20, 0);
    parcel_put32(e.data, UINT32_MAX); /* padded, more than a size_t of 32 bits holds */
    assert_int_equal(parcel_read_task(e.data, e.size, &got, &bytes), ROTA_E_FORMAT);
    free(e.data);
}

static struct exact write_result(const struct parcel_result *r)
{
    struct exact e = {.size = parcel_result_bytes(r)};
    e.data = malloc(e.size);
    assert_non_null(e.data);
    memset(e.data, 0xaa, e.size);
    parcel_write_result(e.data, r);
    return e;
}

/* A result with a value of `size` bytes and two tasks, `tasks` being their records. */
static struct parcel_result sample(size_t size, unsigned char tasks[static 64])
{
    struct parcel_task plain = {.data = payload, .size = 3, .function = 1};
    struct parcel_task rich = {.data = payload, .size = 8, .priority = 7};
    size_t at = parcel_task_bytes(&plain);
    parcel_write_task(tasks, &plain);
    parcel_write_task(tasks + at, &rich);
    return (struct parcel_result){
        .data = payload,
        .size = size,
        .outcome = ROTA_FAILED,
        .code = -17,
        .took_ns = INT64_MAX,
        .tasks = tasks,
        .tasks_bytes = at + parcel_task_bytes(&rich),
        .tasks_count = 2,
    };
}

static void a_result_comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t size = 0; size < 20; size++) {
        unsigned char tasks[64];
        struct parcel_result r = sample(size, tasks);
        struct exact e = write_result(&r);
        struct parcel_result got = {0};
        size_t bytes = 0;
        assert_int_equal(parcel_read_result(e.data, e.size, &got, &bytes), 0);
        assert_int_equal(bytes, e.size);
        assert_int_equal(got.size, size);
        if (size > 0)
            assert_memory_equal(got.data, payload, size);
        assert_int_equal(got.outcome, ROTA_FAILED);
        assert_int_equal(got.code, -17);
        assert_int_equal(got.took_ns, INT64_MAX);
        assert_int_equal(got.tasks_count, 2);
        assert_int_equal(got.tasks_bytes, r.tasks_bytes);
        assert_memory_equal(got.tasks, tasks, r.tasks_bytes);
        free(e.data);
    }
}

static void a_value_alone_takes_sixteen_bytes_more(void **state)
{
    (void)state;
    for (size_t size = 0; size < 20; size++) {
        struct parcel_result r = {.data = payload, .size = size, .took_ns = 5};
        struct exact e = write_result(&r);
        struct parcel_result got = {0};
        size_t bytes = 0;
        assert_int_equal(e.size, 16 + (size + 7) / 8 * 8);
        assert_int_equal(parcel_plain_result(e.data, e.size), e.size);
        assert_int_equal(parcel_plain_result(e.data, e.size - 1), 0);
        assert_int_equal(parcel_read_result(e.data, e.size, &got, &bytes), 0);
        assert_int_equal(bytes, e.size);
        assert_int_equal(got.size, size);
        assert_int_equal(got.took_ns, 5);
        free(e.data);
    }
}

static void a_result_cut_short_is_refused_at_every_length(void **state)
{
    (void)state;
    unsigned char tasks[64];
    struct parcel_result r = sample(9, tasks);
    struct exact whole = write_result(&r);
    for (size_t size = 0; size < whole.size; size++) {
        struct exact e = copy(whole.data, size);
        struct parcel_result got = {0};
        size_t bytes;
        assert_int_equal(parcel_read_result(e.data, e.size, &got, &bytes),
                         ROTA_E_FORMAT);
        free(e.data);
    }
    free(whole.data);
}

static void a_result_that_says_nonsense_is_refused(void **state)
{
    (void)state;
    unsigned char tasks[64];
    struct parcel_result r = sample(8, tasks);
    static const struct {
        size_t at;
        unsigned char byte;
    } wrong[] = {
        {7, 0xff},          /* a value of nearly 4 GiB */
        {0, ROTA_OUTCOMES}, /* no such outcome */
        {2, 3},             /* no such flag */
        {15, 0xff},         /* a negative time */
        {24 + 4, 3},        /* more tasks than there are */
        {24 + 7, 0xff},     /* many more */
        {24 + 8 + 6, 2},    /* a malformed task in it */
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct exact e = write_result(&r);
        struct parcel_result got = {0};
        size_t bytes;
        e.data[wrong[i].at] = wrong[i].byte;
        assert_int_equal(parcel_read_result(e.data, e.size, &got, &bytes),
                         ROTA_E_FORMAT);
        free(e.data);
    }
}

static void random_bytes_never_lead_a_reader_astray(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[96];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = seed >> 62 ? 0 : (unsigned char)(seed >> 33); /* mostly zeros */
        }
        struct exact e = copy(bytes, (size_t)(seed >> 40) % sizeof(bytes));
        struct parcel_task t;
        struct parcel_result r = {0};
        size_t taken = 0;
        if (parcel_read_task(e.data, e.size, &t, &taken) == 0)
            assert_true(taken <= e.size && t.data + t.size <= e.data + e.size);
        if (parcel_read_result(e.data, e.size, &r, &taken) == 0)
            assert_true(taken <= e.size && r.data + r.size <= e.data + e.size);
        size_t plain = parcel_plain_result(e.data, e.size);
        assert_true(plain == 0 || (plain == taken && r.outcome == ROTA_DONE));
        free(e.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_comes_back_as_it_was),
        cmocka_unit_test(a_plain_task_takes_eight_bytes_and_its_payload),
        cmocka_unit_test(a_task_cut_short_is_refused_at_every_length),
        cmocka_unit_test(a_task_that_says_nonsense_is_refused),
        cmocka_unit_test(a_result_comes_back_as_it_was),
        cmocka_unit_test(a_value_alone_takes_sixteen_bytes_more),
        cmocka_unit_test(a_result_cut_short_is_refused_at_every_length),
        cmocka_unit_test(a_result_that_says_nonsense_is_refused),
        cmocka_unit_test(random_bytes_never_lead_a_reader_astray),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
