/* span.c - runs of tasks with successive numbers
 *
 * Spans come from chunks and go back to a list of free ones, so that what cannot fail
 * (a loss, say) finds what it needs: whoever may fail reserves first.
 */
#include "schedule/span.h"

#include <assert.h>
#include <stdlib.h>

#include "rota.h"
#include "schedule/queue.h"

enum {
    CHUNK_SPANS = 128
};

struct span_chunk {
    struct span_chunk *next;
    struct span spans[CHUNK_SPANS];
};

void span_store_init(struct span_store *store)
{
    *store = (struct span_store){.free_count = 0};
    TAILQ_INIT(&store->free);
}

void span_store_done(struct span_store *store)
{
    while (store->chunks != NULL) {
        struct span_chunk *c = store->chunks;
        store->chunks = c->next;
        free(c);
    }
}

int span_reserve(struct span_store *store, uint64_t count)
{
    while (store->free_count < count) {
        struct span_chunk *c = malloc(sizeof(*c));
        if (c == NULL)
            return ROTA_E_NOMEM;
        c->next = store->chunks;
        store->chunks = c;
        for (int i = CHUNK_SPANS; i-- > 0;)
            TAILQ_INSERT_HEAD(&store->free, &c->spans[i], link);
        store->free_count += CHUNK_SPANS;
    }
    return 0;
}

struct span *span_take(struct span_store *store)
{
    struct span *s = TAILQ_FIRST(&store->free);
    assert(s != NULL);
    TAILQ_REMOVE(&store->free, s, link);
    store->free_count--;
    *s = (struct span){.worker = -1};
    return s;
}

void span_unindex(struct span_store *store, struct span *s)
{
    assert(s->indexed);
    tree_remove(&store->index, &s->at);
    s->indexed = false;
}

void span_drop(struct span_store *store, struct span *s)
{
    if (s->indexed)
        span_unindex(store, s);
    if (s->level != NULL)
        level_release(s->level);
    TAILQ_INSERT_HEAD(&store->free, s, link);
    store->free_count++;
}

struct span *span_split(struct span_store *store, struct span *s, uint64_t count)
{
    assert(count > 0 && count < s->count && s->twin == NULL);
    struct span *head = span_take(store);
    *head = *s;
    head->count = count;
    level_hold(head->level);
    if (s->indexed)
        tree_insert_before(&store->index, &s->at, &head->at);
    TAILQ_INSERT_BEFORE(s, head, link);
    s->at.key += count;
    s->count -= count;
    return head;
}

struct span *span_cut(struct span_store *store, struct span *s, uint64_t first,
                      uint64_t count)
{
    assert(first >= span_first(s) && first + count <= span_end(s));
    if (first > span_first(s))
        span_split(store, s, first - span_first(s));
    return count < s->count ? span_split(store, s, count) : s;
}

struct span *span_find(const struct span_store *store, uint64_t task)
{
    struct tree_node *n = tree_floor(&store->index, task);
    struct span *s = (struct span *)n; /* its first member */
    return s != NULL && task < span_end(s) ? s : NULL;
}

bool span_joins(const struct span *a, const struct span *b)
{
    return span_end(a) == span_first(b) && a->level == b->level &&
           a->retries == b->retries && a->kind == b->kind &&
           a->failures == b->failures && a->killed == 0 && b->killed == 0 &&
           a->wary == b->wary && a->worker == b->worker;
}
