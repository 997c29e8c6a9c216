/* The verdict on looks that are made by hand: each rule of who needs whom. Under all
 * that MPI may do it is played by tests/simulate/guard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "guard/verdict.h"
#include "looks.h"
#include "rota.h"

/* The verdict is `what`, and these are stuck: up to -1. */
static void check(const struct look *l, enum verdict_what what, const int *stuck)
{
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, what);
    size_t n = 0;
    while (stuck[n] >= 0) {
        assert_true(n < v->stuck_count);
        assert_int_equal(v->stuck[n], stuck[n]);
        n++;
    }
    assert_int_equal(v->stuck_count, n);
    verdict_free(v);
}

#define check_stuck(l, ...) check(l, VERDICT_STUCK, (const int[]){__VA_ARGS__, -1})
#define check_going_on(l)   check(l, VERDICT_GOING_ON, (const int[]){-1})

static void make_quiet(struct look *l)
{
    for (int i = 0; i < l->size; i++)
        l->ranks[i].since_ns = l->ranks[i].progress_ns = 0;
}

/* All wait in MPI_Finalize, and have done so for long. */
static void check_ending(const struct look *l)
{
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_QUIET);
    assert_int_equal(v->doubts, VERDICT_ENDING);
    assert_int_equal(v->wait_count, v->stuck_count);
    for (size_t i = 0; i < v->wait_count; i++) {
        assert_int_equal(v->waits[i].op, -1);
        assert_int_equal(v->waits[i].on_count, v->stuck_count);
    }
    verdict_free(v);
}

/* No proof; but after a while it is likely, for this reason. */
static void check_quiet(struct look *l, unsigned doubts)
{
    check_going_on(l);
    make_quiet(l);
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_QUIET);
    assert_int_equal(v->doubts, doubts);
    verdict_free(v);
}

/* --- messages --------------------------------------------------------------------- */

static struct look *head_to_head(void)
{
    struct look *l = looks_new(3);
    for (int i = 0; i < 2; i++) {
        looks_block(l, i, "MPI_Ssend", NULL);
        looks_ssend(l, i, 1 - i, 0);
    }
    return l;
}

static void synchronous_sends_head_to_head_are_stuck(void **state)
{
    (void)state;
    struct look *l = head_to_head();
    check_stuck(l, 0, 1);
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->cycle_count, 2);
    assert_int_equal(v->wait_count, 2);
    assert_int_equal(v->waits[1].on[0], 0);
    verdict_free(v);
    look_free(l);
}

static void standard_sends_may_be_buffered(void **state)
{
    (void)state;
    struct look *l = head_to_head();
    for (int i = 0; i < 2; i++)
        l->ranks[i].ops[0].kind = LOOK_SEND;
    check_quiet(l, VERDICT_BUFFERED);
    look_free(l);
}

static void a_state_that_did_not_last_is_no_proof(void **state)
{
    (void)state;
    struct look *l = head_to_head();
    l->ranks[1].steady = false;
    check_going_on(l);
    look_free(l);
}

static void another_thread_may_help(void **state)
{
    (void)state;
    struct look *l = head_to_head();
    l->ranks[1].threads = true;
    check_quiet(l, VERDICT_THREADS);
    look_free(l);
}

static void a_posted_receive_takes_a_synchronous_send(void **state)
{
    (void)state;
    struct look *l = head_to_head();
    looks_recv(l, 1, 0, LOOK_ANY)->awaited = false;
    check_going_on(l);
    l->ranks[1].ops[1].tag = 5;
    check_stuck(l, 0, 1);
    l->ranks[1].ops_lost = true;
    check_going_on(l);
    look_free(l);
}

static void a_message_under_way_reaches_its_receive(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Recv", NULL);
    looks_recv(l, 0, 1, 3);
    looks_exit(l, 1, 0);
    looks_sent(l, 1, 0, 3, 5);
    looks_received(l, 0, 1, 3, 4);
    check_going_on(l);
    looks_received(l, 0, 1, 3, 1);
    check_stuck(l, 0);
    l->ranks[0].flows[0].tag = LOOK_OTHER; /* only the sums are known */
    l->ranks[1].flows[0].tag = LOOK_OTHER;
    check_stuck(l, 0);
    looks_sent(l, 1, 0, 8, 1);
    check_going_on(l);
    l->ranks[1].flow_count = 0;
    check_stuck(l, 0);
    l->ranks[1].counts_lost = true;
    check_going_on(l);
    look_free(l);
}

