/* command.h - which launcher it is, and the command line that it wants
 *
 * Pure: text in, words out.
 */
#ifndef ROTA_LAUNCH_COMMAND_H
#define ROTA_LAUNCH_COMMAND_H

#include "launch/launch.h"

enum command_family {
    COMMAND_UNKNOWN, /* -n N, and nothing else, is expected of it */
    COMMAND_OPENMPI, /* Open MPI up to 4: mpiexec, mpirun, orterun */
    COMMAND_PRRTE,   /* Open MPI 5's mpiexec, prterun */
    COMMAND_HYDRA,   /* MPICH's mpiexec */
    COMMAND_SRUN,    /* Slurm's */
};

/* The family of a launcher whose `--version` printed `text`. */
enum command_family command_family(const char *text);

/* The words that start `spec` with the launcher at `path` (spec->mpiexec is not
 * looked at). `mpi`: srun's --mpi, or NULL. On success *out is the caller's:
 * command_free(). Fails with ROTA_E_ARG or ROTA_E_NOMEM. */
int command_build(const struct launch_spec *spec, enum command_family family,
                  const char *path, const char *mpi, char ***out,
                  struct rota_error *err);

/* Free the words of command_build(); NULL is accepted. */
void command_free(char **words);

#endif
