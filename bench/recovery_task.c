/* recovery_task.c - a task that says when it began and ended, for bench/recovery
 *
 *     recovery_task LOG ID                as a command: of rota run
 *     rota exec -n N recovery_task LOG    a farm of them, on the library
 *
 * Each says in LOG, by CLOCK_MONOTONIC in nanoseconds, "B id pid time host" when it
 * begins, and "E id pid time host" when it ends, TASK_MS later.
 */
#include <rota.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    TASK_MS = 50,
    TASKS = 1000000, /* more than can be done until it is ended */
};

static int say(const char *path, char what, uint64_t id)
{
    struct utsname here;
    if (uname(&here) != 0)
        return 1;
    char line[200];
    int n = snprintf(line, sizeof(line), "%c %" PRIu64 " %d %" PRId64 " %s\n", what, id,
                     (int)getpid(), clock_now_ns(), here.nodename);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int rc = fd >= 0 && write(fd, line, (size_t)n) == n ? 0 : 1;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int do_task(const char *path, uint64_t id)
{
    int64_t until_ns = clock_deadline_ns(TASK_MS);
    int rc = say(path, 'B', id);
    while (clock_now_ns() < until_ns)
        clock_sleep_until(until_ns);
    return rc ? rc : say(path, 'E', id);
}

static int run(struct rota_task *task, void *context)
{
    uint64_t id;
    memcpy(&id, rota_task_data(task, NULL), sizeof(id));
    return do_task(context, id);
}

static bool give(void *context, struct rota_spec *spec)
{
    static uint64_t id;
    (void)context;
    id++;
    *spec = (struct rota_spec){
        .function = "task", .data = &id, .size_bytes = sizeof(id), .retries = 50};
    return id < TASKS;
}

static int manage(struct rota_farm *farm)
{
    struct rota_result r;
    int rc = rota_generate(farm, give, NULL);
    while (rc == 0)
        rc = rota_next(farm, ROTA_FOREVER, &r);
    fprintf(stderr, "recovery_task: %s\n", rota_strerror(rc));
    return rc == ROTA_E_END ? 0 : 1;
}

static int farm(char *path)
{
    struct rota_function functions[] = {{.name = "task", .run = run, .context = path}};
    struct rota_farm_options options = {.functions = functions, .count = 1};
    struct rota_farm *f;
    struct rota_error err;
    if (rota_farm_open(&options, &f, &err) != 0) {
        fprintf(stderr, "recovery_task: %s\n", err.text);
        return 1;
    }
    int status = rota_farm_rank(f) == 0 ? manage(f) : rota_farm_work(f, &err) != 0;
    rota_farm_close(f);
    return status;
}

int main(int argc, char **argv)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    if (argc == 3)
        return do_task(argv[1], strtoull(argv[2], NULL, 10));
    return argc == 2 ? farm(argv[1]) : 2;
}
