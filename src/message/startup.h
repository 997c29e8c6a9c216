/* startup.h - MPI, begun and ended so that a rank's death ends only that rank */
#ifndef ROTA_MESSAGE_STARTUP_H
#define ROTA_MESSAGE_STARTUP_H

#include <mpi.h>
#include <stdbool.h>

#include "liveness/liveness.h"
#include "rota.h"

struct startup {
    int rank;
    int size;
    MPI_Comm comm; /* Rota's own; its errors return */
    bool crowded;  /* there are more ranks than processors on this host */
    bool shared;   /* all messages go through this host's memory */
    struct board *board;
};

/* Set what the environment must say before an MPI library is so much as loaded:
 * call it in a process that is about to start the rank anew. `sturdy`: a rank that is
 * killed while it sends must keep nobody from being heard, at the price of speed. */
void startup_prepare(bool sturdy);

/* Initialize MPI, and join the run through `lv`. The only collective calls of a
 * run are here. Returns 0 and *out, ROTA_E_STATE, ROTA_E_LAUNCH, ROTA_E_MPI, or
 * what liveness_join says. */
int startup_join(struct liveness *lv, struct startup *out, struct rota_error *err);

/* A run of one rank that was joined can't begin after all: clear up after its MPI,
 * which waits for nobody. Among others a rank just goes, and its parent says so. */
void startup_undo(const struct startup *s);

#endif
