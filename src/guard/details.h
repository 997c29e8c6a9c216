/* details.h - what every rank is doing */
#ifndef ROTA_GUARD_DETAILS_H
#define ROTA_GUARD_DETAILS_H

#include <stdio.h>

#include "guard/look.h"

/* A line for each rank, and one below for each operation that it has under way. */
void details_text(FILE *to, const struct look *l);

#endif
