/* plan.h - which tasks run where, and when again: events in, actions out
 *
 * Pure: no clock, no I/O, no MPI. The caller tells what happened, with the time, and
 * then asks what to do until there is nothing more:
 *
 *     plan_add(p, &class, count, &first);   tasks came, numbered on
 *     plan_join(p, now_ns, worker, slots);  a worker came
 *     plan_settle(...), plan_failed(...)    a worker reports
 *     plan_lost(...), plan_freeze(...)      a worker has gone, was stopped, goes on
 *     plan_shut(...)                        nothing more is lent to it, or to anyone
 *     while (plan_next(p, now_ns, &action))
 *         ... lend tasks, take them back, take note of tasks that ended ...
 *     ... and again at plan_wake_ns(p), even if nothing happens until then.
 *
 * Everything is done by spans, runs of tasks with successive numbers: what has been
 * added, lent or settled together costs the same whether it is one task or a
 * thousand, and a task that waits costs no memory of its own.
 *
 * Every task that was added ends exactly once: in a plan_settle that accepts it, a
 * plan_failed that says so, or a PLAN_ENDED.
 */
#ifndef ROTA_SCHEDULE_PLAN_H
#define ROTA_SCHEDULE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"

/* What is to be known of a task to plan it. */
struct plan_class {
    int priority; /* higher ones first; within one, as they came */
    int near;     /* the worker that it goes to as long as that one is there; -1: any */
    int retries;  /* further attempts, should one fail */
    int kind;     /* tasks of one kind take about the same time; from 0 */
};

struct plan_span {
    uint64_t first;
    uint64_t count;
};

enum plan_what {
    PLAN_LEND, /* lend `span` to `worker`, as `lease`; it is their attempt `attempt` */
    PLAN_RECALL, /* `span` of `lease` is not `worker`'s any more: tell it; or, with
                    options.once, ask it to give back what of that it has not begun */
    PLAN_ENDED,  /* the tasks of `span` have ended, without a result: `why` */
};

enum plan_why {
    PLAN_POISON,    /* so many workers were lost while they ran it: `killed` */
    PLAN_NO_WORKER, /* nobody is left, or will come, who could try */
    PLAN_CANCELLED,
};

struct plan_action {
    enum plan_what what;
    enum plan_why why; /* PLAN_ENDED */
    int worker;        /* PLAN_ENDED: who had them last, or -1 */
    uint64_t lease;
    struct plan_span span;
    uint32_t attempt; /* PLAN_ENDED: how many were begun, as far as is known */
    int killed;
};

struct plan_options {
    int workers;           /* at most so many may come, numbered from 0 */
    int poison_limit;      /* so many workers lost end a task; 0: 3 */
    int ahead;             /* batches that may wait at a worker, for each of its slots;
                              0: one */
    int64_t batch_ns;      /* how long a batch should run at one slot; 0: 2 ms */
    int64_t retry_ns;      /* delay of a failed task's next try, doubled each time, */
    int64_t retry_most_ns; /* up to this; 0: 100 ms, and 10 s */
    int64_t straggler_ns;  /* a task must have run so long at least before it is run
                              elsewhere too; 0: 100 ms */
    /* Tasks have effects, so none is begun a second time, unless it failed or its
     * worker was lost: there are no copies, and what was lent can only be given back
     * (plan_returned). Each result is reported as soon as it is there, so at most one
     * task of a lease is running. */
    bool once;
    /* A task that may have been running when its worker was lost ends with that: as
     * poison, whoever else was there. */
    bool frail;
    /* What is lent begins at once: one task at a time, to an idle slot. */
    bool prompt;
    int64_t gap_ns;  /* not 0: promptly, and so long after the last one at least */
    bool gap_adapts; /* it grows by 30% with each failure, and shrinks by 10% with each
                        report of success */
    double limit_times; /* plan_limit_ns is so many times the median; 0: not wanted */
    /* How many tasks from `first` on (1 to `count`) may travel in one batch, for their
     * size. NULL: all. */
    uint64_t (*fit)(void *ctx, uint64_t first, uint64_t count);
    void *ctx;
};

struct plan_counts {
    uint64_t added;
    uint64_t ready;   /* wait for a worker */
    uint64_t delayed; /* wait for their next try */
    uint64_t leased;  /* are with a worker */
    uint64_t done;    /* settled, or failed for good */
    uint64_t ended[PLAN_CANCELLED + 1];
    uint64_t again;    /* attempts begun anew, after a failure or a loss */
    uint64_t refused;  /* results that counted no more */
    uint64_t recalled; /* tasks taken back before they ran */
    uint64_t copied;   /* tasks of stragglers, lent a second time */
    uint64_t running;  /* leases of which a task may run */
    uint64_t slots;    /* of the workers that are there */
    int here;
    int lost;
    int shut;        /* of those that are there, by themselves */
    int64_t busy_ns; /* that what was settled took */
};

