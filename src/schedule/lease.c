/* lease.c - who has what: workers, and the batches that are lent to them
 *
 * Invariants
 *  1. The `slots` oldest leases of a worker are running, the others wait there, from
 *     `waiting` on.
 *  2. A lease has at least one task; one with more has a spare span, so that its rest
 *     can always be cut off once. After that it has one task left, or is about to end.
 *  3. A lease's id is its place and how often that was used: no two are the same, so
 *     what comes late finds nothing.
 */
#include "schedule/lease.h"

#include <assert.h>
#include <stdlib.h>

#include "schedule/slow.h"

enum {
    CHUNK_LEASES = 64,
    ID_PLACE_BITS = 24,
};

#define ID_PLACES (UINT64_C(1) << ID_PLACE_BITS)

/* ---- workers --------------------------------------------------------------------- */

static int room_of(const struct plan *p, const struct worker *w)
{
    if (w->slots == 0 || w->lost || w->frozen || w->alone || w->shut || p->shut)
        return ROOMS;
    if (w->held == 0)
        return ROOM_EMPTY;
    if (w == p->draining || w->held >= (1 + p->options.ahead) * w->slots)
        return ROOMS;
    return w->held < w->slots ? ROOM_SLOT : ROOM_PREFETCH;
}

void worker_place(struct plan *p, struct worker *w)
{
    if (w->list != NULL)
        TAILQ_REMOVE(w->list, w, link);
    w->list = NULL;
    int room = room_of(p, w);
    if (room == ROOMS)
        return;
    uint64_t near = p->queues[plan_worker_number(p, w)].tasks;
    bool some = near > (room == ROOM_PREFETCH ? (uint64_t)w->slots : 0);
    w->list = &p->lists[room][some];
    TAILQ_INSERT_TAIL(w->list, w, link);
}

/* ---- storage --------------------------------------------------------------------- */

void lease_store_init(struct lease_store *store)
{
    *store = (struct lease_store){.chunk_count = 0};
    TAILQ_INIT(&store->free);
}

void lease_store_done(struct lease_store *store)
{
    for (uint64_t i = 0; i < store->chunk_count; i++)
        free(store->chunks[i]);
    free(store->chunks);
}

static int store_grow(struct lease_store *store)
{
    if (store->chunk_count == store->chunk_cap) {
        uint64_t cap = store->chunk_cap > 0 ? 2 * store->chunk_cap : 4;
        struct lease **chunks = realloc(store->chunks, cap * sizeof(struct lease *));
        if (chunks == NULL)
            return ROTA_E_NOMEM;
        store->chunks = chunks;
        store->chunk_cap = cap;
    }
    struct lease *chunk = calloc(CHUNK_LEASES, sizeof(*chunk));
    if (chunk == NULL)
        return ROTA_E_NOMEM;
    uint64_t first = store->chunk_count * CHUNK_LEASES;
    for (uint64_t i = 0; i < CHUNK_LEASES; i++) {
        chunk[i].id = ID_PLACES | (first + i);
        TAILQ_INSERT_TAIL(&store->free, &chunk[i], link);
    }
    store->chunks[store->chunk_count++] = chunk;
    return 0;
}

/* One span for a lease's spare, one to cut its tasks off with (or for a copy). */
int lease_reserve(struct plan *p)
{
    int rc = span_reserve(&p->spans, 2);
    if (rc == 0 && TAILQ_EMPTY(&p->leases.free))
        rc = store_grow(&p->leases);
    return rc;
}

/* ---- leases ---------------------------------------------------------------------- */

static void run(struct plan *p, struct lease *l, int64_t now_ns)
{
    p->counts.running++;
    l->running = true;
    l->mark_ns = now_ns;
}

struct lease *lease_begin(struct plan *p, int64_t now_ns, struct worker *w,
                          struct span *s)
{
    struct lease *l = TAILQ_FIRST(&p->leases.free);
    TAILQ_REMOVE(&p->leases.free, l, link);
    *l = (struct lease){.id = l->id,
                        .worker = w,
                        .lent = s->count,
                        .left = s->count,
                        .kind = s->kind,
                        .attempt = span_attempt(s),
                        .number = ++w->numbered};
    TAILQ_INIT(&l->spans);
    TAILQ_INSERT_TAIL(&l->spans, s, link);
    if (s->count > 1)
        l->spare = span_take(&p->spans);
    s->state = SPAN_LEASED;
    s->lease = l;
    s->worker = plan_worker_number(p, w);
    if (s->indexed)
        p->counts.leased += s->count;

