/* doing.h - what ranks are doing, those that do the same in one line */
#ifndef ROTA_GUARD_DOING_H
#define ROTA_GUARD_DOING_H

#include <stdio.h>

#include "guard/look.h"

/* Of the ranks that are `wanted` (by rank; NULL: of all), in at most `most` lines.
 * Fails with ROTA_E_NOMEM. */
int doing_text(FILE *to, const struct look *l, const bool *wanted, size_t most);

#endif
