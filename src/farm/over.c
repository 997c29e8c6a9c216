/* over.c - a farm over any link and any executor: its two roles, put together */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "farm/inner.h"
#include "farm/wire.h"

enum {
    AHEAD_OF_WORKER = 3,
};

/* With a 0 behind it, as behind all that is received: a rank's message to itself is. */
static void *message_of(const void *head, const void *data, size_t size)
{
    unsigned char *message = malloc(WIRE_HEAD_BYTES + size + 1);
    if (message == NULL)
        return NULL;
    memcpy(message, head, WIRE_HEAD_BYTES);
    if (size > 0)
        memcpy(message + WIRE_HEAD_BYTES, data, size);
    message[WIRE_HEAD_BYTES + size] = 0;
    return message;
}

/* Has left this process when it returns: a result that has been sent is not lost with
 * the rank, and so its task is not run again. */
static int hand_send(void *ctx, const void *head, const void *data, size_t size)
{
    struct link *l = ctx;
    rota_auto(heap) void *message = message_of(head, data, size);
    if (message == NULL)
        return ROTA_E_NOMEM;
    return l->ops->send(l, 0, WIRE_TO_MANAGER, message, WIRE_HEAD_BYTES + size);
}

/* Without waiting for the manager to take it: that would cost a worker the time in
 * which it could compute. What it has been lent bounds what can pile up here. */
static int hand_post(void *ctx, const void *head, const void *data, size_t size)
{
    struct link *l = ctx;
    void *message = message_of(head, data, size);
    if (message == NULL)
        return ROTA_E_NOMEM;
    int rc = l->ops->post(l, 0, WIRE_TO_MANAGER, message, WIRE_HEAD_BYTES + size);
    if (rc != 0 && rc != ROTA_E_LOST)
        free(message);
    return rc;
}

static int hand_settle(void *ctx)
{
    struct link *l = ctx;
    return l->ops->settle(l, 0);
}

static int broker_send(void *ctx, int worker, void *data, size_t size)
{
    struct rota_farm *f = ctx;
    int rc = f->link->ops->post(f->link, worker + f->first, WIRE_TO_WORKER, data, size);
    return rc == ROTA_E_LOST ? 0 : rc; /* its fate will show */
}

static void broker_done(void *ctx, void *data, size_t size)
{
    struct rota_farm *f = ctx;
    struct rota_message m = {.data = data, .size_bytes = size};
    f->link->ops->done(&m);
}

static void broker_tells_lost(void *ctx, int worker, const char *strange,
                              uint64_t again)
{
    const struct rota_farm *f = ctx;
    int rank = worker + f->first;
    struct rota_fate fate = f->link->ops->fate(f->link, rank);
    if (f->hooks.lost != NULL)
        f->hooks.lost(f->hooks.ctx, rank, strange ? NULL : &fate, strange, again);
}

static void broker_asks_fence(void *ctx, int worker)
{
    const struct rota_farm *f = ctx;
    if (f->link->ops->fence != NULL)
        f->link->ops->fence(f->link, worker + f->first);
}

static int parts_came(void *ctx, int worker, const struct broker_attempt *a,
                      const void *data, size_t size)
{
    const struct farm_hooks *h = &((const struct rota_farm *)ctx)->hooks;
    return h->parts ? h->parts->came(h->ctx, worker, a, data, size) : 0;
}

static bool parts_are_whole(void *ctx, uint64_t lease, uint64_t task)
{
    const struct farm_hooks *h = &((const struct rota_farm *)ctx)->hooks;
    return h->parts == NULL || h->parts->whole(h->ctx, lease, task);
}

static void parts_settled(void *ctx, uint64_t lease, uint64_t task, bool counts)
{
    const struct farm_hooks *h = &((const struct rota_farm *)ctx)->hooks;
    if (h->parts != NULL)
        h->parts->settled(h->ctx, lease, task, counts);
}

/* The hooks come and go, the broker's port stays. */
static const struct broker_parts parts = {
    .came = parts_came,
    .whole = parts_are_whole,
    .settled = parts_settled,
};

static void broker_tells_came(void *ctx, int worker, int slots, const char *host)
{
    const struct rota_farm *f = ctx;
    if (f->hooks.came != NULL)
        f->hooks.came(f->hooks.ctx, worker + f->first, slots, host);
}

