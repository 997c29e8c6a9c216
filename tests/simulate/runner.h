/* runner.h - a simulation's command line: many runs, and the first that goes wrong
 *
 *     simulate [--runs N] [--seed S] [--mutate NAME] [--verbose]
 *     simulate --expect-caught NAME
 *
 * Each run has a seed of its own, from S on; one that fails says its seed, and
 * `--seed S --runs 1 --verbose` plays it again and says what happens.
 */
#ifndef ROTA_TESTS_SIMULATE_RUNNER_H
#define ROTA_TESTS_SIMULATE_RUNNER_H

#include "course.h"

struct simulation {
    void *world;
    struct course *course; /* of `world` */
    /* One run. Whether all was well is said by the course. */
    void (*run)(void *world, uint64_t seed);
    /* Print what was met in all runs. */
    void (*sum_up)(const void *world);
    /* Bugs to plant, NULL behind the last: the first stands for none. *planted is the
     * place of the one that is. */
    const char *const *mutations;
    int *planted;
};

/* Returns main's exit status: 1, if a run went wrong or what was expected to be caught
 * was not; 2 for words that it does not understand. */
int runner_main(const struct simulation *s, int argc, char **argv);

#endif
