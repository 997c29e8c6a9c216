/* plan.c - which tasks run where, and when again
 *
 * Tasks with successive numbers of which the same is known are one span, and a span is
 * in one of these states, each a list:
 *
 *            add             next: LEND              settled, failed for good
 *   (none) -------> READY -----------------> LEASED -------------------------> gone
 *                   ^ ^ ^                     | | |
 *                   | | +--- lost, returned --+ | |  taken back
 *      time has come| |      (POISON: ENDED)    | +-----> RECALLED
 *                   | |                         |            |
 *                   | +----- next: RECALL ------|------------+---> ENDED or gone
 *                DELAYED <------- failed -------+
 *
 *   READY, DELAYED, RECALLED -- cancelled, no worker is left --> ENDED
 *   ENDED -- next: ENDED --> gone
 *
 * Invariants
 *  1. A task that has not ended is in exactly one indexed span; one that has is in
 * none. Whatever ends a task takes it out of the index, so it ends exactly once.
 *  2. added = ready + delayed + leased + done + all of ended, after every call. What is
 *     recalled counts as leased until that has been told.
 *  3. A task is lent under a lease's id, which never comes again. What is reported of
 *     a lease that has ended, or of a task that it does not hold (any more), is
 * refused.
 *  4. An event costs O(1), whatever the number of tasks and workers, if it comes in the
 *     order of tasks; else and for plan_cancel, O(log) of the number of spans. A loss
 *     costs O(what the worker held, and what was near it), in spans.
 *  5. What can fail reserves its memory first, and changes nothing before it has it.
 *
 * span.c has the spans, queue.c and wait.c those that wait, lease.c workers and
 * leases, lend.c decides what is lent, loss.c what a loss means, slow.c and copy.c what
 * becomes of the slow, shut.c what of those who get no more, pace.c how large batches
 * are, gap.c when the next one may be lent, median.c how long a task takes as a rule.
 */
#include "schedule/plan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "schedule/copy.h"
#include "schedule/gap.h"
#include "schedule/lease.h"
#include "schedule/lend.h"
#include "schedule/loss.h"
#include "schedule/plan_state.h"
#include "schedule/shut.h"
#include "schedule/slow.h"
#include "schedule/wait.h"

#define MS INT64_C(1000000)

enum {
    POISON_LIMIT = 3,
    KINDS_MOST = 1 << 20,
    HUNGRY_ROUNDS = 3,     /* to be ready, for each slot */
    HUNGRY_ALONE = 1000,   /* before any worker has come */
    HUNGRY_MOST = 1 << 19, /* a round, where slots and tiny tasks are many */
};

/* ---- making one ------------------------------------------------------------------ */

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static void set_options(struct plan *p, const struct plan_options *options)
{
    struct plan_options *o = &p->options;
    *o = *options;
    o->poison_limit = o->poison_limit > 0 ? o->poison_limit : POISON_LIMIT;
    o->ahead = o->ahead > 0 ? o->ahead : 1;
    o->batch_ns = or_default(o->batch_ns, 2 * MS);
    o->retry_ns = or_default(o->retry_ns, 100 * MS);
    o->retry_most_ns = or_default(o->retry_most_ns, 10000 * MS);
    o->straggler_ns = or_default(o->straggler_ns, 100 * MS);
    p->delays = 1;
    while (p->delays < DELAYS && o->retry_ns < o->retry_most_ns >> (p->delays - 1))
        p->delays++;
}

static void init(struct plan *p)
{
    TAILQ_INIT(&p->solos);
    TAILQ_INIT(&p->recalled);
    TAILQ_INIT(&p->ended);
    for (int n = 0; n < DELAYS; n++)
        TAILQ_INIT(&p->delayed[n]);
    for (int room = 0; room < ROOMS; room++) {
        TAILQ_INIT(&p->lists[room][0]);
        TAILQ_INIT(&p->lists[room][1]);
    }
    for (int i = 0; i < p->options.workers; i++)
        TAILQ_INIT(&p->workers[i].leases);
    span_store_init(&p->spans);
    lease_store_init(&p->leases);
    p->looked_ns = INT64_MIN / 2;
    p->again_ns = INT64_MAX;
    gap_init(p);
}

