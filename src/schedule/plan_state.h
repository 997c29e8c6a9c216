/* plan_state.h - what a plan consists of: for the files of this folder alone */
#ifndef ROTA_SCHEDULE_PLAN_STATE_H
#define ROTA_SCHEDULE_PLAN_STATE_H

#include "schedule/median.h"
#include "schedule/pace.h"
#include "schedule/plan.h"
#include "schedule/queue.h"
#include "schedule/span.h"

enum {
    DELAYS = 48
};

/* What a worker has room for: the lists that it may stand in. */
enum room {
    ROOM_EMPTY,    /* it has nothing at all */
    ROOM_SLOT,     /* a slot is free */
    ROOM_PREFETCH, /* a batch may wait there */
    ROOMS,
};

struct lease {
    TAILQ_ENTRY(lease) link; /* of its worker's, or free */
    struct worker *worker;   /* NULL: it has ended */
    struct span_list spans;  /* that are not reported, in order */
    struct span *spare;      /* so that taking back its rest needs no memory */
    uint64_t id;
    uint64_t lent;   /* tasks that it began with */
    uint64_t left;   /* in `spans` */
    int64_t mark_ns; /* running: since when its first task may run */
    uint32_t attempt;
    uint32_t number; /* of its worker's leases, from 1 */
    int kind;
    bool running; /* among the `slots` oldest of its worker */
    bool alone;   /* nothing else is lent to its worker meanwhile */
    bool asked;   /* options.once: its worker was asked to give it back */
    bool tried;   /* its task has failed elsewhere: no further copy */
    bool wanted;  /* shut.c: its worker is to be asked for what it has not begun */
};

TAILQ_HEAD(lease_list, lease);

struct worker {
    TAILQ_ENTRY(worker) link;
    struct worker_list *list; /* where it stands, or NULL: nothing can be lent to it */
    struct lease_list leases; /* oldest first */
    struct lease *waiting;    /* the oldest that isn't running */
    int slots;                /* 0: has not come */
    int held;                 /* leases */
    uint32_t numbered;        /* leases so far */
    uint32_t ghost; /* not 0: it may still run what was taken back when it had had so
                       many leases */
    uint32_t sure; /* with a ghost: leases up to this one stand before what it may be */
    bool lost;
    bool frozen;
    bool alone;   /* it has an `alone` lease */
    bool excused; /* it will be lost, not by what it has */
    bool shut;    /* it is to get nothing more */
};

TAILQ_HEAD(worker_list, worker);

struct lease_store {
    struct lease **chunks;
    uint64_t chunk_count;
    uint64_t chunk_cap;
    struct lease_list free;
};

struct plan {
    struct plan_options options;
    struct plan_counts counts;
    struct span_store spans;
    struct lease_store leases;
    struct pace *paces; /* by kind */
    int kinds;
    int last_kind;        /* of what was added last */
    struct queue *queues; /* near each worker, and then: for any */
    struct queue *any;
    struct span_list solos;             /* ready, but for a worker of their own */
    struct span_list delayed[DELAYS];   /* by how often they failed, soonest first */
    struct span_list recalled;          /* to be told */
    struct span_list ended;             /* to be told */
    struct worker_list lists[ROOMS][2]; /* and: whether something near waits for it */
    struct worker *draining;            /* gets nothing until it may take a solo */
    int delays;                         /* that differ */
    int look_at;                        /* slow.c: the next worker to look at, */
    int64_t looking_ns;                 /* in the look begun then */
    int64_t looked_ns;                  /* the last whole look */
    int64_t look_ns;                    /* the next one is worth while */
    int64_t look_next_ns;
    int64_t again_ns;      /* memory was short: try again then */
    bool shut;             /* nobody is to get anything more */
    uint64_t wanted;       /* how many leases are */
    int wanted_at;         /* shut.c: no worker before this one has any */
    int64_t gap_ns;        /* between two tasks that are lent; 0: none */
    int64_t lent_ns;       /* the last one was */
    int64_t gap_due_ns;    /* the next one may be; INT64_MAX: none waits for that */
    struct median *median; /* of how long tasks took; NULL: not wanted */
    struct worker workers[];
};

/* A task that once more may end as poison: it is lent as a batch of its own. */
static inline bool plan_is_lonely(const struct plan *p, const struct span *s)
{
    return s->killed > 0 && s->killed >= p->options.poison_limit - 1;
}

static inline int plan_worker_number(const struct plan *p, const struct worker *w)
{
    return (int)(w - p->workers);
}

/* The tasks of `s`, which is in no list, have ended without a result: out of the index,
 * and counted. */
void plan_count_end(struct plan *p, struct span *s, enum plan_why why, uint32_t begun);

/* That is to be told. */
void plan_tell_end(struct plan *p, struct span *s);

#endif
