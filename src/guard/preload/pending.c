/* pending.c - requests, from their beginning to their end */
#include "guard/preload/inner.h"

/* ---- the table ------------------------------------------------------------------- */

/* Handles are addresses of things of some hundred bytes, or numbers one after the
 * other: neighbours stay neighbours, as each page of the table that is touched costs
 * more than all that is done there. */
static uint64_t op_home(uint64_t handle)
{
    bool address = handle % 16 == 0;
    return (address ? handle >> 6 : handle) & (OP_HASHES - 1);
}

/* Where the request's place stands among the hashes, or would. */
static uint16_t *op_hash(uint64_t handle)
{
    for (uint64_t i = op_home(handle);; i++) {
        uint16_t *at = &mine.ops[i & (OP_HASHES - 1)];
        if (*at == 0 || mine.m->ops[*at - 1].handle == handle)
            return at;
    }
}

/* One that was removed keeps its handle and its place, with no flags. */
static inline bool is_there(const struct state_op *op)
{
    return (op->flags & (STATE_OP_ACTIVE | STATE_OP_PERSISTENT)) != 0;
}

struct state_op *find_op(uint64_t handle)
{
    uint16_t place = *op_hash(handle);
    return place != 0 && is_there(&mine.m->ops[place - 1]) ? &mine.m->ops[place - 1]
                                                           : NULL;
}

/* The place of one that was removed is free for another handle: its hash is taken out,
 * and those behind it that are there only because it was move up, so that looking one
 * up needs no marks of what was there once. */
static void free_place(struct state_op *op)
{
    uint64_t hole = (uint64_t)(op_hash(op->handle) - mine.ops);
    for (uint64_t i = (hole + 1) & (OP_HASHES - 1); mine.ops[i] != 0;
         i = (i + 1) & (OP_HASHES - 1)) {
        uint64_t home = op_home(mine.m->ops[mine.ops[i] - 1].handle);
        if (((i - home) & (OP_HASHES - 1)) >= ((i - hole) & (OP_HASHES - 1))) {
            mine.ops[hole] = mine.ops[i];
            hole = i;
        }
    }
    mine.ops[hole] = 0;
    op->handle = 0;
    mine.free[mine.free_count++] = (uint16_t)(op - mine.m->ops);
}

/* A place for a handle that has none. All may be taken by handles that MPI gives no
 * more. */
static __attribute__((noinline)) struct state_op *new_place(uint64_t handle)
{
    struct state *m = mine.m;
    uint16_t place = 0;
    if (mine.free_count == 0 && m->op_places == STATE_OPS)
        for (uint32_t i = 0; i < STATE_OPS; i++)
            if (!is_there(&m->ops[i]))
                free_place(&m->ops[i]);
    if (mine.free_count > 0)
        place = mine.free[--mine.free_count];
    else if (m->op_places < STATE_OPS)
        place = (uint16_t)m->op_places++;
    else
        return NULL;
    *op_hash(handle) = (uint16_t)(place + 1);
    return &m->ops[place];
}

/* Only its handle and order are set: flags must be. MPI gives the same handles again
 * and again, so most have a place. */
static inline struct state_op *place_op(uint64_t handle)
{
    uint16_t place = *op_hash(handle);
    struct state_op *op = __builtin_expect(place != 0, true) ? &mine.m->ops[place - 1]
                                                             : new_place(handle);
    if (op == NULL) {
        set_flags(STATE_OPS_LOST, 0);
        return NULL;
    }
    op->handle = handle;
    op->order = ++mine.m->order;
    return op;
}

struct state_op *add_op(uint64_t handle)
{
    struct state_op *op = place_op(handle);
    if (op != NULL)
        *op = (struct state_op){.handle = handle, .order = op->order};
    return op;
}

void remove_op(struct state_op *op)
{
    op->flags = 0;
}

/* ---- begun and ended ------------------------------------------------------------- */

void record_post_send(enum call call, void *site, uint64_t comm, int dest, int tag,
                      enum look_kind kind, unsigned flags)
{
    begin();
    make_send(&posting, call, site, comm, dest, tag, kind,
              flags | STATE_OP_NONBLOCKING);
    run(call, site);
    end();
}