static void what_the_dead_had_sent_may_come_for_a_while(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Recv", NULL);
    looks_recv(l, 0, 1, 3);
    looks_exit(l, 1, 9);
    looks_sent(l, 1, 0, 3, 1);
    check_going_on(l); /* it came through MPI_Finalize, and so did its message */
    l->ranks[1].finalized = false;
    check_quiet(l, VERDICT_MIDST);
    look_free(l);
}

static void all_who_might_send_are_asked(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    looks_block(l, 0, "MPI_Recv", NULL);
    looks_recv(l, 0, LOOK_ANY, LOOK_ANY);
    looks_exit(l, 1, 0);
    check_going_on(l);
    looks_exit(l, 2, 0);
    check_stuck(l, 0);
    look_free(l);
}

static void who_finalizes_sends_no_more(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Probe", NULL);
    looks_recv(l, 0, 1, 0)->kind = LOOK_PROBE;
    l->ranks[1].state = LOOK_FINALIZING;
    l->ranks[1].steady = false;
    check_stuck(l, 0);
    look_free(l);
}

static void of_any_request_all_must_be_hopeless(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    looks_block(l, 0, "MPI_Waitany", NULL)->any = true;
    looks_recv(l, 0, 1, 0);
    looks_recv(l, 0, 2, 0);
    looks_exit(l, 1, 0);
    check_going_on(l);
    l->ranks[0].any = false;
    check_stuck(l, 0);
    l->ranks[0].any = true;
    looks_exit(l, 2, 0);
    check_stuck(l, 0);
    l->ranks[0].ops_lost = true;
    check_going_on(l);
    look_free(l);
}

static void the_second_of_two_receives_needs_a_second_message(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Waitall", NULL);
    looks_recv(l, 0, 1, 0);
    looks_recv(l, 0, 1, 0);
    looks_sent(l, 1, 0, 0, 1);
    looks_exit(l, 1, 0);
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_STUCK);
    assert_int_equal(v->wait_count, 1);
    assert_int_equal(v->waits[0].op, 1);
    verdict_free(v);
    look_free(l);
}

static void on_an_intercommunicator_the_other_group_is_needed(void **state)
{
    (void)state;
    struct look *l = looks_new(4);
    const int members[] = {0, 1, 2, 3};
    assert_int_equal(look_add_comm(l, 7, NULL, members, 4, 2), 0);
    looks_block(l, 0, "MPI_Recv", NULL);
    looks_recv(l, 0, LOOK_ANY, 0)->comm = 7;
    looks_exit(l, 2, 0);
    looks_exit(l, 3, 0);
    check_stuck(l, 0);
    l->comms[1].open = true;
    check_going_on(l);
    look_free(l);
}

static void a_send_to_itself_is_stuck(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Ssend", NULL);
    looks_ssend(l, 0, 0, 0);
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_STUCK);
    assert_int_equal(v->cycle_count, 1);
    verdict_free(v);
    look_free(l);
}

static void what_only_the_rank_itself_could_do_is_not_done(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Wait", NULL);
    looks_recv(l, 0, 1, 0)->kind = LOOK_OWN;
    check_stuck(l, 0);
    look_free(l);
}

static void a_poller_is_never_certain(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Iprobe", NULL)->state = LOOK_POLLING;
    looks_recv(l, 0, 1, 0)->kind = LOOK_PROBE;
    looks_block(l, 1, "MPI_Recv", NULL);
    looks_recv(l, 1, 0, 0);
    check_quiet(l, VERDICT_POLLING);
    l->ranks[1].state = LOOK_RUNNING;
    check_going_on(l);
    look_free(l);
}

static void a_lock_is_never_certain(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    for (int i = 0; i < 2; i++) {
        looks_block(l, i, "MPI_Win_lock", NULL);
        looks_recv(l, i, 1 - i, 0)->kind = LOOK_LOCK;
    }
    check_quiet(l, VERDICT_LOCK);
    look_free(l);
}

/* --- collectives ----------------------------------------------------------------- */

