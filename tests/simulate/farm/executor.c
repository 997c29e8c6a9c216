/* executor.c - a worker's executor: tasks take their time, and end as their script says
 *
 * Either isolated: a slot runs its batch whatever the rank does, a crash costs the
 * attempt alone, and a task that is dropped ends at once. Or in the rank: tasks run
 * within take(), some of them at a stretch, during which the worker is deaf; a crash
 * costs the worker, and a task with a time limit begins only when all before it has
 * been reported (execute/in_rank.c).
 */
#include <stdlib.h>
#include <string.h>

#include "execute/row.h"
#include "memory.h"
#include "world.h"

struct job {
    TAILQ_ENTRY(job) link;
    uint64_t lease;
    uint64_t first;
    uint32_t count;
    uint32_t attempt;
    uint32_t next;           /* to run, or running */
    struct row_walk walk;    /* behind it */
    struct parcel_task task; /* what it is */
    unsigned char *records;
    bool *dropped;
    struct executor_report kept; /* results that are kept back */
    unsigned char *kept_records;
    struct parcel_result row; /* the first of a row that these end with, */
    size_t row_at;            /* which begins here, */
    uint32_t row_count;       /* of so many; 0: there is none */
};

static struct script_executor *of(struct executor *base)
{
    return (struct script_executor *)base;
}

static struct sim_worker *worker_of(const struct script_executor *x)
{
    return &x->world->worker[x->worker];
}

static void job_free(struct job *j)
{
    free(j->records);
    free(j->dropped);
    free(j->kept_records);
    free(j);
}

static void count_held(struct script_executor *x)
{
    struct job *j;
    struct ready *r;
    x->base.held = 0;
    TAILQ_FOREACH (j, &x->waiting, link)
        x->base.held++;
    STAILQ_FOREACH(r, &x->ready, link)
    x->base.held++;
    for (int i = 0; i < x->base.slots; i++)
        x->base.held += x->slot[i].job != NULL;
    x->base.ready = !STAILQ_EMPTY(&x->ready);
}

/* ---- results --------------------------------------------------------------------- */

/* What was kept back may be taken from now on. */
static void flush(struct script_executor *x, struct job *j)
{
    if (j->kept.count > 0) {
        struct ready *r = memory_sure(sizeof(*r));
        *r = (struct ready){.report = j->kept, .records = j->kept_records};
        r->report.records = r->records;
        STAILQ_INSERT_TAIL(&x->ready, r, link);
        j->kept_records = NULL;
    }
    j->kept = (struct executor_report){.lease = j->lease};
    j->row_count = 0;
}

/* As records do; or values in a row, which share one time. */
static void keep(struct world *w, struct job *j, struct attempt *a,
                 const struct parcel_result *r)
{
    bool plain = parcel_result_is_plain(r);
    bool more = plain && j->row_count > 0 && j->row.size == r->size &&
                !dice_one_in(&w->course.dice, 5);
    bool row = more || (plain && dice_one_in(&w->course.dice, 2));
    size_t bytes = more  ? parcel_padded(r->size)
                   : row ? ROW_RESULT_BYTES + parcel_padded(r->size)
                         : parcel_result_bytes(r);
    j->kept_records = memory_grow(j->kept_records, j->kept.bytes + bytes);
    unsigned char *out = j->kept_records + j->kept.bytes;
    memset(out, 0, bytes);
    if (!row) {
        parcel_write_result(out, r);
    } else if (r->size > 0) {
        memcpy(out + (more ? 0 : ROW_RESULT_BYTES), r->data, r->size);
    }
    if (row && !more) {
        j->row = *r;
        j->row_at = j->kept.bytes;
    }
    j->row_count = more ? j->row_count + 1 : row;
    if (row) {
        a->took_ns = j->row.took_ns;
        row_write_results(j->kept_records + j->row_at, r->size, a->took_ns,
                          j->row_count);
    }
    if (j->kept.count == 0)
        j->kept.first = a->task;
    j->kept.bytes += bytes;
    j->kept.busy_ns += a->took_ns;
    j->kept.count++;
}

