/* test_record.c - what a rank writes down of its MPI calls */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guard/preload/fast.h"
#include "guard/preload/record.h"

enum {
    WORLD = 1000, /* handles */
    HALF = 2000,
    RANKS = 4,
    FIRST_REQUEST = 5000,
};

static struct state *s;

static int setup(void **unused)
{
    static const int all[RANKS] = {0, 1, 2, 3};
    (void)unused;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -1;
    record_use(s);
    record_comm(WORLD, STATE_WORLD, all, RANKS, NULL, 0);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    record_use(NULL);
    free(s);
    return 0;
}

/* All 0 where there is none. */
static struct state_flow flow(int peer, int tag)
{
    for (int i = 0; i < STATE_FLOWS; i++)
        if (s->flows[i].comm == STATE_WORLD && s->flows[i].peer == peer &&
            s->flows[i].tag == tag)
            return s->flows[i];
    return (struct state_flow){0};
}

static struct state_op request(uint64_t handle)
{
    for (int i = 0; i < STATE_OPS; i++)
        if (s->ops[i].handle == handle && s->ops[i].flags != 0)
            return s->ops[i];
    return (struct state_op){0};
}

static uint32_t requests(void)
{
    uint32_t count = 0;
    for (int i = 0; i < STATE_OPS; i++)
        count += s->ops[i].handle != 0 && s->ops[i].flags != 0;
    return count;
}

static void a_send_is_counted_before_it_blocks(void **unused)
{
    (void)unused;
    record_send(CALL_Ssend, NULL, WORLD, 2, 7, LOOK_SSEND);
    assert_int_equal(s->now, LOOK_BLOCKED);
    assert_int_equal(s->own_count, 1);
    assert_int_equal(s->own[0].kind, LOOK_SSEND);
    assert_int_equal(s->own[0].peer, 2);
    assert_int_equal(s->own[0].index, 1);
    assert_int_equal(flow(2, 7).sent, 1);
    uint64_t epoch = s->epoch;
    record_done();
    assert_int_equal(s->now, LOOK_RUNNING);
    assert_true(s->epoch > epoch);
}

static void a_send_to_nobody_does_not_block(void **unused)
{
    (void)unused;
    record_send(CALL_Send, NULL, WORLD, RECORD_NOBODY, 7, LOOK_SEND);
    assert_int_equal(s->now, LOOK_RUNNING);
    assert_int_equal(s->flow_count, 0);
    record_done();
}

static void a_receive_from_any_counts_where_it_came_from(void **unused)
{
    (void)unused;
    record_recv(CALL_Recv, NULL, WORLD, RECORD_ANY, RECORD_ANY, LOOK_RECV);
    assert_int_equal(s->own[0].peer, LOOK_ANY);
    assert_int_equal(s->own[0].tag, LOOK_ANY);
    assert_int_equal(flow(3, 9).comm, 0);
    record_received(3, 9);
    assert_int_equal(flow(3, 9).received, 1);
    assert_int_equal(s->now, LOOK_RUNNING);
}

static void an_unknown_communicator_may_do_anything(void **unused)
{
    (void)unused;
    record_recv(CALL_Recv, NULL, 77, 1, 0, LOOK_RECV);
    assert_int_equal(s->now, LOOK_BLOCKED);
    assert_int_equal(s->own[0].kind, LOOK_FREE);
    record_received(1, 0);
    assert_int_equal(s->flow_count, 0);
}

static void peers_are_told_as_ranks_of_the_world(void **unused)
{
    static const int odd[] = {1, 3};
    (void)unused;
    record_comm(HALF, 42, odd, 2, NULL, 0);
    record_recv(CALL_Recv, NULL, HALF, 1, 0, LOOK_RECV);
    assert_int_equal(s->own[0].peer, 3);
    assert_int_equal(s->own[0].comm, 42);
    record_received(1, 0);
}

