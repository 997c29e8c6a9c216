/* farm_crash.c - what can become of a task, and what its result says then
 *
 *     rota exec -n 4 ./farm_crash
 *
 * Functions run in a child process of their rank unless told otherwise, so what they
 * do to it costs the attempt alone: the next task has a new child within milliseconds.
 * The last of them goes further and kills its rank. That worker is lost, and the task
 * ends there since poison_limit is 1; with the default, it would be tried on two more.
 */
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int misbehave(struct rota_task *task, void *context)
{
    const char *how = rota_task_data(task, NULL);
    if (strcmp(how, "behave") == 0)
        return rota_task_return(task, how, strlen(how));
    if (strcmp(how, "fail") == 0)
        return rota_task_fail(task, "cannot find '%s'", "what I was to look for");
    if (strcmp(how, "return 7") == 0)
        return 7;
    if (strcmp(how, "crash") == 0)
        raise(SIGSEGV);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "exit") == 0)
        exit(3);
    if (strcmp(how, "kill rank") == 0)
        kill(*(const pid_t *)context, SIGKILL);
    for (;;) /* "loop" */
        pause();
}

static int submit_all(struct rota_farm *farm)
{
    static const char *const hows[] = {"behave", "fail", "return 7", "crash",
                                       "abort",  "exit", "loop",     "kill rank"};
    int count = sizeof(hows) / sizeof(hows[0]);
    if (rota_farm_size(farm) < 3) /* whoever kills the only worker ends the work */
        count--;
    for (int i = 0; i < count; i++) {
        struct rota_spec spec = {
            .data = hows[i], .size_bytes = strlen(hows[i]) + 1, .time_limit_ms = 200};
        int rc = rota_submit(farm, &spec, NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int manage(struct rota_farm *farm)
{
    struct rota_result result;
    int rc = submit_all(farm);
    while (rc == 0 && (rc = rota_next(farm, ROTA_FOREVER, &result)) == 0) {
        char text[80];
        rota_outcome_text(result.outcome, result.code, text, sizeof(text));
        printf("task %d %s%s%s\n", (int)result.task, text,
               result.size_bytes > 0 ? ": " : "",
               result.size_bytes > 0 ? (const char *)result.data : "");
    }
    return rc == ROTA_E_END ? 0 : rc;
}

int main(void)
{
    pid_t rank = getpid(); /* its children know it too: they are its copies */
    const struct rota_function functions[] = {
        {.name = "misbehave", .run = misbehave, .context = &rank}};
    struct rota_farm_options options = {
        .functions = functions, .count = 1, .in_order = true, .poison_limit = 1};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_crash: %s\n", err.text);
        return 1;
    }
    int rc = rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_crash: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
