/* world.c - the clock, the network, and the course of a run */
#include "world.h"

#include <stdlib.h>
#include <string.h>

/* ---- the network: delays at random; between two, the order is kept --------------- */

static void deliver(struct world *w, int64_t *last_ns, struct event e)
{
    course_deliver(&w->course, last_ns, w->weather.delay_most_ns, e);
}

void to_worker(struct world *w, struct event e)
{
    deliver(w, &w->worker[e.worker].last_in_ns, e);
}

void to_manager(struct world *w, struct event e)
{
    int64_t *last_ns = &w->worker[e.worker].last_out_ns;
    int one_in = w->weather.one_duplicate_in;
    bool result = e.kind == EVENT_RESULTS || e.kind == EVENT_FAILURE;
    deliver(w, last_ns, e);
    if (result && one_in > 0 && dice_one_in(&w->course.dice, one_in))
        deliver(w, last_ns, e);
}

/* ---- the course of a run --------------------------------------------------------- */

static uint64_t fit(void *ctx, uint64_t first, uint64_t count)
{
    struct world *w = ctx;
    if (first + count > w->tasks)
        wrong(w, "the size of tasks is asked that are not");
    return count < w->weather.fit ? count : w->weather.fit;
}

/* One in `n`, in one run of `in`; else never. */
static int rarely(struct dice *d, int in, int n)
{
    return dice_one_in(d, in) ? n : 0;
}

static void choose_weather(struct world *w)
{
    struct dice *d = &w->course.dice;
    static const int64_t least[] = {20, 20, US, 50 * US, MS, 20 * MS};
    static const int64_t most[] = {100, MS, 100 * US, 10 * MS, 300 * MS, 2000 * MS};
    int tasks = dice_below(d, 6);
    w->weather = (struct weather){
        .least_ns = least[tasks],
        .most_ns = most[tasks],
        .delay_most_ns = dice_one_in(d, 4) ? 20 * MS : 50 * US,
        .one_poison_in = rarely(d, 4, 40),
        .one_failing_in = rarely(d, 2, 2 + dice_below(d, 20)),
        .one_parent_in = rarely(d, 3, 5),
        .one_near_in = rarely(d, 3, 1 + dice_below(d, 4)),
        .priorities = dice_one_in(d, 3) ? 1 + dice_below(d, 5) : 1,
        .kinds = dice_one_in(d, 3) ? 3 : 1,
        .one_duplicate_in = rarely(d, 3, 8),
        .one_out_of_order_in = rarely(d, 3, 4),
        .keep_back = 1 + dice_below(d, 8),
        .no_memory_in = rarely(d, 8, 2),
        .on_demand = dice_one_in(d, 4),
        .fit = (uint64_t)rarely(d, 6, 1 + dice_below(d, 20)),
    };
    int tasks_most = dice_one_in(d, 2) ? 200 : 40;
    w->tasks_most = 1 + (uint64_t)dice_below(d, tasks_most);
}

static void choose_options(struct world *w)
{
    struct dice *d = &w->course.dice;
    w->options = (struct plan_options){
        .workers = 1 + dice_below(d, WORKERS_MOST),
        .poison_limit = 1 + dice_below(d, 4),
        .batch_ns = dice_one_in(d, 2) ? 2 * MS : dice_skewed(d, US, 50 * MS),
        .retry_ns = dice_skewed(d, 10 * US, 100 * MS),
        .retry_most_ns = 200 * MS,
        .straggler_ns = dice_one_in(d, 2) ? 100 * MS : dice_skewed(d, US, 50 * MS),
        .gap_ns = dice_one_in(d, 8) ? dice_skewed(d, US, 20 * MS) : 0,
        .prompt = dice_one_in(d, 8),
        .fit = w->weather.fit > 0 ? fit : NULL,
        .ctx = w,
    };
}

