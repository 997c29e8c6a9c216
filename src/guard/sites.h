/* sites.h - where a rank is in its source, from its parent's words into the look
 *
 * The words: lines of "ADDRESS TEXT", ADDRESS in 16 hexadecimal digits; that of 0 is
 * for all that the rank calls from Python.
 */
#ifndef ROTA_GUARD_SITES_H
#define ROTA_GUARD_SITES_H

#include "guard/look.h"

/* Give the rank's sites their texts, which stand in `words` and live as long as that.
 * `words` is cut into strings. Lines that are no such are passed over. */
void sites_put(char *words, struct look_rank *rank);

#endif
