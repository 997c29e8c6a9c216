/* farm_loss.c - how soon a killed worker's task runs elsewhere
 *
 *     mpiexec -n 3 farm_loss FILE      prints milliseconds
 *
 * The task kills the rank that runs it first, worker 1, by SIGKILL, after it has
 * written the time into FILE. The one that has it next returns how long ago that was,
 * by the one machine's monotonic clock.
 */
#include <inttypes.h>
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static int die_once(struct rota_task *task, void *context)
{
    const char *path = context;
    int64_t killed_ns;
    int64_t now_ns = clock_now_ns();
    FILE *f = fopen(path, "re");
    if (f != NULL) {
        int got = fscanf(f, "%" SCNd64, &killed_ns);
        fclose(f);
        if (got != 1)
            return rota_task_fail(task, "no time in '%s'", path);
        now_ns -= killed_ns;
        return rota_task_return(task, &now_ns, sizeof(now_ns));
    }
    nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL); /* all wait now */
    f = fopen(path, "we");
    if (f == NULL)
        return rota_task_fail(task, "cannot write '%s'", path);
    fprintf(f, "%" PRId64 "\n", clock_now_ns());
    fclose(f);
    raise(SIGKILL);
    return -1;
}

static int manage(struct rota_farm *farm)
{
    struct rota_result result;
    int rc = rota_submit(farm, &(struct rota_spec){.near = ROTA_NEAR(1)}, NULL);
    if (rc == 0)
        rc = rota_next(farm, ROTA_FOREVER, &result);
    if (rc != 0) {
        fprintf(stderr, "farm_loss: %s\n", rota_strerror(rc));
        return 1;
    }
    if (result.outcome != ROTA_DONE || result.worker != 2) {
        char text[80];
        fprintf(stderr, "farm_loss: the task %s\n",
                rota_outcome_text(result.outcome, result.code, text, sizeof(text)));
        return 1;
    }
    printf("%.2f\n", (double)*(const int64_t *)result.data / 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    struct rota_farm *farm;
    struct rota_error err;
    if (argc != 2) {
        fprintf(stderr, "farm_loss: name a file for the time\n");
        return 2;
    }
    struct rota_function functions[] = {
        {.name = "die_once", .run = die_once, .context = argv[1]}};
    struct rota_farm_options options = {
        .functions = functions, .count = 1, .in_rank = true};
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_loss: %s\n", err.text);
        return 1;
    }
    int status =
        rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, &err) != 0;
    rota_farm_close(farm);
    return status;
}
