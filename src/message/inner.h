/* inner.h - what the farm asks of the message rung beyond rota.h */
#ifndef ROTA_MESSAGE_INNER_H
#define ROTA_MESSAGE_INNER_H

#include <stdbool.h>
#include <stdint.h>

#include "rota.h"

/* How to join a run. In the process that becomes the rank, `before`, where there is
 * one, is called ahead of MPI_Init, and what it fails with is what joining fails with.
 */
struct rota_manner {
    bool sturdy; /* rather than swift: startup_prepare */
    int (*before)(void *ctx, struct rota_error *err);
    void *ctx;
};

/* As rota_open, in that manner. */
int rota_open_so(const struct rota_manner *manner, struct rota **out,
                 struct rota_error *err);

/* As rota_send, but never waits: what there is no room for at the receiver is sent
 * while this rank waits in any call. `data` is of malloc; taken where this returns 0,
 * or ROTA_E_LOST. rota_close drops what was not sent by then, after a moment. */
int rota_post(struct rota *r, int dest, int tag, void *data, size_t size_bytes);

/* Wait until what was posted to `dest` has left this process. Fails as rota_send does.
 */
int rota_settle(struct rota *r, int dest);

/* A number that changes when the fate of any rank does, or one is refused. */
uint32_t rota_news(const struct rota *r);

/* Whether a malformed frame has come from `rank`: it may be alive, but nothing of it is
 * taken any more, and a receive from it fails with ROTA_E_FORMAT. */
bool rota_has_refused(const struct rota *r, int rank);

/* Have `rank`, which is alive but of no use, be cut off: to all ranks it has vanished,
 * and its parent ends it. In rank 0 alone; best effort. */
void rota_fence(struct rota *r, int rank);

/* As rota_recv, until `deadline_ns` (base/clock.h; 0: what is there; INT64_MAX: none),
 * and with ROTA_E_TIMEOUT too as soon as rota_news() is no longer `news`. */
int rota_recv_until(struct rota *r, int source, int tag, int64_t deadline_ns,
                    uint32_t news, struct rota_message *out);

/* What this rank does from now on is for `rank` (-1: for nobody else): should it go on
 * for long after that one has gone, it is ended (ROTA_OUTLIVE_MS). */
void rota_serve(struct rota *r, int rank);

#endif
