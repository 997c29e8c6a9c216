/* traffic.h - could what has been sent already still end this operation?
 *
 * By the counts alone, so whatever the order was in which things arrived: no means that
 * it can't; yes, that it can't be excluded. With `mourn` it is taken for granted that
 * of what a rank that is gone had sent, all has come that will come, and that it takes
 * nothing any more: true of ranks that have waited for long.
 */
#ifndef ROTA_GUARD_TRAFFIC_H
#define ROTA_GUARD_TRAFFIC_H

#include "guard/look.h"

/* Does a receive or probe fit a message with this envelope? */
bool traffic_fits(const struct look_op *op, int source, uint64_t comm, int tag);

enum traffic {
    TRAFFIC_NONE,
    /* Receives that were posted earlier take all that is under way, unless they are
     * served first by somebody else: any rank might. */
    TRAFFIC_TAKEN,
    TRAFFIC_REACHES,
};

/* Operation `op` of `rank` is a receive or a probe: is a message for it under way? */
enum traffic traffic_for(const struct look *l, int rank, int op, bool mourn);

/* Operation `op` of `rank` is a send: has it been received, or may a receive that is
 * already posted take it? */
bool traffic_is_taken(const struct look *l, int rank, int op, bool mourn);

#endif
