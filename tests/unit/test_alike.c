/* test_alike.c - farm/alike: tasks given many at once, and results taken so
 *
 * A farm of one process, which is manager and worker. Memory is refused when the test
 * says so (the linker's --wrap, CMakeLists.txt).
 */
#include "refused.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "farm/inner.h"

enum {
    DOUBLE, /* functions */
    REPEAT,
    ODD_FAIL,
    FUNCTIONS,
    TASKS = 5000,
    LARGE = 6000, /* bytes: a payload that does not stand with others */
};

/* ---- a farm ------------------------------------------------------------------- */

static int twice(struct rota_task *task, void *context)
{
    const uint64_t *number = rota_task_data(task, NULL);
    uint64_t value = 2 * *number;
    (void)context;
    return rota_task_return(task, &value, sizeof(value));
}

static int repeat(struct rota_task *task, void *context)
{
    size_t size;
    const void *data = rota_task_data(task, &size);
    (void)context;
    return rota_task_return(task, data, size);
}

static int odd_fail(struct rota_task *task, void *context)
{
    const uint64_t *number = rota_task_data(task, NULL);
    return *number % 2 != 0 ? 3 : twice(task, context);
}

static const struct rota_function functions[FUNCTIONS] = {
    [DOUBLE] = {.name = "double", .run = twice},
    [REPEAT] = {.name = "repeat", .run = repeat},
    [ODD_FAIL] = {.name = "odd-fail", .run = odd_fail},
};

static struct rota_farm *open_farm(bool in_order)
{
    struct link *link;
    struct executor_options x_options = {
        .functions = functions, .count = FUNCTIONS, .slots = 1};
    struct rota_farm_options options = {
        .functions = functions, .count = FUNCTIONS, .in_order = in_order};
    struct executor *x;
    struct rota_farm *farm;
    assert_int_equal(link_alone_open(&link), 0);
    assert_int_equal(executor_in_rank_open(&x_options, &x, NULL), 0);
    assert_int_equal(farm_over(link, x, &options, (struct farm_manner){0}, &farm, NULL),
                     0);
    return farm;
}

/* Fills in the numbers up to `end`, never more than `step` at once. */
struct numbers {
    uint64_t next;
    uint64_t end;
    size_t step;
    size_t calls;
};

static size_t fill(void *context, void *payloads, size_t most)
{
    struct numbers *n = context;
    uint64_t *out = payloads;
    size_t count = most < n->step ? most : n->step;
    if (count > n->end - n->next)
        count = n->end - n->next;
    for (size_t i = 0; i < count; i++)
        out[i] = n->next++;
    n->calls++;
    return count;
}

/* Every task's value is twice its number; each is told once. */
static void expect_doubles(struct rota_farm *farm, uint64_t count, size_t most)
{
    bool *told = calloc(count, sizeof(*told));
    struct rota_result r;
    size_t some;
    int rc;
    assert_non_null(told);
    while ((rc = rota_next_run(farm, ROTA_FOREVER, most, &r, &some)) == 0) {
        assert_in_range(some, 1, most);
        assert_int_equal(r.outcome, ROTA_DONE);
        assert_int_equal(r.size_bytes, 8);
        for (size_t i = 0; i < some; i++) {
            uint64_t value;
            memcpy(&value, rota_run_value(&r, i), 8);
            assert_int_equal(value, 2 * (r.task + i));
            assert_false(told[r.task + i]);
            told[r.task + i] = true;
        }
    }
    assert_int_equal(rc, ROTA_E_END);
    for (uint64_t i = 0; i < count; i++)
        assert_true(told[i]);
    free(told);
}

/* ---- tests -------------------------------------------------------------------- */

static void an_array_is_submitted_and_told_at_once(void **state)
{
    (void)state;
    static uint64_t numbers[TASKS];
    struct rota_farm *farm = open_farm(false);
    struct rota_spec spec = {.data = numbers, .size_bytes = 8};
    uint64_t first = 99;
    size_t submitted = 0;
    for (uint64_t i = 0; i < TASKS; i++)
        numbers[i] = i;
    assert_int_equal(rota_submit_alike(farm, &spec, 10, &first, &submitted), 0);
    assert_int_equal(first, 0);
    assert_int_equal(submitted, 10);
    spec.data = numbers + 10;
    assert_int_equal(rota_submit_alike(farm, &spec, TASKS - 10, &first, &submitted), 0);
    assert_int_equal(first, 10);
    expect_doubles(farm, TASKS, 100);
    struct rota_stats stats;
    rota_farm_stats(farm, &stats);
    assert_int_equal(stats.ended[ROTA_DONE], TASKS);
    rota_farm_close(farm);
}

