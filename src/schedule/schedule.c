/* schedule.c - which task runs where
 *
 * A task moves through four states, and each state is a list that it stands in:
 *
 *              add            next: START            ended
 *     (none) ------> READY ----------------> LEASED --------> SETTLED -----> gone
 *                      ^                       |  lost, for the   ^    next: ENDED
 *                      |   lost                |  K-th time       |
 *                      +-----------------------+------------------+
 *
 * With no worker left, `next` tells the end of a READY task without a detour.
 *
 * Invariants
 *  1. A task stands in exactly one list; what has left SETTLED is gone for ever,
 *     so it ends exactly once.
 *  2. A lease is (task, attempt, worker). A start raises the attempt, so whatever
 *     comes from an earlier lease differs in one of the three and is refused.
 *  3. A worker runs what it holds in the order of its coming: the `slots` oldest
 *     leases are running, the others wait there. Only a running task can have
 *     killed its worker, so only those are counted against the poison limit.
 *  4. A worker that may be given a task stands in `idle` (a slot is free) or in
 *     `room` (only the prefetch is). `room` is used only while more tasks are
 *     ready than all slots could take: near the end a task should wait for the
 *     first free slot anywhere, not behind another task.
 *  5. Each event costs O(1), schedule_lost O(what the worker held).
 *
 * Tasks live in chunks, found by number; a chunk whose tasks have all gone is
 * freed, so that a run of millions holds those that are under way.
 */
#include "schedule/schedule.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "rota.h"

enum {
    CHUNK_TASKS = 1024,
    POISON_LIMIT = 3,
};

enum task_state {
    TASK_NEW,
    TASK_READY,
    TASK_LEASED,
    TASK_SETTLED,
};

struct task {
    TAILQ_ENTRY(task) link;
    void *tag;
    uint64_t id;
    int64_t since_ns; /* LEASED: when it was handed out; SETTLED: how long held */
    uint32_t attempt;
    int worker;
    enum task_state state;
    enum schedule_outcome outcome;
    int killed; /* workers lost while they ran it */
};

TAILQ_HEAD(task_list, task);

struct chunk {
    int gone; /* how many of its tasks have ended */
    struct task tasks[CHUNK_TASKS];
};

struct worker {
    TAILQ_ENTRY(worker) link;
    struct worker_list *list; /* where it stands: idle, room, or NULL */
    struct task_list leases;  /* oldest first */
    int slots;                /* 0: has not come */
    int held;
    bool lost;
};

TAILQ_HEAD(worker_list, worker);

struct schedule {
    struct schedule_options options;
    struct schedule_counts counts;
    struct task_list ready;
    struct task_list settled;
    struct worker_list idle;
    struct worker_list room;
    struct chunk **chunks;
    size_t chunk_count;
    size_t chunk_cap;
    struct worker workers[];
};

static struct task *task_find(const struct schedule *s, uint64_t id)
{
    struct chunk *c = id < s->counts.added ? s->chunks[id / CHUNK_TASKS] : NULL;
    return c ? &c->tasks[id % CHUNK_TASKS] : NULL;
}

static int chunk_add(struct schedule *s)
{
    if (s->chunk_count == s->chunk_cap) {
        size_t cap = s->chunk_cap ? s->chunk_cap * 2 : 16;
        struct chunk **chunks = realloc(s->chunks, cap * sizeof(struct chunk *));
        if (chunks == NULL)
            return ROTA_E_NOMEM;
        s->chunks = chunks;
        s->chunk_cap = cap;
    }
    struct chunk *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return ROTA_E_NOMEM;
    s->chunks[s->chunk_count++] = c;
    return 0;
}

/* The task's end has been told: forget it. */
static void task_forget(struct schedule *s, uint64_t id)
{
    struct chunk **c = &s->chunks[id / CHUNK_TASKS];
    (*c)->tasks[id % CHUNK_TASKS].state = TASK_NEW;
    if (++(*c)->gone == CHUNK_TASKS) {
        free(*c);
        *c = NULL;
    }
}

/* Put a worker where its load says. At the tail, so that those with the same
 * room take turns. */
static void worker_place(struct schedule *s, struct worker *w)
{
    if (w->list != NULL)
        TAILQ_REMOVE(w->list, w, link);
    w->list = NULL;
    if (w->lost)
        return;
    if (w->held < w->slots)
        w->list = &s->idle;
    else if (w->held < w->slots + s->options.prefetch)
        w->list = &s->room;
    if (w->list != NULL)
        TAILQ_INSERT_TAIL(w->list, w, link);
}

static struct worker *worker_choose(const struct schedule *s)
{
    struct worker *w = TAILQ_FIRST(&s->idle);
    if (w == NULL && s->counts.ready > s->counts.slots)
        w = TAILQ_FIRST(&s->room);
    return w;
}

static void lease_begin(struct schedule *s, int64_t now_ns, struct worker *w,
                        struct task *t)
{
    TAILQ_REMOVE(&s->ready, t, link);
    TAILQ_INSERT_TAIL(&w->leases, t, link);
    s->counts.ready--;
    s->counts.leased++;
    t->state = TASK_LEASED;
    t->worker = (int)(w - s->workers);
    t->since_ns = now_ns;
    t->attempt++;
    w->held++;
    worker_place(s, w);
}

/* Take the task out of its worker's hands; the caller says where it goes. */
static void lease_end(struct schedule *s, int64_t now_ns, struct task *t)
{
    struct worker *w = &s->workers[t->worker];
    TAILQ_REMOVE(&w->leases, t, link);
    s->counts.leased--;
    w->held--;
    t->since_ns = now_ns - t->since_ns;
}

