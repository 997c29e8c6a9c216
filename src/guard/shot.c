/* shot.c - what a rank's parent tells of it when asked, as bytes */
#include "guard/shot.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "guard/calls.h"
#include "rota.h"

enum {
    TRIES = 3
};

/* A shot's parts, in its bytes. */
struct parts {
    const struct state_op *ops;
    const struct state_flow *flows;
    const struct state_comm *comms;
    const int32_t *members;
};

static size_t padded(size_t members)
{
    return (members + (members & 1)) * sizeof(int32_t);
}

static uint64_t read_epoch(const struct state *s)
{
    return __atomic_load_n(&s->epoch, __ATOMIC_ACQUIRE);
}

/* ---- taking one -------------------------------------------------------------------
 */

/* What the rank does: its own words for it, which belong together. */
struct doing {
    uint32_t now;
    uint16_t call;
    uint16_t own_count;
};

static struct doing read_doing(const struct state *s)
{
    struct doing d;
    uint64_t word = __atomic_load_n(&s->doing, __ATOMIC_ACQUIRE);
    memcpy(&d, &word, sizeof(d));
    return d;
}

static bool is_inside(struct doing d)
{
    return d.now == LOOK_BLOCKED || d.now == LOOK_POLLING;
}

/* Whether what it awaits is the one thing that `own_place` says. */
static bool is_short(struct doing d)
{
    return d.own_count == STATE_OWN_FLOW || d.own_count == STATE_OWN_OP;
}

void shot_glance(const struct state *s, struct shot_head *head)
{
    head->magic = SHOT_MAGIC;
    head->epoch = read_epoch(s);
    struct doing d = read_doing(s);
    if (head->now != LOOK_GONE)
        head->now = d.now;
    head->flags = __atomic_load_n(&s->flags, __ATOMIC_RELAXED);
    if (head->now == LOOK_BLOCKED && is_short(d)) /* then they are an earlier call's */
        head->flags &= ~(uint32_t)(STATE_ANY | STATE_FREE);
    head->pid = s->pid;
    head->call = d.call;
    head->site = s->site;
    head->ops = head->flows = head->comms = head->members = 0;
}

static int by_order(const void *a, const void *b)
{
    const struct state_op *x = a;
    const struct state_op *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_wanted(const struct state *s, const struct state_flow *f)
{
    return (f->sent != 0 || f->received != 0) &&
           ((s->flags & STATE_COARSE) == 0 || f->tag == LOOK_OTHER);
}

static enum look_kind kind_of(unsigned call)
{
    switch (call) {
    case CALL_Recv:
        return LOOK_RECV;
    case CALL_Ssend:
        return LOOK_SSEND;
    default:
        return LOOK_SEND;
    }
}

/* What stands in the flow alone, told in full (STATE_OP_FLOW). */
static void complete(const struct state *s, struct state_op *op)
{
    if ((op->flags & STATE_OP_FLOW) == 0)
        return;
    const struct state_flow *f = &s->flows[(uint32_t)op->place % STATE_FLOWS];
    op->comm = f->comm;
    op->peer = f->peer;
    op->tag = f->tag;
    op->root = LOOK_NONE;
    op->flags &= ~(uint32_t)STATE_OP_FLOW;
}

/* What the call itself does, and awaits: at most STATE_OWN. */
static uint32_t take_own(const struct state *s, struct doing d, struct state_op *to)
{
    uint32_t own = is_inside(d) && d.own_count <= STATE_OWN ? d.own_count : 0;
    for (uint32_t i = 0; i < own; i++)
        to[i] = s->own[i];
    if (is_inside(d) && d.own_count == STATE_OWN_FLOW) {
        uint32_t place = __atomic_load_n(&s->own_place, __ATOMIC_RELAXED) % STATE_FLOWS;
        to[own++] = (struct state_op){.site = s->site,
                                      .call = d.call,
                                      .kind = (uint8_t)kind_of(d.call),
                                      .index = s->flows[place].sent,
                                      .place = (int32_t)place,
                                      .flags = STATE_OP_FLOW};
        complete(s, to);
    }
    for (uint32_t i = 0; i < own; i++)
        to[i].awaited = 1;
    return own;
}

/* Is the request that stands at `place` awaited? Its mark may be an earlier call's. */
static bool is_awaited(const struct state *s, struct doing d, uint32_t place,
                       const struct state_op *op)
{
    if (!is_inside(d))
        return false;
    if (is_short(d))
        return d.own_count == STATE_OWN_OP && s->own_place == place;
    return op->awaited != 0 && op->awaited == s->waits;
}

static bool is_rank(int32_t rank, int ranks)
{
    return rank >= 0 && rank < ranks;
}

static bool is_op(const struct state_op *op, int ranks)
{
    bool peer = is_rank(op->peer, ranks) || op->peer == LOOK_ANY ||
                op->kind == LOOK_COLLECTIVE || op->kind == LOOK_FREE ||
                op->kind == LOOK_OWN;
    bool root = op->root == LOOK_NONE || is_rank(op->root, ranks);
    return op->kind <= LOOK_FREE && op->collective < LOOK_COLLECTIVES && peer && root &&
           call_name(op->call) != NULL;
}

/* The rank may write while this reads, and anything: what a count says is read once,
 * and not trusted beyond what there is. */
static uint32_t read_count(const uint32_t *count, uint32_t most)
{
    uint32_t n = __atomic_load_n(count, __ATOMIC_ACQUIRE);
    return n < most ? n : most;
}

static uint32_t take_ops(const struct state *s, struct state_op *to)
{
    uint32_t n = 0;
    struct doing d = read_doing(s);
    uint32_t places = read_count(&s->op_places, STATE_OPS);
    for (uint32_t i = 0; i < places; i++) {
        const struct state_op op = s->ops[i];
        if (op.handle == 0 || (op.flags & STATE_OP_ACTIVE) == 0)
            continue;
        to[n] = op;
        to[n].awaited = is_awaited(s, d, i, &op);
        complete(s, &to[n]);
        n += is_op(&to[n], s->size); /* half of it is old, and the rank runs */
    }
    qsort(to, n, sizeof(*to), by_order);
    return n + take_own(s, d, to + n); /* the last */
}

static uint32_t count_flows(const struct state *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0, all = read_count(&s->flow_count, STATE_FLOWS); i < all; i++)
        n += is_wanted(s, &s->flows[i]);
    return n;
}

