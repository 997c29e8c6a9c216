/* pace.h - how long many tiny tasks took, with few looks at the clock
 *
 * A look at the clock may cost more than a task. So tasks are timed in groups of about
 * a microsecond, and each gets its group's mean. A task that turns out long ends its
 * group: after each one, or where they were tiny after every few, the kernel's tick is
 * looked at, which is cheap and coarse.
 *
 *     pace_begin(&p);
 *     for (...) {
 *         ... run a task, whose result's record is at base + at ...
 *         if (pace_add(&p, at))
 *             busy_ns += pace_end(&p, base);
 *     }
 *     busy_ns += pace_end(&p, base);
 */
#ifndef ROTA_EXECUTE_PACE_H
#define ROTA_EXECUTE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"

enum {
    PACE_MAX = 128,       /* tasks in a group */
    PACE_TICKS_MOST = 32, /* looks at the tick, in a group of as many as wanted */
};

struct pace {
    int64_t now_ns;  /* when the group began: the last look at the clock */
    int64_t mean_ns; /* of the last group */
    long tick;
    unsigned count;
    unsigned wanted; /* tasks for the group; 0: all zeros, so it begins with one */
    size_t at[PACE_MAX];
};

static inline long pace_tick(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return t.tv_nsec;
}

static inline void pace_begin(struct pace *p)
{
    p->count = 0;
    p->tick = pace_tick();
    p->now_ns = clock_now_ns();
}

/* One more task was run. True: it ends its group. */
static inline bool pace_add(struct pace *p, size_t at)
{
    p->at[p->count++] = at;
    if (p->count >= p->wanted)
        return true;
    bool look = p->wanted < 2 * PACE_TICKS_MOST ||
                p->count % (p->wanted / PACE_TICKS_MOST) == 0;
    return look && pace_tick() != p->tick;
}

/* End the group, to which one more task belongs: its record is not at `base`, so its
 * time is in *last_ns. Returns how long the group took. */
int64_t pace_end_beyond(struct pace *p, unsigned char *base, int64_t *last_ns);

/* End the group, if there is one, write each one's time to its record, and begin the
 * next. Returns how long the group took. */
int64_t pace_end(struct pace *p, unsigned char *base);

#endif