/* Tasks that the attempt submits: records, to *out. */
static size_t write_children(struct world *w, int number, unsigned char **out)
{
    const struct attempt *a = &w->attempts[number];
    size_t size = 0;
    for (int i = 0; i < a->children; i++) {
        int child = a->first_child + i;
        struct parcel_task t = w->scripts[child].task;
        unsigned char *payload = memory_sure(t.size);
        script_write_payload(w, child, payload);
        t.data = payload;
        *out = memory_grow(*out, size + parcel_task_bytes(&t));
        parcel_write_task(*out + size, &t);
        size += parcel_task_bytes(&t);
        free(payload);
    }
    return size;
}

static void make_children(struct world *w, int number)
{
    const struct script s = w->scripts[w->attempts[number].script];
    w->attempts[number].first_child = w->scripts_count;
    for (int i = 0; i < s.children; i++) {
        if (script_new(w, number, s.depth - 1) == NOBODY)
            break;
        w->attempts[number].children++;
    }
}

/* The result of an attempt that has ended. */
static void record(struct script_executor *x, struct job *j, int number)
{
    struct world *w = x->world;
    struct attempt *a = &w->attempts[number];
    bool has_value = a->outcome == ROTA_DONE || a->outcome == ROTA_FAILED;
    size_t size = has_value ? w->scripts[a->script].value_size : 0;
    unsigned char *value = memory_sure(size);
    unsigned char *children = NULL;
    struct parcel_result r = {.data = value,
                              .size = size,
                              .outcome = a->outcome,
                              .code = a->code,
                              .took_ns = a->took_ns};
    if (has_value)
        script_write_value(w, number, value);
    if (a->outcome == ROTA_DONE) {
        make_children(w, number);
        r.tasks_bytes = write_children(w, number, &children);
        r.tasks_count = (uint32_t)w->attempts[number].children;
        r.tasks = children;
    }
    keep(w, j, &w->attempts[number], &r);
    free(value);
    free(children);
}

/* ---- running --------------------------------------------------------------------- */

static void read_next(struct job *j)
{
    if (j->next < j->count && row_next_task(&j->walk, &j->task) != 0)
        abort();
}

static void step(struct job *j)
{
    j->next++;
    read_next(j);
}

/* How long the attempt takes; and how it ends. */
static int64_t decide(struct script_executor *x, int number, uint32_t nth)
{
    struct world *w = x->world;
    struct attempt *a = &w->attempts[number];
    const struct script *s = &w->scripts[a->script];
    int64_t takes_ns = s->takes_ns * worker_of(x)->slowness;
    int64_t limit_ns = (int64_t)s->task.time_limit_ms * MS;
    static const enum rota_outcome outcomes[] = {ROTA_DONE, ROTA_FAILED, ROTA_CRASHED,
                                                 ROTA_QUIT, ROTA_POISON};
    enum fate fate = nth <= s->fails ? s->fate : FATE_SUCCEED;
    a->outcome = outcomes[fate];
    a->code = fate == FATE_SUCCEED ? 0 : s->code;
    if (limit_ns > 0 && takes_ns > limit_ns) {
        a->outcome = ROTA_OVERTIME;
        a->code = 0;
        takes_ns = limit_ns;
    } else if (fate == FATE_KILL) {
        takes_ns = (int64_t)(dice_next(&w->course.dice) % (uint64_t)(takes_ns + 1));
    }
    a->took_ns = takes_ns;
    return takes_ns;
}

