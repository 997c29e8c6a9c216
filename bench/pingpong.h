/* pingpong.h - what pingpong_mpi and pingpong_rota have in common: the count of round
 * trips on their command line, and the median over batches of them
 */
#ifndef ROTA_BENCH_PINGPONG_H
#define ROTA_BENCH_PINGPONG_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
    BATCHES = 50,
    PAYLOAD_BYTES = 8,
};

/* Round trips in a batch: the argument, 20 000 in all without one. */
static inline int batch_size(int argc, char **argv)
{
    int trips = argc > 1 ? atoi(argv[1]) : 20000;
    return trips < BATCHES ? 1 : trips / BATCHES;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Print the median batch's time for one round trip, in microseconds. */
static inline void print_median(int64_t batches_ns[BATCHES], int trips)
{
    qsort(batches_ns, BATCHES, sizeof(batches_ns[0]), by_size);
    printf("%.3f\n", (double)batches_ns[BATCHES / 2] / trips / 1e3);
}

#endif
