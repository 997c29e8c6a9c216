/* mpi_transport.c - frames over MPI point-to-point
 *
 * Receiving: a ring of receives from any source, posted ahead. MPI matches what
 * comes in the order in which they were posted, so the ring is taken in order, and
 * a poll is one MPI_Test of its head. The ring is small, so that all of it stays in
 * the processor's first cache: what comes when it is full MPI keeps meanwhile, and
 * no fewer bytes a second came through 8 than through 32. Frames are eager: matched
 * means complete, but for one case. A sender that dies in the midst of a frame leaves
 * its receive matched and never completed; so once a peer is forgotten, a head that
 * stays incomplete for SKIP_NS while a later one is complete is left where it is,
 * with its memory, and the ring goes on with a new one in its stead.
 *
 * Sending: a frame that MPI has done with at once, as with nearly all, has left this
 * process; one that it has not is on the list of those under way until it has. Those
 * to a peer that has gone are left where they are: their requests may never
 * complete, cannot be cancelled, and hold their memory.
 */
#include "message/mpi_transport.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/fault.h"
#include "message/frame.h"
#include "rota.h"

enum {
    RING = 8,             /* a power of 2 */
    BATCH = 16,           /* frames under way that MPI is asked about at once */
    LEAST_TAG_UB = 32767, /* by the MPI standard */
};

#define SKIP_NS (200 * NS_PER_MS)

struct slot {
    MPI_Request request;
    unsigned char *bytes;
};

struct outgoing {
    TAILQ_ENTRY(outgoing) link;
    MPI_Request request;
    int dest;
    unsigned char bytes[FRAME_BYTES];
};

TAILQ_HEAD(outgoings, outgoing);

struct mpi_transport {
    struct transport base; /* first: a transport is one of these */
    MPI_Comm comm;
    struct slot ring[RING];
    unsigned head;
    bool held;         /* the head is complete and has been given out */
    int vacant;        /* slots before the head whose receive is not posted anew */
    bool too_long;     /* so is the head, which is held */
    MPI_Status status; /* of the head */
    bool wary;         /* a peer has been forgotten */
    int glance;        /* the slot behind the head that was looked at last */
    int64_t stuck_ns;  /* since when the head has been behind a later one; 0: not */
    struct outgoing *room;
    struct outgoings under_way;
    struct outgoings spare;
    struct outgoings left; /* to the gone: held until the end of the process */
    int unsent[];          /* frames under way, by receiver */
};

static struct mpi_transport *self(struct transport *t)
{
    return (struct mpi_transport *)t;
}

static int checked(int mpi_rc)
{
    return mpi_rc == MPI_SUCCESS ? 0 : ROTA_E_MPI;
}

/* ---- receiving --------------------------------------------------------------- */

/* Persistent, since to start a receive again costs half of what a new one does. */
static int post_receive(struct mpi_transport *m, struct slot *s)
{
    if (s->request == MPI_REQUEST_NULL &&
        MPI_Recv_init(s->bytes, FRAME_BYTES, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG,
                      m->comm, &s->request) != MPI_SUCCESS)
        return ROTA_E_MPI;
    return checked(MPI_Start(&s->request));
}

static struct slot *slot_after(struct mpi_transport *m, int steps)
{
    return &m->ring[(m->head + (unsigned)steps) % RING];
}

/* Post the receives of the frames that have been dealt with. Not at once but at the
 * next poll: an answer that the program sends meanwhile does not wait for it. */
static int fill_vacant(struct mpi_transport *m)
{
    int rc = 0;
    while (m->vacant > 0 && rc == 0) {
        rc = post_receive(m, slot_after(m, -m->vacant));
        m->vacant -= rc == 0;
    }
    return rc;
}

/* Leave the head to the dead sender that it is matched with, or that it failed with. */
static int skip_head(struct mpi_transport *m)
{
    unsigned char *bytes = malloc(FRAME_BYTES);
    if (bytes == NULL)
        return 0; /* later, perhaps */
    struct slot *s = slot_after(m, 0);
    MPI_Request_free(&s->request); /* MPI may still write to the old bytes: leaked */
    s->bytes = bytes;
    m->stuck_ns = 0;
    m->head = (m->head + 1) % RING;
    return post_receive(m, s);
}

/* Once a peer has been forgotten: see whether the head is stuck, that is whether one
 * behind it is complete. They are looked at in turn: those right behind the head may be
 * matched with the dead too. What is complete stays so until the head is dealt with. */
