/* slot.h - the rank's side of a slot: tasks into its cell, results out of it
 *
 * A slot has batches. They are fed to its child as there is room, and its results are
 * collected: both in the order of the tasks, so that two cursors say it all.
 *
 *     tasks:    told | collected | fed           | not fed
 *                    ^ told      ^ told+complete ^ feed
 *
 * When the child has ended (bury), what it had been fed beyond its results is fed again
 * to the next: each batch stays here until its last result was told.
 */
#ifndef ROTA_EXECUTE_SLOT_H
#define ROTA_EXECUTE_SLOT_H

#include <stdbool.h>

#include "execute/batch.h"
#include "execute/cell.h"
#include "execute/task.h"

/* A place among a slot's batches. */
struct slot_cursor {
    struct batch *batch; /* NULL: behind the last */
    uint32_t index;
    size_t at;     /* where the record of task `index` begins */
    uint64_t part; /* so many bytes of it are behind us */
};

/* What a tray was filled with. */
struct slot_tray {
    struct slot_cursor begin;
    unsigned count;  /* tasks: 0 if it is a part of one */
    uint64_t before; /* the slot's `fed`, without this tray */
    uint64_t fed;    /* and with it */
};

struct slot {
    struct cell *cell;
    struct batch_list batches; /* the oldest first */
    int count;                 /* of them */
    int limited;               /* so many of them have time limits */
    struct slot_cursor feed;   /* the next to feed */
    unsigned filled;           /* trays, in this life */
    uint64_t fed;              /* tasks, in this life, wholly */
    struct slot_tray trays[CELL_TRAYS];

    uint32_t told;             /* of the first batch */
    struct slot_cursor seen;   /* in it: the last record that was looked for */
    struct task_bytes results; /* collected */
    size_t read;               /* of these: told */
    struct task_bytes packed;  /* what was told last, in rows */
    uint64_t complete;         /* results that are whole, and not told */
    bool ours;                 /* it is one, which slot_bury made */
    uint64_t tasks;            /* collected, in this life */
    uint64_t bytes;            /* so too */
    uint32_t rung;             /* of the cell's, as we know it */
    int64_t collected_ns;

    uint32_t life;
    bool broken;    /* the child says what can't be */
    bool condemned; /* the nursery was asked to kill it */
    /* Tasks, counted as `begun` is; 0: none. */
    uint64_t unwanted; /* the child was in it when it was dropped */
    uint64_t doomed;   /* it is for this one that it was condemned */
};

/* How a slot's child has ended. */
struct slot_end {
    int status; /* as waitpid() tells it */
    int64_t ended_ns;
};

/* Start with an empty cell, whose child may begin. */
void slot_init(struct slot *s, struct cell *cell);
void slot_done(struct slot *s);

/* Put a batch behind the others; the slot's from now on. */
void slot_add(struct slot *s, struct batch *b);

/* Take the last batch back, if nothing of it was begun: it is the caller's. NULL: it
 * can't be. */
struct batch *slot_take_back(struct slot *s);

/* Feed what there is room for. */
void slot_feed(struct slot *s);

/* Whether collecting pays: the child has asked for it; or it has not come to that for
 * so long, in a long task, that `all` of what it has done should be told. */
bool slot_has_news(const struct slot *s, bool *all);

/* Collect results, when all that had been collected were told; with `all` those too
 * that have no times yet. Fails with ROTA_E_NOMEM: nothing has changed. */
int slot_collect(struct slot *s, bool all);

/* Tell results that stand one behind the other: 0, and a report; ROTA_E_TIMEOUT: there
 * are none; or ROTA_E_NOMEM: nothing has changed. *held is how many batches there are,
 * which this counts down. */
int slot_tell(struct slot *s, struct executor_report *out, int *held);

/* Mark tasks that are not wanted any more. If the child is in one, sets `unwanted`. */
void slot_drop(struct slot *s, uint64_t lease, uint64_t first, uint32_t count,
               int *held);

/* The child has ended, and all that could be collected was told: blame the task that
 * it ended in, and let the next child begin. Fails with ROTA_E_NOMEM. */
int slot_bury(struct slot *s, const struct slot_end *end);

/* See whether the child keeps to what was agreed on; sets `broken`. */
void slot_check(struct slot *s);

/* Whether the task that the child is in has run out of time, or is not wanted: *task,
 * for `doomed`. */
bool slot_is_overdue(const struct slot *s, int64_t now_ns, uint64_t *task);
bool slot_is_unwanted(const struct slot *s, uint64_t *task);

/* How long it takes at least till a task runs out of time; INT64_MAX: for ever. */
int64_t slot_patience_ns(const struct slot *s, int64_t now_ns);

#endif
