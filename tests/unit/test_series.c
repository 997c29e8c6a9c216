/* test_series.c - series: tasks run one behind the other, and their results in rows
 *
 * What a task does is in its payload: a size to return, or what else. Memory is refused
 * when the test says so (the linker's --wrap, CMakeLists.txt).
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "execute/row.h"
#include "execute/series.h"

enum deed {
    RETURN,       /* so many bytes */
    RETURN_AGAIN, /* a number first, and then so many bytes */
    FAIL,
    FAIL_LATE, /* after it has returned a number */
    SUBMIT,    /* a task, after it has returned a number */
    SPIN,      /* for a while, and return a number */
    DEEDS,
};

struct order {
    uint32_t deed;
    uint32_t size;
};

enum {
    TASKS = 3000,
    SPIN_NS = 6000000, /* longer than a tick */
    ENOUGH = 1 << 30,
};

static long allocations_left = -1; /* -1: no limit */

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_realloc(void *old, size_t size)
{
    if (allocations_left == 0)
        return NULL;
    if (allocations_left > 0)
        allocations_left--;
    return __real_realloc(old, size);
}

/* Bytes that a task's value consists of. */
static const unsigned char *bytes_of(uint64_t id)
{
    static unsigned char bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(id * 7 + i);
    return bytes;
}

static int obey(struct rota_task *task, void *context)
{
    size_t size;
    const struct order *o = rota_task_data(task, &size);
    uint64_t number = rota_task_id(task);
    (void)context;
    assert_int_equal(size, sizeof(*o));
    if (o->deed != RETURN && rota_task_return(task, &number, sizeof(number)) != 0)
        return -1;
    switch ((enum deed)o->deed) {
    case FAIL:
    case FAIL_LATE:
        return o->deed == FAIL ? 5 : rota_task_fail(task, "late: %d", 7);
    case SUBMIT:
        return rota_task_submit(task,
                                &(struct rota_spec){.data = &number, .size_bytes = 8});
    case SPIN:
        for (int64_t end_ns = clock_now_ns() + SPIN_NS; clock_now_ns() < end_ns;)
            continue;
        return 0;
    default:
        return rota_task_return(task, bytes_of(number), o->size);
    }
}

/* Those that return a number; what else is ordered is left to obey(). `context` is how
 * many at once at most, where it is not NULL. */
static size_t obey_many(const struct rota_alike *tasks, void *context)
{
    const size_t *most = context;
    size_t count = most != NULL && *most < tasks->count ? *most : tasks->count;
    assert_int_equal(tasks->size_bytes, sizeof(struct order));
    assert_int_equal(tasks->attempt, 1);
    for (size_t i = 0; i < count; i++) {
        const struct order *o = rota_alike_data(tasks, i);
        if (o->deed != RETURN || o->size != 8)
            return i;
        memcpy((unsigned char *)tasks->values + i * 8, bytes_of(tasks->task + i), 8);
    }
    return count;
}

/* Says that it has done more than there was to do. */
static size_t lie(const struct rota_alike *tasks, void *context)
{
    (void)context;
    return tasks->count + 1;
}

static const struct rota_function functions[] = {{.name = "obey", .run = obey}};
static const struct rota_function many[] = {
    {.name = "obey", .run = obey, .run_alike = obey_many, .value_bytes = 8}};

/* Of all sorts, with many of a kind between: by their number. */
static struct order order_of(uint64_t id)
{
    static const uint32_t sizes[] = {8, 8, 0, 3, 16, 100, 8};
    if (id % 97 == 0)
        return (struct order){.deed = 1 + (uint32_t)(id / 97 % (SPIN - 1)),
                              .size = (uint32_t)(id % 40)};
    return (struct order){.deed = RETURN,
                          .size = sizes[id / 50 % (sizeof(sizes) / sizeof(sizes[0]))]};
}

static void check_result(const struct parcel_result *r, uint64_t id,
                         const struct order *o)
{
    enum deed deed = (enum deed)o->deed;
    bool fails = deed == FAIL || deed == FAIL_LATE;
    assert_int_equal(r->outcome, fails ? ROTA_FAILED : ROTA_DONE);
    assert_int_equal(r->code, deed == FAIL ? 5 : fails ? -1 : 0);
    assert_int_equal(r->tasks_count, deed == SUBMIT);
    if (deed == FAIL_LATE)
        assert_memory_equal(r->data, "late: 7", r->size);
    else if (deed == SUBMIT || deed == SPIN)
        assert_memory_equal(r->data, &id, 8);
    else if (deed != FAIL)
        assert_memory_equal(r->data, bytes_of(id), o->size);
}

