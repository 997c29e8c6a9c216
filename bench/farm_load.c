/* farm_load.c - the loads of load.h on the farm
 *
 *     mpiexec -n N farm_load in-rank|isolated [one-by-one|each-called]
 *                            [manager-works] PER_US CORES LOAD...
 *
 * As raw_mpi.c, which it is compared with: the payloads are made as there is room for
 * them, and each value goes to its place. Tasks are given and results taken many at
 * once, as raw_mpi.c does, and in the rank they are run so too; with each-called, by a
 * call of their function each, and with one-by-one given and taken so too.
 */
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "load.h"

struct manager {
    struct rota_farm *farm;
    struct load *load;
    const char *function;
    uint64_t next;    /* task to be generated */
    uint64_t before;  /* tasks of earlier loads: the farm numbers all in one row */
    uint64_t payload; /* of the task generated last */
    bool one_by_one;
};

static int run(struct rota_task *task, void *context)
{
    load_function *function = *(load_function **)context;
    const uint64_t *payload = rota_task_data(task, NULL);
    uint64_t value = function(*payload);
    return rota_task_return(task, &value, sizeof(value));
}

/* The same for many tasks, as raw_mpi.c does it. */
static size_t run_many(const struct rota_alike *tasks, void *context)
{
    load_function *function = *(load_function **)context;
    const uint64_t *payloads = tasks->data; /* of 8 bytes: there is no gap */
    uint64_t *values = tasks->values;
    for (size_t i = 0; i < tasks->count; i++)
        values[i] = function(payloads[i]);
    return tasks->count;
}

static void stop_if(int rc, const char *what)
{
    if (rc != 0) {
        fprintf(stderr, "farm_load: %s: %s\n", what, rota_strerror(rc));
        exit(1);
    }
}

static bool generate(void *context, struct rota_spec *spec)
{
    struct manager *m = context;
    if (m->next == m->load->count)
        return false;
    m->payload = load_payload(m->load, m->next++);
    spec->function = m->function;
    spec->data = &m->payload;
    spec->size_bytes = sizeof(m->payload);
    return true;
}

static size_t fill(void *context, void *payloads, size_t most)
{
    struct manager *m = context;
    uint64_t *out = payloads;
    uint64_t left = m->load->count - m->next;
    size_t count = left < most ? left : most;
    for (size_t i = 0; i < count; i++)
        out[i] = load_payload(m->load, m->next + i);
    m->next += count;
    return count;
}

static void check(const struct rota_result *result)
{
    if (result->outcome == ROTA_DONE && result->size_bytes == sizeof(uint64_t))
        return;
    fprintf(stderr, "farm_load: a task without a value\n");
    exit(1);
}

static void take(struct manager *m)
{
    struct rota_result result;
    int rc;
    while ((rc = rota_next(m->farm, ROTA_FOREVER, &result)) == 0) {
        check(&result);
        m->load->values[result.task - m->before] = *(const uint64_t *)result.data;
    }
    stop_if(rc == ROTA_E_END ? 0 : rc, "rota_next");
}

static void take_runs(struct manager *m)
{
    struct rota_result result;
    size_t count;
    int rc;
    while ((rc = rota_next_run(m->farm, ROTA_FOREVER, SIZE_MAX, &result, &count)) ==
           0) {
        check(&result);
        const uint64_t *values = result.data; /* of 8 bytes: there is no gap */
        for (size_t i = 0; i < count; i++)
            m->load->values[result.task - m->before + i] = values[i];
    }
    stop_if(rc == ROTA_E_END ? 0 : rc, "rota_next_run");
}

static double farm_do(struct load *l, void *context)
{
    struct manager *m = context;
    int64_t began = clock_now_ns();
    m->load = l;
    m->next = 0;
    if (m->one_by_one) {
        stop_if(rota_generate(m->farm, generate, m), "rota_generate");
        take(m);
    } else {
        struct rota_spec spec = {.function = m->function,
                                 .size_bytes = sizeof(uint64_t)};
        stop_if(rota_generate_alike(m->farm, &spec, fill, m), "rota_generate_alike");
        take_runs(m);
    }
    m->before += l->count;
    return (double)(clock_now_ns() - began) / 1e9;
}

/* Have every worker do a task, so that none is still on its way. */
static void warm_up(struct manager *m, bool manager_works)
{
    struct rota_result result;
    uint64_t payload = 0;
    int rc;
    for (int rank = !manager_works; rank < rota_farm_size(m->farm); rank++) {
        struct rota_spec spec = {
            .data = &payload, .size_bytes = sizeof(payload), .near = ROTA_NEAR(rank)};
        stop_if(rota_submit(m->farm, &spec, NULL), "rota_submit");
        m->before++;
    }
    while ((rc = rota_next(m->farm, ROTA_FOREVER, &result)) == 0)
        continue;
    stop_if(rc == ROTA_E_END ? 0 : rc, "rota_next");
}

int main(int argc, char **argv)
{
    bool in_rank = argc > 1 && strcmp(argv[1], "in-rank") == 0;
    int at = 2;
    bool one_by_one = at < argc && strcmp(argv[at], "one-by-one") == 0;
    at += one_by_one;
    bool each_called = !one_by_one && at < argc && strcmp(argv[at], "each-called") == 0;
    at += each_called;
    bool manager_works = at < argc && strcmp(argv[at], "manager-works") == 0;
    at += manager_works;
    char **words = argv + at; /* PER_US CORES LOAD... */
    int loads = argc - at - 2;
    if (loads < 1 || loads > 64) {
        fprintf(stderr, "farm_load: wants in-rank or isolated, a spin rate, cores, "
                        "loads\n");
        return 2;
    }

    /* A function a load: what the farm learns of one's length is not the others'. */
    struct rota_function functions[64];
    for (int i = 0; i < loads; i++) {
        bool noop = strcmp(words[2 + i], "noop") == 0;
        functions[i] = (struct rota_function){
            .name = words[2 + i],
            .run = run,
            .context = &load_functions[noop ? LOAD_NOOP : LOAD_SPIN],
            .run_alike = one_by_one || each_called ? NULL : run_many,
            .value_bytes = sizeof(uint64_t)};
    }
    struct rota_farm_options options = {.functions = functions,
                                        .count = loads,
                                        .in_rank = in_rank,
                                        .manager_works = manager_works};
    struct manager m = {.one_by_one = one_by_one};
    struct rota_error err;
    if (rota_farm_open(&options, &m.farm, &err) != 0) {
        fprintf(stderr, "farm_load: %s\n", err.text);
        return 1;
    }
    int status = 0;
    if (rota_farm_rank(m.farm) != 0) {
        status = rota_farm_work(m.farm, &err) != 0;
    } else {
        warm_up(&m, manager_works);
        for (int i = 0; i < loads; i++) {
            m.function = words[2 + i];
            load_measure(words[2 + i], strtod(words[0], NULL), atoi(words[1]), farm_do,
                         &m);
        }
    }
    rota_farm_close(m.farm);
    return status;
}
