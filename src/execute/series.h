/* series.h - tasks that are run in this process, one behind the other
 *
 * Results grow into rows (row.h) as long as they are values of one size; and a look at
 * the clock may cost more than a task, so tasks are timed in groups of about a
 * microsecond or two, of which each task gets the mean. A task that turns out long ends
 * its group: the kernel's tick is looked at, which is cheap and coarse, after each
 * task, or where tasks have been tiny, after every few.
 *
 *     series_begin(&s);
 *     while (...)
 *         rc = series_run(&s, &task, count, id, attempt, &ran);
 *     series_end(&s);
 *     ... s.results, s.busy_ns ...
 */
#ifndef ROTA_EXECUTE_SERIES_H
#define ROTA_EXECUTE_SERIES_H

#include "execute/task.h"

enum {
    SERIES_GROUP_MOST = 512, /* tasks in a group */
};

struct series {
    struct task_bytes results; /* records and rows, whole after series_end */
    int64_t busy_ns;           /* that the groups which have ended took, in sum */
    int64_t now_ns;            /* the last look at the clock: the end of a group */
    const struct rota_function *functions;
    int count;

    bool open;                       /* a row grows: */
    size_t size;                     /* of its values */
    uint32_t inside;                 /* how many it has */
    size_t heads[SERIES_GROUP_MOST]; /* of the group: where records and rows begin */
    unsigned heads_count;
    unsigned tasks;  /* of the group, so far */
    unsigned wanted; /* for it */
    int64_t mean_ns; /* of the last group */
    long tick;
};

/* Borrows the functions. The results are the caller's: series_done(). */
void series_init(struct series *s, const struct rota_function *functions, int count);
void series_done(struct series *s);

/* Time counts from here; no results yet. */
void series_begin(struct series *s);

/* Run tasks `id` and following, which are all as `t` says, their payloads
 * parcel_padded(t->size) bytes apart: up to `count` of them, and fewer where a group
 * ends, or the results have grown to `enough` bytes. *ran is how many, also where this
 * fails with ROTA_E_NOMEM: the one behind them was not run. */
int series_run(struct series *s, const struct parcel_task *t, uint32_t count,
               uint64_t id, uint32_t attempt, size_t enough, uint32_t *ran);

/* End the group, if there is one: all results have their times. */
void series_end(struct series *s);

#endif
