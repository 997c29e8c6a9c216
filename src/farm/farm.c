/* farm.c - the farm's public calls: a broker, a hand, and the clock and the messages
 * that drive them
 *
 * Rank 0 has a broker. Every other rank, and rank 0 where it works too, has an executor
 * and a hand. Rank 0 speaks to itself by messages as it does to others, so that its
 * own work is no special case.
 *
 * What the manager does it does in `progress`: see who has gone, take what came, work a
 * little itself, and let the broker act. rota_next calls it whenever it has no result
 * at hand; and every so many results or submissions, as often as to be about every
 * PROGRESS_NS, so that whoever submits for long, or thinks long about each result, has
 * workers that go on.
 *
 * Times are counted from the farm's opening.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "execute/executor.h"
#include "farm/broker.h"
#include "farm/hand.h"
#include "farm/wire.h"
#include "message/inner.h"

enum {
    FUNCTIONS_MAX = UINT16_MAX,
    MESSAGES_AT_ONCE = 64,
    GENERATE_AT_ONCE = 256, /* tasks, between two questions whether that is enough */
    CALLS_MOST = 1024,      /* of rota_next and rota_submit, between two progresses */
};

#define PROGRESS_NS (NS_PER_MS / 2)
#define NAP_NS      (NS_PER_MS / 2) /* while own children run, and messages may come */
#define LEAVING_NS  NS_PER_MS /* between two looks for what a lost rank had sent */

/* How a worker's rank is, to the manager. */
enum member {
    MEMBER_HERE,
    MEMBER_FROZEN,
    MEMBER_LEAVING, /* it has gone; what it had sent may still come */
    MEMBER_GONE,
};

struct rota_farm {
    struct rota *rota;
    int rank;
    int size;
    struct rota_function *functions; /* one block, names behind it */
    int count;
    struct executor_options executing;
    bool in_rank;
    struct executor *executor;
    struct hand *hand;
    struct broker *broker;
    rota_generator *generator;
    void *generating;
    int64_t opened_ns;
    int calls;      /* until the next progress */
    int calls_each; /* how many that is, at present */
    int64_t progress_ns;
    uint32_t news;
    int first; /* the first rank that works */
    int leaving;
    bool has_message; /* `message` came, but there was no memory for it yet */
    struct rota_message message;
    enum member members[];
};

static int64_t farm_now(const struct rota_farm *f)
{
    return clock_now_ns() - f->opened_ns;
}

/* ---- opening ----------------------------------------------------------------- */

static int check_options(const struct rota_farm_options *o, struct rota_error *err)
{
    if (o == NULL || o->functions == NULL || o->count < 1 || o->count > FUNCTIONS_MAX)
        return error_set(err, ROTA_E_ARG, "a farm needs 1 to %d functions",
                         FUNCTIONS_MAX);
    for (int i = 0; i < o->count; i++) {
        if (o->functions[i].name == NULL || o->functions[i].run == NULL)
            return error_set(err, ROTA_E_ARG,
                             "function %d of the farm has no name, or nothing to run",
                             i);
        for (int j = 0; j < i; j++) {
            if (strcmp(o->functions[i].name, o->functions[j].name) == 0)
                return error_set(err, ROTA_E_ARG, "two functions are called '%s'",
                                 o->functions[i].name);
        }
    }
    if (o->slots < 0 || o->slots > WIRE_SLOTS_MAX || o->poison_limit < 0 ||
        o->retry_delay_ms < 0)
        return error_set(err, ROTA_E_ARG,
                         "an option of the farm is below 0, or asks "
                         "for too many slots");
    if (o->in_rank && o->slots > 1)
        return error_set(err, ROTA_E_ARG,
                         "functions that run in the rank itself run one at a time: "
                         "set slots to 1, or in_rank to false");
    return 0;
}

