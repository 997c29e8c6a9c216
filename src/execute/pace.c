/* pace.c - how long many tiny tasks took, with few looks at the clock */
#include "execute/pace.h"

#include "execute/task.h"

#define GROUP_MIN_NS INT64_C(1000)
#define GROUP_MAX_NS INT64_C(2000)

static void adapt(struct pace *p, unsigned count, int64_t took_ns)
{
    if (took_ns < GROUP_MIN_NS && count >= p->wanted)
        p->wanted = count * 2 < PACE_MAX ? count * 2 : PACE_MAX;
    else if (took_ns > GROUP_MAX_NS)
        p->wanted = (unsigned)(count * GROUP_MAX_NS / took_ns);
}

int64_t pace_end_beyond(struct pace *p, unsigned char *base, int64_t *last_ns)
{
    unsigned count = p->count + 1;
    long tick = pace_tick();
    int64_t now_ns = clock_now_ns();
    int64_t took_ns = now_ns - p->now_ns;
    int64_t mean_ns = took_ns / count;
    /* If the group lasted till the tick it was the last one that was long. */
    int64_t each_ns = mean_ns;
    if (tick != p->tick && p->mean_ns > 0 && p->mean_ns < mean_ns)
        each_ns = p->mean_ns;
    for (unsigned i = 0; i < p->count; i++)
        task_set_took(base + p->at[i], each_ns);
    *last_ns = took_ns - each_ns * p->count;
    adapt(p, count, took_ns);
    p->mean_ns = mean_ns;
    p->count = 0;
    p->tick = tick;
    p->now_ns = now_ns;
    return took_ns;
}

int64_t pace_end(struct pace *p, unsigned char *base)
{
    if (p->count == 0)
        return 0;
    int64_t last_ns;
    size_t last = p->at[--p->count];
    int64_t took_ns = pace_end_beyond(p, base, &last_ns);
    task_set_took(base + last, last_ns);
    return took_ns;
}
