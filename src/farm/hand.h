/* hand.h - a worker's mind: batches in, reports out
 *
 * What the broker is to the manager: no clock, no I/O, no MPI. Whoever drives it brings
 * what came, and a port to send through.
 */
#ifndef ROTA_FARM_HAND_H
#define ROTA_FARM_HAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "execute/executor.h"

struct hand_port {
    /* Send WIRE_HEAD_BYTES at `head`, and behind them `size` bytes at `data`, to the
     * manager, as one message. 0, or what rota_send says. */
    int (*send)(void *ctx, const void *head, const void *data, size_t size);
    /* Wait until what was sent has left this process; NULL: it always has. As send. */
    int (*settle)(void *ctx);
    void *ctx;
};

struct hand;

/* *out is the caller's: hand_free(). Borrows `x`. `functions`: how many there are in
 * the table of which `fingerprint` is. Fails with ROTA_E_NOMEM. */
int hand_new(const struct hand_port *port, struct executor *x, int functions,
             uint64_t fingerprint, struct hand **out);
void hand_free(struct hand *h);

/* Tell the manager that this worker is there, on `host` (which may be ""). Fails as the
 * port's send does. */
int hand_hello(struct hand *h, const char *host);

/* `size` bytes at `data` came from the manager. Fails with ROTA_E_FORMAT (they are none
 * of a manager's), ROTA_E_NOMEM (nothing was taken: try again), as the port's send
 * does, or with ROTA_E_ARG: the manager has sent this worker home, for its functions
 * are not the manager's. */
int hand_receive(struct hand *h, const void *data, size_t size);

/* Work, for a little while, and report what there is to report. *reported (may not be
 * NULL) is whether there was something. Fails with ROTA_E_IO (the executor cannot go
 * on), or as the port's send does. */
int hand_work(struct hand *h, bool *reported);

/* Whether the last hand_work has left something undone for want of memory. */
bool hand_was_refused(const struct hand *h);

/* Whether the manager has sent this worker home. */
bool hand_is_finished(const struct hand *h);

/* What tells one table of functions from another: of the names, in their order. */
uint64_t hand_fingerprint(const struct rota_function *functions, int count);

ROTA_AUTO_DEFINE(hand, struct hand *, hand_free);

#endif
