/* programs.c - tasks for persistent programs: an executor whose slots are programs
 *
 * A batch is an *errand* (errand.h). It is bound to a *seat* (seat.h), a slot with its
 * program, while that has told the program tasks of it, or could: in their order, some
 * ahead of the answers.
 *
 * Invariants
 *  1. A program takes its tasks in their order, and answers each before it begins the
 *     next. So of those that it was told and has not answered it holds the first, and
 *     none other was begun. That is why its end is held against the first alone.
 *  2. What it wrote before its end is read first, and counts.
 *  3. An end that is nobody's fault (status 0, after an answer) is held against nobody;
 *     since there was an answer, the run goes on, and so comes to an end.
 *  4. PROGRAMS_BARREN ends in a row (and PROGRAMS_BARREN_SEAT for each seat) without an
 *     answer by any program between them end it all: then it is not the tasks.
 *
 * How many are told ahead follows from how long tasks take: what lies in a pipe behind
 * one that turns out long can't be taken back, so that should be little, and only tiny
 * tasks gain by it. A seat tells about AHEAD_NS of tasks, and one alone where they last
 * longer than that.
 */
#include "execute/programs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/error.h"
#include "execute/environ.h"
#include "execute/seat.h"
#include "execute/talk.h"

enum {
    EVENTS = 64,
    DRAIN_READS = 17,      /* what the largest pipe holds, and its end */
    RECORD_KEPT = 1 << 20, /* a buffer of so many bytes is used again */
    FDS_PER_SEAT = 4,      /* pipes and a pidfd */
    FDS_SPARE = 64,
};

static const size_t line_max_default = (size_t)64 << 20;

#define BACK_OFF_NS (100 * NS_PER_MS)
#define FAREWELL_NS (5 * NS_PER_SEC)
#define ENDS_NS     (6 * NS_PER_SEC) /* by SIGTERM, SIGKILL, and the kernel */
#define SILENT_NS   (1 * NS_PER_SEC) /* from the end of its output to its own */

/* wait's longest: more than anyone wants, and no overflow */
#define WAIT_MOST_NS (1000 * NS_PER_SEC)

/* ---- errands ----------------------------------------------------------------- */

static void free_errand(struct programs *x, struct errand *e)
{
    TAILQ_REMOVE(&x->errands, e, link);
    free(e->records.data);
    free(e->batch);
    free(e);
    x->base.held--;
}

/* The seat for an errand: one whose program runs, or one where it may be started. */
static struct seat *find_seat(struct programs *x, int64_t now_ns)
{
    struct seat *empty = NULL;
    for (int i = 0; i < x->base.slots; i++) {
        struct seat *s = &x->seats[i];
        if (s->errand != NULL || s->doom != DOOM_NONE)
            continue;
        if (s->program.pid > 0 && s->program.out >= 0)
            return s;
        if (s->program.pid == 0 && s->not_before_ns <= now_ns && empty == NULL)
            empty = s;
    }
    if (empty != NULL && !seat_start_again(x, empty))
        return NULL;
    return empty;
}

/* Bind the errands that wait to seats. */
static void seat_errands(struct programs *x)
{
    int64_t now_ns = 0;
    struct errand *e;
    TAILQ_FOREACH (e, &x->errands, link) {
        if (e->seat != NULL || errand_is_behind(e, e->begin))
            continue;
        now_ns = now_ns ? now_ns : clock_now_ns();
        struct seat *s = find_seat(x, now_ns);
        if (s == NULL)
            return;
        s->errand = e;
        e->seat = s;
    }
}

/* An errand whose tasks were all answered leaves its seat; one that is over goes. */
static void clear_errands(struct programs *x)
{
    struct errand *next;
    for (struct errand *e = TAILQ_FIRST(&x->errands); e != NULL; e = next) {
        next = TAILQ_NEXT(e, link);
        errand_settle(e);
        if (errand_is_behind(e, e->begin) && e->seat != NULL)
            seat_unbind(e);
        if (errand_is_over(e))
            free_errand(x, e);
    }
}

/* Let every program have what it may. */
static int fill(struct programs *x)
{
    int failed = 0;
    clear_errands(x);
    if (!x->failed)
        seat_errands(x);
    for (int i = 0; i < x->base.slots; i++) {
        struct seat *s = &x->seats[i];
        if (s->errand == NULL || s->doom != DOOM_NONE || s->program.out < 0)
            continue;
        int rc = seat_tell(x, s);
        failed = rc ? rc : failed;
    }
    return failed;
}

/* ---- events ------------------------------------------------------------------ */

