/* fault_farm.c - a small farm of squares for tests/faults to let calls fail in
 *
 *     fault_farm FILE [in-rank]
 *
 * Rank 0 writes each task's end to FILE: "7 = 49", or "7 failed 4 9" (outcome and code);
 * and "over" at last. It exits with 0 where all are squares, 1 where some failed or it
 * could not go on, which it says on standard error.
 */
#include <rota.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    TASKS = 40,
};

static int square(struct rota_task *task, void *context)
{
    (void)context;
    uint64_t n;
    memcpy(&n, rota_task_data(task, NULL), sizeof(n));
    n *= n;
    return rota_task_return(task, &n, sizeof(n));
}

static int stop(const char *what, int rc)
{
    fprintf(stderr, "fault_farm: %s: %s\n", what, rota_strerror(rc));
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

/* Returns 1 where it has failed. */
static int put_end(FILE *f, const struct rota_result *r)
{
    uint64_t value;
    if (r->outcome != ROTA_DONE) {
        fprintf(f, "%" PRIu64 " failed %d %d\n", r->task, (int)r->outcome, r->code);
        return 1;
    }
    memcpy(&value, r->data, sizeof(value));
    fprintf(f, "%" PRIu64 " = %" PRIu64 "\n", r->task, value);
    return 0;
}

static int manage(struct rota_farm *farm, const char *path)
{
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    struct rota_result r;
    int failed = 0;
    int rc = submit_all(farm);
    if (rc != 0) {
        fclose(f);
        return stop("a task cannot be given", rc);
    }
    while ((rc = rota_next(farm, ROTA_FOREVER, &r)) == 0)
        failed += put_end(f, &r);
    if (rc == ROTA_E_END)
        fputs("over\n", f);
    if (fclose(f) != 0) {
        perror(path);
        return 1;
    }
    if (rc != ROTA_E_END)
        return stop("the farm cannot go on", rc);
    if (failed > 0)
        fprintf(stderr, "fault_farm: %d of %d tasks failed\n", failed, TASKS);
    return failed > 0;
}

static int work(struct rota_farm *farm)
{
    struct rota_error err;
    if (rota_farm_work(farm, &err) == 0)
        return 0;
    fprintf(stderr, "fault_farm: %s\n", err.text);
    return 1;
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
    if (argc < 2)
        return 2;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "fault_farm: %s\n", err.text);
        return 1;
    }
    int status = rota_farm_rank(farm) == 0 ? manage(farm, argv[1]) : work(farm);
    rota_farm_close(farm);
    return status;
}