void record_post_recv(enum call call, void *site, uint64_t comm, int source, int tag,
                      unsigned flags)
{
    begin();
    make_recv(&posting, call, site, comm, source, tag, LOOK_RECV,
              flags | STATE_OP_NONBLOCKING);
    run(call, site);
    end();
}

void record_post_collective(enum call call, void *site, uint64_t comm, int root,
                            enum look_collective kind, bool loose)
{
    begin();
    make_collective(&posting, call, site, comm, root, kind,
                    STATE_OP_NONBLOCKING | (loose ? STATE_OP_LOOSE : 0));
    run(call, site);
    end();
}

void record_post_free(enum call call, void *site, unsigned flags)
{
    begin();
    posting = (struct state_op){.call = (uint16_t)call,
                                .kind = LOOK_FREE,
                                .site = (uint64_t)(uintptr_t)site,
                                .root = LOOK_NONE,
                                .peer = LOOK_NONE,
                                .tag = LOOK_NONE,
                                .flags = flags | STATE_OP_NONBLOCKING};
    run(call, site);
    end();
}

void record_post_prepared(enum call call, void *site, uint64_t comm, int root,
                          enum look_collective kind, bool loose)
{
    begin();
    struct state_comm *of = find_comm(comm);
    struct state_comm *c = objects_prepare(of);
    unsigned flags = STATE_OP_NONBLOCKING | STATE_OP_PERSISTENT;
    posting = (struct state_op){.call = (uint16_t)call,
                                .kind = c != NULL ? LOOK_COLLECTIVE : LOOK_FREE,
                                .collective = (uint8_t)kind,
                                .site = (uint64_t)(uintptr_t)site,
                                .root = c != NULL ? root_of(c, root) : LOOK_NONE,
                                .comm = c != NULL ? c->id : LOOK_UNKNOWN,
                                .place = c != NULL ? (int32_t)(c - mine.m->comms) : 0,
                                .peer = LOOK_NONE,
                                .tag = LOOK_NONE,
                                .flags = flags | (loose ? STATE_OP_LOOSE : 0)};
    run(call, site);
    end();
}

/* The n-th pair of requests between two ranks with one tag is a communicator of its
 * own, on which no other message goes: pairs may be started in any order. */
static uint64_t pair_id(const struct state_comm *c, int from, int to, int tag)
{
    uint64_t ends = (uint64_t)(uint32_t)from << 32 | (uint32_t)to;
    return record_group_id(record_mix(record_mix(c->id, ends), (uint64_t)tag));
}

void record_post_parts(enum call call, void *site, uint64_t comm, int peer, int tag,
                       int parts)
{
    begin();
    const struct state_comm *c = find_comm(comm);
    int world = c != NULL ? world_rank(c, peer) : RECORD_NOBODY;
    bool sends = call == CALL_Psend_init;
    posting = (struct state_op){.call = (uint16_t)call,
                                .kind = LOOK_FREE,
                                .site = (uint64_t)(uintptr_t)site,
                                .peer = LOOK_NONE,
                                .tag = tag,
                                .root = LOOK_NONE,
                                .flags = STATE_OP_NONBLOCKING | STATE_OP_PERSISTENT};
    uint64_t id = LOOK_UNKNOWN;
    if (world != RECORD_NOBODY)
        id =
            pair_id(c, sends ? mine.m->rank : world, sends ? world : mine.m->rank, tag);
    if (id != LOOK_UNKNOWN && (!sends || parts > 0)) {
        posting.kind = sends ? LOOK_OWN : LOOK_RECV;
        posting.comm = id;
        posting.peer = world;
        posting.place = parts;
        posting.flags |= sends ? STATE_OP_PARTS : 0;
    }
    run(call, site);
    end();
}

void record_posted(uint64_t request)
{
    if (request == STATE_NO_HANDLE || request == 0)
        return;
    begin();
    struct state_op *op = place_op(request);
    if (op != NULL) {
        uint64_t order = op->order;
        *op = posting;
        op->handle = request;
        op->order = order;
        if ((op->flags & STATE_OP_PERSISTENT) == 0)
            op->flags |= STATE_OP_ACTIVE;
    }
    end();
}

