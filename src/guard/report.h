/* report.h - a verdict, told: to people, to programs, as a picture
 *
 * Each form writes to `to` and leaves it open. A look and a verdict on it go together.
 * All fail with ROTA_E_NOMEM, or ROTA_E_IO if `to` can't be written to.
 */
#ifndef ROTA_GUARD_REPORT_H
#define ROTA_GUARD_REPORT_H

#include <stdio.h>

#include "guard/look.h"
#include "guard/verdict.h"

/* A few lines for people: what is the matter, who waits for whom and where, who has
 * left. Nothing for VERDICT_GOING_ON. `details`: and what every rank was doing. */
int report_text(FILE *to, const struct look *l, const struct verdict *v, bool details);

/* One JSON object, and a newline; report_json.c has its form. */
int report_json(FILE *to, const struct look *l, const struct verdict *v);

/* The wait-for graph, for Graphviz. */
int report_dot(FILE *to, const struct look *l, const struct verdict *v);

/* A page that needs nothing else: what report_text says, and the graph as a picture. */
int report_html(FILE *to, const struct look *l, const struct verdict *v);

#endif
