/* inner.h - a farm from inside: what its manager's and its worker's side share
 *
 * Rank 0 has a broker. Every other rank, and rank 0 where it works too, has an executor
 * and a hand. Rank 0 speaks to itself by messages as it does to others, so that its
 * own work is no special case.
 *
 * Times are counted from the farm's opening.
 */
#ifndef ROTA_FARM_INNER_H
#define ROTA_FARM_INNER_H

#include "base/clock.h"
#include "execute/executor.h"
#include "farm/broker.h"
#include "farm/hand.h"
#include "farm/link.h"

/* While own children run, messages are looked for so often. */
#define FARM_NAP_NS (NS_PER_MS / 2)

/* How a worker's rank is, to the manager. */
enum farm_member {
    FARM_HERE,
    FARM_FROZEN,
    FARM_LEAVING, /* it has gone; what it had sent may still come */
    FARM_GONE,
};

struct rota_farm {
    struct link *link;
    const struct rota_function *functions;
    int count;
    void *owned; /* what `functions` borrows; free() */
    struct executor *executor;
    struct hand *hand;
    int64_t opened_ns;
    bool has_message; /* `message` came, but there was no memory for it yet */
    struct rota_message message;
    /* the manager's: */
    struct broker *broker;
    rota_generator *generator;
    void *generating;
    bool has_spec; /* `spec` was generated, but there was no memory for it yet */
    struct rota_spec spec;
    int calls;      /* until the next progress */
    int calls_each; /* how many that is, at present */
    int64_t progress_ns;
    uint32_t news; /* for which the members have been looked at */
    int first;     /* the first rank that works */
    int leaving;   /* how many members are */
    enum farm_member members[];
};

/* A farm over `link`, whose ranks run tasks by `x`: the manager in rank 0, a worker in
 * the others. Of the options those count that are not the executor's; the functions are
 * borrowed. Takes `link` and `x` if it succeeds. Fails with ROTA_E_NOMEM, or as the
 * link's send does. */
int farm_over(struct link *link, struct executor *x,
              const struct rota_farm_options *options, struct rota_farm **out,
              struct rota_error *err);

#endif
