/* wait.c - spans that wait for a worker, or for their time
 *
 * The n-th delay of every task is equally long, and time goes forward: so a line for
 * each n is sorted by itself, and the soonest stands at the head of one of a few.
 */
#include "schedule/wait.h"

#include "schedule/lease.h"

/* What is near a worker has changed: it may stand in another list now. */
static void placed_anew(struct plan *p, const struct queue *q)
{
    if (q != p->any)
        worker_place(p, &p->workers[q - p->queues]);
}

void wait_append(struct plan *p, struct span *s)
{
    s->state = SPAN_READY;
    p->counts.ready += s->count;
    queue_append(s);
    placed_anew(p, s->level->queue);
}

void wait_return(struct plan *p, struct span *s)
{
    s->state = SPAN_READY;
    p->counts.ready += s->count;
    if (s->solo) {
        TAILQ_INSERT_HEAD(&p->solos, s, link);
        return;
    }
    struct level *l = s->level;
    const struct queue *q = l->queue->closed ? p->any : l->queue;
    queue_return(&p->spans, s);
    placed_anew(p, q);
}

void wait_grow(struct plan *p, struct level *l, uint64_t count)
{
    p->counts.ready += count;
    queue_grow(l, count);
    placed_anew(p, l->queue);
}

void wait_delay(struct plan *p, int64_t now_ns, struct span *s)
{
    int n = s->failures < p->delays ? s->failures - 1 : p->delays - 1;
    int64_t delay_ns = p->options.retry_most_ns;
    if (p->options.retry_ns <= delay_ns >> n)
        delay_ns = p->options.retry_ns << n;
    s->state = SPAN_DELAYED;
    s->due_ns = now_ns + delay_ns;
    p->counts.delayed += s->count;
    TAILQ_INSERT_TAIL(&p->delayed[n], s, link);
}

void wait_wake(struct plan *p, int64_t now_ns)
{
    for (int n = 0; n < p->delays && p->counts.delayed > 0; n++) {
        struct span *s;
        while ((s = TAILQ_FIRST(&p->delayed[n])) != NULL && s->due_ns <= now_ns) {
            wait_stop(p, s);
            wait_return(p, s);
        }
    }
}

int64_t wait_due_ns(const struct plan *p)
{
    int64_t due_ns = INT64_MAX;
    for (int n = 0; n < p->delays && p->counts.delayed > 0; n++) {
        const struct span *s = TAILQ_FIRST(&p->delayed[n]);
        if (s != NULL && s->due_ns < due_ns)
            due_ns = s->due_ns;
    }
    return due_ns;
}

void wait_stop(struct plan *p, struct span *s)
{
    if (s->state == SPAN_DELAYED) {
        int n = s->failures < p->delays ? s->failures - 1 : p->delays - 1;
        p->counts.delayed -= s->count;
        TAILQ_REMOVE(&p->delayed[n], s, link);
        return;
    }
    p->counts.ready -= s->count;
    if (s->solo) {
        TAILQ_REMOVE(&p->solos, s, link);
    } else {
        queue_remove(s);
        placed_anew(p, s->level->queue);
    }
}

struct span *wait_first(const struct plan *p)
{
    struct span *s = queue_best(p->any);
    for (int n = 0; n < p->delays && s == NULL; n++)
        s = TAILQ_FIRST(&p->delayed[n]);
    return s != NULL ? s : TAILQ_FIRST(&p->solos);
}
