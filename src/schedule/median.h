/* median.h - about how long most take: the median of durations, without keeping them
 *
 * Durations are counted in classes, each 1/64 of a doubling wide, so that the median is
 * right to about one percent whatever comes, in whatever order.
 */
#ifndef ROTA_SCHEDULE_MEDIAN_H
#define ROTA_SCHEDULE_MEDIAN_H

#include <stdint.h>

enum {
    MEDIAN_PER_DOUBLING = 64,
    MEDIAN_DOUBLINGS = 57, /* from 64 ns on, all that an int64_t holds */
    MEDIAN_CLASSES = MEDIAN_PER_DOUBLING * (1 + MEDIAN_DOUBLINGS),
};

/* All zero: nothing has come. */
struct median {
    uint64_t count[MEDIAN_CLASSES];
    uint64_t total;
    uint64_t below; /* how many are in the classes before `at`: half at most */
    int at;         /* the median's class */
};

/* `times` (at least 1) of them took `ns` each. */
void median_add(struct median *m, int64_t ns, uint64_t times);

/* The lower one of the two where they are even; 0: nothing has come. */
int64_t median_get(const struct median *m);

#endif
