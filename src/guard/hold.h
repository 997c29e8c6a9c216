/* hold.h - a rank's connection to its PMIx server, held open past the rank's end
 *
 * Under `srun --mpi=pmix` the server takes a closed connection for a reason to end the
 * whole step, about a second later, with all that the others were doing. So the rank's
 * parent takes the rank's end of it, too. The rank knows nothing of that.
 */
#ifndef ROTA_GUARD_HOLD_H
#define ROTA_GUARD_HOLD_H

#include <stdint.h>
#include <sys/types.h>

struct hold {
    uint16_t port; /* the server's, on this host; 0: there is nothing to be held */
    int fd;        /* -1: not yet */
};

/* See from the environment whether there is anything to be held. */
void hold_init(struct hold *h);

/* The connection of process `pid`, if it has one by now, and it is not held yet. A
 * kernel that doesn't let us (before 5.6) leaves things as they are. */
void hold_look(struct hold *h, pid_t pid);

void hold_done(struct hold *h);

#endif
