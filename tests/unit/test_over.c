/* test_over.c - farm/over: a farm's beginning, over a link played by the test */
#include "unit.h"

#include <stdlib.h>

#include "farm/inner.h"

static int run_nothing(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return 0;
}

static const struct rota_function functions[] = {{.name = "f", .run = run_nothing}};

/* ---- a link to a manager that has left --------------------------------------- */

static int post_to_nobody(struct link *l, int rank, int tag, void *data, size_t size)
{
    (void)l;
    (void)rank;
    (void)tag;
    (void)size;
    free(data);
    return ROTA_E_LOST;
}

static int receive_from_nobody(struct link *l, int source, int tag, int64_t deadline_ns,
                               uint32_t news, struct rota_message *out)
{
    (void)l;
    (void)source;
    (void)tag;
    (void)deadline_ns;
    (void)news;
    (void)out;
    return ROTA_E_LOST;
}

static uint32_t no_news(const struct link *l)
{
    (void)l;
    return 0;
}

static enum rota_how how;

static struct rota_fate fate_of_all(const struct link *l, int rank)
{
    (void)l;
    (void)rank;
    return (struct rota_fate){.how = how};
}

static void close_nothing(struct link *l)
{
    (void)l;
}

static const struct link_ops ops = {
    .post = post_to_nobody,
    .receive = receive_from_nobody,
    .news = no_news,
    .fate = fate_of_all,
    .close = close_nothing,
};

static int come_late(void)
{
    struct link link = {.ops = &ops, .rank = 1, .size = 2};
    struct executor_options x_options = {
        .functions = functions, .count = 1, .slots = 1};
    struct rota_farm_options options = {.functions = functions, .count = 1};
    struct executor *x;
    struct rota_farm *farm;
    assert_int_equal(executor_in_rank_open(&x_options, &x, NULL), 0);
    assert_int_equal(
        farm_over(&link, x, &options, (struct farm_manner){0}, &farm, NULL), 0);
    int rc = rota_farm_work(farm, NULL);
    rota_farm_close(farm);
    return rc;
}

/* ---- tests ------------------------------------------------------------------- */

static void who_comes_when_all_is_done_has_nothing_to_do(void **state)
{
    (void)state;
    how = ROTA_CLOSED;
    assert_int_equal(come_late(), 0);
}

static void who_comes_when_the_manager_has_died_is_told(void **state)
{
    (void)state;
    how = ROTA_KILLED;
    assert_int_equal(come_late(), ROTA_E_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_when_all_is_done_has_nothing_to_do),
        cmocka_unit_test(who_comes_when_the_manager_has_died_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