static size_t room_for(uint32_t flows, uint32_t comms, uint32_t members)
{
    return sizeof(struct shot_head) +
           ((size_t)STATE_OPS + STATE_OWN) * sizeof(struct state_op) +
           (size_t)flows * sizeof(struct state_flow) +
           (size_t)comms * sizeof(struct state_comm) + padded(members);
}

static unsigned char *take_flows(const struct state *s, uint32_t max, uint32_t *count,
                                 unsigned char *p)
{
    *count = 0;
    for (uint32_t i = 0, all = read_count(&s->flow_count, STATE_FLOWS);
         i < all && *count < max; i++) {
        if (!is_wanted(s, &s->flows[i]))
            continue;
        memcpy(p, &s->flows[i], sizeof(s->flows[i]));
        p += sizeof(s->flows[i]);
        ++*count;
    }
    return p;
}

/* Each part by itself is whole, or said not to be there: the rank may write. */
static void take_past(const struct state_past *from, struct state_past *to)
{
    uint64_t index = __atomic_load_n(&from->index, __ATOMIC_ACQUIRE);
    *to = *from;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&from->index, __ATOMIC_RELAXED) != index)
        index = 0;
    to->index = index;
}

static void take_comm(const struct state_comm *from, struct state_comm *to)
{
    uint64_t id = __atomic_load_n(&from->id, __ATOMIC_ACQUIRE);
    *to = *from;
    for (int i = 0; i < STATE_PAST; i++)
        take_past(&from->past[i], &to->past[i]);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&from->id, __ATOMIC_RELAXED) != id)
        id = LOOK_UNKNOWN;
    to->id = id;
    if (id == LOOK_UNKNOWN)
        *to = (struct state_comm){.first = 0};
}

static size_t write_shot(const struct state *s, struct shot_head *h, uint32_t flows,
                         uint32_t comms, uint32_t members, unsigned char *out)
{
    unsigned char *p = out + sizeof(*h);
    h->ops = take_ops(s, (struct state_op *)(void *)p);
    p += h->ops * sizeof(struct state_op);
    p = take_flows(s, flows, &h->flows, p);
    h->comms = comms;
    for (uint32_t i = 0; i < comms; i++, p += sizeof(struct state_comm))
        take_comm(&s->comms[i], (struct state_comm *)(void *)p);
    h->members = members;
    memcpy(p, s->members, members * sizeof(int32_t));
    memset(p + members * sizeof(int32_t), 0,
           padded(members) - members * sizeof(int32_t));
    p += padded(members);
    memcpy(out, h, sizeof(*h));
    return (size_t)(p - out);
}

