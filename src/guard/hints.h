/* hints.h - messages that are there, and are not those that are waited for */
#ifndef ROTA_GUARD_HINTS_H
#define ROTA_GUARD_HINTS_H

#include <stdio.h>

#include "guard/look.h"
#include "guard/verdict.h"

/* Name what was sent to the stuck ranks and fits none of their receives: a few lines,
 * or none. Mostly it is the tag, or the communicator. */
void hints_text(FILE *to, const struct look *l, const struct verdict *v);

#endif