int plan_new(const struct plan_options *options, struct plan **out)
{
    if (options->workers < 1 || options->poison_limit < 0 || options->batch_ns < 0 ||
        options->retry_ns < 0 || options->retry_most_ns < 0 ||
        options->straggler_ns < 0 || options->gap_ns < 0)
        return ROTA_E_ARG;
    size_t workers = (size_t)options->workers;
    struct plan *p = calloc(1, sizeof(*p) + workers * sizeof(p->workers[0]));
    struct queue *queues = calloc(workers + 1, sizeof(*queues));
    struct median *median = NULL;
    bool follow = options->limit_times > 0;
    if (follow)
        median = calloc(1, sizeof(*median));
    if (p == NULL || queues == NULL || (follow && median == NULL)) {
        free(p);
        free(queues);
        free(median);
        return ROTA_E_NOMEM;
    }
    p->median = median;
    p->queues = queues;
    p->any = &queues[workers];
    set_options(p, options);
    init(p);
    *out = p;
    return 0;
}

void plan_free(struct plan *p)
{
    if (p == NULL)
        return;
    for (int i = 0; i <= p->options.workers; i++)
        queue_done(&p->queues[i]);
    span_store_done(&p->spans);
    lease_store_done(&p->leases);
    free(p->median);
    free(p->paces);
    free(p->queues);
    free(p);
}

/* ---- ends without a result ------------------------------------------------------- */

void plan_count_end(struct plan *p, struct span *s, enum plan_why why, uint32_t begun)
{
    span_unindex(&p->spans, s);
    s->why = (uint8_t)why;
    s->begun = begun;
    p->counts.ended[why] += s->count;
}

static bool ends_alike(const struct span *a, const struct span *b)
{
    return a->why == b->why && a->begun == b->begun && a->killed == b->killed &&
           a->worker == b->worker;
}

void plan_tell_end(struct plan *p, struct span *s)
{
    struct span *last = TAILQ_LAST(&p->ended, span_list);
    s->state = SPAN_ENDED;
    if (last != NULL && span_end(last) == span_first(s) && ends_alike(last, s)) {
        last->count += s->count;
        span_drop(&p->spans, s);
    } else {
        TAILQ_INSERT_TAIL(&p->ended, s, link);
    }
}

static void end_waiting(struct plan *p, struct span *s, enum plan_why why)
{
    wait_stop(p, s);
    plan_count_end(p, s, why, span_attempt(s) - 1);
    plan_tell_end(p, s);
}

/* ---- tasks and workers come ------------------------------------------------------ */

static int kinds_reserve(struct plan *p, int kind)
{
    if (kind < p->kinds)
        return 0;
    int kinds = kind < 2 * p->kinds ? 2 * p->kinds : kind + 1;
    struct pace *paces = realloc(p->paces, (size_t)kinds * sizeof(*paces));
    if (paces == NULL)
        return ROTA_E_NOMEM;
    for (int i = p->kinds; i < kinds; i++)
        paces[i] = (struct pace){.most = 0};
    p->paces = paces;
    p->kinds = kinds;
    return 0;
}

static bool class_is_sound(const struct plan *p, const struct plan_class *c)
{
    return c->near >= -1 && c->near < p->options.workers && c->retries >= 0 &&
           c->kind >= 0 && c->kind < KINDS_MOST;
}

/* Whether tasks that come now can be more of the last span of `l`. */
static bool grows(const struct plan *p, const struct level *l,
                  const struct plan_class *c)
{
    const struct span *s = TAILQ_LAST(&l->spans, span_list);
    return s != NULL && span_end(s) == p->counts.added && s->retries == c->retries &&
           s->kind == c->kind && s->failures == 0 && s->killed == 0 && !s->wary;
}

int plan_add(struct plan *p, const struct plan_class *c, uint64_t count,
             uint64_t *first)
{
    if (!class_is_sound(p, c) || count == 0)
        return ROTA_E_ARG;
    struct queue *q = c->near < 0 ? p->any : &p->queues[c->near];
    if (q->closed)
        q = p->any;
    struct level *l;
    if (kinds_reserve(p, c->kind) != 0 || span_reserve(&p->spans, 1) != 0 ||
        queue_level(q, q == p->any ? NULL : p->any, c->priority, &l) != 0)
        return ROTA_E_NOMEM;

    if (grows(p, l, c)) {
        wait_grow(p, l, count);
        level_release(l);
    } else {
        struct span *s = span_take(&p->spans);
        s->at.key = p->counts.added;
        s->count = count;
        s->level = l;
        s->retries = c->retries;
        s->kind = c->kind;
        s->indexed = true;
        tree_insert_before(&p->spans.index, NULL, &s->at);
        wait_append(p, s);
    }
    if (first != NULL)
        *first = p->counts.added;
    p->counts.added += count;
    p->last_kind = c->kind;
    return 0;
}

static bool is_worker(const struct plan *p, int worker)
{
    return worker >= 0 && worker < p->options.workers;
}

