/* farm_hello.c - ten tasks, ten results
 *
 *     rota exec -n 4 ./farm_hello      or alone: ./farm_hello
 *
 * Every rank registers the same functions and opens the farm. Rank 0, the manager,
 * submits tasks and takes results; the others work until it closes the farm. Results
 * come as they are ready: the task's number says which one it is.
 */
#include <rota.h>
#include <stdio.h>

enum {
    TASKS = 10,
};

/* A task's payload is any bytes: here a double. So is its value. */
static int square(struct rota_task *task, void *context)
{
    (void)context;
    const double *x = rota_task_data(task, NULL);
    double y = *x * *x;
    return rota_task_return(task, &y, sizeof(y));
}

/* Returns 0 or a code of rota.h. */
static int manage(struct rota_farm *farm)
{
    double squares[TASKS] = {0};
    for (int i = 0; i < TASKS; i++) {
        double x = i;
        int rc = rota_submit(
            farm, &(struct rota_spec){.data = &x, .size_bytes = sizeof(x)}, NULL);
        if (rc != 0)
            return rc;
    }

    struct rota_result result;
    int rc;
    while ((rc = rota_next(farm, ROTA_FOREVER, &result)) == 0)
        if (result.outcome == ROTA_DONE)
            squares[result.task] = *(const double *)result.data;
    if (rc != ROTA_E_END) /* that one says: all results have been taken */
        return rc;

    for (int i = 0; i < TASKS; i++)
        printf("%d squared is %g\n", i, squares[i]);
    return 0;
}

int main(void)
{
    const struct rota_function functions[] = {{.name = "square", .run = square}};
    struct rota_farm_options options = {.functions = functions, .count = 1};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_hello: %s\n", err.text);
        return 1;
    }
    int rc = rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_hello: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
