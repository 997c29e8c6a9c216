/* report.h - what a run shows: results to stdout, talk to stderr
 *
 * The exit statuses of rota run:
 *     0    every task succeeded; or --halt gave the run up, for so many successes
 *     1    some failed; or --halt gave the run up, for so many failures
 *     2    wrong usage, or nothing could be started
 *     3    the run could not be completed: tasks were left undone, or results
 *          could not be written
 *     128 + N   signal N asked to stop (130: Ctrl-C)
 */
#ifndef ROTA_CLI_REPORT_H
#define ROTA_CLI_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "farm/crew.h"

enum {
    STATUS_SUCCESS = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_INCOMPLETE = 3,
    STATUS_SIGNAL = 128,
};

struct report {
    int err;
    bool summary;     /* wanted in any case */
    bool halted;      /* the run was given up because ... */
    bool halted_well; /* ... enough have succeeded */
    int64_t start_ns;
};

/* A task has ended: unless it succeeded, say what became of it. */
void report_ended(struct report *r, const struct crew_end *end);

/* The output of the task of this number can't be kept any more. */
void report_spilt(struct report *r, uint64_t number, const char *why);

/* The worker in `rank` is lost; the arguments are those of crew_hooks. */
void report_lost(struct report *r, int rank, const struct rota_fate *fate,
                 uint64_t again);

/* The run is over: say so where there is something to say, and give the exit
 * status. `rc` and `err` are crew_manage's; `left` is how many commands were not
 * taken, -1 where that is not known; `signal` what asked to stop, or 0. */
int report_close(struct report *r, const struct crew_summary *sum, int rc,
                 const struct rota_error *err, int64_t left, int signal);

#endif
