/* loans.c - who has what: what was sent, obeyed, begun and reported
 *
 * What must hold, always:
 *  1. Tasks are sent as they were submitted, to workers that are there, not stopped
 *     and not lost, and none that has ended.
 *  2. A task is with one worker; or, by itself, with a second one too.
 *  3. A worker begins no task of which it has been told that it is not wanted any more,
 *     nor any once it was sent home, nor one of a lease twice.
 *  4. A task is tried as often as it may be, and as workers were lost, and each time
 *     in two places at most.
 */
#include "execute/row.h"
#include "farm/wire.h"
#include "world.h"

static unsigned long ul(uint64_t x)
{
    return (unsigned long)x;
}

/* The lease that this worker calls so, or NULL. */
static struct loan *find(struct world *w, int worker, uint64_t lease)
{
    for (int i = w->loans_count; i-- > 0;) {
        if (w->loans[i].id == lease)
            return w->loans[i].worker == worker ? &w->loans[i] : NULL;
    }
    return NULL;
}

/* The cell of a task that it has. */
static struct cell *cell_in(struct world *w, const struct loan *l, uint64_t task)
{
    return &w->cells[l->cells + (task - l->first)];
}

/* The same of any task, or NULL. */
static struct cell *cell_of(struct world *w, const struct loan *l, uint64_t task)
{
    if (l == NULL || task < l->first || task - l->first >= l->count)
        return NULL;
    return cell_in(w, l, task);
}

static void unhold(struct world *w, struct cell *c, uint64_t task)
{
    if (!c->held)
        return;
    c->held = false;
    w->truth[task].holders--;
}

/* ---- sent ------------------------------------------------------------------------ */

static void check_receiver(struct world *w, int worker)
{
    const struct sim_worker *k = &w->worker[worker];
    if (!k->known_here || k->known_lost)
        wrong(w, "tasks are sent to worker %d, which is not there", worker);
    if (k->known_shut && !w->behind)
        wrong(w, "tasks are sent to worker %d, which wants none", worker);
    if (k->known_stopped && !w->behind)
        wrong(w, "tasks are sent to worker %d, which is stopped", worker);
}

static void hold(struct world *w, const struct wire_head *h, uint64_t task,
                 const struct parcel_task *t)
{
    struct truth *is = task < w->tasks ? &w->truth[task] : NULL;
    struct cell c = {.held = true, .attempt = NOBODY};
    w->cells = grown(w->cells, &w->cells_cap, w->cells_count, sizeof(*w->cells));
    w->cells[w->cells_count++] = c;
    if (is == NULL || script_find(w, t) != is->script) {
        wrong(w, "task %lu is sent, but is not what it was", ul(task));
        return;
    }
    if (is->told)
        wrong(w, "task %lu has ended, and is sent", ul(task));
    if (is->holders++ > (h->count == 1 ? 1 : 0))
        wrong(w, "task %lu is with too many", ul(task));
    is->lent++;
}

static void lend(struct world *w, int worker, const struct wire_head *h,
                 const unsigned char *records, size_t left)
{
    check_receiver(w, worker);
    struct loan l = {.id = h->lease,
                     .worker = worker,
                     .attempt = (uint32_t)h->more,
                     .first = h->first,
                     .count = h->count,
                     .cells = w->cells_count};
    w->loans =
        grown(w->loans, &w->loans_cap, (size_t)w->loans_count, sizeof(*w->loans));
    w->loans[w->loans_count++] = l;
    struct row_walk walk = {.at = records, .left = left};
    for (uint32_t i = 0; i < h->count && course_is_well(&w->course); i++) {
        struct parcel_task t;
        if (row_next_task(&walk, &t) != 0) {
            wrong(w, "task %lu is sent as nonsense", ul(h->first + i));
            return;
        }
        hold(w, h, h->first + i, &t);
    }
    if (walk.left > 0 || walk.more > 0)
        wrong(w, "something is sent behind the tasks");
}

static void recall(struct world *w, int worker, const struct wire_head *h)
{
    struct loan *l = find(w, worker, h->lease);
    for (uint64_t task = h->first; task < h->first + h->count; task++) {
        struct cell *c = cell_of(w, l, task);
        if (c == NULL) {
            wrong(w, "task %lu is taken back from who never had it", ul(task));
            return;
        }
        unhold(w, c, task);
    }
}

void loans_sent(struct world *w, int worker, const void *data, size_t size)
{
    struct wire_head h;
    const unsigned char *bytes = data;
    if (wire_read(bytes, size, &h) != 0) {
        wrong(w, "nonsense is sent to worker %d", worker);
        return;
    }
    say(w, "manager: kind %d to worker %d, lease %lx, tasks %lu..%lu, more %lu", h.kind,
        worker, ul(h.lease), ul(h.first), ul(h.first + h.count), ul(h.more));
    if (h.kind == WIRE_TASKS)
        lend(w, worker, &h, bytes + WIRE_HEAD_BYTES, size - WIRE_HEAD_BYTES);
    else if (h.kind == WIRE_DROP)
        recall(w, worker, &h);
}

/* ---- at a worker ----------------------------------------------------------------- */

void loans_obeyed(struct world *w, int worker, const void *data, size_t size)
{
    struct wire_head h;
    if (wire_read(data, size, &h) != 0 || h.kind == WIRE_TASKS)
        return;
    if (h.kind == WIRE_FINISH && !hand_is_finished(w->worker[worker].hand))
        wrong(w, "worker %d was sent home, and stays", worker);
    struct loan *l = find(w, worker, h.lease);
    for (uint64_t task = h.first; task < h.first + h.count; task++) {
        struct cell *c = cell_of(w, l, task);
        if (c != NULL)
            c->dropped = true;
    }
}