struct plan;

/* *out is the caller's: plan_free(). Fails with ROTA_E_ARG or ROTA_E_NOMEM. */
int plan_new(const struct plan_options *options, struct plan **out);
void plan_free(struct plan *p);

/* Add `count` tasks; *first (which may be NULL) is the number of the first of them.
 * Tasks are numbered from 0. Fails with ROTA_E_ARG or ROTA_E_NOMEM: none was added. */
int plan_add(struct plan *p, const struct plan_class *c, uint64_t count,
             uint64_t *first);

/* `worker` is there, and runs `slots` (at least 1) batches at once. Fails with
 * ROTA_E_ARG, or ROTA_E_STATE if it came before or is lost. */
int plan_join(struct plan *p, int64_t now_ns, int worker, int slots);

/* `worker` reports results of the tasks of `span`, of `lease`, which together ran
 * `busy_ns`. Says of how many from the first on the same holds (*run, at least 1):
 * *accepted, they have ended, in attempt *attempt; or not: the lease is not, or no
 * longer, that worker's, or does not hold them, and the results must not count. Call
 * it again for the rest, with the rest's part of `busy_ns`. Fails with ROTA_E_ARG (no
 * task) or ROTA_E_NOMEM: nothing has changed. */
int plan_settle(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                struct plan_span span, int64_t busy_ns, uint64_t *run, bool *accepted,
                uint32_t *attempt);

enum plan_verdict {
    PLAN_REFUSED, /* the result must not count */
    PLAN_AGAIN,   /* the task will be tried again: forget this result */
    PLAN_FINAL,   /* the task has ended with this result */
};

/* `worker` reports that `task` of `lease` failed, in attempt *attempt. Fails with
 * ROTA_E_NOMEM: nothing has changed. */
int plan_failed(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                uint64_t task, int64_t busy_ns, enum plan_verdict *verdict,
                uint32_t *attempt);

/* Whether `task` is in the `lease` of `worker`, and not reported yet. */
bool plan_holds(const struct plan *p, int worker, uint64_t lease, uint64_t task);

/* With options.once: `worker` gives back the tasks of `span` that are in its `lease`:
 * it has not begun them, and won't. Others are of no account. Fails with ROTA_E_NOMEM:
 * nothing has changed. */
int plan_returned(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                  struct plan_span span);

/* `worker` has gone, or will never come: what it held goes to others. Fails with
 * ROTA_E_ARG, or ROTA_E_STATE if that is known. Needs no memory. */
int plan_lost(struct plan *p, int64_t now_ns, int worker);

/* `worker` was stopped, or goes on: while it is stopped nothing is lent to it, and what
 * it has not begun is taken back (unless options.once). */
void plan_freeze(struct plan *p, int64_t now_ns, int worker, bool frozen);

enum {
    PLAN_EVERYONE = -1,
};

/* Nothing more is lent to `worker` (or to PLAN_EVERYONE), until that is taken back with
 * `shut` false; and what it has not begun is taken back (with options.once: asked for).
 * So when everyone is shut and nothing is leased any more, nothing runs. */
void plan_shut(struct plan *p, int64_t now_ns, int worker, bool shut);

/* What `worker` runs, if it has one slot: the first task not reported of the oldest of
 * its leases. False: nothing, or perhaps something that was taken back. */
bool plan_running(const struct plan *p, int worker, uint64_t *lease, uint64_t *task);

/* `worker` is about to be lost, and nothing that it still has was running: what was has
 * failed for it. */
void plan_excuse(struct plan *p, int worker);

/* End a task before its time; its PLAN_ENDED comes, and a PLAN_RECALL where someone
 * has it. Fails with ROTA_E_NOTFOUND (it has ended, or never was) or ROTA_E_NOMEM. */
int plan_cancel(struct plan *p, int64_t now_ns, uint64_t task);

/* The next thing to do, or false. Without memory it does what needs none. */
bool plan_next(struct plan *p, int64_t now_ns, struct plan_action *out);

/* Whether plan_next, when last asked, would have lent more, had there been memory. */
bool plan_was_refused(const struct plan *p);

/* When to ask plan_next again if nothing happens; INT64_MAX: only then. */
int64_t plan_wake_ns(const struct plan *p);

/* With options.limit_times: how long a task may run, as many times the median of those
 * that have succeeded; 0: there is none yet. */
int64_t plan_limit_ns(const struct plan *p);

/* Whether another task would keep some slot from running out of work soon: then, more
 * should be added. (While everyone is shut: whether nothing waits.) */
bool plan_is_hungry(const struct plan *p);

/* Borrowed: valid as long as `p`, changed by every call. */
const struct plan_counts *plan_counts(const struct plan *p);

ROTA_AUTO_DEFINE(plan, struct plan *, plan_free);

#endif
