/* crew.h - those who do the work, wherever they are
 *
 * One interface, so that the manager knows no special case: a crew of one worker
 * in this very process (crew_local_open), a crew of ranks (crew_ranks_open), or a
 * scripted one in a test. Workers are numbered from 0; each comes once (CREW_JOINED)
 * and goes at most once (CREW_LOST), after everything that it had to say.
 */
#ifndef ROTA_FARM_CREW_H
#define ROTA_FARM_CREW_H

#include <stdint.h>

#include "base/cleanup.h"
#include "execute/execute.h"
#include "rota.h"

enum crew_kind {
    CREW_JOINED, /* `worker` is there, with `slots` */
    CREW_ENDED,  /* `worker` says that a task ended: `result` */
    CREW_LOST,   /* `worker` has gone: `who`, and `reason` */
};

struct crew_event {
    enum crew_kind kind;
    int worker;
    int slots;
    struct execute_result result; /* the receiver's: execute_result_done() */
    char who[32];                 /* "rank 3" */
    char reason[128];             /* "was killed by signal 9 (SIGKILL)" */
};

struct crew {
    const struct crew_ops *ops;
    int workers;  /* how many may come */
    int prefetch; /* what pays off, where handing out takes time */
};

struct crew_ops {
    /* Let `worker` begin an attempt. That the worker has gone is no failure here:
     * a CREW_LOST tells it. */
    int (*start)(struct crew *c, int worker, uint64_t task, uint32_t attempt,
                 char *const *argv, struct rota_error *err);

    /* The next event, waiting at most `timeout_ms`. Fails with ROTA_E_TIMEOUT, or
     * when the crew as a whole can't go on. */
    int (*wait)(struct crew *c, int timeout_ms, struct crew_event *out,
                struct rota_error *err);

    /* Send everyone home, ending what they still run, and free `c`. */
    void (*close)(struct crew *c);
};

/* A crew of one: this process, whose slots `options` describes. *out is the
 * caller's: crew_close(). */
int crew_local_open(const struct execute_options *options, struct crew **out,
                    struct rota_error *err);

/* A crew of all ranks but this one, which is rank 0 of `r` (borrowed) and has at
 * least one other: worker w is rank w + 1, and runs worker_run() (worker.h). */
int crew_ranks_open(struct rota *r, struct crew **out, struct rota_error *err);

static inline void crew_close(struct crew *c)
{
    if (c != NULL)
        c->ops->close(c);
}

ROTA_AUTO_DEFINE(crew, struct crew *, crew_close);

#endif