static void peers_across_an_intercommunicator_are_the_other_group(void **unused)
{
    static const int odd[] = {1, 3};
    static const int even[] = {0, 2};
    (void)unused;
    record_comm(HALF, 42, odd, 2, even, 2);
    record_send(CALL_Send, NULL, HALF, 1, 0, LOOK_SEND);
    assert_int_equal(s->own[0].peer, 2);
    record_done();
    record_collective(CALL_Bcast, NULL, HALF, -4, LOOK_BCAST, false);
    assert_int_equal(s->own[0].root, LOOK_NONE);
    record_done();
}

static void the_same_calls_give_the_same_identities(void **unused)
{
    (void)unused;
    record_collective(CALL_Comm_split, NULL, WORLD, LOOK_NONE, LOOK_CONSTRUCT, false);
    record_done();
    uint64_t even = record_child_id(WORLD, 0);
    uint64_t odd = record_child_id(WORLD, 1);
    assert_true(even != odd);
    assert_true(even == record_child_id(WORLD, 0));
    record_collective(CALL_Comm_split, NULL, WORLD, LOOK_NONE, LOOK_CONSTRUCT, false);
    record_done();
    assert_true(record_child_id(WORLD, 0) != even);
    assert_true(record_child_id(77, 0) == LOOK_UNKNOWN);
    uint64_t first = record_group_id(5);
    assert_true(record_group_id(5) != first);
}

static void collectives_are_numbered_on_each_communicator(void **unused)
{
    (void)unused;
    for (uint64_t i = 1; i <= STATE_PAST + 2; i++) {
        record_collective(CALL_Bcast, NULL, WORLD, 3, LOOK_BCAST, false);
        assert_int_equal(s->own[0].index, i);
        assert_int_equal(s->own[0].root, 3);
        assert_int_equal(s->comms[0].begun, i);
        record_done();
    }
    for (int i = 0; i < STATE_PAST; i++)
        assert_true(s->comms[0].past[i].index > 2);
}

static void a_request_is_awaited_until_it_has_completed(void **unused)
{
    (void)unused;
    record_post_recv(CALL_Irecv, NULL, WORLD, 1, 5, 0);
    record_posted(FIRST_REQUEST);
    assert_int_equal(s->now, LOOK_RUNNING);
    record_wait_begin(CALL_Wait, NULL, false);
    record_wait_for(FIRST_REQUEST);
    record_wait_blocks();
    assert_int_equal(s->now, LOOK_BLOCKED);
    assert_int_equal(request(FIRST_REQUEST).awaited, s->waits);
    assert_int_equal(s->flags & STATE_FREE, 0);
    record_completed(FIRST_REQUEST, RECORD_NOBODY, 0, false);
    record_done();
    assert_int_equal(request(FIRST_REQUEST).handle, 0);
    assert_int_equal(flow(1, 5).received, 1);
}

static void what_an_earlier_call_has_waited_for_is_not_awaited(void **unused)
{
    (void)unused;
    record_post_recv(CALL_Irecv, NULL, WORLD, 1, 5, 0);
    record_posted(FIRST_REQUEST);
    record_wait_begin(CALL_Waitany, NULL, true);
    record_wait_for(FIRST_REQUEST);
    record_wait_blocks();
    record_done(); /* another one has completed */
    record_collective(CALL_Barrier, NULL, WORLD, LOOK_NONE, LOOK_BARRIER, false);
    assert_true(request(FIRST_REQUEST).awaited != s->waits);
    assert_int_equal(s->flags & STATE_ANY, 0);
    record_done();
}

static void a_cancelled_receive_has_received_nothing(void **unused)
{
    (void)unused;
    record_post_recv(CALL_Irecv, NULL, WORLD, 1, 5, 0);
    record_posted(FIRST_REQUEST);
    record_cancel(FIRST_REQUEST);
    assert_true(record_needs_status(FIRST_REQUEST));
    record_completed(FIRST_REQUEST, 1, 5, true);
    assert_int_equal(request(FIRST_REQUEST).handle, 0);
    assert_int_equal(flow(1, 5).received, 0);
}

