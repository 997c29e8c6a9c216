/* mutations.h - bugs to plant in the scheduler, which the simulation must find */
#ifndef ROTA_TESTS_SIMULATE_MUTATIONS_H
#define ROTA_TESTS_SIMULATE_MUTATIONS_H

#include <stdbool.h>

/* Plant the bug of this name. False: there is none. */
bool mutation_plant(const char *name);

/* The i-th name, or NULL. */
const char *mutation_name(int i);

#endif