static void begin(struct script_executor *x, int slot)
{
    struct world *w = x->world;
    struct slot *s = &x->slot[slot];
    int number = loans_begun(w, x->worker, s->job->lease, s->job->first + s->job->next,
                             &s->job->task);
    if (number == NOBODY)
        return;
    int64_t takes_ns = decide(x, number, s->job->attempt);
    s->busy = true;
    s->attempt = number;
    s->end_ns = w->course.now_ns + takes_ns;
    struct event e = {
        .kind = EVENT_TASK_END, .worker = x->worker, .slot = slot, .epoch = ++s->epoch};
    course_soon(&w->course, takes_ns, e);
}

/* To the next task that is wanted, of this batch or the next one; false: none is. */
static bool find_task(struct script_executor *x, struct slot *s)
{
    for (;;) {
        if (s->job == NULL) {
            s->job = TAILQ_FIRST(&x->waiting);
            if (s->job == NULL)
                return false;
            TAILQ_REMOVE(&x->waiting, s->job, link);
        }
        while (s->job->next < s->job->count && s->job->dropped[s->job->next]) {
            flush(x, s->job);
            step(s->job);
        }
        if (s->job->next < s->job->count)
            return true;
        flush(x, s->job);
        job_free(s->job);
        s->job = NULL;
    }
}

/* In the rank: may it go on without a pause? */
static bool goes_on(const struct script_executor *x, const struct job *j)
{
    return !x->resting && j->task.time_limit_ms == 0;
}

/* In the rank, the worker is asked first, unless it is in the midst of it. */
static void go_on(struct script_executor *x, int slot, bool taking)
{
    struct slot *s = &x->slot[slot];
    const struct job *before = s->job;
    while (!s->busy && find_task(x, s)) {
        if (worker_of(x)->in_rank && !taking &&
            (s->job != before || !goes_on(x, s->job))) {
            flush(x, s->job);
            x->resting = true;
            break;
        }
        x->resting = false;
        begin(x, slot);
        if (!course_is_well(&x->world->course))
            break;
    }
    count_held(x);
}

static void all_go_on(struct script_executor *x)
{
    for (int i = 0; i < x->base.slots && !worker_of(x)->in_rank; i++)
        go_on(x, i, false);
}

/* Whether the worker dies of how it ended. */
static bool kills(const struct script_executor *x, const struct attempt *a)
{
    return a->outcome == ROTA_POISON ||
           (worker_of(x)->in_rank &&
            (a->outcome == ROTA_CRASHED || a->outcome == ROTA_QUIT ||
             a->outcome == ROTA_OVERTIME));
}

void executor_task_end(struct world *w, const struct event *e)
{
    struct script_executor *x = &w->worker[e->worker].executor;
    struct slot *s = &x->slot[e->slot];
    if (w->worker[e->worker].condition != HERE || w->worker[e->worker].stopped ||
        !s->busy || s->epoch != e->epoch)
        return;
    int number = s->attempt;
    struct attempt *a = &w->attempts[number];
    a->ended = true;
    say(w, "worker %d: task %lu ended: outcome %d", e->worker, (unsigned long)a->task,
        a->outcome);
    if (kills(x, a)) {
        a->took_ns = 0;
        worker_die(w, e->worker, a->task, a->outcome == ROTA_OVERTIME);
        return;
    }
    s->busy = false;
    record(x, s->job, number);
    step(s->job);
    if (dice_one_in(&w->course.dice, w->weather.keep_back)) {
        flush(x, s->job);
        x->resting = true;
    }
    go_on(x, e->slot, false);
}

void executor_postpone(struct world *w, int worker, int64_t by_ns)
{
    struct script_executor *x = &w->worker[worker].executor;
    for (int i = 0; i < x->base.slots; i++) {
        struct slot *s = &x->slot[i];
        if (!s->busy)
            continue;
        s->end_ns += by_ns;
        struct event e = {
            .kind = EVENT_TASK_END, .worker = worker, .slot = i, .epoch = ++s->epoch};
        course_soon(&w->course, s->end_ns - w->course.now_ns, e);
    }
}

/* ---- what the hand calls --------------------------------------------------------- */