int shot_take(const struct state *s, const struct shot_head *head, unsigned char **out,
              size_t *size)
{
    for (int i = 0; i < TRIES; i++) {
        struct shot_head h = *head;
        shot_glance(s, &h);
        uint32_t flows = count_flows(s);
        uint32_t comms = read_count(&s->comm_count, STATE_COMMS);
        uint32_t members = read_count(&s->member_count, STATE_MEMBERS);
        unsigned char *bytes = malloc(room_for(flows, comms, members));
        if (bytes == NULL)
            return ROTA_E_NOMEM;
        *size = write_shot(s, &h, flows, comms, members, bytes);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        bool whole = read_epoch(s) == h.epoch;
        if (whole || i == TRIES - 1 || h.now == LOOK_GONE) {
            /* What moves is not blocked, whatever the pieces say. */
            if (!whole && h.now != LOOK_GONE)
                h.now = LOOK_RUNNING;
            memcpy(bytes, &h, sizeof(h));
            *out = bytes;
            return 0;
        }
        free(bytes);
    }
    return ROTA_E_NOMEM;
}

/* ---- reading one --------------------------------------------------------------------
 */

static struct parts parts_of(const struct shot_head *h)
{
    const unsigned char *p = (const unsigned char *)(h + 1);
    struct parts out;
    out.ops = (const struct state_op *)(const void *)p;
    p += h->ops * sizeof(struct state_op);
    out.flows = (const struct state_flow *)(const void *)p;
    p += h->flows * sizeof(struct state_flow);
    out.comms = (const struct state_comm *)(const void *)p;
    p += h->comms * sizeof(struct state_comm);
    out.members = (const int32_t *)(const void *)p;
    return out;
}

static bool is_comm(const struct state_comm *c, uint32_t members)
{
    return c->first <= members && c->count <= members - c->first &&
           c->local <= c->count;
}

/* Of a time ago that makes sense; a parent that was interrupted may be a moment ahead.
 */
static bool is_ago(int64_t ns)
{
    return ns >= -INT64_MAX / 4 && ns <= INT64_MAX / 4;
}

int shot_check(const void *bytes, size_t size, int ranks, const struct shot_head **head)
{
    const struct shot_head *h = bytes;
    if (size < sizeof(*h) || h->magic != SHOT_MAGIC || !is_rank(h->rank, ranks) ||
        h->now > LOOK_GONE || h->how > LOOK_KILLED || h->how < 0 ||
        !is_ago(h->since_ns) || !is_ago(h->progress_ns) ||
        memchr(h->host, 0, sizeof(h->host)) == NULL || h->ops > STATE_OPS + STATE_OWN ||
        h->flows > STATE_FLOWS || h->comms > STATE_COMMS ||
        h->members > STATE_MEMBERS ||
        size != sizeof(*h) + h->ops * sizeof(struct state_op) +
                    h->flows * sizeof(struct state_flow) +
                    h->comms * sizeof(struct state_comm) + padded(h->members))
        return ROTA_E_FORMAT;
    struct parts p = parts_of(h);
    for (uint32_t i = 0; i < h->ops; i++)
        if (!is_op(&p.ops[i], ranks))
            return ROTA_E_FORMAT;
    for (uint32_t i = 0; i < h->flows; i++)
        if (!is_rank(p.flows[i].peer, ranks))
            return ROTA_E_FORMAT;
    for (uint32_t i = 0; i < h->comms; i++)
        if (!is_comm(&p.comms[i], h->members))
            return ROTA_E_FORMAT;
    for (uint32_t i = 0; i < h->members; i++)
        if (!is_rank(p.members[i], ranks))
            return ROTA_E_FORMAT;
    *head = h;
    return 0;
}

/* ---- into a look ---------------------------------------------------------------- */

static int put_op(const struct state_op *from, struct look_rank *r)
{
    struct look_op *op = look_add_op(r);
    if (op == NULL)
        return ROTA_E_NOMEM;
    *op = (struct look_op){
        .kind = (enum look_kind)from->kind,
        .awaited = from->awaited != 0,
        .loose = (from->flags & STATE_OP_LOOSE) != 0,
        .comm = from->comm,
        .peer = from->peer,
        .tag = from->tag,
        .index = from->index,
        .collective = (enum look_collective)from->collective,
        .root = from->kind == LOOK_COLLECTIVE ? from->root : LOOK_NONE,
        .nonblocking = (from->flags & STATE_OP_NONBLOCKING) != 0,
        .size_bytes = -1,
        .call = call_name(from->call),
        .site = {.address = from->site},
    };
    return 0;
}

/* A rank that waits for what is not written down waits for something that may come. All
 * of a list may be awaited: then what is known of it is enough. */