static struct rota_function *copy_functions(const struct rota_function *from, int count)
{
    size_t bytes = (size_t)count * sizeof(from[0]);
    for (int i = 0; i < count; i++)
        bytes += strlen(from[i].name) + 1;
    struct rota_function *to = malloc(bytes);
    if (to == NULL)
        return NULL;
    char *name = (char *)(to + count);
    for (int i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].name = name;
        name = stpcpy(name, from[i].name) + 1;
    }
    return to;
}

static int hand_send(void *ctx, const void *data, size_t size)
{
    struct rota_farm *f = ctx;
    return rota_send(f->rota, 0, WIRE_TO_MANAGER, data, size);
}

static int broker_send(void *ctx, int worker, void *data, size_t size)
{
    struct rota_farm *f = ctx;
    int rc = rota_post(f->rota, worker + f->first, WIRE_TO_WORKER, data, size);
    return rc == ROTA_E_LOST ? 0 : rc; /* progress will see it */
}

static void broker_done(void *ctx, void *data, size_t size)
{
    (void)ctx;
    struct rota_message m = {.data = data, .size_bytes = size};
    rota_message_done(&m);
}

static int open_broker(struct rota_farm *f, const struct rota_farm_options *o,
                       struct rota_error *err)
{
    struct broker_port port = {.send = broker_send, .done = broker_done, .ctx = f};
    struct broker_options options = {
        .workers = f->size - f->first,
        .first_rank = f->first,
        .functions = f->count,
        .fingerprint = hand_fingerprint(f->functions, f->count),
        .in_order = o->in_order,
        .poison_limit = o->poison_limit,
        .retry_ns = o->retry_delay_ms * NS_PER_MS,
    };
    int rc = broker_new(&options, &port, &f->broker);
    return rc ? error_set(err, rc, "cannot plan for %d workers: %s", options.workers,
                          rota_strerror(rc))
              : 0;
}

static int open_hand(struct rota_farm *f, struct rota_error *err)
{
    struct hand_port port = {.send = hand_send, .ctx = f};
    int rc = hand_new(&port, f->executor, f->count,
                      hand_fingerprint(f->functions, f->count), &f->hand);
    if (rc == 0)
        rc = hand_hello(f->hand);
    return rc ? error_set(err, rc,
                          "rank %d cannot tell the manager that it is there: %s",
                          f->rank, rota_strerror(rc))
              : 0;
}

/* What must be before MPI. Which rank this is, and so whether it works, is not known
 * yet: that of rank 0 may be for nothing. */
static int before_mpi(void *ctx, struct rota_error *err)
{
    struct rota_farm *f = ctx;
    if (f->in_rank)
        return executor_in_rank_open(&f->executing, &f->executor, err);
    return executor_isolated_open(&f->executing, &f->executor, err);
}

static int open_roles(struct rota_farm *f, const struct rota_farm_options *o,
                      struct rota_error *err)
{
    bool works = f->rank > 0 || f->first == 0;
    int rc = f->rank == 0 ? open_broker(f, o, err) : 0;
    if (works)
        return rc ? rc : open_hand(f, err);
    executor_close(rota_steal(f->executor));
    return rc;
}

static void farm_free(struct rota_farm *f)
{
    if (f == NULL)
        return;
    if (f->has_message)
        rota_message_done(&f->message);
    hand_free(f->hand);
    executor_close(f->executor);
    broker_free(f->broker);
    rota_close(f->rota);
    free(f->functions);
    free(f);
}

ROTA_AUTO_DEFINE(farm, struct rota_farm *, farm_free);

