/* report.h - what a run shows: results to stdout, talk to stderr
 *
 * The exit statuses of rota run:
 *     0    every task succeeded; or --halt gave the run up, for so many successes, or
 *          with done, and none had failed
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

#include "cli/screen.h"
#include "cli/steer.h"
#include "farm/crew.h"

enum {
    STATUS_SUCCESS = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_INCOMPLETE = 3,
    STATUS_SIGNAL = 128,
};

/* Say what is wrong, and give `status` back. */
int cli_fail(int status, const struct rota_error *err);

struct report {
    int err;
    struct screen *screen; /* what is below all that is written; or NULL */
    bool summary;          /* wanted in any case */
    bool reads_on;         /* commands do, so what was lost runs nowhere else */
    bool waiting;          /* that there is no room was said; so too: */
    bool running_out;      /* that no more are begun */
    int64_t start_ns;
};

/* A task has ended: unless it succeeded, say what became of it. */
void report_ended(struct report *r, const struct crew_end *end);

/* The output of the task of this number can't be kept any more. */
void report_spilt(struct report *r, uint64_t number, const char *why);

/* The worker in `rank` is lost; the arguments are those of crew_hooks. */
void report_lost(struct report *r, int rank, const struct rota_fate *fate,
                 const char *strange, uint64_t again);

/* From here on no more tasks are begun: say why, and how to end the `running` ones that
 * are left, if there are any. */
void report_running_out(struct report *r, const struct steer *s, uint64_t running);

/* Nothing runs, as there is no room on the machine for it: said once. */
void report_waiting(struct report *r);

/* How many ended without success, but not for want of a worker. */
uint64_t report_failed(const struct rota_stats *s);

/* The run is over: say so where there is something to say, and give the exit
 * status. `rc` and `err` are crew_manage's; `left` is how many commands were not
 * taken, -1 where that is not known; `steer` how it came to its end. */
int report_close(struct report *r, const struct crew_summary *sum, int rc,
                 const struct rota_error *err, int64_t left, const struct steer *steer);

#endif
