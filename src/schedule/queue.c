/* queue.c - spans that are ready, by priority
 *
 * Invariants
 *  1. A level exists while a span of its kind does, wherever that is: so a span can
 *     come back to its line without memory. A near level holds the level of its
 *     priority for any, so that the same goes for a worker's loss.
 *  2. A level is in `filled` exactly if its line isn't empty. So the best span is
 *     found at once, though thousands of levels may be known.
 */
#include "schedule/queue.h"

#include <stdlib.h>

#include "rota.h"

#define of_node(n, member)                                                             \
    ((struct level *)(void *)((char *)(n)-offsetof(struct level, member)))

/* Priorities in their order, as keys. */
static uint64_t key_of(int priority)
{
    return (uint64_t)((int64_t)priority - INT32_MIN);
}

static struct level *level_find(const struct queue *q, int priority)
{
    struct tree_node *n = tree_floor(&q->known, key_of(priority));
    return n != NULL && n->key == key_of(priority) ? of_node(n, known) : NULL;
}

int queue_level(struct queue *q, struct queue *any, int priority, struct level **out)
{
    struct level *l = level_find(q, priority);
    if (l == NULL) {
        struct level *on = NULL;
        int rc = any != NULL ? queue_level(any, NULL, priority, &on) : 0;
        if (rc != 0)
            return rc;
        l = malloc(sizeof(*l));
        if (l == NULL) {
            if (on != NULL)
                level_release(on);
            return ROTA_E_NOMEM;
        }
        *l = (struct level){.queue = q, .any = on};
        l->known.key = key_of(priority);
        l->filled.key = key_of(priority);
        TAILQ_INIT(&l->spans);
        tree_insert(&q->known, &l->known);
    }
    l->held++;
    *out = l;
    return 0;
}

void level_hold(struct level *l)
{
    l->held++;
}

void level_release(struct level *l)
{
    if (--l->held > 0)
        return;
    tree_remove(&l->queue->known, &l->known);
    if (l->any != NULL)
        level_release(l->any);
    free(l);
}

/* A span whose queue was closed since it left goes where the others went. */
static void redirect(struct span *s)
{
    if (!s->level->queue->closed)
        return;
    struct level *closed = s->level;
    s->level = closed->any;
    level_hold(s->level);
    level_release(closed);
}

/* `count` tasks come to the level's line. */
static void fill(struct level *l, uint64_t count)
{
    if (TAILQ_EMPTY(&l->spans))
        tree_insert(&l->queue->filled, &l->filled);
    l->queue->tasks += count;
}

void queue_append(struct span *s)
{
    redirect(s);
    fill(s->level, s->count);
    TAILQ_INSERT_TAIL(&s->level->spans, s, link);
}

void queue_return(struct span_store *store, struct span *s)
{
    redirect(s);
    struct span *next = TAILQ_FIRST(&s->level->spans);
    fill(s->level, s->count);
    if (next != NULL && span_joins(s, next)) {
        uint64_t count = s->count;
        span_drop(store, s);
        next->at.key -= count;
        next->count += count;
    } else {
        TAILQ_INSERT_HEAD(&s->level->spans, s, link);
    }
}

void queue_remove(struct span *s)
{
    struct level *l = s->level;
    TAILQ_REMOVE(&l->spans, s, link);
    l->queue->tasks -= s->count;
    if (TAILQ_EMPTY(&l->spans))
        tree_remove(&l->queue->filled, &l->filled);
}

void queue_grow(struct level *l, uint64_t count)
{
    TAILQ_LAST(&l->spans, span_list)->count += count;
    l->queue->tasks += count;
}

struct span *queue_best(const struct queue *q)
{
    struct tree_node *n = q->filled.last;
    return n != NULL ? TAILQ_FIRST(&of_node(n, filled)->spans) : NULL;
}

struct span *queue_better(struct span *a, struct span *b)
{
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    if (a->level->known.key != b->level->known.key)
        return a->level->known.key > b->level->known.key ? a : b;
    return span_first(a) <= span_first(b) ? a : b;
}

void queue_close(struct span_store *store, struct queue *q)
{
    q->closed = true;
    while (q->filled.last != NULL) {
        struct level *l = of_node(q->filled.last, filled);
        struct span *s = TAILQ_LAST(&l->spans, span_list);
        queue_remove(s);
        queue_return(store, s);
    }
}

static void free_levels(struct tree_node *n)
{
    if (n == NULL)
        return;
    free_levels(n->left);
    free_levels(n->right);
    free(of_node(n, known));
}

void queue_done(struct queue *q)
{
    free_levels(q->known.root);
}