static void a_barrier_needs_all(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    for (int i = 0; i < 2; i++) {
        looks_block(l, i, "MPI_Barrier", NULL);
        looks_collective(l, i, LOOK_BARRIER, LOOK_NONE);
    }
    check_going_on(l);
    looks_exit(l, 2, 1);
    check_stuck(l, 0, 1);
    l->ranks[0].ops[0].loose = true;
    check_stuck(l, 1);
    l->ranks[2].calls_lost = true;
    check_going_on(l);
    look_free(l);
}

static void who_has_passed_a_barrier_is_not_missed(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Barrier", NULL);
    looks_collective(l, 0, LOOK_BARRIER, LOOK_NONE);
    looks_collective(l, 1, LOOK_BARRIER, LOOK_NONE);
    looks_exit(l, 1, 0);
    l->ranks[1].op_count = 0;
    check_going_on(l);
    look_free(l);
}

static void a_broadcast_needs_its_root(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    for (int i = 0; i < 2; i++) {
        looks_block(l, i, "MPI_Bcast", NULL);
        looks_collective(l, i, LOOK_BCAST, 2);
    }
    looks_exit(l, 2, 0);
    check_stuck(l, 0, 1);
    look_free(l);
}

static void the_root_of_a_broadcast_needs_nobody_for_certain(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Bcast", NULL);
    looks_collective(l, 0, LOOK_BCAST, 0);
    looks_exit(l, 1, 0);
    check_quiet(l, VERDICT_LOOSE);
    look_free(l);
}

static void start_and_end_are_likely_to_need_all(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    for (int i = 0; i < 2; i++) {
        looks_block(l, i, "MPI_Init", NULL)->initialized = false;
        looks_collective(l, i, LOOK_INIT, LOOK_NONE)->comm = LOOK_UNKNOWN;
    }
    looks_exit(l, 2, 1);
    l->ranks[2].initialized = l->ranks[2].finalized = false;
    check_quiet(l, VERDICT_LOOSE);
    for (int i = 0; i < 2; i++) {
        l->ranks[i].state = LOOK_FINALIZING;
        l->ranks[i].initialized = true;
        l->ranks[i].op_count = 0;
    }
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_QUIET);
    assert_int_equal(v->stuck_count, 2);
    assert_int_equal(v->waits[0].op, -1);
    assert_int_equal(v->waits[0].on[0], 2);
    verdict_free(v);
    look_free(l);
}

static void requests_left_behind_may_keep_a_rank_at_its_end(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    for (int i = 0; i < 2; i++)
        looks_block(l, i, "MPI_Finalize", NULL)->state = LOOK_FINALIZING;
    looks_recv(l, 0, 1, 3)->awaited = false;
    check_quiet(l, VERDICT_MIDST);
    looks_sent(l, 1, 0, 3, 1);
    check_ending(l);
    look_free(l);
}

static void when_all_are_at_their_end_mpi_has_the_word(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    for (int i = 0; i < 3; i++)
        looks_block(l, i, "MPI_Finalize", NULL)->state = LOOK_FINALIZING;
    check_quiet(l, VERDICT_ENDING);
    check_ending(l);
    l->ranks[1].since_ns = l->now_ns; /* has only just come to it */
    check_going_on(l);
    l->ranks[1].since_ns = 0;
    l->ranks[1].steady = false;
    check_going_on(l);
    looks_exit(l, 1, 0);
    looks_exit(l, 2, 0);
    l->ranks[1].finalized = l->ranks[2].finalized = true;
    check_ending(l);
    look_free(l);
}

static void who_died_in_a_barrier_may_have_helped_the_others(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    for (int i = 0; i < 2; i++) {
        looks_block(l, i, "MPI_Barrier", NULL);
        looks_collective(l, i, LOOK_BARRIER, LOOK_NONE);
    }
    l->ranks[1].state = LOOK_GONE;
    check_quiet(l, VERDICT_MIDST);
    look_free(l);
}

/* --- mismatches ------------------------------------------------------------------ */

static struct look *two_in(enum look_collective a, int root_a, enum look_collective b,
                           int root_b)
{
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_A", NULL);
    looks_collective(l, 0, a, root_a);
    looks_block(l, 1, "MPI_B", NULL);
    looks_collective(l, 1, b, root_b);
    return l;
}

