/* slow.c - what slow workers hold goes to idle ones
 *
 * A look goes over all leases. What a lease has not begun is taken back if it is
 * expected to be over only in a while, or should be over for as long: then it is better
 * off in the common queue, and goes where a slot is free first. Of what remains, which
 * is a running task each, those that take much longer than usual are lent a second
 * time (copy.h).
 *
 * Invariants
 *  1. There is no look while no slot is idle, and at most one in options.batch_ns: so
 *     looks cost nothing while there is work, and little at the end.
 *  2. Each look finds out when the next one may find more. Until then nobody wakes,
 *     unless something has changed (slow_look_soon).
 *  3. What is near a worker stays there.
 *  4. With options.once a worker is asked for what it has not begun, once a lease: what
 *     it gives back is all that can be had. Copies there are none.
 */
#include "schedule/slow.h"

#include "schedule/copy.h"
#include "schedule/gap.h"
#include "schedule/lease.h"

static struct worker *idle_but(const struct plan *p, const struct worker *other)
{
    for (int room = ROOM_EMPTY; room <= ROOM_SLOT; room++) {
        for (int near = 0; near < 2; near++) {
            struct worker *w = TAILQ_FIRST(&p->lists[room][near]);
            if (w != NULL && w == other)
                w = TAILQ_NEXT(w, link);
            if (w != NULL)
                return w;
        }
    }
    return NULL;
}

static void look_at_latest(struct plan *p, int64_t at_ns)
{
    if (p->look_next_ns > at_ns)
        p->look_next_ns = at_ns;
}

static bool stays_near(const struct plan *p, const struct span *s)
{
    return s->level->queue != p->any && !s->level->queue->closed;
}

/* When all of a running lease is expected to be done. */
static int64_t end_ns(const struct plan *p, const struct lease *l)
{
    return l->mark_ns + pace_expect_ns(&p->paces[l->kind], l->left);
}

/* How far that is away: still to come, or past; then as much again is expected. */
static int64_t away_ns(const struct plan *p, const struct lease *l, int64_t now_ns)
{
    int64_t ns = end_ns(p, l) - now_ns;
    return ns < 0 ? -ns : ns;
}

/* The running lease whose slot will be free first, or NULL. */
static const struct lease *soonest(const struct plan *p, const struct worker *w,
                                   int64_t now_ns)
{
    const struct lease *first = TAILQ_FIRST(&w->leases);
    const struct lease *l;
    TAILQ_FOREACH (l, &w->leases, link) {
        if (!l->running)
            break;
        if (away_ns(p, l, now_ns) < away_ns(p, first, now_ns))
            first = l;
    }
    return first;
}

/* Whether it is time to take back what of `l` has not begun; else, look again when it
 * is. `first`: the lease whose slot is free first. */
static bool is_overdue(struct plan *p, int64_t now_ns, const struct lease *l,
                       const struct lease *first)
{
    int64_t patience_ns = 2 * p->options.batch_ns;
    const struct lease *before = l->running ? l : first;
    int64_t rest_ns = l->running ? 0 : pace_expect_ns(&p->paces[l->kind], l->left);
    if (away_ns(p, before, now_ns) + rest_ns > patience_ns)
        return true;
    look_at_latest(p, end_ns(p, before) + patience_ns - rest_ns + 1);
    return false;
}

/* Ask for all that `l` has; but, where it is running, for its first task. */
static void ask_back(const struct plan *p, struct lease *l, struct plan_action *out)
{
    uint64_t from = span_first(TAILQ_FIRST(&l->spans)) + (l->running ? 1 : 0);
    uint64_t end = span_end(TAILQ_LAST(&l->spans, span_list));
    l->asked = true;
    *out = (struct plan_action){
        .what = PLAN_RECALL,
        .worker = plan_worker_number(p, l->worker),
        .lease = l->id,
        .span = {.first = from, .count = end - from},
    };
}

