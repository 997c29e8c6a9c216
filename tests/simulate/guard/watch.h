/* watch.h - looks at the ranks of the tiny MPI, taken bit by bit while they go on */
#ifndef ROTA_TESTS_SIMULATE_GUARD_WATCH_H
#define ROTA_TESTS_SIMULATE_GUARD_WATCH_H

#include "random.h"
#include "tiny.h"

/* What changes as time passes, and decides nothing. */
struct clocks {
    int64_t now;
    uint64_t epoch[RANKS_MOST];
    int64_t since[RANKS_MOST];
    int64_t progress[RANKS_MOST];
};

/* Ways in which a look may say less than there is. */
enum blur {
    BLUR_NOTHING,
    BLUR_TAGS, /* some messages are counted without their tags */
    BLUR_OPS,  /* some operations are not listed */
    BLUR_COUNTS,
    BLUR_CALLS,
    BLUR_COMMS,   /* some communicators are not known */
    BLUR_MEMBERS, /* or have other members, too */
    BLUR_THREADS,
    BLURS,
};

struct watch {
    struct look *look; /* what has been seen so far */
    int next;          /* rank to be read; from `ranks` on: whose epoch is read again */
    uint64_t epoch[RANKS_MOST];
    int64_t progress[RANKS_MOST];
    enum blur blur;
    struct dice *dice;
};

void watch_begin(struct watch *w, const struct program *p, enum blur blur);

/* See a little more. True: the look is complete. */
bool watch_more(struct watch *w, const struct mpi *m, const struct clocks *c,
                const struct program *p);

#endif
