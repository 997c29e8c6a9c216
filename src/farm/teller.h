/* teller.h - results, as they are told to who asked for them
 *
 * Reports that the plan has seen wait here, until the last of each one's results has
 * been told. A *run* is taken from them at once: results of successive tasks that share
 * all but their values. Then results are told from the run one by one, or all of it.
 */
#ifndef ROTA_FARM_TELLER_H
#define ROTA_FARM_TELLER_H

#include "farm/ledger.h"
#include "farm/reports.h"
#include "rota.h"

enum {
    TELLER_COPY_BYTES = 64, /* a value that is no longer is copied, to have its 0 */
};

struct teller {
    struct reports reports;
    struct ledger *ledger; /* borrowed */
    int first_rank;
    bool in_order;
    bool gaps;               /* in_order: there may be tasks that have no result */
    uint64_t due;            /* in_order: the next task to tell */
    struct rota_result next; /* the run's: what is told next, */
    size_t left;             /* and so many */
    size_t apart;            /* their values are, in bytes */
    uint64_t untold;         /* that are in no run yet */
    uint64_t told;           /* in runs */
    uint64_t ended[ROTA_OUTCOMES];
    unsigned char *behind; /* the value told last, where a 0 was put; or NULL */
    unsigned char was_behind;
    _Alignas(8) unsigned char copy[TELLER_COPY_BYTES + 8]; /* of the value told last */
};

/* `ledger` is asked for tags, and forgets what has been told; `done` is given what came
 * in messages, when it is not needed any more. */
void teller_init(struct teller *t, struct ledger *ledger, int first_rank, bool in_order,
                 void (*done)(void *ctx, void *data, size_t size), void *ctx);
void teller_done(struct teller *t);

/* The next result, or false. out->data, with a 0 behind it, is valid until the next
 * call of these two. */
bool teller_next(struct teller *t, struct rota_result *out);

/* The next results, or false: *count of them, of tasks out->task and following, that
 * are as `out` says, but for their values, which stand parcel_padded(out->size_bytes)
 * bytes apart. At most `most` (1 or more). No 0 is put behind them. */
bool teller_next_run(struct teller *t, size_t most, struct rota_result *out,
                     size_t *count);

/* How many results were told. */
static inline uint64_t teller_told(const struct teller *t)
{
    return t->told - t->left;
}

/* The task whose result was told last. */
static inline uint64_t teller_told_last(const struct teller *t)
{
    return t->next.task - 1;
}

#endif
