/* origin.h - where a call comes from, as a number */
#ifndef ROTA_BASE_ORIGIN_H
#define ROTA_BASE_ORIGIN_H

#include <stdint.h>

/* The same for all calls that come by the same way through our own code, as long as the
 * program is not built anew; wherever it is loaded, and whatever libraries stand
 * between. Never 0. For tests: it unwinds the stack, and takes the loader's lock. */
uint32_t origin_of_call(void);

#endif
