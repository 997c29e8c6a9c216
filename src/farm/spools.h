/* spools.h - what commands write before they end, kept until it is known to count
 *
 * An attempt is a task of a lease, which no other attempt ever is. What it has said is
 * dropped with its worker, or with a result that does not count; that of the one whose
 * result counts stays until that has been told.
 */
#ifndef ROTA_FARM_SPOOLS_H
#define ROTA_FARM_SPOOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/spool.h"
#include "execute/execute.h"

struct spools;

/* What one attempt wrote. */
struct spooled {
    uint64_t lease;
    uint64_t wrote; /* bytes to standard output, kept or not */
    bool broken;    /* a part could not be kept, and so none is */
    struct spool out;
    struct spool err;
};

/* *out is the caller's: spools_free(). Fails with ROTA_E_NOMEM. */
int spools_new(struct spools **out);
void spools_free(struct spools *s);

/* The file that all of it is in. */
struct spool_file *spools_file(const struct spools *s);

/* An attempt says a part; `keep`: append it. Fails with ROTA_E_NOMEM: nothing was
 * taken; or with ROTA_E_IO, from then on for each further part of this attempt, all of
 * which are dropped. *first: it was not known before that they are; then *err says why.
 */
int spools_put(struct spools *s, int worker, uint64_t lease, uint64_t task,
               const struct execute_result *part, bool keep, bool *first,
               struct rota_error *err);

/* Whether all that the attempt said was kept. */
bool spools_are_whole(const struct spools *s, uint64_t lease, uint64_t task);

/* The attempt's result has come, and counts or not. */
void spools_settle(struct spools *s, uint64_t lease, uint64_t task, bool counts);

/* The worker is lost, with its attempts that have no result. */
void spools_lose(struct spools *s, int worker);

/* What an attempt wrote that has said something. Borrowed, as below. */
const struct spooled *spools_attempt(const struct spools *s, uint64_t lease,
                                     uint64_t task);

/* What the attempt wrote whose result counts; NULL: nothing before its end. Borrowed
 * until spools_forget. */
const struct spooled *spools_find(const struct spools *s, uint64_t task);

/* So too: the result has been told. */
void spools_forget(struct spools *s, uint64_t task);

ROTA_AUTO_DEFINE(spools, struct spools *, spools_free);

#endif
