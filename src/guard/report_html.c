/* report_html.c - a verdict, told as a page that needs nothing else
 *
 * The text, and the wait-for graph as SVG: the ranks stand on a circle, red ones are
 * stuck, grey ones have left, an arrow is a wait. Of very many ranks the first are
 * drawn, and those of the cycle.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "guard/graph.h"
#include "guard/report.h"
#include "guard/words.h"
#include "rota.h"

enum {
    RANKS_DRAWN = 64,
    ARROWS_DRAWN = 1000,
    BOX_WIDTH = 168,
    BOX_HEIGHT = 46,
};

struct place {
    bool drawn;
    double x;
    double y;
};

struct drawing {
    FILE *to;
    const struct look *l;
    const struct verdict *v;
    struct place *places; /* by rank */
    double width;
    double height;
    int left_out; /* ranks */
    int arrows;
};

static void escaped(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", to);
        else if (*text == '>')
            fputs("&gt;", to);
        else if (*text == '&')
            fputs("&amp;", to);
        else if (*text == '"')
            fputs("&quot;", to);
        else
            fputc(*text, to);
    }
}

/* --- who stands where ------------------------------------------------------------- */

static bool is_in_some_cycle(const struct verdict *v, int rank)
{
    for (size_t i = 0; i < v->cycle_count; i++) {
        if (v->cycle[i] == rank)
            return true;
    }
    return false;
}

static int choose(struct drawing *d)
{
    int drawn = 0;
    for (int i = 0; i < d->l->size; i++) {
        if (!graph_is_stuck(d->v, i) && !graph_is_left(d->v, i))
            continue;
        bool must = is_in_some_cycle(d->v, i) || graph_is_left(d->v, i);
        d->places[i].drawn = drawn < RANKS_DRAWN || (must && drawn < 2 * RANKS_DRAWN);
        drawn += d->places[i].drawn;
        d->left_out += !d->places[i].drawn;
    }
    return drawn;
}

static void place(struct drawing *d, int drawn)
{
    double around = drawn * (BOX_WIDTH + 30.0) / (2 * M_PI);
    double radius = around < 150 ? 150 : around;
    d->width = 2 * radius + BOX_WIDTH + 20;
    d->height = 2 * radius + BOX_HEIGHT + 80; /* and room for an arrow to itself */
    int at = 0;
    for (int i = 0; i < d->l->size; i++) {
        if (!d->places[i].drawn)
            continue;
        double angle = 2 * M_PI * at++ / drawn - M_PI / 2;
        d->places[i].x = d->width / 2 + radius * cos(angle);
        d->places[i].y = d->height / 2 + radius * sin(angle);
    }
}

/* --- what is drawn ---------------------------------------------------------------- */

static void box(const struct drawing *d, int rank)
{
    const struct look_rank *r = &d->l->ranks[rank];
    const struct place *p = &d->places[rank];
    bool left = graph_is_left(d->v, rank);
    fprintf(d->to,
            "<g class=\"%s\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" "
            "height=\"%d\" rx=\"6\"/><text x=\"%.1f\" y=\"%.1f\">rank %d",
            left ? "left" : "stuck", p->x - BOX_WIDTH / 2.0, p->y - BOX_HEIGHT / 2.0,
            BOX_WIDTH, BOX_HEIGHT, p->x, p->y - 10, rank);
    if (!left && r->call != NULL) {
        fputs(": ", d->to);
        escaped(d->to, r->call);
    }
    fprintf(d->to, "</text><text x=\"%.1f\" y=\"%.1f\">", p->x, p->y + 8);
    if (left)
        words_end(d->to, r);
    else if (r->site.text != NULL)
        escaped(d->to, r->site.text);
    fputs("</text></g>\n", d->to);
}

/* How far from a box's middle its edge is, in the direction (x, y) of length 1. */
static double edge(double x, double y)
{
    double across = fabs(x) < 1e-9 ? INFINITY : BOX_WIDTH / 2.0 / fabs(x);
    double down = fabs(y) < 1e-9 ? INFINITY : BOX_HEIGHT / 2.0 / fabs(y);
    return across < down ? across : down;
}