/* The process may have ended. Read what it wrote, to the last byte; no more, as someone
 * may write for ever. */
static void see_end(struct programs *x, struct seat *s)
{
    enum execute_how how;
    int code;
    if (!program_how(&s->program, &how, &code))
        return;
    for (int i = 0; i < DRAIN_READS && program_read_out(&s->program); i++)
        seat_take_lines(x, s);
    for (int i = 0; i < DRAIN_READS && program_read_err(&s->program); i++)
        seat_pass_on_err(x, s, false);
    seat_pass_on_err(x, s, true);
    if (seat_judge(x, s, how, code) == 0)
        seat_leave(x, s);
}

/* Its output is at its end, and so it is of no use any more. */
static void see_silence(struct programs *x, struct seat *s)
{
    if (s->doom == DOOM_NONE)
        seat_set_deadline(x, s, clock_now_ns() + SILENT_NS);
}

static void act_on(struct programs *x, uint64_t event)
{
    struct seat *s = &x->seats[event / PROGRAM_EVENTS];
    if (s->program.pid == 0)
        return; /* an earlier event has ended it */
    switch ((enum program_event)(event % PROGRAM_EVENTS)) {
    case PROGRAM_ENDED:
        see_end(x, s);
        return;
    case PROGRAM_OUT:
        if (program_read_out(&s->program))
            seat_take_lines(x, s);
        else if (s->program.out < 0)
            see_silence(x, s);
        return;
    case PROGRAM_ERR:
        program_read_err(&s->program);
        seat_pass_on_err(x, s, s->program.err < 0);
        return;
    case PROGRAM_IN:
    case PROGRAM_EVENTS:
    default:
        program_flush(&s->program);
    }
}

/* The seat's deadline has come. */
static void act_in_time(struct programs *x, struct seat *s)
{
    s->deadline_ns = INT64_MAX;
    if (s->doom == DOOM_OVERTIME || s->doom == DOOM_CLOSING)
        program_signal(&s->program, SIGKILL);
    else if (s->doom == DOOM_NONE && s->program.out < 0)
        seat_garbled(x, s, "closed its standard output");
    else if (s->doom == DOOM_NONE)
        seat_doom(x, s, DOOM_OVERTIME);
}

static void act_in_times(struct programs *x)
{
    int64_t now_ns = clock_now_ns();
    if (now_ns < x->alarm_ns)
        return;
    x->alarm_ns = INT64_MAX;
    for (int i = 0; i < x->base.slots; i++) {
        struct seat *s = &x->seats[i];
        if (s->program.pid > 0 && s->deadline_ns <= now_ns)
            act_in_time(x, s);
        if (s->deadline_ns < x->alarm_ns)
            x->alarm_ns = s->deadline_ns;
    }
}

/* When an errand that waits for a seat may have one whose program has ended; INT64_MAX:
 * none waits, or there will be another event. */
static int64_t next_start_ns(const struct programs *x)
{
    int64_t next_ns = INT64_MAX;
    const struct errand *e;
    TAILQ_FOREACH (e, &x->errands, link)
        if (e->seat == NULL)
            break;
    if (e == NULL)
        return next_ns;
    for (int i = 0; i < x->base.slots; i++) {
        const struct seat *s = &x->seats[i];
        if (s->program.pid == 0 && s->not_before_ns < next_ns)
            next_ns = s->not_before_ns;
    }
    return next_ns;
}

/* See what has happened, waiting until `deadline_ns` at most. Fails with ROTA_E_IO. */
static int look(struct programs *x, int64_t deadline_ns)
{
    struct epoll_event events[EVENTS];
    if (deadline_ns > 0 && x->alarm_ns < deadline_ns)
        deadline_ns = x->alarm_ns;
    int ms = deadline_ns > 0 ? clock_poll_ms(deadline_ns, clock_now_ns()) : 0;
    int n = epoll_wait(x->epoll, events, EVENTS, ms);
    if (n < 0 && errno != EINTR)
        return ROTA_E_IO;
    for (int i = 0; i < n; i++)
        act_on(x, events[i].data.u64);
    if (x->alarm_ns < INT64_MAX)
        act_in_times(x);
    return 0;
}

/* ---- the executor ------------------------------------------------------------ */

static int programs_give(struct executor *base, const struct executor_batch *given)
{
    struct programs *x = (struct programs *)base;
    rota_auto(heap) struct errand *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return ROTA_E_NOMEM;
    e->batch = batch_new(given);
    if (e->batch == NULL)
        return ROTA_E_NOMEM;
    e->first = UINT32_MAX;
    TAILQ_INSERT_TAIL(&x->errands, e, link);
    e = NULL;
    x->base.held++;
    fill(x); /* without memory, in take */
    return 0;
}

