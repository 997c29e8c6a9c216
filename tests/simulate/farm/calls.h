/* calls.h - the calls between the minds' parts, and bugs to plant in them */
#ifndef ROTA_TESTS_SIMULATE_FARM_CALLS_H
#define ROTA_TESTS_SIMULATE_FARM_CALLS_H

/* As runner.h wants them. */
extern const char *const mutation_names[];
extern int mutation_planted;

struct world;

/* From now on, the calls are this world's. */
void calls_watch(struct world *w);

#endif
