/* shut.c - those who get no more: what they have not begun is wanted back
 *
 * Nothing can be lent to who stands in no list (worker_place), so shutting is that,
 * and taking back what is not begun. With options.once only the worker knows what that
 * is: it is asked, once for each of its leases, also for the first task. Whatever it
 * gives back is all there is, as it begins nothing that it gave back, and gets nothing
 * new.
 *
 * Invariant: p->wanted leases are to be asked for, none of them of a worker before
 * p->wanted_at.
 */
#include "schedule/shut.h"

#include "schedule/lease.h"
#include "schedule/slow.h"

static void want_back(struct plan *p, int64_t now_ns, struct worker *w)
{
    struct lease *before;
    for (struct lease *l = TAILQ_LAST(&w->leases, lease_list); l != NULL; l = before) {
        before = TAILQ_PREV(l, lease_list, link);
        if (!p->options.once) {
            lease_recall_rest(p, now_ns, l, l->running);
        } else if (!l->wanted) {
            l->wanted = true;
            p->wanted++;
            p->wanted_at = 0;
        }
    }
}

/* It may be lent to, or not, by what is true now. */
static void turn(struct plan *p, int64_t now_ns, struct worker *w, bool shut)
{
    if (p->draining == w)
        p->draining = NULL;
    if (shut)
        want_back(p, now_ns, w);
    worker_place(p, w);
}

void plan_shut(struct plan *p, int64_t now_ns, int worker, bool shut)
{
    bool all = worker == PLAN_EVERYONE;
    if (!all && (worker < 0 || worker >= p->options.workers))
        return;
    bool *flag = all ? &p->shut : &p->workers[worker].shut;
    if (*flag == shut)
        return;
    *flag = shut;
    if (!all && !p->workers[worker].lost)
        p->counts.shut += shut ? 1 : -1;
    for (int i = all ? 0 : worker; i < (all ? p->options.workers : worker + 1); i++)
        turn(p, now_ns, &p->workers[i], shut);
    slow_look_soon(p, now_ns);
}

/* Ask for all that `l` has: who has it knows what has begun. */
static void ask_back(struct plan *p, struct lease *l, struct plan_action *out)
{
    uint64_t from = span_first(TAILQ_FIRST(&l->spans));
    uint64_t end = span_end(TAILQ_LAST(&l->spans, span_list));
    l->wanted = false;
    l->asked = true;
    p->wanted--;
    *out = (struct plan_action){
        .what = PLAN_RECALL,
        .worker = plan_worker_number(p, l->worker),
        .lease = l->id,
        .span = {.first = from, .count = end - from},
    };
}

bool shut_next(struct plan *p, struct plan_action *out)
{
    for (; p->wanted > 0 && p->wanted_at < p->options.workers; p->wanted_at++) {
        struct lease *l;
        TAILQ_FOREACH (l, &p->workers[p->wanted_at].leases, link) {
            if (l->wanted) {
                ask_back(p, l, out);
                return true;
            }
        }
    }
    return false;
}
