/* ledger.h - what is known of tasks that have not ended, by their number
 *
 * Tasks are numbered from 0 in the order of their coming. Neighbours that share all but
 * their payloads stand as a row, of payloads alone; others as records, one behind the
 * other (execute/row.h, execute/parcel.h): so they travel, and what has come together
 * is copied together. A short task's memory is given back with that of its neighbours,
 * a long one's at once.
 */
#ifndef ROTA_FARM_LEDGER_H
#define ROTA_FARM_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "execute/parcel.h"

struct ledger;

/* *out is the caller's: ledger_free(). Fails with ROTA_E_NOMEM. */
int ledger_new(struct ledger **out);
void ledger_free(struct ledger *l);

/* Add the next task. Fails with ROTA_E_NOMEM. */
int ledger_add(struct ledger *l, const struct parcel_task *t);

/* The same for a task of which nothing but its function and payload is said. */
int ledger_add_plain(struct ledger *l, uint16_t function, const void *data,
                     size_t size);

/* Room for the payloads of the next tasks, if they are all as `t` is (but for its data,
 * which is not read): t->size bytes each, one right behind the other, to be filled at
 * once. *count is how many are wanted (1 or more), and then how many there is room for;
 * 0: none, as these tasks differ from those before them: add one. Fails with
 * ROTA_E_NOMEM. */
int ledger_room(struct ledger *l, const struct parcel_task *t, unsigned char **room,
                uint32_t *count);

/* So many of them have been filled, and are tasks now: 1 or more. */
void ledger_fill(struct ledger *l, uint32_t count);

/* How many tasks were added. */
uint64_t ledger_count(const struct ledger *l);

/* How many bytes these tasks, none of which was forgotten, take as records and rows;
 * and such a copy, one behind the other. */
size_t ledger_bytes(const struct ledger *l, uint64_t first, uint64_t count);
void ledger_copy(const struct ledger *l, uint64_t first, uint64_t count,
                 unsigned char *out);

/* A task that was not forgotten. Its payload is borrowed, until the next
 * call that changes the ledger. */
struct parcel_task ledger_task(const struct ledger *l, uint64_t task);

/* How many tasks from `first` on, at least 1 and at most `count`, take at most
 * `bytes_max` bytes in sum. */
uint64_t ledger_fit(const struct ledger *l, uint64_t first, uint64_t count,
                    size_t bytes_max);

/* The user's tag of a task that was not forgotten. *same_until: all up to that task
 * have the same one, as far as it is easily told. */
uint64_t ledger_tag(const struct ledger *l, uint64_t task, uint64_t *same_until);

/* These tasks have ended, each once: nobody asks for them any more. */
void ledger_forget(struct ledger *l, uint64_t first, uint64_t count);

ROTA_AUTO_DEFINE(ledger, struct ledger *, ledger_free);

#endif
