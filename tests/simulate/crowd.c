/* crowd.c - the workers: they run tasks, are slow, stop, and die
 *
 * A worker runs batches in the order of their coming, as many at once as it has slots,
 * keeps results back for a while, and drops what it is told to drop. When it dies,
 * what it kept back is gone; what it sent arrives before the news of its death.
 */
#include "world.h"

#include <stdlib.h>

static void send_results(struct world *w, const struct loan *l, int loan,
                         uint64_t first, uint64_t count, int64_t busy_ns)
{
    to_manager(w, (struct event){.kind = EVENT_RESULTS,
                                 .worker = l->worker,
                                 .lease = loan,
                                 .first = first,
                                 .count = count,
                                 .busy_ns = busy_ns});
}

/* Send what was kept back: sometimes its second half first. */
static void flush(struct world *w, int loan)
{
    struct loan *l = &w->loan[loan];
    uint64_t count = l->next - l->unsent;
    if (count > 0) {
        uint64_t half = count / 2;
        int one_in = w->weather.one_out_of_order_in;
        if (half > 0 && one_in > 0 && dice_one_in(&w->course.dice, one_in)) {
            send_results(w, l, loan, l->unsent + half, count - half, l->unsent_ns / 2);
            send_results(w, l, loan, l->unsent, half, l->unsent_ns / 2);
        } else {
            send_results(w, l, loan, l->unsent, count, l->unsent_ns);
        }
    }
    l->unsent = l->next;
    l->unsent_ns = 0;
}

static void begin_task(struct world *w, struct sim_worker *k, int worker, int slot,
                       uint64_t task)
{
    struct slot *s = &k->slot[slot];
    const struct truth *t = &w->truth[task];
    int64_t takes_ns = t->takes_ns * k->slowness;
    if (t->poison)
        takes_ns = (int64_t)(dice_next(&w->course.dice) % (uint64_t)(takes_ns + 1));
    s->busy = true;
    s->task = task;
    s->since_ns = w->course.now_ns;
    s->end_ns = w->course.now_ns + takes_ns;
    course_soon(&w->course, takes_ns,
                (struct event){.kind = EVENT_TASK_END,
                               .worker = worker,
                               .slot = slot,
                               .epoch = ++s->epoch});
}

/* The next task of the slot's batch that is wanted, or UINT64_MAX. */
static uint64_t next_task(struct world *w, int loan)
{
    struct loan *l = &w->loan[loan];
    while (l->next < l->first + l->count) {
        if ((l->cells[l->next - l->first] & CELL_DROPPED) == 0)
            return l->next;
        flush(w, loan);
        l->next++;
        l->unsent = l->next;
    }
    return UINT64_MAX;
}

/* Let an idle slot go on with its batch, or the next one. */
static void step(struct world *w, int worker, int slot)
{
    struct sim_worker *k = &w->worker[worker];
    struct slot *s = &k->slot[slot];
    while (!s->busy && !k->dead && !k->stopped) {
        if (s->loan < 0) {
            if (k->queue_head == k->queue_tail)
                return;
            s->loan = k->queue[k->queue_head++ % QUEUE_MOST];
        }
        uint64_t task = next_task(w, s->loan);
        if (task != UINT64_MAX) {
            begin_task(w, k, worker, slot, task);
            return;
        }
        flush(w, s->loan);
        s->loan = -1;
    }
}

static void die(struct world *w, int worker, uint64_t killer)
{
    struct sim_worker *k = &w->worker[worker];
    if (k->dead)
        return;
    k->dead = true;
    k->killer = killer;
    to_manager(w, (struct event){.kind = EVENT_LOST, .worker = worker});
}

