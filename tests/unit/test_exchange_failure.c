/* test_exchange_failure.c - message/exchange: who dies, strangers, refused memory */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "liveness/board.h"
#include "message/exchange.h"
#include "message/frame.h"
#include "world.h"

/* ---- who has gone ------------------------------------------------------------ */

static void a_rank_is_lost_only_when_all_that_was_due_has_been_taken(void **state)
{
    struct world *w = *state;
    w->wire.pairs[1][0].held = true;
    for (int i = 0; i < 3; i++)
        send_pattern(w, 1, 0, i, 10, 0);
    tell(w, 0, 1, sent(w, 1, 0));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcome(w, 0, 1), ROTA_E_TIMEOUT);
        assert_int_equal(wire_release(&w->wire, 1, 0, 1), 1);
        look_for(w, 0, 40 * NS_PER_MS);
        assert_int_equal(outcome(w, 0, 1), 0);
    }
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
    assert_int_equal(outcome(w, 0, 2), ROTA_E_TIMEOUT);
}

static void messages_that_came_before_the_news_are_still_handed_over(void **state)
{
    struct world *w = *state;
    send_pattern(w, 1, 0, 1, 10, 0);
    send_pattern(w, 1, 0, 2, 10, 0);
    take_in(w, 0);
    tell(w, 0, 1, 2);
    take_in(w, 0);
    assert_int_equal(outcome(w, 0, 1), 0);
    assert_int_equal(outcome(w, 0, 1), 0);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
}

static void frames_that_come_late_but_within_the_grace_count(void **state)
{
    struct world *w = *state;
    w->wire.pairs[1][0].held = true;
    send_pattern(w, 1, 0, 1, 10, 0);
    send_pattern(w, 1, 0, 1, 10, 0);
    tell(w, 0, 1, BOARD_DUE_UNKNOWN);
    look_for(w, 0, 400 * NS_PER_MS);
    wire_release(&w->wire, 1, 0, 1);
    assert_int_equal(outcome(w, 0, 1), 0);
    look_for(w, 0, 400 * NS_PER_MS); /* each that comes begins the grace anew */
    wire_release(&w->wire, 1, 0, 1);
    assert_int_equal(outcome(w, 0, 1), 0);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_TIMEOUT);
    look_for(w, 0, 700 * NS_PER_MS);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
}

static void frames_that_never_come_are_not_waited_for_after_the_grace(void **state)
{
    struct world *w = *state;
    w->wire.pairs[1][0].drop = 1;
    send_pattern(w, 1, 0, 1, 10, 0);
    tell(w, 0, 1, 1);
    look_for(w, 0, 300 * NS_PER_MS);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_TIMEOUT);
    look_for(w, 0, 400 * NS_PER_MS);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
}

/* A rank that computes does not look. What has come meanwhile lies there. */
static void time_in_which_nobody_looked_is_no_grace(void **state)
{
    struct world *w = *state;
    w->wire.pairs[1][0].held = w->wire.pairs[2][0].held = true;
    send_pattern(w, 2, 0, 1, 10, 0);
    send_pattern(w, 1, 0, 1, 10, 7);
    tell(w, 0, 1, 1);
    take_in(w, 0);
    added_ns += 30 * NS_PER_SEC;
    wire_release(&w->wire, 2, 0, 1);
    wire_release(&w->wire, 1, 0, 1);
    struct rota_message m;
    assert_int_equal(receive_now(w, 0, 1, 1, &m), 0);
    check_pattern(&m, 10, 7);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
}

static void who_looks_seldom_gives_up_too(void **state)
{
    struct world *w = *state;
    tell(w, 0, 1, 1);
    for (int i = 0; i < 20; i++) {
        take_in(w, 0);
        added_ns += 30 * NS_PER_SEC;
    }
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
}

/* And MPI may have to be asked more than once for what lies there. */
static void after_a_time_without_looking_the_grace_goes_on(void **state)
{
    struct world *w = *state;
    w->wire.pairs[1][0].held = true;
    send_pattern(w, 1, 0, 1, 10, 7);
    tell(w, 0, 1, 1);
    take_in(w, 0);
    added_ns += 30 * NS_PER_SEC;
    take_in(w, 0);
    wire_release(&w->wire, 1, 0, 1);
    assert_int_equal(outcome(w, 0, 1), 0);
}

