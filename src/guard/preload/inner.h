/* inner.h - what the rooms behind record.h share
 *
 *     record.c    beginning, threads, calls that block
 *     objects.c   communicators, windows and files, by handle
 *     flows.c     messages counted
 *     pending.c   requests
 *     polling.c   tests and probes, and signals between ranks
 *
 * All that is written after the beginning is written between begin() and end().
 */
#ifndef ROTA_GUARD_PRELOAD_INNER_H
#define ROTA_GUARD_PRELOAD_INNER_H

#include <pthread.h>

#include "guard/preload/fast.h"
#include "guard/preload/record.h"

enum {
    HANDLES = 2 * STATE_COMMS, /* powers of two */
    OP_HASHES = 2 * STATE_OPS,
    FLOW_HASHES = 2 * STATE_FLOWS,
    KEYS = 1024,
    FLOWS_USED = STATE_FLOWS / 4 * 3, /* the rest is for what coarsen() makes */
};

/* What a rank's own process alone needs. */
struct record {
    struct state *m;
    bool multiple;  /* MPI_THREAD_MULTIPLE */
    bool locking;   /* and there is a second thread */
    int threads;    /* how many besides the first */
    bool cancelled; /* MPI_Cancel has been called */
    pthread_mutex_t lock;
    uint64_t last_handle;    /* found last, */
    struct state_comm *last; /* here */
    struct state_flow *flow; /* found last */
    uint32_t oldest;         /* among comms: where to look for a freed one */
    uint32_t free_count;
    uint16_t free[STATE_OPS]; /* places in ops before op_places that are free */
    /* By hash, open addressing: places, from 1; 0 is nothing. */
    uint16_t comms[HANDLES];
    uint16_t ops[OP_HASHES];
    uint16_t flows[FLOW_HASHES];
    struct {
        uint64_t key;
        uint64_t count;
    } keys[KEYS]; /* of record_group_id */
};

extern struct record mine;
extern __thread struct state_op posting;               /* between post and posted */
extern __thread struct state_op second_own[STATE_OWN]; /* another thread's */

/* ---- writing --------------------------------------------------------------------- */

static inline void lock(void)
{
    if (__builtin_expect(mine.locking, false))
        pthread_mutex_lock(&mine.lock);
}

static inline void unlock(void)
{
    if (__builtin_expect(mine.locking, false))
        pthread_mutex_unlock(&mine.lock);
}

static inline void begin(void)
{
    lock();
}

/* Something has been written down: state.h's first invariant. */
static inline void end(void)
{
    __atomic_store_n(&mine.m->epoch, mine.m->epoch + 1, __ATOMIC_RELEASE);
    unlock();
}

/* Whether this thread is the one whose doings are the rank's. */
static inline bool is_first(void)
{
    return __builtin_expect(!mine.locking || !record_second, true);
}

static inline void set_now(enum look_state now, enum call call, void *site)
{
    if (!is_first())
        return;
    mine.m->call = (uint16_t)call;
    mine.m->site = (uint64_t)(uintptr_t)site;
    __atomic_store_n(&mine.m->now, now, __ATOMIC_RELEASE);
}

/* Before anything else is written after a call: a BLOCKED rank's state never changes.
 */
static inline void be_running(void)
{
    if (!is_first())
        return;
    __atomic_store_n(&mine.m->now, LOOK_RUNNING, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline struct state_op *own(unsigned i)
{
    return is_first() ? &mine.m->own[i] : &second_own[i];
}

static inline void set_flags(uint32_t set, uint32_t clear)
{
    mine.m->flags = (mine.m->flags & ~clear) | set;
}

/* ---- objects --------------------------------------------------------------------- */

struct state_comm *objects_find_slowly(uint64_t handle);
/* What stands for a persistent collective on `of`; NULL: it can't be followed. */
struct state_comm *objects_prepare(struct state_comm *of);

static inline struct state_comm *find_comm(uint64_t handle)
{
    /* The cache is one thread's; with several, each looks for itself. */
    if (__builtin_expect(
            mine.last != NULL && mine.last_handle == handle && !mine.locking, true))
        return mine.last;
    return objects_find_slowly(handle);
}

/* The world's number of a rank of `c`; RECORD_NOBODY where it is none. */
static inline int world_rank(const struct state_comm *c, int rank)
{
    uint32_t remote = c->count > c->local ? c->local : 0; /* peers are in that group */
    if (rank < 0 || (uint32_t)rank >= c->count - remote)
        return RECORD_NOBODY;
    return mine.m->members[c->first + remote + (uint32_t)rank];
}

/* ---- flows ----------------------------------------------------------------------- */

struct state_flow *flows_find_slowly(uint64_t comm, int peer, int tag);

/* NULL: there is no room (STATE_COUNTS_LOST). */
static inline struct state_flow *find_flow(uint64_t comm, int peer, int tag)
{
    struct state_flow *f = mine.flow;
    if (__builtin_expect(
            f != NULL && f->comm == comm && f->peer == peer && f->tag == tag, true))
        return f;
    return flows_find_slowly(comm, peer, tag);
}

static inline uint64_t count_sent(uint64_t comm, int peer, int tag)
{
    struct state_flow *f = find_flow(comm, peer, tag);
    return f != NULL ? ++f->sent : 0;
}

static inline void count_received(uint64_t comm, int peer, int tag)
{
    struct state_flow *f = find_flow(comm, peer, tag);
    if (f != NULL)
        f->received++;
}

/* Messages of the program's (comm, rank, tag) are counted there: the next one may go by
 * fast.h. And: none may any more. */
void flows_learn(uint64_t comm, int rank, int tag, struct state_flow *flow);
void flows_unlearn(void);

/* ---- operations ------------------------------------------------------------------ */

/* Begin a send: counted, described in *op. False where there is nothing to wait for. */
bool make_send(struct state_op *op, enum call call, void *site, uint64_t comm, int dest,
               int tag, enum look_kind kind, unsigned flags);
bool make_recv(struct state_op *op, enum call call, void *site, uint64_t comm,
               int source, int tag, enum look_kind kind, unsigned flags);
void make_collective(struct state_op *op, enum call call, void *site, uint64_t comm,
                     int root, enum look_collective kind, unsigned flags);

/* Of `op`, on `c`: the next collective there, which begins now. */
void begin_collective(struct state_op *op, struct state_comm *c);
/* The world's number of its root, LOOK_NONE where there is none. */
int root_of(const struct state_comm *c, int root);

static inline void run(enum call call, void *site)
{
    set_now(LOOK_RUNNING, call, site);
}

/* The requests' table: NULL where there is none of that handle, or no room. */
struct state_op *find_op(uint64_t handle);
struct state_op *add_op(uint64_t handle);
__attribute__((hot)) void remove_op(struct state_op *op);

#endif