static void a_wait_for_a_stranger_is_for_something_unknown(void **unused)
{
    (void)unused;
    record_wait_begin(CALL_Waitany, NULL, true);
    record_wait_for(4711);
    record_wait_blocks();
    assert_int_equal(s->flags & (STATE_ANY | STATE_FREE), STATE_ANY | STATE_FREE);
    record_done();
}

static void a_persistent_request_is_counted_at_each_start(void **unused)
{
    (void)unused;
    record_post_send(CALL_Send_init, NULL, WORLD, 1, 5, LOOK_SEND, STATE_OP_PERSISTENT);
    record_posted(FIRST_REQUEST);
    assert_int_equal(flow(1, 5).sent, 0);
    for (uint64_t i = 1; i <= 3; i++) {
        record_start(FIRST_REQUEST);
        assert_int_equal(flow(1, 5).sent, i);
        assert_int_equal(request(FIRST_REQUEST).index, i);
        record_completed(FIRST_REQUEST, RECORD_NOBODY, 0, false);
        assert_int_equal(request(FIRST_REQUEST).flags & STATE_OP_ACTIVE, 0);
    }
    record_request_freed(FIRST_REQUEST);
    assert_int_equal(request(FIRST_REQUEST).handle, 0);
    assert_int_equal(s->flags & STATE_OPS_LOST, 0);
}

static void a_receive_freed_under_way_is_said_to_be_lost(void **unused)
{
    (void)unused;
    record_post_recv(CALL_Irecv, NULL, WORLD, 1, 5, 0);
    record_posted(FIRST_REQUEST);
    record_request_freed(FIRST_REQUEST);
    assert_true((s->flags & STATE_OPS_LOST) != 0);
}

/* Requests in any order, against a plain list. */
static void the_table_of_requests_forgets_none_and_keeps_none(void **unused)
{
    enum {
        MANY = 3000,
        STEPS = 60000
    };
    static bool there[MANY];
    (void)unused;
    srand(7);
    memset(there, 0, sizeof(there));
    for (int i = 0; i < STEPS; i++) {
        int n = rand() % MANY;
        uint64_t handle = FIRST_REQUEST + 64 * (uint64_t)n;
        if (there[n]) {
            record_completed(handle, RECORD_NOBODY, 0, false);
        } else {
            record_post_recv(CALL_Irecv, NULL, WORLD, n % RANKS, n, 0);
            record_posted(handle);
        }
        there[n] = !there[n];
    }
    uint32_t count = 0;
    for (int n = 0; n < MANY; n++) {
        const struct state_op op = request(FIRST_REQUEST + 64 * (uint64_t)n);
        assert_true((op.handle != 0) == there[n]);
        if (there[n])
            assert_int_equal(op.tag, n);
        count += there[n];
    }
    assert_int_equal(requests(), count);
}

static void more_requests_than_fit_are_said_to_be_lost(void **unused)
{
    (void)unused;
    for (uint64_t i = 0; i <= STATE_OPS; i++) {
        record_post_recv(CALL_Irecv, NULL, WORLD, 1, 5, 0);
        record_posted(FIRST_REQUEST + i);
    }
    assert_true((s->flags & STATE_OPS_LOST) != 0);
}

/* A function of the program's own, which MPI calls in the midst of MPI_Comm_dup. */
static void while_an_aside_lasts_the_rank_runs(void **unused)
{
    struct record_aside aside;
    (void)unused;
    assert_false(record_aside_begin(&aside)); /* in no call: nothing to do */
    record_aside_end(&aside);
    assert_true(record_enter());
    record_collective(CALL_Comm_dup, NULL, WORLD, LOOK_NONE, LOOK_CONSTRUCT, false);
    uint64_t epoch = s->epoch;
    assert_true(record_aside_begin(&aside));
    assert_int_equal(s->now, LOOK_RUNNING);
    record_aside_end(&aside);
    assert_int_equal(s->now, LOOK_BLOCKED);
    assert_int_equal(s->own_count, 1);
    assert_int_equal(s->flags & STATE_FREE, 0);
    assert_true(s->epoch != epoch);
    assert_false(record_enter());
    record_done();
    record_leave();
}

