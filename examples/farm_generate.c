/* farm_generate.c - more tasks than memory: they are made as there is room for them
 *
 *     rota exec -n 4 ./farm_generate [LIMIT]      counts the primes below LIMIT
 *
 * There are LIMIT / 1000 tasks, but only a few rounds of them exist at any time: the
 * farm asks for the next when a worker will soon have nothing to do. The function is
 * our own, short and harmless, so it runs in the rank itself (in_rank), which is
 * fastest; what crashed there would cost the worker.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STEP = 1000,
};

struct range {
    uint64_t from;
    uint64_t to; /* not in it */
};

static bool is_prime(uint64_t n)
{
    for (uint64_t d = 2; d * d <= n; d++)
        if (n % d == 0)
            return false;
    return n >= 2;
}

static int count_primes(struct rota_task *task, void *context)
{
    (void)context;
    const struct range *r = rota_task_data(task, NULL);
    uint64_t primes = 0;
    for (uint64_t n = r->from; n < r->to; n++)
        primes += is_prime(n);
    return rota_task_return(task, &primes, sizeof(primes));
}

struct counter {
    uint64_t limit;
    struct range last; /* the payload, which must stay until the next call */
};

static bool next_range(void *context, struct rota_spec *spec)
{
    struct counter *c = context;
    if (c->last.to >= c->limit)
        return false;
    c->last.from = c->last.to;
    c->last.to = c->limit - c->last.from < STEP ? c->limit : c->last.from + STEP;
    spec->data = &c->last;
    spec->size_bytes = sizeof(c->last);
    return true;
}

static int manage(struct rota_farm *farm, uint64_t limit)
{
    struct counter counter = {.limit = limit};
    struct rota_result result;
    uint64_t primes = 0;
    int rc = rota_generate(farm, next_range, &counter);
    while (rc == 0 && (rc = rota_next(farm, ROTA_FOREVER, &result)) == 0)
        if (result.outcome == ROTA_DONE)
            primes += *(const uint64_t *)result.data;
    if (rc != ROTA_E_END)
        return rc;
    printf("%" PRIu64 " primes below %" PRIu64 "\n", primes, limit);
    return 0;
}

int main(int argc, char **argv)
{
    const struct rota_function functions[] = {{.name = "count", .run = count_primes}};
    struct rota_farm_options options = {
        .functions = functions, .count = 1, .in_rank = true};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_generate: %s\n", err.text);
        return 1;
    }
    uint64_t limit = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    int rc =
        rota_farm_rank(farm) == 0 ? manage(farm, limit) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_generate: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