static void broker_tells_tried(void *ctx, const struct rota_result *t)
{
    const struct rota_farm *f = ctx;
    if (f->hooks.tried != NULL)
        f->hooks.tried(f->hooks.ctx, t);
}

static int open_broker(struct rota_farm *f, const struct rota_farm_options *o,
                       struct farm_manner manner)
{
    struct broker_port port = {
        .send = broker_send,
        .done = broker_done,
        .lost = broker_tells_lost,
        .fence = broker_asks_fence,
        .parts = manner.parts ? &parts : NULL,
        .came = broker_tells_came,
        .tried = broker_tells_tried,
        .ctx = f,
    };
    struct broker_options options = {
        .workers = f->link->size - f->first,
        .first_rank = f->first,
        .functions = o->count,
        .fingerprint = hand_fingerprint(o->functions, o->count),
        .in_order = o->in_order,
        /* A manager that works lets others wait for as long as a task of its own. */
        .ahead = o->manager_works ? AHEAD_OF_WORKER : 0,
        .poison_limit = o->poison_limit,
        .retry_ns = o->retry_delay_ms * NS_PER_MS,
        .batch_ns = manner.batch_ns,
        .once = manner.once,
        .frail = manner.frail,
        .prompt = manner.prompt,
        .gap_ns = manner.gap_ns,
        .gap_adapts = manner.gap_adapts,
        .limit_times = manner.limit_times,
    };
    return broker_new(&options, &port, &f->broker);
}

static int open_hand(struct rota_farm *f, const struct rota_farm_options *o,
                     struct farm_manner manner, struct executor *x)
{
    struct hand_port port = {.send = manner.once ? hand_send : hand_post,
                             .settle = hand_settle,
                             .ctx = f->link};
    return hand_new(&port, x, o->count, hand_fingerprint(o->functions, o->count),
                    &f->hand);
}

static int say_hello(struct rota_farm *f)
{
    char host[WIRE_HOST_MAX + 1] = "";
    gethostname(host, sizeof(host) - 1);
    return hand_hello(f->hand, host);
}

/* Nothing of what the farm would take. */
static void undo(struct rota_farm *f)
{
    hand_free(f->hand);
    broker_free(f->broker);
    free(f);
}

int farm_over(struct link *link, struct executor *x,
              const struct rota_farm_options *options, struct farm_manner manner,
              struct rota_farm **out, struct rota_error *err)
{
    size_t members = (size_t)link->size * sizeof(enum farm_member);
    struct rota_farm *f = calloc(1, sizeof(*f) + members);
    if (f == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    f->link = link;
    f->functions = options->functions;
    f->count = options->count;
    f->first = options->manager_works || link->size == 1 ? 0 : 1;
    f->calls = f->calls_each = 1;
    f->opened_ns = clock_now_ns();
    f->nap_ns = manner.nap_ns;
    f->in_order = options->in_order;
    bool works = link->rank >= f->first;
    int rc = link->rank == 0 ? open_broker(f, options, manner) : 0;
    if (rc == 0 && works)
        rc = open_hand(f, options, manner, x);
    if (rc == 0 && works)
        rc = say_hello(f);
    if (rc == ROTA_E_LOST && link->rank != 0)
        rc = 0; /* the manager was done before this rank came: rota_farm_work tells */
    if (rc != 0) {
        undo(f);
        return error_set(err, rc, "rank %d cannot begin: %s", link->rank,
                         rota_strerror(rc));
    }
    if (works)
        f->executor = x;
    else
        executor_close(x);
    *out = f;
    return 0;
}

int rota_farm_rank(const struct rota_farm *farm)
{
    return farm->link->rank;
}

int rota_farm_size(const struct rota_farm *farm)
{
    return farm->link->size;
}

void rota_farm_close(struct rota_farm *farm)
{
    if (farm == NULL)
        return;
    if (farm->broker != NULL)
        broker_finish(farm->broker);
    if (farm->has_message)
        farm->link->ops->done(&farm->message);
    if (farm->has_order)
        farm->link->ops->done(&farm->order);
    executor_close(farm->executor);
    hand_free(farm->hand);
    broker_free(farm->broker);
    alike_end(&farm->alike);
    link_close(farm->link);
    free(farm->owned);
    free(farm);
}
