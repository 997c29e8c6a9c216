/* farm_priority.c - what is urgent first, though it was submitted last
 *
 *     ./farm_priority      on one worker, so that the order can be seen
 *
 * Among the tasks that wait, those of the highest priority go first; those of equal
 * priority go as they came. What has been handed to a worker stays with it, so an
 * urgent task overtakes what waits, not what runs. All are submitted at once here,
 * which is also the fastest way.
 */
#include <rota.h>
#include <stdio.h>
#include <string.h>

struct job {
    const char *what;
    int priority;
};

static const struct job jobs[] = {
    {"sweep the floor", -1},  {"answer letters", 0}, {"cook", 1},
    {"put out the fire", 10}, {"read a book", -1},   {"wash up", 0},
};

enum {
    JOBS = sizeof(jobs) / sizeof(jobs[0]),
};

static int do_job(struct rota_task *task, void *context)
{
    (void)context;
    size_t size;
    const void *what = rota_task_data(task, &size);
    return rota_task_return(task, what, size);
}

static int manage(struct rota_farm *farm)
{
    struct rota_spec specs[JOBS] = {{0}};
    for (size_t i = 0; i < JOBS; i++) {
        specs[i].data = jobs[i].what;
        specs[i].size_bytes = strlen(jobs[i].what);
        specs[i].priority = jobs[i].priority;
        specs[i].tag = i;
    }
    int rc = rota_submit_many(farm, specs, JOBS, NULL);
    if (rc != 0)
        return rc;

    struct rota_result result;
    while ((rc = rota_next(farm, ROTA_FOREVER, &result)) == 0)
        if (result.outcome == ROTA_DONE)
            printf("%3d  %s\n", jobs[result.tag].priority, (const char *)result.data);
    return rc == ROTA_E_END ? 0 : rc;
}

int main(void)
{
    const struct rota_function functions[] = {{.name = "do", .run = do_job}};
    struct rota_farm_options options = {.functions = functions, .count = 1};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_priority: %s\n", err.text);
        return 1;
    }
    int rc = rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_priority: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
