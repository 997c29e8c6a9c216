/* farm_respawn.c - how soon an isolated child is back after a crash
 *
 *     mpiexec -n 2 farm_respawn      prints milliseconds
 *
 * From a task's SIGSEGV to the first thing that the next task does, in the same slot
 * of the same worker: the median of 21. As raw_fork.c, which it is compared with.
 */
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "sorted.h"

enum {
    CRASHES = 21,
};

/* `context` is the moment of the last crash, in memory that all children of a rank
 * share. */
static int crash(struct rota_task *task, void *context)
{
    (void)task;
    *(int64_t *)context = clock_now_ns();
    raise(SIGSEGV);
    return -1;
}

static int come_back(struct rota_task *task, void *context)
{
    int64_t took_ns = clock_now_ns() - *(int64_t *)context;
    return rota_task_return(task, &took_ns, sizeof(took_ns));
}

/* Take the results of one crash and what came behind it. Returns 0 and *ms, or -1. */
static int take_both(struct rota_farm *farm, double *ms)
{
    for (int i = 0; i < 2; i++) {
        struct rota_result result;
        int rc = rota_next(farm, ROTA_FOREVER, &result);
        if (rc != 0) {
            fprintf(stderr, "farm_respawn: %s\n", rota_strerror(rc));
            return -1;
        }
        if (result.outcome == ROTA_DONE)
            *ms = (double)*(const int64_t *)result.data / 1e6;
        else if (result.outcome != ROTA_CRASHED || result.code != SIGSEGV)
            return -1;
    }
    return 0;
}

static int manage(struct rota_farm *farm)
{
    static const struct rota_spec specs[] = {{.function = "crash"},
                                             {.function = "come_back"}};
    double ms[CRASHES];
    for (int i = 0; i < CRASHES; i++) {
        int rc = rota_submit_many(farm, specs, 2, NULL);
        if (rc != 0 || take_both(farm, &ms[i]) != 0) {
            fprintf(stderr, "farm_respawn: %s\n", rota_strerror(rc));
            return 1;
        }
    }
    printf("%.3f\n", median(ms, CRASHES));
    return 0;
}

int main(void)
{
    struct rota_farm *farm;
    struct rota_error err;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    void *crashed_ns = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crashed_ns == MAP_FAILED)
        return 1;
    struct rota_function functions[] = {
        {.name = "crash", .run = crash, .context = crashed_ns},
        {.name = "come_back", .run = come_back, .context = crashed_ns}};
    struct rota_farm_options options = {.functions = functions, .count = 2};
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_respawn: %s\n", err.text);
        return 1;
    }
    int status =
        rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, &err) != 0;
    rota_farm_close(farm);
    return status;
}
