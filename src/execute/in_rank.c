/* in_rank.c - functions run in this very process, when take() is called
 *
 * Batches stand in a queue; the cursor is at the first one's next task that is wanted,
 * so `left` counts only what will be run. A task with a time limit can't be interrupted
 * here without a way back from the midst of foreign code: when its time is over a timer
 * of the kernel's ends the rank, by SIGALRM, which says to others why it died. What was
 * run before is then reported already, so that they know which task it was.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "execute/batch.h"
#include "execute/executor.h"
#include "execute/pace.h"
#include "execute/task.h"

enum {
    REPORT_BYTES = 256 * 1024,   /* a report is given when it has so many */
    KEEP_BYTES = 4 * 1024 * 1024 /* memory for results that is kept for the next */
};

struct in_rank {
    struct executor base;
    struct executor_options options;
    struct batch_list batches;
    uint32_t index; /* the next task of the first batch */
    size_t at;      /* where its record begins */
    uint32_t left;  /* of the first batch: will be run */
    struct pace pace;
    struct task_bytes results;
    timer_t timer;
};

/* --- the queue ------------------------------------------------------------ */

static unsigned char *next_record(const struct in_rank *x)
{
    return TAILQ_FIRST(&x->batches)->records + x->at;
}

static void step(struct in_rank *x)
{
    x->at += parcel_record_bytes(next_record(x));
    x->index++;
}

/* To the next task that is wanted. */
static void settle(struct in_rank *x)
{
    while (x->left > 0 && batch_is_dropped(next_record(x)))
        step(x);
}

/* Whether the first batch's next task has a time limit. */
static bool is_limited(const struct in_rank *x)
{
    const struct batch *b = TAILQ_FIRST(&x->batches);
    struct parcel_task t = {0};
    size_t bytes;
    if (b == NULL || b->limit_ms == 0 || x->index >= b->count)
        return false;
    parcel_read_task(next_record(x), b->bytes - x->at, &t, &bytes);
    return t.time_limit_ms != 0;
}

static void begin_first(struct in_rank *x)
{
    const struct batch *b = TAILQ_FIRST(&x->batches);
    x->index = 0;
    x->at = 0;
    x->left = b != NULL ? b->count - b->dropped : 0;
    x->base.ready = b != NULL;
    x->base.fatal = is_limited(x);
}

static void remove_batch(struct in_rank *x, struct batch *b)
{
    bool first = b == TAILQ_FIRST(&x->batches);
    TAILQ_REMOVE(&x->batches, b, link);
    free(b);
    x->base.held--;
    if (first)
        begin_first(x);
}

static int in_rank_give(struct executor *base, const struct executor_batch *given)
{
    struct in_rank *x = (struct in_rank *)base;
    struct batch *b = batch_new(given);
    if (b == NULL)
        return ROTA_E_NOMEM;
    TAILQ_INSERT_TAIL(&x->batches, b, link);
    x->base.held++;
    if (b == TAILQ_FIRST(&x->batches))
        begin_first(x);
    if (b->count == 0)
        remove_batch(x, b);
    return 0;
}

static void in_rank_drop(struct executor *base, uint64_t lease, uint64_t first,
                         uint32_t count)
{
    struct in_rank *x = (struct in_rank *)base;
    struct batch *next;
    for (struct batch *b = TAILQ_FIRST(&x->batches); b != NULL; b = next) {
        next = TAILQ_NEXT(b, link);
        if (b->lease != lease)
            continue;
        bool begun = b == TAILQ_FIRST(&x->batches);
        uint32_t before = b->dropped;
        batch_drop(b, begun ? x->index : 0, begun ? x->at : 0, first, count);
        if (begun)
            x->left -= b->dropped - before;
        if (begun ? x->left == 0 : b->dropped == b->count)
            remove_batch(x, b);
    }
}

/* --- running -------------------------------------------------------------- */

static void set_timer(struct in_rank *x, uint32_t ms)
{
    struct itimerspec t = {
        .it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS}};
    timer_settime(x->timer, 0, &t, NULL);
}

/* Whatever the program does with the signal otherwise, it ends the rank now. */
static void arm_timer(struct in_rank *x, uint32_t ms)
{
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &alarm, NULL);
    set_timer(x, ms);
}

