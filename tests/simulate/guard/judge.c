/* judge.c - verdicts, held against what really happens
 *
 *  1. Who is said to be stuck, for certain, never completes its call; whatever the look
 *     left out, and whenever it was taken.
 *  2. The same for who is said to be stuck likely, if the MPI buffers nothing and lets
 * no collective end early (`stingy`), and nobody was killed.
 *  3. When nothing moves any more and somebody has not come to his end, that is said:
 * for certain, with all their names, unless there are wildcards, killed ranks, polling.
 *  4. A mismatch is one.
 *  5. What is said makes sense: whoever is waited for is stuck or has left; each of the
 *     cycle waits for the next; nobody is said to be stuck who is not blocked.
 */
#include <stdlib.h>

#include "world.h"

enum {
    ESCAPES_ONE_IN = 8, /* verdicts for which every way out is tried */
};

static const struct verdict_options options = {.quiet_ns = 1, .mismatch_ns = 1};

static void verdict_on(struct world *w, struct verdict **v)
{
    if (verdict_of(w->watch.look, &options, v) != 0)
        abort();
}

/* --- what is said must make sense ------------------------------------------------- */

static bool is_among(const int *ranks, size_t count, int rank)
{
    for (size_t i = 0; i < count; i++) {
        if (ranks[i] == rank)
            return true;
    }
    return false;
}

static bool has_left(const struct look *l, int rank)
{
    return l->ranks[rank].state >= LOOK_FINALIZING;
}

static void check_waits(struct world *w, const struct verdict *v)
{
    const struct look *l = w->watch.look;
    for (size_t i = 0; i < v->wait_count; i++) {
        const struct verdict_wait *wait = &v->waits[i];
        if (!is_among(v->stuck, v->stuck_count, wait->rank))
            course_wrong(&w->course, "rank %d waits and is not stuck", wait->rank);
        for (size_t j = 0; j < wait->on_count; j++) {
            int on = wait->on[j];
            if (!is_among(v->stuck, v->stuck_count, on) && !has_left(l, on))
                course_wrong(&w->course, "rank %d is waited for, and free", on);
        }
    }
}

static bool waits_for(const struct verdict *v, int rank, int on)
{
    for (size_t i = 0; i < v->wait_count; i++) {
        if (v->waits[i].rank == rank &&
            is_among(v->waits[i].on, v->waits[i].on_count, on))
            return true;
    }
    return false;
}

static void check_cycle(struct world *w, const struct verdict *v)
{
    for (size_t i = 0; i < v->cycle_count; i++) {
        int next = v->cycle[(i + 1) % v->cycle_count];
        if (!waits_for(v, v->cycle[i], next))
            course_wrong(&w->course, "the cycle is broken at rank %d", v->cycle[i]);
    }
}

static void check_blocked(struct world *w, const struct verdict *v)
{
    for (size_t i = 0; i < v->stuck_count; i++) {
        enum look_state s = w->watch.look->ranks[v->stuck[i]].state;
        if (s != LOOK_BLOCKED &&
            (v->what != VERDICT_QUIET || s < LOOK_BLOCKED || s > LOOK_FINALIZING))
            course_wrong(&w->course, "rank %d is stuck, and not blocked", v->stuck[i]);
    }
}

static void check_mismatch(struct world *w, const struct verdict *v)
{
    const struct look *l = w->watch.look;
    const struct verdict_mismatch *m = &v->mismatch;
    const struct look_op *a = &l->ranks[m->rank].ops[m->op];
    const struct look_op *b = &l->ranks[m->other].ops[m->other_op];
    bool same = a->collective == b->collective && a->nonblocking == b->nonblocking;
    if (a->comm != b->comm || a->index != b->index || same != m->root ||
        (same && a->root == b->root))
        course_wrong(&w->course, "ranks %d and %d do not differ", m->rank, m->other);
    w->met.mismatches++;
}

/* --- who is stuck must stay so ---------------------------------------------------- */

static void claim(struct world *w, const struct verdict *v, bool *who)
{
    bool stuck[RANKS_MOST] = {false};
    for (size_t i = 0; i < v->stuck_count; i++) {
        stuck[v->stuck[i]] = true;
        who[v->stuck[i]] = true;
    }
    if (dice_one_in(&w->course.dice, ESCAPES_ONE_IN) &&
        escape_find(w, stuck, &w->met.tried))
        course_wrong(&w->course, "%s, and there is a way out",
                     who == w->claimed ? "proved" : "likely");
}

void judge_look(struct world *w)
{
    rota_auto(verdict) struct verdict *v = NULL;
    verdict_on(w, &v);
    course_say(&w->course, "verdict %d: %d stuck", (int)v->what, (int)v->stuck_count);
    check_waits(w, v);
    check_cycle(w, v);
    check_blocked(w, v);
    if (v->what == VERDICT_MISMATCH)
        check_mismatch(w, v);
    /* A mismatch alone is no claim that the call will not pass by luck. */
    if (v->what == VERDICT_STUCK || (v->what == VERDICT_MISMATCH && v->wait_count > 0))
        claim(w, v, w->claimed);
    else if (v->what == VERDICT_QUIET && w->program.stingy &&
             (v->doubts & (VERDICT_MIDST | VERDICT_ENDING)) == 0)
        claim(w, v, w->suspected);
}

void judge_move(struct world *w, struct move move)
{
    for (int i = 0; i < w->program.ranks; i++) {
        if ((w->claimed[i] || w->suspected[i]) &&
            mpi_completes(&w->mpi, &w->program, move, i))
            course_wrong(&w->course, "rank %d was said to be stuck%s, and goes on", i,
                         w->claimed[i] ? "" : ", likely");
    }
}

/* --- who hangs must be told ------------------------------------------------------- */

/* A verdict that is certain may leave out those who are only likely to hang. */
static void check_told(struct world *w, const struct verdict *v, bool certain)
{
    bool all = certain || v->what == VERDICT_QUIET;
    for (int i = 0; i < w->program.ranks; i++) {
        bool told = is_among(v->stuck, v->stuck_count, i);
        bool hangs = w->mpi.process[i].state != LOOK_GONE;
        if (told && !hangs)
            course_wrong(&w->course, "rank %d is told, and has left", i);
        if (hangs && !told && all)
            course_wrong(&w->course, "rank %d hangs, and is not told", i);
    }
    if (v->what == VERDICT_GOING_ON)
        course_wrong(&w->course, "it hangs, and nobody is told");
    if (certain && v->what == VERDICT_QUIET)
        course_wrong(&w->course, "it hangs, and that is not certain");
}

void judge_end(struct world *w)
{
    bool hung = false;
    for (int i = 0; i < w->program.ranks; i++)
        hung |= w->mpi.process[i].state != LOOK_GONE;
    rota_auto(verdict) struct verdict *v = NULL;
    verdict_on(w, &v);
    if (!hung) {
        w->met.ended++;
        if (v->what != VERDICT_GOING_ON)
            course_wrong(&w->course, "all have ended, and somebody is accused");
        return;
    }
    w->met.hung++;
    w->met.proved += v->what == VERDICT_STUCK || v->what == VERDICT_MISMATCH;
    w->met.quiet += v->what == VERDICT_QUIET;
    const struct program *p = &w->program;
    if (!p->wildcards)
        check_told(w, v, !p->mortal && !p->polls && !p->stingy);
}
