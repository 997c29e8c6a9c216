/* runner.c - batches of simple tasks for an executor, and what became of them */
#include "runner.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "execute/row.h"
#include "execute/task.h"

uint64_t runner_sum(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint64_t sum = size;
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

int runner_give(struct executor *x, uint64_t first, uint32_t count,
                const struct runner_task *tasks)
{
    struct task_bytes b = {0};
    for (uint32_t i = 0; i < count; i++) {
        struct parcel_task t = {.data = tasks[i].data,
                                .size = tasks[i].size,
                                .function = (uint16_t)tasks[i].function,
                                .time_limit_ms = tasks[i].limit_ms};
        assert_int_equal(task_bytes_reserve(&b, parcel_task_bytes(&t)), 0);
        parcel_write_task(b.data + b.size, &t);
        b.size += parcel_task_bytes(&t);
    }
    struct executor_batch batch = {
        .lease = first,
        .first = first,
        .count = count,
        .attempt = 1,
        .records = b.data,
        .bytes = b.size,
    };
    int rc = x->ops->give(x, &batch);
    if (b.size > 0)
        memset(b.data, 0xee, b.size); /* it has been copied */
    free(b.data);
    return rc;
}

void runner_give_alike(struct executor *x, uint64_t first, uint32_t count, int function,
                       uint32_t limit_ms)
{
    struct runner_task *tasks = calloc(count, sizeof(*tasks));
    uint64_t *numbers = calloc(count, sizeof(*numbers));
    assert_non_null(tasks);
    assert_non_null(numbers);
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = first + i;
        tasks[i] = (struct runner_task){.function = function,
                                        .limit_ms = limit_ms,
                                        .data = &numbers[i],
                                        .size = sizeof(numbers[i])};
    }
    assert_int_equal(runner_give(x, first, count, tasks), 0);
    free(tasks);
    free(numbers);
}

static void note(struct runner_result *to, const struct parcel_result *r)
{
    size_t n = r->size < sizeof(to->text) - 1 ? r->size : sizeof(to->text) - 1;
    assert_false(to->told);
    *to = (struct runner_result){
        .told = true,
        .outcome = r->outcome,
        .code = r->code,
        .took_ns = r->took_ns,
        .size = r->size,
        .tasks = r->tasks_count,
        .sum = runner_sum(r->data, r->size),
    };
    memcpy(to->text, r->data, n);
}

int runner_take(struct executor *x, struct runner_result *results, int64_t timeout_ns)
{
    struct executor_report r = {0};
    int rc = x->ops->take(x, &r);
    if (rc == ROTA_E_TIMEOUT && timeout_ns > 0) {
        x->ops->wait(x, timeout_ns);
        rc = x->ops->take(x, &r);
    }
    if (rc != 0)
        return rc;
    assert_true(r.count > 0);
    struct row_walk walk = {.at = r.records, .left = r.bytes};
    for (uint64_t i = r.first; i < r.first + r.count; i++) {
        struct parcel_result result = {0};
        assert_int_equal(row_next_result(&walk, &result), 0);
        note(&results[i], &result);
    }
    assert_int_equal(walk.more, 0);
    assert_int_equal(walk.left, 0);
    return 0;
}

void runner_finish(struct executor *x, struct runner_result *results)
{
    while (x->held > 0) {
        int rc = runner_take(x, results, 10 * NS_PER_SEC);
        assert_true(rc == 0 || rc == ROTA_E_TIMEOUT);
    }
    struct executor_report r;
    assert_int_equal(x->ops->take(x, &r), ROTA_E_TIMEOUT);
    assert_false(x->ready);
}
