/* traffic.c - could what has been sent already still end this operation?
 *
 * A message is under way if it was counted as sent and not as received: it may not have
 * arrived, or lie unexpected at the receiver, or have been matched to a receive whose
 * end has not been seen. Which of these it is can't be known, so a receive R is reached
 * unless counting excludes it: if R gets a message of the envelope E, every receive
 * that was posted before it and also fits E must have got one before (messages of one
 * envelope are matched in order). So there must be as many messages under way, that fit
 * one of these receives or R, as there are of them.
 *
 * Sends are counted by envelope in the order in which they are matched: the n-th is
 * taken once n have been received or can be by receives that are posted.
 */
#include "guard/traffic.h"

static bool same_comm(uint64_t a, uint64_t b)
{
    return a == b || a == LOOK_UNKNOWN || b == LOOK_UNKNOWN;
}

bool traffic_fits(const struct look_op *op, int source, uint64_t comm, int tag)
{
    return same_comm(op->comm, comm) && (op->peer == LOOK_ANY || op->peer == source) &&
           (op->tag == LOOK_ANY || op->tag == tag);
}

static uint64_t received_of(const struct look_rank *r, int source, uint64_t comm,
                            int tag)
{
    for (size_t i = 0; i < r->flow_count; i++) {
        const struct look_flow *f = &r->flows[i];
        if (f->peer == source && f->comm == comm && f->tag == tag)
            return f->received;
    }
    return 0;
}

/* Some of what went to and fro between the two is not known by its tag or communicator:
 * only the sums say something. */
static bool is_coarse_with(const struct look_rank *r, int peer)
{
    for (size_t i = 0; i < r->flow_count; i++) {
        const struct look_flow *f = &r->flows[i];
        if (f->peer == peer && (f->tag == LOOK_OTHER || f->comm == LOOK_UNKNOWN))
            return true;
    }
    return false;
}

