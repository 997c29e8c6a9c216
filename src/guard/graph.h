/* graph.h - the wait-for graph of a verdict, as it is drawn */
#ifndef ROTA_GUARD_GRAPH_H
#define ROTA_GUARD_GRAPH_H

#include "guard/look.h"
#include "guard/verdict.h"

/* Is the rank waited for by one that is stuck, without being stuck itself? */
bool graph_is_left(const struct verdict *v, int rank);

bool graph_is_stuck(const struct verdict *v, int rank);

/* Is the wait of `from` for `on` part of the circle that the verdict names? */
bool graph_is_in_cycle(const struct verdict *v, int from, int on);

/* Would any one of those that it waits for do? */
bool graph_is_any(const struct look *l, const struct verdict_wait *w);

/* Is the wait for `on` worth an arrow? Who waits for any rank is one of them itself. */
bool graph_is_drawn(const struct verdict_wait *w, int on);

/* What stands at the arrows of a wait. */
const char *graph_label(const struct look *l, const struct verdict_wait *w);

#endif
