/* weather.c - what a run is like: its tasks, its workers, and what goes wrong */
#include "world.h"

/* `n`, in one run of `in`; else 0. */
static int rarely(struct dice *d, int in, int n)
{
    return dice_one_in(d, in) ? n : 0;
}

/* How many tasks: mostly few, and sometimes more than a piece of the ledger. */
static void choose_tasks(struct world *w)
{
    struct dice *d = &w->course.dice;
    struct weather *is = &w->weather;
    int most = dice_one_in(d, 300) ? 3000 : dice_one_in(d, 8) ? 120 : 24;
    w->to_come = 1 + (uint64_t)dice_below(d, most);
    is->batch = 1 + dice_below(d, (int)w->to_come);
    static const int64_t least[] = {20, 20, US, 50 * US, MS, 20 * MS};
    static const int64_t longest[] = {100, MS, 100 * US, 10 * MS, 300 * MS, 2000 * MS};
    int length = dice_below(d, 6);
    is->least_ns = least[length];
    is->most_ns = longest[length];
    is->span_ns = is->most_ns * (int64_t)w->to_come;
    is->delay_most_ns = dice_one_in(d, 4) ? 20 * MS : 50 * US;
    is->one_poison_in = rarely(d, 6, 25);
    is->one_failing_in = rarely(d, 2, 2 + dice_below(d, 15));
    is->one_parent_in = rarely(d, 3, 3 + dice_below(d, 5));
    is->depth = 1 + dice_below(d, 3);
    is->one_near_in = rarely(d, 4, 1 + dice_below(d, 4));
    is->one_limited_in = rarely(d, 4, 1 + dice_below(d, 4));
    is->priorities = dice_one_in(d, 3) ? 1 + dice_below(d, 5) : 1;
    is->one_large_in = rarely(d, 8, 1 + dice_below(d, 12));
    is->large = dice_one_in(d, 20) ? 90000 : 5000;
    is->on_demand = dice_one_in(d, 4);
    is->alike = dice_one_in(d, 3);
}

static void choose_trouble(struct world *w)
{
    struct dice *d = &w->course.dice;
    struct weather *is = &w->weather;
    is->one_duplicate_in = rarely(d, 4, 2 + dice_below(d, 8));
    is->one_garbled_in = rarely(d, 5, 2 + dice_below(d, 12));
    is->one_shut_in = rarely(d, 6, 2 + dice_below(d, 12));
    is->no_memory_in = rarely(d, 6, 2 + dice_below(d, 6));
    is->no_send_in = rarely(d, 6, 2 + dice_below(d, 6));
    is->keep_back = 1 + dice_below(d, 8);
    is->lazy = rarely(d, 4, 1 + dice_below(d, 6));
}

static void choose_options(struct world *w)
{
    struct dice *d = &w->course.dice;
    w->options = (struct broker_options){
        .workers = 1 + dice_below(d, dice_one_in(d, 3) ? 3 : WORKERS_MOST),
        .first_rank = dice_below(d, 2),
        .functions = FUNCTIONS,
        .fingerprint = PRINT,
        .in_order = dice_one_in(d, 2),
        .poison_limit = dice_below(d, 5),
        .retry_ns = dice_one_in(d, 2) ? 0 : dice_skewed(d, 10 * US, 100 * MS),
    };
}

static void choose_nature(struct world *w, int worker)
{
    struct dice *d = &w->course.dice;
    struct sim_worker *k = &w->worker[worker];
    *k = (struct sim_worker){.condition = ABSENT};
    STAILQ_INIT(&k->inbox);
    k->in_rank = dice_one_in(d, 3);
    k->slots = !k->in_rank && dice_one_in(d, 3) ? 1 + dice_below(d, SLOTS_MOST) : 1;
    k->slowness = dice_one_in(d, 5) ? 2 + dice_below(d, SLOWNESS_MOST - 1) : 1;
    k->print = dice_one_in(d, 40) ? PRINT + 1 : PRINT;
    k->garbles = dice_one_in(d, 2);
    k->killer = UINT64_MAX;
    k->arrive = UINT64_MAX;
}

/* Some come late, and some never; some stop, or die. */
static void choose_fate(struct world *w, int worker, int one_dies_in)
{
    struct dice *d = &w->course.dice;
    int64_t span_ns = w->weather.span_ns;
    int64_t come_ns = dice_one_in(d, 3) ? dice_skewed(d, 1, span_ns) : 0;
    struct event e = {.kind = EVENT_START, .worker = worker};
    if (dice_one_in(d, 20)) {
        e.kind = EVENT_LOST;
        course_soon(&w->course, come_ns, e);
        return;
    }
    course_soon(&w->course, come_ns, e);
    if (one_dies_in > 0 && dice_one_in(d, one_dies_in)) {
        e.kind = EVENT_KILL;
        course_soon(&w->course, come_ns + dice_skewed(d, 1, span_ns), e);
    }
    for (int i = dice_one_in(d, 6) ? 1 + dice_below(d, 3) : 0; i > 0; i--) {
        int64_t at_ns = come_ns + dice_skewed(d, 1, span_ns);
        int64_t for_ns = dice_skewed(d, US, span_ns);
        e.kind = EVENT_STOP;
        course_soon(&w->course, at_ns, e);
        e.kind = dice_one_in(d, 4) ? EVENT_KILL : EVENT_GO_ON;
        course_soon(&w->course, at_ns + for_ns, e);
    }
}

/* When tasks come, and are cancelled. */
static void choose_course(struct world *w)
{
    struct dice *d = &w->course.dice;
    int64_t span_ns = w->weather.span_ns;
    struct event e = {.kind = EVENT_WAKE};
    course_soon(&w->course, 0, e);
    e.kind = EVENT_SUBMIT;
    for (uint64_t left = w->weather.on_demand ? 0 : w->to_come; left > 0;) {
        e.count = 1 + (uint64_t)dice_below(d, w->weather.batch);
        e.count = e.count < left ? e.count : left;
        course_soon(&w->course, dice_one_in(d, 3) ? dice_skewed(d, 1, span_ns) : 0, e);
        left -= e.count;
    }
    e.kind = EVENT_CANCEL;
    for (int i = dice_one_in(d, 4) ? dice_below(d, 10) : 0; i > 0; i--)
        course_soon(&w->course, dice_skewed(d, 1, span_ns), e);
    e.kind = EVENT_CLOSE;
    if (dice_one_in(d, 30))
        course_soon(&w->course, dice_skewed(d, 1, span_ns), e);
}

void weather_choose(struct world *w)
{
    choose_tasks(w);
    choose_trouble(w);
    choose_options(w);
    struct dice *d = &w->course.dice;
    int one_dies_in = rarely(d, 2, 1 + dice_below(d, 10));
    for (int i = 0; i < w->options.workers; i++) {
        choose_nature(w, i);
        choose_fate(w, i, one_dies_in);
    }
    choose_course(w);
}