static void after_an_aside_that_called_mpi_nothing_is_known(void **unused)
{
    struct record_aside aside;
    (void)unused;
    assert_true(record_enter());
    record_collective(CALL_Comm_dup, NULL, WORLD, LOOK_NONE, LOOK_CONSTRUCT, false);
    assert_true(record_aside_begin(&aside));
    assert_true(record_enter());
    record_send(CALL_Ssend, NULL, WORLD, 1, 5, LOOK_SSEND);
    assert_int_equal(s->now, LOOK_BLOCKED);
    record_done();
    record_leave();
    assert_int_equal(s->now, LOOK_RUNNING);
    record_aside_end(&aside);
    assert_int_equal(s->now, LOOK_BLOCKED);
    assert_int_equal(s->call, CALL_Comm_dup);
    assert_true((s->flags & STATE_FREE) != 0);
    assert_false(record_enter());
    record_done();
    record_leave();
}

/* The places of those that are over are given to others, the persistent ones' not. */
static void any_number_of_requests_may_come_and_go(void **unused)
{
    (void)unused;
    record_post_send(CALL_Send_init, NULL, WORLD, 1, 3, LOOK_SEND, STATE_OP_PERSISTENT);
    record_posted(FIRST_REQUEST - 1);
    for (uint64_t i = 0; i < UINT64_C(3) * STATE_OPS; i++) {
        record_post_recv(CALL_Irecv, NULL, WORLD, 1, 5, 0);
        record_posted(FIRST_REQUEST + i);
        if (i > 0)
            record_completed(FIRST_REQUEST + i - 1, 1, 5, false);
    }
    assert_int_equal(s->flags & STATE_OPS_LOST, 0);
    assert_int_equal(requests(), 2);
    assert_int_equal(request(FIRST_REQUEST - 1).call, CALL_Send_init);
    assert_int_equal(request(FIRST_REQUEST + UINT64_C(3) * STATE_OPS - 1).tag, 5);
}

static uint64_t sum_of(int peer, bool sent)
{
    uint64_t sum = 0;
    for (int i = 0; i < STATE_FLOWS; i++)
        if (s->flows[i].comm != 0 && s->flows[i].peer == peer &&
            s->flows[i].tag == LOOK_OTHER)
            sum += sent ? s->flows[i].sent : s->flows[i].received;
    return sum;
}

static void more_tags_than_fit_are_counted_together(void **unused)
{
    enum {
        MESSAGES = 3 * STATE_FLOWS
    };
    (void)unused;
    for (int i = 0; i < MESSAGES; i++) {
        record_send(CALL_Send, NULL, WORLD, 1, i, LOOK_SEND);
        record_done();
        record_recv(CALL_Recv, NULL, WORLD, 2, i, LOOK_RECV);
        record_received(2, i);
        if (i == 0) /* under way meanwhile */
            fast_posted(FIRST_REQUEST, s->flows + 1, 0, CALL_Irecv, NULL, LOOK_RECV);
    }
    assert_true((s->flags & STATE_COARSE) != 0);
    assert_int_equal(s->flags & STATE_COUNTS_LOST, 0);
    assert_int_equal(sum_of(1, true), MESSAGES);
    struct state_op *op = fast_request(FIRST_REQUEST);
    if (op != NULL)
        fast_completed(s, &op, 1);
    assert_int_equal(sum_of(2, false), MESSAGES + 1);
    assert_null(fast_flow(WORLD, 2, 0));
}

static void a_freed_communicator_stays_as_long_as_there_is_room(void **unused)
{
    static const int all[RANKS] = {0, 1, 2, 3};
    (void)unused;
    for (uint64_t i = 1; i < STATE_COMMS; i++) {
        record_comm(HALF + i, 100 + i, all, RANKS, NULL, 0);
        assert_true(record_comm_id(HALF + i) == 100 + i);
        record_comm_freed(HALF + i);
        assert_true(record_comm_id(HALF + i) == LOOK_UNKNOWN);
    }
    assert_int_equal(s->flags & STATE_CALLS_LOST, 0);
    record_comm(HALF, 9999, all, RANKS, NULL, 0);
    assert_true((s->flags & STATE_CALLS_LOST) != 0);
    assert_true(record_comm_id(HALF) == 9999);
    assert_true(record_comm_id(WORLD) == STATE_WORLD);
}