void fast_posted(uint64_t request, const struct state_flow *flow, uint64_t index,
                 enum call call, void *site, enum look_kind kind)
{
    struct state *m = mine.m;
    struct state_op *op = request != 0 ? place_op(request) : NULL;
    m->call = (uint16_t)call;
    m->site = (uint64_t)(uintptr_t)site;
    if (op != NULL) {
        op->index = index;
        op->site = (uint64_t)(uintptr_t)site;
        op->awaited = 0;
        op->place = (int32_t)(flow - m->flows);
        op->call = (uint16_t)call;
        op->kind = (uint8_t)kind;
        op->collective = 0;
        op->flags = STATE_OP_ACTIVE | STATE_OP_NONBLOCKING | STATE_OP_FLOW;
    }
    fast_changed(m);
}

/* ---- waited for ------------------------------------------------------------------ */

void record_wait_begin(enum call call, void *site, bool any)
{
    begin();
    if (is_first()) {
        mine.m->waits++;
        mine.m->call = (uint16_t)call;
        mine.m->site = (uint64_t)(uintptr_t)site;
        mine.m->own_count = 0;
        set_flags(any ? STATE_ANY : 0, STATE_ANY | STATE_FREE);
    }
}

/* Must the status be looked at when it completes? */
static bool needs_status(const struct state_op *op)
{
    return (op->flags & STATE_OP_CANCELLED) != 0 ||
           (op->kind == LOOK_RECV && (op->flags & STATE_OP_FLOW) == 0 &&
            (op->peer == LOOK_ANY || op->tag == LOOK_ANY));
}

bool record_wait_for(uint64_t request)
{
    struct state_op *op = find_op(request);
    if (op != NULL && (op->flags & STATE_OP_ACTIVE) != 0 && is_first())
        op->awaited = mine.m->waits;
    else if (op == NULL && is_first())
        set_flags(STATE_FREE, 0); /* it was not seen to begin */
    return op != NULL && needs_status(op);
}

void record_wait_blocks(void)
{
    if (is_first())
        __atomic_store_n(&mine.m->now, LOOK_BLOCKED, __ATOMIC_RELEASE);
    end();
}

bool record_needs_status(uint64_t request)
{
    lock();
    const struct state_op *op = find_op(request);
    bool needs = op != NULL && needs_status(op);
    unlock();
    return needs;
}

bool record_is_cancelled(uint64_t request)
{
    if (__builtin_expect(!__atomic_load_n(&mine.cancelled, __ATOMIC_RELAXED), true))
        return false;
    lock();
    const struct state_op *op = find_op(request);
    bool is = op != NULL && (op->flags & STATE_OP_CANCELLED) != 0;
    unlock();
    return is;
}

static __attribute__((noinline)) void take_in_slowly(const struct state_op *op,
                                                     int source, int tag)
{
    if (op->flags & STATE_OP_FLOW) {
        const struct state_flow *f = &mine.m->flows[op->place];
        count_received(f->comm, f->peer, f->tag);
        return;
    }
    int peer =
        op->peer != LOOK_ANY ? op->peer : world_rank(&mine.m->comms[op->place], source);
    if (peer != RECORD_NOBODY)
        count_received(op->comm, peer, op->tag != LOOK_ANY ? op->tag : tag);
}

static inline void take_in(const struct state_op *op, int source, int tag)
{
    if ((op->flags & STATE_OP_FLOW) != 0 && (mine.m->flags & STATE_COARSE) == 0)
        mine.m->flows[op->place].received++;
    else
        take_in_slowly(op, source, tag);
}

static inline void end_op(struct state_op *op)
{
    if (op->flags & STATE_OP_PERSISTENT)
        op->flags &= ~(uint32_t)(STATE_OP_ACTIVE | STATE_OP_CANCELLED);
    else
        remove_op(op);
}

