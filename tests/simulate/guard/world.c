/* world.c - one run: moves in random order, and looks in between */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum {
    MOVES_OF_A_RUN = 2000,
};

struct world *world_new(void)
{
    struct world *w = memory_sure(sizeof(*w));
    memset(w, 0, sizeof(*w));
    return w;
}

void world_free(struct world *w)
{
    look_free(w->watch.look);
    course_done(&w->course);
    free(w);
}

static const char *name_of(enum move_kind kind)
{
    static const char *const names[] = {"goes on", "is killed", "arrives",
                                        "is buffered", "is lost"};
    return names[kind];
}

/* A rank may have written something down: its epoch says so. */
static void tick(struct world *w, struct move move, enum phase before)
{
    struct clocks *c = &w->clocks;
    c->now++;
    w->course.now_ns = c->now;
    if (move.kind != MOVE_RANK)
        return;
    int rank = move.which;
    enum phase after = w->mpi.process[rank].phase;
    bool polled = before == INSIDE && after == INSIDE;
    if (before == OUTSIDE || before == LEAVING || polled) {
        c->epoch[rank]++;
        c->since[rank] = c->now;
    }
    if (before == OUTSIDE || before == LEAVING)
        c->progress[rank] = c->now;
}

static void make(struct world *w, struct move move)
{
    enum phase before = OUTSIDE;
    if (move.kind == MOVE_RANK) {
        const struct process *pr = &w->mpi.process[move.which];
        before = pr->phase;
        course_say(&w->course, "rank %d: step %d, act %d, phase %d", move.which, pr->pc,
                   (int)mpi_step(&w->mpi, &w->program, move.which)->act, (int)before);
    } else {
        course_say(&w->course, "%s %d %s", move.kind == MOVE_KILL ? "rank" : "message",
                   move.which, name_of(move.kind));
    }
    judge_move(w, move);
    mpi_make(&w->mpi, &w->program, move);
    tick(w, move, before);
}

/* Pollers poll on: nothing changes but their epochs. */
static void poll_on(struct world *w)
{
    for (int i = 0; i < w->program.ranks; i++) {
        if (w->mpi.process[i].state == LOOK_POLLING)
            w->clocks.epoch[i] += 2;
    }
}

static void look_a_little(struct world *w, bool clearly)
{
    struct watch *watch = &w->watch;
    struct dice *d = &w->course.dice;
    if (watch->next == 0) {
        bool blurs = !clearly && dice_one_in(d, 3);
        watch_begin(watch, &w->program,
                    blurs ? (enum blur)dice_below(d, BLURS) : BLUR_NOTHING);
    }
    poll_on(w);
    if (!watch_more(watch, &w->mpi, &w->clocks, &w->program))
        return;
    watch->next = 0;
    w->met.looks++;
    judge_look(w);
}

/* Killing is only sometimes the next thing to happen. */
static int without_kills(struct world *w, struct move *moves, int n)
{
    if (dice_one_in(&w->course.dice, 30))
        return n;
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (moves[i].kind != MOVE_KILL)
            moves[kept++] = moves[i];
    }
    return kept;
}

static void look_last(struct world *w)
{
    w->clocks.now += 1000;
    w->watch.next = 0;
    do
        look_a_little(w, true);
    while (w->watch.next != 0);
    if (course_is_well(&w->course))
        judge_end(w);
}

void world_run(struct world *w, uint64_t seed)
{
    course_begin(&w->course, seed);
    struct dice *d = &w->course.dice;
    program_draw(&w->program, d);
    mpi_start(&w->mpi, &w->program);
    memset(&w->clocks, 0, sizeof(w->clocks));
    memset(w->claimed, 0, sizeof(w->claimed));
    memset(w->suspected, 0, sizeof(w->suspected));
    w->watch.dice = d;
    w->watch.next = 0;
    int pace = 2 + dice_below(d, 6); /* how often it is looked */
    while (course_is_well(&w->course)) {
        struct move moves[MOVES_MOST];
        int n = without_kills(w, moves, mpi_moves(&w->mpi, &w->program, moves));
        if (n == 0)
            break;
        if (dice_one_in(d, pace)) {
            look_a_little(w, false);
            continue;
        }
        if (++w->course.happened > MOVES_OF_A_RUN)
            course_wrong(&w->course, "the run does not end");
        make(w, moves[dice_below(d, n)]);
    }
    if (course_is_well(&w->course))
        look_last(w);
}
