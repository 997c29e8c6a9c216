/* main.c - simulate: the scheduler against everything that can happen to it
 *
 *     simulate [--runs N] [--seed S] [--mutate NAME]
 *     simulate --expect-caught NAME
 *     simulate --cost [--workers N]
 *
 * Each run has a seed of its own, from S on; one that fails says its seed, and
 * `simulate --seed S --runs 1` plays it again. Exit status 1: something was wrong.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "mutations.h"
#include "world.h"

struct wish {
    uint64_t runs;
    uint64_t seed;
    const char *mutation;
    bool caught; /* is what we expect */
    bool cost;
    int workers;
};

static int usage(void)
{
    fputs("usage: simulate [--runs N] [--seed S] [--mutate NAME]\n"
          "       simulate --expect-caught NAME\n"
          "       simulate --cost [--workers N]\n"
          "mutations:",
          stderr);
    for (int i = 0; mutation_name(i) != NULL; i++)
        fprintf(stderr, " %s", mutation_name(i));
    fputs("\n", stderr);
    return 2;
}

static bool parse(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"runs", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},
        {"mutate", required_argument, NULL, 'm'},
        {"expect-caught", required_argument, NULL, 'e'},
        {"cost", no_argument, NULL, 'c'},
        {"workers", required_argument, NULL, 'w'},
        {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'r')
            wish->runs = strtoull(optarg, NULL, 0);
        else if (c == 's')
            wish->seed = strtoull(optarg, NULL, 0);
        else if (c == 'w')
            wish->workers = atoi(optarg);
        else if (c == 'c')
            wish->cost = true;
        else if (c == 'm' || c == 'e')
            wish->mutation = optarg;
        else
            return false;
        wish->caught |= c == 'e';
    }
    return optind == argc;
}

static void print_met(const struct plan_counts *met)
{
    printf("%lu tasks: %lu done, %lu poison, %lu untried, %lu cancelled; %d workers "
           "lost; %lu attempts again, %lu results refused, %lu recalled, %lu copied\n",
           (unsigned long)met->added, (unsigned long)met->done,
           (unsigned long)met->ended[PLAN_POISON],
           (unsigned long)met->ended[PLAN_NO_WORKER],
           (unsigned long)met->ended[PLAN_CANCELLED], met->lost,
           (unsigned long)met->again, (unsigned long)met->refused,
           (unsigned long)met->recalled, (unsigned long)met->copied);
}

static int simulate(const struct wish *wish)
{
    struct world *w = world_new();
    uint64_t happened = 0;
    uint64_t seed = wish->seed;
    bool good = true;
    while (good && seed < wish->seed + wish->runs) {
        good = world_run(w, seed++);
        happened += w->happened;
    }
    print_met(&w->met);
    if (good)
        printf("%lu runs, %lu events: all was well\n", (unsigned long)wish->runs,
               (unsigned long)happened);
    else
        printf("seed %lu, run %lu, at %ld ns: %s\n", (unsigned long)(seed - 1),
               (unsigned long)(seed - wish->seed), (long)w->now_ns, w->wrong);
    world_free(w);
    return good == wish->caught;
}

int main(int argc, char **argv)
{
    struct wish wish = {.runs = 100000, .seed = 1};
    if (!parse(argc, argv, &wish))
        return usage();
    if (wish.mutation != NULL && !mutation_plant(wish.mutation))
        return usage();
    return wish.cost ? cost_print(wish.workers) : simulate(&wish);
}
