/* mutations.h - bugs to plant in the scheduler, which the simulation must find */
#ifndef ROTA_TESTS_SIMULATE_MUTATIONS_H
#define ROTA_TESTS_SIMULATE_MUTATIONS_H

/* As runner.h wants them. */
extern const char *const mutation_names[];
extern int mutation_planted;

#endif
