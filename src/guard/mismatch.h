/* mismatch.h - one collective call, and not the same for all */
#ifndef ROTA_GUARD_MISMATCH_H
#define ROTA_GUARD_MISMATCH_H

#include "guard/look.h"
#include "guard/verdict.h"

/* A rank that is blocked in a collective, since `least_ns` at least or as one of those
 * that are `stuck` (by rank; may be NULL), and another that has called it otherwise. */
bool mismatch_find(const struct look *l, const bool *stuck, int64_t least_ns,
                   struct verdict_mismatch *out);

/* How the other rank has called it; borrowed from the look. */
struct mismatch_side {
    const char *call;
    int root;
    const struct look_site *site;
    bool past; /* it has come back from that call */
};

struct mismatch_side mismatch_other(const struct look *l,
                                    const struct verdict_mismatch *m);

#endif
