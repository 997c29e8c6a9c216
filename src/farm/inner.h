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

/* While own children run, messages are looked for so often, to begin with. */
#define FARM_NAP_NS (NS_PER_MS / 2)

/* So often who waits looks whether he should still. */
#define FARM_TICK_NS    (100 * NS_PER_MS)
#define FARM_REFUSED_NS (3 * NS_PER_SEC)

/* How a feed answers; or with a negative code, with which rota_next then fails. */
enum farm_fed {
    FARM_FED_TASK,     /* *spec is the next task */
    FARM_FED_NONE_YET, /* ask again, in a while */
    FARM_FED_LAST,     /* there is none any more */
};

/* As a rota_generator, but one may have to wait for what comes. */
typedef int farm_feed(void *context, struct rota_spec *spec);

/* What a farm tells from inside rota_next. All may be NULL; none may call the farm. */
struct farm_hooks {
    /* Whether the run is to be given up: then nobody who goes is taken for lost, as he
     * may have been asked to go, and rota_next does not wait. */
    bool (*stop)(void *ctx);
    /* The worker in `rank` is lost, and `again` tasks that it ran will run again.
     * `fate`: how it went; NULL: it is none of this farm's, as `strange` says, and is
     * seen to. */
    void (*lost)(void *ctx, int rank, const struct rota_fate *fate, const char *strange,
                 uint64_t again);
    /* broker.h's, with farm_manner.parts, and this `ctx`. */
    const struct broker_parts *parts;
    /* The worker in `rank` has come, and runs so many tasks at once on `host`. */
    void (*came)(void *ctx, int rank, int slots, const char *host);
    /* An attempt has failed, and another will be made (broker.h). */
    void (*tried)(void *ctx, const struct rota_result *t);
    /* Asked when ends have been seen, and nothing has been lent since: whether nothing
     * more is to be (broker_shut). */
    bool (*shut)(void *ctx);
    void *ctx;
};

/* How a worker's rank is, to the manager. */
enum farm_member {
    FARM_HERE,
    FARM_FROZEN,
    FARM_LEAVING, /* it has gone; what it had sent may still come */
    FARM_GONE,
};

/* A generator that fills in the payloads of tasks alike. All 0: there is none. */
struct alike {
    rota_filler *filler;
    void *context;
    struct parcel_task task; /* what all of them are */
    unsigned char *one;      /* room for a payload that can't stand with others, */
    bool has_one;            /* which is here as there was no memory for it yet */
};

struct rota_farm {
    struct link *link;
    const struct rota_function *functions;
    int count;
    void *owned; /* what `functions` borrows; free() */
    struct executor *executor;
    struct hand *hand;
    int64_t opened_ns;
    int64_t nap_ns;
    bool in_order;
    bool has_message; /* `message` came, but there was no memory for it yet */
    struct rota_message message;
    bool has_order; /* so too, of the manager's for the hand */
    struct rota_message order;
    int64_t refused_ns; /* since when there has been no memory to go on; 0: there is */
    /* the manager's: */
    struct broker *broker;
    struct farm_hooks hooks;
    farm_feed *feed;
    void *feeding;
    bool starving; /* the feed has none yet */
    rota_generator *generator;
    void *generating;
    bool has_spec; /* `spec` was generated, but there was no memory for it yet */
    struct rota_spec spec;
    struct alike alike;
    int found;      /* the function that a task named last */
    int failure;    /* what progress has failed with, to be told by rota_next */
    int calls;      /* until the next progress */
    int calls_each; /* how many that is, at present */
    int64_t progress_ns;
    uint32_t news; /* for which the members have been looked at */
    int first;     /* the first rank that works */
    int leaving;   /* how many members are */
    enum farm_member members[];
};

/* What a farm may be beyond rota.h's options; all 0: nothing more. */
struct farm_manner {
    bool once; /* plan.h's, as is; so too: */
    bool frail;
    bool parts;       /* tasks may say something before their result */
    int64_t batch_ns; /* plan.h's, as is; so too: */
    bool prompt;
    int64_t gap_ns;
    bool gap_adapts;
    double limit_times;
    int64_t nap_ns; /* a worker whose slots are all taken looks for messages so often;
                       0: the more seldom the longer nothing has happened */
};

/* A farm over `link`, whose ranks run tasks by `x`: the manager in rank 0, a worker in
 * the others. `x` may be NULL in a rank that does not work. Of the options those count
 * that are not the executor's; the functions are borrowed. Takes `link` and `x` if it
 * succeeds. Fails with ROTA_E_NOMEM, or as the link's send does. */
int farm_over(struct link *link, struct executor *x,
              const struct rota_farm_options *options, struct farm_manner manner,
              struct rota_farm **out, struct rota_error *err);

/* As rota_generate. */
int farm_set_feed(struct rota_farm *f, farm_feed *feed, void *context);

/* Whether tasks may be submitted, or a generator given: 0, or how rota_submit fails. */
int farm_check_submit(const struct rota_farm *f);

/* `tasks` were submitted, or their results told: see to the workers, if it is time. */
void farm_progress_at_times(struct rota_farm *f, size_t tasks);

/* Have up to `most` tasks filled in; there must be a filler. Fails as broker_submit,
 * and with ROTA_E_ARG: it said that it had filled in more. */
int alike_feed(struct rota_farm *f, uint32_t most);

/* There is none any more. */
void alike_end(struct alike *a);

/* The worker's part, as rota_farm_work, which is given up when `stop` (NULL: never),
 * asked several times a second, says so: then no task runs any more, and the manager
 * may have sent this worker home or not. Words no error. */
int farm_work(struct rota_farm *f, bool (*stop)(void *ctx), void *ctx);

/* Take the manager's orders, waiting for the first until `deadline_ns`; without memory
 * they wait. *took: some came. */
int farm_take_orders(struct rota_farm *f, int64_t deadline_ns, bool *took);

/* All that could be done was; `refused`: but for what there was no memory for. That is
 * waited for, but not for ever: fails with ROTA_E_NOMEM after FARM_REFUSED_NS. */
int farm_bear(struct rota_farm *f, bool refused);

/* Whether there was no memory for what the hand had to do. */
bool farm_hand_was_refused(const struct rota_farm *f);

#endif
