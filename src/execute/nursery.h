/* nursery.h - a small process that keeps a child in every slot
 *
 * Forked from the rank before MPI, or any thread, is in it, so that its own forks are
 * whole and cheap. It tells through the cells (cell.h) how each child ended, replaces
 * it at once, and ends with the rank, having ended whatever is below it.
 */
#ifndef ROTA_EXECUTE_NURSERY_H
#define ROTA_EXECUTE_NURSERY_H

#include <stdbool.h>
#include <sys/types.h>

#include "execute/cell.h"
#include "execute/executor.h"

/* The rank's end. */
struct nursery {
    pid_t pid; /* 0: there is none */
    int fd;
};

/* Fork it. `cells` and `options` are used in all processes below it. Fails with
 * ROTA_E_IO. */
int nursery_open(struct nursery *n, const struct cells *cells,
                 const struct executor_options *options, struct rota_error *err);

/* Have the child of `slot` killed, if it is still the one of `life`. False: not now,
 * try again. */
bool nursery_kill(const struct nursery *n, int slot, uint32_t life);

bool nursery_has_gone(const struct nursery *n);

/* End it, and all below it, and wait for that. All zeros are accepted. */
void nursery_close(struct nursery *n);

#endif
