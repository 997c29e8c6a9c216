/* verdict.c - can an MPI program go on? From a look at all its ranks to an answer
 *
 * A greatest fixed point. Let D be all ranks that have left or are blocked. Throw out
 * of D every blocked rank whose call could still end: by what is under way already, or
 * by something that a rank outside D may yet do. Again, until nothing changes. No rank
 * in D can be the first to move: each needs a move of another one in D (or of one that
 * will never move again). So none of them ever moves.
 *
 * This holds for states that held at one moment, which is what `steady` ranks' did; all
 * others stay outside D. What MPI may do on its own account (buffer a send, say) counts
 * as possible where D is to be proof. A second reading, of what is merely likely, is
 * asked only of ranks that have done nothing for long.
 */
#include "guard/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "guard/cycle.h"
#include "guard/mismatch.h"
#include "guard/needs.h"
#include "rota.h"

struct trial {
    struct needs needs;
    bool *in;    /* by rank: is in D */
    bool *stuck; /* by rank: is in D, and blocked */
    size_t stuck_count;
};

static void trial_done(struct trial *t)
{
    needs_done(&t->needs);
    free(t->in);
    free(t->stuck);
}

/* Can the operation end by what ranks outside D may do? */
static bool may_end(const struct trial *t, const struct need *n)
{
    size_t outside = 0;
    for (size_t i = 0; i < n->on_count; i++)
        outside += !t->in[t->needs.ranks[n->on + i]];
    return n->all ? outside == n->on_count : outside > 0;
}

/* A rank waits for all of its operations or for any: those for which a call waits
 * together are all there, as the ones that may end by themselves free an any. */
static bool is_held(const struct trial *t, const struct look_rank *r, int rank)
{
    bool any = r->any || r->state == LOOK_POLLING;
    for (size_t i = t->needs.first[rank]; i < t->needs.first[rank + 1]; i++) {
        bool ends = may_end(t, &t->needs.list[i]);
        if (any && ends)
            return false;
        if (!any && !ends)
            return true;
    }
    return any;
}

/* Throw out of D whoever may move, until nobody may. */
static void settle(struct trial *t, const struct look *l)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (int i = 0; i < l->size; i++) {
            if (!t->in[i] || t->needs.stand[i] != NEED_RANKS ||
                is_held(t, &l->ranks[i], i))
                continue;
            t->in[i] = false;
            changed = true;
        }
    }
}

static int try_look(struct trial *t, const struct look *l,
                    const struct needs_reading *reading)
{
    *t = (struct trial){0};
    int rc = needs_of(l, reading, &t->needs);
    t->in = calloc((size_t)l->size, sizeof(*t->in));
    t->stuck = calloc((size_t)l->size, sizeof(*t->stuck));
    if (rc != 0 || t->in == NULL || t->stuck == NULL)
        return ROTA_E_NOMEM;
    for (int i = 0; i < l->size; i++)
        t->in[i] = t->needs.stand[i] != NEED_NOTHING;
    settle(t, l);
    for (int i = 0; i < l->size; i++) {
        /* Who is in MPI_Finalize is no use to others, but may wait itself. */
        bool waits = t->needs.first[i] < t->needs.first[i + 1];
        t->stuck[i] = t->in[i] && waits && is_held(t, &l->ranks[i], i);
        t->stuck_count += t->stuck[i];
    }
    return 0;
}

/* --- what is said of it ----------------------------------------------------------- */

static int say_stuck(struct verdict *v, const struct trial *t)
{
    v->stuck = calloc(t->stuck_count + 1, sizeof(*v->stuck));
    if (v->stuck == NULL)
        return ROTA_E_NOMEM;
    for (int i = 0; i < t->needs.size; i++) {
        if (t->stuck[i])
            v->stuck[v->stuck_count++] = i;
    }
    return 0;
}

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a;
    int y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The ranks in D that `n` needs. */
static int say_wait(struct verdict *v, const struct trial *t, const struct need *n)
{
    struct verdict_wait w = {.rank = n->rank, .op = n->op};
    w.on = calloc(n->on_count + 1, sizeof(*w.on));
    if (w.on == NULL)
        return ROTA_E_NOMEM;
    for (size_t i = 0; i < n->on_count; i++) {
        int on = t->needs.ranks[n->on + i];
        if (t->in[on])
            w.on[w.on_count++] = on;
    }
    qsort(w.on, w.on_count, sizeof(*w.on), by_number);
    v->waits[v->wait_count++] = w;
    v->doubts |= n->doubts;
    return 0;
}

