/* mismatch.c - one collective call, and not the same for all
 *
 * All members of a communicator must make the same collective calls in the same order,
 * so the n-th of one member and the n-th of another are the same, or the program is
 * wrong: different ones, different roots, or a nonblocking one against a blocking one.
 * That holds whatever the ranks did before or after, so their epochs don't matter.
 *
 * Such calls may pass by luck. So nobody is accused by what has passed at both: a rank
 * must be blocked in it, and not only for the moment that a call takes.
 */
#include "guard/mismatch.h"

/* What is compared. */
struct call {
    enum look_collective collective;
    bool nonblocking;
    int root;
};

static bool differs(struct call a, struct call b, bool *root)
{
    *root = a.collective == b.collective && a.nonblocking == b.nonblocking;
    if (!*root)
        return true;
    return a.root != b.root && a.root != LOOK_NONE && b.root != LOOK_NONE;
}

static struct call of_op(const struct look_op *o)
{
    return (struct call){o->collective, o->nonblocking, o->root};
}

/* Has `other` called otherwise what `o` is? Fills in what is said of it. */
static bool calls_otherwise(const struct look_rank *other, const struct look_op *o,
                            struct verdict_mismatch *m)
{
    /* What runs may be about to write its operations; its past it keeps whole. */
    bool whole = other->state != LOOK_UNSEEN && other->state != LOOK_RUNNING;
    for (size_t i = 0; whole && i < other->op_count; i++) {
        const struct look_op *p = &other->ops[i];
        if (p->kind == LOOK_COLLECTIVE && p->comm == o->comm && p->index == o->index &&
            differs(of_op(o), of_op(p), &m->root)) {
            m->other_op = (int)i;
            m->other_past = -1;
            return true;
        }
    }
    for (size_t i = 0; i < other->past_count; i++) {
        const struct look_past *p = &other->past[i];
        struct call call = {p->collective, p->nonblocking, p->root};
        if (p->comm == o->comm && p->index == o->index &&
            differs(of_op(o), call, &m->root)) {
            m->other_op = -1;
            m->other_past = (int)i;
            return true;
        }
    }
    return false;
}

/* Can the operation be told apart from others of its communicator? */
static bool is_known(const struct look *l, const struct look_op *o)
{
    const struct look_comm *c = look_find_comm(l, o->comm);
    return o->awaited && o->kind == LOOK_COLLECTIVE && o->collective != LOOK_INIT &&
           c != NULL && !c->open;
}

static bool find_for(const struct look *l, int rank, int op,
                     struct verdict_mismatch *out)
{
    struct verdict_mismatch m = {.rank = rank, .op = op};
    for (m.other = 0; m.other < l->size; m.other++) {
        if (m.other != rank &&
            calls_otherwise(&l->ranks[m.other], &l->ranks[rank].ops[op], &m)) {
            *out = m;
            return true;
        }
    }
    return false;
}

bool mismatch_find(const struct look *l, const bool *stuck, int64_t least_ns,
                   struct verdict_mismatch *out)
{
    for (int i = 0; i < l->size; i++) {
        const struct look_rank *r = &l->ranks[i];
        bool held = l->now_ns - r->since_ns >= least_ns || (stuck != NULL && stuck[i]);
        if (r->state != LOOK_BLOCKED || !r->steady || !held)
            continue;
        for (size_t op = 0; op < r->op_count; op++) {
            if (is_known(l, &r->ops[op]) && find_for(l, i, (int)op, out))
                return true;
        }
    }
    return false;
}

struct mismatch_side mismatch_other(const struct look *l,
                                    const struct verdict_mismatch *m)
{
    const struct look_rank *other = &l->ranks[m->other];
    if (m->other_past >= 0) {
        const struct look_past *p = &other->past[m->other_past];
        return (struct mismatch_side){p->call, p->root, &p->site, true};
    }
    const struct look_op *o = &other->ops[m->other_op];
    return (struct mismatch_side){o->call, o->root, &o->site, false};
}
