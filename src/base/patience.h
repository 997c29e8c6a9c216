/* patience.h - how long one waits for others before a verdict on them
 *
 * From the environment, in milliseconds; a value that is no number above 0 is as
 * good as none, and one above a century as good as a century:
 *   ROTA_SILENCE_MS  a line with nothing on it: the node has vanished   (10000)
 *   ROTA_FREEZE_MS   a rank stopped by a signal: it is frozen           (10000)
 *   ROTA_JOIN_MS     a rank that does not join at the start: vanished   (60000);
 *                    MPI that does not begin at all is given up after ten times that
 *   ROTA_OUTLIVE_MS  a rank at work for one that has gone: it is ended  (60000)
 * Under overload, heartbeats were seen to come 4 s late, so a silence below 10 s
 * proves nothing.
 */
#ifndef ROTA_BASE_PATIENCE_H
#define ROTA_BASE_PATIENCE_H

#include <stdint.h>

struct patience {
    int64_t silence_ns;
    int64_t freeze_ns;
    int64_t join_ns;
    int64_t outlive_ns;
};

struct patience patience_from_env(void);

#endif