static void from_any_source_all_must_have_gone(void **state)
{
    struct world *w = *state;
    tell(w, 0, 1, 0);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
    assert_int_equal(outcome(w, 0, ROTA_ANY_SOURCE), ROTA_E_TIMEOUT);
    send_pattern(w, 2, 0, 1, 10, 0);
    tell(w, 0, 2, 1);
    assert_int_equal(outcome(w, 0, ROTA_ANY_SOURCE), 0);
    assert_int_equal(outcome(w, 0, ROTA_ANY_SOURCE), ROTA_E_LOST);
    struct rota_message m;
    assert_int_equal(exchange_receive(w->x[0], ROTA_ANY_SOURCE, 0, INT64_MAX, &m),
                     ROTA_E_LOST);
}

static void who_is_stopped_has_not_gone(void **state)
{
    struct world *w = *state;
    board_post(w->boards[0], 1, (struct rota_fate){ROTA_STOPPED, 19}, 0);
    look_for(w, 0, NS_PER_SEC);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_TIMEOUT);
    assert_int_equal(send_pattern(w, 0, 1, 0, 10, 0), 0);
}

static void what_was_said_of_oneself_is_no_news(void **state)
{
    struct world *w = *state;
    tell(w, 0, 0, 0);
    look_for(w, 0, NS_PER_SEC);
    assert_int_equal(send_pattern(w, 0, 0, 0, 10, 0), 0);
    assert_int_equal(outcome(w, 0, 0), 0);
    tell(w, 0, 1, 0);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
    assert_int_equal(outcome(w, 0, ROTA_ANY_SOURCE), ROTA_E_TIMEOUT); /* 2 lives */
}

static void news_that_were_there_before_the_exchange_are_seen(void **state)
{
    struct world *w = *state;
    tell(w, 0, 1, 0);
    exchange_free(w->x[0]);
    w->x[0] = exchange_new(0, w->boards[0], wire_end(&w->wire, 0));
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
}

static void who_has_gone_is_not_listened_to_any_more(void **state)
{
    struct world *w = *state;
    tell(w, 0, 1, 0);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
    send_pattern(w, 1, 0, 1, 10, 0);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
    assert_true(w->wire.pairs[0][1].forgotten);
}

static void a_message_half_sent_by_one_that_died_is_dropped(void **state)
{
    struct world *w = *state;
    unsigned char begin[FRAME_HEADER_BYTES + FRAME_SIZE_BYTES];
    unsigned char more[FRAME_HEADER_BYTES + 100] = {0};
    frame_write(begin, &(struct frame){.kind = FRAME_BEGIN, .tag = 1});
    frame_write_size(begin + FRAME_HEADER_BYTES, 1000);
    frame_write(more, &(struct frame){.kind = FRAME_MORE, .sequence = 1});
    wire_inject(&w->wire, 1, 0, begin, sizeof(begin));
    wire_inject(&w->wire, 1, 0, more, sizeof(more));
    tell(w, 0, 1, 2);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
    assert_int_equal(outcome(w, 0, ROTA_ANY_SOURCE), ROTA_E_TIMEOUT);
}

/* ---- sending to who has gone ------------------------------------------------- */

static void a_send_to_one_that_has_gone_fails(void **state)
{
    struct world *w = *state;
    tell(w, 0, 1, 5);
    assert_int_equal(send_pattern(w, 0, 1, 0, 10, 0), ROTA_E_LOST);
    assert_int_equal(send_pattern(w, 0, 1, 0, 100000, 0), ROTA_E_LOST);
    assert_int_equal(w->wire.pairs[0][1].posted, 0);
    assert_int_equal(send_pattern(w, 0, 2, 0, 10, 0), 0);
}

static void tell_of_rank_1(void *arg, int rank)
{
    struct world *w = arg;
    (void)rank;
    if (w->wire.idle_count == 20)
        tell(w, 0, 1, 0);
}