static void polling_in_vain_is_no_progress(void **unused)
{
    (void)unused;
    record_poll_probe(CALL_Iprobe, NULL, WORLD, 1, 0);
    assert_int_equal(s->now, LOOK_POLLING);
    uint64_t progress = s->epoch - s->fruitless;
    assert_int_equal(s->own[0].peer, 1);
    record_poll_probe(CALL_Iprobe, NULL, WORLD, 2, 0);
    assert_int_equal(s->own[0].peer, LOOK_ANY);
    assert_int_equal(s->polls, 2);
    assert_int_equal(s->epoch - s->fruitless, progress);
    record_progress(CALL_Iprobe, NULL);
    assert_true(s->epoch - s->fruitless > progress);
    assert_int_equal(s->now, LOOK_RUNNING);
}

static void a_message_like_one_before_goes_the_short_way(void **unused)
{
    (void)unused;
    assert_null(fast_flow(WORLD, 2, 7));
    record_send(CALL_Send, NULL, WORLD, 2, 7, LOOK_SEND);
    record_done();
    struct state_flow *f = fast_flow(WORLD, 2, 7);
    if (f == NULL) {
        fail();
        return;
    }
    assert_int_equal(f->sent, 1);
    assert_int_equal(f->peer, 2);
    assert_null(fast_flow(WORLD, 2, 8));
    assert_null(fast_flow(WORLD, 1, 7));
    assert_null(fast_flow(HALF, 2, 7));
    uint64_t epoch = s->epoch;
    fast_block_on(s, CALL_Send, NULL, f);
    assert_int_equal(s->now, LOOK_BLOCKED);
    assert_int_equal(s->call, CALL_Send);
    assert_int_equal(s->own_count, STATE_OWN_FLOW);
    assert_int_equal(s->epoch, epoch + 1);
    assert_null(fast_flow(WORLD, 2, 7)); /* what MPI calls itself is its own */
    fast_run(s);
    fast_leave(s);
    assert_int_equal(s->now, LOOK_RUNNING);
    assert_int_equal(s->epoch, epoch + 2);
}

static void wildcards_and_nobody_have_no_short_way(void **unused)
{
    (void)unused;
    record_recv(CALL_Recv, NULL, WORLD, RECORD_ANY, 3, LOOK_RECV);
    record_received(1, 3);
    record_recv(CALL_Recv, NULL, WORLD, 1, RECORD_ANY, LOOK_RECV);
    record_received(1, 3);
    record_send(CALL_Send, NULL, WORLD, RECORD_NOBODY, 3, LOOK_SEND);
    record_done();
    assert_null(fast_flow(WORLD, RECORD_ANY, 3));
    assert_null(fast_flow(WORLD, 1, RECORD_ANY));
    assert_null(fast_flow(WORLD, RECORD_NOBODY, 3));
    assert_null(fast_flow(STATE_NO_HANDLE, RECORD_NOBODY, 3));
}

static void the_short_way_ends_with_what_it_led_to(void **unused)
{
    static const int odd[] = {1, 3};
    (void)unused;
    record_comm(HALF, 42, odd, 2, NULL, 0);
    record_send(CALL_Send, NULL, HALF, 1, 0, LOOK_SEND);
    record_done();
    assert_non_null(fast_flow(HALF, 1, 0));
    record_comm_freed(HALF);
    assert_null(fast_flow(HALF, 1, 0));
    record_comm(HALF, 43, odd, 2, NULL, 0);
    assert_null(fast_flow(HALF, 1, 0));
    record_send(CALL_Send, NULL, HALF, 1, 0, LOOK_SEND);
    record_done();
    assert_non_null(fast_flow(HALF, 1, 0));
    record_multiple();
    record_thread_begins();
    assert_null(fast_flow(HALF, 1, 0));
    record_thread_ends();
}

