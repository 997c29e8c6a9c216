/* test_shot.c - what a parent tells of its rank, and what is made of it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "guard/preload/fast.h"
#include "guard/preload/record.h"
#include "guard/shot.h"
#include "guard/sites.h"
#include "rota.h"

enum {
    WORLD = 1000,
    REQUEST = 5000,
    RANKS = 3,
};

static struct state *s;

static int setup(void **unused)
{
    static const int all[RANKS] = {0, 1, 2};
    (void)unused;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -1;
    s->size = RANKS;
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

/* A receive from rank 1 under way, a message to it, and blocked in MPI_Barrier. */
static void make_busy(void)
{
    static char site[1];
    record_post_recv(CALL_Irecv, site, WORLD, 1, 5, 0);
    record_posted(REQUEST);
    record_send(CALL_Send, site, WORLD, 1, 7, LOOK_SEND);
    record_done();
    record_collective(CALL_Barrier, site, WORLD, LOOK_NONE, LOOK_BARRIER, false);
}

static unsigned char *take(struct shot_head head, size_t *size)
{
    unsigned char *bytes;
    assert_int_equal(shot_take(s, &head, &bytes, size), 0);
    return bytes;
}

static struct look *put(const unsigned char *bytes, size_t size, const bool *coarse)
{
    const struct shot_head *head;
    struct look *look;
    assert_int_equal(shot_check(bytes, size, RANKS, &head), 0);
    assert_int_equal(look_new(RANKS, &look), 0);
    assert_int_equal(shot_put(head, coarse, 100 * NS_PER_SEC, look), 0);
    return look;
}

static void a_rank_is_told_as_it_is(void **unused)
{
    static const bool coarse[RANKS];
    size_t size;
    (void)unused;
    make_busy();
    unsigned char *bytes =
        take((struct shot_head){.rank = 2, .since_ns = NS_PER_SEC, .host = "a"}, &size);
    struct look *look = put(bytes, size, coarse);
    const struct look_rank *r = &look->ranks[2];
    assert_int_equal(r->state, LOOK_BLOCKED);
    assert_string_equal(r->call, "MPI_Barrier");
    assert_string_equal(r->host, "a");
    assert_int_equal(r->since_ns, 99 * NS_PER_SEC);
    assert_int_equal(r->op_count, 2);
    assert_int_equal(r->ops[0].kind, LOOK_RECV);
    assert_false(r->ops[0].awaited);
    assert_string_equal(r->ops[0].call, "MPI_Irecv");
    assert_int_equal(r->ops[1].kind, LOOK_COLLECTIVE);
    assert_true(r->ops[1].awaited);
    assert_int_equal(r->ops[1].index, 1);
    assert_int_equal(r->flow_count, 1);
    assert_int_equal(r->flows[0].tag, 7);
    assert_int_equal(r->flows[0].sent, 1);
    assert_int_equal(r->calls_count, 1);
    assert_int_equal(look_find_comm(look, STATE_WORLD)->member_count, RANKS);
    look_free(look);
    free(bytes);
}