static void a_send_that_waits_for_one_that_dies_ends(void **state)
{
    struct world *w = *state;
    w->wire.idle = tell_of_rank_1;
    w->wire.idle_arg = w;
    assert_int_equal(send_pattern(w, 0, 1, 0, 1000000, 0), ROTA_E_LOST);
    assert_int_equal(w->wire.pairs[0][1].posted, EXCHANGE_WINDOW);
}

static void a_send_whose_bytes_do_not_leave_ends_with_its_receiver(void **state)
{
    struct world *w = *state;
    w->wire.pairs[0][1].lingering = 10;
    assert_int_equal(send_pattern(w, 0, 1, 0, 10, 0), 0); /* they left in the end */
    assert_int_equal(w->wire.pairs[0][1].lingering, 0);
    w->wire.pairs[0][1].lingering = 1000000;
    w->wire.idle = tell_of_rank_1;
    w->wire.idle_arg = w;
    assert_int_equal(send_pattern(w, 0, 1, 0, 10, 0), ROTA_E_LOST);
}

static void a_post_that_mpi_refuses_is_the_end_of_a_rank_or_of_mpi(void **state)
{
    struct world *w = *state;
    tick_ns = NS_PER_MS;
    w->wire.pairs[0][1].refused = true;
    assert_int_equal(send_pattern(w, 0, 1, 0, 10, 0), ROTA_E_MPI);
    assert_int_equal(sent(w, 0, 1), 0);
    w->wire.pairs[0][1].refused = false;
    assert_int_equal(send_pattern(w, 0, 1, 0, 10, 3), 0);
    struct rota_message m;
    assert_int_equal(receive_now(w, 1, 0, 0, &m), 0);
    check_pattern(&m, 10, 3);

    w->wire.pairs[0][2].refused = true;
    tell(w, 0, 2, 0);
    assert_int_equal(send_pattern(w, 0, 2, 0, 10, 0), ROTA_E_LOST);
}

/* ---- bytes that are wrong ---------------------------------------------------- */

struct wrong {
    struct frame f;
    size_t data;
    uint64_t message; /* what BEGIN says */
};

static void inject(struct world *w, const struct wrong *wrong)
{
    unsigned char bytes[FRAME_BYTES] = {0};
    frame_write(bytes, &wrong->f);
    if (wrong->f.kind == FRAME_BEGIN)
        frame_write_size(bytes + FRAME_HEADER_BYTES, wrong->message);
    wire_inject(&w->wire, 1, 0, bytes, FRAME_HEADER_BYTES + wrong->data);
}

/* Rank 1 sends a sound message, then these frames: then nothing it sends is taken
 * any more, and nobody else is disturbed. */
static void check_refused(const struct wrong *frames, size_t n)
{
    struct world w;
    world_open(&w);
    send_pattern(&w, 1, 0, 1, 10, 1);
    send_pattern(&w, 0, 1, 1, 10, 1); /* one frame for which credit may come */
    for (size_t i = 0; i < n; i++)
        inject(&w, &frames[i]);
    send_pattern(&w, 2, 0, 1, 10, 2);
    assert_int_equal(outcome(&w, 0, 1), 0); /* what was sound is handed over */
    assert_int_equal(outcome(&w, 0, 1), ROTA_E_FORMAT);
    assert_int_equal(outcome(&w, 0, 1), ROTA_E_FORMAT);
    assert_int_equal(send_pattern(&w, 0, 1, 1, 10, 0), ROTA_E_FORMAT);
    assert_int_equal(outcome(&w, 0, 2), 0);
    assert_int_equal(outcome(&w, 0, ROTA_ANY_SOURCE), ROTA_E_TIMEOUT);
    assert_int_equal(send_pattern(&w, 0, 2, 1, 10, 0), 0);
    world_close(&w);
}

