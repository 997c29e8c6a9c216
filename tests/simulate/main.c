/* main.c - simulate: the scheduler against everything that can happen to it
 *
 *     simulate ...              as runner.h says
 *     simulate --cost [WORKERS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "mutations.h"
#include "runner.h"
#include "world.h"

static void run(void *world, uint64_t seed)
{
    world_run(world, seed);
}

static void sum_up(const void *world)
{
    const struct plan_counts *met = &((const struct world *)world)->met;
    printf("%lu tasks: %lu done, %lu poison, %lu untried, %lu cancelled; %d workers "
           "lost; %lu attempts again, %lu results refused, %lu recalled, %lu copied\n",
           (unsigned long)met->added, (unsigned long)met->done,
           (unsigned long)met->ended[PLAN_POISON],
           (unsigned long)met->ended[PLAN_NO_WORKER],
           (unsigned long)met->ended[PLAN_CANCELLED], met->lost,
           (unsigned long)met->again, (unsigned long)met->refused,
           (unsigned long)met->recalled, (unsigned long)met->copied);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--cost") == 0)
        return cost_print(argc > 2 ? atoi(argv[2]) : 0);
    struct world *w = world_new();
    struct simulation s = {
        .world = w,
        .course = &w->course,
        .run = run,
        .sum_up = sum_up,
        .mutations = mutation_names,
        .planted = &mutation_planted,
    };
    int status = runner_main(&s, argc, argv);
    world_free(w);
    return status;
}