/* Run tasks 0 to `count - 1`, as `each` orders them, however often memory is short. */
static void run_all(struct series *s, uint64_t count, struct order (*each)(uint64_t))
{
    struct order *orders = malloc(count * sizeof(*orders));
    assert_non_null(orders);
    for (uint64_t i = 0; i < count; i++)
        orders[i] = each(i);
    series_begin(s);
    for (uint64_t id = 0; id < count;) {
        struct parcel_task t = {.data = (const unsigned char *)&orders[id],
                                .size = sizeof(*orders)};
        uint32_t ran = 0;
        int rc = series_run(s, &t, (uint32_t)(count - id), id, 1, ENOUGH, &ran);
        assert_true(ran <= count - id && (ran > 0 || rc == ROTA_E_NOMEM));
        if (rc != 0)
            allocations_left = -1;
        id += ran;
    }
    series_end(s);
    free(orders);
}

static int64_t check_all(const struct series *s, uint64_t count,
                         struct order (*each)(uint64_t))
{
    struct row_walk walk = {.at = s->results.data, .left = s->results.size};
    int64_t sum_ns = 0;
    for (uint64_t id = 0; id < count; id++) {
        struct parcel_result r = {0};
        struct order o = each(id);
        assert_int_equal(row_next_result(&walk, &r), 0);
        check_result(&r, id, &o);
        sum_ns += r.took_ns;
    }
    assert_int_equal(walk.left, 0);
    assert_int_equal(walk.more, 0);
    assert_true(sum_ns <= s->busy_ns);
    assert_true(s->busy_ns - sum_ns <= (int64_t)count); /* what rounding loses */
    return sum_ns;
}

static void results_of_all_sorts_come_in_order(void **state)
{
    (void)state;
    struct series s;
    series_init(&s, functions, 1);
    for (int again = 0; again < 3; again++) {
        run_all(&s, TASKS, order_of);
        check_all(&s, TASKS, order_of);
    }
    series_done(&s);
}

static struct order a_number(uint64_t id)
{
    (void)id;
    return (struct order){.deed = RETURN, .size = 8};
}

static void numbers_stand_in_rows(void **state)
{
    (void)state;
    struct series s;
    series_init(&s, functions, 1);
    run_all(&s, TASKS, a_number);
    run_all(&s, TASKS, a_number);
    check_all(&s, TASKS, a_number);
#ifndef __SANITIZE_THREAD__ /* a group is then of one task */
    assert_true(s.results.size < TASKS * (8 + ROW_RESULT_BYTES));
#endif
    series_done(&s);
}

static struct order one_spins(uint64_t id)
{
    return (struct order){.deed = id == TASKS - 1 ? SPIN : RETURN, .size = 8};
}

/* What it took is not put down to those before it. */
static void a_long_task_ends_its_group(void **state)
{
    (void)state;
    struct series s;
    series_init(&s, functions, 1);
    run_all(&s, TASKS, a_number);
    run_all(&s, TASKS, one_spins);
    check_all(&s, TASKS, one_spins);
    struct row_walk walk = {.at = s.results.data, .left = s.results.size};
    struct parcel_result r = {0};
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(row_next_result(&walk, &r), 0);
    assert_true(r.took_ns > SPIN_NS / 2);
    series_done(&s);
}

static void check_enough(const struct rota_function *f)
{
    struct series s;
    uint64_t payload[100] = {0};
    struct order o = a_number(0);
    for (size_t i = 0; i < 100; i++)
        memcpy(&payload[i], &o, sizeof(o));
    struct parcel_task t = {.data = (const unsigned char *)payload, .size = 8};
    series_init(&s, f, 1);
    series_begin(&s);
    uint32_t ran = 0;
    uint32_t sum = 0;
    while (s.results.size < 200) {
        assert_int_equal(series_run(&s, &t, 100 - sum, sum, 1, 200, &ran), 0);
        t.data += ran * 8UL;
        sum += ran;
    }
    series_end(&s);
    assert_true(s.results.size < 200 + ROW_RESULT_BYTES + 8);
    series_done(&s);
}

static void results_are_enough_at_some_time(void **state)
{
    (void)state;
    check_enough(functions);
    check_enough(many);
}

