/* scripted_transport.c - the transport's twin: frames between exchanges of one process
 *
 * Memory comes from reallocarray(), which the tests that let malloc() fail leave alone.
 */
#include "scripted_transport.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "message/frame.h"
#include "rota.h"

struct posted {
    TAILQ_ENTRY(posted) link;
    int source;
    int envelope;
    bool is_data;
    size_t size;
    unsigned char bytes[];
};

TAILQ_HEAD(posteds, posted);

struct wire_queues {
    pthread_mutex_t lock;
    struct posteds come[WIRE_RANKS]; /* by receiver, as they came */
    struct posteds held[WIRE_RANKS][WIRE_RANKS];
};

struct end {
    struct transport base; /* first: a transport is one of these */
    struct wire *wire;
    int rank;
    bool has_room;
    unsigned char *room; /* ends where a frame does: a sanitizer sees more */
};

static struct end *self(struct transport *t)
{
    return (struct end *)t;
}

static void lock(struct wire *w)
{
    pthread_mutex_lock(&w->queues->lock);
}

static void unlock(struct wire *w)
{
    pthread_mutex_unlock(&w->queues->lock);
}

/* Under the lock. */
static struct posted *posted_new(int source, int envelope, const void *bytes,
                                 size_t size)
{
    struct posted *p = reallocarray(NULL, 1, sizeof(*p) + size);
    if (p == NULL)
        abort();
    p->source = source;
    p->envelope = envelope;
    p->is_data = frame_kind(envelope) != FRAME_CREDIT;
    p->size = size;
    if (size > 0)
        memcpy(p->bytes, bytes, size);
    return p;
}

static unsigned char *end_room(struct transport *t)
{
    struct end *e = self(t);
    if (!e->has_room && e->wire->no_room[e->rank] > 0) {
        e->wire->no_room[e->rank]--;
        return NULL;
    }
    e->has_room = true;
    return e->room;
}

static int end_post(struct transport *t, int dest, int envelope, size_t size)
{
    struct end *e = self(t);
    struct wire *w = e->wire;
    assert(e->has_room && size <= FRAME_BYTES && dest != e->rank);
    assert(envelope >= 0 && envelope <= t->max_envelope);
    lock(w);
    struct wire_pair *pair = &w->pairs[e->rank][dest];
    if (pair->refused) {
        unlock(w);
        return ROTA_E_MPI;
    }
    pair->posted++;
    pair->bytes += size;
    if (pair->drop > 0) {
        pair->drop--;
    } else {
        struct posted *p = posted_new(e->rank, envelope, e->room, size);
        pair->data_queued += p->is_data;
        if (pair->data_queued > pair->most_queued)
            pair->most_queued = pair->data_queued;
        if (pair->held)
            TAILQ_INSERT_TAIL(&w->queues->held[e->rank][dest], p, link);
        else
            TAILQ_INSERT_TAIL(&w->queues->come[dest], p, link);
    }
    e->has_room = false;
    memset(e->room, 0xdd,
           FRAME_BYTES); /* what is posted is not the sender's any more */
    unlock(w);
    return 0;
}

static int end_unsent(struct transport *t, int dest)
{
    struct end *e = self(t);
    lock(e->wire);
    struct wire_pair *pair = &e->wire->pairs[e->rank][dest];
    int n = pair->lingering > 0 && !pair->forgotten;
    pair->lingering -= n;
    unlock(e->wire);
    return n;
}

static void be_idle(struct end *e)
{
    struct wire *w = e->wire;
    if (w->idle == NULL || w->in_idle)
        return;
    w->idle_count++;
    w->in_idle = true;
    w->idle(w->idle_arg, e->rank);
    w->in_idle = false;
}

/* What comes between two looks, comes between two calls. */
static int end_next(struct transport *t, int looks, struct transport_frame *out)
{
    struct end *e = self(t);
    assert(looks > 0);
    lock(e->wire);
    struct posted *p = TAILQ_FIRST(&e->wire->queues->come[e->rank]);
    if (p == NULL) {
        unlock(e->wire);
        be_idle(e);
        return 0;
    }
    *out = (struct transport_frame){p->source, p->envelope, p->size, p->bytes};
    unlock(e->wire);
    return 1;
}

static void end_done(struct transport *t)
{
    struct end *e = self(t);
    lock(e->wire);
    struct posteds *come = &e->wire->queues->come[e->rank];
    struct posted *p = TAILQ_FIRST(come);
    assert(p != NULL);
    TAILQ_REMOVE(come, p, link);
    e->wire->pairs[p->source][e->rank].data_queued -= p->is_data;
    free(p);
    unlock(e->wire);
}

static void end_forget(struct transport *t, int peer)
{
    struct end *e = self(t);
    lock(e->wire);
    e->wire->pairs[e->rank][peer].forgotten = true;
    unlock(e->wire);
}

static void end_free(struct transport *t)
{
    struct end *e = self(t);
    free(e->room);
    free(e);
}

static const struct transport_ops ops = {
    .room = end_room,
    .post = end_post,
    .unsent = end_unsent,
    .next = end_next,
    .done = end_done,
    .forget = end_forget,
    .free = end_free,
};

struct transport *wire_end(struct wire *w, int rank)
{
    struct end *e = reallocarray(NULL, 1, sizeof(*e));
    unsigned char *room = reallocarray(NULL, 1, FRAME_BYTES);
    if (e == NULL || room == NULL)
        abort();
    *e = (struct end){
        .base = {.ops = &ops, .max_envelope = w->max_envelope, .under_way = 1},
        .wire = w,
        .rank = rank,
        .room = room};
    return &e->base;
}

int wire_release(struct wire *w, int source, int dest, int count)
{
    int n = 0;
    lock(w);
    struct posted *p;
    struct posteds *held = &w->queues->held[source][dest];
    for (; n < count && (p = TAILQ_FIRST(held)) != NULL; n++) {
        TAILQ_REMOVE(held, p, link);
        TAILQ_INSERT_TAIL(&w->queues->come[dest], p, link);
    }
    unlock(w);
    return n;
}

void wire_inject(struct wire *w, int source, int dest, int envelope, const void *bytes,
                 size_t size)
{
    lock(w);
    struct posted *p = posted_new(source, envelope, bytes, size);
    w->pairs[source][dest].data_queued += p->is_data;
    TAILQ_INSERT_TAIL(&w->queues->come[dest], p, link);
    unlock(w);
}

void wire_init(struct wire *w)
{
    *w = (struct wire){.max_envelope = 32767,
                       .queues = reallocarray(NULL, 1, sizeof(*w->queues))};
    if (w->queues == NULL)
        abort();
    pthread_mutex_init(&w->queues->lock, NULL);
    for (int to = 0; to < WIRE_RANKS; to++) {
        TAILQ_INIT(&w->queues->come[to]);
        for (int from = 0; from < WIRE_RANKS; from++)
            TAILQ_INIT(&w->queues->held[from][to]);
    }
}

static void free_queue(struct posteds *q)
{
    struct posted *p;
    while ((p = TAILQ_FIRST(q)) != NULL) {
        TAILQ_REMOVE(q, p, link);
        free(p);
    }
}

void wire_done(struct wire *w)
{
    for (int to = 0; to < WIRE_RANKS; to++) {
        free_queue(&w->queues->come[to]);
        for (int from = 0; from < WIRE_RANKS; from++)
            free_queue(&w->queues->held[from][to]);
    }
    pthread_mutex_destroy(&w->queues->lock);
    free(w->queues);
}
