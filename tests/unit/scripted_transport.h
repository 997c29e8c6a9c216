/* scripted_transport.h - the transport's twin: frames between exchanges of one process
 *
 * What MPI does is the test's to decide: a frame goes through at once, or is held back
 * until released, or dropped; a post is refused; there is no room; a frame that nobody
 * has sent comes. Order between two ranks is kept, as it is by MPI.
 *
 * Guarded by a lock, so exchanges may run in a thread each; the controls are set
 * while none runs, or from `idle`.
 */
#ifndef ROTA_TESTS_SCRIPTED_TRANSPORT_H
#define ROTA_TESTS_SCRIPTED_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "message/transport.h"

enum {
    WIRE_RANKS = 4,
};

/* What may happen from one rank to another. */
struct wire_pair {
    bool held;       /* frames wait for wire_release() */
    int drop;        /* so many of the next frames never come */
    bool refused;    /* post fails with ROTA_E_MPI */
    int lingering;   /* so many questions for the unsent are answered by 1 */
    bool forgotten;  /* the sender has called forget */
    int posted;      /* frames, of any kind */
    size_t bytes;    /* in those */
    int data_queued; /* data frames posted and not yet taken */
    int most_queued; /* the most that these have been */
};

struct wire {
    struct wire_pair pairs[WIRE_RANKS][WIRE_RANKS]; /* by sender and receiver */
    int no_room[WIRE_RANKS]; /* so many questions for room are answered by NULL */
    int max_envelope;        /* of the ends that are made from here on */

    /* Called when `rank` looks for a frame and there is none: what the others do
     * meanwhile. Not called again from within itself. NULL: nothing. */
    void (*idle)(void *arg, int rank);
    void *idle_arg;
    int idle_count; /* how often there was none */
    bool in_idle;

    struct wire_queues *queues;
};

void wire_init(struct wire *w);
void wire_done(struct wire *w);

/* Rank `rank`'s end. NULL without memory. */
struct transport *wire_end(struct wire *w, int rank);

/* Let the first `count` frames held from `source` to `dest` come. Returns how many
 * there were. */
int wire_release(struct wire *w, int source, int dest, int count);

/* Have a frame come to `dest`, as if from `source`. */
void wire_inject(struct wire *w, int source, int dest, int envelope, const void *bytes,
                 size_t size);

#endif
