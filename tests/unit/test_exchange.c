/* test_exchange.c - message/exchange: messages among those who live and behave */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "message/exchange.h"
#include "message/frame.h"
#include "world.h"

/* ---- messages ---------------------------------------------------------------- */

static void messages_of_all_sizes_come_whole_and_in_order(void **state)
{
    struct world *w = *state;
    static const size_t sizes[] = {0,
                                   1,
                                   FRAME_BYTES - 1,
                                   FRAME_BYTES,
                                   FRAME_BYTES + 1,
                                   2 * FRAME_BYTES,
                                   10 * FRAME_BYTES + 7,
                                   0,
                                   5000000};
    const unsigned n = sizeof(sizes) / sizeof(sizes[0]);
    let_others_run(w);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(send_pattern(w, 0, 1, (int)i, sizes[i], i), 0);
    for (unsigned i = 0; i < n; i++) {
        struct rota_message m;
        assert_int_equal(receive_now(w, 1, 0, ROTA_ANY_TAG, &m), 0);
        assert_int_equal(m.source, 0);
        assert_int_equal(m.tag, i);
        check_pattern(&m, sizes[i], i);
    }
    assert_int_equal(outcome(w, 1, 0), ROTA_E_TIMEOUT);
}

static void check_tag(struct world *w, int tag)
{
    static const size_t sizes[] = {0, 1, 8, FRAME_BYTES, FRAME_BYTES + 1};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct rota_message m;
        assert_int_equal(send_pattern(w, 0, 1, tag, sizes[i], i), 0);
        assert_int_equal(receive_now(w, 1, 0, tag, &m), 0);
        assert_int_equal(m.tag, tag);
        check_pattern(&m, sizes[i], i);
    }
}

/* On both sides of what fits an envelope, for each transport's largest one. */
static void messages_of_all_tags_come_whole(void **state)
{
    (void)state;
    static const int max_envelopes[] = {32767, 0x0fffffff, INT32_MAX};
    for (int i = 0; i < 3; i++) {
        struct world w;
        world_open(&w);
        exchange_free(w.x[0]);
        w.wire.max_envelope = max_envelopes[i];
        w.x[0] = exchange_new(0, w.boards[0], wire_end(&w.wire, 0));
        assert_non_null(w.x[0]);
        int largest = frame_number(max_envelopes[i]);
        check_tag(&w, 0);
        check_tag(&w, 1);
        check_tag(&w, largest);
        check_tag(&w, largest + 1);
        check_tag(&w, INT32_MAX);
        world_close(&w);
    }
}

static void a_short_message_travels_as_its_own_bytes_alone(void **state)
{
    struct world *w = *state;
    send_pattern(w, 0, 1, 5, 8, 0);
    assert_int_equal(w->wire.pairs[0][1].posted, 1);
    assert_int_equal(w->wire.pairs[0][1].bytes, 8);
}

static void a_message_is_received_by_source_and_tag(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    send_pattern(w, 0, 2, 5, 10, 0);
    send_pattern(w, 1, 2, 5, 11, 1);
    send_pattern(w, 0, 2, 6, 12, 2);
    send_pattern(w, 1, 2, INT32_MAX, 13, 3);
    assert_int_equal(receive_now(w, 2, 0, 7, &m), ROTA_E_TIMEOUT);
    assert_int_equal(receive_now(w, 2, 0, 6, &m), 0);
    check_pattern(&m, 12, 2);
    assert_int_equal(receive_now(w, 2, 1, ROTA_ANY_TAG, &m), 0);
    check_pattern(&m, 11, 1);
    assert_int_equal(receive_now(w, 2, ROTA_ANY_SOURCE, INT32_MAX, &m), 0);
    assert_int_equal(m.source, 1);
    check_pattern(&m, 13, 3);
    assert_int_equal(receive_now(w, 2, ROTA_ANY_SOURCE, ROTA_ANY_TAG, &m), 0);
    check_pattern(&m, 10, 0);
}

