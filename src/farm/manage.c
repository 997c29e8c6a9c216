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
    FEED_AT_ONCE = 256, /* tasks, between two questions whether that is enough */
    SUBMIT_AT_ONCE = 4096,
    CALLS_MOST = 1024, /* of rota_next and rota_submit, between two progresses */
    TASKS_A_CALL = 16, /* where many tasks, or results, come in one */
};

#define PROGRESS_NS (NS_PER_MS / 4)
#define FEED_NS     (NS_PER_MS / 8)
/* Between two questions to a feed without tasks; two looks for what a lost rank had
 * sent. */
#define STARVING_NS (20 * NS_PER_MS)
#define LEAVING_NS  NS_PER_MS

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

static bool is_given_up(const struct rota_farm *f)
{
    return f->hooks.stop != NULL && f->hooks.stop(f->hooks.ctx);
}

/* What a rank that has gone had sent, and then its loss. */
static int see_off(struct rota_farm *f, int rank)
{
    int rc = take_messages(f, rank, 0);
    if (rc == 0 || rc == ROTA_E_TIMEOUT)
        return 0; /* there may be more */
    if (is_given_up(f))
        return 0;
    if (rc != ROTA_E_LOST && rc != ROTA_E_FORMAT)
        return rc;
    struct rota_fate fate = f->link->ops->fate(f->link, rank);
    rc = rc == ROTA_E_FORMAT
             ? broker_refuse(f->broker, farm_now(f), rank - f->first)
             : broker_lost(f->broker, farm_now(f), rank - f->first,
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

/* The place of the function called `name`: mostly that of the task before. */
static int find_function(struct rota_farm *f, const char *name)
{
    if (name != NULL && strcmp(f->functions[f->found].name, name) == 0)
        return f->found;
    int function = task_function(f->functions, f->count, name);
    if (function >= 0)
        f->found = function;
    return function;
}

static int submit(struct rota_farm *f, const struct rota_spec *s, uint64_t *task)
{
    struct parcel_task t;
    int function = is_plain(s) ? find_function(f, s->function) : -1;
    if (function >= 0)
        return broker_submit_plain(f->broker, (uint16_t)function, s->data,
                                   s->size_bytes, task);
    int rc = task_from_spec(f->functions, f->count, s, &t);
    if (rc != 0)
        return rc;
    return t.near > f->link->size ? ROTA_E_ARG : broker_submit(f->broker, &t, task);
}

/* A feed of what a generator gives. */
static int feed_generated(void *context, struct rota_spec *spec)
{
    struct rota_farm *f = context;
    return f->generator(f->generating, spec) ? FARM_FED_TASK : FARM_FED_LAST;
}

/* Have the feed's next task in f->spec, if there is one now. */
static int ask_feed(struct rota_farm *f)
{
    f->spec = (struct rota_spec){0};
    int fed = f->feed(f->feeding, &f->spec);
    if (fed < 0)
        return fed;
    f->has_spec = fed == FARM_FED_TASK;
    f->starving = fed == FARM_FED_NONE_YET;
    if (fed == FARM_FED_LAST)
        f->feed = NULL;
    return 0;
}

/* Submit the feed's next task. One for which there is no memory is kept, and one that
 * cannot be submitted at all left out. */
static int feed_one(struct rota_farm *f)
{
    int rc = f->has_spec ? 0 : ask_feed(f);
    if (rc != 0 || !f->has_spec)
        return rc;
    rc = submit(f, &f->spec, NULL);
    f->has_spec = rc == ROTA_E_NOMEM;
    return rc;
}

/* Whether someone gives tasks as there is room for them. */
static bool is_fed(const struct rota_farm *f)
{
    return f->feed != NULL || f->alike.filler != NULL;
}

static bool may_feed(const struct rota_farm *f)
{
    return is_fed(f) && !f->starving;
}

/* Some of the next tasks. */
static int feed_some(struct rota_farm *f)
{
    int rc = 0;
    if (f->alike.filler != NULL)
        return alike_feed(f, FEED_AT_ONCE);
    for (int i = 0; i < FEED_AT_ONCE && rc == 0 && may_feed(f); i++)
        rc = feed_one(f);
    return rc;
}

/* Not for long at a time: workers may be waiting for what is there already. */
static int feed(struct rota_farm *f)
{
    int64_t until_ns = clock_now_ns() + FEED_NS;
    int rc = 0;
    f->starving = false;
    while (rc == 0 && may_feed(f) && broker_is_hungry(f->broker)) {
        rc = feed_some(f);
        if (clock_now_ns() > until_ns)
            break;
    }
    return rc;
}

/* The manager's own executor cannot go on: as a worker, it is lost. */
static int lose_self(struct rota_farm *f)
{
    int rc = broker_lost(f->broker, farm_now(f), 0, false);
    if (rc != 0)
        return rc;
    f->members[0] = FARM_GONE;
    hand_free(rota_steal(f->hand));
    executor_close(rota_steal(f->executor));
    return 0;
}

/* The manager's own work. *worked: there was some. */
static int work_along(struct rota_farm *f, bool *worked)
{
    bool took = false;
    bool reported = false;
    *worked = false;
    if (f->hand == NULL)
        return 0;
    int rc = farm_take_orders(f, 0, &took);
    if (rc == 0 || rc == ROTA_E_LOST) /* nothing is there, and nobody else is */
        rc = hand_work(f->hand, &reported);
    *worked = took || reported;
    return rc == ROTA_E_IO ? lose_self(f) : rc;
}

/* All that can be done without waiting. */
static int progress(struct rota_farm *f)
{
    bool worked;
    int rc = look_around(f);
    if (rc == 0)
        rc = work_along(f, &worked);
    if (rc == 0)
        rc = take_messages(f, ROTA_ANY_SOURCE, 0);
    if (rc == 0 || rc == ROTA_E_TIMEOUT || rc == ROTA_E_LOST)
        rc = feed(f);
    if (rc == 0 && f->hooks.shut != NULL && f->hooks.shut(f->hooks.ctx))
        broker_shut(f->broker, farm_now(f), true);
    if (rc == 0)
        rc = broker_act(f->broker, farm_now(f));
    if (rc == 0)
        rc = farm_bear(f, farm_hand_was_refused(f) || broker_was_refused(f->broker));
    return rc;
}

/* A task that could not be submitted is left out, and nobody will say so again. */
static void keep_failure(struct rota_farm *f, int rc)
{
    if (rc != 0 && rc != ROTA_E_NOMEM)
        f->failure = rc;
}

static int take_failure(struct rota_farm *f)
{
    int rc = f->failure;
    f->failure = 0;
    return rc;
}

/* It is time: progress, and see how many calls should be before the next. */
static void progress_in_time(struct rota_farm *f)
{
    int64_t now = clock_now_ns();
    if (now - f->progress_ns > PROGRESS_NS && f->calls_each > 1)
        f->calls_each /= 2;
    else if (now - f->progress_ns < PROGRESS_NS / 2 && f->calls_each < CALLS_MOST)
        f->calls_each *= 2;
    keep_failure(f, progress(f));
    f->calls = f->calls_each;
    f->progress_ns = clock_now_ns();
}

/* Every so many calls, progress. */
static inline void progress_at_times(struct rota_farm *f)
{
    if (--f->calls <= 0)
        progress_in_time(f);
}

/* A task of many is soon done with, but not for nothing. */
void farm_progress_at_times(struct rota_farm *f, size_t tasks)
{
    f->calls -=
        tasks / TASKS_A_CALL < CALLS_MOST ? (int)(tasks / TASKS_A_CALL) : CALLS_MOST;
    progress_at_times(f);
}

/* ---- managing: the calls ----------------------------------------------------- */

static int check_manager(const struct rota_farm *f)
{
    if (f == NULL)
        return ROTA_E_ARG;
    return f->broker == NULL ? ROTA_E_STATE : 0;
}

int farm_check_submit(const struct rota_farm *f)
{
    int rc = check_manager(f);
    return rc == 0 && is_fed(f) ? ROTA_E_STATE : rc;
}

int rota_submit(struct rota_farm *farm, const struct rota_spec *spec, uint64_t *task)
{
    int rc = farm_check_submit(farm);
    if (rc == 0)
        rc = spec != NULL ? submit(farm, spec, task) : ROTA_E_ARG;
    if (rc == 0)
        progress_at_times(farm);
    return rc;
}

int rota_submit_many(struct rota_farm *farm, const struct rota_spec *specs,
                     size_t count, size_t *submitted)
{
    size_t i = 0;
    int rc = farm_check_submit(farm);
    if (rc == 0 && specs == NULL && count > 0)
        rc = ROTA_E_ARG;
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

int farm_set_feed(struct rota_farm *f, farm_feed *give, void *context)
{
    if (is_fed(f))
        return ROTA_E_STATE;
    f->feed = give;
    f->feeding = context;
    return 0;
}

int rota_generate(struct rota_farm *farm, rota_generator *generator, void *context)
{
    int rc = check_manager(farm);
    if (rc != 0 || generator == NULL)
        return rc ? rc : ROTA_E_ARG;
    rc = farm_set_feed(farm, feed_generated, farm);
    if (rc == 0) {
        farm->generator = generator;
        farm->generating = context;
    }
    return rc;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When to stop waiting at the latest, if nothing happens until `deadline_ns`. */
static int64_t wait_until_ns(const struct rota_farm *f, int64_t deadline_ns)
{
    int64_t wake_ns = broker_wake_ns(f->broker);
    if (wake_ns < INT64_MAX)
        deadline_ns = earlier(deadline_ns, wake_ns + f->opened_ns);
    if (f->starving)
        deadline_ns = earlier(deadline_ns, clock_now_ns() + STARVING_NS);
    if (f->leaving > 0)
        deadline_ns = earlier(deadline_ns, clock_now_ns() + LEAVING_NS);
    return deadline_ns;
}

/* Own tasks run until `deadline_ns`. Where nobody else could send anything, their ends
 * are all there is to wait for. */
static void await_own(struct rota_farm *f, int64_t deadline_ns)
{
    int64_t nap_ns = f->link->size > 1 ? FARM_NAP_NS : FARM_TICK_NS;
    int64_t now_ns = clock_now_ns();
    if (deadline_ns > now_ns)
        f->executor->ops->wait(f->executor, earlier(nap_ns, deadline_ns - now_ns));
}

/* Wait for anything to happen until `deadline_ns` (of the clock). */
static int await_event(struct rota_farm *f, int64_t deadline_ns)
{
    bool worked;
    if (f->executor != NULL && f->executor->ready)
        return 0;
    int rc = work_along(f, &worked);
    if (rc != 0 || worked)
        return rc;
    deadline_ns = wait_until_ns(f, deadline_ns);
    if (f->executor != NULL && f->executor->held > 0) {
        await_own(f, deadline_ns);
        return 0;
    }
    rc = take_messages(f, ROTA_ANY_SOURCE, deadline_ns);
    if (rc == ROTA_E_LOST) /* nobody else is there: it is a time that is waited for */
        clock_sleep_until(earlier(deadline_ns, clock_now_ns() + LEAVING_NS));
    return rc == ROTA_E_TIMEOUT || rc == ROTA_E_LOST ? 0 : rc;
}

/* The next result; or with `count` the next ones, at most so many. */
static bool tell(struct rota_farm *f, struct rota_result *out, size_t *count)
{
    return count == NULL ? broker_next(f->broker, out)
                         : broker_next_run(f->broker, *count, out, count);
}

/* No result is at hand: work for one, and wait. */
static int next_in_time(struct rota_farm *f, int64_t timeout_ms,
                        struct rota_result *out, size_t *count)
{
    int64_t deadline_ns = timeout_ms ? clock_deadline_ns(timeout_ms) : 0;
    for (;;) {
        int rc = progress(f);
        if (tell(f, out, count)) {
            keep_failure(f, rc);
            return 0;
        }
        rc = rc ? rc : take_failure(f);
        if (rc != 0)
            return rc;
        if (!is_fed(f) && broker_is_over(f->broker))
            return ROTA_E_END;
        if (timeout_ms == 0 || is_given_up(f) ||
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
    progress_at_times(farm);
    if (broker_next(farm->broker, out))
        return 0;
    return next_in_time(farm, timeout_ms, out, NULL);
}

int rota_next_run(struct rota_farm *farm, int64_t timeout_ms, size_t most,
                  struct rota_result *out, size_t *count)
{
    int rc = check_manager(farm);
    if (rc != 0 || out == NULL || count == NULL || most == 0 ||
        timeout_ms < ROTA_FOREVER)
        return rc ? rc : ROTA_E_ARG;
    size_t some = most;
    progress_at_times(farm);
    rc = tell(farm, out, &some) ? 0 : next_in_time(farm, timeout_ms, out, &some);
    if (rc != 0)
        return rc;
    farm->calls -=
        (int)(some / TASKS_A_CALL < CALLS_MOST ? some / TASKS_A_CALL : CALLS_MOST);
    *count = some;
    return 0;
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
