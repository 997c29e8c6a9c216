/* pilot.c - at the wheel of a run: asks where to go from here, and says how far it is
 */
#include "cli/pilot.h"

#include <unistd.h>

#include "base/clock.h"

/* A list that is typed is not to be disturbed. */
static enum progress_form form(const struct run_options *o)
{
    bool typed = o->inputs.standard > 0 && isatty(0);
    return o->control.progress == PROGRESS_AUTO && typed ? PROGRESS_NONE
                                                         : o->control.progress;
}

void pilot_begin(struct pilot *p, const struct run_options *o, struct signals *signals,
                 struct report *report)
{
    *p = (struct pilot){.signals = signals, .report = report, .in_order = o->in_order};
    report->start_ns = clock_now_ns();
    report->screen = &p->screen;
    steer_init(&p->steer, &o->control.halt);
    progress_begin(&p->pace, report->start_ns);
    screen_init(&p->screen, report->err, form(o), report->start_ns);
}

void pilot_board(struct pilot *p, const struct rota_farm *farm,
                 const struct tasks *tasks)
{
    p->farm = farm;
    p->tasks = tasks;
}

/* ---- how far ----------------------------------------------------------------- */

/* All tasks that there will be, or -1 where that is not known. */
static int64_t total(const struct pilot *p, const struct crew_state *now)
{
    int64_t left = tasks_left(p->tasks);
    return left < 0 ? -1 : left + (int64_t)now->stats.submitted;
}

static struct progress progress(struct pilot *p, const struct crew_state *now,
                                int64_t now_ns)
{
    uint64_t done = now->succeeded + now->failed;
    bool ranks = rota_farm_size(p->farm) > 1;
    return (struct progress){
        .done = done,
        .failed = now->failed,
        .running = now->running,
        .total = total(p, now),
        .rate = progress_rate(&p->pace, now_ns, done),
        .workers = ranks ? now->stats.workers : -1,
        .lost = now->stats.lost,
        .shut = now->shut,
        .ending = p->steer.course != CREW_GO_ON,
    };
}

static void show(struct pilot *p, const struct crew_state *now, int64_t now_ns)
{
    if (!screen_is_due(&p->screen, now_ns))
        return;
    struct progress line = progress(p, now, now_ns);
    screen_draw(&p->screen, &line, now_ns);
}

void pilot_end(struct pilot *p)
{
    struct crew_state now;
    crew_look(p->farm, &now);
    struct progress last = progress(p, &now, clock_now_ns());
    screen_done(&p->screen, &last);
}

/* ---- where to ---------------------------------------------------------------- */

static int64_t halt_total(const struct pilot *p, const struct crew_state *now)
{
    return p->steer.halt.percent ? total(p, now) : -1;
}

/* With -k what has ended may have to wait for its turn to be told: then that counts. */
static void count_ends(struct pilot *p, const struct crew_state *now)
{
    struct steer_count ended = {now->succeeded, now->failed};
    struct steer_count told = {now->stats.ended[ROTA_DONE], report_failed(&now->stats)};
    steer_ended(&p->steer, ended, p->in_order ? ended : told, halt_total(p, now));
}

static void hear_signals(struct pilot *p, int64_t now_ns)
{
    bool single;
    for (int signal; (signal = signals_next(p->signals, &single)) != 0;) {
        steer_signal(&p->steer, now_ns, signal, single);
        screen_typed(&p->screen);
    }
}

bool pilot_hear(struct pilot *p)
{
    hear_signals(p, clock_now_ns());
    return p->steer.course == CREW_STOP;
}

enum crew_course pilot_steer(struct pilot *p)
{
    struct crew_state now;
    enum crew_course before = p->steer.course;
    int64_t now_ns = clock_now_ns();
    crew_look(p->farm, &now);
    hear_signals(p, now_ns);
    count_ends(p, &now);
    if (before == CREW_GO_ON && steer_runs_out(&p->steer))
        report_running_out(p->report, &p->steer, now.running);
    if (now.shut > 0 && now.running == 0)
        report_waiting(p->report);
    show(p, &now, now_ns);
    return p->steer.course;
}

bool pilot_enough(struct pilot *p)
{
    struct crew_state now;
    if (p->steer.halt.when == HALT_NEVER)
        return false;
    crew_look(p->farm, &now);
    return steer_is_enough(&p->steer, (struct steer_count){now.succeeded, now.failed},
                           halt_total(p, &now));
}

struct crew_manner pilot_manner(const struct run_options *o)
{
    return (struct crew_manner){
        .in_order = o->in_order,
        .prompt = o->control.halt.when != HALT_NEVER,
        .gap_ns = o->control.gap_ns,
        .gap_adapts = o->control.gap_adapts,
        .reads_on = o->pipe.round_robin,
        .limit_times = o->control.limit_times,
    };
}
