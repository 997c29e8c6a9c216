/* hints.c - messages that are there, and are not those that are waited for */
#include "guard/hints.h"

#include "guard/traffic.h"
#include "guard/words.h"

enum {
    HINTS_SAID = 3, /* of so many ranks, of each of them */
};

static uint64_t received_by(const struct look_rank *r, int source,
                            const struct look_flow *f)
{
    for (size_t i = 0; i < r->flow_count; i++) {
        const struct look_flow *g = &r->flows[i];
        if (g->peer == source && g->comm == f->comm && g->tag == f->tag)
            return g->received;
    }
    return 0;
}

static bool is_wanted(const struct look_rank *r, int source, const struct look_flow *f)
{
    for (size_t i = 0; i < r->op_count; i++) {
        const struct look_op *o = &r->ops[i];
        if ((o->kind == LOOK_RECV || o->kind == LOOK_PROBE) &&
            traffic_fits(o, source, f->comm, f->tag))
            return true;
    }
    return false;
}

static void hint_messages(const struct look *l, int rank, hint_fn *hint, void *context)
{
    int said = 0;
    const struct look_rank *r = &l->ranks[rank];
    for (int s = 0; s < l->size && said < HINTS_SAID; s++) {
        for (size_t i = 0; i < l->ranks[s].flow_count && said < HINTS_SAID; i++) {
            const struct look_flow *f = &l->ranks[s].flows[i];
            if (f->peer != rank || f->tag == LOOK_OTHER || is_wanted(r, s, f) ||
                f->sent <= received_by(r, s, f))
                continue;
            hint(context, s, f);
            said++;
        }
    }
}

static bool waits_for_message(const struct look *l, const struct verdict *v, int rank)
{
    size_t count;
    const struct verdict_wait *waits = verdict_waits_of(v, rank, &count);
    for (size_t i = 0; i < count; i++) {
        if (waits[i].op < 0)
            continue;
        enum look_kind kind = l->ranks[rank].ops[waits[i].op].kind;
        if (kind == LOOK_RECV || kind == LOOK_PROBE)
            return true;
    }
    return false;
}

void hints_each(const struct look *l, const struct verdict *v, hint_fn *hint,
                void *context)
{
    int said = 0;
    for (size_t i = 0; i < v->stuck_count && said < HINTS_SAID; i++) {
        if (!waits_for_message(l, v, v->stuck[i]))
            continue;
        hint_messages(l, v->stuck[i], hint, context);
        said++;
    }
}

struct telling {
    FILE *to;
    const struct look *l;
};

static void tell(void *context, int from, const struct look_flow *f)
{
    const struct telling *t = context;
    fprintf(t->to, "    (rank %d has sent rank %d a message with tag %d", from, f->peer,
            f->tag);
    if (look_find_comm(t->l, f->comm) != NULL) {
        fputs(" on ", t->to);
        words_comm(t->to, t->l, f->comm);
    }
    fputs(", which has not been received)\n", t->to);
}

void hints_text(FILE *to, const struct look *l, const struct verdict *v)
{
    struct telling t = {.to = to, .l = l};
    hints_each(l, v, tell, &t);
}