static void payloads_are_filled_in_as_there_is_room(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 7, SIZE_MAX};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct rota_farm *farm = open_farm(i == 0);
        struct numbers n = {.end = TASKS, .step = steps[i]};
        struct rota_spec spec = {.size_bytes = 8, .tag = 5};
        assert_int_equal(rota_generate_alike(farm, &spec, fill, &n), 0);
        assert_int_equal(rota_submit(farm, &spec, NULL), ROTA_E_STATE);
        assert_int_equal(rota_generate_alike(farm, &spec, fill, &n), ROTA_E_STATE);
        expect_doubles(farm, TASKS, SIZE_MAX);
        assert_int_equal(n.next, TASKS);
        rota_farm_close(farm);
    }
}

/* One call takes one, the next the rest of the run that it stands in. */
static void one_by_one_and_many_at_once_go_together(void **state)
{
    (void)state;
    struct rota_farm *farm = open_farm(true);
    struct numbers n = {.end = TASKS, .step = SIZE_MAX};
    struct rota_spec spec = {.size_bytes = 8};
    uint64_t next = 0;
    int rc = rota_generate_alike(farm, &spec, fill, &n);
    while (rc == 0) {
        struct rota_result r;
        size_t some = 1;
        rc = next % 3 == 0 ? rota_next(farm, ROTA_FOREVER, &r)
                           : rota_next_run(farm, ROTA_FOREVER, 50, &r, &some);
        if (rc != 0)
            break;
        assert_int_equal(r.task, next);
        for (size_t i = 0; i < some; i++) {
            uint64_t value;
            memcpy(&value, rota_run_value(&r, i), 8);
            assert_int_equal(value, 2 * next++);
        }
        struct rota_stats stats;
        rota_farm_stats(farm, &stats);
        assert_int_equal(stats.ended[ROTA_DONE], next);
    }
    assert_int_equal(rc, ROTA_E_END);
    assert_int_equal(next, TASKS);
    rota_farm_close(farm);
}

static void failures_stand_between(void **state)
{
    (void)state;
    struct rota_farm *farm = open_farm(true);
    struct numbers n = {.end = 100, .step = SIZE_MAX};
    struct rota_spec spec = {.function = "odd-fail", .size_bytes = 8};
    struct rota_result r;
    size_t some = 0;
    assert_int_equal(rota_generate_alike(farm, &spec, fill, &n), 0);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(rota_next_run(farm, ROTA_FOREVER, 10, &r, &some), 0);
        assert_int_equal(r.task, i);
        assert_int_equal(some, 1);
        assert_int_equal(r.outcome, i % 2 != 0 ? ROTA_FAILED : ROTA_DONE);
    }
    assert_int_equal(rota_next_run(farm, ROTA_FOREVER, 10, &r, &some), ROTA_E_END);
    rota_farm_close(farm);
}

static size_t fill_text(void *context, void *payloads, size_t most)
{
    size_t *left = context;
    unsigned char *out = payloads;
    size_t count = *left < most ? *left : most;
    for (size_t i = 0; i < count; i++, (*left)--)
        memset(out + i * 5, (int)(*left % 100), 5);
    return count;
}

/* Of 5 bytes, and others of 6000, between which there is no room with others. */
static void payloads_of_any_size_come_back(void **state)
{
    (void)state;
    struct rota_farm *farm = open_farm(true);
    size_t left = 300;
    struct rota_spec spec = {.function = "repeat", .size_bytes = 5};
    struct rota_result r;
    size_t some = 0;
    assert_int_equal(rota_generate_alike(farm, &spec, fill_text, &left), 0);
    for (size_t at = 300; at > 0; at -= some) {
        assert_int_equal(rota_next_run(farm, ROTA_FOREVER, 1000, &r, &some), 0);
        for (size_t i = 0; i < some; i++) {
            unsigned char expected[5];
            memset(expected, (int)((at - i) % 100), 5);
            assert_memory_equal(rota_run_value(&r, i), expected, 5);
        }
    }
    assert_int_equal(rota_next(farm, ROTA_FOREVER, &r), ROTA_E_END);

    static unsigned char large[3][LARGE];
    memset(large[1], 1, LARGE);
    memset(large[2], 2, LARGE);
    spec.data = large;
    spec.size_bytes = LARGE;
    assert_int_equal(rota_submit_alike(farm, &spec, 3, NULL, NULL), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rota_next(farm, ROTA_FOREVER, &r), 0);
        assert_int_equal(r.size_bytes, LARGE);
        assert_memory_equal(r.data, large[i], LARGE);
    }
    rota_farm_close(farm);
}

