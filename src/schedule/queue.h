/* queue.h - spans that are ready, by priority
 *
 * There is a queue for each worker, of what is near it, and one for what any worker
 * may take. Of one priority in one queue, spans stand in a line: a level.
 */
#ifndef ROTA_SCHEDULE_QUEUE_H
#define ROTA_SCHEDULE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "schedule/span.h"
#include "schedule/tree.h"

struct level {
    struct tree_node known;  /* in its queue; the key is the priority */
    struct tree_node filled; /* there, while spans stand in it */
    struct span_list spans;
    struct queue *queue;
    struct level *any; /* where they go if the queue's worker goes; NULL: it can't */
    uint64_t held;     /* by so many spans and levels */
};

/* All zero is an empty one. */
struct queue {
    struct tree known;  /* levels of spans that wait, or may come back */
    struct tree filled; /* those with spans that wait */
    uint64_t tasks;
    bool closed; /* its worker has gone: what comes goes to `any` */
};

/* The level of `priority` in `q`, held. `any`: the queue for any worker, NULL if `q` is
 * that. Fails with ROTA_E_NOMEM. */
int queue_level(struct queue *q, struct queue *any, int priority, struct level **out);

void level_hold(struct level *l);
void level_release(struct level *l);

/* Put `s` to the end or, if it has waited before, to the head of its level's line;
 * there it may join with the span behind it, and is gone. */
void queue_append(struct span *s);
void queue_return(struct span_store *store, struct span *s);

void queue_remove(struct span *s);

/* The level's last span grows by `count` tasks. */
void queue_grow(struct level *l, uint64_t count);

/* The first span of the highest priority, or NULL. */
struct span *queue_best(const struct queue *q);

/* Of two spans that wait (NULL: none) the one to go first. */
struct span *queue_better(struct span *a, struct span *b);

/* Its worker has gone: all goes to the heads of the lines for any. */
void queue_close(struct span_store *store, struct queue *q);

/* Free the levels; spans that hold them must not be touched any more. */
void queue_done(struct queue *q);

#endif