static void check_begun(struct world *w, int worker, uint64_t task,
                        const struct cell *c, const struct parcel_task *t)
{
    if (w->worker[worker].condition != HERE || w->worker[worker].stopped)
        wrong(w, "task %lu is begun by worker %d, which should not do anything",
              ul(task), worker);
    if (c->dropped)
        wrong(w, "task %lu is begun by worker %d, which was told to drop it", ul(task),
              worker);
    if (c->attempt != NOBODY)
        wrong(w, "task %lu is begun by worker %d again", ul(task), worker);
    if (script_find(w, t) != w->truth[task].script)
        wrong(w, "task %lu is not what it was at worker %d", ul(task), worker);
}

int loans_begun(struct world *w, int worker, uint64_t lease, uint64_t task,
                const struct parcel_task *t)
{
    struct loan *l = find(w, worker, lease);
    struct cell *c = cell_of(w, l, task);
    if (c == NULL) {
        wrong(w, "worker %d begins task %lu, which it never got", worker, ul(task));
        return NOBODY;
    }
    check_begun(w, worker, task, c, t);
    struct attempt a = {.script = w->truth[task].script,
                        .loan = (int)(l - w->loans),
                        .worker = worker,
                        .task = task};
    int number = w->attempts_count++;
    w->attempts =
        grown(w->attempts, &w->attempts_cap, (size_t)number, sizeof(*w->attempts));
    w->attempts[number] = a;
    c->attempt = number;
    say(w, "worker %d: begins task %lu (attempt %u, number %d)", worker, ul(task),
        l->attempt, number);
    return number;
}

/* ---- at the manager -------------------------------------------------------------- */

/* Each try may have failed in two places; or in any number, where what was to be taken
 * back from who has no room failed before he could be told. */
static void count_failure(struct world *w, uint64_t task)
{
    struct truth *is = &w->truth[task];
    int tries = 1 + w->scripts[is->script].task.retries + is->losses;
    bool endless = w->weather.one_shut_in > 0;
    if (++is->failures > 2 * tries && !endless)
        wrong(w, "task %lu has failed %d times", ul(task), is->failures);
}

static void count_result(struct world *w, const struct loan *l, uint64_t task)
{
    struct cell *c = cell_of(w, l, task);
    if (c == NULL || c->attempt == NOBODY) {
        wrong(w, "a result of task %lu comes from who never ran it", ul(task));
        return;
    }
    struct attempt *a = &w->attempts[c->attempt];
    if (!c->held) {
        w->stale++;
        return;
    }
    unhold(w, c, task);
    a->counts = true;
    if (a->outcome != ROTA_DONE)
        count_failure(w, task);
}

/* Whether nothing in it is of a function that is not. */
static bool are_known(const struct parcel_result *r)
{
    size_t at = 0;
    for (uint32_t i = 0; i < r->tasks_count; i++) {
        struct parcel_task t;
        size_t bytes;
        if (parcel_read_task(r->tasks + at, r->tasks_bytes - at, &t, &bytes) != 0 ||
            t.function >= FUNCTIONS)
            return false;
        at += bytes;
    }
    return true;
}

/* Its results up to the first nonsense count. */
static void results_come(struct world *w, const struct message *m,
                         const struct wire_head *h)
{
    const struct loan *l = find(w, m->worker, h->lease);
    struct row_walk walk = {.at = m->data + WIRE_HEAD_BYTES,
                            .left = m->size - WIRE_HEAD_BYTES};
    for (uint64_t i = 0; i < h->count; i++) {
        struct parcel_result r;
        if (row_next_result(&walk, &r) != 0 || walk.more > h->count - i - 1 ||
            !are_known(&r)) {
            if (!m->garbled)
                wrong(w, "worker %d sends nonsense", m->worker);
            return;
        }
        count_result(w, l, h->first + i);
    }
}

/* The attempt that its worker died of, if it did by its timer. */
static void overtime_comes(struct world *w, int worker)
{
    for (int i = w->attempts_count; i-- > 0;) {
        struct attempt *a = &w->attempts[i];
        if (a->worker != worker || !a->ended || a->outcome != ROTA_OVERTIME)
            continue;
        if (cell_in(w, &w->loans[a->loan], a->task)->held) {
            a->counts = true;
            count_failure(w, a->task);
        }
        return;
    }
}

void loans_came(struct world *w, const struct message *m)
{
    struct sim_worker *k = &w->worker[m->worker];
    struct wire_head h;
    if (k->known_lost || k->known_mad)
        return;
    if (m->lost) {
        if (m->overtime)
            overtime_comes(w, m->worker);
        return;
    }
    bool readable = wire_read(m->data, m->size, &h) == 0;
    if (readable && h.kind == WIRE_RESULTS && k->known_here)
        results_come(w, m, &h);
    else if (!m->garbled)
        k->known_here = k->print == PRINT;
    k->known_mad = m->garbled || !k->known_here;
}

void loans_lost(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    say(w, "manager: worker %d is lost", worker);
    if (k->known_lost)
        wrong(w, "worker %d is lost twice", worker);
    if (!k->known_mad && !k->known_gone)
        wrong(w, "worker %d is lost, and was well", worker);
    k->known_lost = true;
    for (int i = 0; i < w->loans_count; i++) {
        const struct loan *l = &w->loans[i];
        for (uint64_t task = l->first; task < l->first + l->count; task++) {
            struct cell *c = cell_in(w, l, task);
            if (l->worker != worker || !c->held)
                continue;
            w->truth[task].losses++;
            unhold(w, c, task);
        }
    }
}