void record_completed(uint64_t request, int source, int tag, bool cancelled)
{
    begin();
    struct state_op *op = find_op(request);
    if (op != NULL && (op->flags & STATE_OP_ACTIVE) != 0) {
        if (op->kind == LOOK_RECV && !cancelled)
            take_in(op, source, tag);
        end_op(op);
    }
    end();
}

struct state_op *fast_request(uint64_t request)
{
    const uint32_t plain = STATE_OP_ACTIVE | STATE_OP_FLOW;
    uint16_t place = *op_hash(request);
    struct state_op *op = place != 0 ? &mine.m->ops[place - 1] : NULL;
    if (__builtin_expect(
            op != NULL && (op->flags & (plain | STATE_OP_CANCELLED)) == plain, true))
        return op;
    return op != NULL && (op->flags & STATE_OP_ACTIVE) != 0 && !needs_status(op) ? op
                                                                                 : NULL;
}

void fast_completed(struct state *m, struct state_op *const *ops, int count)
{
    for (int i = 0; i < count; i++) {
        /* Open MPI gives the same request for all sends that are done at once. */
        if (ops[i] == NULL || (ops[i]->flags & STATE_OP_ACTIVE) == 0)
            continue;
        if (ops[i]->kind == LOOK_RECV)
            take_in(ops[i], RECORD_NOBODY, 0);
        end_op(ops[i]);
    }
    fast_changed(m);
}

void fast_block_all(struct state *m, enum call call, void *site,
                    struct state_op *const *ops, int count)
{
    m->waits++;
    m->flags &= ~(uint32_t)(STATE_ANY | STATE_FREE);
    for (int i = 0; i < count; i++)
        if (ops[i] != NULL)
            ops[i]->awaited = m->waits;
    fast_block(m, call, site, 0, 0);
}

/* ---- started, cancelled, freed --------------------------------------------------- */

void record_start(uint64_t request)
{
    begin();
    struct state_op *op = find_op(request);
    if (op == NULL) {
        set_flags(STATE_OPS_LOST | STATE_COUNTS_LOST, 0);
    } else {
        op->order = ++mine.m->order;
        op->flags |= STATE_OP_ACTIVE;
        if (op->flags & STATE_OP_PARTS) {
            op->kind = LOOK_OWN; /* needs MPI_Pready */
            op->index = (uint64_t)op->place;
        } else if (op->kind == LOOK_SEND || op->kind == LOOK_SSEND) {
            op->index = count_sent(op->comm, op->peer, op->tag);
        } else if (op->kind == LOOK_COLLECTIVE) {
            begin_collective(op, &mine.m->comms[op->place]);
        }
    }
    end();
}

/* The message is sent once all its parts are ready: then it is one as others are. */
void record_ready(uint64_t request, int parts)
{
    begin();
    struct state_op *op = find_op(request);
    if (op != NULL && (op->flags & STATE_OP_PARTS) != 0 && op->kind == LOOK_OWN) {
        uint64_t ready = parts > 0 ? (uint64_t)parts : 0;
        op->index -= ready < op->index ? ready : op->index;
        if (op->index == 0) {
            op->kind = LOOK_SEND;
            op->index = count_sent(op->comm, op->peer, op->tag);
        }
    }
    end();
}

void record_cancel(uint64_t request)
{
    begin();
    struct state_op *op = find_op(request);
    if (op != NULL)
        op->flags |= STATE_OP_CANCELLED;
    if (op != NULL && (op->kind == LOOK_SEND || op->kind == LOOK_SSEND))
        set_flags(STATE_COUNTS_LOST, 0); /* it was counted, and may not go */
    __atomic_store_n(&mine.cancelled, true, __ATOMIC_RELAXED);
    end();
}

void record_request_freed(uint64_t request)
{
    begin();
    struct state_op *op = find_op(request);
    if (op != NULL) {
        if ((op->flags & STATE_OP_ACTIVE) != 0 && op->kind == LOOK_RECV)
            set_flags(STATE_OPS_LOST, 0); /* it may take a message yet */
        if (op->kind == LOOK_COLLECTIVE && (op->flags & STATE_OP_PERSISTENT) != 0)
            mine.m->comms[op->place].flags |= STATE_COMM_FREED;
        remove_op(op);
    }
    end();
}
