/* errand.h - a batch of tasks, as a persistent program is told it
 *
 *     answered               told, not answered        not begun
 *     ---------------------|-------------------------|----------
 *     (reported, or in     ^ begin: held, what the   ^ told: next to be told
 *      `records`)            program is at work on
 */
#ifndef ROTA_EXECUTE_ERRAND_H
#define ROTA_EXECUTE_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "execute/batch.h"
#include "execute/execute.h"
#include "execute/task.h"

struct seat;

struct place {
    uint32_t index; /* of a task in its batch */
    size_t at;      /* where its record begins */
};

struct errand {
    TAILQ_ENTRY(errand) link;
    struct batch *batch;
    struct seat *seat;  /* or NULL: it waits for one */
    struct place begin; /* the first that was not answered */
    struct place told;  /* the first that was not told */
    int deaths;         /* programs that ended while they held the one at `begin` */
    struct task_bytes records; /* results that were not taken, */
    uint32_t first;            /* from this task on */
    int64_t busy_ns;
};

TAILQ_HEAD(errand_list, errand);

void errand_step(const struct errand *e, struct place *p);

bool errand_is_behind(const struct errand *e, struct place p);

/* How many were told and not answered. */
uint32_t errand_count_told(const struct errand *e);

/* That the program is told, and people too: commands.h. */
uint64_t errand_number(const struct errand *e, struct place p);

/* Leave out what is not wanted, as far as it can be: a report has no gaps. */
void errand_settle(struct errand *e);

/* All was answered, and all answers were taken. */
bool errand_is_over(const struct errand *e);

/* The task at `begin` has its result. ROTA_E_NOMEM: nothing has changed. */
int errand_end_task(struct errand *e, struct execute_result *r);

#endif