/* What the short way writes down is told as what record.h writes. */
static void the_short_way_is_told_in_full(void **unused)
{
    static const bool coarse[RANKS];
    size_t size;
    (void)unused;
    record_wait_begin(CALL_Waitany, NULL, true); /* leaves its marks */
    record_wait_for(4711);
    record_wait_blocks();
    record_done();
    record_send(CALL_Ssend, NULL, WORLD, 1, 7, LOOK_SSEND);
    record_done();
    struct state_flow *f = fast_flow(WORLD, 1, 7);
    if (f == NULL) {
        fail();
        return;
    }
    fast_posted(99, f, 0, CALL_Irecv, NULL, LOOK_RECV);
    f->sent++;
    fast_block_on(record_state(), CALL_Ssend, NULL, f);
    unsigned char *bytes = take((struct shot_head){.rank = 2}, &size);
    struct look *look = put(bytes, size, coarse);
    const struct look_rank *r = &look->ranks[2];
    assert_int_equal(r->op_count, 2);
    assert_false(r->any);
    assert_int_equal(r->ops[0].kind, LOOK_RECV);
    assert_int_equal(r->ops[0].peer, 1);
    assert_int_equal(r->ops[0].tag, 7);
    assert_true(r->ops[0].comm == STATE_WORLD);
    assert_false(r->ops[0].awaited);
    assert_int_equal(r->ops[1].kind, LOOK_SSEND);
    assert_string_equal(r->ops[1].call, "MPI_Ssend");
    assert_int_equal(r->ops[1].peer, 1);
    assert_int_equal(r->ops[1].tag, 7);
    assert_int_equal(r->ops[1].index, 2);
    assert_true(r->ops[1].awaited);
    look_free(look);
    free(bytes);
    fast_run(record_state());
    fast_leave(record_state());
    struct state_op *op = fast_request(99);
    if (op == NULL) {
        fail();
        return;
    }
    fast_block(record_state(), CALL_Wait, NULL, STATE_OWN_OP,
               (uint32_t)(op - record_state()->ops));
    bytes = take((struct shot_head){.rank = 2}, &size);
    look = put(bytes, size, coarse);
    r = &look->ranks[2];
    assert_int_equal(r->op_count, 1);
    assert_true(r->ops[0].awaited);
    assert_string_equal(r->call, "MPI_Wait");
    look_free(look);
    free(bytes);
}

static void who_waits_for_the_unknown_may_go_on(void **unused)
{
    static const bool coarse[RANKS];
    size_t size;
    (void)unused;
    record_free(CALL_Win_flush, NULL);
    unsigned char *bytes = take((struct shot_head){.rank = 0}, &size);
    struct look *look = put(bytes, size, coarse);
    assert_int_equal(look->ranks[0].op_count, 1);
    assert_int_equal(look->ranks[0].ops[0].kind, LOOK_FREE);
    assert_true(look->ranks[0].ops[0].awaited);
    look_free(look);
    free(bytes);
}

static void flows_with_a_coarse_peer_are_coarse(void **unused)
{
    static const bool coarse[RANKS] = {false, true, false};
    size_t size;
    (void)unused;
    for (int tag = 0; tag < 5; tag++) {
        record_send(CALL_Send, NULL, WORLD, 1, tag, LOOK_SEND);
        record_done();
        record_send(CALL_Send, NULL, WORLD, 0, tag, LOOK_SEND);
        record_done();
    }
    unsigned char *bytes = take((struct shot_head){.rank = 2}, &size);
    struct look *look = put(bytes, size, coarse);
    size_t sums = 0;
    for (size_t i = 0; i < look->ranks[2].flow_count; i++) {
        const struct look_flow *f = &look->ranks[2].flows[i];
        assert_true((f->tag == LOOK_OTHER) == (f->peer == 1));
        if (f->peer == 1)
            assert_int_equal(f->sent, 5);
        sums += f->peer == 1;
    }
    assert_int_equal(sums, 1);
    assert_int_equal(look->ranks[2].flow_count, 6);
    look_free(look);
    free(bytes);
}

static void what_an_ended_call_did_is_not_told(void **unused)
{
    static const bool coarse[RANKS];
    size_t size;
    (void)unused;
    make_busy();
    record_done();
    unsigned char *bytes = take((struct shot_head){.rank = 0}, &size);
    struct look *look = put(bytes, size, coarse);
    assert_int_equal(look->ranks[0].state, LOOK_RUNNING);
    assert_int_equal(look->ranks[0].op_count, 1);
    assert_int_equal(look->ranks[0].ops[0].kind, LOOK_RECV);
    look_free(look);
    free(bytes);
}

static void a_shot_cut_short_is_refused(void **unused)
{
    const struct shot_head *head;
    size_t size;
    (void)unused;
    make_busy();
    unsigned char *bytes = take((struct shot_head){.rank = 0}, &size);
    for (size_t n = 0; n < size; n++)
        assert_int_equal(shot_check(bytes, n, RANKS, &head), ROTA_E_FORMAT);
    free(bytes);
}