static void a_probe_tells_of_a_message_and_leaves_it(void **state)
{
    struct world *w = *state;
    send_pattern(w, 0, 1, 3, 2 * FRAME_BYTES, 4);
    for (int i = 0; i < 3; i++) {
        struct rota_message m = {.data = &m};
        assert_int_equal(exchange_probe(w->x[1], ROTA_ANY_SOURCE, ROTA_ANY_TAG, 0, &m),
                         0);
        assert_null(m.data);
        assert_int_equal(m.source, 0);
        assert_int_equal(m.tag, 3);
        assert_int_equal(m.size_bytes, 2 * FRAME_BYTES);
    }
    struct rota_message m;
    assert_int_equal(receive_now(w, 1, 0, 3, &m), 0);
    check_pattern(&m, 2 * FRAME_BYTES, 4);
}

static void a_rank_can_send_to_itself(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    send_pattern(w, 1, 1, 8, 100000, 5);
    send_pattern(w, 1, 1, 9, 0, 6);
    assert_int_equal(receive_now(w, 1, 1, 9, &m), 0);
    check_pattern(&m, 0, 6);
    assert_int_equal(receive_now(w, 1, ROTA_ANY_SOURCE, ROTA_ANY_TAG, &m), 0);
    assert_int_equal(m.source, 1);
    check_pattern(&m, 100000, 5);
    /* While it waits it cannot send: so this would last for ever. */
    assert_int_equal(exchange_receive(w->x[1], 1, 0, INT64_MAX, &m), ROTA_E_LOST);
}

static void a_receive_ends_at_its_deadline(void **state)
{
    struct world *w = *state;
    struct rota_message m = {.tag = 77};
    tick_ns = NS_PER_MS;
    int64_t deadline = clock_now_ns() + 3600 * NS_PER_SEC;
    tick_ns = 60 * NS_PER_SEC;
    assert_int_equal(exchange_receive(w->x[0], 1, 0, deadline, &m), ROTA_E_TIMEOUT);
    assert_true(clock_now_ns() >= deadline);
    assert_int_equal(m.tag, 77);
}

static void keep_rank_1_talking(void *arg, int rank)
{
    struct world *w = arg;
    if (rank == 0) {
        take_in(w, 1);
        send_pattern(w, 1, 0, 1, 1, 0);
    }
}

static void what_comes_for_others_does_not_put_off_the_deadline(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    w->wire.idle = keep_rank_1_talking;
    w->wire.idle_arg = w;
    tick_ns = 10 * NS_PER_MS;
    assert_int_equal(
        exchange_receive(w->x[0], ROTA_ANY_SOURCE, 2, clock_now_ns() + NS_PER_SEC, &m),
        ROTA_E_TIMEOUT);
}

/* ---- the window -------------------------------------------------------------- */

static void take_in_after_a_while(void *arg, int rank)
{
    struct world *w = arg;
    if (w->wire.idle_count <= 100)
        assert_int_equal(w->wire.pairs[0][1].posted, EXCHANGE_WINDOW);
    else if (rank == 0)
        take_in(w, 1);
}

static void a_sender_waits_for_room_at_the_receiver(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < EXCHANGE_WINDOW; i++)
        assert_int_equal(send_pattern(w, 0, 1, i, 100, 0), 0);
    assert_int_equal(w->wire.idle_count, 0);
    w->wire.idle = take_in_after_a_while;
    w->wire.idle_arg = w;
    assert_int_equal(send_pattern(w, 0, 1, 99, 10000000, 9), 0);
    assert_int_equal(w->wire.pairs[0][1].most_queued, EXCHANGE_WINDOW);
    struct rota_message m;
    assert_int_equal(receive_now(w, 1, 0, 99, &m), 0);
    check_pattern(&m, 10000000, 9);
}

static void a_sender_without_room_waits_for_it(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    let_others_run(w);
    w->wire.no_room[0] = 50;
    assert_int_equal(send_pattern(w, 0, 1, 1, 20000, 1), 0);
    assert_int_equal(w->wire.no_room[0], 0);
    assert_int_equal(receive_now(w, 1, 0, 1, &m), 0);
    check_pattern(&m, 20000, 1);
}

