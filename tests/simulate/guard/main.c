/* main.c - simulate_guard: the verdict against everything that MPI may do
 *
 * The command line is the one of ../runner.h.
 */
#include <stdio.h>

#include "mutations.h"
#include "runner.h"
#include "world.h"

static void run(void *world, uint64_t seed)
{
    world_run(world, seed);
}

static void sum_up(const void *world)
{
    const struct met *met = &((const struct world *)world)->met;
    printf("%lu looks; %lu programs ended, %lu hung: %lu proved, %lu likely; %lu "
           "mismatches; %lu states tried for a way out\n",
           (unsigned long)met->looks, (unsigned long)met->ended,
           (unsigned long)met->hung, (unsigned long)met->proved,
           (unsigned long)met->quiet, (unsigned long)met->mismatches,
           (unsigned long)met->tried);
}

int main(int argc, char **argv)
{
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
