/* guard.h - rota guard: an MPI program that can't go on is told so, and ended */
#ifndef ROTA_CLI_GUARD_H
#define ROTA_CLI_GUARD_H

#include "cli/guard_options.h"
#include "cli/launch_options.h"

/* Start `program`, NULL at its end, and watch it. `name` is the command's, for what it
 * says. Returns the process's exit status, as do the others. */
int guard_start(const char *name, const struct guard_options *options,
                const struct launch_options *launch, char **program);

int cli_guard(int argc, char **argv);
/* What the launcher starts in a rank's place: `rota guard-rank PROGRAM [ARG...]`. */
int cli_guard_rank(int argc, char **argv);

#endif
