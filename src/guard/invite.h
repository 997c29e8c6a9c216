/* invite.h - how the ranks' parents learn where the monitor is
 *
 * In the environment, which every launcher hands on to the other hosts if the name is
 * right: Open MPI's does so with what begins with OMPI_, MPICH's and Slurm's with all.
 * Only the user can read a process's environment, so the secret may stand in it.
 */
#ifndef ROTA_GUARD_INVITE_H
#define ROTA_GUARD_INVITE_H

#include "liveness/liveness.h"

#define INVITE_VARIABLE "OMPI_ROTA_GUARD"

/* Put the invitation into this process's environment, or take it from there and out of
 * it. 0, ROTA_E_NOMEM, or ROTA_E_STATE where there is none. */
int invite_put(const struct liveness_invitation *invitation);
int invite_take(struct liveness_invitation *out);

#endif