static void credit_that_could_not_be_returned_comes_later(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < EXCHANGE_WINDOW; i++)
        assert_int_equal(send_pattern(w, 0, 1, 0, 1, 0), 0);
    w->wire.no_room[1] = EXCHANGE_WINDOW + 5;
    take_in(w, 1);
    take_in(w, 1);
    assert_int_equal(w->wire.pairs[1][0].posted, 0);
    let_others_run(w);
    assert_int_equal(send_pattern(w, 0, 1, 0, 1, 0), 0);
}

static void credit_is_returned_for_half_a_window_at_a_time(void **state)
{
    struct world *w = *state;
    const struct wire_pair *back = &w->wire.pairs[1][0];
    for (int i = 1; i <= 3 * EXCHANGE_WINDOW; i++) {
        assert_int_equal(send_pattern(w, 0, 1, 0, 1, 0), 0);
        take_in(w, 1);
        assert_int_equal(back->posted, i / (EXCHANGE_WINDOW / 2));
        take_in(w, 0);
    }
    assert_int_equal(back->bytes, 0);
}

static void credit_waits_for_a_quiet_moment_but_not_for_long(void **state)
{
    struct world *w = *state;
    const struct wire_pair *back[] = {&w->wire.pairs[1][0], &w->wire.pairs[1][2]};
    for (int i = 0; i < EXCHANGE_WINDOW; i++) {
        assert_int_equal(send_pattern(w, 0, 1, 0, 1, 0), 0);
        assert_int_equal(send_pattern(w, 2, 1, 0, 1, 0), 0);
    }
    for (int i = 1; i < EXCHANGE_WINDOW * 3 / 4; i++) {
        assert_int_equal(outcome(w, 1, ROTA_ANY_SOURCE), 0);
        assert_int_equal(outcome(w, 1, ROTA_ANY_SOURCE), 0);
        /* when both have sent so many, that of one is not put off any longer */
        assert_int_equal(back[0]->posted, i >= EXCHANGE_WINDOW / 2);
        assert_int_equal(back[1]->posted, 0);
    }
    assert_int_equal(outcome(w, 1, ROTA_ANY_SOURCE), 0);
    assert_int_equal(outcome(w, 1, ROTA_ANY_SOURCE), 0);
    assert_int_equal(back[1]->posted, 1);
    for (int i = EXCHANGE_WINDOW * 3 / 4; i < EXCHANGE_WINDOW; i++) {
        assert_int_equal(outcome(w, 1, ROTA_ANY_SOURCE), 0);
        assert_int_equal(outcome(w, 1, ROTA_ANY_SOURCE), 0);
    }
    assert_int_equal(back[0]->posted, 1);
    assert_int_equal(outcome(w, 1, ROTA_ANY_SOURCE), ROTA_E_TIMEOUT);
    assert_int_equal(back[0]->posted, 2);
    assert_int_equal(back[1]->posted, 1);
}

static void to_return_credit_costs_none(void **state)
{
    struct world *w = *state;
    let_others_run(w);
    assert_int_equal(send_pattern(w, 0, 1, 0, 20000000, 0), 0);
    assert_true(w->wire.pairs[1][0].posted > EXCHANGE_WINDOW);
    take_in(w, 0);
    w->wire.idle_count = 0;
    for (int i = 0; i < EXCHANGE_WINDOW; i++)
        assert_int_equal(send_pattern(w, 1, 0, 0, 10, 0), 0);
    assert_int_equal(w->wire.idle_count, 0);
}

/* A message between two ranks that says which of theirs it is. */
struct numbered {
    unsigned number;
    unsigned char rest[4 * FRAME_BYTES];
};

static unsigned numbers_received[RANKS][RANKS];

