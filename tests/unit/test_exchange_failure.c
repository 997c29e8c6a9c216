/* test_exchange_failure.c - message/exchange: who dies, strangers, refused memory */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "liveness/board.h"
#include "message/exchange.h"
#include "message/frame.h"
#include "world.h"

/* A frame that rank 1 sends to rank 0, or so it seems: of zeros, but for what BEGIN
 * says. */
struct forged {
    enum frame_kind kind;
    int number;
    size_t size;
    uint64_t message; /* BEGIN's size */
    uint32_t tag;     /* and tag */
};

static struct forged whole(size_t size)
{
    return (struct forged){.kind = FRAME_WHOLE, .size = size};
}

static struct forged begin(uint64_t message)
{
    return (struct forged){
        .kind = FRAME_BEGIN, .size = FRAME_BEGIN_BYTES, .message = message};
}

static struct forged more(size_t size)
{
    return (struct forged){.kind = FRAME_MORE, .size = size};
}

static struct forged credit(int frames)
{
    return (struct forged){.kind = FRAME_CREDIT, .number = frames};
}

static void inject(struct world *w, struct forged f)
{
    unsigned char bytes[FRAME_BYTES] = {0};
    if (f.kind == FRAME_BEGIN)
        frame_write_begin(bytes, f.message, f.tag);
    wire_inject(&w->wire, 1, 0, frame_envelope(f.kind, f.number), bytes, f.size);
}

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

/* ---- who hears nothing any more ------------------------------------------------- */

/* What the parents do: answer rank 0's question for what has left rank 2. */
static void answer(struct world *w, enum rota_how how)
{
    board_post(w->boards[0], 2, (struct rota_fate){.how = how},
               board_left(w->boards[2], 0));
}

/* Rank 0 listens for `ns`, and whenever it asks it is answered. Returns how often. */
static uint32_t listen_and_ask(struct world *w, enum rota_how how, int64_t ns)
{
    uint32_t began = board_asked(w->boards[0]);
    for (int64_t passed = 0; passed < ns; passed += NS_PER_SEC / 2) {
        uint32_t asked = board_asked(w->boards[0]);
        look_for(w, 0, NS_PER_SEC / 2);
        if (board_asked(w->boards[0]) != asked)
            answer(w, how);
    }
    return board_asked(w->boards[0]) - began;
}

static struct world *world_that_may_go_deaf(void **state)
{
    struct world *w = *state;
    exchange_may_go_deaf(w->x[0]);
    exchange_be_brief(w->x[0]);
    return w;
}

static void who_hears_nothing_of_what_has_left_the_others_is_deaf(void **state)
{
    struct world *w = world_that_may_go_deaf(state);
    send_pattern(w, 2, 0, 1, 10, 7);
    take_in(w, 0);
    tell(w, 0, 1, 0);
    w->wire.pairs[2][0].held = true;
    send_pattern(w, 2, 0, 1, 10, 7);
    listen_and_ask(w, ROTA_ALIVE, 12 * NS_PER_SEC);
    assert_int_equal(outcome(w, 0, 2), 0); /* what had come before is still there */
    assert_int_equal(outcome(w, 0, 2), ROTA_E_DEAF);
    assert_int_equal(outcome(w, 0, ROTA_ANY_SOURCE), ROTA_E_DEAF);
}

static void silence_alone_makes_nobody_deaf(void **state)
{
    struct world *w = world_that_may_go_deaf(state);
    w->wire.pairs[2][0].held = true;
    send_pattern(w, 2, 0, 1, 10, 7);
    /* nobody has gone */
    assert_int_equal(listen_and_ask(w, ROTA_ALIVE, 300 * NS_PER_SEC), 0);
    assert_int_equal(outcome(w, 0, 2), ROTA_E_TIMEOUT);
    /* who is stopped does not go on trying */
    tell(w, 0, 1, 0);
    assert_true(listen_and_ask(w, ROTA_STOPPED, 300 * NS_PER_SEC) > 3);
    assert_int_equal(outcome(w, 0, 2), ROTA_E_TIMEOUT);
    /* all that has left the other has come */
    wire_release(&w->wire, 2, 0, 1);
    assert_true(listen_and_ask(w, ROTA_ALIVE, 1000 * NS_PER_SEC) < 30);
    assert_int_equal(outcome(w, 0, 2), 0);
    assert_int_equal(outcome(w, 0, 2), ROTA_E_TIMEOUT);
}

