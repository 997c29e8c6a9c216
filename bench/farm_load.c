/* farm_load.c - the loads of load.h on the farm
 *
 *     mpiexec -n N farm_load in-rank|isolated [manager-works] PER_US CORES LOAD...
 *
 * As raw_mpi.c, which it is compared with: the payloads are made one by one as there
 * is room for them, and each value goes to its place.
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
};

static int run(struct rota_task *task, void *context)
{
    load_function *function = *(load_function **)context;
    const uint64_t *payload = rota_task_data(task, NULL);
    uint64_t value = function(*payload);
    return rota_task_return(task, &value, sizeof(value));
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

static void take(struct manager *m)
{
    struct rota_result result;
    int rc;
    while ((rc = rota_next(m->farm, ROTA_FOREVER, &result)) == 0) {
        if (result.outcome != ROTA_DONE || result.size_bytes != sizeof(uint64_t)) {
            fprintf(stderr, "farm_load: a task without a value\n");
            exit(1);
        }
        m->load->values[result.task - m->before] = *(const uint64_t *)result.data;
    }
    stop_if(rc == ROTA_E_END ? 0 : rc, "rota_next");
}

static double farm_do(struct load *l, void *context)
{
    struct manager *m = context;
    int64_t began = clock_now_ns();
    m->load = l;
    m->next = 0;
    stop_if(rota_generate(m->farm, generate, m), "rota_generate");
    take(m);
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
    bool manager_works = argc > 2 && strcmp(argv[2], "manager-works") == 0;
    char **words = argv + 2 + manager_works; /* PER_US CORES LOAD... */
    int loads = argc - 4 - manager_works;
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
            words[2 + i], run, &load_functions[noop ? LOAD_NOOP : LOAD_SPIN]};
    }
    struct rota_farm_options options = {.functions = functions,
                                        .count = loads,
                                        .in_rank = in_rank,
                                        .manager_works = manager_works};
    struct manager m = {.farm = NULL};
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
