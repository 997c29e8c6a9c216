/* hints.h - messages that are there, and are not those that are waited for */
#ifndef ROTA_GUARD_HINTS_H
#define ROTA_GUARD_HINTS_H

#include <stdio.h>

#include "guard/look.h"
#include "guard/verdict.h"

/* A message from rank `from` to the rank that `flow` names has not been received. */
typedef void hint_fn(void *context, int from, const struct look_flow *flow);

/* For each of those that stuck ranks could have meant, but for the many. */
void hints_each(const struct look *l, const struct verdict *v, hint_fn *hint,
                void *context);

/* A line for each. */
void hints_text(FILE *to, const struct look *l, const struct verdict *v);

#endif
