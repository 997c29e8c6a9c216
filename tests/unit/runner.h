/* runner.h - batches of simple tasks for an executor, and what became of them */
#ifndef ROTA_TESTS_RUNNER_H
#define ROTA_TESTS_RUNNER_H

#include "unit.h"

#include "execute/executor.h"
#include "execute/parcel.h"

/* What was told of a task. */
struct runner_result {
    bool told;
    enum rota_outcome outcome;
    int code;
    int64_t took_ns;
    size_t size;
    uint32_t tasks;
    uint64_t sum;   /* runner_sum() of the value */
    char text[100]; /* its beginning */
};

struct runner_task {
    int function;
    uint32_t limit_ms;
    const void *data;
    size_t size;
};

/* Something that differs where bytes do. */
uint64_t runner_sum(const void *data, size_t size);

/* Give tasks `first` to `first + count - 1` of lease `first`, tasks[i] each; returns
 * what give() does. */
int runner_give(struct executor *x, uint64_t first, uint32_t count,
                const struct runner_task *tasks);

/* So too, all alike: `function` with its number (8 bytes) for payload. */
void runner_give_alike(struct executor *x, uint64_t first, uint32_t count, int function,
                       uint32_t limit_ms);

/* Take one report, waiting for `timeout_ns` at most, into results[] (by the task's
 * number). Returns what take() does. Each task is told once. */
int runner_take(struct executor *x, struct runner_result *results, int64_t timeout_ns);

/* Take until nothing is held. */
void runner_finish(struct executor *x, struct runner_result *results);

#endif
