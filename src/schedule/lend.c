/* lend.c - which ready tasks go to which worker, and how many at once
 *
 * Invariants
 *  1. An idle slot comes before a place to wait at a busy worker; and tasks are lent to
 *     wait only while more are ready than all slots could take: near the end a task
 *     should wait for the first free slot anywhere, not behind another one.
 *  2. A task that may have cost a worker is never lent to wait there: should it do it
 *     again, then it is among those that were running.
 *  3. One that has done so often enough that the next time decides goes by itself; a
 *     worker of one slot gets nothing behind it. Where it turns out that others ran
 *     beside it all the same, it becomes a solo: it waits for a worker that has
 *     nothing, and that one gets nothing else. One worker at a time is emptied for it.
 *  4. With a gap (gap.h), or options.prompt, what is lent begins at once: nothing waits
 *     at a worker.
 */
#include "schedule/lend.h"

#include "schedule/gap.h"
#include "schedule/lease.h"
#include "schedule/wait.h"

static struct worker *first_with(const struct plan *p, enum room room)
{
    struct worker *w = TAILQ_FIRST(&p->lists[room][1]);
    return w != NULL ? w : TAILQ_FIRST(&p->lists[room][0]);
}

/* ---- solos ----------------------------------------------------------------------- */

/* Choose a worker to be emptied, or let it have work again. */
static void drain(struct plan *p, struct worker *w)
{
    struct worker *old = p->draining;
    p->draining = w;
    if (old != NULL)
        worker_place(p, old);
    if (w != NULL)
        worker_place(p, w);
}

static struct worker *choose_for_solo(struct plan *p)
{
    struct worker *w = first_with(p, ROOM_EMPTY);
    if (w == NULL && p->draining == NULL) {
        struct worker *next = first_with(p, ROOM_SLOT);
        drain(p, next != NULL ? next : first_with(p, ROOM_PREFETCH));
    }
    return w;
}

/* ---- who ------------------------------------------------------------------------- */

static bool may_wait(const struct span *s)
{
    return s->killed == 0 && !s->wary;
}

static struct span *best_for(const struct plan *p, const struct worker *w)
{
    const struct queue *near = &p->queues[plan_worker_number(p, w)];
    return queue_better(queue_best(near), queue_best(p->any));
}

/* The next worker to lend to, and what: *out. */
static struct worker *choose(struct plan *p, struct span **out)
{
    int rooms = gap_is_prompt(p) ? ROOM_PREFETCH : ROOMS;
    for (int room = ROOM_EMPTY; room < rooms; room++) {
        uint64_t enough = room == ROOM_PREFETCH ? p->counts.slots : 0;
        struct worker *w = TAILQ_FIRST(&p->lists[room][1]);
        if (w == NULL && p->any->tasks > enough)
            w = TAILQ_FIRST(&p->lists[room][0]);
        if (w == NULL)
            continue;
        *out = best_for(p, w);
        if (room < ROOM_PREFETCH || may_wait(*out))
            return w;
    }
    return NULL;
}

/* ---- how many -------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* As many as take about batch_ns; fewer near the end, so that all slots end at about
 * the same time; and with care where they may have cost a worker. */
static uint64_t batch_size(const struct plan *p, const struct worker *w,
                           const struct span *s)
{
    if (plan_is_lonely(p, s) || gap_is_prompt(p))
        return 1;
    uint64_t count = pace_batch(&p->paces[s->kind], p->options.batch_ns);
    const struct queue *q = s->level->queue;
    uint64_t shares = 2 * (q == p->any ? p->counts.slots : (uint64_t)w->slots);
    count = least(count, (q->tasks + shares - 1) / shares);
    count = least(count, s->count);
    if (s->killed > 0)
        count = least(count, s->most);
    if (count > 1 && p->options.fit != NULL) {
        uint64_t fits = p->options.fit(p->options.ctx, span_first(s), count);
        count = least(count, fits > 0 ? fits : 1);
    }
    return count;
}

static void lend(struct plan *p, int64_t now_ns, struct worker *w, struct span *s,
                 struct plan_action *out)
{
    uint64_t count = batch_size(p, w, s);
    if (count < s->count)
        s = span_split(&p->spans, s, count);
    wait_stop(p, s);
    struct lease *l = lease_begin(p, now_ns, w, s);
    l->alone = plan_is_lonely(p, s) && (s->solo || w->slots == 1);
    if (l->alone) {
        w->alone = true;
        worker_place(p, w);
    }
    *out = (struct plan_action){
        .what = PLAN_LEND,
        .worker = plan_worker_number(p, w),
        .lease = l->id,
        .span = {.first = span_first(s), .count = s->count},
        .attempt = l->attempt,
        .killed = s->killed,
    };
}

bool lend_next(struct plan *p, int64_t now_ns, struct plan_action *out)
{
    if (!gap_is_over(p, now_ns))
        return false;
    struct span *s = TAILQ_FIRST(&p->solos);
    struct worker *w = s != NULL ? choose_for_solo(p) : NULL;
    if (s == NULL && p->draining != NULL)
        drain(p, NULL);
    if (w == NULL)
        w = choose(p, &s);
    if (w == NULL)
        return false;
    if (lease_reserve(p) != 0) {
        p->again_ns = now_ns + p->options.batch_ns;
        return false;
    }
    if (w == p->draining)
        p->draining = NULL;
    lend(p, now_ns, w, s, out);
    gap_begin(p, now_ns);
    return true;
}
