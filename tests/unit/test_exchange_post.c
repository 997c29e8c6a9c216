/* test_exchange_post.c - message/exchange: messages that are sent while one waits */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "message/frame.h"
#include "world.h"

static const size_t sizes[] = {0, 8, FRAME_BYTES, FRAME_BYTES + 1, 1000000};

enum {
    SIZES = sizeof(sizes) / sizeof(sizes[0]),
};

static int post_bytes(struct world *w, int from, int to, int tag, size_t size, int fill)
{
    char *data = malloc(size + 1);
    assert_non_null(data);
    memset(data, fill, size);
    int rc = exchange_post(w->x[from], to, tag, data, size);
    if (rc != 0 && rc != ROTA_E_LOST)
        free(data);
    return rc;
}

static void expect_bytes(struct rota_message *m, size_t size, int fill)
{
    assert_int_equal(m->size_bytes, size);
    const char *data = m->data;
    for (size_t i = 0; i < size; i++)
        assert_int_equal(data[i], fill);
    free(m->data);
}

/* Let `from` and `to` look in turn until a message has come. */
static void receive_at_last(struct world *w, int from, int to, struct rota_message *m)
{
    for (int i = 0; i < 100000; i++) {
        if (receive_now(w, to, from, ROTA_ANY_TAG, m) == 0)
            return;
        take_in(w, from);
    }
    fail_msg("no message has come");
}

static void posted_messages_come_whole_and_in_order(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    for (int i = 0; i < 3 * SIZES; i++)
        assert_int_equal(post_bytes(w, 0, 1, i, sizes[i % SIZES], i), 0);
    for (int i = 0; i < 3 * SIZES; i++) {
        receive_at_last(w, 0, 1, &m);
        assert_int_equal(m.tag, i);
        expect_bytes(&m, sizes[i % SIZES], i);
    }
}

static void a_post_never_waits_and_keeps_the_window(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    for (int i = 0; i < 10; i++)
        assert_int_equal(post_bytes(w, 0, 1, 0, 1000000, i), 0);
    assert_int_equal(w->wire.pairs[0][1].posted, EXCHANGE_WINDOW);
    for (int i = 0; i < 10; i++) {
        receive_at_last(w, 0, 1, &m);
        expect_bytes(&m, 1000000, i);
    }
    assert_int_equal(w->wire.pairs[0][1].most_queued, EXCHANGE_WINDOW);
}

static void one_that_is_busy_holds_up_nobody_else(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    assert_int_equal(post_bytes(w, 0, 1, 0, 1000000, 1), 0);
    assert_int_equal(post_bytes(w, 0, 2, 0, 1000000, 2), 0);
    receive_at_last(w, 0, 2, &m);
    expect_bytes(&m, 1000000, 2);
    receive_at_last(w, 0, 1, &m);
    expect_bytes(&m, 1000000, 1);
}

static void what_is_sent_goes_behind_what_was_posted(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    let_others_run(w);
    assert_int_equal(post_bytes(w, 0, 1, 5, 1000000, 1), 0);
    assert_int_equal(send_pattern(w, 0, 1, 6, 10, 3), 0);
    receive_at_last(w, 0, 1, &m);
    assert_int_equal(m.tag, 5);
    expect_bytes(&m, 1000000, 1);
    receive_at_last(w, 0, 1, &m);
    assert_int_equal(m.tag, 6);
    check_pattern(&m, 10, 3);
}

static void one_can_post_to_oneself(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    assert_int_equal(post_bytes(w, 0, 0, 4, 5000, 7), 0);
    assert_int_equal(receive_now(w, 0, 0, 4, &m), 0);
    expect_bytes(&m, 5000, 7);
}

static void what_was_posted_to_one_that_has_gone_is_dropped(void **state)
{
    struct world *w = *state;
    assert_int_equal(post_bytes(w, 0, 1, 0, 1000000, 1), 0);
    tell(w, 0, 1, 0);
    take_in(w, 0);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
    assert_int_equal(post_bytes(w, 0, 1, 0, 1000000, 1), ROTA_E_LOST);
    int posted = w->wire.pairs[0][1].posted;
    take_in(w, 0);
    assert_int_equal(w->wire.pairs[0][1].posted, posted);
}

/* It may be on its way out, and that is no failure; */
static void what_mpi_refuses_goes_with_its_receiver(void **state)
{
    struct world *w = *state;
    w->wire.pairs[0][1].refused = true;
    assert_int_equal(post_bytes(w, 0, 1, 0, 1000000, 1), 0);
    take_in(w, 0);
    w->wire.pairs[0][1].refused = false; /* nothing more is sent to a suspect */
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    assert_int_equal(w->wire.pairs[0][1].posted, 0);
    added_ns += 4 * NS_PER_SEC;
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    tell(w, 0, 1, 0);
    added_ns += 4 * NS_PER_SEC;
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    exchange_flush(w->x[0]);
}

