/* tiny.c - a tiny MPI: what a standard-conforming one may do, step by step
 *
 * Written from MPI's rules and not from the verdict's: who needs whom is said here a
 * second time, in another way.
 */
#include "tiny.h"

#include <string.h>

/* --- messages --------------------------------------------------------------------- */

static bool fits(const struct request *r, const struct message *msg)
{
    return r->comm == msg->comm && (r->peer == LOOK_ANY || r->peer == msg->from) &&
           (r->tag == LOOK_ANY || r->tag == msg->tag);
}

/* The message that arrived first of those that fit and have not been taken; -1: none.
 */
static int unexpected(const struct mpi *m, const struct request *r, int rank)
{
    int found = -1;
    for (int i = 0; i < m->messages; i++) {
        const struct message *msg = &m->message[i];
        if (msg->where == ARRIVED && msg->to == rank && fits(r, msg) &&
            (found < 0 || msg->arrival < m->message[found].arrival))
            found = i;
    }
    return found;
}

static void arrive(struct mpi *m, int message)
{
    struct message *msg = &m->message[message];
    struct process *to = &m->process[msg->to];
    for (int i = 0; i < to->requests; i++) {
        struct request *r = &to->request[i];
        if (r->kind == LOOK_RECV && r->posted && r->message < 0 && fits(r, msg)) {
            r->message = message;
            msg->where = TAKEN;
            return;
        }
    }
    msg->where = ARRIVED;
    msg->arrival = m->arrivals++;
}

/* Messages between two on a communicator do not overtake. */
static bool may_arrive(const struct mpi *m, int message)
{
    const struct message *msg = &m->message[message];
    for (int i = 0; i < message; i++) {
        const struct message *other = &m->message[i];
        if (other->where == TRANSIT && other->from == msg->from &&
            other->to == msg->to && other->comm == msg->comm)
            return false;
    }
    return msg->where == TRANSIT;
}

/* --- requests --------------------------------------------------------------------- */

static void post(struct mpi *m, int rank, struct request *r)
{
    r->posted = true;
    if (r->kind == LOOK_COLLECTIVE)
        m->entered[r->comm][rank]++;
    if (r->kind == LOOK_RECV) {
        r->message = unexpected(m, r, rank);
        if (r->message >= 0)
            m->message[r->message].where = TAKEN;
    }
    if (r->kind == LOOK_SEND || r->kind == LOOK_SSEND) {
        r->message = m->messages++;
        m->message[r->message] = (struct message){.from = rank,
                                                  .to = r->peer,
                                                  .comm = r->comm,
                                                  .tag = r->tag,
                                                  .where = TRANSIT,
                                                  .synchronous = r->kind == LOOK_SSEND};
    }
}

/* Does the result of the collective at `rank` hold something of `other`'s, or say that
 * it has come? */
static bool depends(const struct request *r, int rank, int other)
{
    switch (r->collective) {
    case LOOK_BCAST:
    case LOOK_SCATTER:
        return other == r->root;
    case LOOK_REDUCE:
    case LOOK_GATHER:
        return rank == r->root;
    case LOOK_SCAN:
        return other < rank;
    default:
        return true;
    }
}

static bool collective_is_done(const struct mpi *m, const struct program *p, int rank,
                               const struct request *r)
{
    for (int i = 0; i < p->ranks; i++) {
        bool needed = p->closed || (!r->loose && depends(r, rank, i));
        if (i != rank && p->members[r->comm][i] && needed &&
            m->entered[r->comm][i] < (int)r->index)
            return false;
    }
    return true;
}

static bool is_done(const struct mpi *m, const struct program *p, int rank,
                    const struct request *r)
{
    if (!r->posted)
        return false;
    switch (r->kind) {
    case LOOK_SEND:
        if (m->message[r->message].buffered)
            return true;
        __attribute__((fallthrough));
    case LOOK_SSEND:
        return m->message[r->message].where == TAKEN;
    case LOOK_RECV:
        return r->message >= 0;
    case LOOK_PROBE:
        return unexpected(m, r, rank) >= 0;
    case LOOK_COLLECTIVE:
        return collective_is_done(m, p, rank, r);
    default:
        return true;
    }
}

/* --- calls ----------------------------------------------------------------------- */

static bool is_poll(enum act act)
{
    return act == ACT_POLL_PROBE || act == ACT_POLL_TEST;
}

