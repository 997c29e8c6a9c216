/* polling.c - tests and probes that find nothing, and signals between ranks */
#include "guard/preload/inner.h"

/* Whether the rank begins to poll with this; else it goes on polling, and what is
 * written down is added to: nobody takes a polling rank's state for a whole (look.h).
 */
static bool begin_poll(enum call call, void *site)
{
    struct state *m = mine.m;
    bool begins = m->now != LOOK_POLLING;
    if (begins) {
        begin();
        m->waits++;
        m->fruitless++;
        m->own_count = 0;
        set_flags(0, STATE_ANY | STATE_FREE);
        set_now(LOOK_POLLING, call, site);
        end();
    } else {
        m->call = (uint16_t)call;
        m->site = (uint64_t)(uintptr_t)site;
    }
    __atomic_store_n(&m->polls, m->polls + 1, __ATOMIC_RELAXED);
    return begins;
}

void record_poll(enum call call, void *site, const uint64_t *requests, int count)
{
    if (!is_first())
        return;
    begin_poll(call, site);
    lock();
    for (int i = 0; i < count; i++) {
        struct state_op *op = requests[i] != 0 ? find_op(requests[i]) : NULL;
        if (op != NULL && (op->flags & STATE_OP_ACTIVE) != 0)
            op->awaited = mine.m->waits;
        else if (requests[i] != 0 && op == NULL)
            set_flags(STATE_FREE, 0);
    }
    if (count == 0)
        set_flags(STATE_FREE, 0);
    unlock();
}

void record_poll_probe(enum call call, void *site, uint64_t comm, int source, int tag)
{
    struct state_op op = {.root = LOOK_NONE};
    if (!is_first())
        return;
    begin_poll(call, site);
    lock();
    make_recv(&op, call, site, comm, source, tag, LOOK_PROBE, 0);
    struct state_op *first = &mine.m->own[0];
    if (mine.m->own_count == 0) {
        op.order = mine.m->order + 1;
        *first = op;
        mine.m->own_count = 1;
    } else if (op.kind != first->kind || op.comm != first->comm) {
        first->kind = LOOK_FREE;
    } else { /* it asks for one after the other: for any of them */
        first->peer = op.peer == first->peer ? op.peer : LOOK_ANY;
        first->tag = op.tag == first->tag ? op.tag : LOOK_ANY;
    }
    unlock();
}

/* ---- signals --------------------------------------------------------------------- */

void record_signal(uint64_t comm, int peer, int tag)
{
    begin();
    if (comm != LOOK_UNKNOWN)
        count_sent(comm, peer, tag);
    end();
}

/* Own operations are few; signals may be many, so they stand among the requests, under
 * handles that no request has. */
static uint64_t signal_handle(int peer)
{
    return (UINT64_C(0xfffffffe) << 32) + (uint64_t)peer;
}

void record_signal_taken(uint64_t comm, int peer, int tag)
{
    begin();
    if (comm != LOOK_UNKNOWN) {
        struct state_op *op = find_op(signal_handle(peer));
        count_received(comm, peer, tag);
        if (op != NULL)
            remove_op(op);
    }
    end();
}

void record_signal_left(int peer)
{
    begin();
    struct state_op *op = find_op(signal_handle(peer));
    if (op != NULL)
        remove_op(op);
    end();
}

void record_await_signals(void)
{
    begin();
    if (is_first()) {
        mine.m->waits++;
        mine.m->own_count = 0;
        set_flags(0, STATE_ANY | STATE_FREE);
    }
    end();
}

void record_await_signal(enum call call, void *site, uint64_t comm, int peer, int tag)
{
    begin();
    if (comm != LOOK_UNKNOWN) {
        struct state_op *op = add_op(signal_handle(peer));
        if (op != NULL) {
            op->comm = comm;
            op->peer = peer;
            op->tag = tag;
            op->kind = LOOK_RECV;
            op->root = LOOK_NONE;
            op->call = (uint16_t)call;
            op->site = (uint64_t)(uintptr_t)site;
            op->awaited = mine.m->waits;
            op->flags = STATE_OP_ACTIVE;
        }
    } else {
        set_flags(STATE_FREE, 0);
    }
    end();
}

void record_await_blocks(enum call call, void *site)
{
    begin();
    set_now(LOOK_BLOCKED, call, site);
    end();
}
