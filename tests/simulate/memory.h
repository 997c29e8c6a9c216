/* memory.h - memory that is short when a simulation says so (the linker's --wrap) */
#ifndef ROTA_TESTS_SIMULATE_MEMORY_H
#define ROTA_TESTS_SIMULATE_MEMORY_H

#include <stddef.h>

#include "random.h"
#include "rota.h"

/* Allocations fail, one in `one_in` by these dice, from here on; 0: none does. */
void memory_scarce(struct dice *dice, int one_in);

/* Calls something while it is; memory_insist() again for as long as that fails. */
#define memory_try(dice, one_in, rc, call)                                             \
    do {                                                                               \
        memory_scarce(dice, one_in);                                                   \
        rc = (call);                                                                   \
        memory_scarce(NULL, 0);                                                        \
    } while (0)

#define memory_insist(dice, one_in, rc, call)                                          \
    do                                                                                 \
        memory_try(dice, one_in, rc, call);                                            \
    while (rc == ROTA_E_NOMEM)

/* For the simulation itself: never fail. */
void *memory_sure(size_t size);
void *memory_grow(void *old, size_t size);

#endif