/* A rank that runs may stand still at any instruction: what it was about to write is
 * left out, and the shot is a good one for all that. */
static void what_is_half_written_is_left_out(void **unused)
{
    static const bool coarse[RANKS];
    size_t size;
    (void)unused;
    make_busy();
    record_done();
    s->ops[1] = (struct state_op){.handle = REQUEST + 1,
                                  .flags = STATE_OP_ACTIVE,
                                  .kind = LOOK_RECV,
                                  .call = CALL_Ibarrier,
                                  .peer = LOOK_NONE,
                                  .root = LOOK_NONE};
    s->op_places = 2;
    s->comms[1] = (struct state_comm){.first = 3, .local = 3, .past = {{.index = 1}}};
    s->comm_count = 2;
    s->comms[0].past[2].call = CALL_Bcast;
    unsigned char *bytes = take((struct shot_head){.rank = 0}, &size);
    struct look *look = put(bytes, size, coarse);
    assert_int_equal(look->ranks[0].op_count, 1);
    assert_int_equal(look->comm_count, 1);
    assert_int_equal(look->ranks[0].calls_count, 1);
    assert_int_equal(look->ranks[0].past_count, 1);
    look_free(look);
    free(bytes);
}

/* What passes the check can be put into a look, whatever it says. */
static void a_garbled_shot_does_no_harm(void **unused)
{
    enum {
        ROUNDS = 20000
    };
    static const bool coarse[RANKS];
    size_t size;
    size_t passed = 0;
    (void)unused;
    make_busy();
    unsigned char *bytes = take((struct shot_head){.rank = 0}, &size);
    unsigned char *copy = malloc(size);
    assert_non_null(copy);
    srand(3);
    for (int i = 0; i < ROUNDS; i++) {
        const struct shot_head *head;
        struct look *look;
        memcpy(copy, bytes, size);
        for (int n = rand() % 4; n >= 0; n--)
            copy[(size_t)rand() % size] = (unsigned char)rand();
        if (shot_check(copy, size, RANKS, &head) != 0)
            continue;
        passed++;
        assert_int_equal(look_new(RANKS, &look), 0);
        assert_int_equal(shot_put(head, coarse, 0, look), 0);
        look_free(look);
    }
    assert_true(passed > 0 && passed < ROUNDS);
    free(copy);
    free(bytes);
}

static void sites_get_their_texts(void **unused)
{
    char words[] = "0000000000000010 ring.c:17\nnonsense\n0000000000000020 ring.c:20\n"
                   "000000000000002";
    struct look_op ops[2] = {{.site = {.address = 0x20}}, {.site = {.address = 0x30}}};
    struct look_rank r = {.site = {.address = 0x10}, .ops = ops, .op_count = 2};
    (void)unused;
    sites_put(words, &r);
    assert_string_equal(r.site.text, "ring.c:17");
    assert_string_equal(ops[0].site.text, "ring.c:20");
    assert_null(ops[1].site.text);
}

static void pythons_line_is_the_calls(void **unused)
{
    char words[] = "0000000000000000 ring.py:3\n0000000000000010 MPI.so\n";
    struct look_rank r = {.site = {.address = 0x10}};
    (void)unused;
    sites_put(words, &r);
    assert_string_equal(r.site.text, "ring.py:3");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_rank_is_told_as_it_is),
        T(the_short_way_is_told_in_full),
        T(who_waits_for_the_unknown_may_go_on),
        T(flows_with_a_coarse_peer_are_coarse),
        T(what_an_ended_call_did_is_not_told),
        T(a_shot_cut_short_is_refused),
        T(what_is_half_written_is_left_out),
        T(a_garbled_shot_does_no_harm),
        T(sites_get_their_texts),
        T(pythons_line_is_the_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