/* Take back what is overdue. True: *out asks for some of it. */
static bool take_back(struct plan *p, int64_t now_ns, const struct worker *w,
                      struct plan_action *out)
{
    const struct lease *first = soonest(p, w, now_ns);
    if (first == NULL)
        return false;
    struct lease *before;
    for (struct lease *l = TAILQ_LAST(&w->leases, lease_list); l != NULL; l = before) {
        before = TAILQ_PREV(l, lease_list, link);
        if ((l->running && l->left == 1) || l->asked ||
            stays_near(p, TAILQ_FIRST(&l->spans)) || !is_overdue(p, now_ns, l, first))
            continue;
        if (p->options.once) {
            ask_back(p, l, out);
            return true;
        }
        lease_recall_rest(p, now_ns, l, l->running);
    }
    return false;
}

/* When the task of `l`, its last, counts as a straggler; INT64_MAX: never. */
static int64_t straggles_ns(const struct plan *p, const struct lease *l)
{
    const struct span *s = TAILQ_FIRST(&l->spans);
    if (p->options.once || !l->running || l->left > 1 || s->twin != NULL || l->tried ||
        stays_near(p, s) || plan_is_lonely(p, s))
        return INT64_MAX;
    int64_t usual_ns = pace_expect_ns(&p->paces[l->kind], 1);
    if (usual_ns == 0 && !l->worker->frozen)
        return INT64_MAX;
    int64_t limit_ns = p->options.straggler_ns;
    return l->mark_ns + (2 * usual_ns > limit_ns ? 2 * usual_ns : limit_ns);
}

static bool copy(struct plan *p, int64_t now_ns, struct lease *l,
                 struct plan_action *out)
{
    struct worker *w = idle_but(p, l->worker);
    if (w == NULL)
        return false;
    if (!gap_is_over(p, now_ns)) {
        look_at_latest(p, p->lent_ns + p->gap_ns);
        return false;
    }
    if (lease_reserve(p) != 0) {
        look_at_latest(p, now_ns);
        return false;
    }
    struct span *s = TAILQ_FIRST(&l->spans);
    struct lease *c = copy_begin(p, now_ns, w, s);
    gap_begin(p, now_ns);
    *out = (struct plan_action){
        .what = PLAN_LEND,
        .worker = plan_worker_number(p, w),
        .lease = c->id,
        .span = {.first = span_first(s), .count = 1},
        .attempt = c->attempt,
    };
    return true;
}

static bool look_at(struct plan *p, int64_t now_ns, struct worker *w,
                    struct plan_action *out)
{
    if (take_back(p, now_ns, w, out))
        return true;
    struct lease *l;
    TAILQ_FOREACH (l, &w->leases, link) {
        int64_t at_ns = straggles_ns(p, l);
        if (at_ns > now_ns)
            look_at_latest(p, at_ns);
        else if (copy(p, now_ns, l, out))
            return true;
    }
    return false;
}

bool slow_next(struct plan *p, int64_t now_ns, struct plan_action *out)
{
    if (slow_due_ns(p) > now_ns)
        return false;
    if (p->look_at == 0 || p->looking_ns != now_ns) {
        p->look_at = 0;
        p->looking_ns = now_ns;
        p->look_next_ns = INT64_MAX;
    }
    for (; p->look_at < p->options.workers; p->look_at++) {
        if (look_at(p, now_ns, &p->workers[p->look_at], out))
            return true;
    }
    p->look_at = 0;
    p->looked_ns = now_ns;
    int64_t soonest_next_ns = now_ns + p->options.batch_ns;
    p->look_ns = p->look_next_ns > soonest_next_ns ? p->look_next_ns : soonest_next_ns;
    return false;
}

void slow_look_soon(struct plan *p, int64_t now_ns)
{
    int64_t at_ns = p->looked_ns + p->options.batch_ns;
    if (at_ns < now_ns)
        at_ns = now_ns;
    if (p->look_ns > at_ns)
        p->look_ns = at_ns;
}

int64_t slow_due_ns(const struct plan *p)
{
    bool worth = p->counts.leased > 0 && idle_but(p, NULL) != NULL;
    return worth ? p->look_ns : INT64_MAX;
}
