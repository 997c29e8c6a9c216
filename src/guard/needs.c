/* needs.c - which ranks each blocked rank needs: a look, read as an and-or graph
 *
 * Read for proof, an operation needs a rank only if no implementation of MPI could end
 * it without that rank's doing something that it has not begun:
 *
 *     receive, probe       any possible source, unless a message may be under way
 *     synchronous send     the destination, unless a posted receive may take it
 *     other sends          nobody: may be buffered
 *     collectives          by whose data the result holds (table below); nobody where
 *                          an implementation may do without (`loose`)
 *
 * Read for likelihood, sends need a receive, and collectives all members: trees
 * and pipelines pass data through ranks that only take part. A rank that polls needs
 * what it polls for.
 */
#include "guard/needs.h"

#include <stdlib.h>
#include <string.h>

#include "guard/traffic.h"
#include "guard/verdict.h"
#include "rota.h"

/* Whose coming is certain to be needed. */
enum needed {
    NOBODY,
    EVERYBODY,
    THE_ROOT,     /* by all others */
    FOR_THE_ROOT, /* all others, by the root */
    THE_LOWER,    /* those before it in the communicator */
};

static const enum needed certain[LOOK_COLLECTIVES] = {
    [LOOK_BARRIER] = EVERYBODY,
    [LOOK_BCAST] = THE_ROOT,
    [LOOK_REDUCE] = FOR_THE_ROOT,
    [LOOK_GATHER] = FOR_THE_ROOT,
    [LOOK_GATHERV] = FOR_THE_ROOT,
    [LOOK_SCATTER] = THE_ROOT,
    [LOOK_SCATTERV] = THE_ROOT,
    [LOOK_ALLREDUCE] = EVERYBODY,
    [LOOK_ALLGATHER] = EVERYBODY,
    [LOOK_ALLGATHERV] = EVERYBODY,
    [LOOK_ALLTOALL] = EVERYBODY,
    [LOOK_ALLTOALLV] = EVERYBODY,
    [LOOK_ALLTOALLW] = EVERYBODY,
    [LOOK_REDUCE_SCATTER] = EVERYBODY,
    [LOOK_REDUCE_SCATTER_BLOCK] = EVERYBODY,
    [LOOK_SCAN] = THE_LOWER,
    [LOOK_EXSCAN] = THE_LOWER,
    [LOOK_NEIGHBOR] = NOBODY,
    [LOOK_CONSTRUCT] = EVERYBODY,
    [LOOK_RELEASE] = NOBODY,
    [LOOK_FENCE] = EVERYBODY,
    [LOOK_FILE] = NOBODY,
    [LOOK_INIT] = NOBODY,
};

struct reader {
    const struct look *look;
    const struct needs_reading *how;
    struct needs *out;
    size_t list_room;
    size_t ranks_room;
    bool nomem;
};

/* What an operation comes to. */
enum outcome {
    MAY_END,
    NEEDS, /* a need has been added */
};

static void *grow(struct reader *rd, void *items, size_t count, size_t *room,
                  size_t size)
{
    if (count < *room)
        return items;
    size_t more = *room == 0 ? 64 : 2 * *room;
    void *grown = reallocarray(items, more, size);
    if (grown == NULL) {
        rd->nomem = true;
        return items;
    }
    *room = more;
    return grown;
}

static void need_begin(struct reader *rd, int rank, int op, bool all)
{
    struct needs *n = rd->out;
    n->list = grow(rd, n->list, n->count, &rd->list_room, sizeof(*n->list));
    if (rd->nomem)
        return;
    n->list[n->count++] =
        (struct need){.rank = rank, .op = op, .all = all, .on = n->rank_count};
}

static void need_add(struct reader *rd, int on)
{
    struct needs *n = rd->out;
    n->ranks = grow(rd, n->ranks, n->rank_count, &rd->ranks_room, sizeof(*n->ranks));
    if (rd->nomem)
        return;
    n->ranks[n->rank_count++] = on;
    n->list[n->count - 1].on_count++;
}

/* The last need was none after all. */
static void need_drop(struct reader *rd)
{
    struct needs *n = rd->out;
    if (rd->nomem)
        return;
    n->count--;
    n->rank_count = n->list[n->count].on;
}

static void need_doubt(struct reader *rd, unsigned doubt)
{
    if (!rd->nomem)
        rd->out->list[rd->out->count - 1].doubts |= doubt;
}

static bool is_rank(const struct look *l, int rank)
{
    return rank >= 0 && rank < l->size;
}

