/* judge.c - the manager: asks the plan, and holds what it says against the truth
 *
 * What must hold, always:
 *  1. A task ends once: in a result that counts, a failure for good, or PLAN_ENDED.
 *  2. A result counts exactly if its lease has the task: lent to that worker, not
 *     reported, not taken back, the worker not known as lost.
 *  3. What has ended is lent to nobody, and whoever still has it is told.
 *  4. Nothing is lent to the lost, the frozen, the shut, or those that have not come;
 *     nor more batches than twice the slots; nor a failed task before its time; nor
 *     anything too soon after the last, where there is to be a gap; nor anything that
 *     would wait there, where that is not to be.
 *  5. A task that fails is final exactly after its retries, unless it runs elsewhere
 *     too.
 *  6. Nobody ends as poison for another one's deed.
 *  7. The plan's counts add up, and agree with what happened.
 */
#include "world.h"

#include <stdlib.h>

#include "memory.h"

/* Calls the plan, again for as long as memory is short. */
#define insist(w, rc, call)                                                            \
    memory_insist(&(w)->course.dice, (w)->weather.no_memory_in, rc, call)

/* ---- ends ------------------------------------------------------------------------ */

/* The lease does not have the task any more. */
static void unhold(struct world *w, struct loan *l, uint64_t task)
{
    l->cells[task - l->first] &= (unsigned char)~CELL_HELD;
    w->truth[task].holders--;
    if (w->truth[task].ended)
        w->ended_held--;
    if (--l->held == 0)
        w->worker[l->worker].loans--;
}

static bool holds(const struct loan *l, uint64_t task)
{
    return task >= l->first && task < l->first + l->count &&
           (l->cells[task - l->first] & CELL_HELD) != 0;
}

static void end(struct world *w, uint64_t task)
{
    struct truth *t = &w->truth[task];
    if (t->ended)
        wrong(w, "task %lu ended twice", (unsigned long)task);
    t->ended = true;
    w->ended++;
    w->ended_held += (uint64_t)t->holders;
}

static void add(struct world *w, int count)
{
    struct dice *d = &w->course.dice;
    const struct weather *is = &w->weather;
    struct truth t = {.class = {.near = -1}};
    if (is->one_near_in > 0 && dice_one_in(d, is->one_near_in))
        t.class.near = dice_below(d, w->options.workers);
    t.class.priority = dice_below(d, is->priorities);
    t.class.kind = dice_below(d, is->kinds);
    t.class.retries = dice_below(d, 3);
    uint64_t first = UINT64_MAX;
    int rc;
    insist(w, rc, plan_add(w->plan, &t.class, (uint64_t)count, &first));
    if (rc != 0 || first != w->tasks)
        wrong(w, "adding %d tasks: code %d, number %lu", count, rc,
              (unsigned long)first);
    for (int i = 0; i < count; i++) {
        t.takes_ns = dice_skewed(d, is->least_ns, is->most_ns);
        t.poison = is->one_poison_in > 0 && dice_one_in(d, is->one_poison_in);
        t.fails = 0;
        if (is->one_failing_in > 0 && dice_one_in(d, is->one_failing_in))
            t.fails = 1 + dice_below(d, 4);
        t.children = 0;
        if (is->one_parent_in > 0 && dice_one_in(d, is->one_parent_in))
            t.children = 1 + dice_below(d, 5);
        w->truth[w->tasks++] = t;
    }
}

static void add_at_most(struct world *w, int count)
{
    if (w->tasks + (uint64_t)count <= TASKS_MOST)
        add(w, count);
}

/* ---- reports --------------------------------------------------------------------- */

static void count_result(struct world *w, struct loan *l, uint64_t task, bool accepted)
{
    bool held = holds(l, task);
    if (accepted != held)
        wrong(w, "a result of task %lu from worker %d was %s", (unsigned long)task,
              l->worker, accepted ? "accepted though late" : "refused");
    if (!accepted || !held)
        return;
    unhold(w, l, task);
    end(w, task);
    w->done++;
    if (w->truth[task].children > 0)
        add_at_most(w, w->truth[task].children);
}

