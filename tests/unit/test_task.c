/* test_task.c - task: what a function says becomes its attempt's result
 *
 * realloc is wrapped (--wrap), so that memory runs out where a test wants it.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "execute/task.h"

static long allocations_left = -1; /* -1: no limit */

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_realloc(void *p, size_t size)
{
    if (allocations_left == 0)
        return NULL;
    if (allocations_left > 0)
        allocations_left--;
    return __real_realloc(p, size);
}

static char blob[100000];

static int nothing(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return 0;
}

static int echo(struct rota_task *task, void *context)
{
    size_t size;
    const void *data = rota_task_data(task, &size);
    assert_string_equal(context, "context");
    assert_int_equal(rota_task_id(task), 77);
    assert_int_equal(rota_task_attempt(task), 3);
    assert_int_equal((uintptr_t)data % 8, 0);
    assert_ptr_equal(rota_task_data(task, NULL), data);
    return rota_task_return(task, data, size);
}

static int twice(struct rota_task *task, void *context)
{
    (void)context;
    assert_int_equal(rota_task_return(task, blob, sizeof(blob)), 0);
    assert_int_equal(rota_task_return(task, NULL, 1), ROTA_E_ARG);
    return rota_task_return(task, "short", 5);
}

static int fail_saying(struct rota_task *task, void *context)
{
    (void)context;
    rota_task_return(task, "a value", 7);
    return rota_task_fail(task, "cannot open '%s'", "x");
}

static int fail_at_length(struct rota_task *task, void *context)
{
    (void)context;
    rota_task_fail(task, "long: %.90000s", blob);
    return 12;
}

static int fail_and_return(struct rota_task *task, void *context)
{
    (void)context;
    rota_task_fail(task, "no");
    return 0;
}

static int fail_in_silence(struct rota_task *task, void *context)
{
    (void)context;
    rota_task_return(task, "a value", 7);
    return 5;
}

/* Submits, returns, submits, returns something longer. */
static int submit(struct rota_task *task, void *context)
{
    (void)context;
    struct rota_spec spec = {.function = "echo", .data = "payload", .size_bytes = 7};
    assert_int_equal(rota_task_submit(task, &spec), 0);
    assert_int_equal(rota_task_return(task, "first", 5), 0);
    spec = (struct rota_spec){.priority = -1, .tag = 9, .near = ROTA_NEAR(2)};
    assert_int_equal(rota_task_submit(task, &spec), 0);
    return rota_task_return(task, "the second value", 16);
}

static int submit_and_fail(struct rota_task *task, void *context)
{
    submit(task, context);
    return -1;
}