static enum look_kind kind_of(enum act act)
{
    switch (act) {
    case ACT_SEND:
    case ACT_ISEND:
        return LOOK_SEND;
    case ACT_SSEND:
    case ACT_ISSEND:
        return LOOK_SSEND;
    case ACT_RECV:
    case ACT_IRECV:
        return LOOK_RECV;
    case ACT_COLLECTIVE:
    case ACT_ICOLLECTIVE:
        return LOOK_COLLECTIVE;
    case ACT_PROBE:
    case ACT_POLL_PROBE:
        return LOOK_PROBE;
    default:
        return LOOK_FREE;
    }
}

static bool makes_request(enum act act)
{
    return (act >= ACT_SEND && act <= ACT_PROBE) || act == ACT_POLL_PROBE;
}

/* Write down the operation that begins. */
static void write_down(struct mpi *m, int rank, const struct step *s)
{
    struct process *pr = &m->process[rank];
    struct request *r = &pr->request[pr->requests++];
    *r = (struct request){.kind = kind_of(s->act),
                          .comm = s->comm,
                          .peer = s->peer,
                          .tag = s->tag,
                          .collective = s->collective,
                          .root = s->root,
                          .loose = s->loose,
                          .nonblocking = s->act == ACT_ICOLLECTIVE,
                          .awaited = s->act <= ACT_OTHER || s->act == ACT_PROBE ||
                                     s->act == ACT_POLL_PROBE,
                          .message = -1};
    if (r->kind == LOOK_SEND || r->kind == LOOK_SSEND)
        r->index = (uint64_t)++m->sent[rank][s->peer][s->comm][s->tag];
    if (r->kind == LOOK_COLLECTIVE)
        r->index = (uint64_t)++m->begun[s->comm][rank];
}

static void enter(struct mpi *m, int rank, const struct step *s)
{
    struct process *pr = &m->process[rank];
    pr->any = s->act == ACT_WAITANY;
    pr->phase = ENTERED;
    if (makes_request(s->act))
        write_down(m, rank, s);
    for (int i = 0; i < pr->requests; i++) {
        if (s->act == ACT_WAITALL || s->act == ACT_WAITANY || s->act == ACT_POLL_TEST)
            pr->request[i].awaited = true;
    }
    if (s->act == ACT_FINALIZE)
        pr->state = LOOK_FINALIZING;
    else if ((s->act >= ACT_SEND && s->act <= ACT_OTHER) ||
             (s->act >= ACT_PROBE && s->act <= ACT_WAITANY))
        pr->state = LOOK_BLOCKED;
}

/* Is what the call waits for there? */
static bool can_return(const struct mpi *m, const struct program *p, int rank)
{
    const struct process *pr = &m->process[rank];
    enum act act = mpi_step(m, p, rank)->act;
    int awaited = 0;
    int done = 0;
    for (int i = 0; i < pr->requests; i++) {
        if (!pr->request[i].awaited)
            continue;
        awaited++;
        done += is_done(m, p, rank, &pr->request[i]);
    }
    if (act == ACT_WAITANY || act == ACT_POLL_TEST)
        return awaited == 0 || done > 0;
    return done == awaited;
}

static bool finalize_may_return(const struct mpi *m, const struct program *p)
{
    for (int i = 0; p->stingy && i < p->ranks; i++) {
        const struct process *pr = &m->process[i];
        if (pr->state != LOOK_FINALIZING && !pr->finalized)
            return false;
    }
    return true;
}

static void take_effect(struct mpi *m, const struct program *p, int rank)
{
    struct process *pr = &m->process[rank];
    if (makes_request(mpi_step(m, p, rank)->act))
        post(m, rank, &pr->request[pr->requests - 1]);
    pr->phase = INSIDE;
}

static void complete(struct mpi *m, const struct program *p, int rank)
{
    struct process *pr = &m->process[rank];
    bool one = mpi_step(m, p, rank)->act == ACT_WAITANY;
    for (int i = 0; i < pr->requests; i++) {
        struct request *r = &pr->request[i];
        if (!r->awaited || !is_done(m, p, rank, r))
            continue;
        r->ended = true;
        if (one)
            break;
    }
    pr->phase = LEAVING;
}

static void forget_ended(struct process *pr)
{
    int kept = 0;
    for (int i = 0; i < pr->requests; i++) {
        if (!pr->request[i].ended) {
            pr->request[kept] = pr->request[i];
            pr->request[kept++].awaited = false;
        }
    }
    memset(&pr->request[kept], 0,
           (size_t)(pr->requests - kept) * sizeof(pr->request[0]));
    pr->requests = kept;
}

