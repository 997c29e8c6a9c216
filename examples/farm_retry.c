/* farm_retry.c - a task that fails is tried again, as often as its submitter allows
 *
 *     rota exec -n 3 ./farm_retry
 *
 * The function fails twice and succeeds at its third attempt, as one might that asks a
 * busy server. A try costs the task one of its `retries`; before the next one passes
 * retry_delay_ms, twice that before the one after, and so on. (A worker that dies costs
 * no retry: that was not the task's fault.)
 */
#include <rota.h>
#include <stdio.h>

static int ask(struct rota_task *task, void *context)
{
    (void)context;
    int attempt = rota_task_attempt(task);
    if (attempt < 3)
        return rota_task_fail(task, "busy at attempt %d", attempt);
    return rota_task_return(task, "an answer", sizeof("an answer"));
}

static void print(const struct rota_result *result)
{
    printf("with %d retries: ", (int)result->tag);
    if (result->outcome == ROTA_DONE)
        printf("%s", (const char *)result->data);
    else if (result->outcome == ROTA_FAILED)
        printf("given up, %s", (const char *)result->data);
    else
        printf("no answer");
    printf(" (attempts: %d)\n", result->attempts);
}

static int manage(struct rota_farm *farm)
{
    for (int retries = 0; retries <= 3; retries++) {
        struct rota_spec spec = {.retries = retries, .tag = (uint64_t)retries};
        int rc = rota_submit(farm, &spec, NULL);
        if (rc != 0)
            return rc;
    }

    struct rota_result result;
    int rc;
    while ((rc = rota_next(farm, ROTA_FOREVER, &result)) == 0)
        print(&result);
    return rc == ROTA_E_END ? 0 : rc;
}

int main(void)
{
    const struct rota_function functions[] = {{.name = "ask", .run = ask}};
    struct rota_farm_options options = {
        .functions = functions, .count = 1, .in_order = true, .retry_delay_ms = 20};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_retry: %s\n", err.text);
        return 1;
    }
    int rc = rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_retry: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