static int place_in(const struct look_comm *c, int rank)
{
    for (size_t i = 0; i < c->member_count; i++) {
        if (c->members[i] == rank)
            return (int)i;
    }
    return -1;
}

/* The members that the one at `place` speaks with, from *from to *to - 1: the other
 * group of an intercommunicator, else all. */
static void counterparts(const struct look_comm *c, int place, size_t *from, size_t *to)
{
    *from = 0;
    *to = c->member_count;
    if (c->local_count == c->member_count)
        return;
    if ((size_t)place < c->local_count)
        *from = c->local_count;
    else
        *to = c->local_count;
}

/* --- receives and sends ----------------------------------------------------------- */

static enum outcome need_any_source(struct reader *rd, int rank, int op,
                                    const struct look_comm *c)
{
    int place = c == NULL || c->open ? -1 : place_in(c, rank);
    if (place < 0)
        return MAY_END;
    size_t from;
    size_t to;
    counterparts(c, place, &from, &to);
    for (size_t i = from; i < to; i++) {
        if (!is_rank(rd->look, c->members[i]))
            return MAY_END;
    }
    need_begin(rd, rank, op, false);
    for (size_t i = from; i < to; i++)
        need_add(rd, c->members[i]);
    return NEEDS;
}

static enum outcome need_one(struct reader *rd, int rank, int op, int peer,
                             unsigned doubts)
{
    need_begin(rd, rank, op, false);
    need_add(rd, peer);
    need_doubt(rd, doubts);
    return NEEDS;
}

static enum outcome need_anybody(struct reader *rd, int rank, int op)
{
    need_begin(rd, rank, op, false);
    for (int i = 0; i < rd->look->size; i++)
        need_add(rd, i);
    return NEEDS;
}

static enum outcome receive(struct reader *rd, int rank, int op)
{
    const struct look *l = rd->look;
    const struct look_op *o = &l->ranks[rank].ops[op];
    bool likely = rd->how->likely;
    if (o->peer != LOOK_ANY && !is_rank(l, o->peer))
        return MAY_END;
    enum traffic traffic = traffic_for(l, rank, op, likely);
    if (traffic == TRAFFIC_REACHES)
        return MAY_END;
    enum outcome outcome;
    if (traffic == TRAFFIC_TAKEN)
        outcome = need_anybody(rd, rank, op);
    else if (o->peer == LOOK_ANY)
        outcome = need_any_source(rd, rank, op, look_find_comm(l, o->comm));
    else
        outcome = need_one(rd, rank, op, o->peer, 0);
    /* Sent by somebody who died over it: it is not certain that it will not come. */
    if (outcome == NEEDS && likely && traffic_for(l, rank, op, false) != traffic)
        need_doubt(rd, VERDICT_MIDST);
    return outcome;
}

static enum outcome send(struct reader *rd, int rank, int op)
{
    const struct look_op *o = &rd->look->ranks[rank].ops[op];
    bool certain_to_need = o->kind == LOOK_SSEND;
    bool likely = rd->how->likely;
    if (!is_rank(rd->look, o->peer) || (!certain_to_need && !likely) ||
        traffic_is_taken(rd->look, rank, op, likely))
        return MAY_END;
    need_one(rd, rank, op, o->peer, certain_to_need ? 0 : VERDICT_BUFFERED);
    if (likely && traffic_is_taken(rd->look, rank, op, false))
        need_doubt(rd, VERDICT_MIDST);
    return NEEDS;
}

/* --- collectives ------------------------------------------------------------------ */

static bool has_op(const struct look_rank *r, const struct look_op *o)
{
    for (size_t i = 0; i < r->op_count; i++) {
        const struct look_op *p = &r->ops[i];
        if (p->kind == LOOK_COLLECTIVE && p->comm == o->comm && p->index == o->index &&
            p->collective == o->collective)
            return true;
    }
    return false;
}

/* Has the rank begun the collective that `o` is? Yes also where it can't be known. */
static bool has_begun(const struct look_rank *r, const struct look_op *o)
{
    if (o->collective == LOOK_INIT)
        return r->initialized || has_op(r, o);
    if (r->calls_lost)
        return true;
    for (size_t i = 0; i < r->calls_count; i++) {
        if (r->calls[i].comm == o->comm)
            return r->calls[i].begun >= o->index;
    }
    return false;
}