static void different_collectives_disagree(void **state)
{
    (void)state;
    struct look *l = two_in(LOOK_BARRIER, LOOK_NONE, LOOK_ALLREDUCE, LOOK_NONE);
    check(l, VERDICT_MISMATCH, (const int[]){0, 1, -1});
    /* They have only just come: it may pass. */
    l->ranks[0].since_ns = l->ranks[1].since_ns = l->now_ns;
    check_going_on(l);
    look_free(l);
}

static void different_roots_disagree(void **state)
{
    (void)state;
    struct look *l = two_in(LOOK_BCAST, 0, LOOK_BCAST, 1);
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_MISMATCH);
    assert_true(v->mismatch.root);
    verdict_free(v);
    l->ranks[1].ops[0].root = 0;
    check_going_on(l);
    l->ranks[1].ops[0].nonblocking = true;
    v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_MISMATCH);
    assert_false(v->mismatch.root);
    verdict_free(v);
    look_free(l);
}

/* What it is writing may be half of it, and half of what stood there. */
static void the_operations_of_who_runs_are_not_compared(void **state)
{
    (void)state;
    struct look *l = two_in(LOOK_ALLREDUCE, LOOK_NONE, LOOK_BCAST, 1);
    l->ranks[1].state = LOOK_RUNNING;
    check_going_on(l);
    look_free(l);
}

static void what_a_rank_has_passed_is_compared(void **state)
{
    (void)state;
    struct look *l = two_in(LOOK_ALLREDUCE, LOOK_NONE, LOOK_BCAST, 1);
    struct look_past *p = look_add_past(&l->ranks[1]);
    assert_non_null(p);
    *p = (struct look_past){.comm = WORLD,
                            .index = 1,
                            .collective = LOOK_BCAST,
                            .root = 1,
                            .call = "MPI_Bcast"};
    l->ranks[1].state = LOOK_RUNNING;
    l->ranks[1].op_count = 0;
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_MISMATCH);
    assert_int_equal(v->mismatch.rank, 0);
    assert_int_equal(v->mismatch.other_past, 0);
    verdict_free(v);
    look_free(l);
}

static void on_a_communicator_that_is_not_known_nothing_disagrees(void **state)
{
    (void)state;
    struct look *l = two_in(LOOK_BARRIER, LOOK_NONE, LOOK_ALLREDUCE, LOOK_NONE);
    l->ranks[0].ops[0].comm = l->ranks[1].ops[0].comm = LOOK_UNKNOWN;
    check_going_on(l);
    look_free(l);
}

/* --- the whole ------------------------------------------------------------------- */

static void the_shortest_circle_is_shown(void **state)
{
    (void)state;
    /* 0 -> 1 -> 2 -> 3 -> 0, and 2 -> 1 by a second operation. */
    struct look *l = looks_new(4);
    for (int i = 0; i < 4; i++) {
        looks_block(l, i, "MPI_Waitall", NULL);
        looks_recv(l, i, (i + 1) % 4, 0);
    }
    looks_recv(l, 2, 1, 0);
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_STUCK);
    assert_int_equal(v->cycle_count, 2);
    verdict_free(v);
    look_free(l);
}

static void who_waits_for_any_does_not_wait_for_itself(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    for (int i = 0; i < 3; i++) {
        looks_block(l, i, "MPI_Recv", NULL);
        looks_recv(l, i, LOOK_ANY, 0);
    }
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, VERDICT_STUCK);
    assert_int_equal(v->cycle_count, 2);
    verdict_free(v);
    look_free(l);
}

static void nonsense_accuses_nobody(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Recv", NULL);
    struct look_op *o = looks_recv(l, 0, 99, 0);
    check_going_on(l);
    o->peer = 1;
    o->kind = LOOK_COLLECTIVE;
    o->comm = 12345;
    check_going_on(l);
    looks_sent(l, 1, 99, 0, 1);
    check_going_on(l);
    look_free(l);
}

static void many_ranks_are_no_problem(void **state)
{
    (void)state;
    enum {
        MANY = 1000,
    };
    struct look *l = looks_new(MANY);
    for (int i = 0; i < MANY - 1; i++) {
        looks_block(l, i, "MPI_Recv", NULL); /* a chain: the last one frees all */
        looks_recv(l, i, i + 1, 0);
    }
    check_going_on(l);
    looks_exit(l, MANY - 1, 0);
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->stuck_count, MANY - 1);
    verdict_free(v);
    look_free(l);
}

/* --- memory is short ------------------------------------------------------------- */

