/* needs.h - which ranks each blocked rank needs: a look, read as an and-or graph
 *
 * Messages and calls of the past have been weighed here: what is left of an operation
 * is either that it may end whatever happens, or a set of ranks of which it needs any,
 * or all, to do something more.
 */
#ifndef ROTA_GUARD_NEEDS_H
#define ROTA_GUARD_NEEDS_H

#include "guard/look.h"

enum need_stand {
    NEED_NOTHING, /* the rank may go on whatever the others do */
    NEED_RANKS,   /* it needs what `list` says */
    NEED_LEFT,    /* it will never do anything again for anybody: gone, or finalizing */
};

/* An awaited operation that can't end by itself. */
struct need {
    int rank;
    int op;   /* its place in the rank's ops; -1: MPI_Finalize */
    bool all; /* needs all of `on`: it is stuck if one is. Else any: stuck if all are */
    unsigned doubts; /* of enum verdict_doubt: why this is not sure */
    size_t on;       /* its first in `ranks` */
    size_t on_count; /* 0, if not `all`: nobody can end it */
};

struct needs {
    int size;
    enum need_stand *stand; /* by rank */
    size_t *first;          /* by rank: its first in `list`; size + 1 of them */
    struct need *list;
    size_t count;
    int *ranks;
    size_t rank_count;
};

/* How a look is to be read. */
struct needs_reading {
    /* false: only what MPI's standard makes certain. true: what is very likely, of
     * ranks that have achieved nothing for `quiet_ns`. */
    bool likely;
    bool ending; /* so too, of ranks that are all in MPI_Finalize, or past it */
    int64_t quiet_ns;
};

/* Fills *out; needs_done() ends it, whatever is returned. Fails with ROTA_E_NOMEM. */
int needs_of(const struct look *l, const struct needs_reading *reading,
             struct needs *out);
void needs_done(struct needs *n);

#endif
