/* broker.h - the manager's mind: tasks in, messages out; messages in, results out
 *
 * No clock, no I/O, no MPI: whoever drives it (farm.c; a simulation) brings the time,
 * what came from workers and how they are, and a port to send through.
 *
 *     broker_submit(...)                             tasks come
 *     broker_receive(...), broker_lost(...), ...     workers report, go, are stopped
 *     broker_act(b, now_ns);                         tasks go out
 *     while (broker_next(b, &result)) ...            results come
 *
 * A function that fails with ROTA_E_NOMEM has lost nothing: what it did not come to
 * do is done in the next broker_act.
 */
#ifndef ROTA_FARM_BROKER_H
#define ROTA_FARM_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "execute/parcel.h"
#include "rota.h"

/* An attempt at a task, whose tag is the user's. */
struct broker_attempt {
    uint64_t lease;
    uint64_t task;
    uint64_t tag;
};

/* Tasks that say something before their result: what an attempt, `task` of `lease`,
 * says in parts counts once its result does. None may call the broker. */
struct broker_parts {
    /* `size` bytes at `data` came from `worker`, of an attempt that has no result yet.
     * 0; ROTA_E_NOMEM: try again later; ROTA_E_IO: they can't be kept, the attempt is
     * to be ended; ROTA_E_FORMAT: they make no sense. */
    int (*came)(void *ctx, int worker, const struct broker_attempt *a, const void *data,
                size_t size);
    /* Whether all of its parts were kept. If not, it has failed whatever it says. */
    bool (*whole)(void *ctx, uint64_t lease, uint64_t task);
    /* Its result has come, and counts; or not, and its parts are not wanted. What a
     * lost worker's attempts said, without a result that counts, is not wanted either,
     * which `lost` alone tells. */
    void (*settled)(void *ctx, uint64_t lease, uint64_t task, bool counts);
};

struct broker_port {
    /* Send `size` bytes at `data` (of malloc) to `worker`, without waiting. 0: `data`
     * is the port's; a worker that has gone is no error. Or ROTA_E_NOMEM, ROTA_E_MPI:
     * nothing was sent, and `data` is still the caller's. */
    int (*send)(void *ctx, int worker, void *data, size_t size);
    /* What came in a message that was received is not needed any more. */
    void (*done)(void *ctx, void *data, size_t size);
    /* `worker` is lost, and `again` tasks that it ran, as far as is known, will run
     * again. `strange`: it is not known to have gone, but is none of this farm's, as
     * this says ("sent ..."; NULL: it has gone). May be NULL; must not call the broker.
     */
    void (*lost)(void *ctx, int worker, const char *strange, uint64_t again);
    /* `worker` may be alive, but has lost its mind: see to its end. As lost. */
    void (*fence)(void *ctx, int worker);
    const struct broker_parts *parts; /* NULL: there are none */
    /* `worker` has come, and runs so many tasks at once on `host` (borrowed, any
     * bytes). As lost. */
    void (*came)(void *ctx, int worker, int slots, const char *host);
    /* An attempt has failed, and another will be made: `t` says how, its data is
     * borrowed. As lost. */
    void (*tried)(void *ctx, const struct rota_result *t);
    void *ctx;
};

struct broker_options {
    int workers;
    int first_rank;       /* worker w is rank w + this one */
    int functions;        /* in the table that all share */
    uint64_t fingerprint; /* of that table */
    bool in_order;
    int ahead;        /* plan.h's; 0: its default */
    int poison_limit; /* 0: plan.h's */
    int64_t retry_ns; /* 0: plan.h's */
    int64_t batch_ns; /* 0: plan.h's */
    bool once;        /* plan.h's; so too: */
    bool frail;
    bool prompt;
    int64_t gap_ns;
    bool gap_adapts;
    double limit_times; /* and workers are told */
};

struct broker;

/* *out is the caller's: broker_free(). Fails with ROTA_E_ARG or ROTA_E_NOMEM. */
int broker_new(const struct broker_options *options, const struct broker_port *port,
               struct broker **out);
void broker_free(struct broker *b);

/* Add a task; a `near` that is no worker counts as none. *task (NULL is accepted) is
 * its number. Fails with ROTA_E_NOMEM. */
int broker_submit(struct broker *b, const struct parcel_task *t, uint64_t *task);