int plan_join(struct plan *p, int64_t now_ns, int worker, int slots)
{
    if (!is_worker(p, worker) || slots < 1 || slots > INT32_MAX / 2)
        return ROTA_E_ARG;
    struct worker *w = &p->workers[worker];
    if (w->slots > 0 || w->lost)
        return ROTA_E_STATE;
    w->slots = slots;
    p->counts.slots += (uint64_t)slots;
    p->counts.here++;
    worker_place(p, w);
    slow_look_soon(p, now_ns);
    return 0;
}

/* ---- reports --------------------------------------------------------------------- */

/* The span of `l` that has `task`; or NULL, and *next is the next task after it that
 * the lease holds, or UINT64_MAX. */
static struct span *span_in(struct lease *l, uint64_t task, uint64_t *next)
{
    struct span *s;
    *next = UINT64_MAX;
    TAILQ_FOREACH (s, &l->spans, link) {
        if (task < span_end(s))
            break;
    }
    if (s == NULL || task >= span_first(s))
        return s;
    *next = span_first(s);
    return NULL;
}

/* `count` tasks of `l` ran, and are about to leave it. */
static void learn(struct plan *p, int64_t now_ns, struct lease *l, uint64_t count,
                  int64_t busy_ns)
{
    struct pace *pace = &p->paces[l->kind];
    pace_learn(pace, count, busy_ns);
    if (l->left == count)
        pace_grow(pace, l->lent);
    lease_heard(l, now_ns);
}

static void settle(struct plan *p, int64_t now_ns, struct span *s, uint64_t count)
{
    if (count < s->count) {
        lease_trim(p, s, count);
        return;
    }
    copy_retire_twin(p, now_ns, s);
    lease_leave(p, now_ns, s);
    span_drop(&p->spans, s);
}

static uint64_t refuse(struct plan *p, struct plan_span span, uint64_t next)
{
    uint64_t run = next - span.first < span.count ? next - span.first : span.count;
    p->counts.refused += run;
    return run;
}

int plan_settle(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                struct plan_span span, int64_t busy_ns, uint64_t *run, bool *accepted,
                uint32_t *attempt)
{
    if (span.count == 0)
        return ROTA_E_ARG;
    struct lease *l = lease_find(p, worker, lease);
    uint64_t next = UINT64_MAX;
    struct span *s = l != NULL ? span_in(l, span.first, &next) : NULL;
    if (s == NULL) {
        *run = refuse(p, span, next);
        *accepted = false;
        return 0;
    }
    if (span.first > span_first(s)) {
        if (span_reserve(&p->spans, 1) != 0)
            return ROTA_E_NOMEM;
        span_split(&p->spans, s, span.first - span_first(s));
    }
    uint64_t count = span.count < s->count ? span.count : s->count;
    int64_t share_ns = busy_ns;
    if (count < span.count)
        share_ns = (int64_t)((double)busy_ns * (double)count / (double)span.count);
    p->counts.done += count;
    p->counts.busy_ns = clock_sum_ns(p->counts.busy_ns, share_ns);
    *run = count;
    *accepted = true;
    *attempt = l->attempt;
    if (p->median != NULL)
        median_add(p->median, share_ns / (int64_t)count, count);
    gap_adapt(p, true);
    learn(p, now_ns, l, count, share_ns);
    settle(p, now_ns, s, count);
    return 0;
}

/* The one task of `s`, out of its lease, failed: is it tried again? */
static bool fail(struct plan *p, int64_t now_ns, struct span *s)
{
    if (s->twin != NULL) { /* the other one may still do it */
        struct span *twin = copy_go_on(p, s);
        twin->failures++;
        twin->lease->tried = true;
        return true;
    }
    if (++s->failures > s->retries) {
        span_drop(&p->spans, s);
        return false;
    }
    p->counts.again++;
    s->wary = false;
    wait_delay(p, now_ns, s);
    return true;
}

int plan_failed(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                uint64_t task, int64_t busy_ns, enum plan_verdict *verdict,
                uint32_t *attempt)
{
    struct lease *l = lease_find(p, worker, lease);
    uint64_t next;
    struct span *s = l != NULL ? span_in(l, task, &next) : NULL;
    if (s == NULL) {
        p->counts.refused++;
        *verdict = PLAN_REFUSED;
        return 0;
    }
    if (span_reserve(&p->spans, 2) != 0)
        return ROTA_E_NOMEM;
    *attempt = l->attempt;
    s = span_cut(&p->spans, s, task, 1);
    gap_adapt(p, false);
    learn(p, now_ns, l, 1, busy_ns);
    lease_leave(p, now_ns, s);
    bool again = fail(p, now_ns, s);
    if (!again) {
        p->counts.done++;
        p->counts.busy_ns = clock_sum_ns(p->counts.busy_ns, busy_ns);
    }
    *verdict = again ? PLAN_AGAIN : PLAN_FINAL;
    return 0;
}