static int run_next(struct in_rank *x, const struct batch *b)
{
    struct parcel_task t;
    size_t bytes;
    int rc = parcel_read_task(b->records + x->at, b->bytes - x->at, &t, &bytes);
    if (rc != 0)
        return rc;
    if (t.time_limit_ms != 0)
        arm_timer(x, t.time_limit_ms);
    rc = task_attempt(x->options.functions, x->options.count, &t, b->first + x->index,
                      b->attempt, &x->results);
    if (t.time_limit_ms != 0)
        set_timer(x, 0);
    return rc;
}

/* Whether the next task goes into the same report: one that is dropped ends it, and one
 * with a time limit must be the first of its own. Of most tasks no such thing is said.
 */
static bool goes_on(const struct in_rank *x)
{
    const unsigned char *record = next_record(x);
    if (parcel_get16(record + 6) == 0)
        return true;
    return !batch_is_dropped(record) && !is_limited(x);
}

/* Run tasks of the first batch, one behind the other, for about a slice. */
static int run_some(struct in_rank *x, struct executor_report *r)
{
    struct batch *b = TAILQ_FIRST(&x->batches);
    int rc = 0;
    settle(x);
    r->lease = b->lease;
    r->first = b->first + x->index;
    pace_begin(&x->pace);
    int64_t stop_ns = x->pace.now_ns + EXECUTOR_SLICE_NS;
    do {
        size_t record = x->results.size;
        rc = run_next(x, b);
        if (rc != 0)
            break;
        step(x);
        x->left--;
        r->count++;
        if (pace_add(&x->pace, record))
            r->busy_ns += pace_end(&x->pace, x->results.data);
    } while (x->left > 0 && x->results.size < REPORT_BYTES &&
             x->pace.now_ns < stop_ns && goes_on(x));
    r->busy_ns += pace_end(&x->pace, x->results.data);
    x->base.fatal = is_limited(x);
    if (x->left == 0)
        remove_batch(x, b);
    return rc;
}

static void forget_results(struct in_rank *x)
{
    x->results.size = 0;
    if (x->results.cap <= KEEP_BYTES)
        return;
    free(x->results.data);
    x->results = (struct task_bytes){0};
}

static int in_rank_take(struct executor *base, struct executor_report *out)
{
    struct in_rank *x = (struct in_rank *)base;
    struct executor_report r = {0};
    forget_results(x);
    if (TAILQ_EMPTY(&x->batches))
        return ROTA_E_TIMEOUT;
    int rc = run_some(x, &r);
    if (r.count == 0)
        return rc;
    r.records = x->results.data;
    r.bytes = x->results.size;
    *out = r;
    return 0;
}

static void in_rank_wait(struct executor *base, int64_t timeout_ns)
{
    if (base->ready || timeout_ns <= 0)
        return;
    struct timespec t = {.tv_sec = timeout_ns / NS_PER_SEC,
                         .tv_nsec = timeout_ns % NS_PER_SEC};
    nanosleep(&t, NULL);
}

static void in_rank_close(struct executor *base)
{
    struct in_rank *x = (struct in_rank *)base;
    struct batch *b;
    while ((b = TAILQ_FIRST(&x->batches)) != NULL) {
        TAILQ_REMOVE(&x->batches, b, link);
        free(b);
    }
    timer_delete(x->timer);
    free(x->results.data);
    free(x);
}

static const struct executor_ops in_rank_ops = {
    .give = in_rank_give,
    .take = in_rank_take,
    .drop = in_rank_drop,
    .wait = in_rank_wait,
    .close = in_rank_close,
};

int executor_in_rank_open(const struct executor_options *options, struct executor **out,
                          struct rota_error *err)
{
    if (options->count < 1)
        return error_set(err, ROTA_E_ARG, "there is no function to run");
    rota_auto(heap) struct in_rank *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    struct sigevent kill = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    if (timer_create(CLOCK_MONOTONIC, &kill, &x->timer) != 0)
        return error_set(err, ROTA_E_IO, "cannot make a timer: %s", strerror(errno));
    x->base = (struct executor){.ops = &in_rank_ops, .slots = 1};
    x->options = *options;
    TAILQ_INIT(&x->batches);
    *out = &rota_steal(x)->base;
    return 0;
}