static void a_request_of_the_short_way_ends_by_either(void **unused)
{
    (void)unused;
    record_recv(CALL_Recv, NULL, WORLD, 1, 5, LOOK_RECV);
    record_received(1, 5);
    struct state_flow *f = fast_flow(WORLD, 1, 5);
    if (f == NULL) {
        fail();
        return;
    }
    fast_posted(FIRST_REQUEST, f, 0, CALL_Irecv, NULL, LOOK_RECV);
    struct state_op *op = fast_request(FIRST_REQUEST);
    if (op == NULL) {
        fail();
        return;
    }
    assert_true((op->flags & STATE_OP_FLOW) != 0);
    struct state_op *twice[] = {op, NULL, op};
    fast_block_all(s, CALL_Waitall, NULL, twice, 3);
    assert_int_equal(op->awaited, s->waits);
    fast_run(s);
    fast_completed(s, twice, 3);
    record_leave();
    assert_int_equal(f->received, 2);
    assert_null(fast_request(FIRST_REQUEST));
    fast_posted(FIRST_REQUEST, f, 0, CALL_Irecv, NULL, LOOK_RECV);
    assert_false(record_needs_status(FIRST_REQUEST));
    record_cancel(FIRST_REQUEST);
    assert_null(fast_request(FIRST_REQUEST));
    assert_true(record_needs_status(FIRST_REQUEST));
    record_completed(FIRST_REQUEST, RECORD_NOBODY, 0, true);
    assert_int_equal(f->received, 2);
    assert_int_equal(requests(), 0);
}

static void a_second_thread_is_told_and_then_not_any_more(void **unused)
{
    (void)unused;
    record_thread_begins();
    assert_int_equal(s->flags & STATE_THREADS, 0);
    record_multiple();
    assert_true((s->flags & STATE_THREADS) != 0);
    record_second = true; /* as another thread would see it */
    record_recv(CALL_Recv, NULL, WORLD, 1, 0, LOOK_RECV);
    assert_int_equal(s->now, 0);
    record_received(1, 0);
    assert_int_equal(flow(1, 0).received, 1);
    record_second = false;
    record_thread_ends();
    assert_int_equal(s->flags & STATE_THREADS, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_send_is_counted_before_it_blocks),
        T(a_send_to_nobody_does_not_block),
        T(a_receive_from_any_counts_where_it_came_from),
        T(an_unknown_communicator_may_do_anything),
        T(peers_are_told_as_ranks_of_the_world),
        T(peers_across_an_intercommunicator_are_the_other_group),
        T(the_same_calls_give_the_same_identities),
        T(collectives_are_numbered_on_each_communicator),
        T(a_request_is_awaited_until_it_has_completed),
        T(what_an_earlier_call_has_waited_for_is_not_awaited),
        T(a_cancelled_receive_has_received_nothing),
        T(a_wait_for_a_stranger_is_for_something_unknown),
        T(a_persistent_request_is_counted_at_each_start),
        T(a_receive_freed_under_way_is_said_to_be_lost),
        T(the_table_of_requests_forgets_none_and_keeps_none),
        T(more_requests_than_fit_are_said_to_be_lost),
        T(any_number_of_requests_may_come_and_go),
        T(while_an_aside_lasts_the_rank_runs),
        T(after_an_aside_that_called_mpi_nothing_is_known),
        T(more_tags_than_fit_are_counted_together),
        T(a_freed_communicator_stays_as_long_as_there_is_room),
        T(polling_in_vain_is_no_progress),
        T(a_message_like_one_before_goes_the_short_way),
        T(wildcards_and_nobody_have_no_short_way),
        T(the_short_way_ends_with_what_it_led_to),
        T(a_request_of_the_short_way_ends_by_either),
        T(a_second_thread_is_told_and_then_not_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