/* The tasks of `s` come out of their lease, unbegun. */
static void give_back(struct plan *p, int64_t now_ns, struct span *s)
{
    p->counts.recalled += s->count;
    lease_leave(p, now_ns, s);
    if (s->failures == 0 && s->killed == 0)
        s->worker = -1; /* as if it had never been lent */
    wait_return(p, s);
}

bool plan_holds(const struct plan *p, int worker, uint64_t lease, uint64_t task)
{
    uint64_t next;
    struct lease *l = lease_find(p, worker, lease);
    return l != NULL && span_in(l, task, &next) != NULL;
}

/* The youngest first, since each goes to the head of its line. */
int plan_returned(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                  struct plan_span span)
{
    struct lease *l = lease_find(p, worker, lease);
    uint64_t end = span.first + span.count;
    if (l == NULL || !p->options.once)
        return 0;
    if (span_reserve(&p->spans, 2) != 0)
        return ROTA_E_NOMEM;
    struct span *before;
    for (struct span *s = TAILQ_LAST(&l->spans, span_list); s != NULL; s = before) {
        before = TAILQ_PREV(s, span_list, link);
        uint64_t from = span_first(s) > span.first ? span_first(s) : span.first;
        uint64_t to = span_end(s) < end ? span_end(s) : end;
        if (from < to)
            give_back(p, now_ns, span_cut(&p->spans, s, from, to - from));
    }
    return 0;
}

/* ---- losses, stops, cancellations ------------------------------------------------ */

int plan_lost(struct plan *p, int64_t now_ns, int worker)
{
    if (!is_worker(p, worker))
        return ROTA_E_ARG;
    struct worker *w = &p->workers[worker];
    if (w->lost)
        return ROTA_E_STATE;
    w->lost = true;
    p->counts.shut -= w->shut;
    worker_place(p, w);
    p->counts.lost++;
    if (w->slots > 0) {
        p->counts.here--;
        p->counts.slots -= (uint64_t)w->slots;
    }
    if (p->draining == w)
        p->draining = NULL;
    queue_close(&p->spans, &p->queues[worker]);
    loss_of(p, now_ns, w);
    slow_look_soon(p, now_ns);
    return 0;
}

void plan_freeze(struct plan *p, int64_t now_ns, int worker, bool frozen)
{
    if (!is_worker(p, worker) || p->workers[worker].frozen == frozen)
        return;
    struct worker *w = &p->workers[worker];
    w->frozen = frozen;
    if (p->draining == w)
        p->draining = NULL;
    struct lease *before;
    for (struct lease *l = TAILQ_LAST(&w->leases, lease_list); l != NULL; l = before) {
        before = TAILQ_PREV(l, lease_list, link);
        if (!frozen)
            l->mark_ns = now_ns;
        else if (!p->options.once)
            lease_recall_rest(p, now_ns, l, l->running);
    }
    worker_place(p, w);
    slow_look_soon(p, now_ns);
}

bool plan_running(const struct plan *p, int worker, uint64_t *lease, uint64_t *task)
{
    const struct worker *w = &p->workers[worker];
    const struct lease *l = TAILQ_FIRST(&w->leases);
    const struct span *s = l != NULL ? TAILQ_FIRST(&l->spans) : NULL;
    if (s == NULL || (w->ghost != 0 && l->number > w->sure))
        return false;
    *lease = l->id;
    *task = span_first(s);
    return true;
}

void plan_excuse(struct plan *p, int worker)
{
    p->workers[worker].excused = true;
}

int plan_cancel(struct plan *p, int64_t now_ns, uint64_t task)
{
    struct span *s = span_find(&p->spans, task);
    if (s == NULL)
        return ROTA_E_NOTFOUND;
    if (span_reserve(&p->spans, 2) != 0)
        return ROTA_E_NOMEM;
    if (s->count > 1)
        s = span_cut(&p->spans, s, task, 1);
    switch ((enum span_state)s->state) {
    case SPAN_READY:
    case SPAN_DELAYED:
        end_waiting(p, s, PLAN_CANCELLED);
        break;
    case SPAN_LEASED: {
        uint32_t begun = lease_begun(s);
        copy_retire_twin(p, now_ns, s);
        lease_recall(p, now_ns, s, SPAN_THEN_ENDED);
        plan_count_end(p, s, PLAN_CANCELLED, begun);
        break;
    }
    case SPAN_RECALLED:
        assert(s->then == SPAN_THEN_READY);
        s->then = SPAN_THEN_ENDED;
        p->counts.leased--;
        plan_count_end(p, s, PLAN_CANCELLED, span_attempt(s) - 1);
        break;
    case SPAN_ENDED:
        assert(false);
    }
    return 0;
}

