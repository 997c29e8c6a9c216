/* sorted.h - the median of some numbers */
#ifndef ROTA_BENCH_SORTED_H
#define ROTA_BENCH_SORTED_H

#include <stdlib.h>

static inline int sorted_by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts `values`. */
static inline double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(values[0]), sorted_by_size);
    return values[count / 2];
}

#endif
