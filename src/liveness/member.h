/* member.h - a parent's end of its liveness line
 *
 * Finds the hub by the invitation (one address after the other), proves itself,
 * has the hub prove itself, then reports and is told. Nothing here waits.
 */
#ifndef ROTA_LIVENESS_MEMBER_H
#define ROTA_LIVENESS_MEMBER_H

#include <poll.h>
#include <stdbool.h>

#include "base/patience.h"
#include "liveness/liveness.h"

enum member_state {
    MEMBER_JOINING,
    MEMBER_JOINED,
    MEMBER_OVER, /* the hub said so: every rank has ended */
    MEMBER_CUT,  /* the hub was not reached, has refused, or is not heard of */
};

struct member;

/* Begin to join as `rank` of `size`. Fates that the hub tells go to `board`, which
 * must outlive the member. NULL without memory. */
struct member *member_new(int rank, int size, const struct liveness_invitation *to,
                          struct patience patience, struct board *board,
                          int64_t now_ns);
void member_free(struct member *m);

enum member_state member_state(const struct member *m);

/* Why the last try to reach the hub could not even be begun: an errno, or 0. */
int member_cause(const struct member *m);

/* As hub_fds, hub_run and hub_forgive. */
int member_fds(const struct member *m, struct pollfd *fds, int cap);
void member_run(struct member *m, int64_t now_ns);
void member_forgive(struct member *m, int64_t gap_ns);

/* Report how one's own rank is; once it has gone, with what it had sent (from the
 * board). Kept until the line is joined. */
void member_report(struct member *m, struct rota_fate fate);

#endif
