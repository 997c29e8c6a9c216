/* farm_memory.c - bytes of the manager's memory for each task that waits
 *
 *     mpiexec -n 2 farm_memory      prints: bytes a task of a plain list, of the farm
 *
 * A million tasks of 8 bytes are submitted while the one worker is busy with a task
 * that came before. What that adds to the process's resident memory is compared with
 * a list as one writes it by hand, a malloc for each task.
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    TASKS = 1000000,
    HOLD_S = 3,
};

struct node {
    struct node *next;
    size_t size_bytes;
    unsigned char data[8];
};

static int hold(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    nanosleep(&(struct timespec){.tv_sec = HOLD_S}, NULL);
    return 0;
}

static int nothing(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return 0;
}

static double resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL || fscanf(f, "%*d %ld", &pages) != 1)
        exit(1);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double list_bytes(void)
{
    static struct node *head; /* kept: the farm must not get its memory */
    double before = resident_bytes();
    for (int i = 0; i < TASKS; i++) {
        struct node *n = calloc(1, sizeof(*n));
        if (n == NULL)
            exit(1);
        n->next = head;
        head = n;
    }
    return (resident_bytes() - before) / TASKS;
}

static int submit_all(struct rota_farm *farm)
{
    for (uint64_t i = 0; i < TASKS; i++) {
        struct rota_spec spec = {
            .function = "nothing", .data = &i, .size_bytes = sizeof(i)};
        int rc = rota_submit(farm, &spec, NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int manage(struct rota_farm *farm)
{
    struct rota_result result;
    int rc = rota_submit(farm, &(struct rota_spec){.function = "hold"}, NULL);
    if (rc == 0 && rota_next(farm, 500, &result) != ROTA_E_TIMEOUT)
        rc = ROTA_E_STATE;
    double list = list_bytes();
    double before = resident_bytes();
    if (rc == 0)
        rc = submit_all(farm);
    double used = (resident_bytes() - before) / TASKS;
    int ended = 0;
    while (rc == 0 && (rc = rota_next(farm, ROTA_FOREVER, &result)) == 0)
        ended += result.outcome == ROTA_DONE;
    if (rc != ROTA_E_END || ended != TASKS + 1) {
        fprintf(stderr, "farm_memory: %d tasks ended: %s\n", ended, rota_strerror(rc));
        return 1;
    }
    printf("%.1f %.1f\n", list, used);
    return 0;
}

int main(void)
{
    struct rota_farm *farm;
    struct rota_error err;
    struct rota_function functions[] = {
        {.name = "hold", .run = hold, .context = NULL},
        {.name = "nothing", .run = nothing, .context = NULL}};
    struct rota_farm_options options = {
        .functions = functions, .count = 2, .in_rank = true};
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_memory: %s\n", err.text);
        return 1;
    }
    int status =
        rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, &err) != 0;
    rota_farm_close(farm);
    return status;
}
