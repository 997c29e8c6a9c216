/* ledger.h - the records of tasks that have not ended, by their number
 *
 * Tasks are numbered from 0 in the order of their coming. Records (execute/parcel.h)
 * stand one behind the other as they travel, so what has come together is copied
 * together. A short task costs its record and four bytes more; its memory is
 * given back with that of its neighbours, a long one's at once.
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

/* Write the next task's record. Fails with ROTA_E_NOMEM. */
int ledger_add(struct ledger *l, const struct parcel_task *t);

/* The same for a task of which nothing but its function and payload is said. */
int ledger_add_plain(struct ledger *l, uint16_t function, const void *data,
                     size_t size);

/* How many tasks were added. */
uint64_t ledger_count(const struct ledger *l);

/* Records of tasks from `first` on, at most `count`, that stand in one piece: returns
 * how many (at least 1 where count is), *records and *bytes, which stay until the
 * next call that changes the ledger. None of them may have been forgotten. */
uint64_t ledger_piece(const struct ledger *l, uint64_t first, uint64_t count,
                      const unsigned char **records, size_t *bytes);

/* How many bytes the records of these tasks take; and such a copy, one record behind
 * the other. */
size_t ledger_bytes(const struct ledger *l, uint64_t first, uint64_t count);
void ledger_copy(const struct ledger *l, uint64_t first, uint64_t count,
                 unsigned char *out);

/* A task that was not forgotten. Its payload is borrowed, as a piece is. */
struct parcel_task ledger_task(const struct ledger *l, uint64_t task);

/* How many tasks from `first` on, at least 1 and at most `count`, have records of at
 * most `bytes_max` bytes in sum. */
uint64_t ledger_fit(const struct ledger *l, uint64_t first, uint64_t count,
                    size_t bytes_max);

/* The user's tag of a task that was not forgotten. *same_until: all up to that task
 * have the same one, as far as it is easily told. */
uint64_t ledger_tag(const struct ledger *l, uint64_t task, uint64_t *same_until);

/* These tasks have ended, each once: nobody asks for them any more. */
void ledger_forget(struct ledger *l, uint64_t first, uint64_t count);

ROTA_AUTO_DEFINE(ledger, struct ledger *, ledger_free);

#endif
