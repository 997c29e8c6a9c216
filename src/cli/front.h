/* front.h - what a person started, where the run is one of ranks
 *
 * It starts the launcher, which starts the ranks, and waits for their end.
 */
#ifndef ROTA_CLI_FRONT_H
#define ROTA_CLI_FRONT_H

#include "cli/options.h"
#include "cli/restart.h"

#define FRONT_AT_DESK "input:desk" /* standard input: rank 0 fetches it at the desk */

/* Added to its exit status, unless that is 0 or a signal's, by a rank that has no desk
 * to say it at: a launcher's own failures are told from it. */
#define FRONT_FAR 64

/* Have the run done by ranks, where o->where says; *out says how it went. Nothing of it
 * is left on this machine afterwards. */
void front_run(const struct run_options *o, struct ending *out);

#endif
