/* squares_farm.c - a farm of squares, to be struck (tests/chaos, tests/faults)
 *
 *     squares_farm FILE TASKS LONG [in-rank]
 *
 * Rank 0 writes each task's end to FILE, in one write: "7 = 49", or "7 failed 4 9"
 * (outcome and code); and "over" at last. One task in LONG takes 50 ms, the others next
 * to nothing; where LONG is 0 all do. It exits with 0 where all are squares, 1 where
 * some failed or it could not go on, and says why on standard error.
 */
#include <rota.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    USAGE = 2,
    FIRST_OPTION = 4,
};

static int square(struct rota_task *task, void *context)
{
    const uint64_t *one_in = context;
    uint64_t n;
    memcpy(&n, rota_task_data(task, NULL), sizeof(n));
    if (*one_in > 0 && n % *one_in == 0)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    n *= n;
    return rota_task_return(task, &n, sizeof(n));
}

static int stop(const char *what, int rc)
{
    fprintf(stderr, "squares_farm: %s: %s\n", what, rota_strerror(rc));
    return 1;
}

static int submit_all(struct rota_farm *farm, uint64_t tasks)
{
    int rc = 0;
    for (uint64_t n = 0; n < tasks && rc == 0; n++)
        rc = rota_submit(farm,
                         &(struct rota_spec){
                             .function = "square", .data = &n, .size_bytes = sizeof(n)},
                         NULL);
    return rc;
}

static bool write_end(int fd, const struct rota_result *r)
{
    char line[100];
    int n;
    if (r->outcome == ROTA_DONE) {
        uint64_t value;
        memcpy(&value, r->data, sizeof(value));
        n = snprintf(line, sizeof(line), "%" PRIu64 " = %" PRIu64 "\n", r->task, value);
    } else {
        n = snprintf(line, sizeof(line), "%" PRIu64 " failed %d %d\n", r->task,
                     (int)r->outcome, r->code);
    }
    return write(fd, line, (size_t)n) == n;
}

/* Returns what rota_next said at last; or 0 where the end of a task could not be
 * written. */
static int collect(struct rota_farm *farm, int fd, int *failed)
{
    struct rota_result r;
    int rc;
    while ((rc = rota_next(farm, ROTA_FOREVER, &r)) == 0) {
        *failed += r.outcome != ROTA_DONE;
        if (!write_end(fd, &r))
            return 0;
    }
    return rc;
}

static int manage(struct rota_farm *farm, const char *path, uint64_t tasks)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    int failed = 0;
    int rc = submit_all(farm, tasks);
    if (rc != 0)
        return stop("a task cannot be given", rc);
    rc = collect(farm, fd, &failed);
    if (rc != 0 && rc != ROTA_E_END)
        return stop("the farm cannot go on", rc);
    if (rc == 0 || write(fd, "over\n", 5) != 5 || close(fd) != 0) {
        perror(path);
        return 1;
    }
    if (failed > 0)
        fprintf(stderr, "squares_farm: %d of %" PRIu64 " tasks failed\n", failed,
                tasks);
    return failed > 0;
}

static int work(struct rota_farm *farm)
{
    struct rota_error err;
    if (rota_farm_work(farm, &err) == 0)
        return 0;
    fprintf(stderr, "squares_farm: %s\n", err.text);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < FIRST_OPTION)
        return USAGE;
    uint64_t tasks = strtoull(argv[2], NULL, 10);
    uint64_t one_in = strtoull(argv[3], NULL, 10);
    const struct rota_function functions[] = {
        {.name = "square", .run = square, .context = &one_in}};
    struct rota_farm_options options = {
        .functions = functions,
        .count = 1,
        .in_rank = argc > FIRST_OPTION && strcmp(argv[FIRST_OPTION], "in-rank") == 0,
    };
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "squares_farm: %s\n", err.text);
        return 1;
    }
    int status = rota_farm_rank(farm) == 0 ? manage(farm, argv[1], tasks) : work(farm);
    rota_farm_close(farm);
    return status;
}
