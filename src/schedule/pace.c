/* pace.c - how long tasks of a kind take, and how many make a batch
 *
 * The time of a task is the mean of the first reports, then one that forgets. A batch
 * starts at one task and grows by GROWTH at most each time, so that a single lucky
 * measurement doesn't send everything to one worker, and yet a task of 20 ns gets
 * batches of tens of thousands after six of them.
 */
#include "schedule/pace.h"

enum {
    GROWTH = 8,
    MEMORY = 8, /* a report weighs at least 1/MEMORY */
};

void pace_learn(struct pace *p, uint64_t count, int64_t busy_ns)
{
    double sample = (double)(busy_ns > 0 ? busy_ns : 0) / (double)count;
    if (p->samples < MEMORY)
        p->samples++;
    p->task_ns += (sample - p->task_ns) / (double)p->samples;
    if (p->task_ns < 1)
        p->task_ns = 1;
}

void pace_grow(struct pace *p, uint64_t count)
{
    uint64_t most = count < UINT32_MAX ? count * GROWTH : count;
    if (most > p->most)
        p->most = most;
}

static uint64_t batch(const struct pace *p, int64_t batch_ns, uint64_t most)
{
    if (p->samples == 0)
        return 1;
    double count = (double)batch_ns / p->task_ns;
    if (count >= (double)most)
        return most;
    return count > 1 ? (uint64_t)count : 1;
}

uint64_t pace_batch(const struct pace *p, int64_t batch_ns)
{
    return batch(p, batch_ns, p->most > 0 ? p->most : 1);
}

uint64_t pace_next_batch(const struct pace *p, int64_t batch_ns)
{
    if (p->samples == 0)
        return GROWTH;
    return batch(p, batch_ns, p->most > 0 ? p->most * GROWTH : GROWTH);
}

int64_t pace_expect_ns(const struct pace *p, uint64_t count)
{
    double ns = p->task_ns * (double)count;
    return ns < 1e18 ? (int64_t)ns : INT64_C(1000000000000000000);
}
