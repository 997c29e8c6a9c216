/* place.h - where a run's ranks are to be, if nobody has said how many
 *
 * Pure. One rank on each node, with as many slots as that has CPUs for it, and the
 * manager beside the first.
 */
#ifndef ROTA_LAUNCH_PLACE_H
#define ROTA_LAUNCH_PLACE_H

#include "launch/slurm.h"
#include "rota.h"

enum place_where {
    PLACE_HERE,  /* this process does it all */
    PLACE_RANKS, /* as the user said: so many ranks */
    PLACE_NODES, /* a rank a node */
};

struct place_wish {
    int ranks;            /* 0: not said */
    const char *hosts;    /* or NULL; ":" is this machine */
    const char *hostfile; /* so too */
    const char *mpiexec;
};

struct place {
    enum place_where where;
    int nodes;    /* PLACE_NODES */
    bool slurm;   /* these are the allocation's */
    bool overlap; /* what asks for them has their CPUs itself */
};

/* Decide. Fails with ROTA_E_ARG: the wish can't be, or each of several processes would
 * do everything. */
int place_choose(const struct slurm *s, const struct place_wish *wish,
                 struct place *out, struct rota_error *err);

/* For as many ranks as the user says, of a program of his own: whether srun is to start
 * them, in out->slurm and out->overlap. Fails with ROTA_E_ARG: each of several
 * processes would start them. */
int place_ranks(const struct slurm *s, struct place *out, struct rota_error *err);

#endif
