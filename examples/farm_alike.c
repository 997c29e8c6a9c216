/* farm_alike.c - a million tiny tasks: given, run and taken many at once
 *
 *     rota exec -n 4 ./farm_alike [LIMIT]     the longest Collatz chain from below it
 *
 * A task is a number, and so is its value. Payloads are written straight to where they
 * are sent from, a call runs many, and results are taken by the run.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t length(const uint64_t *number)
{
    uint64_t steps = 0;
    for (uint64_t n = *number; n > 1; steps++)
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

static int chain(struct rota_task *task, void *context)
{
    (void)context;
    uint64_t steps = length(rota_task_data(task, NULL));
    return rota_task_return(task, &steps, sizeof(steps));
}

/* The same, of many: to tasks so short each call is a cost. */
static size_t chains(const struct rota_alike *tasks, void *context)
{
    (void)context;
    for (size_t i = 0; i < tasks->count; i++)
        ((uint64_t *)tasks->values)[i] = length(rota_alike_data(tasks, i));
    return tasks->count;
}

struct range {
    uint64_t next, limit; /* not in it */
};

/* The payloads of the next tasks, at most `most`. */
static size_t fill(void *context, void *payloads, size_t most)
{
    struct range *r = context;
    size_t count = 0;
    while (count < most && r->next < r->limit)
        ((uint64_t *)payloads)[count++] = r->next++;
    return count;
}

static int manage(struct rota_farm *farm, uint64_t limit)
{
    static const uint64_t first[] = {1, 2, 3}; /* an array does as well */
    struct rota_spec spec = {.data = first, .size_bytes = sizeof(uint64_t)};
    struct range range = {.next = 4, .limit = limit};
    uint64_t best = 0, most = 0;
    struct rota_result result;
    size_t count;
    int rc = rota_submit_alike(farm, &spec, 3, NULL, NULL);
    if (rc == 0)
        rc = rota_generate_alike(farm, &spec, fill, &range);
    while (rc == 0) {
        rc = rota_next_run(farm, ROTA_FOREVER, SIZE_MAX, &result, &count);
        for (size_t i = 0; rc == 0 && i < count; i++) {
            uint64_t steps = *(const uint64_t *)rota_run_value(&result, i);
            uint64_t number = result.task + i + 1; /* task 0 is of the number 1 */
            if (steps < most || (steps == most && number > best))
                continue;
            most = steps;
            best = number;
        }
    }
    if (rc != ROTA_E_END)
        return rc;
    printf("from %" PRIu64 " it takes %" PRIu64
           " steps to 1, from all others below %" PRIu64 " no more\n",
           best, most, limit);
    return 0;
}

int main(int argc, char **argv)
{
    struct rota_function function = {"chain", chain, NULL, chains, sizeof(uint64_t)};
    struct rota_farm_options options = {
        .functions = &function, .count = 1, .in_rank = true};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_alike: %s\n", err.text);
        return 1;
    }
    int rc = rota_farm_rank(farm) != 0
                 ? rota_farm_work(farm, NULL)
                 : manage(farm, argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000);
    if (rc != 0)
        fprintf(stderr, "farm_alike: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc != 0;
}
