/* main.c - simulate_farm: the farm's real minds against everything that can happen
 *
 * The command line is the one of ../runner.h.
 */
#include <stdio.h>

#include "calls.h"
#include "runner.h"
#include "world.h"

static void run(void *world, uint64_t seed)
{
    world_run(world, seed);
}

static void sum_up(const void *world)
{
    const struct met *met = &((const struct world *)world)->met;
    static const char *const names[] = {"done",     "failed", "crashed",   "quit",
                                        "overtime", "poison", "cancelled", "untried"};
    printf("%lu tasks, %lu of them born:", (unsigned long)met->tasks,
           (unsigned long)met->born);
    for (int i = 0; i < ROTA_OUTCOMES; i++)
        printf(" %lu %s%s", (unsigned long)met->ended[i], names[i],
               i + 1 < ROTA_OUTCOMES ? "," : ";");
    printf(" %lu workers lost; %lu attempts again, %lu results refused, %lu recalled, "
           "%lu copied\n",
           (unsigned long)met->lost, (unsigned long)met->again,
           (unsigned long)met->refused, (unsigned long)met->recalled,
           (unsigned long)met->copied);
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