static void wrong_frames_end_the_dealings_with_their_sender_alone(void **state)
{
    (void)state;
    static const struct wrong cases[][3] = {
        {{.f = {FRAME_CREDIT, 0, 1, 0}, .data = 1}},    /* malformed */
        {{.f = {FRAME_WHOLE, 0, 2, 0}, .data = 5}},     /* one has been left out */
        {{.f = {FRAME_WHOLE, 0, 0, 0}, .data = 5}},     /* comes a second time */
        {{.f = {FRAME_WHOLE, 2, 1, 0}, .data = 5}},     /* credit never taken up */
        {{.f = {FRAME_CREDIT, 0xffff, 1, 0}}},          /* and much of it */
        {{.f = {FRAME_MORE, 0, 1, 0}, .data = 5}},      /* of what? */
        {{.f = {FRAME_BEGIN, 0, 1, 0}, 8, UINT64_MAX}}, /* has no memory anywhere */
        {{.f = {FRAME_BEGIN, 0, 1, 0}, 8, 10000},       /* begun twice */
         {.f = {FRAME_BEGIN, 0, 2, 0}, .data = 8, .message = 10000}},
        {{.f = {FRAME_BEGIN, 0, 1, 0}, 8, 10000}, /* another in the midst */
         {.f = {FRAME_MORE, 0, 2, 0}, .data = 50},
         {.f = {FRAME_WHOLE, 0, 3, 0}, .data = 5}},
        {{.f = {FRAME_BEGIN, 0, 1, 0}, 8, 60}, /* more than was said */
         {.f = {FRAME_MORE, 0, 2, 0}, .data = 50},
         {.f = {FRAME_MORE, 0, 3, 0}, .data = 11}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = 0;
        while (n < 3 && cases[i][n].f.kind != 0)
            n++;
        check_refused(cases[i], n);
    }
}

static void others_take_in_but_not_for_ever(void *arg, int rank)
{
    struct world *w = arg;
    if (w->wire.idle_count > 2000)
        fail_msg("rank %d waits for ever", rank);
    others_take_in(arg, rank);
}

static void who_is_not_listened_to_any_more_learns_of_it(void **state)
{
    struct world *w = *state;
    w->wire.idle = others_take_in_but_not_for_ever;
    w->wire.idle_arg = w;
    wire_inject(&w->wire, 1, 0, "nonsense", 8);
    assert_int_equal(send_pattern(w, 1, 0, 1, 1000000, 0), ROTA_E_FORMAT);
    assert_int_equal(outcome(w, 1, 0), ROTA_E_FORMAT);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_FORMAT);
    int frames = w->wire.pairs[0][1].posted;
    for (int rank = 0; rank < RANKS; rank++)
        look_for(w, rank, NS_PER_SEC);
    assert_int_equal(w->wire.pairs[0][1].posted, frames); /* one answer is enough */
    assert_int_equal(send_pattern(w, 2, 0, 1, 1000000, 0), 0);
}

static void bytes_that_are_no_frame_end_the_dealings_with_their_sender(void **state)
{
    struct world *w = *state;
    wire_inject(&w->wire, 1, 0, "nonsense", 8);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_FORMAT);
    wire_inject(&w->wire, 2, 0, "", 0);
    assert_int_equal(outcome(w, 0, 2), ROTA_E_FORMAT);
    assert_int_equal(outcome(w, 0, ROTA_ANY_SOURCE), ROTA_E_LOST);
}

/* What has come is a flood that makes no message: a look at it is not for ever. */
static void a_long_message_that_still_comes_does_not_put_off_the_deadline(void **state)
{
    struct world *w = *state;
    inject(w, &(struct wrong){{FRAME_BEGIN, 0, 0, 0}, 8, 100000});
    for (uint32_t i = 1; i < 3000; i++)
        inject(w, &(struct wrong){{FRAME_MORE, 0, i, 0}, 1, 0});
    assert_int_equal(outcome(w, 0, 1), ROTA_E_TIMEOUT);
    assert_in_range(w->wire.pairs[1][0].data_queued, 1, 2999);
}

/* ---- memory that is refused -------------------------------------------------- */

static void a_send_to_oneself_without_memory_sends_nothing(void **state)
{
    struct world *w = *state;
    for (long n = 1; n <= 2; n++) {
        fail_at = n;
        assert_int_equal(send_pattern(w, 0, 0, 0, 10, 0), ROTA_E_NOMEM);
        fail_at = 0;
        assert_int_equal(outcome(w, 0, 0), ROTA_E_LOST);
    }
    assert_int_equal(send_pattern(w, 0, 0, 0, 10, 0), 0);
    assert_int_equal(outcome(w, 0, 0), 0);
}

