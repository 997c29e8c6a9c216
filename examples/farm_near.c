/* farm_near.c - tasks that go to a rank of their own choice
 *
 *     rota exec -n 4 ./farm_near
 *
 * A rank may have what a task needs: a file on its disk, a device, something that it
 * has computed before. `near` sends the task there as long as that rank lives; should
 * it die, the task goes elsewhere. Here each rank counts the tasks that it has seen,
 * which works since the functions run in the rank itself (in_rank): a child's counting
 * would be gone with the child. Rank 0 works too.
 */
#include <rota.h>
#include <stdio.h>

enum {
    TIMES = 3,
};

static int count(struct rota_task *task, void *context)
{
    int *seen = context; /* this rank's own */
    ++*seen;
    return rota_task_return(task, seen, sizeof(*seen));
}

static int manage(struct rota_farm *farm)
{
    int size = rota_farm_size(farm);
    for (int i = 0; i < TIMES * size; i++) {
        int rank = i % size;
        struct rota_spec spec = {.near = ROTA_NEAR(rank), .tag = (uint64_t)rank};
        int rc = rota_submit(farm, &spec, NULL);
        if (rc != 0)
            return rc;
    }

    struct rota_result result;
    int rc;
    while ((rc = rota_next(farm, ROTA_FOREVER, &result)) == 0)
        if (result.outcome == ROTA_DONE)
            printf("meant for rank %d: rank %d's task no. %d\n", (int)result.tag,
                   result.worker, *(const int *)result.data);
    return rc == ROTA_E_END ? 0 : rc;
}

int main(void)
{
    int seen = 0;
    const struct rota_function functions[] = {
        {.name = "count", .run = count, .context = &seen}};
    struct rota_farm_options options = {.functions = functions,
                                        .count = 1,
                                        .in_rank = true,
                                        .manager_works = true,
                                        .in_order = true};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_near: %s\n", err.text);
        return 1;
    }
    int rc = rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_near: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
