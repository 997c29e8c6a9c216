/* cycle.c - ranks that wait for each other in a circle
 *
 * From any rank follow always the first wait: the walk ends at a rank that has left, or
 * comes round. If it comes round, breadth-first searches from the ranks on it find the
 * shortest way back: the fewer ranks, the clearer what is said.
 */
#include "guard/cycle.h"

#include <stdlib.h>

#include "rota.h"

enum {
    HOMES_TRIED = 32,
};

struct walk {
    const struct verdict_wait *waits;
    size_t wait_count;
    const bool *stuck;
    int size;
    size_t *first; /* by rank: its first wait; `size` + 1 of them */
    int *mark;     /* by rank: scratch */
    int *queue;
};

static int walk_init(struct walk *w)
{
    w->first = calloc((size_t)w->size + 1, sizeof(*w->first));
    w->mark = calloc((size_t)w->size, sizeof(*w->mark));
    w->queue = calloc((size_t)w->size, sizeof(*w->queue));
    if (w->first == NULL || w->mark == NULL || w->queue == NULL)
        return ROTA_E_NOMEM;
    size_t at = 0;
    for (int i = 0; i < w->size; i++) {
        w->first[i] = at;
        while (at < w->wait_count && w->waits[at].rank == i)
            at++;
    }
    w->first[w->size] = at;
    return 0;
}

static void walk_done(struct walk *w)
{
    free(w->first);
    free(w->mark);
    free(w->queue);
}

/* A stuck rank that the wait is on, the `j`-th, or -1. Who waits for any rank is one of
 * them itself, which is no circle. */
static int target(const struct walk *w, const struct verdict_wait *wait, size_t j)
{
    int on = wait->on[j];
    bool itself = on == wait->rank && wait->on_count > 1;
    return w->stuck[on] && !itself ? on : -1;
}

/* A stuck rank that `rank` waits for, or -1. */
static int step(const struct walk *w, int rank)
{
    for (size_t i = w->first[rank]; i < w->first[rank + 1]; i++) {
        for (size_t j = 0; j < w->waits[i].on_count; j++) {
            int on = target(w, &w->waits[i], j);
            if (on >= 0)
                return on;
        }
    }
    return -1;
}

/* A rank on a circle, or -1. */
static int come_round(struct walk *w)
{
    for (int start = 0; start < w->size; start++) {
        int rank = w->stuck[start] ? start : -1;
        while (rank >= 0 && w->mark[rank] == 0) {
            w->mark[rank] = start + 1;
            rank = step(w, rank);
        }
        if (rank >= 0 && w->mark[rank] == start + 1)
            return rank;
    }
    return -1;
}

/* The shortest way from `home` back to it: each rank's mark is who led to it, and the
 * last one's is returned. */
static int way_back(struct walk *w, int home)
{
    int head = 0;
    int tail = 0;
    for (int i = 0; i < w->size; i++)
        w->mark[i] = -1;
    w->queue[tail++] = home;
    while (head < tail) {
        int rank = w->queue[head++];
        for (size_t i = w->first[rank]; i < w->first[rank + 1]; i++) {
            for (size_t j = 0; j < w->waits[i].on_count; j++) {
                int on = target(w, &w->waits[i], j);
                if (on == home)
                    return rank;
                if (on >= 0 && w->mark[on] < 0) {
                    w->mark[on] = rank;
                    w->queue[tail++] = on;
                }
            }
        }
    }
    return -1;
}

static size_t length_of(const struct walk *w, int home, int last)
{
    size_t length = 1;
    for (int rank = last; rank != home; rank = w->mark[rank])
        length++;
    return length;
}

/* The circle through `home`, which the marks of way_back() tell; the caller's. NULL:
 * memory is short. */
static int *write_down(const struct walk *w, int home, int last, size_t length)
{
    int *ranks = calloc(length, sizeof(*ranks));
    if (ranks == NULL)
        return NULL;
    size_t at = length;
    for (int rank = last; rank != home; rank = w->mark[rank])
        ranks[--at] = rank;
    ranks[0] = home;
    return ranks;
}

/* A circle through `home`; *cycle is the caller's. */
static int find_through(struct walk *w, int home, int **cycle, size_t *count)
{
    int last = way_back(w, home);
    size_t length = length_of(w, home, last);
    int *ranks = write_down(w, home, last, length);
    if (ranks == NULL)
        return ROTA_E_NOMEM;
    *cycle = ranks;
    *count = length;
    return 0;
}

/* A shorter one, through another of its ranks. */
static int shorten(struct walk *w, int **cycle, size_t *count)
{
    int rc = 0;
    for (size_t i = 1; rc == 0 && i < *count && i < HOMES_TRIED; i++) {
        int home = (*cycle)[i];
        int last = way_back(w, home);
        if (length_of(w, home, last) >= *count)
            continue;
        free(*cycle);
        *cycle = NULL;
        rc = find_through(w, home, cycle, count);
        i = 0;
    }
    return rc;
}

int cycle_find(const struct verdict_wait *waits, size_t wait_count, const bool *stuck,
               int size, int **cycle, size_t *count)
{
    struct walk w = {
        .waits = waits, .wait_count = wait_count, .stuck = stuck, .size = size};
    int rc = walk_init(&w);
    if (rc == 0) {
        *cycle = NULL;
        *count = 0;
        int home = come_round(&w);
        if (home >= 0)
            rc = find_through(&w, home, cycle, count);
        if (rc == 0 && home >= 0)
            rc = shorten(&w, cycle, count);
    }
    walk_done(&w);
    return rc;
}