static void a_message_that_there_is_no_memory_for_is_told_of_and_passed_by(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    inject(w, &(struct wrong){{FRAME_BEGIN, 0, 0, 1}, 8, 100});
    inject(w, &(struct wrong){{FRAME_MORE, 0, 1, 0}, 100, 0});
    inject(w, &(struct wrong){{FRAME_WHOLE, 0, 2, 2}, 5, 0});
    fail_at = 1; /* the room for the first one's 100 bytes */
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    assert_int_equal(fail_at, 0);
    assert_int_equal(exchange_probe(w->x[0], 1, 1, 0, &m), 0);
    assert_int_equal(m.size_bytes, 100);
    assert_int_equal(receive_now(w, 0, 1, 1, &m), ROTA_E_NOMEM);
    assert_int_equal(receive_now(w, 0, 1, 1, &m), ROTA_E_TIMEOUT);
    assert_int_equal(receive_now(w, 0, 1, 2, &m), 0);
    free(m.data);
}

static void a_short_message_waits_until_there_is_memory_for_it(void **state)
{
    struct world *w = *state;
    struct rota_message m;
    send_pattern(w, 1, 0, 1, 500, 0);
    for (int i = 0; i < 3; i++) {
        fail_at = 1;
        assert_int_equal(receive_now(w, 0, 1, 1, &m), ROTA_E_NOMEM);
    }
    fail_at = 0;
    assert_int_equal(receive_now(w, 0, 1, 1, &m), 0);
    assert_int_equal(m.size_bytes, 500);
    free(m.data);
}

enum {
    CROSSED = 3,
};

static const size_t crossed_sizes[CROSSED] = {20, 80 * FRAME_DATA_BYTES, 30};

/* Receive what `from` has sent to `to`, each once and in order. Returns how many were
 * given up for want of memory, and told so. */
static int receive_crossed(struct world *w, int from, int to)
{
    int told = 0;
    int next = 0;
    for (int rc = 0; rc != ROTA_E_TIMEOUT;) {
        struct rota_message m;
        rc = receive_now(w, to, from, ROTA_ANY_TAG, &m);
        if (rc == ROTA_E_NOMEM) {
            told++;
        } else if (rc == 0) {
            assert_true(m.tag >= next && m.tag < CROSSED);
            next = m.tag + 1;
            check_pattern(&m, crossed_sizes[m.tag], (unsigned)m.tag);
            told += 100; /* one received */
        } else {
            assert_int_equal(rc, ROTA_E_TIMEOUT);
        }
    }
    return told;
}

static void rank_1_sends_too(void *arg, int rank)
{
    struct world *w = arg;
    if (w->wire.idle_count > 2000)
        fail_msg("rank %d waits for ever", rank);
    if (rank == 0 && sent(w, 1, 0) == 0) {
        for (int i = 0; i < 10; i++)
            while (send_pattern(w, 1, 0, NO_TAG - 1, 10, 0) == ROTA_E_NOMEM)
                continue;
    }
    others_take_in(arg, rank);
}

/* Each allocation of the traffic fails in its turn; what fails is tried again. */
static void any_one_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        struct world w;
        world_open(&w);
        w.wire.idle = rank_1_sends_too;
        w.wire.idle_arg = &w;
        fail_at = n;
        for (int i = 0; i < CROSSED; i++) {
            int rc;
            do
                rc = send_pattern(&w, 0, 1, i, crossed_sizes[i], (unsigned)i);
            while (rc == ROTA_E_NOMEM);
            assert_int_equal(rc, 0);
        }
        int got = receive_crossed(&w, 0, 1);
        assert_true(got / 100 == CROSSED || (got / 100 == CROSSED - 1 && got % 100));
        assert_true(got % 100 <= 1);
        int other = 0;
        for (struct rota_message m; other < 100; other++) {
            int rc = receive_now(&w, 0, 1, NO_TAG - 1, &m);
            if (rc == ROTA_E_TIMEOUT)
                break;
            assert_true(rc == 0 || (rc == ROTA_E_NOMEM && got % 100 == 0));
            if (rc == 0)
                free(m.data);
        }
        assert_in_range(other, 10, 11);
        bool failed = fail_at == 0;
        fail_at = 0;
        world_close(&w);
        if (!failed) {
            assert_true(n > 10);
            return;
        }
    }
}