static int beware(struct mpi_transport *m)
{
    int later = 0;
    m->glance = m->glance % (RING - 1) + 1;
    int rc = checked(MPI_Request_get_status(slot_after(m, m->glance)->request, &later,
                                            MPI_STATUS_IGNORE));
    if (rc != 0 || (!later && m->stuck_ns == 0))
        return rc;
    int64_t now = clock_now_ns();
    if (m->stuck_ns == 0)
        m->stuck_ns = now;
    return now - m->stuck_ns > SKIP_NS ? skip_head(m) : 0;
}

static void mpi_done(struct transport *t)
{
    struct mpi_transport *m = self(t);
    m->held = m->too_long = false;
    m->head = (m->head + 1) % RING;
    m->vacant++;
}

/* What has come is longer than any frame: cut off, but from a sender that is known. */
static bool is_too_long(int rc)
{
    int class;
    return rc != MPI_SUCCESS && MPI_Error_class(rc, &class) == MPI_SUCCESS &&
           class == MPI_ERR_TRUNCATE;
}

/* See whether the head has come, or comes while it is looked for so many times. */
static int test_head(struct mpi_transport *m, int looks)
{
    struct slot *s = slot_after(m, 0);
    int complete = 0;
    int rc = fill_vacant(m);
    if (rc != 0)
        return rc;
    do {
        int tested = MPI_Test(&s->request, &complete, &m->status);
        if (is_too_long(tested))
            complete = m->too_long = true;
        else if (tested != MPI_SUCCESS)
            return skip_head(m);
    } while (!complete && --looks > 0);
    if (!complete)
        return m->wary ? beware(m) : 0;
    m->stuck_ns = 0;
    m->held = true;
    return 0;
}

static int mpi_next(struct transport *t, int looks, struct transport_frame *out)
{
    struct mpi_transport *m = self(t);
    if (!m->held) {
        int rc = test_head(m, looks);
        if (rc != 0 || !m->held)
            return rc;
    }
    int count = FRAME_BYTES + 1;
    if (!m->too_long)
        MPI_Get_count(&m->status, MPI_BYTE, &count);
    *out = (struct transport_frame){.source = m->status.MPI_SOURCE,
                                    .envelope = m->status.MPI_TAG,
                                    .size = (size_t)count,
                                    .bytes = slot_after(m, 0)->bytes};
    return 1;
}

/* ---- sending ----------------------------------------------------------------- */

/* Ask MPI about the oldest frames under way. Those that it still has go to the back
 * of the list, so that one to a dead peer holds up nobody. An error is the end of a
 * peer, of which liveness tells: then too the frame is done with. */
static void reap(struct mpi_transport *m)
{
    MPI_Request requests[BATCH];
    struct outgoing *asked[BATCH];
    int done[BATCH];
    MPI_Status statuses[BATCH];
    int n = 0;
    int done_count = 0;
    while (n < BATCH && !TAILQ_EMPTY(&m->under_way)) {
        asked[n] = TAILQ_FIRST(&m->under_way);
        TAILQ_REMOVE(&m->under_way, asked[n], link);
        requests[n] = asked[n]->request;
        n++;
    }
    if (n > 0)
        MPI_Testsome(n, requests, &done_count, done, statuses);
    for (int i = 0; i < done_count && done_count != MPI_UNDEFINED; i++) {
        m->unsent[asked[done[i]]->dest]--;
        m->base.under_way--;
        TAILQ_INSERT_HEAD(&m->spare, asked[done[i]], link);
        asked[done[i]] = NULL;
    }
    for (int i = 0; i < n; i++) {
        if (asked[i] == NULL)
            continue;
        asked[i]->request = requests[i];
        TAILQ_INSERT_TAIL(&m->under_way, asked[i], link);
    }
}

static unsigned char *mpi_room(struct transport *t)
{
    struct mpi_transport *m = self(t);
    if (m->room == NULL && TAILQ_EMPTY(&m->spare))
        reap(m);
    if (m->room == NULL) {
        m->room = TAILQ_FIRST(&m->spare);
        if (m->room != NULL)
            TAILQ_REMOVE(&m->spare, m->room, link);
        else
            m->room = malloc(sizeof(*m->room));
    }
    t->ready = m->room != NULL ? m->room->bytes : NULL;
    return t->ready;
}

