/* door.h - where the ranks' parents come in: strangers, until they have proved
 * themselves
 *
 * Listens, greets whoever connects with a challenge, and lets in those that answer with
 * the run's secret (line.h): from then on it is a rank's line, whose frames go to the
 * host of the door. A stranger may send one HELLO and nothing else, within five
 * seconds; more of them than a run's worth, and the oldest are shown out.
 *
 * Nothing here waits: door_fds() says what poll() should watch, door_serve() does what
 * is then to be done.
 */
#ifndef ROTA_LIVENESS_DOOR_H
#define ROTA_LIVENESS_DOOR_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "liveness/line.h"
#include "liveness/liveness.h"

struct door;

/* Who stands behind it. None of these may free the door. */
struct door_host {
    void *ctx;
    size_t max_payload; /* of a frame from a rank's line: one with more ends it */
    int64_t silence_ns; /* of a line that says nothing for so long, too */
    /* Someone with the secret says that it is `rank`, which is one of the run's and has
     * no line now. 0, or any error: it is shown out. */
    int (*admit)(void *ctx, int rank);
    /* It is in, and has been told so. NULL: nobody cares. */
    void (*came)(void *ctx, int rank);
    /* A rank's line has said this. 0, or any error: it is shown out. */
    int (*take)(void *ctx, int rank, const struct line_frame *f);
    /* Its line is no more, whoever has ended it. */
    void (*left)(void *ctx, int rank);
};

/* Open the door of a run of `size` ranks, to this host alone (`loopback`) or to others
 * too. *invitation is what a parent needs to come in. Raises the process's limit of
 * descriptors where the run needs more, and may have them. Returns 0 and *out
 * (door_free), ROTA_E_IO or ROTA_E_NOMEM. */
int door_open(int size, bool loopback, const struct door_host *host,
              struct liveness_invitation *invitation, struct door **out);
/* Whoever is in loses its line, and the host is not told. NULL is accepted. */
void door_free(struct door *d);

/* Fill `fds`, at most `cap`, with what poll() should watch; returns how many are
 * wanted, which may be more. */
int door_fds(const struct door *d, struct pollfd *fds, int cap);
/* How many door_fds() may ever want. */
int door_most_fds(const struct door *d);

/* Read and answer what everyone has said, let in whoever waits, and show out the
 * silent.
 */
void door_serve(struct door *d, int64_t now_ns);

/* Whether the rank has a line, and whether all that was sent to it is written. */
bool door_has(const struct door *d, int rank);
bool door_is_written(const struct door *d, int rank);

/* Send to a rank, if it has a line; and to all of them but `except` (-1: to all). One
 * for which there is no memory loses its line, and learns that something is amiss by
 * that. */
void door_send(struct door *d, int rank, enum line_kind kind, const void *payload,
               size_t size);
void door_send_all(struct door *d, int except, enum line_kind kind, const void *payload,
                   size_t size);

/* End its line, if it has one. */
void door_show_out(struct door *d, int rank);

/* This process has slept for `gap_ns` itself: nobody's silence counts for that time. */
void door_forgive(struct door *d, int64_t gap_ns);

#endif
