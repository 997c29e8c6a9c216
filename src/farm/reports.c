/* reports.c - what became of tasks, until it has been told */
#include "farm/reports.h"

#include <stdlib.h>

void reports_init(struct reports *s, bool in_order,
                  void (*done)(void *ctx, void *data, size_t size), void *ctx)
{
    *s = (struct reports){.in_order = in_order, .done = done, .ctx = ctx};
    TAILQ_INIT(&s->queue);
}

void reports_free(struct reports *s, struct report *r)
{
    if (r == NULL)
        return;
    if (r->data != NULL)
        s->done(s->ctx, r->data, r->size);
    report_free(r);
}

void reports_done(struct reports *s)
{
    struct report *r;
    while ((r = TAILQ_FIRST(&s->queue)) != NULL) {
        TAILQ_REMOVE(&s->queue, r, link);
        reports_free(s, r);
    }
    for (size_t i = 0; i < s->heap_count; i++)
        reports_free(s, s->heap[i]);
    reports_free(s, s->spent);
    free(s->heap);
}

/* ---- the heap ---------------------------------------------------------------- */

static uint64_t next_task(const struct reports *s, size_t i)
{
    return s->heap[i]->told.task;
}

static void heap_swap(struct reports *s, size_t i, size_t j)
{
    struct report *r = s->heap[i];
    s->heap[i] = s->heap[j];
    s->heap[j] = r;
}

static void heap_rise(struct reports *s, size_t i)
{
    for (; i > 0 && next_task(s, i) < next_task(s, (i - 1) / 2); i = (i - 1) / 2)
        heap_swap(s, i, (i - 1) / 2);
}

static void heap_sink(struct reports *s, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
            if (child < s->heap_count && next_task(s, child) < next_task(s, least))
                least = child;
        }
        if (least == i)
            return;
        heap_swap(s, i, least);
        i = least;
    }
}

/* ---- either way -------------------------------------------------------------- */

int reports_reserve(struct reports *s)
{
    if (!s->in_order || s->heap_count < s->heap_cap)
        return 0;
    size_t cap = s->heap_cap ? s->heap_cap * 2 : 64;
    struct report **heap = realloc(s->heap, cap * sizeof(struct report *));
    if (heap == NULL)
        return ROTA_E_NOMEM;
    s->heap = heap;
    s->heap_cap = cap;
    return 0;
}

struct report *reports_new(struct reports *s)
{
    return reports_reserve(s) == 0 ? calloc(1, sizeof(struct report)) : NULL;
}

void reports_keep(struct reports *s, struct report *r)
{
    s->bytes += r->size;
    if (!s->in_order) {
        TAILQ_INSERT_TAIL(&s->queue, r, link);
        return;
    }
    s->heap[s->heap_count] = r;
    heap_rise(s, s->heap_count++);
}

struct report *reports_head(const struct reports *s)
{
    if (!s->in_order)
        return TAILQ_FIRST(&s->queue);
    return s->heap_count > 0 ? s->heap[0] : NULL;
}

void reports_move_head(struct reports *s)
{
    if (s->in_order)
        heap_sink(s, 0);
}

void reports_retire_head(struct reports *s)
{
    struct report *r = reports_head(s);
    if (!s->in_order) {
        TAILQ_REMOVE(&s->queue, r, link);
    } else {
        s->heap[0] = s->heap[--s->heap_count];
        heap_sink(s, 0);
    }
    s->bytes -= r->size;
    reports_free(s, s->spent);
    s->spent = r;
}