/* The bytes leave only once they are counted as having left, which takes a second. */
static void leave_once_counted(void *arg, int rank)
{
    struct world *w = arg;
    if (board_left(w->boards[rank], 0) == 1)
        return;
    assert_true(added_ns > NS_PER_SEC);
    w->wire.pairs[rank][0].lingering = 0;
}

static void a_send_that_does_not_get_away_counts_after_a_second(void **state)
{
    struct world *w = *state;
    send_pattern(w, 2, 0, 1, 10, 7);
    assert_int_equal(board_left(w->boards[2], 0), 1);
    w->wire.pairs[2][0].lingering = 1000000;
    tick_ns = NS_PER_SEC / 8;
    w->wire.idle = leave_once_counted;
    w->wire.idle_arg = w;
    assert_int_equal(send_pattern(w, 2, 0, 1, 10, 7), 0);
    assert_int_equal(board_left(w->boards[2], 0), 2);
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
    inject(w, begin(1000));
    inject(w, more(100));
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

/* A window full to rank 0, which takes it all, and is to return credit. */
static void fill_window_to_0(struct world *w)
{
    struct rota_message m;
    for (unsigned i = 0; i < EXCHANGE_WINDOW; i++)
        assert_int_equal(send_pattern(w, 1, 0, 0, 10, i), 0);
    for (unsigned i = 0; i < EXCHANGE_WINDOW; i++) {
        assert_int_equal(receive_now(w, 0, 1, 0, &m), 0);
        check_pattern(&m, 10, i);
    }
}

/* Who waits for credit that MPI does not carry would wait for ever, */
static void credit_that_mpi_refuses_to_a_living_rank_is_a_failure(void **state)
{
    struct world *w = *state;
    w->wire.pairs[0][1].refused = true;
    fill_window_to_0(w);
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    added_ns += 6 * NS_PER_SEC;
    assert_int_equal(take_in(w, 0), ROTA_E_MPI);
    assert_int_equal(take_in(w, 0), ROTA_E_MPI);
}

/* unless it has gone. */
static void credit_that_mpi_refuses_goes_with_its_receiver(void **state)
{
    struct world *w = *state;
    w->wire.pairs[0][1].refused = true;
    fill_window_to_0(w);
    w->wire.pairs[0][1].refused = false; /* nothing more is sent to a suspect */
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    assert_int_equal(w->wire.pairs[0][1].posted, 0);
    tell(w, 0, 1, EXCHANGE_WINDOW);
    added_ns += 6 * NS_PER_SEC;
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_LOST);
}

/* ---- bytes that are wrong ---------------------------------------------------- */

/* Rank 1 sends a sound message, then these frames: then nothing it sends is taken
 * any more, and nobody else is disturbed. */