static int submit_nonsense(struct rota_task *task, void *context)
{
    (void)context;
    static const struct rota_spec wrong[] = {
        {.size_bytes = 1},
        {.data = blob, .size_bytes = (size_t)PARCEL_SIZE_MAX + 1},
        {.retries = -1},
        {.retries = PARCEL_RETRIES_MAX + 1},
        {.near = -1},
        {.near = 65536},
        {.time_limit_ms = -1},
        {.time_limit_ms = (int64_t)UINT32_MAX + 1},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(rota_task_submit(task, &wrong[i]), ROTA_E_ARG);
    struct rota_spec unknown = {.function = "unknown"};
    assert_int_equal(rota_task_submit(task, &unknown), ROTA_E_NOTFOUND);
    return 0;
}

static const char context[] = "context";

static const struct rota_function functions[] = {
    {.name = "nothing", .run = nothing},
    {.name = "echo", .run = echo, .context = (void *)(uintptr_t)context},
    {.name = "twice", .run = twice},
    {.name = "fail", .run = fail_saying},
    {.name = "fail_at_length", .run = fail_at_length},
    {.name = "fail_and_return", .run = fail_and_return},
    {.name = "fail_in_silence", .run = fail_in_silence},
    {.name = "submit", .run = submit},
    {.name = "submit_and_fail", .run = submit_and_fail},
    {.name = "submit_nonsense", .run = submit_nonsense},
};

enum {
    FUNCTIONS = sizeof(functions) / sizeof(functions[0]),
};

/* An attempt, behind another one's result in the same bytes. */
static struct parcel_result run(const char *name, struct task_bytes *out)
{
    _Alignas(8) static const unsigned char data[] = "the payload";
    struct rota_spec spec = {.function = name, .data = data, .size_bytes = 11};
    struct parcel_task t;
    struct parcel_result r = {0};
    size_t bytes = 0;
    *out = (struct task_bytes){0};
    assert_int_equal(task_from_spec(functions, FUNCTIONS, &(struct rota_spec){0}, &t),
                     0);
    assert_int_equal(task_attempt(functions, FUNCTIONS, &t, 0, 1, out), 0);
    size_t at = out->size;
    assert_int_equal(task_from_spec(functions, FUNCTIONS, &spec, &t), 0);
    assert_int_equal(task_attempt(functions, FUNCTIONS, &t, 77, 3, out), 0);
    task_set_took(out->data + at, 123456789);
    assert_int_equal(parcel_read_result(out->data + at, out->size - at, &r, &bytes), 0);
    assert_int_equal(bytes, out->size - at);
    assert_int_equal(r.took_ns, 123456789);
    return r;
}

static void assert_run(const char *name, enum rota_outcome outcome, int code,
                       const char *value)
{
    struct task_bytes out;
    struct parcel_result r = run(name, &out);
    assert_int_equal(r.outcome, outcome);
    assert_int_equal(r.code, code);
    assert_int_equal(r.size, strlen(value));
    assert_memory_equal(r.data, value, r.size);
    assert_int_equal(r.tasks_count, 0);
    free(out.data);
}

static void a_function_that_does_nothing_is_done(void **state)
{
    (void)state;
    assert_run("nothing", ROTA_DONE, 0, "");
}

static void a_function_knows_its_task_and_returns_a_value(void **state)
{
    (void)state;
    assert_run("echo", ROTA_DONE, 0, "the payload");
}

static void the_last_value_counts(void **state)
{
    (void)state;
    assert_run("twice", ROTA_DONE, 0, "short");
}

static void a_failed_attempt_says_why_instead_of_a_value(void **state)
{
    (void)state;
    assert_run("fail", ROTA_FAILED, -1, "cannot open 'x'");
    assert_run("fail_in_silence", ROTA_FAILED, 5, "");
}

static void a_reason_may_be_long(void **state)
{
    (void)state;
    struct task_bytes out;
    memset(blob, 'x', sizeof(blob) - 1);
    struct parcel_result r = run("fail_at_length", &out);
    assert_int_equal(r.code, 12);
    assert_int_equal(r.size, strlen("long: ") + 90000);
    assert_memory_equal(r.data, "long: xxx", 9);
    free(out.data);
}

static void a_reason_is_no_value(void **state)
{
    (void)state;
    assert_run("fail_and_return", ROTA_DONE, 0, "");
}

static void submitted_tasks_come_with_the_result(void **state)
{
    (void)state;
    struct task_bytes out;
    struct parcel_result r = run("submit", &out);
    struct parcel_task t;
    size_t bytes = 0;
    assert_int_equal(r.outcome, ROTA_DONE);
    assert_string_equal(r.data, "the second value");
    assert_int_equal(r.tasks_count, 2);
    assert_int_equal(parcel_read_task(r.tasks, r.tasks_bytes, &t, &bytes), 0);
    assert_int_equal(t.function, 1);
    assert_memory_equal(t.data, "payload", 7);
    assert_int_equal(
        parcel_read_task(r.tasks + bytes, r.tasks_bytes - bytes, &t, &bytes), 0);
    assert_int_equal(t.function, 0);
    assert_int_equal(t.size, 0);
    assert_int_equal(t.priority, -1);
    assert_int_equal(t.tag, 9);
    assert_int_equal(t.near, 3);
    free(out.data);
}

static void a_failed_attempt_submits_nothing(void **state)
{
    (void)state;
    assert_run("submit_and_fail", ROTA_FAILED, -1, "");
}

static void what_cannot_be_submitted_is_refused(void **state)
{
    (void)state;
    assert_run("submit_nonsense", ROTA_DONE, 0, "");
}

static void a_function_that_is_not_there_fails_the_attempt(void **state)
{
    (void)state;
    struct task_bytes out = {0};
    struct parcel_task t = {.function = FUNCTIONS};
    struct parcel_result r = {0};
    size_t bytes = 0;
    assert_int_equal(task_attempt(functions, FUNCTIONS, &t, 0, 1, &out), 0);
    assert_int_equal(parcel_read_result(out.data, out.size, &r, &bytes), 0);
    assert_int_equal(r.outcome, ROTA_FAILED);
    assert_int_equal(r.code, ROTA_E_NOTFOUND);
    assert_string_equal(r.data, "this rank has no such function");
    free(out.data);
}

/* --- without memory ------------------------------------------------------- */

static int calls;

static int return_blob(struct rota_task *task, void *ctx)
{
    (void)ctx;
    calls++;
    return rota_task_return(task, blob, sizeof(blob)) && false;
}

static int return_blob_then_less(struct rota_task *task, void *ctx)
{
    return_blob(task, ctx);
    return rota_task_return(task, "less", 4);
}

static int submit_blob(struct rota_task *task, void *ctx)
{
    (void)ctx;
    return rota_task_submit(
        task, &(struct rota_spec){.data = blob, .size_bytes = sizeof(blob)});
}

static int fail_with_blob(struct rota_task *task, void *ctx)
{
    (void)ctx;
    memset(blob, 'x', sizeof(blob) - 1);
    return rota_task_fail(task, "%s", blob);
}

/* The attempt has memory for `allocations` allocations. */
static struct parcel_result starve(rota_run *f, long allocations,
                                   struct task_bytes *out)
{
    struct rota_function starved = {.name = "starved", .run = f};
    struct parcel_task t = {0};
    struct parcel_result r = {0};
    size_t bytes = 0;
    *out = (struct task_bytes){0};
    allocations_left = allocations;
    int rc = task_attempt(&starved, 1, &t, 0, 1, out);
    allocations_left = -1;
    assert_int_equal(rc, 0);
    assert_int_equal(parcel_read_result(out->data, out->size, &r, &bytes), 0);
    assert_int_equal(bytes, out->size);
    return r;
}

static void an_attempt_without_memory_for_its_value_has_failed_and_says_so(void **state)
{
    (void)state;
    struct task_bytes out;
    struct parcel_result r = starve(return_blob, 1, &out);
    assert_int_equal(r.outcome, ROTA_FAILED);
    assert_int_equal(r.code, ROTA_E_NOMEM);
    assert_string_equal(r.data, "out of memory for the task's value");
    free(out.data);

    r = starve(return_blob_then_less, 1, &out);
    assert_int_equal(r.outcome, ROTA_DONE);
    assert_string_equal(r.data, "less");
    free(out.data);

    r = starve(return_blob, 2, &out);
    assert_int_equal(r.outcome, ROTA_DONE);
    assert_int_equal(r.size, sizeof(blob));
    free(out.data);
}

static void a_function_is_told_that_there_is_no_memory_for_what_it_submits(void **state)
{
    (void)state;
    struct task_bytes out;
    struct parcel_result r = starve(submit_blob, 1, &out);
    assert_int_equal(r.outcome, ROTA_FAILED);
    assert_int_equal(r.code, ROTA_E_NOMEM);
    assert_int_equal(r.tasks_count, 0);
    free(out.data);
}

static void a_reason_that_there_is_no_memory_for_is_left_out(void **state)
{
    (void)state;
    struct task_bytes out;
    struct parcel_result r = starve(fail_with_blob, 1, &out);
    assert_int_equal(r.outcome, ROTA_FAILED);
    assert_int_equal(r.code, -1);
    assert_int_equal(r.size, 0);
    free(out.data);
}

static void without_any_memory_nothing_is_run(void **state)
{
    (void)state;
    struct rota_function f = {.name = "f", .run = return_blob};
    struct task_bytes out = {0};
    struct parcel_task t = {0};
    calls = 0;
    allocations_left = 0;
    int rc = task_attempt(&f, 1, &t, 0, 1, &out);
    allocations_left = -1;
    assert_int_equal(rc, ROTA_E_NOMEM);
    assert_int_equal(out.size, 0);
    assert_int_equal(calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_that_does_nothing_is_done),
        cmocka_unit_test(a_function_knows_its_task_and_returns_a_value),
        cmocka_unit_test(the_last_value_counts),
        cmocka_unit_test(a_failed_attempt_says_why_instead_of_a_value),
        cmocka_unit_test(a_reason_may_be_long),
        cmocka_unit_test(a_reason_is_no_value),
        cmocka_unit_test(submitted_tasks_come_with_the_result),
        cmocka_unit_test(a_failed_attempt_submits_nothing),
        cmocka_unit_test(what_cannot_be_submitted_is_refused),
        cmocka_unit_test(a_function_that_is_not_there_fails_the_attempt),
        cmocka_unit_test(
            an_attempt_without_memory_for_its_value_has_failed_and_says_so),
        cmocka_unit_test(
            a_function_is_told_that_there_is_no_memory_for_what_it_submits),
        cmocka_unit_test(a_reason_that_there_is_no_memory_for_is_left_out),
        cmocka_unit_test(without_any_memory_nothing_is_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
