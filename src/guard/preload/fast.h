/* fast.h - the short way: a message, or the wait for a request, that is like one before
 *
 * Nearly all messages go where one has gone before, with the same tag. For these a
 * wrapper looks up one place, makes five stores and calls MPI: no calls, so that what
 * MPI is to get stays in the registers in which it came. All others go by record.h,
 * which remembers their route here for the next time.
 *
 * Only while at most one thread is in MPI; and what is written is what record.h would
 * have written, told more shortly (STATE_OWN_FLOW, STATE_OWN_OP, STATE_OP_FLOW).
 */
#ifndef ROTA_GUARD_PRELOAD_FAST_H
#define ROTA_GUARD_PRELOAD_FAST_H

#include <string.h>

#include "guard/preload/record.h"

#define FAST __attribute__((hot)) /* wrap.h: HOT */

enum {
    FAST_ROUTES = 64, /* a power of two */
};

/* A peer and a tag as the program names them, and where their messages are counted. */
struct fast_route {
    uint64_t comm; /* handle */
    int32_t rank;
    int32_t tag;
    struct state_flow *flow; /* never NULL */
};

struct fast {
    struct state *m; /* NULL: nothing may go this way now */
    struct fast_route routes[FAST_ROUTES];
};

extern struct fast fast;

static inline struct fast_route *fast_place(uint64_t comm, int rank, int tag)
{
    uint32_t h = (uint32_t)comm + (uint32_t)(comm >> 6) + (uint32_t)rank * 3 +
                 (uint32_t)tag * 29;
    return &fast.routes[h & (FAST_ROUTES - 1)];
}

/* The flow of this message, or NULL: then it must go by record.h. */
static inline struct state_flow *fast_flow(uint64_t comm, int rank, int tag)
{
    const struct fast_route *t = fast_place(comm, rank, tag);
    if (t->flow == NULL)
        __builtin_unreachable();
    if (__builtin_expect(fast.m != NULL && record_depth == 0 && t->comm == comm &&
                             t->rank == rank && t->tag == tag,
                         true))
        return t->flow;
    return NULL;
}

static inline void fast_changed(struct state *m)
{
    __atomic_store_n(&m->epoch, m->epoch + 1, __ATOMIC_RELEASE);
}

/* Blocked, for what `own_count` (STATE_OWN_...) and `place` say. */
static inline void fast_block(struct state *m, enum call call, void *site,
                              uint16_t own_count, uint32_t place)
{
    const struct {
        uint32_t now;
        uint16_t call;
        uint16_t own_count;
    } doing = {LOOK_BLOCKED, (uint16_t)call, own_count};
    uint64_t word;
    memcpy(&word, &doing, sizeof(word));
    record_depth = 1;
    m->site = (uint64_t)(uintptr_t)site;
    m->own_place = place;
    __atomic_store_n(&m->doing, word, __ATOMIC_RELEASE);
    fast_changed(m);
}

static inline void fast_block_on(struct state *m, enum call call, void *site,
                                 const struct state_flow *flow)
{
    fast_block(m, call, site, STATE_OWN_FLOW, (uint32_t)(flow - m->flows));
}

/* Back, before anything is counted. */
static inline void fast_run(struct state *m)
{
    __atomic_store_n(&m->now, LOOK_RUNNING, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void fast_leave(struct state *m)
{
    fast_changed(m);
    record_depth = 0;
}

/* May what a call posts now go this way? Who has polled goes by record.h, which sees
 * to it that this counts as progress. */
static inline bool fast_may_post(const struct state *m)
{
    return m->now == LOOK_RUNNING;
}

/* The request that MPI gave for a message of `flow`, its `index`-th where it is sent.
 */
FAST void fast_posted(uint64_t request, const struct state_flow *flow, uint64_t index,
                      enum call call, void *site, enum look_kind kind);

/* The operation of this request, if one call may wait for it in this way: it is under
 * way, and nothing need be asked of its status. Else NULL. */
FAST struct state_op *fast_request(uint64_t request);
/* These (NULL: none) have completed: counted, and forgotten. */
FAST void fast_completed(struct state *m, struct state_op *const *ops, int count);
/* Blocked until all of these are done. */
FAST void fast_block_all(struct state *m, enum call call, void *site,
                         struct state_op *const *ops, int count);

#endif
