/* copy.c - the task of a straggler, run elsewhere too */
#include "schedule/copy.h"

#include <assert.h>

#include "schedule/lease.h"

struct lease *copy_begin(struct plan *p, int64_t now_ns, struct worker *w,
                         struct span *s)
{
    assert(s->count == 1 && s->twin == NULL && s->indexed);
    struct span *copy = span_take(&p->spans);
    *copy = *s;
    copy->indexed = false;
    copy->twin = s;
    s->twin = copy;
    level_hold(copy->level);
    struct lease *l = lease_begin(p, now_ns, w, copy);
    l->attempt++;
    p->counts.copied++;
    return l;
}

/* Let `to` stand in the index for both. */
static void take_place(struct plan *p, struct span *from, struct span *to)
{
    if (to->indexed)
        return;
    tree_insert_before(&p->spans.index, &from->at, &to->at);
    tree_remove(&p->spans.index, &from->at);
    to->indexed = true;
    from->indexed = false;
}

static struct span *part(struct span *s)
{
    struct span *twin = s->twin;
    s->twin = NULL;
    twin->twin = NULL;
    return twin;
}

void copy_retire_twin(struct plan *p, int64_t now_ns, struct span *s)
{
    if (s->twin == NULL)
        return;
    struct span *twin = part(s);
    take_place(p, twin, s);
    lease_recall(p, now_ns, twin, SPAN_THEN_GONE);
}

struct span *copy_go_on(struct plan *p, struct span *s)
{
    struct span *twin = part(s);
    if (s->indexed)
        p->counts.leased++; /* it left with `s`, and is with the twin */
    take_place(p, s, twin);
    span_drop(&p->spans, s);
    return twin;
}