/* An errand that has results: of those in seats the first. */
static struct errand *find_results(struct programs *x)
{
    struct errand *e;
    TAILQ_FOREACH (e, &x->errands, link)
        if (e->records.size > 0)
            return e;
    return NULL;
}

/* Its results are told: they are x->record's from here on. */
static void report(struct programs *x, struct errand *e, struct executor_report *out)
{
    struct task_bytes old = x->record;
    x->record = e->records;
    e->records = old;
    e->records.size = 0;
    if (e->records.cap > RECORD_KEPT) {
        free(e->records.data);
        e->records = (struct task_bytes){0};
    }
    *out = (struct executor_report){
        .lease = e->batch->lease,
        .first = e->batch->first + e->first,
        .count = e->begin.index - e->first,
        .busy_ns = e->busy_ns,
        .records = x->record.data,
        .bytes = x->record.size,
    };
    e->busy_ns = 0;
    e->first = UINT32_MAX;
}

static int programs_take(struct executor *base, struct executor_report *out)
{
    struct programs *x = (struct programs *)base;
    struct errand *e = find_results(x);
    int filled = 0;
    if (e == NULL) {
        filled = fill(x);
        if (look(x, 0) != 0)
            return ROTA_E_IO;
        e = find_results(x);
    }
    if (e != NULL) {
        report(x, e, out);
        fill(x);
        return 0;
    }
    if (x->failed)
        return ROTA_E_IO;
    return filled ? filled : ROTA_E_TIMEOUT;
}

static struct errand *errand_of(const struct programs *x, uint64_t lease)
{
    struct errand *e;
    TAILQ_FOREACH (e, &x->errands, link)
        if (e->batch->lease == lease)
            return e;
    return NULL;
}

static void programs_drop(struct executor *base, uint64_t lease, uint64_t first,
                          uint32_t count)
{
    struct programs *x = (struct programs *)base;
    struct errand *e = errand_of(x, lease);
    if (e != NULL)
        batch_drop(e->batch, e->told.index, e->told.at, first, count);
    clear_errands(x);
}

static uint64_t programs_unbegun(const struct executor *base, uint64_t lease)
{
    const struct errand *e = errand_of((const struct programs *)base, lease);
    if (e == NULL || errand_is_behind(e, e->told))
        return UINT64_MAX;
    return e->batch->first + e->told.index;
}

static void programs_wait(struct executor *base, int64_t timeout_ns)
{
    struct programs *x = (struct programs *)base;
    if (find_results(x) != NULL)
        return;
    fill(x);
    int64_t deadline_ns =
        clock_now_ns() + (timeout_ns < WAIT_MOST_NS ? timeout_ns : WAIT_MOST_NS);
    int64_t start_ns = next_start_ns(x);
    if (start_ns < deadline_ns)
        deadline_ns = start_ns;
    if (!x->failed && timeout_ns > 0)
        look(x, deadline_ns);
}

/* ---- its end ----------------------------------------------------------------- */

static bool is_any_left(const struct programs *x)
{
    for (int i = 0; i < x->base.slots; i++)
        if (x->seats[i].program.pid > 0)
            return true;
    return false;
}

/* Until none runs, or for so long. */
static void await_ends(struct programs *x, int64_t ns)
{
    int64_t deadline_ns = clock_now_ns() + ns;
    while (is_any_left(x) && clock_now_ns() < deadline_ns && look(x, deadline_ns) == 0)
        continue;
}

/* Those without a task see the end of their input, and may take their time. */
static void end_programs(struct programs *x)
{
    bool busy = false;
    for (int i = 0; i < x->base.slots; i++) {
        struct seat *s = &x->seats[i];
        busy = busy || s->errand != NULL;
        if (s->program.pid > 0)
            program_close_in(&s->program);
    }
    x->closing = true;
    if (!busy)
        await_ends(x, x->options.farewell_ns);
    for (int i = 0; i < x->base.slots; i++) {
        struct seat *s = &x->seats[i];
        if (s->program.pid > 0 && !busy)
            seat_say(x, "worker program %s did not end with its input, and was ended",
                     s->name);
        if (s->program.pid > 0)
            seat_doom(x, s, DOOM_CLOSING);
    }
    await_ends(x, ENDS_NS);
}

