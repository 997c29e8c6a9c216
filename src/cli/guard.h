/* guard.h - rota guard: an MPI program that can't go on is told so, and ended */
#ifndef ROTA_CLI_GUARD_H
#define ROTA_CLI_GUARD_H

#include "cli/program.h"

/* Start it, and watch it. Returns the process's exit status, as do the others. */
int guard_start(struct program *program);

int cli_guard(int argc, char **argv);
/* What the launcher starts in a rank's place: `rota guard-rank PROGRAM [ARG...]`. */
int cli_guard_rank(int argc, char **argv);

#endif
