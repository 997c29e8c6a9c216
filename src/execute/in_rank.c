/* in_rank.c - functions run in this very process, when take() is called
 *
 * Batches stand in a queue as they came: records, and rows of tasks alike, one behind
 * the other. The cursor is at the first one's next task that is wanted: `left` counts
 * only what will be run. A task with a time limit can't be interrupted here without a
 * way back from the midst of foreign code: when its time is over a timer of the
 * kernel's ends the rank, by SIGALRM, which says to others why it died. What was run
 * before is then reported already, so that they know which task it was.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "execute/executor.h"
#include "execute/row.h"
#include "execute/series.h"
#include "execute/thread_end.h"

enum {
    REPORT_BYTES = 64 * 1024,     /* a report is given when it has so many */
    KEEP_BYTES = 4 * 1024 * 1024, /* memory for results that is kept for the next */
    MARKS = 64,                   /* in a word of them */
};

/* A batch, as it came. */
struct pile {
    TAILQ_ENTRY(pile) link;
    uint64_t lease;
    uint64_t first;
    uint32_t count;
    uint32_t attempt;
    uint32_t dropped; /* how many are marked */
    size_t bytes;
    uint64_t *marks; /* of the tasks that were dropped: behind the records */
    _Alignas(8) unsigned char records[];
};

TAILQ_HEAD(pile_list, pile);

struct in_rank {
    struct executor base;
    struct pile_list piles;
    uint32_t left;           /* of the first batch: will be run */
    uint32_t index;          /* its next task: */
    struct parcel_task task; /* what it is, with the tasks behind it that are alike: */
    uint32_t alike;
    size_t at; /* where the record or row behind these begins */
    struct series series;
    struct thread_end end;
    timer_t timer;
};

/* --- the queue ------------------------------------------------------------ */

static struct pile *pile_new(const struct executor_batch *given)
{
    size_t words = (size_t)given->count / MARKS + 1;
    size_t bytes = parcel_padded(given->bytes);
    struct pile *p = malloc(sizeof(*p) + bytes + words * sizeof(p->marks[0]));
    if (p == NULL)
        return NULL;
    *p = (struct pile){
        .lease = given->lease,
        .first = given->first,
        .count = given->count,
        .attempt = given->attempt,
        .bytes = given->bytes,
    };
    p->marks = (uint64_t *)(void *)(p->records + bytes);
    memset(p->marks, 0, words * sizeof(p->marks[0]));
    if (given->bytes > 0)
        memcpy(p->records, given->records, given->bytes);
    return p;
}

static bool is_dropped(const struct pile *p, uint32_t index)
{
    return p->marks[index / MARKS] >> (index % MARKS) & 1;
}

/* Go to the next record or row, if all alike are done. They have been found sound. */
static void read_on(struct in_rank *x, const struct pile *p)
{
    size_t bytes = 0;
    if (x->alike > 0 || x->index >= p->count)
        return;
    row_read_tasks(p->records + x->at, p->bytes - x->at, &x->task, &x->alike, &bytes);
    x->at += bytes;
}

static void step(struct in_rank *x, const struct pile *p, uint32_t count)
{
    x->index += count;
    x->alike -= count;
    x->task.data += count * parcel_padded(x->task.size);
    read_on(x, p);
}

/* To the next task that is wanted. */
static void settle(struct in_rank *x, const struct pile *p)
{
    while (x->left > 0 && is_dropped(p, x->index))
        step(x, p, 1);
}

/* Whether the first batch's next task has a time limit. */
static bool is_limited(const struct in_rank *x)
{
    return x->left > 0 && x->task.time_limit_ms != 0;
}

static void begin_first(struct in_rank *x)
{
    const struct pile *p = TAILQ_FIRST(&x->piles);
    x->index = x->alike = 0;
    x->at = 0;
    x->left = p != NULL ? p->count - p->dropped : 0;
    x->base.ready = p != NULL;
    if (p != NULL) {
        read_on(x, p);
        settle(x, p);
    }
    x->base.fatal = is_limited(x);
}

static void remove_pile(struct in_rank *x, struct pile *p)
{
    bool first = p == TAILQ_FIRST(&x->piles);
    TAILQ_REMOVE(&x->piles, p, link);
    free(p);
    x->base.held--;
    if (first)
        begin_first(x);
}

static int in_rank_give(struct executor *base, const struct executor_batch *given)
{
    struct in_rank *x = (struct in_rank *)base;
    if (given->count == 0)
        return 0;
    struct pile *p = pile_new(given);
    if (p == NULL)
        return ROTA_E_NOMEM;
    TAILQ_INSERT_TAIL(&x->piles, p, link);
    x->base.held++;
    if (p == TAILQ_FIRST(&x->piles))
        begin_first(x);
    return 0;
}

/* Mark those of tasks `first` to `first + count - 1` that stand at `index` or behind.
 */