static void check_refused(const struct forged *frames, int n)
{
    struct world w;
    world_open(&w);
    send_pattern(&w, 1, 0, 1, 10, 1);
    send_pattern(&w, 0, 1, 1, 10, 1); /* one frame for which credit may come */
    for (int i = 0; i < n; i++)
        inject(&w, frames[i]);
    send_pattern(&w, 2, 0, 1, 10, 2);
    uint32_t news = exchange_news(w.x[0]);
    assert_int_equal(outcome(&w, 0, 1), 0); /* what was sound is handed over */
    assert_int_equal(outcome(&w, 0, 1), ROTA_E_FORMAT);
    assert_int_equal(outcome(&w, 0, 1), ROTA_E_FORMAT);
    assert_int_equal(send_pattern(&w, 0, 1, 1, 10, 0), ROTA_E_FORMAT);
    assert_int_equal(exchange_post(w.x[0], 1, 1, malloc(9), 9), ROTA_E_LOST);
    assert_true(exchange_has_refused(w.x[0], 1));
    assert_int_not_equal(exchange_news(w.x[0]), news);
    assert_int_equal(outcome(&w, 0, 2), 0);
    assert_int_equal(outcome(&w, 0, ROTA_ANY_SOURCE), ROTA_E_TIMEOUT);
    assert_int_equal(send_pattern(&w, 0, 2, 1, 10, 0), 0);
    world_close(&w);
}

