/* groups.h - who is in a communicator, a window or a file, and what each is called
 *
 * Every object gets an identity on which all its members agree without a word: from
 * its parent's, the number of collective calls on that before, and who is in it. Calls
 * MPI for the groups, never to communicate.
 */
#ifndef ROTA_GUARD_PRELOAD_GROUPS_H
#define ROTA_GUARD_PRELOAD_GROUPS_H

#include <mpi.h>
#include <stdint.h>

/* `made` is a new communicator (or MPI_COMM_NULL), made by the collective call that was
 * begun last on `parent`. */
void groups_child(MPI_Comm made, MPI_Comm parent);

/* The same, with the parent's members, and asking MPI nothing of it: the object behind
 * `handle` may not be ready yet, or be no communicator. */
void groups_twin(uint64_t handle, uint64_t parent);

/* A communicator that its members alone have made, with this tag. */
void groups_own(MPI_Comm made, int tag);

/* What MPI_Comm_create_group is made with, as an object of its own under the handle
 * that is returned, so that its members can be seen to wait for each other; 0 if it
 * can't. */
uint64_t groups_of_group(MPI_Group group, int tag);

/* The members of `group` in the world: at most `cap` are written. Returns how many
 * there are, or 0. */
int groups_world(MPI_Group group, int *ranks, int cap);

#endif
