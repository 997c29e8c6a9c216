/* random.h - numbers that are the same for the same seed, everywhere (splitmix64) */
#ifndef ROTA_TESTS_SIMULATE_RANDOM_H
#define ROTA_TESTS_SIMULATE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *d)
{
    uint64_t x = d->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* From 0 to `below` - 1. */
static inline int dice_below(struct dice *d, int below)
{
    return (int)((dice_next(d) >> 32) % (uint64_t)below);
}

static inline bool dice_one_in(struct dice *d, int n)
{
    return dice_below(d, n) == 0;
}

/* From `least` on, mostly near it, up to `most`: as likely within each power of two. */
static inline int64_t dice_skewed(struct dice *d, int64_t least, int64_t most)
{
    int64_t ns = least;
    while (ns < most / 2 && !dice_one_in(d, 4))
        ns *= 2;
    return ns + (int64_t)(dice_next(d) % (uint64_t)ns);
}

#endif
