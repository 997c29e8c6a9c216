/* executor.h - who runs tasks on a rank: one interface, several ways
 *
 *     executor_in_rank_open   functions, in this very process
 *     executor_isolated_open  functions, each slot a child process of its own
 *
 * Tasks come in batches, each one's results are taken in the order of its tasks, in
 * one or several reports: every task of a batch is reported exactly once, unless it
 * was dropped. Batches that are given while all slots are taken wait here.
 */
#ifndef ROTA_EXECUTE_EXECUTOR_H
#define ROTA_EXECUTE_EXECUTOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"

struct executor;

/* Tasks `first` to `first + count - 1`: records of parcel.h, and rows of row.h, one
 * behind the other. */
struct executor_batch {
    uint64_t lease; /* the caller's name for the batch */
    uint64_t first;
    uint32_t count;
    uint32_t attempt;
    const unsigned char *records; /* borrowed; they have been found sound */
    size_t bytes;
};

/* Results of tasks `first` to `first + count - 1` of a lease, records and rows too; or
 * a part: what task `first`, which goes on, has to say so far, in whatever form its
 * kind of task has for that. Its parts come in their order, and before its result. */
struct executor_report {
    uint64_t lease;
    uint64_t first;
    uint32_t count;
    bool part;
    int64_t busy_ns;              /* how long they ran, in sum */
    const unsigned char *records; /* valid until the next call for this executor */
    size_t bytes;
};

struct executor_ops {
    /* Take a batch on. Fails with ROTA_E_NOMEM: it is not taken. */
    int (*give)(struct executor *x, const struct executor_batch *b);

    /* 0 and the next report; ROTA_E_TIMEOUT: there is none now. An executor without
     * processes of its own does its work here, for about EXECUTOR_SLICE_NS at most if
     * the tasks are that short. Fails with ROTA_E_NOMEM (try again later) or
     * ROTA_E_IO (it cannot go on at all). */
    int (*take)(struct executor *x, struct executor_report *out);

    /* The tasks `first` to `first + count - 1` of `lease` are not wanted any more: they
     * are neither begun nor reported, and one that runs is ended where that costs
     * nothing but itself. One that is done may still be reported. Unknown ones are
     * ignored. */
    void (*drop)(struct executor *x, uint64_t lease, uint64_t first, uint32_t count);

    /* The first task of `lease` that was not begun; UINT64_MAX: there is none. NULL
     * where nobody needs to know, as a task may well be run twice. */
    uint64_t (*unbegun)(const struct executor *x, uint64_t lease);

    /* Tasks that have no limit of their own may run for `limit_ns`, those that run
     * already too. NULL: it can't be done. */
    void (*limit)(struct executor *x, int64_t limit_ns);

    /* Whoever has `task` of `lease` running: end it, as what it says in parts can't be
     * kept. Its result comes as any other. NULL where there are no parts. */
    void (*end)(struct executor *x, uint64_t lease, uint64_t task);

    /* Whoever has `task` of `lease` running is given `size` bytes more to read; `last`:
     * and then no more. Where nobody has, nothing happens. Fails with ROTA_E_NOMEM:
     * nothing was taken, try again later. NULL where tasks have all from the start. */
    int (*feed)(struct executor *x, uint64_t lease, uint64_t task, const void *data,
                size_t size, bool last);

    /* Sleep until there may be something to take, or `timeout_ns` have passed. May
     * return too early. */
    void (*wait)(struct executor *x, int64_t timeout_ns);

    /* End everything at once, and free `x`. */
    void (*close)(struct executor *x);
};

struct executor {
    const struct executor_ops *ops;
    int slots;  /* batches that run at once */
    int held;   /* batches that are not wholly reported or dropped yet */
    bool fatal; /* the next task that take runs may end this very process, as it has a
                   time limit: what was reported should have left it by then */
    bool shut;  /* it wants nothing more for the time being; see what take says */
    bool ready; /* take would find work that needs this process: don't wait */
};

/* How long a call of take computes at most, and results are kept back. */
#define EXECUTOR_SLICE_NS INT64_C(1000000)

struct executor_options {
    const struct rota_function *functions; /* borrowed */
    int count;
    int slots;
    size_t memory_limit_bytes; /* 0: none; isolated ones only */
};

/* *out is the caller's: executor_close(). Fail with ROTA_E_ARG, ROTA_E_IO or
 * ROTA_E_NOMEM. The isolated one forks: call it before MPI_Init, and before any
 * thread. */
int executor_in_rank_open(const struct executor_options *options, struct executor **out,
                          struct rota_error *err);
int executor_isolated_open(const struct executor_options *options,
                           struct executor **out, struct rota_error *err);

static inline void executor_close(struct executor *x)
{
    if (x != NULL)
        x->ops->close(x);
}

ROTA_AUTO_DEFINE(executor, struct executor *, executor_close);

#endif
