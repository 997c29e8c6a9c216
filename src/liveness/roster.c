/* roster.c - who of a run is alive, and how the others went */
#include "liveness/roster.h"

#include <stdlib.h>

struct member {
    bool joined;
    struct rota_fate fate;
};

struct roster {
    int size;
    int ended; /* members whose fate is final */
    struct member members[];
};

/* How far along the road of invariant 1 a fate stands. */
static int stage(enum rota_how how)
{
    switch (how) {
    case ROTA_ALIVE:
    case ROTA_STOPPED:
        return 0;
    case ROTA_CLOSED:
        return 1;
    case ROTA_EXITED:
    case ROTA_KILLED:
    case ROTA_FROZEN:
    case ROTA_VANISHED:
        return 2;
    default:
        return -1; /* no fate at all: from a stranger's bytes, say */
    }
}

bool fate_is_gone(enum rota_how how)
{
    return stage(how) >= 1;
}

bool fate_is_final(enum rota_how how)
{
    return stage(how) == 2;
}

static bool in_range(const struct roster *r, int rank)
{
    return rank >= 0 && rank < r->size;
}

struct roster *roster_new(int size)
{
    struct roster *r = calloc(1, sizeof(*r) + (size_t)size * sizeof(r->members[0]));
    if (r != NULL)
        r->size = size;
    return r;
}

void roster_free(struct roster *r)
{
    free(r);
}

int roster_join(struct roster *r, int rank, int size)
{
    if (!in_range(r, rank) || size != r->size)
        return ROTA_E_ARG;
    struct member *m = &r->members[rank];
    if (m->joined || fate_is_gone(m->fate.how))
        return ROTA_E_STATE;
    m->joined = true;
    return 0;
}

bool roster_report(struct roster *r, int rank, struct rota_fate fate)
{
    if (!in_range(r, rank) || stage(fate.how) < 0)
        return false;
    struct rota_fate *known = &r->members[rank].fate;
    int from = stage(known->how);
    int to = stage(fate.how);
    bool moves = to > from || (to == 0 && from == 0 && known->how != fate.how);
    if (!moves)
        return false;
    *known = fate;
    if (fate_is_final(fate.how))
        r->ended++;
    return true;
}

int roster_give_up(struct roster *r, int from)
{
    for (int rank = from; rank < r->size; rank++) {
        if (!r->members[rank].joined &&
            roster_report(r, rank, (struct rota_fate){.how = ROTA_VANISHED}))
            return rank;
    }
    return -1;
}

struct rota_fate roster_fate(const struct roster *r, int rank)
{
    return r->members[rank].fate;
}

bool roster_joined(const struct roster *r, int rank)
{
    return r->members[rank].joined;
}

bool roster_over(const struct roster *r)
{
    return r->ended == r->size;
}
