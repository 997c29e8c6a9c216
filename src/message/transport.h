/* transport.h - what carries frames between ranks
 *
 * An interface with two ends: MPI (mpi_transport.c), and a scripted twin in the
 * tests. It keeps the order between two ranks, may lose what a rank that died had
 * not yet handed over, and never waits.
 */
#ifndef ROTA_MESSAGE_TRANSPORT_H
#define ROTA_MESSAGE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

struct transport;

/* A frame that has come: `size` bytes, valid until the next call of next or done. One
 * of more than FRAME_BYTES is none: its bytes are not there. */
struct transport_frame {
    int source;
    int envelope; /* frame.h */
    size_t size;
    const unsigned char *bytes;
};

struct transport_ops {
    /* FRAME_BYTES of room for the next frame to send, the same until it is posted.
     * NULL where all there is is under way and there is no memory for more: then
     * some comes back as frames are delivered. */
    unsigned char *(*room)(struct transport *t);

    /* Send the first `size` bytes of the room to `dest`, in this envelope: 0 to
     * max_envelope. 0 or ROTA_E_MPI. */
    int (*post)(struct transport *t, int dest, int envelope, size_t size);

    /* How many frames to `dest` have not left this process yet: they would end with
     * it. Frames to a peer that was forgotten do not count. */
    int (*unsent)(struct transport *t, int dest);

    /* The next frame that has come: 1 and *out, the same again until done is called.
     * 0: none, at so many looks for it (1 or more). Also moves along what is on its
     * way. Or ROTA_E_MPI. */
    int (*next)(struct transport *t, int looks, struct transport_frame *out);

    /* The frame that next has given has been dealt with. */
    void (*done)(struct transport *t);

    /* `peer` has gone: nothing sent to it is waited for any more, and what it had
     * only begun to send may never come. */
    void (*forget)(struct transport *t, int peer);

    void (*free)(struct transport *t);
};

/* What is asked of the transport for every short message is answered without a call
 * where it can be. */
struct transport {
    const struct transport_ops *ops;
    int max_envelope;     /* 32767 or more */
    unsigned char *ready; /* what room would return, where it has it; NULL: ask */
    int under_way;        /* 0: unsent would return 0 for everyone */
};

static inline unsigned char *transport_room(struct transport *t)
{
    return t->ready != NULL ? t->ready : t->ops->room(t);
}

static inline int transport_unsent(struct transport *t, int dest)
{
    return t->under_way == 0 ? 0 : t->ops->unsent(t, dest);
}

#endif