    TAILQ_INSERT_TAIL(&w->leases, l, link);
    if (++w->held <= w->slots)
        run(p, l, now_ns);
    else if (w->waiting == NULL)
        w->waiting = l;
    worker_place(p, w);
    slow_look_soon(p, now_ns);
    return l;
}

static void lease_end(struct plan *p, int64_t now_ns, struct lease *l)
{
    struct worker *w = l->worker;
    if (w->waiting != NULL && (l->running || w->waiting == l)) {
        if (l->running)
            run(p, w->waiting, now_ns);
        w->waiting = TAILQ_NEXT(w->waiting, link);
    }
    TAILQ_REMOVE(&w->leases, l, link);
    w->held--;
    if (l->alone)
        w->alone = false;
    p->counts.running -= l->running;
    p->wanted -= l->wanted;
    if (l->spare != NULL)
        span_drop(&p->spans, l->spare);
    l->spare = NULL;
    l->worker = NULL;
    l->id += ID_PLACES;
    TAILQ_INSERT_HEAD(&p->leases.free, l, link);
    worker_place(p, w);
    slow_look_soon(p, now_ns);
}

struct lease *lease_find(const struct plan *p, int worker, uint64_t id)
{
    uint64_t place = id % ID_PLACES;
    if (place / CHUNK_LEASES >= p->leases.chunk_count)
        return NULL;
    struct lease *l = &p->leases.chunks[place / CHUNK_LEASES][place % CHUNK_LEASES];
    bool is =
        l->worker != NULL && l->id == id && plan_worker_number(p, l->worker) == worker;
    return is ? l : NULL;
}

void lease_heard(struct lease *l, int64_t now_ns)
{
    struct worker *w = l->worker;
    l->mark_ns = now_ns;
    if (l->number > w->ghost)
        w->ghost = 0;
}

void lease_trim(struct plan *p, struct span *s, uint64_t count)
{
    assert(count < s->count);
    s->at.key += count;
    s->count -= count;
    s->lease->left -= count;
    p->counts.leased -= count;
}

void lease_leave(struct plan *p, int64_t now_ns, struct span *s)
{
    struct lease *l = s->lease;
    TAILQ_REMOVE(&l->spans, s, link);
    l->left -= s->count;
    if (s->indexed)
        p->counts.leased -= s->count;
    s->lease = NULL;
    if (l->left == 0)
        lease_end(p, now_ns, l);
}

/* Some of `l` is taken back, and may run all the same. What has not begun stands behind
 * what is left of its lease; what has ended elsewhere, or is cancelled, may stand
 * before it. */
static void haunt(const struct lease *l, enum span_then then)
{
    struct worker *w = l->worker;
    uint32_t sure = then == SPAN_THEN_READY ? l->number : l->number - 1;
    if (w->ghost == 0 || sure < w->sure)
        w->sure = sure;
    w->ghost = w->numbered;
}

void lease_recall(struct plan *p, int64_t now_ns, struct span *s, enum span_then then)
{
    uint64_t id = s->lease->id;
    haunt(s->lease, then);
    lease_leave(p, now_ns, s);
    s->state = SPAN_RECALLED;
    s->lease_id = id;
    s->then = (uint8_t)then;
    TAILQ_INSERT_TAIL(&p->recalled, s, link);
    if (then != SPAN_THEN_READY)
        return;
    p->counts.leased += s->count; /* until it has been told */
    p->counts.recalled += s->count;
}

struct span *lease_cut_first(struct plan *p, struct lease *l)
{
    struct span *first = TAILQ_FIRST(&l->spans);
    if (first->count == 1)
        return first;
    assert(l->spare != NULL);
    span_drop(&p->spans, rota_steal(l->spare));
    return span_split(&p->spans, first, 1);
}

/* The last first, since each will go to the head of its line. */
void lease_recall_rest(struct plan *p, int64_t now_ns, struct lease *l, bool but_first)
{
    if (but_first)
        lease_cut_first(p, l);
    while (l->left > (but_first ? 1 : 0))
        lease_recall(p, now_ns, TAILQ_LAST(&l->spans, span_list), SPAN_THEN_READY);
}

uint32_t lease_begun(const struct span *s)
{
    return span_attempt(s) - (s->lease->running ? 0 : 1) + (s->twin != NULL ? 1 : 0);
}
