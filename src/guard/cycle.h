/* cycle.h - ranks that wait for each other in a circle */
#ifndef ROTA_GUARD_CYCLE_H
#define ROTA_GUARD_CYCLE_H

#include "guard/verdict.h"

/* Among `waits`, sorted by rank, of `size` ranks, those of and on `stuck` ones count.
 * Sets *cycle, the caller's to free(), and *count; NULL and 0, if the walk from every
 * rank ends at one that has left. The cycle is the shortest through any of its ranks
 * (the first of them, if there are many). Fails with ROTA_E_NOMEM. */
int cycle_find(const struct verdict_wait *waits, size_t wait_count, const bool *stuck,
               int size, int **cycle, size_t *count);

#endif
