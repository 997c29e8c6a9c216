/* looks.h - looks made by hand, for the tests of the verdict and the report */
#ifndef ROTA_TESTS_UNIT_LOOKS_H
#define ROTA_TESTS_UNIT_LOOKS_H

#include "guard/look.h"
#include "guard/verdict.h"

enum {
    WORLD = 1, /* the id of MPI_COMM_WORLD */
};

/* `size` ranks that run, have been running for 10 s, and are members of WORLD. */
struct look *looks_new(int size);

/* The rank is blocked in `call` since 400 ms, and `site` of its is where. */
struct look_rank *looks_block(struct look *l, int rank, const char *call,
                              const char *site);

/* An awaited operation more of the rank's, begun by its call; what is returned may be
 * changed until the next is added. */
struct look_op *looks_recv(struct look *l, int rank, int peer, int tag);
struct look_op *looks_ssend(struct look *l, int rank, int peer, int tag);
/* The rank's next on WORLD. */
struct look_op *looks_collective(struct look *l, int rank, enum look_collective kind,
                                 int root);

/* `count` messages more. */
void looks_sent(struct look *l, int from, int to, int tag, uint64_t count);
void looks_received(struct look *l, int by, int from, int tag, uint64_t count);

void looks_exit(struct look *l, int rank, int status);

/* The verdict, with 5 s until it is quiet. */
struct verdict *looks_verdict(const struct look *l);

#endif