/* The same for a task of which nothing but its function and payload (of at most
 * PARCEL_SIZE_MAX bytes) is said, as of most: shorter. */
int broker_submit_plain(struct broker *b, uint16_t function, const void *data,
                        size_t size, uint64_t *task);

/* Room for the payloads of the next tasks, all as `t`, as ledger_room gives it; and so
 * many of these have come. Nothing else may be asked of the broker between the two.
 * Fails with ROTA_E_NOMEM. */
int broker_room(struct broker *b, const struct parcel_task *t, unsigned char **room,
                uint32_t *count);
void broker_fill(struct broker *b, uint32_t count);

/* How many tasks have come: the next one's number. */
uint64_t broker_submitted(const struct broker *b);

/* `size` bytes at `data` came from `worker`: both are the broker's if this succeeds. A
 * worker that sends what is none of a worker's is seen as lost from then on. Fails with
 * ROTA_E_NOMEM: nothing was taken, try again later. */
int broker_receive(struct broker *b, int64_t now_ns, int worker, void *data,
                   size_t size);

/* `worker` has gone, or will not come, and nothing of it is received any more.
 * `overtime`: by its own timer, for a task that ran too long. Fails with ROTA_E_NOMEM
 * or ROTA_E_MPI: it is not taken note of, try again later. */
int broker_lost(struct broker *b, int64_t now_ns, int worker, bool overtime);

/* What `worker` has sent last can't even be read as a message: it is as nonsense is. As
 * broker_lost. */
int broker_refuse(struct broker *b, int64_t now_ns, int worker);

/* `worker` was stopped, or goes on. */
void broker_freeze(struct broker *b, int64_t now_ns, int worker, bool frozen);

/* Nothing more is lent to anyone, and what has not begun is wanted back; or that is
 * over (plan_shut). */
void broker_shut(struct broker *b, int64_t now_ns, bool shut);

/* As rota_cancel; and fails with ROTA_E_NOMEM or ROTA_E_MPI, as broker_act does: it is
 * not cancelled, try again later. */
int broker_cancel(struct broker *b, int64_t now_ns, uint64_t task);

/* `size` bytes more for the attempt `task` of `lease` at `worker` to read; `last`: and
 * then no more. Fails with ROTA_E_NOTFOUND (it has ended), ROTA_E_NOMEM or ROTA_E_MPI:
 * nothing was sent. */
int broker_feed(struct broker *b, int worker, uint64_t lease, uint64_t task,
                const void *data, size_t size, bool last);

/* Do what is to be done now. Fails with ROTA_E_NOMEM or ROTA_E_MPI. */
int broker_act(struct broker *b, int64_t now_ns);

/* Whether it did not lend what it could have, for want of memory. */
bool broker_was_refused(const struct broker *b);

/* When to act again if nothing happens (INT64_MAX: only then). */
int64_t broker_wake_ns(const struct broker *b);

/* The next result, or false. out->ended_ns is the time that was given. out->data is
 * valid until the next call for this broker. */
bool broker_next(struct broker *b, struct rota_result *out);

/* From here on, results that come in order do so past those that have none. */
void broker_skip_gaps(struct broker *b);
/* The next results, or false: *count of them, as rota_next_run, at most `most` (1 or
 * more). */
bool broker_next_run(struct broker *b, size_t most, struct rota_result *out,
                     size_t *count);

/* The payload of the task whose result was told last: valid as long as that is. */
void broker_payload(const struct broker *b, const void **data, size_t *size);

/* Whether workers would soon be idle without further tasks, and results do not pile
 * up. */
bool broker_is_hungry(struct broker *b);

/* Whether each task's result has been told. */
bool broker_is_over(const struct broker *b);

/* Send everyone home who has come. */
void broker_finish(struct broker *b);

void broker_stats(const struct broker *b, struct rota_stats *out);

/* What rota_stats does not say. */
struct broker_counts {
    uint64_t running;   /* tasks that may be, at most one a lease */
    uint64_t succeeded; /* and counts, told or not */
    uint64_t failed;    /* for good; so too */
    int shut;           /* workers that want nothing more */
};

struct broker_counts broker_counts(const struct broker *b);

ROTA_AUTO_DEFINE(broker, struct broker *, broker_free);

#endif