static bool is_coarse(const struct look *l, int from, int to)
{
    return is_coarse_with(&l->ranks[from], to) || is_coarse_with(&l->ranks[to], from);
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* What the dead have sent may have died with them; but not if they have come through
 * MPI_Finalize. */
static bool is_mourned(const struct look *l, int rank, bool mourn)
{
    const struct look_rank *r = &l->ranks[rank];
    return mourn && r->state == LOOK_GONE && !r->finalized;
}

/* All that is under way between the two. */
static uint64_t left_in_all(const struct look *l, int from, int to, bool mourn)
{
    if (is_mourned(l, from, mourn))
        return 0;
    uint64_t sent = 0;
    uint64_t received = 0;
    const struct look_rank *s = &l->ranks[from];
    const struct look_rank *r = &l->ranks[to];
    for (size_t i = 0; i < s->flow_count; i++)
        sent += s->flows[i].peer == to ? s->flows[i].sent : 0;
    for (size_t i = 0; i < r->flow_count; i++)
        received += r->flows[i].peer == from ? r->flows[i].received : 0;
    return less(sent, received);
}

/* What is under way of flow `f` of rank `from`. */
static uint64_t left_in(const struct look *l, int from, const struct look_flow *f,
                        bool mourn)
{
    if (is_mourned(l, from, mourn))
        return 0;
    return less(f->sent, received_of(&l->ranks[f->peer], from, f->comm, f->tag));
}

/* A receive of `r` that a message with this envelope would have met before `op`. */
static bool is_before(const struct look_rank *r, size_t i, int op, int source,
                      const struct look_flow *f)
{
    return i < (size_t)op && r->ops[i].kind == LOOK_RECV &&
           traffic_fits(&r->ops[i], source, f->comm, f->tag);
}

/* Would `op`, or one of the receives which envelope (source, f) would have met before
 * it, take a message of `g` from `other`? */
static bool is_wanted(const struct look_rank *r, int op, int source,
                      const struct look_flow *f, int other, const struct look_flow *g)
{
    if (traffic_fits(&r->ops[op], other, g->comm, g->tag))
        return true;
    for (size_t i = 0; i < (size_t)op; i++) {
        if (is_before(r, i, op, source, f) &&
            traffic_fits(&r->ops[i], other, g->comm, g->tag))
            return true;
    }
    return false;
}

/* A message of flow `f` from `source` is under way: enough for `op` of `rank`? */
static bool is_enough(const struct look *l, int rank, int op, int source,
                      const struct look_flow *f, bool mourn)
{
    const struct look_rank *r = &l->ranks[rank];
    uint64_t need = 1;
    for (size_t i = 0; i < (size_t)op; i++)
        need += is_before(r, i, op, source, f);
    if (need == 1)
        return true;
    uint64_t have = 0;
    for (int s = 0; s < l->size && have < need; s++) {
        if (is_coarse(l, s, rank)) {
            have += left_in_all(l, s, rank, mourn);
            continue;
        }
        const struct look_rank *other = &l->ranks[s];
        for (size_t i = 0; i < other->flow_count; i++) {
            const struct look_flow *g = &other->flows[i];
            if (g->peer == rank && is_wanted(r, op, source, f, s, g))
                have += left_in(l, s, g, mourn);
        }
    }
    return have >= need;
}

/* A receive before `op` may be served by any rank. */
static bool is_contested(const struct look_rank *r, int op, int source,
                         const struct look_flow *f)
{
    for (size_t i = 0; i < (size_t)op; i++) {
        if (is_before(r, i, op, source, f) && r->ops[i].peer == LOOK_ANY)
            return true;
    }
    return false;
}

static enum traffic from_one(const struct look *l, int source, int rank, int op,
                             bool mourn)
{
    const struct look_rank *s = &l->ranks[source];
    const struct look_rank *r = &l->ranks[rank];
    const struct look_op *o = &r->ops[op];
    if (s->counts_lost && !is_mourned(l, source, mourn))
        return TRAFFIC_REACHES;
    if (o->comm == LOOK_UNKNOWN || is_coarse(l, source, rank))
        return left_in_all(l, source, rank, mourn) > 0 ? TRAFFIC_REACHES : TRAFFIC_NONE;
    enum traffic found = TRAFFIC_NONE;
    for (size_t i = 0; i < s->flow_count && found != TRAFFIC_REACHES; i++) {
        const struct look_flow *f = &s->flows[i];
        if (f->peer != rank || !traffic_fits(o, source, f->comm, f->tag) ||
            left_in(l, source, f, mourn) == 0)
            continue;
        if (is_enough(l, rank, op, source, f, mourn))
            found = TRAFFIC_REACHES;
        else if (is_contested(r, op, source, f))
            found = TRAFFIC_TAKEN;
    }
    return found;
}

enum traffic traffic_for(const struct look *l, int rank, int op, bool mourn)
{
    const struct look_rank *r = &l->ranks[rank];
    int peer = r->ops[op].peer;
    if (r->counts_lost)
        return TRAFFIC_REACHES;
    if (peer != LOOK_ANY)
        return from_one(l, peer, rank, op, mourn);
    enum traffic found = TRAFFIC_NONE;
    for (int s = 0; s < l->size && found != TRAFFIC_REACHES; s++) {
        enum traffic from = from_one(l, s, rank, op, mourn);
        found = from > found ? from : found;
    }
    return found;
}

bool traffic_is_taken(const struct look *l, int rank, int op, bool mourn)
{
    const struct look_op *o = &l->ranks[rank].ops[op];
    const struct look_rank *r = &l->ranks[o->peer];
    if (r->counts_lost || r->ops_lost || l->ranks[rank].counts_lost ||
        o->comm == LOOK_UNKNOWN || is_coarse(l, rank, o->peer))
        return true;
    uint64_t takes = received_of(r, rank, o->comm, o->tag);
    size_t posted = is_mourned(l, o->peer, mourn) ? 0 : r->op_count;
    for (size_t i = 0; i < posted; i++)
        takes += r->ops[i].kind == LOOK_RECV &&
                 traffic_fits(&r->ops[i], rank, o->comm, o->tag);
    return takes >= o->index;
}
