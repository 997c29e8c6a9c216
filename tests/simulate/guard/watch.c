/* watch.c - looks at the ranks of the tiny MPI, taken bit by bit while they go on
 *
 * Sees what is written down, and nothing else: not where a message is, nor whether a
 * call has taken effect.
 */
#include "watch.h"

#include <stdlib.h>

/* Communicator `comm` as the look knows it. */
static uint64_t id_of(int comm)
{
    return (uint64_t)comm + 100;
}

static bool blurred(struct watch *w, enum blur blur)
{
    return w->blur == blur && dice_one_in(w->dice, 2);
}

static void sure(const void *p)
{
    if (p == NULL)
        abort();
}

static void see_comms(struct watch *w, const struct program *p)
{
    for (int c = 0; c < COMMS; c++) {
        int members[RANKS_MOST];
        size_t n = 0;
        for (int i = 0; i < p->ranks; i++) {
            if (p->members[c][i])
                members[n++] = i;
        }
        if (blurred(w, BLUR_COMMS))
            continue;
        if (look_add_comm(w->look, id_of(c), NULL, members, n, n) != 0)
            abort();
        w->look->comms[w->look->comm_count - 1].open = blurred(w, BLUR_MEMBERS);
    }
}

void watch_begin(struct watch *w, const struct program *p, enum blur blur)
{
    w->blur = blur;
    if (w->look != NULL && w->look->size != p->ranks) {
        look_free(w->look);
        w->look = NULL;
    }
    if (w->look == NULL && look_new(p->ranks, &w->look) != 0)
        abort();
    look_clear(w->look);
    see_comms(w, p);
    w->next = 0;
}

static void see_op(struct watch *w, struct look_rank *to, const struct request *r)
{
    if (blurred(w, BLUR_OPS)) {
        to->ops_lost = true;
        return;
    }
    struct look_op *o = look_add_op(to);
    sure(o);
    *o =
        (struct look_op){.kind = r->kind,
                         .awaited = r->awaited,
                         .loose = r->loose,
                         .comm = blurred(w, BLUR_COMMS) ? LOOK_UNKNOWN : id_of(r->comm),
                         .peer = r->peer,
                         .tag = r->tag,
                         .index = r->index,
                         .collective = r->collective,
                         .root = r->root,
                         .nonblocking = r->nonblocking,
                         .size_bytes = -1,
                         .call = "MPI_Call"};
}

/* The flow of a rank to add to. */
static struct look_flow *flow_of(struct look_rank *r, uint64_t comm, int peer, int tag)
{
    for (size_t i = 0; i < r->flow_count; i++) {
        struct look_flow *f = &r->flows[i];
        if (f->comm == comm && f->peer == peer && f->tag == tag)
            return f;
    }
    struct look_flow *f = look_add_flow(r);
    sure(f);
    *f = (struct look_flow){.comm = comm, .peer = peer, .tag = tag};
    return f;
}

static void see_flow(struct watch *w, const struct mpi *m, int rank, int peer, int comm,
                     int tag)
{
    int sent = m->sent[rank][peer][comm][tag];
    int received = m->received[rank][peer][comm][tag];
    if (sent == 0 && received == 0)
        return;
    struct look_rank *r = &w->look->ranks[rank];
    if (blurred(w, BLUR_COUNTS)) {
        r->counts_lost = true;
        return;
    }
    bool coarse = blurred(w, BLUR_TAGS);
    struct look_flow *f = flow_of(r, id_of(comm), peer, coarse ? LOOK_OTHER : tag);
    f->sent += (uint64_t)sent;
    f->received += (uint64_t)received;
}

static void see_calls(struct watch *w, const struct mpi *m, int rank, int comm)
{
    struct look_rank *r = &w->look->ranks[rank];
    if (blurred(w, BLUR_CALLS)) {
        r->calls_lost = true;
        return;
    }
    if (m->begun[comm][rank] == 0)
        return;
    struct look_calls *calls = look_add_calls(r);
    sure(calls);
    *calls = (struct look_calls){.comm = id_of(comm),
                                 .begun = (uint64_t)m->begun[comm][rank]};
}

static void see_doing(struct watch *w, const struct mpi *m, const struct clocks *c,
                      int rank)
{
    const struct process *pr = &m->process[rank];
    struct look_rank *r = &w->look->ranks[rank];
    r->state = pr->state;
    r->any = pr->any;
    r->finalized = pr->finalized;
    r->how = pr->killed ? LOOK_KILLED : LOOK_EXITED;
    r->since_ns = c->since[rank];
    r->progress_ns = c->progress[rank];
    r->initialized = true;
    r->threads = blurred(w, BLUR_THREADS);
    for (int i = 0; i < pr->requests; i++)
        see_op(w, r, &pr->request[i]);
    w->epoch[rank] = c->epoch[rank];
    w->progress[rank] = c->progress[rank];
}

static void see_counts(struct watch *w, const struct mpi *m, const struct program *p,
                       int rank)
{
    for (int comm = 0; comm < COMMS; comm++) {
        see_calls(w, m, rank, comm);
        for (int peer = 0; peer < p->ranks; peer++) {
            for (int tag = 0; tag < TAGS; tag++)
                see_flow(w, m, rank, peer, comm, tag);
        }
    }
}

static void see_again(struct watch *w, const struct clocks *c, int rank)
{
    struct look_rank *r = &w->look->ranks[rank];
    if (r->state == LOOK_POLLING)
        r->steady = w->progress[rank] == c->progress[rank];
    else
        r->steady = w->epoch[rank] == c->epoch[rank];
}

bool watch_more(struct watch *w, const struct mpi *m, const struct clocks *c,
                const struct program *p)
{
    int glance = w->next++;
    if (glance >= 2 * p->ranks)
        see_again(w, c, glance - 2 * p->ranks);
    else if (glance % 2 == 0)
        see_doing(w, m, c, glance / 2);
    else
        see_counts(w, m, p, glance / 2);
    w->look->now_ns = c->now;
    return w->next == 3 * p->ranks;
}
