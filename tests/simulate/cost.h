/* cost.h - what planning costs: time and memory a task */
#ifndef ROTA_TESTS_SIMULATE_COST_H
#define ROTA_TESTS_SIMULATE_COST_H

/* Print it for `workers` (0: for 2, 10, 100 and 1000). Returns 0, or 1 if it is not
 * about the same for many workers as for few. */
int cost_print(int workers);

#endif
