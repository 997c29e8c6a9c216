/* farm_cancel.c - the first answer is enough: the other tasks are cancelled
 *
 *     rota exec -n 4 ./farm_cancel [NUMBER]      finds a divisor of NUMBER
 *
 * Each task looks through a range of candidates. Once one has found a divisor, the
 * tasks that have not ended are cancelled: those that wait are never begun. Each still
 * has its result, ROTA_CANCELLED, so that every task is accounted for.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STEP = 100000,
};

struct search {
    uint64_t number;
    uint64_t from;
};

static int find_divisor(struct rota_task *task, void *context)
{
    (void)context;
    const struct search *s = rota_task_data(task, NULL);
    uint64_t divisor = 0; /* none in this range */
    for (uint64_t d = s->from; d < s->from + STEP && divisor == 0; d++)
        if (s->number % d == 0)
            divisor = d;
    return rota_task_return(task, &divisor, sizeof(divisor));
}

static int submit_all(struct rota_farm *farm, uint64_t number, uint64_t *tasks)
{
    struct search s = {.number = number, .from = 2};
    for (*tasks = 0; s.from * s.from <= number; s.from += STEP, ++*tasks) {
        int rc = rota_submit(
            farm, &(struct rota_spec){.data = &s, .size_bytes = sizeof(s)}, NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int manage(struct rota_farm *farm, uint64_t number)
{
    struct rota_result result;
    uint64_t tasks;
    uint64_t divisor = 0;
    uint64_t told = 0;
    int rc = submit_all(farm, number, &tasks);
    for (; rc == 0 && (rc = rota_next(farm, ROTA_FOREVER, &result)) == 0; told++) {
        if (result.outcome != ROTA_DONE || divisor != 0)
            continue;
        divisor = *(const uint64_t *)result.data;
        for (uint64_t t = 0; divisor != 0 && t < tasks; t++) {
            int gone = rota_cancel(farm, t);
            if (gone != 0 && gone != ROTA_E_NOTFOUND) /* that one has ended already */
                return gone;
        }
    }
    if (rc != ROTA_E_END)
        return rc;
    printf("%" PRIu64 " %s %" PRIu64 "; results for %s tasks\n", number,
           divisor != 0 ? "is divisible by" : "has no divisor but 1 and",
           divisor != 0 ? divisor : number, told == tasks ? "all" : "not all");
    return 0;
}

int main(int argc, char **argv)
{
    const struct rota_function functions[] = {{.name = "find", .run = find_divisor}};
    struct rota_farm_options options = {.functions = functions, .count = 1};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_cancel: %s\n", err.text);
        return 1;
    }
    uint64_t number = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000019070000133;
    int rc =
        rota_farm_rank(farm) == 0 ? manage(farm, number) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_cancel: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