static void receive_numbered(struct world *w, int rank, int source)
{
    struct rota_message m;
    int rc = receive_now(w, rank, source, ROTA_ANY_TAG, &m);
    if (rc == ROTA_E_TIMEOUT || (rc == ROTA_E_LOST && source == rank))
        return;
    assert_int_equal(rc, 0);
    unsigned number;
    memcpy(&number, m.data, sizeof(number));
    assert_int_equal(number, numbers_received[m.source][rank]);
    numbers_received[m.source][rank]++;
    free(m.data);
}

static void random_traffic_keeps_the_window_and_the_order(void **state)
{
    struct world *w = *state;
    static struct numbered n;
    unsigned numbers_sent[RANKS][RANKS] = {0};
    memset(numbers_received, 0, sizeof(numbers_received));
    let_others_run(w);
    srand(3);
    for (int step = 0; step < 30000; step++) {
        int rank = rand() % RANKS;
        int other = rand() % RANKS;
        if (rand() % 2 != 0) {
            receive_numbered(w, rank, other == rank ? ROTA_ANY_SOURCE : other);
            continue;
        }
        size_t most = rand() % 10 == 0 ? sizeof(n.rest) : 200;
        size_t size = sizeof(n.number) + (size_t)rand() % most;
        n.number = numbers_sent[rank][other]++;
        assert_int_equal(exchange_send(w->x[rank], other, rand() % 3, &n, size), 0);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        for (int i = 0; i < 30000; i++)
            receive_numbered(w, rank, ROTA_ANY_SOURCE);
        for (int source = 0; source < RANKS; source++) {
            assert_int_equal(numbers_received[source][rank],
                             numbers_sent[source][rank]);
            assert_true(w->wire.pairs[source][rank].most_queued <= EXCHANGE_WINDOW);
            assert_int_equal(sent(w, source, rank), w->wire.pairs[source][rank].posted);
        }
    }
}

/* ---- threads ----------------------------------------------------------------- */

enum {
    SHOUTS = 2000,
    LARGE = 300 * FRAME_BYTES,
};

struct shouter {
    struct world *w;
    int rank;
    int failures;
};

/* First send all, then receive all: that both can do so at once is the point. */
static void *shout(void *arg)
{
    struct shouter *s = arg;
    int other = 1 - s->rank;
    for (int i = 0; i < SHOUTS; i++)
        s->failures +=
            send_pattern(s->w, s->rank, other, i, i % 500 ? 64 : LARGE, 1) != 0;
    for (int i = 0; i < SHOUTS; i++) {
        struct rota_message m = {0};
        int rc = exchange_receive(s->w->x[s->rank], other, ROTA_ANY_TAG, INT64_MAX, &m);
        s->failures += rc != 0 || m.tag != i || m.size_bytes != (i % 500 ? 64 : LARGE);
        free(m.data);
    }
    return NULL;
}

static void two_that_send_to_each_other_at_once_do_not_block(void **state)
{
    struct world *w = *state;
    struct shouter s[2] = {{w, 0, 0}, {w, 1, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, shout, &s[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(s[0].failures, 0);
    assert_int_equal(s[1].failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(messages_of_all_sizes_come_whole_and_in_order),
        IN_WORLD(messages_of_all_tags_come_whole),
        IN_WORLD(a_short_message_travels_as_its_own_bytes_alone),
        IN_WORLD(a_message_is_received_by_source_and_tag),
        IN_WORLD(a_probe_tells_of_a_message_and_leaves_it),
        IN_WORLD(a_rank_can_send_to_itself),
        IN_WORLD(a_receive_ends_at_its_deadline),
        IN_WORLD(what_comes_for_others_does_not_put_off_the_deadline),
        IN_WORLD(a_sender_waits_for_room_at_the_receiver),
        IN_WORLD(a_sender_without_room_waits_for_it),
        IN_WORLD(credit_that_could_not_be_returned_comes_later),
        IN_WORLD(credit_is_returned_for_half_a_window_at_a_time),
        IN_WORLD(credit_waits_for_a_quiet_moment_but_not_for_long),
        IN_WORLD(to_return_credit_costs_none),
        IN_WORLD(random_traffic_keeps_the_window_and_the_order),
        IN_WORLD(two_that_send_to_each_other_at_once_do_not_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
