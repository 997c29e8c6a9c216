/* link.h - what carries messages between the manager and its workers
 *
 *     link_ranks_open   ranks of a run, over the message rung
 *     link_alone_open   one process that is manager and worker, without MPI
 *
 * Ranks are numbered as in rota.h; rank 0 is the manager.
 */
#ifndef ROTA_FARM_LINK_H
#define ROTA_FARM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"

struct link;

struct link_ops {
    /* As rota_send. */
    int (*send)(struct link *l, int rank, int tag, const void *data, size_t size);

    /* The same, but never waits, and takes `data`, of malloc, where this returns 0 or
     * ROTA_E_LOST. */
    int (*post)(struct link *l, int rank, int tag, void *data, size_t size);

    /* Wait until what was posted to `rank` has left this process: 0, or as rota_send
     * fails. */
    int (*settle)(struct link *l, int rank);

    /* As rota_recv, until `deadline_ns` (base/clock.h; 0: what is there; INT64_MAX:
     * none), and with ROTA_E_TIMEOUT too as soon as there is other news than `news`. */
    int (*receive)(struct link *l, int source, int tag, int64_t deadline_ns,
                   uint32_t news, struct rota_message *out);

    /* As rota_message_done. */
    void (*done)(struct rota_message *m);

    /* A number that changes when any rank's fate does; and such a fate. Who is alive,
     * but has sent what is malformed, has vanished; a receive from it says so. */
    uint32_t (*news)(const struct link *l);
    struct rota_fate (*fate)(const struct link *l, int rank);

    /* What this rank does from now on is for the manager, so that it is ended should it
     * not notice that this one has gone; or no longer. NULL: nobody could end it. */
    void (*serve)(struct link *l, bool serve);

    /* Cut off a rank that is alive, but of no use: it is ended. NULL: there is none. */
    void (*fence)(struct link *l, int rank);

    void (*close)(struct link *l);
};

struct link {
    const struct link_ops *ops;
    int rank;
    int size;
};

/* As rota_open, but sturdily rather than swiftly (startup.h), as the ranks of a farm
 * may be killed at any time. `before`, where it is not NULL, is called ahead of
 * MPI_Init in the process that becomes the rank; what it fails with is what this fails
 * with. */
int link_ranks_join(int (*before)(void *ctx, struct rota_error *err), void *ctx,
                    struct rota **out, struct rota_error *err);

/* Over the run of `r`, which it takes and closes. Fail with ROTA_E_NOMEM. */
int link_ranks_open(struct rota *r, struct link **out);
int link_alone_open(struct link **out);

static inline void link_close(struct link *l)
{
    if (l != NULL)
        l->ops->close(l);
}

ROTA_AUTO_DEFINE(link, struct link *, link_close);

#endif