static void task_settle(struct schedule *s, struct task *t,
                        enum schedule_outcome outcome)
{
    t->state = TASK_SETTLED;
    t->outcome = outcome;
    TAILQ_INSERT_TAIL(&s->settled, t, link);
}

/* To the head of the line: it has waited already. */
static void task_again(struct schedule *s, struct task *t)
{
    t->state = TASK_READY;
    TAILQ_INSERT_HEAD(&s->ready, t, link);
    s->counts.ready++;
}

static void tell_end(struct schedule *s, struct task *t, struct schedule_action *out)
{
    *out = (struct schedule_action){
        .what = SCHEDULE_ENDED,
        .outcome = t->outcome,
        .task = t->id,
        .attempt = t->attempt,
        .worker = t->worker,
        .held_ns = t->attempt ? t->since_ns : 0,
        .tag = t->tag,
    };
    s->counts.ended[t->outcome]++;
    task_forget(s, t->id);
}

int schedule_new(const struct schedule_options *options, struct schedule **out)
{
    if (options->workers < 1 || options->prefetch < 0 || options->poison_limit < 0)
        return ROTA_E_ARG;
    size_t workers = (size_t)options->workers;
    struct schedule *s = calloc(1, sizeof(*s) + workers * sizeof(s->workers[0]));
    if (s == NULL)
        return ROTA_E_NOMEM;
    s->options = *options;
    if (s->options.poison_limit == 0)
        s->options.poison_limit = POISON_LIMIT;
    TAILQ_INIT(&s->ready);
    TAILQ_INIT(&s->settled);
    TAILQ_INIT(&s->idle);
    TAILQ_INIT(&s->room);
    for (size_t i = 0; i < workers; i++)
        TAILQ_INIT(&s->workers[i].leases);
    *out = s;
    return 0;
}

void schedule_free(struct schedule *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->chunk_count; i++)
        free(s->chunks[i]);
    free(s->chunks);
    free(s);
}

int schedule_add(struct schedule *s, void *tag, uint64_t *task)
{
    uint64_t id = s->counts.added;
    if (id % CHUNK_TASKS == 0) {
        int rc = chunk_add(s);
        if (rc != 0)
            return rc;
    }
    s->counts.added++;
    struct task *t = &s->chunks[id / CHUNK_TASKS]->tasks[id % CHUNK_TASKS];
    *t = (struct task){.id = id, .tag = tag, .worker = -1, .state = TASK_READY};
    TAILQ_INSERT_TAIL(&s->ready, t, link);
    s->counts.ready++;
    *task = id;
    return 0;
}

int schedule_join(struct schedule *s, int worker, int slots)
{
    if (worker < 0 || worker >= s->options.workers || slots < 1)
        return ROTA_E_ARG;
    struct worker *w = &s->workers[worker];
    if (w->slots > 0 || w->lost)
        return ROTA_E_STATE;
    w->slots = slots;
    s->counts.slots += (uint64_t)slots;
    s->counts.here++;
    worker_place(s, w);
    return 0;
}

int schedule_ended(struct schedule *s, int64_t now_ns, int worker, uint64_t task,
                   uint32_t attempt, bool succeeded)
{
    struct task *t = task_find(s, task);
    if (t == NULL || t->state != TASK_LEASED || t->worker != worker ||
        t->attempt != attempt)
        return ROTA_E_STATE;
    lease_end(s, now_ns, t);
    worker_place(s, &s->workers[worker]);
    task_settle(s, t, succeeded ? SCHEDULE_SUCCEEDED : SCHEDULE_FAILED);
    return 0;
}

int schedule_lost(struct schedule *s, int64_t now_ns, int worker)
{
    if (worker < 0 || worker >= s->options.workers)
        return ROTA_E_ARG;
    struct worker *w = &s->workers[worker];
    if (w->lost)
        return ROTA_E_STATE;
    w->lost = true;
    worker_place(s, w);
    s->counts.lost++;
    if (w->slots > 0) {
        s->counts.here--;
        s->counts.slots -= (uint64_t)w->slots;
    }

    /* The youngest first: each goes to the head, so the oldest ends up first. */
    while (!TAILQ_EMPTY(&w->leases)) {
        struct task *t = TAILQ_LAST(&w->leases, task_list);
        bool running = w->held <= w->slots;
        lease_end(s, now_ns, t);
        s->counts.again += running ? 1 : 0;
        t->killed += running ? 1 : 0;
        if (t->killed >= s->options.poison_limit)
            task_settle(s, t, SCHEDULE_POISON);
        else
            task_again(s, t);
    }
    return 0;
}

bool schedule_next(struct schedule *s, int64_t now_ns, struct schedule_action *out)
{
    struct task *t = TAILQ_FIRST(&s->settled);
    if (t != NULL) {
        TAILQ_REMOVE(&s->settled, t, link);
        tell_end(s, t, out);
        return true;
    }
    t = TAILQ_FIRST(&s->ready);
    if (t == NULL)
        return false;
    if (s->counts.lost == s->options.workers) {
        TAILQ_REMOVE(&s->ready, t, link);
        s->counts.ready--;
        t->outcome = SCHEDULE_NO_WORKER;
        tell_end(s, t, out);
        return true;
    }
    struct worker *w = worker_choose(s);
    if (w == NULL)
        return false;
    assert(!w->lost && w->slots > 0);
    lease_begin(s, now_ns, w, t);
    *out = (struct schedule_action){
        .what = SCHEDULE_START,
        .task = t->id,
        .attempt = t->attempt,
        .worker = t->worker,
        .tag = t->tag,
    };
    return true;
}

const struct schedule_counts *schedule_counts(const struct schedule *s)
{
    return &s->counts;
}