static void programs_free(struct programs *x)
{
    if (x == NULL)
        return;
    while (!TAILQ_EMPTY(&x->errands)) {
        seat_unbind(TAILQ_FIRST(&x->errands));
        free_errand(x, TAILQ_FIRST(&x->errands));
    }
    for (int i = 0; x->seats != NULL && i < x->base.slots; i++)
        program_done(&x->seats[i].program);
    if (x->epoll >= 0)
        close(x->epoll);
    starter_done(&x->starter);
    free(x->seats);
    free(x->argv);
    free(x->env);
    free(x->text.data);
    free(x->record.data);
    free(x);
}

ROTA_AUTO_DEFINE(programs, struct programs *, programs_free);

static void programs_close(struct executor *base)
{
    struct programs *x = (struct programs *)base;
    end_programs(x);
    programs_free(x);
}

static const struct executor_ops programs_ops = {
    .give = programs_give,
    .take = programs_take,
    .drop = programs_drop,
    .unbegun = programs_unbegun,
    .wait = programs_wait,
    .close = programs_close,
};

/* ---- its begin --------------------------------------------------------------- */

static rlim_t files_for(const struct programs_options *o)
{
    return (rlim_t)o->slots * FDS_PER_SEAT + FDS_SPARE;
}

static int check(const struct programs_options *o, struct rota_error *err)
{
    struct rlimit files;
    if (o->slots < 1)
        return error_set(err, ROTA_E_ARG, "cannot run %d programs at once", o->slots);
    rlim_t need = files_for(o);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max < need)
        return error_set(err, ROTA_E_ARG,
                         "cannot run %d programs at once: that takes %ju open files, "
                         "and %ju are allowed; raise the limit with 'ulimit -n'",
                         o->slots, (uintmax_t)need, (uintmax_t)files.rlim_max);
    return 0;
}

static void set_defaults(struct programs_options *o)
{
    o->line_max = o->line_max ? o->line_max : line_max_default;
    o->back_off_ns = o->back_off_ns ? o->back_off_ns : BACK_OFF_NS;
    o->farewell_ns = o->farewell_ns ? o->farewell_ns : FAREWELL_NS;
}

static void name_seat(const struct programs *x, int i)
{
    struct seat *s = &x->seats[i];
    const char *path = x->argv[0];
    const char *slash = strrchr(path, '/');
    char rank[16] = "";
    if (x->options.rank >= 0)
        snprintf(rank, sizeof(rank), "%d.", x->options.rank);
    snprintf(s->name, sizeof(s->name), "%.40s[%s%d]", slash ? slash + 1 : path, rank,
             i + 1);
    snprintf(s->slot, sizeof(s->slot), "PARALLEL_JOBSLOT=%d", i + 1);
}

static int make_seats(struct programs *x)
{
    static char version[] = "ROTA_WORKER_VERSION=" TALK_VERSION;
    char *own[] = {x->slot, version, NULL};
    size_t words = (size_t)x->options.argc;
    x->argv = calloc(words + 1, sizeof(char *));
    if (x->argv == NULL)
        return ROTA_E_NOMEM;
    memcpy(x->argv, x->options.argv, words * sizeof(char *));
    snprintf(x->slot, sizeof(x->slot), "PARALLEL_JOBSLOT=");
    x->seats = calloc((size_t)x->base.slots, sizeof(*x->seats));
    if (x->seats == NULL)
        return ROTA_E_NOMEM;
    for (int i = 0; i < x->base.slots; i++) {
        program_init(&x->seats[i].program, x->epoll, (uint64_t)i);
        x->seats[i].deadline_ns = INT64_MAX;
        name_seat(x, i);
    }
    return environ_make(environ, own, x->options.in_rank, &x->env);
}

int executor_programs_open(const struct programs_options *options,
                           struct executor **out, struct rota_error *err)
{
    int rc = check(options, err);
    if (rc != 0)
        return rc;
    rota_auto(programs) struct programs *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    TAILQ_INIT(&x->errands);
    x->options = *options;
    set_defaults(&x->options);
    x->base = (struct executor){.ops = &programs_ops, .slots = options->slots};
    x->alarm_ns = INT64_MAX;
    x->epoll = epoll_create1(EPOLL_CLOEXEC);
    rc = starter_init(&x->starter);
    if (rc == 0 && starter_reserve(&x->starter, files_for(options)) != 0)
        rc = ROTA_E_IO;
    if (x->epoll < 0 || rc == ROTA_E_IO)
        return error_set(err, ROTA_E_IO, "cannot watch programs: %s", strerror(errno));
    if (rc != 0 || make_seats(x) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    rc = seat_start(x, &x->seats[0]);
    if (rc != 0)
        return error_set(err, ROTA_E_ARG, "cannot start worker program '%s': %s",
                         options->argv[0], strerror(rc));
    *out = &rota_steal(x)->base;
    return 0;
}
