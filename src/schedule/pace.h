/* pace.h - how long tasks of a kind take, and how many make a batch */
#ifndef ROTA_SCHEDULE_PACE_H
#define ROTA_SCHEDULE_PACE_H

#include <stdint.h>

/* All zero: nothing is known. */
struct pace {
    double task_ns;   /* 0: not known yet */
    uint64_t samples; /* up to so many that the mean moves slowly */
    uint64_t most;    /* how many may be tried at once, by what went well before */
};

/* `count` (at least 1) tasks took `busy_ns` together. */
void pace_learn(struct pace *p, uint64_t count, int64_t busy_ns);

/* A batch of `count` has been done: the next may be several times as large. */
void pace_grow(struct pace *p, uint64_t count);

/* How many tasks run for about `batch_ns`; at least 1. */
uint64_t pace_batch(const struct pace *p, int64_t batch_ns);

/* How many may be wanted for a batch soon. */
uint64_t pace_next_batch(const struct pace *p, int64_t batch_ns);

/* What `count` tasks are expected to take; 0: not known. */
int64_t pace_expect_ns(const struct pace *p, uint64_t count);

#endif
