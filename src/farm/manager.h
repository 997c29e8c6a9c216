/* manager.h - the loop that has a crew do tasks, to the last one
 *
 * Tasks come from the caller, as many as there are, one at a time, when there is
 * room; each comes back once, with its result or the reason why there is none.
 */
#ifndef ROTA_FARM_MANAGER_H
#define ROTA_FARM_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "farm/crew.h"
#include "rota.h"
#include "schedule/schedule.h"

/* The end of a task. Everything is borrowed, for the call alone. */
struct manager_end {
    uint64_t task; /* from 0, in the order of their coming */
    enum schedule_outcome outcome;
    uint32_t attempts;
    char *const *argv;
    const struct execute_result *result; /* NULL unless an attempt gave one */
};

/* Called from manager_run, in its thread. */
struct manager_hooks {
    void *ctx;

    /* The next task: *argv is one block, which the manager takes. Must not wait:
     * fails with ROTA_E_TIMEOUT where none has come yet, with ROTA_E_NOTFOUND
     * where none will come any more, with anything else to end the run. */
    int (*next)(void *ctx, char ***argv, struct rota_error *err);

    /* A task ended. A failure ends the run. */
    int (*ended)(void *ctx, const struct manager_end *end, struct rota_error *err);

    /* A worker is lost; `again` tasks that it ran will run again. */
    void (*lost)(void *ctx, const struct crew_event *event, uint64_t again);

    /* Whether the run is to be given up. Asked several times a second. */
    bool (*stop)(void *ctx);
};

struct manager_summary {
    struct schedule_counts counts;
    uint64_t late; /* results that came from a lease that was not valid any more */
    bool complete; /* all tasks were taken, and an attempt was made at each */
    bool stopped;  /* because hooks->stop said so */
};

/* Run until all tasks have ended, no worker is left, or stop() says so. `*out` is
 * filled in any case. The crew is not closed. Fails with what a hook or the crew
 * failed with, or ROTA_E_NOMEM. */
int manager_run(struct crew *crew, const struct manager_hooks *hooks,
                struct manager_summary *out, struct rota_error *err);

#endif
