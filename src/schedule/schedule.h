/* schedule.h - which task runs where: events in, actions out
 *
 * Pure: no clock, no I/O, no MPI. The caller tells what happened, with the time,
 * and then asks what to do until there is nothing more:
 *
 *     schedule_add(s, tag, &task);        a task came
 *     schedule_join(s, worker, slots);    a worker came
 *     schedule_ended(...);                a worker says how an attempt ended
 *     schedule_lost(s, worker);           a worker has gone
 *     while (schedule_next(s, now_ns, &action))
 *         ... start an attempt, or take note that a task has ended ...
 *
 * Every task that was added ends exactly once: with SCHEDULE_ENDED and an
 * outcome.
 */
#ifndef ROTA_SCHEDULE_H
#define ROTA_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

/* How a task ended. */
enum schedule_outcome {
    SCHEDULE_SUCCEEDED, /* an attempt did it */
    SCHEDULE_FAILED,    /* an attempt said that it cannot be done */
    SCHEDULE_POISON,    /* its attempts lost worker after worker */
    SCHEDULE_NO_WORKER, /* nobody is left who could try */
    SCHEDULE_OUTCOMES,  /* how many there are */
};

enum schedule_what {
    SCHEDULE_START, /* let `worker` begin `attempt` of `task` */
    SCHEDULE_ENDED, /* `task` ended with `outcome`, in `attempt` on `worker` */
};

struct schedule_action {
    enum schedule_what what;
    enum schedule_outcome outcome; /* SCHEDULE_ENDED */
    uint64_t task;
    uint32_t attempt; /* from 1; 0 where a task ends that was never begun */
    int worker;       /* the last that had it; -1 where none ever had */
    int64_t held_ns;  /* SCHEDULE_ENDED: how long that worker had it */
    void *tag;        /* what the caller gave to schedule_add */
};

struct schedule_options {
    int workers;      /* at most so many may come, numbered from 0 */
    int prefetch;     /* tasks that a worker holds beyond its slots */
    int poison_limit; /* so many workers lost end a task; 0 means 3 */
};

struct schedule_counts {
    uint64_t added;
    uint64_t ready;  /* wait for a worker */
    uint64_t leased; /* are with a worker */
    uint64_t ended[SCHEDULE_OUTCOMES];
    uint64_t again; /* attempts that ran, lost with their worker */
    uint64_t slots; /* of the workers that are there */
    int here;       /* workers that came and are there */
    int lost;       /* workers that have gone, or never will come */
};

struct schedule;

/* *out is the caller's: schedule_free(). Fails with ROTA_E_ARG or ROTA_E_NOMEM. */
int schedule_new(const struct schedule_options *options, struct schedule **out);

/* Tags of tasks that have not ended are the caller's, and forgotten. */
void schedule_free(struct schedule *s);

/* Add a task; tasks are numbered from 0 in the order of their coming. Fails with
 * ROTA_E_NOMEM. */
int schedule_add(struct schedule *s, void *tag, uint64_t *task);

/* `worker` is there, with room for `slots` (at least 1) tasks at once. Fails with
 * ROTA_E_ARG, or with ROTA_E_STATE if it came before or is lost. */
int schedule_join(struct schedule *s, int worker, int slots);

/* `worker` says that `attempt` of `task` ended. Returns 0, and the next
 * SCHEDULE_ENDED of this task tells it; or ROTA_E_STATE: the lease is not (or no
 * longer) this worker's, and the result must not count. */
int schedule_ended(struct schedule *s, int64_t now_ns, int worker, uint64_t task,
                   uint32_t attempt, bool succeeded);

/* `worker` has gone, or will never come: what it held goes to others. Fails with
 * ROTA_E_ARG, or with ROTA_E_STATE if that is known. */
int schedule_lost(struct schedule *s, int64_t now_ns, int worker);

/* The next thing to do, or false. */
bool schedule_next(struct schedule *s, int64_t now_ns, struct schedule_action *out);

/* Borrowed: valid as long as `s`, changed by every call. */
const struct schedule_counts *schedule_counts(const struct schedule *s);

ROTA_AUTO_DEFINE(schedule, struct schedule *, schedule_free);

#endif