static int mpi_post(struct transport *t, int dest, int envelope, size_t size)
{
    struct mpi_transport *m = self(t);
    struct outgoing *o = m->room;
    if (fault(FAULT_SEND))
        return ROTA_E_MPI;
    int rc = checked(
        MPI_Isend(o->bytes, (int)size, MPI_BYTE, dest, envelope, m->comm, &o->request));
    if (rc != 0)
        return rc;
    int complete = 0;
    rc = checked(MPI_Test(&o->request, &complete, MPI_STATUS_IGNORE));
    if (complete || rc != 0)
        return rc; /* the room is free again */
    o->dest = dest;
    TAILQ_INSERT_TAIL(&m->under_way, o, link);
    m->unsent[dest]++;
    t->under_way++;
    m->room = NULL;
    t->ready = NULL;
    return 0;
}

static void mpi_forget(struct transport *t, int peer)
{
    struct mpi_transport *m = self(t);
    struct outgoing *next;
    m->wary = true;
    for (struct outgoing *o = TAILQ_FIRST(&m->under_way); o != NULL; o = next) {
        next = TAILQ_NEXT(o, link);
        if (o->dest != peer)
            continue;
        TAILQ_REMOVE(&m->under_way, o, link);
        TAILQ_INSERT_TAIL(&m->left, o, link);
    }
    t->under_way -= m->unsent[peer];
    m->unsent[peer] = 0;
}

static int mpi_unsent(struct transport *t, int dest)
{
    struct mpi_transport *m = self(t);
    if (m->unsent[dest] > 0)
        reap(m);
    return m->unsent[dest];
}

/* ---- the whole --------------------------------------------------------------- */

static void free_list(struct outgoings *list)
{
    struct outgoing *o;
    while ((o = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, o, link);
        free(o);
    }
}

/* Take a receive back. One that is matched with a dead sender can't be, and keeps its
 * memory. */
static void withdraw(struct slot *s, bool posted)
{
    int complete = 1;
    if (posted) {
        MPI_Cancel(&s->request);
        MPI_Test(&s->request, &complete, MPI_STATUS_IGNORE);
    }
    if (s->request != MPI_REQUEST_NULL)
        MPI_Request_free(&s->request);
    if (complete)
        free(s->bytes);
}

static void mpi_free(struct transport *t)
{
    struct mpi_transport *m = self(t);
    for (int i = -m->vacant; i < RING - m->vacant; i++)
        withdraw(slot_after(m, i),
                 i >= 0 && slot_after(m, i)->request != MPI_REQUEST_NULL);
    free(m->room);
    free_list(&m->spare);
    /* `under_way` and `left` are MPI's as long as it is there. */
    free(m);
}

static const struct transport_ops ops = {
    .room = mpi_room,
    .post = mpi_post,
    .unsent = mpi_unsent,
    .next = mpi_next,
    .done = mpi_done,
    .forget = mpi_forget,
    .free = mpi_free,
};

static int max_tag(void)
{
    int *most = NULL;
    int there = 0;
    int rc = MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &most, &there);
    return rc == MPI_SUCCESS && there ? *most : LEAST_TAG_UB;
}

int mpi_transport_open(MPI_Comm comm, struct transport **out)
{
    int size;
    if (MPI_Comm_size(comm, &size) != MPI_SUCCESS)
        return ROTA_E_MPI;
    struct mpi_transport *m =
        calloc(1, sizeof(*m) + (size_t)size * sizeof(m->unsent[0]));
    if (m == NULL)
        return ROTA_E_NOMEM;
    m->base.ops = &ops;
    m->base.max_envelope = max_tag();
    m->comm = comm;
    TAILQ_INIT(&m->under_way);
    TAILQ_INIT(&m->spare);
    TAILQ_INIT(&m->left);
    for (int i = 0; i < RING; i++)
        m->ring[i].request = MPI_REQUEST_NULL;
    int rc = mpi_room(&m->base) ? 0 : ROTA_E_NOMEM;
    for (int i = 0; i < RING && rc == 0; i++) {
        m->ring[i].bytes = malloc(FRAME_BYTES);
        rc = m->ring[i].bytes ? post_receive(m, &m->ring[i]) : ROTA_E_NOMEM;
    }
    if (rc != 0) {
        mpi_free(&m->base);
        return rc;
    }
    *out = &m->base;
    return 0;
}
