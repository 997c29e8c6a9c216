/* loss.c - what becomes of a lost worker's tasks
 *
 * Which of them killed it, if one did, nobody can tell: it may have been any that was
 * running as far as is known. So what was in a running lease has one kill more against
 * it, and is lent in smaller batches (`most`: the root of what it was), until one task
 * by itself is left to blame. The verdict needs a worker that had nothing else, not
 * even something taken back that it may have begun all the same (`ghost`): an innocent
 * neighbour must not end as poison. With a limit of three, that takes three workers:
 * 1000 tasks, 32, one.
 *
 * What waited there gets no kill, but is wary: reports are late, and it may have just
 * begun. So is all of a worker for whose loss another task has failed already; and,
 * where each task is reported by itself (options.once), all of a lease but its first.
 */
#include "schedule/loss.h"

#include "schedule/copy.h"
#include "schedule/lease.h"
#include "schedule/wait.h"

static uint32_t root(uint64_t n)
{
    uint32_t r = 1;
    while ((uint64_t)r * r < n)
        r++;
    return r;
}

/* Another kill against `s`, which was in a running lease of `left` tasks. */
static void blame(struct span *s, uint64_t left)
{
    s->killed++;
    s->most = root(left);
}

/* Whether nothing but the one task that is left of `l` can have killed its worker. */
static bool is_sole(const struct worker *w, const struct lease *l)
{
    return w->held == 1 && l->left == 1 && w->ghost == 0;
}

/* Whether the tasks of `s` may have been running. */
static bool may_run(const struct plan *p, const struct span *s)
{
    return s->lease->running &&
           (!p->options.once || s == TAILQ_FIRST(&s->lease->spans));
}

static void lose_span(struct plan *p, int64_t now_ns, struct span *s, bool sole)
{
    bool excused = s->lease->worker->excused;
    bool running = may_run(p, s) && !excused;
    uint64_t left = s->lease->left;
    lease_leave(p, now_ns, s);
    if (s->twin != NULL) {
        struct span *twin = copy_go_on(p, s);
        twin->killed += !excused;
        twin->most = 1;
        return;
    }
    if (!running) {
        s->wary = true;
        wait_return(p, s);
        return;
    }
    blame(s, left);
    bool limit = s->killed >= p->options.poison_limit;
    if (p->options.frail || (limit && sole)) {
        plan_count_end(p, s, PLAN_POISON, span_attempt(s) - 1);
        plan_tell_end(p, s);
        return;
    }
    s->solo = limit && s->count == 1;
    p->counts.again += s->count;
    wait_return(p, s);
}

/* The youngest first, since each goes to the head of its line. */
void loss_of(struct plan *p, int64_t now_ns, struct worker *w)
{
    struct lease *l = TAILQ_FIRST(&w->leases);
    bool sole = l != NULL && is_sole(w, l);
    while ((l = TAILQ_LAST(&w->leases, lease_list)) != NULL) {
        if (p->options.once && l->running)
            lease_cut_first(p, l);
        while (l->left > 0)
            lose_span(p, now_ns, TAILQ_LAST(&l->spans, span_list), sole);
    }
}
