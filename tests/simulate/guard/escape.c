/* escape.c - is there a way out? Everything that may still happen is tried
 *
 * States that have been seen are known by a 64-bit hash of all their bytes. After so
 * many the search ends without an answer: then nothing has been found against the
 * verdict.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum {
    STATES_MOST = 3000,
    SEEN_SLOTS = 8192, /* a power of two, well above */
};

struct search {
    const struct program *program;
    const bool *stuck;
    struct mpi *stack;
    int depth;
    int states;
    uint64_t seen[SEEN_SLOTS]; /* 0: free */
};

static uint64_t hash(const struct mpi *m)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    const unsigned char *bytes = (const unsigned char *)m;
    for (size_t i = 0; i + sizeof(uint64_t) <= sizeof(*m); i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h | 1;
}

/* Put the state aside to be tried, if it is new and there is room. */
static void put(struct search *s, const struct mpi *m)
{
    uint64_t h = hash(m);
    size_t slot = (size_t)(h >> 1) & (SEEN_SLOTS - 1);
    while (s->seen[slot] != 0 && s->seen[slot] != h)
        slot = (slot + 1) & (SEEN_SLOTS - 1);
    if (s->seen[slot] == h || s->states == STATES_MOST)
        return;
    s->seen[slot] = h;
    s->states++;
    s->stack[s->depth++] = *m;
}

/* Try all that may happen next. True: one of the stuck gets out. */
static bool spread(struct search *s, const struct mpi *m)
{
    struct move moves[MOVES_MOST];
    int n = mpi_moves(m, s->program, moves);
    for (int i = 0; i < n; i++) {
        if (moves[i].kind == MOVE_KILL)
            continue;
        for (int rank = 0; rank < s->program->ranks; rank++) {
            if (s->stuck[rank] && mpi_completes(m, s->program, moves[i], rank))
                return true;
        }
        struct mpi next = *m;
        mpi_make(&next, s->program, moves[i]);
        put(s, &next);
    }
    return false;
}

bool escape_find(const struct world *w, const bool *stuck, uint64_t *tried)
{
    static struct mpi stack[STATES_MOST];
    static struct search s;
    s = (struct search){.program = &w->program, .stuck = stuck, .stack = stack};
    put(&s, &w->mpi);
    bool found = false;
    while (!found && s.depth > 0) {
        struct mpi m = s.stack[--s.depth];
        found = spread(&s, &m);
    }
    *tried += (uint64_t)s.states;
    return found;
}
