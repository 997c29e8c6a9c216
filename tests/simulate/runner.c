/* runner.c - a simulation's command line: many runs, and the first that goes wrong */
#include "runner.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wish {
    uint64_t runs;
    uint64_t seed;
    const char *mutation;
    bool caught; /* is what we expect */
};

static int usage(const struct simulation *s)
{
    fputs("usage: [--runs N] [--seed S] [--mutate NAME] [--verbose]\n"
          "       --expect-caught NAME\n"
          "mutations:",
          stderr);
    for (const char *const *name = s->mutations; *name != NULL; name++)
        fprintf(stderr, " %s", *name);
    fputs("\n", stderr);
    return 2;
}

static bool parse(const struct simulation *s, int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"runs", required_argument, NULL, 'r'},
        {"seed", required_argument, NULL, 's'},
        {"mutate", required_argument, NULL, 'm'},
        {"expect-caught", required_argument, NULL, 'e'},
        {"verbose", no_argument, NULL, 'v'},
        {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'r')
            wish->runs = strtoull(optarg, NULL, 0);
        else if (c == 's')
            wish->seed = strtoull(optarg, NULL, 0);
        else if (c == 'v')
            s->course->verbose = true;
        else if (c == 'm' || c == 'e')
            wish->mutation = optarg;
        else
            return false;
        wish->caught |= c == 'e';
    }
    return optind == argc;
}

static bool plant(const struct simulation *s, const char *name)
{
    for (int i = 0; s->mutations[i] != NULL; i++) {
        if (strcmp(s->mutations[i], name) == 0) {
            *s->planted = i;
            return true;
        }
    }
    return false;
}

static int play(const struct simulation *s, const struct wish *wish)
{
    uint64_t happened = 0;
    uint64_t seed = wish->seed;
    bool well = true;
    for (; well && seed < wish->seed + wish->runs; seed++) {
        s->run(s->world, seed);
        happened += s->course->happened;
        well = course_is_well(s->course);
    }
    s->sum_up(s->world);
    if (well)
        printf("%lu runs, %lu events: all was well\n", (unsigned long)wish->runs,
               (unsigned long)happened);
    else
        printf("seed %lu, run %lu, at %ld ns: %s\n", (unsigned long)(seed - 1),
               (unsigned long)(seed - wish->seed), (long)s->course->now_ns,
               s->course->wrong);
    return well == wish->caught;
}

int runner_main(const struct simulation *s, int argc, char **argv)
{
    struct wish wish = {.runs = 100000, .seed = 1};
    if (!parse(s, argc, argv, &wish))
        return usage(s);
    if (wish.mutation != NULL && !plant(s, wish.mutation))
        return usage(s);
    return play(s, &wish);
}
