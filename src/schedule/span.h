/* span.h - runs of tasks with successive numbers, of which the same is known
 *
 * Every task that has not ended is in exactly one indexed span. A straggler's task
 * (copy.h) is in a second span as well, which is not indexed.
 */
#ifndef ROTA_SCHEDULE_SPAN_H
#define ROTA_SCHEDULE_SPAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "schedule/tree.h"

enum span_state {
    SPAN_READY,    /* in a queue, or among the solos */
    SPAN_DELAYED,  /* waits for its next try */
    SPAN_LEASED,   /* in a lease */
    SPAN_RECALLED, /* out of its lease; the worker is still to be told */
    SPAN_ENDED,    /* its end is still to be told */
};

/* What becomes of a recalled span once that has been told. */
enum span_then {
    SPAN_THEN_READY,
    SPAN_THEN_ENDED,
    SPAN_THEN_GONE, /* it was one of two, and the other one won */
};

struct span {
    struct tree_node at; /* in the index; its key is the first task */
    uint64_t count;
    TAILQ_ENTRY(span) link; /* in the list of its state */
    struct level *level;    /* where it waits when it is ready: held */
    union {
        struct lease *lease; /* SPAN_LEASED */
        uint64_t lease_id;   /* SPAN_RECALLED: from which */
        int64_t due_ns;      /* SPAN_DELAYED */
    };
    struct span *twin; /* SPAN_LEASED: the same task at another worker */
    uint32_t most;     /* killed > 0: tasks that may be lent at once */
    uint32_t begun;    /* SPAN_ENDED, SPAN_THEN_ENDED: attempts */
    int retries;
    int kind;
    int failures;
    int killed;    /* workers lost while they may have run these tasks */
    int worker;    /* who had them last, or -1 */
    uint8_t state; /* enum span_state */
    uint8_t then;  /* SPAN_RECALLED: enum span_then */
    uint8_t why;   /* SPAN_ENDED, SPAN_THEN_ENDED: enum plan_why */
    bool indexed;
    bool wary; /* it waited at a worker that was lost, or had begun there unseen */
    bool solo; /* one task, to be run where nothing else is */
};

TAILQ_HEAD(span_list, span);

struct span_chunk;

struct span_store {
    struct tree index; /* of the tasks that have not ended */
    struct span_list free;
    uint64_t free_count;
    struct span_chunk *chunks;
};

static inline uint64_t span_first(const struct span *s)
{
    return s->at.key;
}

static inline uint64_t span_end(const struct span *s)
{
    return s->at.key + s->count;
}

/* The attempt that comes next. */
static inline uint32_t span_attempt(const struct span *s)
{
    return 1 + (uint32_t)s->failures + (uint32_t)s->killed;
}

void span_store_init(struct span_store *store);
void span_store_done(struct span_store *store);

/* See that the next `count` spans can be had. Fails with ROTA_E_NOMEM. */
int span_reserve(struct span_store *store, uint64_t count);

/* A span that was reserved, with nothing in it. */
struct span *span_take(struct span_store *store);

/* Give back what stands in no list: out of the index, and off its level. */
void span_drop(struct span_store *store, struct span *s);

/* Take it out of the index: its tasks have ended. */
void span_unindex(struct span_store *store, struct span *s);

/* Cut off the first `count` tasks, fewer than all: a span of their own, in the same
 * list, right before `s`. Needs one reserved. */
struct span *span_split(struct span_store *store, struct span *s, uint64_t count);

/* Cut out `count` tasks from `first` on. Needs two reserved. */
struct span *span_cut(struct span_store *store, struct span *s, uint64_t first,
                      uint64_t count);

/* The span of the task, or NULL: it has ended, or never was. */
struct span *span_find(const struct span_store *store, uint64_t task);

/* Whether `a` could be the first part of the same span as `b`. */
bool span_joins(const struct span *a, const struct span *b);

#endif