static int fail_at; /* this allocation fails; 0: none */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static bool refused(void)
{
    return fail_at > 0 && --fail_at == 0;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
    return refused() ? NULL : __real_reallocarray(p, n, size);
}

static void memory_that_is_short_is_an_error(void **state)
{
    (void)state;
    struct look *looks[] = {head_to_head(),
                            two_in(LOOK_BARRIER, LOOK_NONE, LOOK_ALLREDUCE, LOOK_NONE)};
    struct verdict_options options = {.mismatch_ns = 1};
    for (size_t i = 0; i < 2; i++) {
        struct verdict *v = NULL;
        int rc = ROTA_E_NOMEM;
        int n = 0;
        while (rc != 0) {
            assert_int_equal(rc, ROTA_E_NOMEM);
            assert_null(v);
            fail_at = ++n;
            rc = verdict_of(looks[i], &options, &v);
        }
        fail_at = 0;
        assert_true(n > 5);
        verdict_free(v);
        look_free(looks[i]);
    }
}

static void a_look_without_memory_is_none(void **state)
{
    (void)state;
    struct look *l = NULL;
    assert_int_equal(look_new(0, &l), ROTA_E_ARG);
    for (int n = 1; n <= 2; n++) {
        fail_at = n;
        assert_int_equal(look_new(2, &l), ROTA_E_NOMEM);
        assert_null(l);
    }
    fail_at = 0;
    l = looks_new(2);
    const int members[] = {0, 1};
    for (int n = 1; n <= 1; n++) {
        fail_at = n;
        assert_int_equal(look_add_comm(l, 9, NULL, members, 2, 2), ROTA_E_NOMEM);
    }
    fail_at = 1;
    assert_null(look_add_op(&l->ranks[0]));
    fail_at = 0;
    assert_int_equal(l->ranks[0].op_count, 0);
    look_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synchronous_sends_head_to_head_are_stuck),
        cmocka_unit_test(standard_sends_may_be_buffered),
        cmocka_unit_test(a_state_that_did_not_last_is_no_proof),
        cmocka_unit_test(another_thread_may_help),
        cmocka_unit_test(a_posted_receive_takes_a_synchronous_send),
        cmocka_unit_test(a_message_under_way_reaches_its_receive),
        cmocka_unit_test(what_the_dead_had_sent_may_come_for_a_while),
        cmocka_unit_test(all_who_might_send_are_asked),
        cmocka_unit_test(who_finalizes_sends_no_more),
        cmocka_unit_test(of_any_request_all_must_be_hopeless),
        cmocka_unit_test(the_second_of_two_receives_needs_a_second_message),
        cmocka_unit_test(on_an_intercommunicator_the_other_group_is_needed),
        cmocka_unit_test(a_send_to_itself_is_stuck),
        cmocka_unit_test(what_only_the_rank_itself_could_do_is_not_done),
        cmocka_unit_test(a_poller_is_never_certain),
        cmocka_unit_test(a_lock_is_never_certain),
        cmocka_unit_test(a_barrier_needs_all),
        cmocka_unit_test(who_has_passed_a_barrier_is_not_missed),
        cmocka_unit_test(a_broadcast_needs_its_root),
        cmocka_unit_test(the_root_of_a_broadcast_needs_nobody_for_certain),
        cmocka_unit_test(start_and_end_are_likely_to_need_all),
        cmocka_unit_test(requests_left_behind_may_keep_a_rank_at_its_end),
        cmocka_unit_test(when_all_are_at_their_end_mpi_has_the_word),
        cmocka_unit_test(who_died_in_a_barrier_may_have_helped_the_others),
        cmocka_unit_test(different_collectives_disagree),
        cmocka_unit_test(different_roots_disagree),
        cmocka_unit_test(the_operations_of_who_runs_are_not_compared),
        cmocka_unit_test(what_a_rank_has_passed_is_compared),
        cmocka_unit_test(on_a_communicator_that_is_not_known_nothing_disagrees),
        cmocka_unit_test(the_shortest_circle_is_shown),
        cmocka_unit_test(who_waits_for_any_does_not_wait_for_itself),
        cmocka_unit_test(nonsense_accuses_nobody),
        cmocka_unit_test(many_ranks_are_no_problem),
        cmocka_unit_test(memory_that_is_short_is_an_error),
        cmocka_unit_test(a_look_without_memory_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