static void wrong_frames_end_the_dealings_with_their_sender_alone(void **state)
{
    (void)state;
    const struct {
        int n;
        struct forged frames[3];
    } cases[] = {
        /* credit with something in it; for no frame, or for more than are under way */
        {1, {{.kind = FRAME_CREDIT, .number = 1, .size = 1}}},
        {1, {credit(0)}},
        {1, {credit(2)}},
        {1, {credit(EXCHANGE_WINDOW + 1)}},
        {1, {credit(INT32_MAX >> FRAME_KIND_BITS)}},
        {2, {credit(1), credit(1)}},
        /* a beginning too short, too long, with a number, with what cannot be */
        {1, {{.kind = FRAME_BEGIN, .size = 0}}},
        {1, {{.kind = FRAME_BEGIN, .size = FRAME_BEGIN_BYTES - 1}}},
        {1, {{.kind = FRAME_BEGIN, .size = FRAME_BEGIN_BYTES + 1}}},
        {1, {{FRAME_BEGIN, 1, FRAME_BEGIN_BYTES, 50, 0}}},
        {1, {{FRAME_BEGIN, 0, FRAME_BEGIN_BYTES, 50, UINT32_C(1) << 31}}},
        {1, {begin(UINT64_MAX)}},
        /* a part of what? and of nothing, with a number, larger than was said */
        {1, {more(5)}},
        {2, {begin(50), more(0)}},
        {2, {begin(50), {.kind = FRAME_MORE, .number = 1, .size = 5}}},
        {2, {begin(50), more(51)}},
        {3, {begin(60), more(50), more(11)}},
        /* another in the midst */
        {2, {begin(10000), begin(10000)}},
        {2, {begin(10000), begin(0)}},
        {2, {begin(10000), whole(0)}},
        {3, {begin(10000), more(50), whole(5)}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_refused(cases[i].frames, cases[i].n);
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
    inject(w, more(8)); /* of what? */
    assert_int_equal(send_pattern(w, 1, 0, 1, 1000000, 0), ROTA_E_FORMAT);
    assert_int_equal(outcome(w, 1, 0), ROTA_E_FORMAT);
    assert_int_equal(outcome(w, 0, 1), ROTA_E_FORMAT);
    int frames = w->wire.pairs[0][1].posted;
    for (int rank = 0; rank < RANKS; rank++)
        look_for(w, rank, NS_PER_SEC);
    assert_int_equal(w->wire.pairs[0][1].posted, frames); /* one answer is enough */
    assert_int_equal(send_pattern(w, 2, 0, 1, 1000000, 0), 0);
}

/* Frames as they fall: rank 0 takes them or doesn't, and serves the others. */
static void random_frames_disturb_nobody_but_their_sender(void **state)
{
    (void)state;
    srand(11);
    int refused = 0;
    for (int round = 0; round < 300; round++) {
        struct world w;
        world_open(&w);
        for (int i = 0; i < 20; i++) {
            inject(&w, (struct forged){.kind = (enum frame_kind)(rand() % 4),
                                       .number = rand() % 3,
                                       .size = (size_t)rand() % 14,
                                       .message = (uint64_t)rand() % 30});
        }
        int rc;
        do
            rc = outcome(&w, 0, 1);
        while (rc == 0);
        assert_true(rc == ROTA_E_FORMAT || rc == ROTA_E_TIMEOUT);
        refused += rc == ROTA_E_FORMAT;
        send_pattern(&w, 2, 0, 1, 10, 2);
        assert_int_equal(outcome(&w, 0, 2), 0);
        world_close(&w);
    }
    assert_in_range(refused, 100, 300);
}

/* What has come is a flood that makes no message: a look at it is not for ever. */
static void a_long_message_that_still_comes_does_not_put_off_the_deadline(void **state)
{
    struct world *w = *state;
    inject(w, begin(100000));
    for (int i = 1; i < 3000; i++)
        inject(w, more(1));
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
    inject(w, begin(FRAME_BYTES + 1));
    inject(w, more(FRAME_BYTES));
    inject(w, more(1));
    inject(w, (struct forged){.kind = FRAME_WHOLE, .number = 2, .size = 5});
    fail_at = 1; /* the room for the first one's bytes */
    assert_int_equal(take_in(w, 0), ROTA_E_TIMEOUT);
    assert_int_equal(fail_at, 0);
    assert_int_equal(exchange_probe(w->x[0], 1, 0, 0, &m), 0);
    assert_int_equal(m.size_bytes, FRAME_BYTES + 1);
    assert_int_equal(receive_now(w, 0, 1, 0, &m), ROTA_E_NOMEM);
    assert_int_equal(receive_now(w, 0, 1, 0, &m), ROTA_E_TIMEOUT);
    assert_int_equal(receive_now(w, 0, 1, 2, &m), 0);
    free(m.data);
}

static void a_short_message_waits_until_there_is_memory_for_it(void **state)
{
    struct world *w = *state;
    static const int tags[] = {1, INT32_MAX}; /* of which the other is begun */
    static const size_t sizes[] = {500, FRAME_BYTES, 0};
    for (unsigned n = 0; n < 6; n++) {
        struct rota_message m;
        send_pattern(w, 1, 0, tags[n % 2], sizes[n / 2], n);
        for (int i = 0; i < 3; i++) {
            fail_at = 1;
            assert_int_equal(receive_now(w, 0, 1, tags[n % 2], &m), ROTA_E_NOMEM);
        }
        fail_at = 0;
        assert_int_equal(receive_now(w, 0, 1, tags[n % 2], &m), 0);
        check_pattern(&m, sizes[n / 2], n);
    }
}

enum {
    CROSSED = 3,
};

static const size_t crossed_sizes[CROSSED] = {20, 80 * FRAME_BYTES, 30};

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
    inject(w, begin(100000));
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
        IN_WORLD(who_hears_nothing_of_what_has_left_the_others_is_deaf),
        IN_WORLD(silence_alone_makes_nobody_deaf),
        IN_WORLD(a_send_that_does_not_get_away_counts_after_a_second),
        IN_WORLD(who_has_gone_is_not_listened_to_any_more),
        IN_WORLD(a_message_half_sent_by_one_that_died_is_dropped),
        IN_WORLD(a_send_to_one_that_has_gone_fails),
        IN_WORLD(a_send_that_waits_for_one_that_dies_ends),
        IN_WORLD(a_send_whose_bytes_do_not_leave_ends_with_its_receiver),
        IN_WORLD(a_post_that_mpi_refuses_is_the_end_of_a_rank_or_of_mpi),
        IN_WORLD(credit_that_mpi_refuses_to_a_living_rank_is_a_failure),
        IN_WORLD(credit_that_mpi_refuses_goes_with_its_receiver),
        IN_WORLD(wrong_frames_end_the_dealings_with_their_sender_alone),
        IN_WORLD(who_is_not_listened_to_any_more_learns_of_it),
        IN_WORLD(random_frames_disturb_nobody_but_their_sender),
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
