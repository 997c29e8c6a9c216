/* restart.h - a run that dies begins again from its run file
 *
 * Who waits for a run (the front, or the keeper) outlives its manager, and leaves
 * nothing of it: no task runs twice at once. So it can say what happened, and where the
 * user wants it and there is a run file, have what is left be done by a new run.
 */
#ifndef ROTA_CLI_RESTART_H
#define ROTA_CLI_RESTART_H

#include "cli/options.h"

/* How a run went, for who outlived it. */
struct ending {
    int status;     /* its exit status */
    int asked;      /* the first signal that asked it to stop; 0: none did */
    char died[512]; /* how its manager or launcher died, for people; or "" */
};

/* Have `once` do the run of `o`, and again up to o->restarts times while it dies.
 * Returns the exit status. */
int restart_run(struct run_options *o,
                void (*once)(struct run_options *o, struct ending *e));

#endif
