/* verdict.h - can an MPI program go on? From a look at all its ranks to an answer
 *
 * Pure: no clock, no I/O, no MPI. The same look gives the same verdict.
 *
 *     verdict_of(look, &options, &v);
 *     if (v->what == VERDICT_STUCK) ... v->stuck, v->waits, v->cycle say who and why
 * ... verdict_free(v);
 *
 * The verdict borrows nothing from the look, but is told with it (report.h): keep both.
 */
#ifndef ROTA_GUARD_VERDICT_H
#define ROTA_GUARD_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "guard/look.h"

enum verdict_what {
    VERDICT_GOING_ON, /* as far as can be known: look again later */
    /* Proved: the ranks in `stuck` will never return from the calls that they are in,
     * whatever the others do. */
    VERDICT_STUCK,
    /* Proved: the same collective call is not the same for all (`mismatch`): the
     * program is wrong, and a rank that takes part in it has been blocked for a while.
     */
    VERDICT_MISMATCH,
    /* Not proved (`doubts` say why not): by all appearance the ranks in `stuck` can't
     * go on, and none of them has achieved anything for options.quiet_ns. */
    VERDICT_QUIET,
};

/* Why VERDICT_QUIET is no proof. */
enum verdict_doubt {
    VERDICT_POLLING = 1 << 0,  /* a rank polls, and may stop doing so by itself */
    VERDICT_BUFFERED = 1 << 1, /* a standard send may yet be buffered */
    VERDICT_THREADS = 1 << 2,  /* another thread of the rank may help it */
    VERDICT_LOOSE = 1 << 3,    /* MPI may let a collective end early */
    VERDICT_LOCK = 1 << 4,     /* a lock of a window may be held by somebody else */
    VERDICT_MIDST = 1 << 5,    /* a rank left in the midst of what others wait for, or
                                  finalizes before its requests have ended */
    VERDICT_ENDING = 1 << 6,   /* all are in MPI_Finalize, which is MPI's to end */
};

struct verdict_options {
    int64_t quiet_ns;    /* VERDICT_QUIET after so long; 0: never */
    int64_t mismatch_ns; /* VERDICT_MISMATCH if a rank has been blocked in it so long */
};

/* An operation that can't end. */
struct verdict_wait {
    int rank;
    int op;          /* its place in the rank's ops; -1: MPI_Finalize itself */
    int *on;         /* ranks that could end it, ascending, and none of them will; */
    size_t on_count; /* 0: there is nobody who could */
};

struct verdict_mismatch {
    int rank;       /* is blocked in it */
    int op;         /* its place in the rank's ops */
    int other;      /* has called it otherwise: */
    int other_op;   /* this one of its ops, or -1: */
    int other_past; /* this one of its past, or -1 */
    bool root;      /* it is only the root in which they differ */
};

struct verdict {
    enum verdict_what what;
    unsigned doubts; /* VERDICT_QUIET: of enum verdict_doubt */
    int *stuck;      /* ascending; not those that are gone or in MPI_Finalize */
    size_t stuck_count;
    struct verdict_wait *waits; /* of the stuck ranks, by rank and place */
    size_t wait_count;
    /* Ranks each of which waits for the next, and the last for the first: one such
     * cycle, or none (0), if what all wait for in the end is somebody who has left. */
    int *cycle;
    size_t cycle_count;
    struct verdict_mismatch mismatch; /* VERDICT_MISMATCH */
};

/* On success *out is the caller's: verdict_free(). Fails with ROTA_E_NOMEM. */
int verdict_of(const struct look *l, const struct verdict_options *options,
               struct verdict **out);
void verdict_free(struct verdict *v);

/* The waits of a rank, *count of them. */
const struct verdict_wait *verdict_waits_of(const struct verdict *v, int rank,
                                            size_t *count);

ROTA_AUTO_DEFINE(verdict, struct verdict *, verdict_free);

#endif
