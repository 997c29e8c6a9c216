/* load.h - what the farm and what it is compared with are given to do
 *
 * A load is a number of tasks of 8 bytes; a task's value is 8 bytes too, its payload
 * plus one, so that each can be checked. In words, as the programs take them:
 *
 *     noop          nothing is done; as many tasks as take about half a second
 *     spin:US       each computes for US microseconds, 0.4 s on all cores in sum
 *     pareto:SEED   lengths from a Pareto distribution (at least 100 us, shape 1.5,
 *                   mean 300 us), 0.6 s on all cores in sum, in random order
 *     bound:SEED    a task a core, as long as no schedule of pareto:SEED can do
 *                   without: the larger of sum / cores and the longest
 *
 * To compute for a microsecond is to go round a loop so many times, as spin_rate
 * measured it, once for all programs of a run. A loop that looked at the clock would
 * also end in time while its process had no processor, and so hide what is to be
 * shown: that two who compute share one.
 */
#ifndef ROTA_BENCH_LOAD_H
#define ROTA_BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t load_function(uint64_t payload);

uint64_t load_noop(uint64_t payload);
uint64_t load_spin(uint64_t rounds);

struct load {
    const char *text;
    int function; /* its place in load_functions */
    uint64_t count;
    uint64_t each; /* what each task's payload is, where there is no list */
    uint64_t *list;
    uint64_t *values; /* to be filled, task by task */
};

enum {
    LOAD_NOOP,
    LOAD_SPIN,
    LOAD_FUNCTIONS,
};

/* Not constant: who calls through it cannot know what is called. */
extern load_function *load_functions[LOAD_FUNCTIONS];

static inline uint64_t load_payload(const struct load *l, uint64_t task)
{
    if (l->function == LOAD_NOOP)
        return task;
    return l->list != NULL ? l->list[task] : l->each;
}

/* Do the load and fill in its values. Returns how long that took, in seconds. */
typedef double load_doer(struct load *l, void *context);

/* Have the load `text` done, check the values, and print one line: text, tasks,
 * seconds. `per_us` is spin_rate's number. Ends the program if anything fails. */
void load_measure(const char *text, double per_us, int cores, load_doer *doer,
                  void *context);

#endif