static void results_come(struct world *w, const struct event *e)
{
    struct loan *l = &w->loan[e->lease];
    struct plan_span rest = {.first = e->first, .count = e->count};
    while (rest.count > 0 && course_is_well(&w->course)) {
        uint64_t run = 0;
        bool accepted = false;
        uint32_t attempt = 0;
        int rc;
        insist(w, rc,
               plan_settle(w->plan, w->course.now_ns, e->worker, l->id, rest,
                           e->busy_ns * (int64_t)rest.count / (int64_t)e->count, &run,
                           &accepted, &attempt));
        if (rc != 0 || run < 1 || run > rest.count ||
            (accepted && attempt != l->attempt)) {
            wrong(w, "settling: code %d, run %lu, attempt %u", rc, (unsigned long)run,
                  attempt);
            return;
        }
        for (uint64_t i = 0; i < run; i++)
            count_result(w, l, rest.first + i, accepted);
        rest.first += run;
        rest.count -= run;
    }
}

static void count_failure(struct world *w, struct loan *l, uint64_t task,
                          enum plan_verdict verdict)
{
    struct truth *t = &w->truth[task];
    unhold(w, l, task);
    t->failed++;
    bool last = t->failed > t->class.retries;
    if (verdict == PLAN_FINAL) {
        if (!last)
            wrong(w, "task %lu is not tried again", (unsigned long)task);
        end(w, task);
        w->done++;
    } else if (last && t->holders == 0) {
        wrong(w, "task %lu is tried once too often", (unsigned long)task);
    } else if (t->holders == 0) {
        t->not_before_ns = w->course.now_ns + w->options.retry_ns;
    }
}

static void failure_comes(struct world *w, const struct event *e)
{
    struct loan *l = &w->loan[e->lease];
    enum plan_verdict verdict = PLAN_REFUSED;
    uint32_t attempt = 0;
    int rc;
    insist(w, rc,
           plan_failed(w->plan, w->course.now_ns, e->worker, l->id, e->first,
                       e->busy_ns, &verdict, &attempt));
    bool held = holds(l, e->first);
    if (rc != 0 || held != (verdict != PLAN_REFUSED))
        wrong(w, "a failure of task %lu: code %d, verdict %d, held %d",
              (unsigned long)e->first, rc, verdict, held);
    else if (held)
        count_failure(w, l, e->first, verdict);
}

static void worker_lost(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    k->known_lost = true;
    for (int i = 0; i < w->loans; i++) {
        struct loan *l = &w->loan[i];
        if (l->worker != worker || l->held == 0)
            continue;
        for (uint64_t task = l->first; task < l->first + l->count; task++) {
            if (holds(l, task)) {
                w->truth[task].losses++;
                unhold(w, l, task);
            }
        }
    }
    int rc = plan_lost(w->plan, w->course.now_ns, worker);
    if (rc != 0)
        wrong(w, "losing worker %d: code %d", worker, rc);
}

static void cancel(struct world *w, uint64_t task)
{
    int rc;
    insist(w, rc, plan_cancel(w->plan, w->course.now_ns, task));
    bool there = task < w->tasks && !w->truth[task].ended;
    if (rc != (there ? 0 : ROTA_E_NOTFOUND))
        wrong(w, "cancelling task %lu: code %d", (unsigned long)task, rc);
}

/* ---- actions --------------------------------------------------------------------- */

/* Whether one of the worker's leases has the task. */
static bool has(const struct world *w, int worker, uint64_t task)
{
    for (int i = 0; i < w->loans; i++) {
        if (w->loan[i].worker == worker && holds(&w->loan[i], task))
            return true;
    }
    return false;
}

