/* judge.c - what came out: held against what really happened
 *
 * What must hold, always:
 *  1. Each task, submitted or born, is told exactly once; in order, where asked for.
 *  2. What is told as a result is that of an attempt of this very task, which ended so,
 *     and which came while the task was with that worker. Its value is that attempt's,
 *     with a 0 behind it, and the tag is the task's.
 *  3. A task has as many children as the attempt that is told of it submitted, each
 *     once; and none of any other attempt.
 *  4. Who failed did so as often as it might be tried; poison has cost as many workers
 *     as it takes, none of which died of another one; untried are tasks only where
 *     nobody is left, and cancelled only those that were.
 *  5. The ledger forgets what has been told, once, and all of it in the end.
 *  6. The statistics agree with all that.
 */
#include <string.h>

#include "world.h"

enum {
    POISON_LIMIT = 3, /* where the options say 0 */
    PATIENCE = 20,    /* tries and children may make it so many times as long */
};

static unsigned long ul(uint64_t x)
{
    return (unsigned long)x;
}

/* ---- tasks come ------------------------------------------------------------------ */

/* The next child of an attempt whose result counts. */
static void check_born(struct world *w, uint64_t task, int script)
{
    struct attempt *a = &w->attempts[w->scripts[script].parent];
    if (!a->counts || a->outcome != ROTA_DONE)
        wrong(w, "task %lu is born of a result that does not count", ul(task));
    if (script != a->first_child + a->born)
        wrong(w, "task %lu is not the next child", ul(task));
    a->born++;
    w->met.born++;
}

void judge_added(struct world *w, uint64_t task, const struct parcel_task *t)
{
    int script = script_find(w, t);
    if (script == NOBODY || task != w->tasks || w->scripts[script].exists) {
        wrong(w, "task %lu is added, and should not be", ul(task));
        return;
    }
    w->scripts[script].exists = true;
    if (w->scripts[script].parent != NOBODY)
        check_born(w, task, script);
    else if (script != w->submitting)
        wrong(w, "task %lu is not the one that is submitted", ul(task));
    w->truth = grown(w->truth, &w->truth_cap, w->tasks, sizeof(*w->truth));
    w->truth[w->tasks++] = (struct truth){.script = script};
}

/* ---- results --------------------------------------------------------------------- */

static bool is_rank(const struct world *w, const struct rota_result *r, int worker)
{
    return r->worker == worker + w->options.first_rank;
}

/* Whether what is told can be of this attempt. */
static bool is_of(const struct world *w, const struct rota_result *r, int number)
{
    const struct attempt *a = &w->attempts[number];
    bool has_value = r->outcome == ROTA_DONE || r->outcome == ROTA_FAILED;
    return a->task == r->task && a->ended && a->counts && a->outcome == r->outcome &&
           a->code == r->code && is_rank(w, r, a->worker) && a->took_ns == r->took_ns &&
           (int)w->loans[a->loan].attempt == r->attempts &&
           (has_value ? script_is_value(w, number, r->data, r->size_bytes)
                      : r->size_bytes == 0);
}

static void check_attempt(struct world *w, const struct rota_result *r)
{
    const struct truth *is = &w->truth[r->task];
    int number = w->attempts_count;
    while (number-- > 0 && !is_of(w, r, number))
        ;
    if (number < 0) {
        wrong(w, "task %lu is told as no attempt ended: outcome %d, %lu bytes",
              ul(r->task), r->outcome, ul(r->size_bytes));
        return;
    }
    w->attempts[number].is_told = true;
    if (r->outcome != ROTA_DONE &&
        is->failures <= (int)w->scripts[is->script].task.retries)
        wrong(w, "task %lu is told as failed after %d times", ul(r->task),
              is->failures);
}

static void check_poison(struct world *w, const struct rota_result *r)
{
    int limit = w->options.poison_limit > 0 ? w->options.poison_limit : POISON_LIMIT;
    int losses = w->truth[r->task].losses;
    if (r->code < limit || losses < r->code || r->attempts < limit)
        wrong(w, "task %lu is poison after %d losses (%d told)", ul(r->task), losses,
              r->code);
    int last = r->worker - w->options.first_rank;
    if (last < 0 || last >= w->options.workers || !w->worker[last].known_lost)
        wrong(w, "task %lu is poison to worker %d", ul(r->task), last);
    else if (w->worker[last].killer != r->task && w->worker[last].killer != UINT64_MAX)
        wrong(w, "task %lu is poison, and %lu did it", ul(r->task),
              ul(w->worker[last].killer));
}

static void check_reason(struct world *w, const struct rota_result *r)
{
    const struct truth *is = &w->truth[r->task];
    if (r->size_bytes != 0 || r->took_ns != 0 || r->attempts > is->lent)
        wrong(w, "task %lu has no result, and %d attempts", ul(r->task), r->attempts);
    if (r->outcome == ROTA_POISON)
        check_poison(w, r);
    for (int i = 0; r->outcome == ROTA_UNTRIED && i < w->options.workers; i++) {
        if (!w->worker[i].known_lost)
            wrong(w, "task %lu is untried, and worker %d is there", ul(r->task), i);
    }
}

