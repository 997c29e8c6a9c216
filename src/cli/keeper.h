/* keeper.h - a process that outlives the one that does the work
 *
 * A run without a launcher is one process, which may be killed: for want of memory, by
 * somebody's mistake. So it is done in a child, and the parent does nothing but wait:
 * it can say what happened, ends what the child has left running, and may begin again.
 */
#ifndef ROTA_CLI_KEEPER_H
#define ROTA_CLI_KEEPER_H

#include "rota.h"

struct keeper_end {
    int status; /* what `work` returned, */
    int signal; /* or the signal that ended the child; 0: none did */
    int asked;  /* the first signal that this process was sent, to stop; 0: none */
};

/* Have `work` done in a child, whose exit status is what it returns. Signals that ask
 * to stop are passed on; the child is asked (SIGTERM) when this process ends. Nothing
 * of the child's process tree is left afterwards. The process must have no other
 * children. Fails with ROTA_E_IO, or with ROTA_E_TIMEOUT where a process could not be
 * ended. */
int keeper_run(int (*work)(void *ctx), void *ctx, struct keeper_end *out,
               struct rota_error *err);

#endif