/* Some come late, and some never; some are slow, stop, or die. */
static void choose_fate(struct world *w, int worker, int64_t span_ns, int one_dies_in)
{
    struct dice *d = &w->course.dice;
    struct sim_worker *k = &w->worker[worker];
    memset(k, 0, offsetof(struct sim_worker, queue));
    k->queue_head = 0;
    k->queue_tail = 0;
    k->inbox_count = 0;
    k->last_in_ns = 0;
    k->slots = dice_one_in(d, 3) ? 1 + dice_below(d, SLOTS_MOST) : 1;
    k->slowness = dice_one_in(d, 5) ? 2 + dice_below(d, 60) : 1;
    k->drop_ends = k->slots > 1 || dice_one_in(d, 2);
    k->killer = UINT64_MAX;
    for (int i = 0; i < SLOTS_MOST; i++)
        k->slot[i].loan = -1;
    int64_t come_ns = dice_one_in(d, 3) ? dice_skewed(d, 1, span_ns) : 0;
    k->last_out_ns = come_ns;
    if (dice_one_in(d, 20)) {
        course_soon(&w->course, come_ns,
                    (struct event){.kind = EVENT_LOST, .worker = worker});
        return;
    }
    k->here = true;
    course_soon(&w->course, come_ns,
                (struct event){.kind = EVENT_JOIN, .worker = worker});
    if (one_dies_in > 0 && dice_one_in(d, one_dies_in))
        course_soon(&w->course, come_ns + dice_skewed(d, 1, span_ns),
                    (struct event){.kind = EVENT_KILL, .worker = worker});
    for (int i = dice_one_in(d, 6) ? 3 : 0; i > 0; i--) {
        int64_t at_ns = come_ns + dice_skewed(d, 1, span_ns);
        int64_t for_ns = dice_skewed(d, US, span_ns);
        struct event go_on = {.kind = EVENT_GO_ON, .worker = worker};
        if (dice_one_in(d, 4))
            go_on.kind = EVENT_KILL;
        course_soon(&w->course, at_ns,
                    (struct event){.kind = EVENT_STOP, .worker = worker});
        course_soon(&w->course, at_ns + for_ns, go_on);
    }
}

/* Some get nothing more for a while, or nobody does. */
static void choose_shuts(struct world *w, int64_t span_ns)
{
    struct dice *d = &w->course.dice;
    for (int i = dice_one_in(d, 6) ? 3 : 0; i > 0; i--) {
        int worker = dice_below(d, w->options.workers + 1) - 1; /* PLAN_EVERYONE */
        int64_t at_ns = dice_skewed(d, 1, span_ns);
        int64_t for_ns = dice_skewed(d, US, span_ns);
        course_soon(&w->course, at_ns,
                    (struct event){.kind = EVENT_SHUT, .worker = worker});
        course_soon(&w->course, at_ns + for_ns,
                    (struct event){.kind = EVENT_OPEN, .worker = worker});
    }
}

static void choose_work(struct world *w, int64_t span_ns)
{
    struct dice *d = &w->course.dice;
    if (w->weather.on_demand)
        course_soon(&w->course, 0, (struct event){.kind = EVENT_WAKE});
    for (uint64_t left = w->weather.on_demand ? 0 : w->tasks_most; left > 0;) {
        uint64_t count = 1 + (uint64_t)dice_below(d, (int)left);
        int64_t in_ns = dice_one_in(d, 3) ? dice_skewed(d, 1, span_ns) : 0;
        course_soon(&w->course, in_ns,
                    (struct event){.kind = EVENT_ADD, .count = count});
        left -= count;
    }
    for (int i = dice_one_in(d, 4) ? dice_below(d, 10) : 0; i > 0; i--)
        course_soon(
            &w->course, dice_skewed(d, 1, span_ns),
            (struct event){.kind = EVENT_CANCEL,
                           .first = (uint64_t)dice_below(d, (int)w->tasks_most)});
}

static void begin(struct world *w, uint64_t seed)
{
    course_begin(&w->course, seed);
    w->wake_ns = INT64_MAX;
    w->tasks = 0;
    w->ended = 0;
    w->done = 0;
    w->ended_held = 0;
    w->loans = 0;
    w->cells = 0;
    w->all_shut = false;
    w->lent_ns = INT64_MIN / 2;
    choose_weather(w);
    choose_options(w);
    int64_t span_ns = w->weather.most_ns * (int64_t)w->tasks_most;
    int one_dies_in = rarely(&w->course.dice, 2, 1 + dice_below(&w->course.dice, 10));
    for (int i = 0; i < w->options.workers; i++)
        choose_fate(w, i, span_ns, one_dies_in);
    choose_work(w, span_ns);
    choose_shuts(w, span_ns);
    w->gap_ns = w->options.gap_ns;
    if (plan_new(&w->options, &w->plan) != 0)
        abort();
}

static void happen(struct world *w, const struct event *e)
{
    if (e->kind >= EVENT_BATCH)
        crowd_event(w, e);
    else
        judge_event(w, e);
}

static void meet(struct world *w)
{
    const struct plan_counts *c = plan_counts(w->plan);
    struct plan_counts *met = &w->met;
    met->added += c->added;
    met->done += c->done;
    met->again += c->again;
    met->refused += c->refused;
    met->recalled += c->recalled;
    met->copied += c->copied;
    met->lost += c->lost;
    for (int why = 0; why <= PLAN_CANCELLED; why++)
        met->ended[why] += c->ended[why];
}

void world_run(struct world *w, uint64_t seed)
{
    begin(w, seed);
    struct event e;
    while (course_next(&w->course, EVENTS_MOST, &e))
        happen(w, &e);
    if (course_is_well(&w->course))
        judge_end(w);
    meet(w);
    plan_free(w->plan);
    w->plan = NULL;
}

struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    if (w == NULL)
        abort();
    return w;
}

void world_free(struct world *w)
{
    course_done(&w->course);
    free(w);
}