/* Is one at `place` certain to need one at `other`? */
static bool is_certain(const struct look_op *o, const struct look_comm *c, size_t place,
                       size_t other)
{
    bool inter = c->local_count != c->member_count;
    if (o->loose || (inter && (place < c->local_count) == (other < c->local_count)))
        return false;
    switch (certain[o->collective]) {
    case EVERYBODY:
        return true;
    case THE_ROOT:
        return !inter && c->members[other] == o->root;
    case FOR_THE_ROOT:
        return !inter && c->members[place] == o->root;
    case THE_LOWER:
        return other < place;
    case NOBODY:
        break;
    }
    return false;
}

/* The member at `other` is missing in the collective `o`: may `o` end without it? Adds
 * it to the need that has begun, or doesn't. */
static void weigh_member(struct reader *rd, const struct look_op *o,
                         const struct look_comm *c, size_t place, size_t other)
{
    const struct look_rank *m = &rd->look->ranks[c->members[other]];
    bool begun = has_begun(m, o);
    /* Left in it: what it had to give may have been given, or not. */
    bool fell = begun && m->state >= LOOK_FINALIZING && has_op(m, o);
    bool sure = is_certain(o, c, place, other);
    if ((begun && !fell) || ((fell || !sure) && !rd->how->likely))
        return;
    need_add(rd, c->members[other]);
    need_doubt(rd, fell ? VERDICT_MIDST : sure ? 0 : VERDICT_LOOSE);
}

static enum outcome need_members(struct reader *rd, int rank, int op,
                                 const struct look_comm *c)
{
    const struct look_op *o = &rd->look->ranks[rank].ops[op];
    int place = c == NULL || c->open ? -1 : place_in(c, rank);
    if (place < 0)
        return MAY_END;
    need_begin(rd, rank, op, true);
    for (size_t i = 0; i < c->member_count && !rd->nomem; i++) {
        if (i != (size_t)place && is_rank(rd->look, c->members[i]))
            weigh_member(rd, o, c, (size_t)place, i);
    }
    if (rd->nomem || rd->out->list[rd->out->count - 1].on_count > 0)
        return NEEDS;
    need_drop(rd);
    return MAY_END;
}

/* MPI_Init: no communicator is known yet. */
static enum outcome need_starters(struct reader *rd, int rank, int op)
{
    const struct look *l = rd->look;
    if (!rd->how->likely)
        return MAY_END;
    need_begin(rd, rank, op, true);
    for (int i = 0; i < l->size; i++) {
        if (!has_begun(&l->ranks[i], &l->ranks[rank].ops[op]))
            need_add(rd, i);
    }
    need_doubt(rd, VERDICT_LOOSE);
    if (rd->nomem || rd->out->list[rd->out->count - 1].on_count > 0)
        return NEEDS;
    need_drop(rd);
    return MAY_END;
}

static enum outcome collective(struct reader *rd, int rank, int op)
{
    const struct look_op *o = &rd->look->ranks[rank].ops[op];
    if (o->collective == LOOK_INIT)
        return need_starters(rd, rank, op);
    return need_members(rd, rank, op, look_find_comm(rd->look, o->comm));
}

/* --- ranks ------------------------------------------------------------------------ */

static enum outcome weigh(struct reader *rd, int rank, int op)
{
    const struct look_op *o = &rd->look->ranks[rank].ops[op];
    switch (o->kind) {
    case LOOK_RECV:
    case LOOK_PROBE:
        return receive(rd, rank, op);
    case LOOK_SSEND:
    case LOOK_SEND:
        return send(rd, rank, op);
    case LOOK_COLLECTIVE:
        return collective(rd, rank, op);
    case LOOK_LOCK:
        if (!rd->how->likely || !is_rank(rd->look, o->peer))
            return MAY_END;
        return need_one(rd, rank, op, o->peer, VERDICT_LOCK);
    case LOOK_OWN:
        return need_one(rd, rank, op, rank, 0);
    case LOOK_FREE:
        break;
    }
    return MAY_END;
}

/* What the rank needs, if it waits for all of its awaited operations or for any. One
 * that polls may ask for its other operations in turn; but what has been there for
 * long, and was not asked for, it does not. */
static enum need_stand weigh_ops(struct reader *rd, int rank, bool any)
{
    const struct look_rank *r = &rd->look->ranks[rank];
    bool polls = r->state == LOOK_POLLING;
    bool needs = false;
    for (size_t i = 0; i < r->op_count && !rd->nomem; i++) {
        if (!r->ops[i].awaited && !polls)
            continue;
        bool held = weigh(rd, rank, (int)i) == NEEDS;
        if (held && polls)
            need_doubt(rd, VERDICT_POLLING);
        if (held && r->threads)
            need_doubt(rd, VERDICT_THREADS);
        if (!held && any && r->ops[i].awaited)
            return NEED_NOTHING;
        needs |= held;
    }
    return needs ? NEED_RANKS : NEED_NOTHING;
}

