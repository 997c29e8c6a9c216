/* probe.h - four ranks, of which one kills itself: what the others see
 *
 * The findings are a text of one line, written by rank 0 as it goes, so that what is
 * missing says how far it came:
 *
 *     joined N HOST...       N ranks said where they are
 *     lost HOW CODE NS       the last rank's fate (enum rota_how), and how long after
 *                            its last words rank 0 was told
 *     alive N                so many of the others answered after that
 */
#ifndef ROTA_CLI_PROBE_H
#define ROTA_CLI_PROBE_H

#include <stdint.h>
#include <stdio.h>

#include "rota.h"

enum {
    PROBE_RANKS = 4,
    PROBE_HOST_SIZE = 65,
};

struct findings {
    int joined;
    char hosts[PROBE_RANKS][PROBE_HOST_SIZE];
    int told; /* 1: `fate` and `after_ns` are known */
    struct rota_fate fate;
    int64_t after_ns;
    int alive; /* of the PROBE_RANKS - 2 others; -1: not known */
};

/* Read what a probe has written to `f`: as far as it came. */
void probe_read(FILE *f, struct findings *out);

/* Be one of the ranks; rank 0 writes to standard output, which the launcher brings to
 * whoever started it, from whatever host. Returns the exit status. */
int probe_rank(void);

#endif
