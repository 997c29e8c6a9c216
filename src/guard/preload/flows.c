/* flows.c - messages counted, by communicator, peer and tag */
#include "guard/preload/inner.h"

struct fast fast;

/* ---- the table ------------------------------------------------------------------- */

/* Where the flow's place stands among the hashes, or would. */
static uint16_t *flow_hash(uint64_t comm, int peer, int tag)
{
    uint64_t key = (uint64_t)(uint32_t)peer << 32 | (uint32_t)tag;
    for (uint64_t i = record_mix(comm, key);; i++) {
        uint16_t *at = &mine.flows[i & (FLOW_HASHES - 1)];
        const struct state_flow *f = &mine.m->flows[*at - 1];
        if (*at == 0 || (f->comm == comm && f->peer == peer && f->tag == tag))
            return at;
    }
}

/* A new one; NULL: there is no room. `at` is where flow_hash() would have it. */
static struct state_flow *add_flow(uint16_t *at, uint64_t comm, int peer, int tag)
{
    struct state *m = mine.m;
    if (m->flow_count == STATE_FLOWS) {
        set_flags(STATE_COUNTS_LOST, 0);
        return NULL;
    }
    struct state_flow *f = &m->flows[m->flow_count];
    *f = (struct state_flow){.comm = comm, .peer = peer, .tag = tag};
    __atomic_store_n(&m->flow_count, m->flow_count + 1, __ATOMIC_RELEASE);
    *at = (uint16_t)m->flow_count;
    return f;
}

/* The table is full: from now on without tags. Each pair's sum is put in its own flow,
 * and the others stay as they are, to be read no more (STATE_COARSE). */
static void coarsen(void)
{
    struct state *m = mine.m;
    uint32_t fine = m->flow_count;
    for (uint32_t i = 0; i < fine; i++) {
        const struct state_flow f = m->flows[i];
        uint16_t *at = flow_hash(f.comm, f.peer, LOOK_OTHER);
        struct state_flow *sum =
            *at != 0 ? &m->flows[*at - 1] : add_flow(at, f.comm, f.peer, LOOK_OTHER);
        if (sum == NULL)
            break;
        sum->sent += f.sent;
        sum->received += f.received;
    }
    set_flags(STATE_COARSE, 0);
    flows_unlearn();
}

struct state_flow *flows_find_slowly(uint64_t comm, int peer, int tag)
{
    if (mine.m->flags & STATE_COARSE)
        tag = LOOK_OTHER;
    uint16_t *at = flow_hash(comm, peer, tag);
    if (*at == 0 && tag != LOOK_OTHER && mine.m->flow_count >= FLOWS_USED) {
        coarsen();
        tag = LOOK_OTHER;
        at = flow_hash(comm, peer, tag);
    }
    struct state_flow *f =
        *at != 0 ? &mine.m->flows[*at - 1] : add_flow(at, comm, peer, tag);
    mine.flow = f;
    return f;
}

/* ---- the short way to them ------------------------------------------------------- */

void flows_learn(uint64_t comm, int rank, int tag, struct state_flow *flow)
{
    if (flow != NULL && flow->tag != LOOK_OTHER)
        *fast_place(comm, rank, tag) =
            (struct fast_route){.comm = comm, .rank = rank, .tag = tag, .flow = flow};
}

/* What is left cannot be found, and if it were it would do no harm. */
void flows_unlearn(void)
{
    for (int i = 0; i < FAST_ROUTES; i++)
        fast.routes[i] = (struct fast_route){
            .comm = STATE_NO_HANDLE, .rank = RECORD_NOBODY, .flow = mine.m->flows};
}