static void check_lent(struct world *w, const struct plan_action *a)
{
    const struct sim_worker *k = &w->worker[a->worker];
    bool shut = k->known_shut || w->all_shut;
    if (!k->known_here || k->known_lost || k->known_frozen || shut)
        wrong(w, "tasks are lent to worker %d, which is not there", a->worker);
    if (k->loans >= 2 * k->slots)
        wrong(w, "worker %d gets a batch too many", a->worker);
    bool prompt = w->gap_ns > 0 || w->options.prompt;
    if (prompt && (a->span.count > 1 || k->loans >= k->slots))
        wrong(w, "something waits at worker %d, and could not begin", a->worker);
    if (w->course.now_ns - w->lent_ns < w->gap_ns)
        wrong(w, "there is no gap between two batches");
    w->lent_ns = w->course.now_ns;
    if (w->weather.fit > 0 && a->span.count > w->weather.fit)
        wrong(w, "a batch does not fit");
    if (a->span.count < 1 || a->span.first + a->span.count > w->tasks) {
        wrong(w, "tasks are lent that are not");
        return;
    }
    for (uint64_t i = 0; i < a->span.count; i++) {
        const struct truth *t = &w->truth[a->span.first + i];
        if (t->ended)
            wrong(w, "task %lu has ended, and is lent",
                  (unsigned long)(a->span.first + i));
        if (t->holders > (a->span.count == 1 ? 1 : 0))
            wrong(w, "task %lu is lent too often", (unsigned long)(a->span.first + i));
        if (t->holders == 1 && has(w, a->worker, a->span.first + i))
            wrong(w, "task %lu is copied to where it is",
                  (unsigned long)(a->span.first + i));
        if (t->not_before_ns > w->course.now_ns)
            wrong(w, "task %lu is tried too early", (unsigned long)(a->span.first + i));
    }
}

static void lend(struct world *w, const struct plan_action *a)
{
    check_lent(w, a);
    if (w->loans == LEASES_MOST || w->cells + a->span.count > CELLS_MOST)
        wrong(w, "there are leases without end");
    if (!course_is_well(&w->course))
        return;
    int loan = w->loans++;
    w->loan[loan] = (struct loan){
        .id = a->lease,
        .worker = a->worker,
        .attempt = a->attempt,
        .first = a->span.first,
        .count = a->span.count,
        .held = a->span.count,
        .next = a->span.first,
        .unsent = a->span.first,
        .cells = &w->cell[w->cells],
    };
    w->cells += a->span.count;
    w->worker[a->worker].loans++;
    for (uint64_t i = 0; i < a->span.count; i++) {
        w->loan[loan].cells[i] = CELL_HELD;
        w->truth[a->span.first + i].holders++;
    }
    to_worker(w,
              (struct event){.kind = EVENT_BATCH, .worker = a->worker, .lease = loan});
}

static void recall(struct world *w, const struct plan_action *a)
{
    int loan = w->loans;
    while (--loan >= 0 && w->loan[loan].id != a->lease)
        ;
    if (loan < 0) {
        wrong(w, "what was never lent is taken back");
        return;
    }
    struct loan *l = &w->loan[loan];
    for (uint64_t i = a->span.first; i < a->span.first + a->span.count; i++) {
        if (!holds(l, i)) {
            wrong(w, "task %lu is taken back from who does not have it",
                  (unsigned long)i);
            return;
        }
        unhold(w, l, i);
    }
    to_worker(w, (struct event){.kind = EVENT_DROP,
                                .worker = a->worker,
                                .lease = loan,
                                .first = a->span.first,
                                .count = a->span.count});
}

/* Its last worker must have died of this task, or of none. */
static void check_poison(struct world *w, const struct plan_action *a)
{
    const struct truth *t = &w->truth[a->span.first];
    uint64_t killer = w->worker[a->worker].killer;
    int limit = w->options.poison_limit;
    if (a->span.count != 1 || a->killed < limit || t->losses < limit)
        wrong(w, "task %lu ended as poison after %d losses (%d said)",
              (unsigned long)a->span.first, t->losses, a->killed);
    if (killer != UINT64_MAX && killer != a->span.first)
        wrong(w, "task %lu ended as poison, and %lu did it",
              (unsigned long)a->span.first, (unsigned long)killer);
}

static void ended(struct world *w, const struct plan_action *a)
{
    bool all_lost = true;
    for (int i = 0; i < w->options.workers; i++)
        all_lost &= w->worker[i].known_lost;
    if (a->why == PLAN_NO_WORKER && !all_lost)
        wrong(w, "tasks end for want of workers, and there are some");
    if (a->why == PLAN_POISON)
        check_poison(w, a);
    for (uint64_t i = 0; i < a->span.count; i++)
        end(w, a->span.first + i);
}

