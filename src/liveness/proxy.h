/* proxy.h - finalize by proxy: the launcher's peace at the end of a run
 *
 * A rank under a parent never calls MPI_Finalize, which hangs once a rank is lost.
 * To a launcher, a process that did MPI_Init and left without a farewell has
 * failed. So the parent, which to the launcher is that process, says the farewell:
 * by libpmix where PMIx started it (Open MPI's mpiexec, srun --mpi=pmix), by one
 * line to the descriptor PMI_FD where hydra did (MPICH's mpiexec).
 */
#ifndef ROTA_LIVENESS_PROXY_H
#define ROTA_LIVENESS_PROXY_H

#include <stdint.h>

/* Say it, and wait for the answer until `deadline_ns`. Best effort: without it the
 * launcher is louder, nothing else. */
void proxy_finalize(int64_t deadline_ns);

/* Have the launcher end the run, with `status`, where it would not do so by itself:
 * hydra lets the others wait in MPI_Init for ever for one who has left before. */
void proxy_abort(int status);

#endif