static int put_ops(const struct shot_head *h, const struct parts *p,
                   struct look_rank *r)
{
    bool awaits = false;
    for (uint32_t i = 0; i < h->ops; i++) {
        int rc = put_op(&p->ops[i], r);
        if (rc != 0)
            return rc;
        awaits = awaits || p->ops[i].awaited != 0;
    }
    if ((h->now != LOOK_BLOCKED && h->now != LOOK_POLLING) ||
        (awaits && ((h->flags & STATE_FREE) == 0 ||
                    (h->now == LOOK_BLOCKED && (h->flags & STATE_ANY) == 0))))
        return 0;
    struct look_op *op = look_add_op(r);
    if (op == NULL)
        return ROTA_E_NOMEM;
    *op = (struct look_op){.kind = LOOK_FREE,
                           .awaited = true,
                           .peer = LOOK_ANY,
                           .tag = LOOK_ANY,
                           .root = LOOK_NONE,
                           .size_bytes = -1,
                           .call = call_name(h->call) ? call_name(h->call) : "MPI",
                           .site = {.address = h->site}};
    return 0;
}

static struct look_flow *sum_of(struct look_rank *r, const struct state_flow *f)
{
    for (size_t i = 0; i < r->flow_count; i++) {
        struct look_flow *one = &r->flows[i];
        if (one->comm == f->comm && one->peer == f->peer && one->tag == LOOK_OTHER)
            return one;
    }
    struct look_flow *one = look_add_flow(r);
    if (one != NULL)
        *one = (struct look_flow){.comm = f->comm, .peer = f->peer, .tag = LOOK_OTHER};
    return one;
}

static int put_flows(const struct shot_head *h, const struct parts *p,
                     const bool *coarse, struct look_rank *r)
{
    for (uint32_t i = 0; i < h->flows; i++) {
        const struct state_flow *f = &p->flows[i];
        bool sums = f->tag == LOOK_OTHER || coarse[f->peer];
        struct look_flow *to = sums ? sum_of(r, f) : look_add_flow(r);
        if (to == NULL)
            return ROTA_E_NOMEM;
        if (!sums)
            *to = (struct look_flow){.comm = f->comm, .peer = f->peer, .tag = f->tag};
        to->sent += f->sent;
        to->received += f->received;
    }
    return 0;
}

static int put_past(const struct state_comm *c, struct look_rank *r)
{
    for (int i = 0; i < STATE_PAST; i++) {
        const struct state_past *p = &c->past[i];
        if (p->index == 0 || p->collective >= LOOK_COLLECTIVES ||
            call_name(p->call) == NULL)
            continue;
        struct look_past *to = look_add_past(r);
        if (to == NULL)
            return ROTA_E_NOMEM;
        *to = (struct look_past){.comm = c->id,
                                 .index = p->index,
                                 .collective = (enum look_collective)p->collective,
                                 .nonblocking = p->nonblocking != 0,
                                 .root = p->root,
                                 .call = call_name(p->call),
                                 .site = {.address = p->site}};
    }
    return 0;
}

static int put_comm(const struct state_comm *c, const struct parts *p,
                    struct look *look, struct look_rank *r)
{
    if (c->id == LOOK_UNKNOWN)
        return 0;
    struct look_calls *calls = look_add_calls(r);
    if (calls == NULL)
        return ROTA_E_NOMEM;
    *calls = (struct look_calls){.comm = c->id, .begun = c->begun};
    int rc = put_past(c, r);
    if (rc != 0 || look_find_comm(look, c->id) != NULL)
        return rc;
    const char *name = c->id == STATE_WORLD                   ? "MPI_COMM_WORLD"
                       : c->id == STATE_SELF(r - look->ranks) ? "MPI_COMM_SELF"
                                                              : NULL;
    return look_add_comm(look, c->id, name, p->members + c->first, c->count, c->local);
}

int shot_put(const struct shot_head *shot, const bool *coarse, int64_t now_ns,
             struct look *look)
{
    struct look_rank *r = &look->ranks[shot->rank];
    struct parts p = parts_of(shot);
    *r = (struct look_rank){
        .state = (enum look_state)shot->now,
        .any = (shot->flags & STATE_ANY) != 0,
        .threads = (shot->flags & STATE_THREADS) != 0,
        .ops_lost = (shot->flags & STATE_OPS_LOST) != 0,
        .counts_lost = (shot->flags & STATE_COUNTS_LOST) != 0,
        .calls_lost = (shot->flags & STATE_CALLS_LOST) != 0,
        .initialized = (shot->flags & STATE_INITIALIZED) != 0,
        .finalized = (shot->flags & STATE_FINALIZED) != 0,
        .how = (enum look_how)shot->how,
        .how_code = shot->how_code,
        .since_ns = now_ns - shot->since_ns,
        .progress_ns = now_ns - shot->progress_ns,
        .call = call_name(shot->call),
        .site = {.address = shot->site},
        .host = shot->host,
        .pid = shot->pid,
    };
    int rc = put_ops(shot, &p, r);
    if (rc == 0)
        rc = put_flows(shot, &p, coarse, r);
    for (uint32_t i = 0; rc == 0 && i < shot->comms; i++)
        rc = put_comm(&p.comms[i], &p, look, r);
    return rc;
}
