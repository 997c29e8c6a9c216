/* roster.h - who of a run is alive, and how the others went
 *
 * Pure: reports in, decisions out. The hub keeps one, and tells the run what
 * changes in it. Invariants:
 *   1. A fate only goes forward: alive or stopped (and back), then closed, then
 *      one of exited, killed, frozen, vanished, which is final.
 *   2. A rank joins once. Who is closed or gone does not come back: a node whose
 *      link was cut is refused when the link returns.
 *   3. The run is over when every rank's fate is final, and stays so.
 */
#ifndef ROTA_LIVENESS_ROSTER_H
#define ROTA_LIVENESS_ROSTER_H

#include <stdbool.h>

#include "rota.h"

struct roster;

/* A roster of `size` ranks, none of which has joined. NULL without memory. */
struct roster *roster_new(int size);
void roster_free(struct roster *r);

/* Rank `rank` of a run of `size` asks to join. Returns 0, or ROTA_E_ARG (no such
 * rank, or another size) or ROTA_E_STATE (it has joined already, or has gone). */
int roster_join(struct roster *r, int rank, int size);

/* Take a report about `rank`. Returns whether it is news: the fate has changed.
 * A report that would go back, or is about no rank of the run, is none. */
bool roster_report(struct roster *r, int rank, struct rota_fate fate);

/* Every rank that has not joined has vanished: call when time to join is up.
 * Returns the first rank below `from` on (start with 0) that this is news of, or
 * -1; call again with the rank after it. */
int roster_give_up(struct roster *r, int from);

struct rota_fate roster_fate(const struct roster *r, int rank);
bool roster_joined(const struct roster *r, int rank);
bool roster_over(const struct roster *r);

/* Whether `how` says that the rank sends nothing more, and that its process has
 * ended for certain. */
bool fate_is_gone(enum rota_how how);
bool fate_is_final(enum rota_how how);

#endif
