/* batch.h - a batch of tasks that an executor has taken on: its own copy
 *
 * Each task has a record of its own, also where it came in a row (row.h). A task that
 * is not wanted any more is marked in its record, by a flag that parcel.h does not
 * know; so dropping needs no memory.
 */
#ifndef ROTA_EXECUTE_BATCH_H
#define ROTA_EXECUTE_BATCH_H

#include <stdbool.h>
#include <sys/queue.h>

#include "execute/executor.h"
#include "execute/parcel.h"

enum {
    BATCH_DROPPED = 0x80, /* in the high byte of a record's flags */
};

struct batch {
    TAILQ_ENTRY(batch) link;
    uint64_t lease;
    uint64_t first;
    uint32_t count;
    uint32_t attempt;
    uint32_t dropped;  /* how many are marked */
    uint32_t limit_ms; /* the shortest time limit in it; 0: none has one */
    size_t bytes;
    _Alignas(8) unsigned char records[];
};

TAILQ_HEAD(batch_list, batch);

/* A copy of `b`: free(). NULL: no memory. */
struct batch *batch_new(const struct executor_batch *b);

/* Mark those of tasks `first` to `first + count - 1` that stand at `index` or behind
 * it. `at` is where the record of task `index` begins. */
void batch_drop(struct batch *b, uint32_t index, size_t at, uint64_t first,
                uint32_t count);

/* Where the record of task `index` begins. */
size_t batch_at(const struct batch *b, uint32_t index);

static inline bool batch_is_dropped(const unsigned char *record)
{
    return (record[7] & BATCH_DROPPED) != 0;
}

#endif