int rota_farm_open(const struct rota_farm_options *options, struct rota_farm **out,
                   struct rota_error *err)
{
    if (out == NULL)
        return error_set(err, ROTA_E_ARG,
                         "rota_farm_open needs somewhere to put the handle");
    int rc = check_options(options, err);
    if (rc != 0)
        return rc;
    rota_auto(farm) struct rota_farm *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    f->functions = copy_functions(options->functions, options->count);
    if (f->functions == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    f->count = options->count;
    f->in_rank = options->in_rank;
    f->executing = (struct executor_options){
        .functions = f->functions,
        .count = f->count,
        .slots = options->slots > 0 ? options->slots : 1,
        .memory_limit_bytes = options->memory_limit_bytes,
    };
    rc = rota_open_after(before_mpi, f, &f->rota, err);
    if (rc != 0)
        return rc;
    f->rank = rota_rank(f->rota);
    f->size = rota_size(f->rota);
    f->first = options->manager_works || f->size == 1 ? 0 : 1;
    f->calls = f->calls_each = 1;
    size_t bytes = sizeof(*f) + (size_t)f->size * sizeof(f->members[0]);
    struct rota_farm *sized = realloc(f, bytes);
    if (sized == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    f = sized;
    memset(f->members, 0, (size_t)f->size * sizeof(f->members[0]));
    f->opened_ns = clock_now_ns();
    rc = open_roles(f, options, err);
    if (rc == 0)
        *out = rota_steal(f);
    return rc;
}

int rota_farm_rank(const struct rota_farm *farm)
{
    return farm->rank;
}

int rota_farm_size(const struct rota_farm *farm)
{
    return farm->size;
}

void rota_farm_close(struct rota_farm *farm)
{
    if (farm != NULL && farm->broker != NULL)
        broker_finish(farm->broker);
    farm_free(farm);
}

/* ---- working ----------------------------------------------------------------- */

/* Whether the manager has left as one should: it closed the farm, or ended well. */
static bool manager_left_well(const struct rota_farm *f)
{
    struct rota_fate fate;
    return rota_fate(f->rota, 0, &fate) == 0 &&
           (fate.how == ROTA_CLOSED || (fate.how == ROTA_EXITED && fate.code == 0));
}

/* Take what the manager has sent until `deadline_ns`; without memory, later. *took:
 * something came. */
static int take_orders(struct rota_farm *f, int64_t deadline_ns, bool *took)
{
    *took = false;
    while (!hand_is_finished(f->hand)) {
        if (!f->has_message) {
            int rc = rota_recv_until(f->rota, 0, WIRE_TO_WORKER, deadline_ns,
                                     rota_news(f->rota), &f->message);
            if (rc != 0)
                return rc == ROTA_E_TIMEOUT ? 0 : rc;
        }
        int rc = hand_receive(f->hand, f->message.data, f->message.size_bytes);
        f->has_message = rc == ROTA_E_NOMEM;
        if (f->has_message)
            return 0;
        rota_message_done(&f->message);
        if (rc != 0)
            return rc;
        *took = true;
        deadline_ns = 0;
    }
    return 0;
}

static int work(struct rota_farm *f)
{
    while (!hand_is_finished(f->hand)) {
        bool took;
        bool reported;
        bool idle = f->executor->held == 0 && !f->has_message;
        int rc = take_orders(f, idle ? INT64_MAX : 0, &took);
        if (rc == 0)
            rc = hand_work(f->hand, &reported);
        if (rc != 0)
            return rc;
        if (!took && !reported && f->executor->held > 0 && !f->executor->ready)
            f->executor->ops->wait(f->executor, NAP_NS);
    }
    return 0;
}

int rota_farm_work(struct rota_farm *farm, struct rota_error *err)
{
    if (farm == NULL || farm->hand == NULL || farm->rank == 0)
        return error_set(err, ROTA_E_STATE,
                         "rota_farm_work is for the ranks that are not the manager");
    int rc = work(farm);
    if (rc == ROTA_E_LOST && manager_left_well(farm))
        return 0;
    if (rc == ROTA_E_LOST)
        return error_set(err, rc, "rank %d cannot go on: the manager, rank 0, has gone",
                         farm->rank);
    if (rc == ROTA_E_ARG)
        return error_set(err, ROTA_E_STATE,
                         "rank %d has other functions than rank 0; let all ranks "
                         "register the same, in the same order",
                         farm->rank);
    if (rc != 0)
        return error_set(err, rc, "rank %d cannot go on working: %s", farm->rank,
                         rota_strerror(rc));
    return 0;
}

/* ---- managing: what comes ---------------------------------------------------- */

/* Hand the message that came to the broker. Without memory, it stays. */
static int pass_message(struct rota_farm *f)
{
    struct rota_message *m = &f->message;
    int rc = broker_receive(f->broker, farm_now(f), m->source - f->first, m->data,
                            m->size_bytes);
    f->has_message = rc == ROTA_E_NOMEM;
    return rc;
}

static int take_messages(struct rota_farm *f, int source, int64_t deadline_ns)
{
    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        if (!f->has_message) {
            int rc = rota_recv_until(f->rota, source, WIRE_TO_MANAGER, deadline_ns,
                                     f->news, &f->message);
            if (rc != 0)
                return rc;
        }
        int rc = pass_message(f);
        if (rc != 0)
            return rc;
        deadline_ns = 0;
    }
    return 0;
}

static struct rota_fate fate_of(const struct rota_farm *f, int rank)
{
    struct rota_fate fate = {0};
    rota_fate(f->rota, rank, &fate);
    return fate;
}

/* What a rank that has gone had sent, and then its loss. */
static int see_off(struct rota_farm *f, int rank)
{
    int rc = take_messages(f, rank, 0);
    if (rc == 0 || rc == ROTA_E_TIMEOUT)
        return 0; /* there may be more */
    if (rc != ROTA_E_LOST && rc != ROTA_E_FORMAT)
        return rc;
    struct rota_fate fate = fate_of(f, rank);
    rc = broker_lost(f->broker, farm_now(f), rank - f->first,
                     fate.how == ROTA_KILLED && fate.code == SIGALRM);
    if (rc == 0) {
        f->members[rank] = MEMBER_GONE;
        f->leaving--;
    }
    return rc;
}

static void look_at(struct rota_farm *f, int rank)
{
    struct rota_fate fate = fate_of(f, rank);
    enum member now = fate.how == ROTA_ALIVE     ? MEMBER_HERE
                      : fate.how == ROTA_STOPPED ? MEMBER_FROZEN
                                                 : MEMBER_LEAVING;
    if (now == f->members[rank])
        return;
    if (now == MEMBER_LEAVING)
        f->leaving++;
    else
        broker_freeze(f->broker, farm_now(f), rank - f->first, now == MEMBER_FROZEN);
    f->members[rank] = now;
}

/* See how everyone is. */
static int look_around(struct rota_farm *f)
{
    uint32_t news = rota_news(f->rota);
    for (int rank = f->first; rank < f->size && news != f->news; rank++) {
        if (rank != f->rank && f->members[rank] < MEMBER_LEAVING)
            look_at(f, rank);
    }
    f->news = news;
    for (int rank = f->first; rank < f->size && f->leaving > 0; rank++) {
        int rc = f->members[rank] == MEMBER_LEAVING ? see_off(f, rank) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- managing: what goes ----------------------------------------------------- */

static int function_of(const struct rota_farm *f, const char *name)
{
    if (name == NULL || name == f->functions[0].name)
        return 0;
    for (int i = 0; i < f->count; i++) {
        if (strcmp(name, f->functions[i].name) == 0)
            return i;
    }
    return -1;
}

static int submit(struct rota_farm *f, const struct rota_spec *s, uint64_t *task)
{
    int function = function_of(f, s->function);
    if (function < 0)
        return ROTA_E_NOTFOUND;
    if ((s->data == NULL && s->size_bytes > 0) || s->size_bytes > PARCEL_SIZE_MAX ||
        s->retries < 0 || s->retries > PARCEL_RETRIES_MAX || s->near < 0 ||
        s->near > f->size || s->near > UINT16_MAX || s->time_limit_ms < 0)
        return ROTA_E_ARG;
    struct parcel_task t = {
        .data = s->data,
        .size = s->size_bytes,
        .tag = s->tag,
        .time_limit_ms =
            s->time_limit_ms < UINT32_MAX ? (uint32_t)s->time_limit_ms : UINT32_MAX,
        .priority = s->priority,
        .function = (uint16_t)function,
        .retries = (uint16_t)s->retries,
        .near = (uint16_t)s->near,
    };
    return broker_submit(f->broker, &t, task);
}

static int generate(struct rota_farm *f)
{
    while (f->generator != NULL && broker_is_hungry(f->broker)) {
        for (int i = 0; i < GENERATE_AT_ONCE && f->generator != NULL; i++) {
            struct rota_spec s = {0};
            if (!f->generator(f->generating, &s)) {
                f->generator = NULL;
                return 0;
            }
            int rc = submit(f, &s, NULL);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

/* The manager's own work. */
static int work_along(struct rota_farm *f)
{
    struct rota_message m;
    bool reported;
    while (rota_recv_until(f->rota, 0, WIRE_TO_WORKER, 0, f->news, &m) == 0) {
        int rc = hand_receive(f->hand, m.data, m.size_bytes);
        rota_message_done(&m);
        if (rc != 0)
            return rc;
    }
    return hand_work(f->hand, &reported);
}

/* All that can be done without waiting. */
static int progress(struct rota_farm *f)
{
    int rc = look_around(f);
    if (rc == 0)
        rc = take_messages(f, ROTA_ANY_SOURCE, 0);
    if (rc == 0 || rc == ROTA_E_TIMEOUT || rc == ROTA_E_LOST)
        rc = f->hand ? work_along(f) : 0;
    if (rc == 0)
        rc = generate(f);
    if (rc == 0)
        rc = broker_act(f->broker, farm_now(f));
    return rc;
}

/* Every so many calls, progress, and see how many calls should be between. */
static int progress_at_times(struct rota_farm *f)
{
    if (--f->calls > 0)
        return 0;
    int64_t now = clock_now_ns();
    if (now - f->progress_ns > PROGRESS_NS && f->calls_each > 1)
        f->calls_each /= 2;
    else if (now - f->progress_ns < PROGRESS_NS / 2 && f->calls_each < CALLS_MOST)
        f->calls_each *= 2;
    int rc = progress(f);
    f->calls = f->calls_each;
    f->progress_ns = clock_now_ns();
    return rc;
}

/* ---- managing: the calls ----------------------------------------------------- */

static int check_manager(const struct rota_farm *f)
{
    if (f == NULL)
        return ROTA_E_ARG;
    return f->broker == NULL ? ROTA_E_STATE : 0;
}

int rota_submit(struct rota_farm *farm, const struct rota_spec *spec, uint64_t *task)
{
    int rc = check_manager(farm);
    if (rc != 0 || spec == NULL)
        return rc ? rc : ROTA_E_ARG;
    rc = farm->generator ? ROTA_E_STATE : submit(farm, spec, task);
    if (rc == 0)
        progress_at_times(farm); /* what fails in it is rota_next's to say */
    return rc;
}

int rota_submit_many(struct rota_farm *farm, const struct rota_spec *specs,
                     size_t count, size_t *submitted)
{
    size_t i = 0;
    int rc = check_manager(farm);
    if (rc == 0 && specs == NULL && count > 0)
        rc = ROTA_E_ARG;
    for (; rc == 0 && i < count; i++) {
        rc = rota_submit(farm, &specs[i], NULL);
        if (rc != 0)
            break;
    }
    if (submitted != NULL)
        *submitted = i;
    return rc;
}

int rota_generate(struct rota_farm *farm, rota_generator *generator, void *context)
{
    int rc = check_manager(farm);
    if (rc != 0 || generator == NULL)
        return rc ? rc : ROTA_E_ARG;
    if (farm->generator != NULL)
        return ROTA_E_STATE;
    farm->generator = generator;
    farm->generating = context;
    return 0;
}

static void sleep_until(int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / NS_PER_SEC,
                             .tv_nsec = deadline_ns % NS_PER_SEC};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* Wait for anything to happen until `deadline_ns` (of the clock). */
static int await_event(struct rota_farm *f, int64_t deadline_ns)
{
    int64_t wake = broker_wake_ns(f->broker);
    if (wake < INT64_MAX && wake + f->opened_ns < deadline_ns)
        deadline_ns = wake + f->opened_ns;
    if (f->executor != NULL && f->executor->ready)
        return 0;
    int64_t soon = clock_now_ns() + LEAVING_NS;
    if (f->leaving > 0 && soon < deadline_ns)
        deadline_ns = soon;
    if (f->executor != NULL && f->executor->held > 0) {
        f->executor->ops->wait(f->executor, NAP_NS);
        return 0;
    }
    int rc = take_messages(f, ROTA_ANY_SOURCE, deadline_ns);
    if (rc == ROTA_E_LOST) /* nobody else is there: it is a time that is waited for */
        sleep_until(deadline_ns < soon ? deadline_ns : soon);
    return rc == ROTA_E_TIMEOUT || rc == ROTA_E_LOST ? 0 : rc;
}

static int64_t deadline_of(int64_t timeout_ms)
{
    int64_t ns;
    if (timeout_ms < 0 || __builtin_mul_overflow(timeout_ms, NS_PER_MS, &ns) ||
        __builtin_add_overflow(ns, clock_now_ns(), &ns))
        return INT64_MAX;
    return ns;
}

/* No result is at hand: work for one, and wait. */
static int next_in_time(struct rota_farm *f, int64_t timeout_ms,
                        struct rota_result *out)
{
    int64_t deadline_ns = timeout_ms ? deadline_of(timeout_ms) : 0;
    for (;;) {
        int rc = progress(f);
        if (broker_next(f->broker, out))
            return 0;
        if (rc != 0)
            return rc;
        if (f->generator == NULL && broker_is_over(f->broker))
            return ROTA_E_NOTFOUND;
        if (timeout_ms == 0 ||
            (deadline_ns != INT64_MAX && clock_now_ns() >= deadline_ns))
            return ROTA_E_TIMEOUT;
        rc = await_event(f, deadline_ns);
        if (rc != 0)
            return rc;
    }
}

int rota_next(struct rota_farm *farm, int64_t timeout_ms, struct rota_result *out)
{
    int rc = check_manager(farm);
    if (rc != 0 || out == NULL || timeout_ms < ROTA_FOREVER)
        return rc ? rc : ROTA_E_ARG;
    progress_at_times(farm); /* what fails in it fails again, once there is no result */
    if (broker_next(farm->broker, out))
        return 0;
    return next_in_time(farm, timeout_ms, out);
}

int rota_cancel(struct rota_farm *farm, uint64_t task)
{
    int rc = check_manager(farm);
    return rc ? rc : broker_cancel(farm->broker, farm_now(farm), task);
}

void rota_farm_stats(const struct rota_farm *farm, struct rota_stats *out)
{
    *out = (struct rota_stats){0};
    if (check_manager(farm) == 0)
        broker_stats(farm->broker, out);
}

/* ---- words ------------------------------------------------------------------- */

const char *rota_outcome_text(enum rota_outcome outcome, int code, char *buf,
                              size_t size)
{
    const char *name = sigabbrev_np(code);
    switch (outcome) {
    case ROTA_DONE:
        snprintf(buf, size, "was done");
        break;
    case ROTA_FAILED:
        snprintf(buf, size, "failed with code %d", code);
        break;
    case ROTA_CRASHED:
        snprintf(buf, size, "was ended by signal %d (%s%s)", code, name ? "SIG" : "",
                 name ? name : "unknown");
        break;
    case ROTA_QUIT:
        snprintf(buf, size, "ended its process with status %d", code);
        break;
    case ROTA_OVERTIME:
        snprintf(buf, size, "ran out of time");
        break;
    case ROTA_POISON:
        snprintf(buf, size, "was given up: %d workers were lost while they ran it",
                 code);
        break;
    case ROTA_CANCELLED:
        snprintf(buf, size, "was cancelled");
        break;
    case ROTA_UNTRIED:
        snprintf(buf, size, "was not done: no worker is left");
        break;
    case ROTA_OUTCOMES:
    default:
        snprintf(buf, size, "has no outcome");
        break;
    }
    return buf;
}