static bool is_quiet(const struct reader *rd, const struct look_rank *r)
{
    int64_t last = r->progress_ns;
    if (r->state != LOOK_POLLING && r->since_ns > last)
        last = r->since_ns;
    return rd->look->now_ns - last >= rd->how->quiet_ns;
}

/* All are in MPI_Finalize, or past it, and have been for long: they wait for MPI, which
 * is all of them. */
static void weigh_ending(struct reader *rd)
{
    const struct look *l = rd->look;
    for (int i = 0; i < l->size && !rd->nomem; i++) {
        const struct look_rank *r = &l->ranks[i];
        if (r->state != LOOK_FINALIZING)
            continue;
        if (!r->steady || !is_quiet(rd, r)) {
            need_drop(rd);
            return;
        }
        need_add(rd, i);
    }
    need_doubt(rd, VERDICT_ENDING);
}

/* MPI_Finalize waits for all under some implementations, */
static void weigh_finalize(struct reader *rd, int rank)
{
    const struct look *l = rd->look;
    need_begin(rd, rank, -1, true);
    for (int i = 0; i < l->size && !rd->nomem; i++) {
        enum look_state s = l->ranks[i].state;
        if (s == LOOK_FINALIZING || s == LOOK_FINALIZED ||
            (s == LOOK_GONE && l->ranks[i].finalized))
            continue;
        need_add(rd, i);
        need_doubt(rd, s == LOOK_GONE ? VERDICT_MIDST : 0);
    }
    if (rd->nomem || rd->out->list[rd->out->count - 1].on_count > 0)
        need_doubt(rd, VERDICT_LOOSE);
    else if (rd->how->ending)
        weigh_ending(rd);
    else
        need_drop(rd);
}

/* and for requests that the program should have ended. */
static void weigh_unfinished(struct reader *rd, int rank)
{
    for (size_t i = 0; i < rd->look->ranks[rank].op_count && !rd->nomem; i++) {
        if (weigh(rd, rank, (int)i) == NEEDS)
            need_doubt(rd, VERDICT_MIDST);
    }
}

static enum need_stand weigh_rank(struct reader *rd, int rank)
{
    const struct look_rank *r = &rd->look->ranks[rank];
    bool likely = rd->how->likely;
    switch (r->state) {
    case LOOK_GONE:
    case LOOK_FINALIZED:
        return NEED_LEFT;
    case LOOK_FINALIZING:
        if (likely && r->steady && is_quiet(rd, r)) {
            weigh_finalize(rd, rank);
            weigh_unfinished(rd, rank);
        }
        return NEED_LEFT;
    case LOOK_BLOCKED:
        if (!r->steady || (r->any && r->ops_lost) || (r->threads && !likely) ||
            (likely && !is_quiet(rd, r)))
            return NEED_NOTHING;
        return weigh_ops(rd, rank, r->any);
    case LOOK_POLLING:
        if (!likely || !r->steady || r->ops_lost || !is_quiet(rd, r))
            return NEED_NOTHING;
        return weigh_ops(rd, rank, true);
    case LOOK_UNSEEN:
    case LOOK_RUNNING:
        break;
    }
    return NEED_NOTHING;
}

int needs_of(const struct look *l, const struct needs_reading *reading,
             struct needs *out)
{
    *out = (struct needs){.size = l->size};
    out->stand = calloc((size_t)l->size, sizeof(*out->stand));
    out->first = calloc((size_t)l->size + 1, sizeof(*out->first));
    if (out->stand == NULL || out->first == NULL)
        return ROTA_E_NOMEM;
    struct reader rd = {.look = l, .how = reading, .out = out};
    for (int i = 0; i < l->size && !rd.nomem; i++) {
        out->first[i] = out->count;
        out->stand[i] = weigh_rank(&rd, i);
        if (out->stand[i] == NEED_NOTHING) { /* what was found of it says nothing */
            while (!rd.nomem && out->count > out->first[i])
                need_drop(&rd);
        }
    }
    out->first[l->size] = out->count;
    return rd.nomem ? ROTA_E_NOMEM : 0;
}

void needs_done(struct needs *n)
{
    free(n->stand);
    free(n->first);
    free(n->list);
    free(n->ranks);
}