static int executor_give(struct executor *base, const struct executor_batch *b)
{
    struct script_executor *x = of(base);
    if (by_chance(x->world, x->world->weather.no_memory_in))
        return ROTA_E_NOMEM;
    struct job *j = memory_sure(sizeof(*j));
    *j = (struct job){.lease = b->lease,
                      .first = b->first,
                      .count = b->count,
                      .attempt = b->attempt,
                      .records = memory_sure(b->bytes),
                      .dropped = memory_sure(b->count * sizeof(bool)),
                      .kept = {.lease = b->lease}};
    memcpy(j->records, b->records, b->bytes);
    memset(j->dropped, 0, b->count * sizeof(bool));
    j->walk = (struct row_walk){.at = j->records, .left = b->bytes};
    read_next(j);
    TAILQ_INSERT_TAIL(&x->waiting, j, link);
    all_go_on(x);
    count_held(x);
    return 0;
}

static void ready_free(struct ready *r)
{
    if (r != NULL)
        free(r->records);
    free(r);
}

static int executor_take(struct executor *base, struct executor_report *out)
{
    struct script_executor *x = of(base);
    if (by_chance(x->world, x->world->weather.no_memory_in))
        return ROTA_E_NOMEM;
    ready_free(x->given);
    x->given = STAILQ_FIRST(&x->ready);
    if (x->given != NULL) {
        STAILQ_REMOVE_HEAD(&x->ready, link);
        *out = x->given->report;
        worker_of(x)->holding = true;
    } else if (worker_of(x)->in_rank) {
        go_on(x, 0, true);
    }
    count_held(x);
    return x->given != NULL ? 0 : ROTA_E_TIMEOUT;
}

static void drop_in(struct job *j, uint64_t lease, uint64_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count && j->lease == lease; i++) {
        if (first + i >= j->first && first + i - j->first < j->count)
            j->dropped[first + i - j->first] = true;
    }
}

static void executor_drop(struct executor *base, uint64_t lease, uint64_t first,
                          uint32_t count)
{
    struct script_executor *x = of(base);
    struct job *j;
    TAILQ_FOREACH (j, &x->waiting, link)
        drop_in(j, lease, first, count);
    for (int i = 0; i < base->slots; i++) {
        struct slot *s = &x->slot[i];
        if (s->job == NULL)
            continue;
        drop_in(s->job, lease, first, count);
        if (s->busy && !worker_of(x)->in_rank && s->job->dropped[s->job->next])
            s->busy = false;
    }
    all_go_on(x);
    count_held(x);
}

static void executor_wait(struct executor *base, int64_t timeout_ns)
{
    (void)base;
    (void)timeout_ns;
}

void executor_clear(struct script_executor *x)
{
    struct job *j;
    struct ready *r;
    while ((j = TAILQ_FIRST(&x->waiting)) != NULL) {
        TAILQ_REMOVE(&x->waiting, j, link);
        job_free(j);
    }
    for (int i = 0; i < SLOTS_MOST; i++) {
        if (x->slot[i].job != NULL)
            job_free(x->slot[i].job);
        x->slot[i].job = NULL;
        x->slot[i].busy = false;
    }
    while ((r = STAILQ_FIRST(&x->ready)) != NULL) {
        STAILQ_REMOVE_HEAD(&x->ready, link);
        ready_free(r);
    }
    ready_free(x->given);
    x->given = NULL;
    count_held(x);
}

static void executor_end(struct executor *base)
{
    executor_clear(of(base));
}

static const struct executor_ops ops = {
    .give = executor_give,
    .take = executor_take,
    .drop = executor_drop,
    .wait = executor_wait,
    .close = executor_end,
};

void executor_prepare(struct world *w, int worker)
{
    struct script_executor *x = &w->worker[worker].executor;
    *x = (struct script_executor){
        .base = {.ops = &ops, .slots = w->worker[worker].slots},
        .world = w,
        .worker = worker};
    TAILQ_INIT(&x->waiting);
    STAILQ_INIT(&x->ready);
}