static int say_waits(struct verdict *v, const struct trial *t)
{
    v->waits = calloc(t->needs.count + 1, sizeof(*v->waits));
    if (v->waits == NULL)
        return ROTA_E_NOMEM;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->needs.count; i++) {
        const struct need *n = &t->needs.list[i];
        if (t->stuck[n->rank] && !may_end(t, n))
            rc = say_wait(v, t, n);
    }
    return rc;
}

/* Who is in MPI_Finalize is no part of a circle: whoever waits for it waits in vain. */
static int say_cycle(struct verdict *v, const struct look *l, const struct trial *t)
{
    rota_auto(heap) bool *blocked = calloc((size_t)l->size, sizeof(*blocked));
    if (blocked == NULL)
        return ROTA_E_NOMEM;
    for (int i = 0; i < l->size; i++)
        blocked[i] = t->stuck[i] && l->ranks[i].state != LOOK_FINALIZING;
    return cycle_find(v->waits, v->wait_count, blocked, l->size, &v->cycle,
                      &v->cycle_count);
}

static int say(struct verdict *v, const struct look *l, const struct trial *t)
{
    int rc = say_stuck(v, t);
    if (rc == 0)
        rc = say_waits(v, t);
    if (rc == 0)
        rc = say_cycle(v, l, t);
    return rc;
}

/* Nobody is known to be stuck, but these are blocked in a call that others have made
 * otherwise. */
static int say_blocked_in(struct verdict *v, const struct look *l)
{
    const struct look_op *o = &l->ranks[v->mismatch.rank].ops[v->mismatch.op];
    v->stuck = calloc((size_t)l->size, sizeof(*v->stuck));
    if (v->stuck == NULL)
        return ROTA_E_NOMEM;
    for (int i = 0; i < l->size; i++) {
        const struct look_rank *r = &l->ranks[i];
        bool in = false;
        for (size_t j = 0; r->state == LOOK_BLOCKED && j < r->op_count; j++)
            in |= r->ops[j].awaited && r->ops[j].kind == LOOK_COLLECTIVE &&
                  r->ops[j].comm == o->comm && r->ops[j].index == o->index;
        if (in)
            v->stuck[v->stuck_count++] = i;
    }
    return 0;
}

/* What is certain. */
static int judge(struct verdict *v, const struct look *l,
                 const struct verdict_options *options)
{
    struct trial t;
    int rc = try_look(&t, l, &(struct needs_reading){0});
    if (rc == 0) {
        if (t.stuck_count > 0)
            v->what = VERDICT_STUCK;
        if (mismatch_find(l, t.stuck, options->mismatch_ns, &v->mismatch))
            v->what = VERDICT_MISMATCH;
        if (t.stuck_count > 0)
            rc = say(v, l, &t);
        else if (v->what == VERDICT_MISMATCH)
            rc = say_blocked_in(v, l);
    }
    trial_done(&t);
    return rc;
}

/* What is likely. */
static int suspect(struct verdict *v, const struct look *l,
                   const struct verdict_options *options, bool ending)
{
    struct trial t;
    struct needs_reading reading = {
        .likely = true, .ending = ending, .quiet_ns = options->quiet_ns};
    int rc = try_look(&t, l, &reading);
    if (rc == 0 && t.stuck_count > 0) {
        v->what = VERDICT_QUIET;
        rc = say(v, l, &t);
    }
    trial_done(&t);
    return rc;
}

int verdict_of(const struct look *l, const struct verdict_options *options,
               struct verdict **out)
{
    rota_auto(verdict) struct verdict *v = calloc(1, sizeof(*v));
    if (v == NULL)
        return ROTA_E_NOMEM;
    int rc = judge(v, l, options);
    if (rc == 0 && v->what == VERDICT_GOING_ON && options->quiet_ns > 0)
        rc = suspect(v, l, options, false);
    if (rc == 0 && v->what == VERDICT_GOING_ON && options->quiet_ns > 0)
        rc = suspect(v, l, options, true);
    if (rc != 0)
        return rc;
    *out = rota_steal(v);
    return 0;
}

void verdict_free(struct verdict *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->wait_count; i++)
        free(v->waits[i].on);
    free(v->waits);
    free(v->stuck);
    free(v->cycle);
    free(v);
}

const struct verdict_wait *verdict_waits_of(const struct verdict *v, int rank,
                                            size_t *count)
{
    size_t from = 0;
    while (from < v->wait_count && v->waits[from].rank != rank)
        from++;
    size_t to = from;
    while (to < v->wait_count && v->waits[to].rank == rank)
        to++;
    *count = to - from;
    return &v->waits[from];
}