static void tasks_without_payloads_are_tasks(void **state)
{
    (void)state;
    struct rota_farm *farm = open_farm(false);
    struct rota_spec spec = {.function = "repeat"};
    struct rota_result r;
    size_t some = 0;
    uint64_t told = 0;
    int rc = rota_submit_alike(farm, &spec, TASKS, NULL, NULL);
    while (rc == 0 &&
           (rc = rota_next_run(farm, ROTA_FOREVER, SIZE_MAX, &r, &some)) == 0) {
        assert_int_equal(r.size_bytes, 0);
        told += some;
    }
    assert_int_equal(rc, ROTA_E_END);
    assert_int_equal(told, TASKS);
    rota_farm_close(farm);
}

static size_t fill_too_many(void *context, void *payloads, size_t most)
{
    (void)context;
    (void)payloads;
    return most + 1;
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct rota_farm *farm = open_farm(false);
    struct rota_spec spec = {.size_bytes = 8};
    struct rota_spec unknown = {.function = "triple", .size_bytes = 8};
    struct rota_spec far = {.size_bytes = 8, .near = ROTA_NEAR(7)};
    struct rota_result r;
    size_t some = 0;
    assert_int_equal(rota_submit_alike(farm, NULL, 1, NULL, NULL), ROTA_E_ARG);
    assert_int_equal(rota_submit_alike(farm, &spec, 1, NULL, NULL), ROTA_E_ARG);
    assert_int_equal(rota_submit_alike(farm, &spec, 0, NULL, &some), 0);
    assert_int_equal(rota_generate_alike(farm, &spec, NULL, NULL), ROTA_E_ARG);
    assert_int_equal(rota_generate_alike(farm, &unknown, fill, NULL), ROTA_E_NOTFOUND);
    assert_int_equal(rota_generate_alike(farm, &far, fill, NULL), ROTA_E_ARG);
    assert_int_equal(rota_next_run(farm, 0, 0, &r, &some), ROTA_E_ARG);
    assert_int_equal(rota_next_run(farm, 0, 1, &r, NULL), ROTA_E_ARG);
    assert_int_equal(rota_next_run(farm, 0, 1, &r, &some), ROTA_E_END);
    assert_int_equal(rota_generate_alike(farm, &spec, fill_too_many, NULL), 0);
    assert_int_equal(rota_next_run(farm, ROTA_FOREVER, 1, &r, &some), ROTA_E_ARG);
    assert_int_equal(rota_next_run(farm, ROTA_FOREVER, 1, &r, &some), ROTA_E_END);
    rota_farm_close(farm);
}

/* Whichever allocation fails, tasks that were taken are told, each once. */
static void memory_that_is_refused_loses_nothing(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    bool refused = true;
    for (long n = 1; refused; n++) {
        struct rota_farm *farm = open_farm(false);
        struct rota_spec spec = {.data = numbers, .size_bytes = 8};
        struct numbers filled = {.next = 10, .end = 2000, .step = 300};
        struct rota_result r;
        size_t some = 0;
        uint64_t told = 0;
        fail_at = n;
        int rc = rota_submit_alike(farm, &spec, 10, NULL, &some);
        assert_true(rc == 0 ? some == 10 : rc == ROTA_E_NOMEM);
        if (rc != 0) {
            spec.data = numbers + some;
            assert_int_equal(rota_submit_alike(farm, &spec, 10 - some, NULL, NULL), 0);
        }
        while ((rc = rota_generate_alike(farm, &spec, fill, &filled)) == ROTA_E_NOMEM)
            continue;
        assert_int_equal(rc, 0);
        while ((rc = rota_next_run(farm, ROTA_FOREVER, 100, &r, &some)) != ROTA_E_END) {
            if (rc == ROTA_E_NOMEM)
                continue;
            assert_int_equal(rc, 0);
            for (size_t i = 0; i < some; i++)
                assert_int_equal(*(const uint64_t *)rota_run_value(&r, i),
                                 2 * (r.task + i));
            told += some;
        }
        assert_int_equal(told, 2000);
        refused = fail_at == 0;
        fail_at = 0;
        rota_farm_close(farm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_is_submitted_and_told_at_once),
        cmocka_unit_test(payloads_are_filled_in_as_there_is_room),
        cmocka_unit_test(one_by_one_and_many_at_once_go_together),
        cmocka_unit_test(failures_stand_between),
        cmocka_unit_test(payloads_of_any_size_come_back),
        cmocka_unit_test(tasks_without_payloads_are_tasks),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(memory_that_is_refused_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
