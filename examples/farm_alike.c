/* farm_alike.c - a million tiny tasks: given many at once, and their results taken so
 *
 *     rota exec -n 4 ./farm_alike [LIMIT]      the longest Collatz chain from below
 * LIMIT
 *
 * A task is one number, and its value another; a few nanoseconds of the manager's time
 * are all that each can cost. So payloads are written straight to where they will be
 * sent from, and results are taken by the run: neighbours whose values are of one size.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>

static int chain(struct rota_task *task, void *context)
{
    (void)context;
    uint64_t steps = 0;
    for (uint64_t n = *(const uint64_t *)rota_task_data(task, NULL); n > 1; steps++)
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return rota_task_return(task, &steps, sizeof(steps));
}

struct range {
    uint64_t next;
    uint64_t limit; /* not in it */
};

/* The payloads of the next tasks, at most `most`. */
static size_t fill(void *context, void *payloads, size_t most)
{
    struct range *r = context;
    uint64_t *out = payloads;
    size_t count = 0;
    while (count < most && r->next < r->limit)
        out[count++] = r->next++;
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
            if (steps > most || (steps == most && number < best)) {
                most = steps;
                best = number;
            }
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
    const struct rota_function functions[] = {{.name = "chain", .run = chain}};
    struct rota_farm_options options = {
        .functions = functions, .count = 1, .in_rank = true};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_alike: %s\n", err.text);
        return 1;
    }
    uint64_t limit = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    int rc =
        rota_farm_rank(farm) == 0 ? manage(farm, limit) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_alike: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