/* From box to box; two that wait for each other have their arrows side by side. */
static void arrow(struct drawing *d, const struct verdict_wait *w, int on)
{
    const struct place *from = &d->places[w->rank];
    const struct place *to = &d->places[on];
    double length = hypot(to->x - from->x, to->y - from->y);
    const char *class = graph_is_in_cycle(d->v, w->rank, on) ? "cycle"
                        : graph_is_any(d->l, w)              ? "any"
                                                             : "wait";
    d->arrows++;
    if (length < 1) { /* itself */
        fprintf(d->to, "<path class=\"%s\" d=\"M%.1f %.1f c-40 -60 40 -60 10 -4\"/>\n",
                class, from->x - 10, from->y - BOX_HEIGHT / 2.0);
        return;
    }
    double x = (to->x - from->x) / length;
    double y = (to->y - from->y) / length;
    double gap = edge(x, y) + 4;
    double aside = 7;
    fprintf(
        d->to,
        "<path class=\"%s\" d=\"M%.1f %.1f L%.1f %.1f\"><title>rank %d waits for rank "
        "%d: ",
        class, from->x + x * gap - y * aside, from->y + y * gap + x * aside,
        to->x - x * (gap + 6) - y * aside, to->y - y * (gap + 6) + x * aside, w->rank,
        on);
    escaped(d->to, graph_label(d->l, w));
    fputs("</title></path>\n", d->to);
}

static void arrows(struct drawing *d, const struct verdict_wait *w)
{
    for (size_t i = 0; i < w->on_count && d->arrows < ARROWS_DRAWN; i++) {
        if (graph_is_drawn(w, w->on[i]) && d->places[w->rank].drawn &&
            d->places[w->on[i]].drawn)
            arrow(d, w, w->on[i]);
    }
}

static void draw(struct drawing *d)
{
    int drawn = choose(d);
    if (drawn == 0)
        return;
    place(d, drawn);
    fprintf(d->to,
            "<svg viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" role=\"img\" "
            "aria-label=\"who waits for whom\">\n<defs><marker id=\"head\" "
            "viewBox=\"0 0 10 10\" refX=\"6\" refY=\"5\" markerWidth=\"7\" "
            "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\"/></marker>"
            "</defs>\n",
            d->width, d->height, d->width);
    for (size_t i = 0; i < d->v->wait_count; i++)
        arrows(d, &d->v->waits[i]);
    for (int i = 0; i < d->l->size; i++) {
        if (d->places[i].drawn)
            box(d, i);
    }
    fputs("</svg>\n", d->to);
    if (d->left_out > 0)
        fprintf(d->to, "<p>%d ranks more are not drawn.</p>\n", d->left_out);
    if (d->arrows == ARROWS_DRAWN)
        fprintf(d->to, "<p>More than %d waits are not drawn.</p>\n", ARROWS_DRAWN);
}

/* --- the page --------------------------------------------------------------------- */

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<title>rota guard: who waits for whom</title>\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 "
    "1em;"
    "color:#222;background:#fff}\n"
    "pre{white-space:pre-wrap;background:#f4f4f4;padding:1em;border-radius:6px}\n"
    "svg{max-width:100%;height:auto}\n"
    "text{font:13px system-ui,sans-serif;text-anchor:middle;dominant-baseline:middle}\n"
    ".stuck rect{fill:#fde8e6;stroke:#c0392b}.left rect{fill:#e4e4e4;stroke:#888}\n"
    "path{fill:none;stroke:#666;stroke-width:1.5;marker-end:url(#head)}\n"
    "path.cycle{stroke:#c0392b;stroke-width:2.5}path.any{stroke-dasharray:5 4}\n"
    "marker path{fill:#444;stroke:none;marker-end:none}\n"
    "</style></head>\n<body><h1>Who waits for whom</h1>\n";

static int text(FILE *to, const struct told *t)
{
    rota_auto(heap) char *plain = NULL;
    size_t size;
    FILE *memory = open_memstream(&plain, &size);
    if (memory == NULL)
        return ROTA_E_NOMEM;
    int rc = report_text(memory, t, true);
    if (fclose(memory) != 0 || rc != 0)
        return ROTA_E_NOMEM;
    fputs("<pre>", to);
    escaped(to, plain);
    fputs("</pre>\n", to);
    return 0;
}

int report_html(FILE *to, const struct told *t)
{
    rota_auto(heap) struct place *places =
        calloc((size_t)t->look->size, sizeof(*places));
    if (places == NULL)
        return ROTA_E_NOMEM;
    struct drawing d = {.to = to, .l = t->look, .v = t->verdict, .places = places};
    fputs(head, to);
    draw(&d);
    int rc = text(to, t);
    if (rc != 0)
        return rc;
    fputs("</body></html>\n", to);
    return fflush(to) != 0 || ferror(to) ? ROTA_E_IO : 0;
}
