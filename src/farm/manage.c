/* manage.c - the farm's manager: a broker, and what drives it
 *
 * What the manager does it does in `progress`: see who has gone, take what came, work a
 * little itself, and let the broker act. rota_next calls it whenever it has no result
 * at hand; and every so many results or submissions, as often as to be about every
 * PROGRESS_NS, so that whoever submits for long, or thinks long about each result, has
 * workers that go on.
 */
#include <signal.h>

#include "execute/task.h"
#include "farm/inner.h"
#include "farm/wire.h"

enum {
    MESSAGES_AT_ONCE = 64,
    GENERATE_AT_ONCE = 256, /* tasks, between two questions whether that is enough */
    SUBMIT_AT_ONCE = 4096,
    CALLS_MOST = 1024, /* of rota_next and rota_submit, between two progresses */
};

#define PROGRESS_NS (NS_PER_MS / 4)
#define GENERATE_NS (NS_PER_MS / 8)
#define LEAVING_NS  NS_PER_MS /* between two looks for what a lost rank had sent */

static int64_t farm_now(const struct rota_farm *f)
{
    return clock_now_ns() - f->opened_ns;
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
            int rc = f->link->ops->receive(f->link, source, WIRE_TO_MANAGER,
                                           deadline_ns, f->news, &f->message);
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

/* What a rank that has gone had sent, and then its loss. */
static int see_off(struct rota_farm *f, int rank)
{
    int rc = take_messages(f, rank, 0);
    if (rc == 0 || rc == ROTA_E_TIMEOUT)
        return 0; /* there may be more */
    if (rc != ROTA_E_LOST && rc != ROTA_E_FORMAT)
        return rc;
    struct rota_fate fate = f->link->ops->fate(f->link, rank);
    rc = broker_lost(f->broker, farm_now(f), rank - f->first,
                     fate.how == ROTA_KILLED && fate.code == SIGALRM);
    if (rc == 0) {
        f->members[rank] = FARM_GONE;
        f->leaving--;
    }
    return rc;
}

static void look_at(struct rota_farm *f, int rank)
{
    struct rota_fate fate = f->link->ops->fate(f->link, rank);
    enum farm_member now = fate.how == ROTA_ALIVE     ? FARM_HERE
                           : fate.how == ROTA_STOPPED ? FARM_FROZEN
                                                      : FARM_LEAVING;
    if (now == f->members[rank])
        return;
    if (now == FARM_LEAVING)
        f->leaving++;
    else
        broker_freeze(f->broker, farm_now(f), rank - f->first, now == FARM_FROZEN);
    f->members[rank] = now;
}

/* See how everyone is. */
static int look_around(struct rota_farm *f)
{
    uint32_t news = f->link->ops->news(f->link);
    for (int rank = f->first; rank < f->link->size && news != f->news; rank++) {
        if (rank != f->link->rank && f->members[rank] < FARM_LEAVING)
            look_at(f, rank);
    }
    f->news = news;
    for (int rank = f->first; rank < f->link->size && f->leaving > 0; rank++) {
        int rc = f->members[rank] == FARM_LEAVING ? see_off(f, rank) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- managing: what goes ----------------------------------------------------- */

/* Whether nothing but a function and a payload is said of the task. */
static bool is_plain(const struct rota_spec *s)
{
    return s->tag == 0 && s->retries == 0 && s->priority == 0 && s->near == 0 &&
           s->time_limit_ms == 0 && s->data != NULL && s->size_bytes <= PARCEL_SIZE_MAX;
}

static int submit(struct rota_farm *f, const struct rota_spec *s, uint64_t *task)
{
    struct parcel_task t;
    int function =
        is_plain(s) ? task_function(f->functions, f->count, s->function) : -1;
    if (function >= 0)
        return broker_submit_plain(f->broker, (uint16_t)function, s->data,
                                   s->size_bytes, task);
    int rc = task_from_spec(f->functions, f->count, s, &t);
    if (rc != 0)
        return rc;
    return t.near > f->link->size ? ROTA_E_ARG : broker_submit(f->broker, &t, task);
}

/* Submit the next generated task. One for which there is no memory is kept, and one
 * that cannot be submitted at all left out. */
static int generate_one(struct rota_farm *f)
{
    if (!f->has_spec) {
        f->spec = (struct rota_spec){0};
        f->has_spec = f->generator(f->generating, &f->spec);
    }
    if (!f->has_spec) {
        f->generator = NULL;
        return 0;
    }
    int rc = submit(f, &f->spec, NULL);
    f->has_spec = rc == ROTA_E_NOMEM;
    return rc;
}

/* Not for long at a time: workers may be waiting for what is there already. */
static int generate(struct rota_farm *f)
{
    int64_t until_ns = clock_now_ns() + GENERATE_NS;
    int rc = 0;
    while (rc == 0 && f->generator != NULL && broker_is_hungry(f->broker)) {
        for (int i = 0; i < GENERATE_AT_ONCE && rc == 0 && f->generator != NULL; i++)
            rc = generate_one(f);
        if (clock_now_ns() > until_ns)
            break;
    }
    return rc;
}

/* The manager's own work. */
static int work_along(struct rota_farm *f)
{
    struct rota_message m;
    bool reported;
    while (f->link->ops->receive(f->link, 0, WIRE_TO_WORKER, 0, f->news, &m) == 0) {
        int rc = hand_receive(f->hand, m.data, m.size_bytes);
        f->link->ops->done(&m);
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
    if (rc == 0 && farm->generator != NULL)
        rc = ROTA_E_STATE;
    /* First all, so that the most urgent is first; but nobody is to wait for long. */
    while (rc == 0 && i < count) {
        rc = submit(farm, &specs[i], NULL);
        i += rc == 0;
        if (i % SUBMIT_AT_ONCE == 0)
            progress_at_times(farm);
    }
    if (i > 0)
        progress_at_times(farm);
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
        f->executor->ops->wait(f->executor, FARM_NAP_NS);
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
            return ROTA_E_END;
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
