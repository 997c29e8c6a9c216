/* chaos_farm.c - a farm of squares for tests/chaos to strike
 *
 *     chaos_farm FILE [in-rank]
 *
 * Rank 0 writes each task's end to FILE, in one write: "7 = 49", or "7 failed 4 9"
 * (outcome and code); and "over" at last. It exits with 0 where all are squares, 1
 * where some failed, and says why on standard error where it could not go on.
 */
#include <rota.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TASKS = 2000,
    LONG = 20, /* each of these takes 50 ms, the others next to nothing */
};

static int square(struct rota_task *task, void *context)
{
    (void)context;
    uint64_t n;
    memcpy(&n, rota_task_data(task, NULL), sizeof(n));
    if (n % LONG == 0)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    n *= n;
    return rota_task_return(task, &n, sizeof(n));
}

static int stop(const char *what, int rc)
{
    fprintf(stderr, "chaos_farm: %s: %s\n", what, rota_strerror(rc));
    return 1;
}

static int submit_all(struct rota_farm *farm)
{
    int rc = 0;
    for (uint64_t n = 0; n < TASKS && rc == 0; n++)
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

static int manage(struct rota_farm *farm, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    struct rota_result r;
    int failed = 0;
    int rc = submit_all(farm);
    while (rc == 0 && (rc = rota_next(farm, ROTA_FOREVER, &r)) == 0) {
        failed += r.outcome != ROTA_DONE;
        if (!write_end(fd, &r)) {
            perror(path);
            return 1;
        }
    }
    if (rc != ROTA_E_END)
        return stop("the farm cannot go on", rc);
    if (failed > 0)
        fprintf(stderr, "chaos_farm: %d of %d tasks failed\n", failed, TASKS);
    return write(fd, "over\n", 5) == 5 && close(fd) == 0 && failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct rota_function functions[] = {{.name = "square", .run = square}};
    struct rota_farm_options options = {
        .functions = functions,
        .count = 1,
        .in_rank = argc > 2 && strcmp(argv[2], "in-rank") == 0,
    };
    struct rota_farm *farm;
    struct rota_error err;
    int rc = rota_farm_open(&options, &farm, &err);
    if (rc != 0) {
        fprintf(stderr, "chaos_farm: %s\n", err.text);
        return 1;
    }
    int status = 0;
    if (rota_farm_rank(farm) == 0) {
        status = manage(farm, argv[1]);
    } else {
        rc = rota_farm_work(farm, &err);
        if (rc != 0) {
            fprintf(stderr, "chaos_farm: %s\n", err.text);
            status = 1;
        }
    }
    rota_farm_close(farm);
    return status;
}