/* but what was posted to a rank that lives on does not vanish without a word. */
static void what_mpi_refuses_to_a_living_rank_is_a_failure(void **state)
{
    struct world *w = *state;
    w->wire.pairs[0][1].refused = true;
    assert_int_equal(post_bytes(w, 0, 1, 0, 1000000, 1), 0);
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    added_ns += 6 * NS_PER_SEC;
    assert_int_equal(take_in(w, 0), ROTA_E_MPI);
    assert_int_equal(take_in(w, 0), ROTA_E_MPI);
    tick_ns = NS_PER_MS;
    exchange_flush(w->x[0]);
    tick_ns = 0;
}

static void without_memory_for_a_frame_it_goes_later(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    w->wire.no_room[0] = 3;
    assert_int_equal(post_bytes(w, 0, 1, 0, 10, 1), 0);
    assert_int_equal(w->wire.pairs[0][1].posted, 0);
    receive_at_last(w, 0, 1, &m);
    expect_bytes(&m, 10, 1);
}

static void without_memory_to_post_nothing_is_taken(void **state)
{
    struct world *w = *state;
    char *data = malloc(10);
    fail_at = 1;
    assert_int_equal(exchange_post(w->x[0], 1, 0, data, 10), ROTA_E_NOMEM);
    fail_at = 0;
    free(data);
    assert_int_equal(w->wire.pairs[0][1].posted, 0);
}

static void a_flush_sends_what_was_posted_for_a_moment(void **state)
{
    struct world *w = *state;
    assert_int_equal(post_bytes(w, 0, 1, 0, 1000000, 1), 0);
    tick_ns = 10000000;
    exchange_flush(w->x[0]); /* nobody takes anything: it ends all the same */
    tick_ns = 0;
    assert_int_equal(w->wire.pairs[0][1].posted, EXCHANGE_WINDOW);
    take_in(w, 0);
    assert_int_equal(w->wire.pairs[0][1].posted, EXCHANGE_WINDOW);
}

static void what_was_posted_can_be_waited_for(void **state)
{
    struct world *w = *state;
    let_others_run(w);
    assert_int_equal(exchange_settle(w->x[0], 1), 0);
    assert_int_equal(post_bytes(w, 0, 1, 0, 1000000, 1), 0);
    w->wire.pairs[0][1].lingering = 3; /* the last frame takes its time to leave */
    assert_int_equal(exchange_settle(w->x[0], 1), 0);
    assert_int_equal(w->wire.pairs[0][1].posted,
                     1 + (1000000 + FRAME_BYTES - 1) / FRAME_BYTES);
    assert_int_equal(w->wire.pairs[0][1].lingering, 0);
}

static void a_wait_ends_with_news(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    uint32_t before = board_epoch(w->boards[0]);
    tell(w, 0, 2, 0);
    assert_int_equal(
        exchange_receive_until(w->x[0], ROTA_ANY_SOURCE, 0, INT64_MAX, before, &m),
        ROTA_E_TIMEOUT);
    assert_int_equal(send_pattern(w, 1, 0, 0, 10, 3), 0);
    assert_int_equal(exchange_receive_until(w->x[0], ROTA_ANY_SOURCE, 0, INT64_MAX,
                                            board_epoch(w->boards[0]), &m),
                     0);
    check_pattern(&m, 10, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(posted_messages_come_whole_and_in_order),
        IN_WORLD(a_post_never_waits_and_keeps_the_window),
        IN_WORLD(one_that_is_busy_holds_up_nobody_else),
        IN_WORLD(what_is_sent_goes_behind_what_was_posted),
        IN_WORLD(one_can_post_to_oneself),
        IN_WORLD(what_was_posted_to_one_that_has_gone_is_dropped),
        IN_WORLD(what_mpi_refuses_goes_with_its_receiver),
        IN_WORLD(what_mpi_refuses_to_a_living_rank_is_a_failure),
        IN_WORLD(without_memory_for_a_frame_it_goes_later),
        IN_WORLD(without_memory_to_post_nothing_is_taken),
        IN_WORLD(a_flush_sends_what_was_posted_for_a_moment),
        IN_WORLD(what_was_posted_can_be_waited_for),
        IN_WORLD(a_wait_ends_with_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
