/* fell.h - end a process tree together with the shared memory that it leaves
 *
 * A killed rank cannot remove its files below /dev/shm (Open MPI's vader_segment.*
 * stay there until the next boot). Which are the tree's own is seen while it lives:
 * they are the files that its processes have mapped, or open.
 */
#ifndef ROTA_BASE_FELL_H
#define ROTA_BASE_FELL_H

#include <stdint.h>

/* What begins the name of a folder below TMPDIR in which a process keeps what others
 * are to read by name (execute/input.h); its process's number and a '-' follow. */
#define FELL_INPUTS "rota-inputs-"

/* tree_kill(), and then remove those files below /dev/shm that the tree held
 * and no other process holds. Returns what tree_kill() returns. */
int tree_fell(int64_t deadline_ns);

/* Remove what others that were killed have left. Of ranks: files below /dev/shm that
 * are called as those of an MPI, are this user's, were begun after `since_ns` by the
 * wall's clock, and are held by no process. Of Open MPI's mpiexec, and of whoever had
 * FELL_INPUTS: its folder below TMPDIR, if it was begun after that and the process that
 * it is called after is no more. */
void fell_orphans(int64_t since_ns);

#endif