static void leave(struct mpi *m, const struct program *p, int rank)
{
    struct process *pr = &m->process[rank];
    for (int i = 0; i < pr->requests; i++) {
        const struct request *r = &pr->request[i];
        if (r->ended && r->kind == LOOK_RECV) {
            const struct message *msg = &m->message[r->message];
            m->received[rank][msg->from][msg->comm][msg->tag]++;
        }
    }
    forget_ended(pr);
    bool finalizes = mpi_step(m, p, rank)->act == ACT_FINALIZE;
    pr->state = finalizes ? LOOK_FINALIZED : LOOK_RUNNING;
    pr->finalized |= finalizes;
    pr->phase = OUTSIDE;
    pr->any = false;
    pr->pc++;
}

/* The poll finds nothing: what it asked for stays written down. */
static void poll_in_vain(struct mpi *m, int rank)
{
    m->process[rank].state = LOOK_POLLING;
}

static void advance(struct mpi *m, const struct program *p, int rank)
{
    struct process *pr = &m->process[rank];
    const struct step *s = mpi_step(m, p, rank);
    switch (pr->phase) {
    case OUTSIDE:
        if (s->act == ACT_COMPUTE)
            pr->pc++;
        else if (s->act == ACT_EXIT)
            pr->state = LOOK_GONE;
        else
            enter(m, rank, s);
        break;
    case ENTERED:
        take_effect(m, p, rank);
        break;
    case INSIDE:
        if (is_poll(s->act) && !can_return(m, p, rank))
            poll_in_vain(m, rank);
        else
            complete(m, p, rank);
        break;
    case LEAVING:
        leave(m, p, rank);
        break;
    }
}

/* --- moves ----------------------------------------------------------------------- */

static bool may_advance(const struct mpi *m, const struct program *p, int rank)
{
    const struct process *pr = &m->process[rank];
    enum act act = mpi_step(m, p, rank)->act;
    if (pr->state == LOOK_GONE)
        return false;
    if (pr->phase != INSIDE)
        return true;
    if (act == ACT_FINALIZE)
        return finalize_may_return(m, p);
    return can_return(m, p, rank) || (is_poll(act) && pr->state != LOOK_POLLING);
}

static bool was_killed(const struct mpi *m, int rank)
{
    return m->process[rank].killed;
}

void mpi_start(struct mpi *m, const struct program *p)
{
    memset(m, 0, sizeof(*m));
    for (int i = 0; i < p->ranks; i++)
        m->process[i].state = LOOK_RUNNING;
}

int mpi_moves(const struct mpi *m, const struct program *p, struct move *moves)
{
    int n = 0;
    for (int i = 0; i < p->ranks; i++) {
        if (may_advance(m, p, i))
            moves[n++] = (struct move){MOVE_RANK, i};
        if (p->mortal && m->process[i].state != LOOK_GONE)
            moves[n++] = (struct move){MOVE_KILL, i};
    }
    for (int i = 0; i < m->messages; i++) {
        const struct message *msg = &m->message[i];
        if (may_arrive(m, i))
            moves[n++] = (struct move){MOVE_ARRIVE, i};
        if (!p->stingy && !msg->synchronous && !msg->buffered && msg->where != TAKEN)
            moves[n++] = (struct move){MOVE_BUFFER, i};
        if (msg->where == TRANSIT && was_killed(m, msg->from))
            moves[n++] = (struct move){MOVE_LOSE, i};
    }
    return n;
}

void mpi_make(struct mpi *m, const struct program *p, struct move move)
{
    switch (move.kind) {
    case MOVE_RANK:
        advance(m, p, move.which);
        break;
    case MOVE_KILL:
        m->process[move.which].state = LOOK_GONE;
        m->process[move.which].killed = true;
        break;
    case MOVE_ARRIVE:
        arrive(m, move.which);
        break;
    case MOVE_BUFFER:
        m->message[move.which].buffered = true;
        break;
    case MOVE_LOSE:
        m->message[move.which].where = LOST;
        break;
    }
}

bool mpi_completes(const struct mpi *m, const struct program *p, struct move move,
                   int rank)
{
    const struct process *pr = &m->process[rank];
    if (move.kind != MOVE_RANK || move.which != rank)
        return false;
    if (pr->phase != INSIDE)
        return pr->phase != ENTERED;
    return mpi_step(m, p, rank)->act == ACT_FINALIZE || can_return(m, p, rank);
}