/* ---- what is to be done ---------------------------------------------------------- */

static void after_recall(struct plan *p, struct span *s)
{
    switch ((enum span_then)s->then) {
    case SPAN_THEN_READY:
        p->counts.leased -= s->count;
        if (s->failures == 0 && s->killed == 0)
            s->worker = -1; /* as if it had never been lent */
        wait_return(p, s);
        break;
    case SPAN_THEN_ENDED:
        plan_tell_end(p, s);
        break;
    case SPAN_THEN_GONE:
        span_drop(&p->spans, s);
        break;
    }
}

/* What has been taken back; the lost need not be told. */
static bool tell_recalled(struct plan *p, struct plan_action *out)
{
    struct span *s;
    while ((s = TAILQ_FIRST(&p->recalled)) != NULL) {
        TAILQ_REMOVE(&p->recalled, s, link);
        struct plan_action a = {
            .what = PLAN_RECALL,
            .worker = s->worker,
            .lease = s->lease_id,
            .span = {.first = span_first(s), .count = s->count},
        };
        after_recall(p, s);
        if (!p->workers[a.worker].lost) {
            *out = a;
            return true;
        }
    }
    return false;
}

static bool tell_ended(struct plan *p, struct plan_action *out)
{
    struct span *s = TAILQ_FIRST(&p->ended);
    if (s == NULL)
        return false;
    TAILQ_REMOVE(&p->ended, s, link);
    *out = (struct plan_action){
        .what = PLAN_ENDED,
        .why = (enum plan_why)s->why,
        .worker = s->worker,
        .span = {.first = span_first(s), .count = s->count},
        .attempt = s->begun,
        .killed = s->killed,
    };
    span_drop(&p->spans, s);
    return true;
}

/* Nobody is left who could run what waits. */
static void give_up(struct plan *p)
{
    struct span *s;
    while ((s = wait_first(p)) != NULL)
        end_waiting(p, s, PLAN_NO_WORKER);
}

bool plan_next(struct plan *p, int64_t now_ns, struct plan_action *out)
{
    p->again_ns = INT64_MAX;
    do {
        if (tell_recalled(p, out) || tell_ended(p, out))
            return true;
        if (p->counts.lost == p->options.workers)
            give_up(p);
        if (tell_ended(p, out))
            return true;
        wait_wake(p, now_ns);
        if (shut_next(p, out) || lend_next(p, now_ns, out) || slow_next(p, now_ns, out))
            return true;
    } while (!TAILQ_EMPTY(&p->recalled));
    return false;
}

bool plan_was_refused(const struct plan *p)
{
    return p->again_ns != INT64_MAX;
}

int64_t plan_wake_ns(const struct plan *p)
{
    int64_t at_ns = p->again_ns;
    int64_t due_ns = wait_due_ns(p);
    int64_t slow_ns = slow_due_ns(p);
    at_ns = due_ns < at_ns ? due_ns : at_ns;
    at_ns = p->gap_due_ns < at_ns ? p->gap_due_ns : at_ns;
    return slow_ns < at_ns ? slow_ns : at_ns;
}

int64_t plan_limit_ns(const struct plan *p)
{
    if (p->median == NULL)
        return 0;
    double ns = p->options.limit_times * (double)median_get(p->median);
    return ns < 1e18 ? (int64_t)ns : INT64_C(1000000000000000000);
}

bool plan_is_hungry(const struct plan *p)
{
    if (p->shut)
        return p->counts.ready + p->counts.delayed == 0;
    if (p->counts.slots == 0)
        return p->counts.ready < HUNGRY_ALONE;
    struct pace unknown = {.most = 0};
    const struct pace *pace = p->kinds > 0 ? &p->paces[p->last_kind] : &unknown;
    uint64_t batch = pace_next_batch(pace, p->options.batch_ns);
    uint64_t most = HUNGRY_MOST / p->counts.slots;
    batch = batch < most ? batch : most + 1;
    return p->counts.ready < HUNGRY_ROUNDS * p->counts.slots * batch;
}

const struct plan_counts *plan_counts(const struct plan *p)
{
    return &p->counts;
}
