/* report_dot.c - the wait-for graph, for Graphviz
 *
 * Boxes are ranks that are stuck, grey ones have left, an arrow is a wait. An operation
 * that needs any of several ranks has dashed arrows, and the arrows of the cycle are
 * red.
 */
#include "guard/graph.h"
#include "guard/report.h"
#include "guard/words.h"
#include "rota.h"

/* Text within a dot string. */
static void quoted(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
}

static void node(FILE *to, const struct look *l, int rank, bool left)
{
    const struct look_rank *r = &l->ranks[rank];
    fprintf(to, "  r%d [label=\"rank %d\\n", rank, rank);
    if (left) {
        words_end(to, r);
    } else {
        if (r->call != NULL)
            quoted(to, r->call);
        if (r->site.text != NULL) {
            fputs("\\n", to);
            quoted(to, r->site.text);
        }
    }
    fprintf(to, "\"%s];\n", left ? ", style=filled, fillcolor=lightgrey" : "");
}

static void edges(FILE *to, const struct look *l, const struct verdict *v,
                  const struct verdict_wait *w)
{
    for (size_t i = 0; i < w->on_count; i++) {
        if (!graph_is_drawn(w, w->on[i]))
            continue;
        fprintf(to, "  r%d -> r%d [label=\"", w->rank, w->on[i]);
        quoted(to, graph_label(l, w));
        fputs("\"", to);
        if (graph_is_any(l, w))
            fputs(", style=dashed", to);
        if (graph_is_in_cycle(v, w->rank, w->on[i]))
            fputs(", color=red", to);
        fputs("];\n", to);
    }
}

int report_dot(FILE *to, const struct told *t)
{
    const struct look *l = t->look;
    const struct verdict *v = t->verdict;
    fputs("digraph waits {\n  node [shape=box];\n", to);
    for (size_t i = 0; i < v->stuck_count; i++)
        node(to, l, v->stuck[i], false);
    for (int i = 0; i < l->size; i++) {
        if (graph_is_left(v, i))
            node(to, l, i, true);
    }
    for (size_t i = 0; i < v->wait_count; i++)
        edges(to, l, v, &v->waits[i]);
    fputs("}\n", to);
    return fflush(to) != 0 || ferror(to) ? ROTA_E_IO : 0;
}