static void a_function_that_is_not_there_fails_each_task(void **state)
{
    (void)state;
    struct series s;
    struct parcel_task t = {.data = (const unsigned char *)"", .function = 9};
    uint32_t ran = 0;
    series_init(&s, functions, 1);
    series_begin(&s);
    for (uint32_t done = 0; done < 3; done += ran)
        assert_int_equal(series_run(&s, &t, 3 - done, done, 1, ENOUGH, &ran), 0);
    series_end(&s);
    struct row_walk walk = {.at = s.results.data, .left = s.results.size};
    struct parcel_result r = {0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(row_next_result(&walk, &r), 0);
        assert_int_equal(r.outcome, ROTA_FAILED);
        assert_int_equal(r.code, ROTA_E_NOTFOUND);
    }
    assert_int_equal(walk.left, 0);
    series_done(&s);
}

/* A task that finds no memory for its value has failed; one for which there is none at
 * all is not run. */
static void memory_that_is_refused_costs_no_other_task(void **state)
{
    (void)state;
    for (long n = 0; n < 8; n++) {
        struct series s;
        series_init(&s, functions, 1);
        allocations_left = n;
        run_all(&s, TASKS, order_of);
        allocations_left = -1;
        struct row_walk walk = {.at = s.results.data, .left = s.results.size};
        int starved = 0;
        for (uint64_t id = 0; id < TASKS; id++) {
            struct parcel_result r = {0};
            struct order o = order_of(id);
            assert_int_equal(row_next_result(&walk, &r), 0);
            if (r.code == ROTA_E_NOMEM)
                starved++;
            else
                check_result(&r, id, &o);
        }
        assert_int_equal(walk.left, 0);
        assert_true(starved <= TASKS);
        series_done(&s);
    }
}

static void many_at_once_give_the_same_results(void **state)
{
    (void)state;
    size_t three = 3;
    struct rota_function by_three = many[0];
    by_three.context = &three;
    const struct rota_function *of[] = {many, &by_three};
    for (int i = 0; i < 2; i++) {
        struct series s;
        series_init(&s, of[i], 1);
        for (int again = 0; again < 3; again++) {
            run_all(&s, TASKS, order_of);
            check_all(&s, TASKS, order_of);
        }
        run_all(&s, TASKS, a_number);
        check_all(&s, TASKS, a_number);
        series_done(&s);
    }
}

/* Without it, and where what they say can't be, each is run for itself. */
static void many_at_once_need_no_memory_of_their_own(void **state)
{
    (void)state;
    for (long n = 0; n < 4; n++) {
        struct series s;
        series_init(&s, many, 1);
        allocations_left = n;
        run_all(&s, TASKS, a_number);
        allocations_left = -1;
        check_all(&s, TASKS, a_number);
        series_done(&s);
    }
    struct rota_function liar = many[0];
    liar.run_alike = lie;
    struct series s;
    series_init(&s, &liar, 1);
    run_all(&s, TASKS, order_of);
    check_all(&s, TASKS, order_of);
    series_done(&s);
}

static uint32_t calls;

static size_t return_nothing(const struct rota_alike *tasks, void *context)
{
    (void)context;
    calls++;
    return tasks->count;
}

static void values_may_have_no_bytes(void **state)
{
    (void)state;
    struct rota_function f = {.name = "f", .run = obey, .run_alike = return_nothing};
    struct parcel_task t = {.data = (const unsigned char *)""};
    struct series s;
    series_init(&s, &f, 1);
    series_begin(&s);
    calls = 0;
    for (uint32_t done = 0, ran = 0; done < TASKS; done += ran)
        assert_int_equal(series_run(&s, &t, TASKS - done, done, 1, ENOUGH, &ran), 0);
    series_end(&s);
    struct row_walk walk = {.at = s.results.data, .left = s.results.size};
    struct parcel_result r = {.size = 1};
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(row_next_result(&walk, &r), 0);
        assert_int_equal(r.size, 0);
    }
    assert_int_equal(walk.left, 0);
    assert_in_range(calls, 1, TASKS);
    series_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_all_sorts_come_in_order),
        cmocka_unit_test(numbers_stand_in_rows),
        cmocka_unit_test(a_long_task_ends_its_group),
        cmocka_unit_test(results_are_enough_at_some_time),
        cmocka_unit_test(a_function_that_is_not_there_fails_each_task),
        cmocka_unit_test(memory_that_is_refused_costs_no_other_task),
        cmocka_unit_test(many_at_once_give_the_same_results),
        cmocka_unit_test(many_at_once_need_no_memory_of_their_own),
        cmocka_unit_test(values_may_have_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
