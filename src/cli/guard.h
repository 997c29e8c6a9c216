/* guard.h - rota guard: an MPI program that can't go on is told so, and ended */
#ifndef ROTA_CLI_GUARD_H
#define ROTA_CLI_GUARD_H

/* Both return the process's exit status. */
int cli_guard(int argc, char **argv);
/* What the launcher starts in a rank's place: `rota guard-rank PROGRAM [ARG...]`. */
int cli_guard_rank(int argc, char **argv);

#endif
