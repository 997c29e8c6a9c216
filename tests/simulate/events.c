/* events.c - what will happen, by time: a binary heap */
#include "events.h"

#include "memory.h"

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && a->order < b->order);
}

void events_push(struct events *q, struct event e)
{
    if (q->count == q->cap) {
        q->cap = q->cap > 0 ? 2 * q->cap : 256;
        q->heap = memory_grow(q->heap, q->cap * sizeof(*q->heap));
    }
    e.order = q->said++;
    size_t i = q->count++;
    for (; i > 0 && earlier(&e, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        q->heap[i] = q->heap[(i - 1) / 2];
    q->heap[i] = e;
}

bool events_pop(struct events *q, struct event *out)
{
    if (q->count == 0)
        return false;
    *out = q->heap[0];
    struct event last = q->heap[--q->count];
    size_t i = 0;
    for (size_t child = 1; child < q->count; child = 2 * i + 1) {
        if (child + 1 < q->count && earlier(&q->heap[child + 1], &q->heap[child]))
            child++;
        if (!earlier(&q->heap[child], &last))
            break;
        q->heap[i] = q->heap[child];
        i = child;
    }
    if (q->count > 0)
        q->heap[i] = last;
    return true;
}
