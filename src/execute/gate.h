/* gate.h - whether there is room on this machine for one more command
 *
 * What is there is read from /proc: memory (MemAvailable), processes that run or wait
 * for a disk (procs_running and procs_blocked, without the one that looks), and how
 * many pages were swapped in and out in the last second.
 */
#ifndef ROTA_EXECUTE_GATE_H
#define ROTA_EXECUTE_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* All 0: there is always room. */
struct gate_limits {
    int64_t memory_bytes; /* at least so many are free; 0: none need be */
    double load;          /* fewer processes than this are busy; 0: any number may be */
    bool noswap;          /* nothing is swapped both in and out */
    const char *proc;     /* borrowed: where to read; NULL: /proc */
};

/* What was read; what could not be is below 0. */
struct gate_reading {
    int64_t memory_bytes;
    double busy;
    int64_t swapped_in; /* pages, since the last look */
    int64_t swapped_out;
};

enum gate_state {
    GATE_OPEN,
    GATE_SHUT,
    GATE_CROWDED, /* less than half of the memory is free: one who is in should go */
};

/* Pure. What is not known is no obstacle. */
enum gate_state gate_decide(const struct gate_limits *l, const struct gate_reading *r);

struct gate {
    struct gate_limits limits;
    int64_t pages_in; /* so many were swapped when that was last looked at, */
    int64_t pages_out;
    int64_t swap_ns;                /* then; 0: never */
    struct gate_reading swap_known; /* what came of it */
};

void gate_init(struct gate *g, const struct gate_limits *limits);

/* Whether there are limits at all. */
bool gate_is_wanted(const struct gate *g);

/* How it stands now. */
enum gate_state gate_look(struct gate *g, int64_t now_ns);

#endif
