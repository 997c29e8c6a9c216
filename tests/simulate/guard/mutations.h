/* mutations.h - bugs to plant in the verdict, which the simulation must find */
#ifndef ROTA_TESTS_SIMULATE_GUARD_MUTATIONS_H
#define ROTA_TESTS_SIMULATE_GUARD_MUTATIONS_H

extern const char *const mutation_names[];
extern int mutation_planted;

#endif
