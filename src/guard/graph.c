/* graph.c - the wait-for graph of a verdict, as it is drawn */
#include "guard/graph.h"

bool graph_is_stuck(const struct verdict *v, int rank)
{
    for (size_t i = 0; i < v->stuck_count; i++) {
        if (v->stuck[i] == rank)
            return true;
    }
    return false;
}

bool graph_is_left(const struct verdict *v, int rank)
{
    if (graph_is_stuck(v, rank))
        return false;
    for (size_t i = 0; i < v->wait_count; i++) {
        for (size_t j = 0; j < v->waits[i].on_count; j++) {
            if (v->waits[i].on[j] == rank)
                return true;
        }
    }
    return false;
}

bool graph_is_in_cycle(const struct verdict *v, int from, int on)
{
    for (size_t i = 0; i < v->cycle_count; i++) {
        if (v->cycle[i] == from && v->cycle[(i + 1) % v->cycle_count] == on)
            return true;
    }
    return false;
}

bool graph_is_any(const struct look *l, const struct verdict_wait *w)
{
    if (w->op < 0 || l->ranks[w->rank].ops[w->op].kind == LOOK_COLLECTIVE)
        return false;
    return w->on_count > 1;
}

bool graph_is_drawn(const struct verdict_wait *w, int on)
{
    return on != w->rank || w->on_count == 1;
}

const char *graph_label(const struct look *l, const struct verdict_wait *w)
{
    return w->op < 0 ? "MPI_Finalize" : l->ranks[w->rank].ops[w->op].call;
}
