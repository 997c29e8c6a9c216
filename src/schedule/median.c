/* median.c - about how long most take: the median of durations, without keeping them
 *
 * The classes before 64 ns have one value each; from there on each doubling is cut
 * into as many equal classes. Where the median stands is followed as they come: it
 * moves by the classes that lie between, which are few once there are many values.
 */
#include "schedule/median.h"

enum {
    SHIFT = 6, /* log2 of MEDIAN_PER_DOUBLING */
};

static int class_of(int64_t ns)
{
    uint64_t n = ns > 0 ? (uint64_t)ns : 0;
    if (n < MEDIAN_PER_DOUBLING)
        return (int)n;
    int doubling = 63 - __builtin_clzll(n) - SHIFT; /* of 64 ns */
    return MEDIAN_PER_DOUBLING * (doubling + 1) +
           (int)((n >> doubling) - MEDIAN_PER_DOUBLING);
}

/* The middle of a class. */
static int64_t value_of(int class)
{
    if (class < MEDIAN_PER_DOUBLING)
        return class;
    int doubling = class / MEDIAN_PER_DOUBLING - 1;
    int64_t from = (int64_t)(class % MEDIAN_PER_DOUBLING + MEDIAN_PER_DOUBLING)
                   << doubling;
    return from + (INT64_C(1) << doubling) / 2;
}

void median_add(struct median *m, int64_t ns, uint64_t times)
{
    int class = class_of(ns);
    m->count[class] += times;
    m->total += times;
    if (class < m->at)
        m->below += times;
    uint64_t half = (m->total - 1) / 2; /* so many stand before the median */
    while (m->below > half)
        m->below -= m->count[--m->at];
    while (m->below + m->count[m->at] <= half)
        m->below += m->count[m->at++];
}

int64_t median_get(const struct median *m)
{
    return m->total > 0 ? value_of(m->at) : 0;
}