static void check_counts(struct world *w)
{
    const struct plan_counts *c = plan_counts(w->plan);
    uint64_t sum = 0;
    for (int why = 0; why <= PLAN_CANCELLED; why++)
        sum += c->ended[why];
    if (c->added != w->tasks || c->done != w->done || c->done + sum != w->ended ||
        c->ready + c->delayed + c->leased + w->ended != c->added)
        wrong(w,
              "the counts are off: %lu added, %lu ready, %lu delayed, %lu leased, "
              "%lu done, %lu ended",
              (unsigned long)c->added, (unsigned long)c->ready,
              (unsigned long)c->delayed, (unsigned long)c->leased,
              (unsigned long)c->done, (unsigned long)sum);
    if (w->ended_held != 0)
        wrong(w, "someone has a task that has ended, and is not told");
}

static bool next(struct world *w, struct plan_action *a)
{
    memory_scarce(&w->course.dice, w->weather.no_memory_in);
    bool some = plan_next(w->plan, w->course.now_ns, a);
    memory_scarce(NULL, 0);
    return some;
}

/* Do what the plan says, until there is nothing more. */
static void act(struct world *w)
{
    struct plan_action a;
    while (course_is_well(&w->course) && next(w, &a)) {
        if (a.what == PLAN_LEND)
            lend(w, &a);
        else if (a.what == PLAN_RECALL)
            recall(w, &a);
        else
            ended(w, &a);
    }
    check_counts(w);
    int64_t at_ns = plan_wake_ns(w->plan);
    if (at_ns != INT64_MAX && at_ns < w->wake_ns) {
        w->wake_ns = at_ns;
        course_soon(&w->course, at_ns - w->course.now_ns,
                    (struct event){.kind = EVENT_WAKE});
    }
}

static void feed(struct world *w)
{
    while (w->weather.on_demand && w->tasks < w->tasks_most &&
           plan_is_hungry(w->plan) && course_is_well(&w->course))
        add_at_most(w, 1 + dice_below(&w->course.dice, 4));
}

void judge_event(struct world *w, const struct event *e)
{
    switch (e->kind) {
    case EVENT_ADD:
        add_at_most(w, (int)e->count);
        break;
    case EVENT_CANCEL:
        cancel(w, e->first);
        break;
    case EVENT_WAKE:
        w->wake_ns = INT64_MAX;
        break;
    case EVENT_JOIN:
        w->worker[e->worker].known_here = true;
        if (plan_join(w->plan, w->course.now_ns, e->worker,
                      w->worker[e->worker].slots) != 0)
            wrong(w, "worker %d cannot join", e->worker);
        break;
    case EVENT_LOST:
        worker_lost(w, e->worker);
        break;
    case EVENT_FROZEN:
    case EVENT_THAWED:
        w->worker[e->worker].known_frozen = e->kind == EVENT_FROZEN;
        plan_freeze(w->plan, w->course.now_ns, e->worker, e->kind == EVENT_FROZEN);
        if (w->tasks > 0 && dice_one_in(&w->course.dice, 8))
            cancel(w, (uint64_t)dice_below(&w->course.dice, (int)w->tasks));
        break;
    case EVENT_SHUT:
    case EVENT_OPEN:
        if (e->worker == PLAN_EVERYONE)
            w->all_shut = e->kind == EVENT_SHUT;
        else
            w->worker[e->worker].known_shut = e->kind == EVENT_SHUT;
        plan_shut(w->plan, w->course.now_ns, e->worker, e->kind == EVENT_SHUT);
        break;
    case EVENT_RESULTS:
        results_come(w, e);
        break;
    case EVENT_FAILURE:
        failure_comes(w, e);
        break;
    default:
        abort();
    }
    feed(w);
    act(w);
}

void judge_end(struct world *w)
{
    for (uint64_t i = 0; i < w->tasks; i++) {
        if (!w->truth[i].ended)
            wrong(w, "task %lu never ended", (unsigned long)i);
    }
    if (plan_wake_ns(w->plan) != INT64_MAX)
        wrong(w, "the plan wants to be woken, and all is over");
}
