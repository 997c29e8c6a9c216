/* report.h - what there is to tell, in all forms: for people, for programs, a picture
 *
 * Each form writes to `to` and leaves it open. All fail with ROTA_E_NOMEM, or ROTA_E_IO
 * if `to` can't be written to.
 */
#ifndef ROTA_GUARD_REPORT_H
#define ROTA_GUARD_REPORT_H

#include <stdio.h>

#include "guard/told.h"

/* A few lines for people: what is the matter, who waits for whom and where, who has
 * left, what the others do. `details`: and all that is known of each rank. */
int report_text(FILE *to, const struct told *t, bool details);

/* One JSON object, and a newline; report_json.c has its form. */
int report_json(FILE *to, const struct told *t);

/* The wait-for graph, for Graphviz. */
int report_dot(FILE *to, const struct told *t);

/* A page that needs nothing else: what report_text says, and the graph as a picture. */
int report_html(FILE *to, const struct told *t);

#endif
