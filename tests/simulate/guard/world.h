/* world.h - a program of the tiny MPI, who looks at it, and who judges the verdicts */
#ifndef ROTA_TESTS_SIMULATE_GUARD_WORLD_H
#define ROTA_TESTS_SIMULATE_GUARD_WORLD_H

#include "course.h"
#include "guard/verdict.h"
#include "tiny.h"
#include "watch.h"

/* What was met in all runs. */
struct met {
    uint64_t looks;
    uint64_t ended; /* programs: came to their end */
    uint64_t hung;
    uint64_t proved; /* of these */
    uint64_t quiet;  /* told as likely */
    uint64_t mismatches;
    uint64_t tried; /* states that were tried for a way out */
};

struct world {
    struct course course;
    struct program program;
    struct mpi mpi;
    struct clocks clocks;
    struct watch watch;
    bool claimed[RANKS_MOST];   /* has been said to be stuck, for certain */
    bool suspected[RANKS_MOST]; /* or likely, by a look that this MPI can't deceive */
    struct met met;
};

struct world *world_new(void);
void world_free(struct world *w);
void world_run(struct world *w, uint64_t seed);

/* judge.c: a look is complete. */
void judge_look(struct world *w);
/* A move is about to be made. */
void judge_move(struct world *w, struct move move);
/* Nothing will move any more. */
void judge_end(struct world *w);

/* escape.c: play everything that may still happen, within bounds. Returns whether one
 * of these ranks gets out of its call; *tried counts states. */
bool escape_find(const struct world *w, const bool *stuck, uint64_t *tried);

#endif
