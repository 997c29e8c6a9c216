/* parent.h - the small process above a rank, which outlives it */
#ifndef ROTA_LIVENESS_PARENT_H
#define ROTA_LIVENESS_PARENT_H

#include <sys/types.h>

/* Be the parent of `child`, to which `notes` leads and which shares the board
 * behind `board_fd`, until the run is over. Then the process ends: with the rank's own
 * status (128 + signal where a signal ended it) for rank 0, whose word on the run is
 * the last, and for a rank that ended before it joined; else with 0, since a lost
 * worker is a thing that rank 0 has been told of. Returns only if it cannot begin: an
 * errno, and the child has been ended. */
int parent_run(pid_t child, int notes, int board_fd);

#endif