static void task_ends(struct world *w, const struct event *e)
{
    struct sim_worker *k = &w->worker[e->worker];
    struct slot *s = &k->slot[e->slot];
    if (k->dead || k->stopped || !s->busy || s->epoch != e->epoch)
        return;
    if (w->truth[s->task].poison) {
        die(w, e->worker, s->task);
        return;
    }
    struct loan *l = &w->loan[s->loan];
    int64_t took_ns = w->course.now_ns - s->since_ns;
    s->busy = false;
    if (l->attempt <= (uint32_t)w->truth[s->task].fails) {
        flush(w, s->loan);
        to_manager(w, (struct event){.kind = EVENT_FAILURE,
                                     .worker = e->worker,
                                     .lease = s->loan,
                                     .first = s->task,
                                     .busy_ns = took_ns});
        l->unsent = ++l->next;
    } else {
        l->next++;
        l->unsent_ns += took_ns;
        if (dice_one_in(&w->course.dice, w->weather.keep_back))
            flush(w, s->loan);
    }
    step(w, e->worker, e->slot);
}

static void batch_comes(struct world *w, const struct event *e)
{
    struct sim_worker *k = &w->worker[e->worker];
    if (k->queue_tail - k->queue_head == QUEUE_MOST) {
        wrong(w, "worker %d is overwhelmed with batches", e->worker);
        return;
    }
    k->queue[k->queue_tail++ % QUEUE_MOST] = e->lease;
    for (int i = 0; i < k->slots; i++)
        step(w, e->worker, i);
}

static void drop(struct world *w, const struct event *e)
{
    struct sim_worker *k = &w->worker[e->worker];
    struct loan *l = &w->loan[e->lease];
    for (uint64_t i = e->first; i < e->first + e->count; i++)
        l->cells[i - l->first] |= CELL_DROPPED;
    for (int i = 0; i < k->slots && k->drop_ends; i++) {
        struct slot *s = &k->slot[i];
        if (!s->busy || s->loan != e->lease || s->task < e->first ||
            s->task >= e->first + e->count)
            continue;
        s->busy = false;
        step(w, e->worker, i);
    }
}

static void at_worker(struct world *w, const struct event *e)
{
    if (e->kind == EVENT_BATCH)
        batch_comes(w, e);
    else
        drop(w, e);
}

static void message(struct world *w, const struct event *e)
{
    struct sim_worker *k = &w->worker[e->worker];
    if (k->dead)
        return;
    if (!k->stopped)
        at_worker(w, e);
    else if (k->inbox_count < INBOX_MOST)
        k->inbox[k->inbox_count++] = *e;
    else
        wrong(w, "worker %d is stopped, and told too much", e->worker);
}

static void stop(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    if (k->dead || k->stopped || !k->here)
        return;
    k->stopped = true;
    k->stopped_ns = w->course.now_ns;
    to_manager(w, (struct event){.kind = EVENT_FROZEN, .worker = worker});
}

/* It goes on where it was: running tasks take as much longer. */
static void go_on(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    if (k->dead || !k->stopped)
        return;
    int64_t stopped_ns = w->course.now_ns - k->stopped_ns;
    k->stopped = false;
    to_manager(w, (struct event){.kind = EVENT_THAWED, .worker = worker});
    for (int i = 0; i < k->slots; i++) {
        struct slot *s = &k->slot[i];
        if (!s->busy)
            continue;
        s->end_ns += stopped_ns;
        s->since_ns += stopped_ns;
        course_soon(&w->course, s->end_ns - w->course.now_ns,
                    (struct event){.kind = EVENT_TASK_END,
                                   .worker = worker,
                                   .slot = i,
                                   .epoch = ++s->epoch});
    }
    for (int i = 0; i < k->inbox_count; i++)
        at_worker(w, &k->inbox[i]);
    k->inbox_count = 0;
    for (int i = 0; i < k->slots; i++)
        step(w, worker, i);
}

void crowd_event(struct world *w, const struct event *e)
{
    switch (e->kind) {
    case EVENT_BATCH:
    case EVENT_DROP:
        message(w, e);
        break;
    case EVENT_TASK_END:
        task_ends(w, e);
        break;
    case EVENT_KILL:
        die(w, e->worker, UINT64_MAX);
        break;
    case EVENT_STOP:
        stop(w, e->worker);
        break;
    case EVENT_GO_ON:
        go_on(w, e->worker);
        break;
    default:
        abort();
    }
}
