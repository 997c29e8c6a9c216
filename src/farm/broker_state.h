/* broker_state.h - what a broker consists of: for the files of this folder alone
 *
 * broker.c has tasks, what is to be done, and the whole; broker_examine.c shows reports
 * to the plan; broker_hear.c takes what workers say, and their ends.
 *
 * Invariants
 *  1. A result is told once the plan has accepted it, and the plan accepts one result
 *     a task.
 *  2. What was interrupted for want of memory is taken up where it stood: of a report
 *     being gone through, by its `seen` cursor and `unborn` count; of the plan's
 *     actions, by `action`, as long as `acting`. Until that one has been carried out
 *     the plan learns nothing that could end a task, so it holds: what is to be lent
 *     is still in the ledger, and with that worker.
 *  3. Fresh tasks are told to the plan together, before anything else is asked of it.
 */
#ifndef ROTA_FARM_BROKER_STATE_H
#define ROTA_FARM_BROKER_STATE_H

#include "farm/broker.h"
#include "farm/ledger.h"
#include "farm/teller.h"
#include "farm/wire.h"
#include "schedule/plan.h"

enum worker_state {
    WORKER_AWAITED,
    WORKER_HERE,
    WORKER_LOST,
};

struct broker {
    struct broker_options options;
    struct broker_port port;
    struct ledger *ledger;
    struct plan *plan;
    bool acting;
    struct plan_action action;
    uint64_t fresh; /* tasks that the plan does not know yet, all of this class: */
    struct plan_class fresh_class;
    int fresh_plain;           /* its function, if it says nothing more; or -1 */
    struct report_list unseen; /* came, but the plan has not seen all of them */
    struct teller teller;      /* of what it has seen */
    uint64_t succeeded;        /* that were accepted; so too: */
    uint64_t failed;
    int64_t limit_ns; /* that workers were told; 0: none */
    int64_t limit_told_ns;
    int64_t limit_due_ns; /* when they may be told another; INT64_MAX: there is none */
    enum worker_state workers[];
};

/* These fail with ROTA_E_NOMEM, or as the port's send does: nothing has changed but
 * what was done before, which is not done again. */

/* Tell the plan of the tasks that have come. */
int broker_tell_fresh(struct broker *b);

/* Carry out the action that was interrupted, if one was. */
int broker_catch_up(struct broker *b, int64_t now_ns);

/* Show all that came to the plan. Who sent nonsense is lost, and the rest of his
 * report dropped. */
int broker_examine(struct broker *b, int64_t now_ns);

/* Results have come, `size` bytes at `data` that begin with `h`: the broker's. */
int broker_take_results(struct broker *b, int64_t now_ns, int worker,
                        const struct wire_head *h, void *data, size_t size);

/* Send a message that is but its head. */
int broker_send_head(struct broker *b, int worker, const struct wire_head *h);
int broker_send_limit(struct broker *b, int worker, int64_t limit_ns);

/* The worker is lost, and `strange` as in broker_port; or nothing that it says makes
 * sense any more: that, and it is cut off. */
void broker_lose(struct broker *b, int64_t now_ns, int worker, const char *strange);
void broker_turn_away(struct broker *b, int64_t now_ns, int worker, const char *why);

/* Keep what the manager itself says of the tasks of `s`; `r` is of reports_new(). */
void broker_keep_end(struct broker *b, int64_t now_ns, struct report *r,
                     struct plan_span s);

#endif