static void an_exchange_that_cannot_be_made_leaves_the_transport_alone(void **state)
{
    struct world *w = *state;
    struct transport *t = wire_end(&w->wire, 0);
    for (long n = 1; n <= 2; n++) {
        fail_at = n;
        assert_null(exchange_new(0, w->boards[0], t));
        assert_int_equal(fail_at, 0);
    }
    t->ops->free(t);
    exchange_free(NULL);
}

/* ---- the end ----------------------------------------------------------------- */

static void an_exchange_is_closed_with_whatever_is_in_it(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 20; i++)
        send_pattern(w, 1, 0, i, 500, 0);
    send_pattern(w, 0, 0, 0, 500, 0);
    inject(w, &(struct wrong){{FRAME_BEGIN, 0, 20, 0}, 8, 100000});
    take_in(w, 0);
    send_pattern(w, 2, 0, 0, 500, 0);
    send_pattern(w, 0, 2, 0, 500, 0);
}

static void a_flush_waits_for_what_has_not_left_but_not_for_the_gone(void **state)
{
    struct world *w = *state;
    w->wire.pairs[0][1].lingering = 30;
    w->wire.pairs[0][2].lingering = 1000000;
    tell(w, 0, 2, 1);
    exchange_flush(w->x[0]);
    assert_int_equal(w->wire.pairs[0][1].lingering, 0);
    assert_true(w->wire.pairs[0][2].lingering > 900000);
}

static void a_flush_goes_on_where_memory_is_short(void **state)
{
    struct world *w = *state;
    w->wire.pairs[0][1].lingering = 30;
    send_pattern(w, 2, 0, 7, 500, 0);
    fail_at = 1;
    exchange_flush(w->x[0]);
    assert_int_equal(fail_at, 0);
    assert_int_equal(w->wire.pairs[0][1].lingering, 0);
    assert_int_equal(outcome(w, 0, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_rank_is_lost_only_when_all_that_was_due_has_been_taken),
        IN_WORLD(messages_that_came_before_the_news_are_still_handed_over),
        IN_WORLD(frames_that_come_late_but_within_the_grace_count),
        IN_WORLD(frames_that_never_come_are_not_waited_for_after_the_grace),
        IN_WORLD(time_in_which_nobody_looked_is_no_grace),
        IN_WORLD(after_a_time_without_looking_the_grace_goes_on),
        IN_WORLD(who_looks_seldom_gives_up_too),
        IN_WORLD(from_any_source_all_must_have_gone),
        IN_WORLD(who_is_stopped_has_not_gone),
        IN_WORLD(what_was_said_of_oneself_is_no_news),
        IN_WORLD(news_that_were_there_before_the_exchange_are_seen),
        IN_WORLD(who_has_gone_is_not_listened_to_any_more),
        IN_WORLD(a_message_half_sent_by_one_that_died_is_dropped),
        IN_WORLD(a_send_to_one_that_has_gone_fails),
        IN_WORLD(a_send_that_waits_for_one_that_dies_ends),
        IN_WORLD(a_send_whose_bytes_do_not_leave_ends_with_its_receiver),
        IN_WORLD(a_post_that_mpi_refuses_is_the_end_of_a_rank_or_of_mpi),
        IN_WORLD(wrong_frames_end_the_dealings_with_their_sender_alone),
        IN_WORLD(who_is_not_listened_to_any_more_learns_of_it),
        IN_WORLD(bytes_that_are_no_frame_end_the_dealings_with_their_sender),
        IN_WORLD(a_long_message_that_still_comes_does_not_put_off_the_deadline),
        IN_WORLD(a_send_to_oneself_without_memory_sends_nothing),
        IN_WORLD(a_message_that_there_is_no_memory_for_is_told_of_and_passed_by),
        IN_WORLD(a_short_message_waits_until_there_is_memory_for_it),
        IN_WORLD(any_one_allocation_may_fail),
        IN_WORLD(an_exchange_that_cannot_be_made_leaves_the_transport_alone),
        IN_WORLD(an_exchange_is_closed_with_whatever_is_in_it),
        IN_WORLD(a_flush_waits_for_what_has_not_left_but_not_for_the_gone),
        IN_WORLD(a_flush_goes_on_where_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