static void mark(struct pile *p, uint32_t index, uint64_t first, uint32_t count)
{
    uint64_t end =
        first + count < p->first + p->count ? first + count : p->first + p->count;
    uint64_t from = first > p->first + index ? first : p->first + index;
    for (uint64_t task = from; task < end; task++) {
        uint32_t i = (uint32_t)(task - p->first);
        p->dropped += !is_dropped(p, i);
        p->marks[i / MARKS] |= UINT64_C(1) << (i % MARKS);
    }
}

static void in_rank_drop(struct executor *base, uint64_t lease, uint64_t first,
                         uint32_t count)
{
    struct in_rank *x = (struct in_rank *)base;
    struct pile *next;
    for (struct pile *p = TAILQ_FIRST(&x->piles); p != NULL; p = next) {
        next = TAILQ_NEXT(p, link);
        if (p->lease != lease)
            continue;
        bool begun = p == TAILQ_FIRST(&x->piles);
        uint32_t before = p->dropped;
        mark(p, begun ? x->index : 0, first, count);
        if (begun) {
            x->left -= p->dropped - before;
            settle(x, p);
            x->base.fatal = is_limited(x);
        }
        if (begun ? x->left == 0 : p->dropped == p->count)
            remove_pile(x, p);
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

/* How many tasks may run on end: one that is dropped ends a report, and one with a time
 * limit is by itself. */
static uint32_t stretch(const struct in_rank *x, const struct pile *p)
{
    uint32_t count = 1;
    if (x->task.time_limit_ms != 0)
        return 1;
    if (p->dropped == 0)
        return x->alike;
    while (count < x->alike && !is_dropped(p, x->index + count))
        count++;
    return count;
}

/* Run tasks alike, from the cursor on, and move it. */
static int run_alike(struct in_rank *x, const struct pile *p, uint32_t *ran)
{
    uint32_t limit_ms = x->task.time_limit_ms;
    if (limit_ms != 0)
        arm_timer(x, limit_ms);
    int rc = series_run(&x->series, &x->task, stretch(x, p), p->first + x->index,
                        p->attempt, REPORT_BYTES, ran);
    if (limit_ms != 0)
        set_timer(x, 0);
    step(x, p, *ran);
    x->left -= *ran;
    return rc;
}

/* Whether the next task goes into the same report. */
static bool goes_on(const struct in_rank *x, const struct pile *p)
{
    return x->left > 0 && !is_dropped(p, x->index) && x->task.time_limit_ms == 0;
}

/* Run tasks of the first batch, one behind the other, for about a slice. */
static int run_some(struct in_rank *x, struct executor_report *r)
{
    struct pile *p = TAILQ_FIRST(&x->piles);
    struct series *s = &x->series;
    int rc = 0;
    settle(x, p);
    r->lease = p->lease;
    r->first = p->first + x->index;
    series_begin(s);
    int64_t stop_ns = s->now_ns + EXECUTOR_SLICE_NS;
    do {
        uint32_t ran = 0;
        rc = run_alike(x, p, &ran);
        r->count += ran;
    } while (rc == 0 && s->results.size < REPORT_BYTES && s->now_ns < stop_ns &&
             goes_on(x, p));
    series_end(s);
    r->busy_ns = s->busy_ns;
    settle(x, p);
    x->base.fatal = is_limited(x);
    if (x->left == 0)
        remove_pile(x, p);
    return rc;
}

static void forget_results(struct in_rank *x)
{
    x->series.results.size = 0;
    if (x->series.results.cap > KEEP_BYTES)
        series_done(&x->series);
}

static int in_rank_take(struct executor *base, struct executor_report *out)
{
    struct in_rank *x = (struct in_rank *)base;
    struct executor_report r = {0};
    forget_results(x);
    if (TAILQ_EMPTY(&x->piles))
        return ROTA_E_TIMEOUT;
    int rc = thread_end_watch(&x->end, true);
    if (rc != 0)
        return rc;
    rc = run_some(x, &r);
    thread_end_watch(&x->end, false);
    if (r.count == 0)
        return rc;
    r.records = x->series.results.data;
    r.bytes = x->series.results.size;
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
    struct pile *p;
    while ((p = TAILQ_FIRST(&x->piles)) != NULL) {
        TAILQ_REMOVE(&x->piles, p, link);
        free(p);
    }
    timer_delete(x->timer);
    thread_end_done(&x->end);
    series_done(&x->series);
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
    if (thread_end_init(&x->end) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of keys for data of threads");
    struct sigevent kill = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    if (timer_create(CLOCK_MONOTONIC, &kill, &x->timer) != 0) {
        int error = errno;
        thread_end_done(&x->end);
        return error_set(err, ROTA_E_IO, "cannot make a timer: %s", strerror(error));
    }
    x->base = (struct executor){.ops = &in_rank_ops, .slots = 1};
    series_init(&x->series, options->functions, options->count);
    TAILQ_INIT(&x->piles);
    *out = &rota_steal(x)->base;
    return 0;
}
