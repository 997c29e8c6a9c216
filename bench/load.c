/* load.c - loads made, done and checked */
#include "load.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double NOOP_TRIAL_S = 0.1;
static const double NOOP_S = 0.5;
static const double SPIN_S = 0.4;
static const double PARETO_S = 0.6;
static const double PARETO_LEAST_US = 100;
static const double PARETO_SHAPE = 1.5;

static void stop(const char *what, const char *subject)
{
    fprintf(stderr, "load: %s '%s'\n", what, subject);
    exit(1);
}

uint64_t load_noop(uint64_t payload)
{
    return payload + 1;
}

uint64_t load_spin(uint64_t rounds)
{
    uint64_t x = rounds;
    for (uint64_t i = 0; i < rounds; i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        __asm__ volatile("" : "+r"(x)); /* each round needs the one before */
    }
    return rounds + 1;
}

load_function *load_functions[LOAD_FUNCTIONS] = {load_noop, load_spin};

/* A number above 0, at most 1 (splitmix64). */
static double next_uniform(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return ((double)(z >> 11) + 1) * 0x1p-53;
}

static void *memory(uint64_t count)
{
    void *data = calloc(count > 0 ? count : 1, sizeof(uint64_t));
    if (data == NULL)
        stop("out of memory", "values");
    return data;
}

static void make_pareto(struct load *l, uint64_t seed, double per_us, int cores)
{
    double mean_us = PARETO_LEAST_US * PARETO_SHAPE / (PARETO_SHAPE - 1);
    l->count = (uint64_t)(PARETO_S * 1e6 * cores / mean_us);
    l->list = memory(l->count);
    for (uint64_t i = 0; i < l->count; i++) {
        double us = PARETO_LEAST_US * pow(next_uniform(&seed), -1 / PARETO_SHAPE);
        l->list[i] = (uint64_t)(us * per_us);
    }
}

static void make_bound(struct load *l, uint64_t seed, double per_us, int cores)
{
    uint64_t sum = 0;
    uint64_t longest = 0;
    make_pareto(l, seed, per_us, cores);
    for (uint64_t i = 0; i < l->count; i++) {
        sum += l->list[i];
        longest = l->list[i] > longest ? l->list[i] : longest;
    }
    free(l->list);
    l->list = NULL;
    l->count = (uint64_t)cores;
    l->each = sum / l->count > longest ? sum / l->count : longest;
}

static struct load make(const char *text, double per_us, int cores)
{
    struct load l = {.text = text, .function = LOAD_SPIN};
    const char *colon = strchr(text, ':');
    double number = colon != NULL ? strtod(colon + 1, NULL) : 0;
    if (strcmp(text, "noop") == 0) {
        l.function = LOAD_NOOP;
        l.count = 2000;
    } else if (strncmp(text, "spin:", 5) == 0 && number > 0) {
        l.each = (uint64_t)(number * per_us);
        l.count = (uint64_t)(SPIN_S * 1e6 / number) * (uint64_t)cores;
    } else if (strncmp(text, "pareto:", 7) == 0) {
        make_pareto(&l, (uint64_t)number, per_us, cores);
    } else if (strncmp(text, "bound:", 6) == 0) {
        make_bound(&l, (uint64_t)number, per_us, cores);
    } else {
        stop("no such load:", text);
    }
    return l;
}

/* Do it and check every value. Returns the seconds. */
static double do_once(struct load *l, load_doer *doer, void *context)
{
    l->values = memory(l->count);
    double seconds = doer(l, context);
    for (uint64_t i = 0; i < l->count; i++)
        if (l->values[i] != load_payload(l, i) + 1)
            stop("a wrong value in", l->text);
    free(l->values);
    l->values = NULL;
    return seconds;
}

void load_measure(const char *text, double per_us, int cores, load_doer *doer,
                  void *context)
{
    struct load l = make(text, per_us, cores);
    double seconds = do_once(&l, doer, context);
    if (l.function == LOAD_NOOP) {
        while (seconds < NOOP_TRIAL_S) {
            l.count *= 4;
            seconds = do_once(&l, doer, context);
        }
        l.count = (uint64_t)((double)l.count * NOOP_S / seconds);
        seconds = do_once(&l, doer, context);
    }
    printf("%s %" PRIu64 " %.6f\n", text, l.count, seconds);
    fflush(stdout);
    free(l.list);
}
