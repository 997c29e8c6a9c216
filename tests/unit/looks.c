/* looks.c - looks made by hand, for the tests of the verdict and the report */
#include "looks.h"

#include <stdlib.h>

#include "base/clock.h"

static void sure(bool well)
{
    if (!well)
        abort();
}

struct look *looks_new(int size)
{
    struct look *l = NULL;
    sure(look_new(size, &l) == 0);
    int *members = calloc((size_t)size, sizeof(*members));
    sure(members != NULL);
    for (int i = 0; i < size; i++) {
        members[i] = i;
        l->ranks[i].state = LOOK_RUNNING;
        l->ranks[i].initialized = true;
        l->ranks[i].steady = true;
    }
    sure(look_add_comm(l, WORLD, "MPI_COMM_WORLD", members, (size_t)size,
                       (size_t)size) == 0);
    free(members);
    l->now_ns = 10 * NS_PER_SEC;
    return l;
}

struct look_rank *looks_block(struct look *l, int rank, const char *call,
                              const char *site)
{
    struct look_rank *r = &l->ranks[rank];
    r->state = LOOK_BLOCKED;
    r->call = call;
    r->site.text = site;
    r->since_ns = l->now_ns - 400 * NS_PER_MS;
    r->progress_ns = r->since_ns;
    return r;
}

static struct look_op *add_op(struct look *l, int rank, enum look_kind kind)
{
    struct look_rank *r = &l->ranks[rank];
    struct look_op *o = look_add_op(r);
    sure(o != NULL);
    o->kind = kind;
    o->awaited = true;
    o->comm = WORLD;
    o->root = LOOK_NONE;
    o->size_bytes = -1;
    o->call = r->call == NULL ? "MPI_Call" : r->call;
    return o;
}

struct look_op *looks_recv(struct look *l, int rank, int peer, int tag)
{
    struct look_op *o = add_op(l, rank, LOOK_RECV);
    o->peer = peer;
    o->tag = tag;
    return o;
}

static struct look_flow *flow(struct look *l, int rank, int peer, int tag)
{
    struct look_rank *r = &l->ranks[rank];
    for (size_t i = 0; i < r->flow_count; i++) {
        if (r->flows[i].peer == peer && r->flows[i].tag == tag)
            return &r->flows[i];
    }
    struct look_flow *f = look_add_flow(r);
    sure(f != NULL);
    *f = (struct look_flow){.comm = WORLD, .peer = peer, .tag = tag};
    return f;
}

struct look_op *looks_ssend(struct look *l, int rank, int peer, int tag)
{
    struct look_flow *f = flow(l, rank, peer, tag);
    struct look_op *o = add_op(l, rank, LOOK_SSEND);
    o->peer = peer;
    o->tag = tag;
    o->index = ++f->sent;
    return o;
}

struct look_op *looks_collective(struct look *l, int rank, enum look_collective kind,
                                 int root)
{
    struct look_rank *r = &l->ranks[rank];
    if (r->calls_count == 0) {
        struct look_calls *calls = look_add_calls(r);
        sure(calls != NULL);
        calls->comm = WORLD;
    }
    struct look_op *o = add_op(l, rank, LOOK_COLLECTIVE);
    o->collective = kind;
    o->root = root;
    o->index = ++r->calls[0].begun;
    return o;
}

void looks_sent(struct look *l, int from, int to, int tag, uint64_t count)
{
    flow(l, from, to, tag)->sent += count;
}

void looks_received(struct look *l, int by, int from, int tag, uint64_t count)
{
    flow(l, by, from, tag)->received += count;
}

void looks_exit(struct look *l, int rank, int status)
{
    l->ranks[rank].state = LOOK_GONE;
    l->ranks[rank].how = LOOK_EXITED;
    l->ranks[rank].how_code = status;
    l->ranks[rank].finalized = true;
}

struct verdict *looks_verdict(const struct look *l)
{
    struct verdict *v = NULL;
    struct verdict_options options = {.quiet_ns = 5 * NS_PER_SEC,
                                      .mismatch_ns = 200 * NS_PER_MS};
    sure(verdict_of(l, &options, &v) == 0);
    return v;
}
