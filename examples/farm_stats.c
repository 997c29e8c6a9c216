/* farm_stats.c - how far the farm is while it runs, and what it has done in the end
 *
 *     rota exec -n 3 ./farm_stats
 *
 * rota_next with a time limit gives the manager a moment now and then: here it says on
 * standard error how far things are. Each rank runs two tasks at once (slots). Every
 * tenth task fails at its first attempt and is tried again.
 */
#include <inttypes.h>
#include <rota.h>
#include <stdio.h>
#include <time.h>

enum {
    TASKS = 200,
    EVERY_MS = 100,
};

static int wait_a_little(struct rota_task *task, void *context)
{
    (void)context;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    if (rota_task_id(task) % 10 == 0 && rota_task_attempt(task) == 1)
        return rota_task_fail(task, "not yet");
    return 0;
}

static void print_progress(const struct rota_stats *s)
{
    fprintf(stderr, "%" PRIu64 " wait, %" PRIu64 " with %d workers, %" PRIu64 " done\n",
            s->waiting, s->lent, s->workers, s->ended[ROTA_DONE]);
}

static void print_end(const struct rota_stats *s)
{
    printf("%" PRIu64 " submitted: %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
           " crashed\n",
           s->submitted, s->ended[ROTA_DONE], s->ended[ROTA_FAILED],
           s->ended[ROTA_CRASHED]);
    printf("attempts begun anew: %" PRIu64 "; workers lost: %d\n", s->again, s->lost);
    fprintf(stderr, "all attempts together ran %.1f s in %d slots\n",
            (double)s->busy_ns / 1e9, s->slots);
}

static int manage(struct rota_farm *farm)
{
    struct rota_stats stats;
    struct rota_result result;
    int rc = 0;
    for (int i = 0; i < TASKS && rc == 0; i++)
        rc = rota_submit(farm, &(struct rota_spec){.retries = 1}, NULL);
    if (rc != 0)
        return rc;

    int64_t next_ns = 0;
    while (rc == 0 || rc == ROTA_E_TIMEOUT) {
        rc = rota_next(farm, EVERY_MS, &result);
        if (rc == ROTA_E_TIMEOUT || (rc == 0 && result.ended_ns >= next_ns)) {
            rota_farm_stats(farm, &stats);
            print_progress(&stats);
            next_ns += EVERY_MS * INT64_C(1000000);
        }
    }
    rota_farm_stats(farm, &stats);
    print_end(&stats);
    return rc == ROTA_E_END ? 0 : rc;
}

int main(void)
{
    const struct rota_function functions[] = {{.name = "wait", .run = wait_a_little}};
    struct rota_farm_options options = {
        .functions = functions, .count = 1, .slots = 2, .retry_delay_ms = 10};
    struct rota_farm *farm;
    struct rota_error err;
    if (rota_farm_open(&options, &farm, &err) != 0) {
        fprintf(stderr, "farm_stats: %s\n", err.text);
        return 1;
    }
    int rc = rota_farm_rank(farm) == 0 ? manage(farm) : rota_farm_work(farm, NULL);
    if (rc != 0)
        fprintf(stderr, "farm_stats: %s\n", rota_strerror(rc));
    rota_farm_close(farm);
    return rc == 0 ? 0 : 1;
}
