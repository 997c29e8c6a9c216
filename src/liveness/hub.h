/* hub.h - rank 0's side of the liveness lines
 *
 * Lives in the parent of rank 0, which does nothing but this, so it answers
 * however busy the rank is. The members come in by its door (door.h): it takes their
 * reports, keeps the roster, and tells every member what is news. Nothing that
 * strangers do touches the roster.
 *
 * Nothing here waits: hub_fds() says what poll() should watch, hub_run() does what
 * is then to be done.
 */
#ifndef ROTA_LIVENESS_HUB_H
#define ROTA_LIVENESS_HUB_H

#include <poll.h>
#include <stdbool.h>

#include "base/patience.h"
#include "liveness/liveness.h"

struct hub;

/* Open the hub of a run of `size` ranks, reachable from this host alone or from
 * others too. *invitation is what a member needs to join. Raises the process's limit
 * of descriptors where the run needs more, and may have them. Returns 0 and *out
 * (hub_free), ROTA_E_IO or ROTA_E_NOMEM. */
int hub_open(int size, bool loopback, struct patience patience, int64_t now_ns,
             struct liveness_invitation *invitation, struct hub **out);
void hub_free(struct hub *h);

/* Fill `fds`, at most `cap`, with what poll() should watch; returns how many are
 * wanted, which may be more. */
int hub_fds(const struct hub *h, struct pollfd *fds, int cap);

/* Do all that can be done now: let in, read, tell, give up on the silent. */
void hub_run(struct hub *h, int64_t now_ns);

/* The hub has slept for `gap_ns` itself: nobody's silence counts for that time. */
void hub_forgive(struct hub *h, int64_t gap_ns);

/* Cut `rank` off: its line is closed, which has its parent end it, and to all others it
 * has vanished. A rank that has gone, or that there is none of, is left alone. */
void hub_fence(struct hub *h, int rank);

/* The run is over, every member has been told so, and the other parents have ended,
 * or had five seconds to. Rank 0's parent ends last: to a launcher, a rank that leaves
 * with a status above 0 is a reason to end itself, and a parent that is just then
 * making its peace with it finds nobody, or hangs it (seen on Open MPI 4.1.4). */
bool hub_done(const struct hub *h, int64_t now_ns);

#endif