static void check_shape(struct world *w, const struct rota_result *r)
{
    const struct truth *is = &w->truth[r->task];
    const char *data = r->data;
    if (is->told)
        wrong(w, "task %lu is told twice", ul(r->task));
    if (w->options.in_order && r->task != w->told)
        wrong(w, "task %lu is told out of order", ul(r->task));
    if (r->tag != w->scripts[is->script].task.tag)
        wrong(w, "task %lu is told with another tag", ul(r->task));
    if (data[r->size_bytes] != '\0' || (r->size_bytes > 0 && (uintptr_t)data % 8 != 0))
        wrong(w, "the value of task %lu stands badly", ul(r->task));
    if (is->cancelled != (r->outcome == ROTA_CANCELLED))
        wrong(w, "task %lu is told as outcome %d, cancelled: %d", ul(r->task),
              r->outcome, is->cancelled);
    if (r->ended_ns < 0 || r->ended_ns > w->course.now_ns || r->attempts < 0)
        wrong(w, "task %lu ended at %ld, attempt %d", ul(r->task), (long)r->ended_ns,
              r->attempts);
}

void judge_told(struct world *w, const struct rota_result *r)
{
    say(w, "user: task %lu: outcome %d, code %d, %lu bytes, attempt %d, rank %d",
        ul(r->task), r->outcome, r->code, ul(r->size_bytes), r->attempts, r->worker);
    if (r->task >= w->tasks || r->outcome >= ROTA_OUTCOMES) {
        wrong(w, "task %lu is told, and is none", ul(r->task));
        return;
    }
    check_shape(w, r);
    if (r->outcome <= ROTA_OVERTIME)
        check_attempt(w, r);
    else
        check_reason(w, r);
    w->truth[r->task].told = true;
    w->told++;
    w->told_as[r->outcome]++;
}

void judge_forgotten(struct world *w, uint64_t first, uint64_t count)
{
    for (uint64_t task = first; task < first + count; task++) {
        if (task >= w->tasks || !w->truth[task].told || w->truth[task].forgotten) {
            wrong(w, "task %lu is forgotten too early or twice", ul(task));
            return;
        }
        w->truth[task].forgotten = true;
        w->forgotten++;
    }
}

/* ---- the whole ------------------------------------------------------------------- */

void judge_stats(struct world *w)
{
    struct rota_stats s;
    int here = 0;
    int lost = 0;
    bool taken = STAILQ_EMPTY(&w->inbox); /* all that was judged */
    broker_stats(w->broker, &s);
    for (int i = 0; i < w->options.workers; i++) {
        here += w->worker[i].known_here && !w->worker[i].known_lost;
        lost += w->worker[i].known_lost;
        if (taken && w->worker[i].known_mad && !w->worker[i].known_lost)
            wrong(w, "worker %d has sent nonsense, and is not lost", i);
    }
    if (s.submitted != w->tasks || s.workers != here || s.lost != lost)
        wrong(w, "%lu tasks (%lu), %d workers (%d), %d lost (%d)", ul(s.submitted),
              ul(w->tasks), s.workers, here, s.lost, lost);
    if (memcmp(s.ended, w->told_as, sizeof(s.ended)) != 0)
        wrong(w, "the ends are counted badly");
    if (s.waiting + s.lent + w->told > s.submitted || s.busy_ns < 0)
        wrong(w, "%lu wait and %lu are lent, of %lu that are not told", ul(s.waiting),
              ul(s.lent), ul(s.submitted - w->told));
    if (taken && s.refused < w->stale)
        wrong(w, "%lu results refused, of %lu", ul(s.refused), ul(w->stale));
}

static void check_children(struct world *w)
{
    for (int i = 0; i < w->attempts_count; i++) {
        const struct attempt *a = &w->attempts[i];
        bool parent = a->is_told && a->outcome == ROTA_DONE;
        if (a->born != (parent ? a->children : 0))
            wrong(w, "task %lu has %d children, not %d", ul(a->task), a->born,
                  parent ? a->children : 0);
    }
}

static void meet(struct world *w, const struct rota_stats *s)
{
    struct met *met = &w->met;
    met->tasks += w->tasks;
    for (int i = 0; i < ROTA_OUTCOMES; i++)
        met->ended[i] += w->told_as[i];
    met->lost += (uint64_t)s->lost;
    met->again += s->again;
    met->refused += s->refused;
    met->recalled += s->recalled;
    met->copied += s->copied;
}

void judge_end(struct world *w)
{
    struct rota_stats s;
    broker_stats(w->broker, &s);
    meet(w, &s);
    struct rota_result r;
    if (w->closed_early || !course_is_well(&w->course))
        return;
    if (broker_next(w->broker, &r))
        wrong(w, "task %lu is told when all is", ul(r.task));
    for (uint64_t task = 0; task < w->tasks; task++) {
        if (!w->truth[task].told)
            wrong(w, "task %lu is never told", ul(task));
    }
    int64_t slowly_ns = w->weather.span_ns * SLOWNESS_MOST + 10000 * MS;
    if (w->course.now_ns > PATIENCE * slowly_ns)
        wrong(w, "it has taken too long");
    if (!broker_is_over(w->broker) || !w->finished || w->to_come > 0)
        wrong(w, "it is not over in the end");
    if (s.waiting != 0 || s.lent != 0)
        wrong(w, "%lu wait and %lu are lent in the end", ul(s.waiting), ul(s.lent));
    if (w->forgotten != w->tasks)
        wrong(w, "%lu of %lu tasks are forgotten in the end", ul(w->forgotten),
              ul(w->tasks));
    if (broker_wake_ns(w->broker) != INT64_MAX)
        wrong(w, "the broker wants to be woken in the end");
    check_children(w);
}
