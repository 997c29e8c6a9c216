/* programs.c - tasks for persistent programs: an executor whose slots are programs
 *
 * A batch is a *job*. It is bound to a *seat*, a slot with its program, while that has
 * told the program tasks of it, or could: in their order, some ahead of the answers.
 *
 *     answered               told, not answered        not begun
 *     ---------------------|-------------------------|----------
 *     (reported, or in     ^ held: what the program  ^ next to be told
 *      job->records)         is at work on
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
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/error.h"
#include "execute/batch.h"
#include "execute/commands.h"
#include "execute/environ.h"
#include "execute/program.h"
#include "execute/talk.h"

enum {
    EVENTS = 64,
    AHEAD_MOST = 512,        /* tasks told and not answered */
    QUEUE_MOST = 1 << 16,    /* bytes that wait for a full pipe, before the next line */
    RECORDS_MOST = 1 << 20,  /* bytes of results that wait to be taken */
    DRAIN_READS = 17,        /* what the largest pipe holds, and its end */
    ERR_LINE_MOST = 1 << 16, /* a longer line is passed on in pieces */
    RECORD_KEPT = 1 << 20,   /* a buffer of so many bytes is used again */
    FDS_PER_SEAT = 4,        /* pipes and a pidfd */
    FDS_SPARE = 64,
    VARIABLE_BYTES = 48,
    NAME_BYTES = 80,
    TEXT_BYTES = 1024,
};

static const size_t line_max_default = (size_t)64 << 20;

#define AHEAD_NS     (1 * NS_PER_MS)
#define BACK_OFF_NS  (100 * NS_PER_MS)
#define BACK_OFF_MAX (10 * NS_PER_SEC)
#define FAREWELL_NS  (5 * NS_PER_SEC)
#define TERM_NS      (1 * NS_PER_SEC) /* from SIGTERM to SIGKILL */
#define KILL_NS      (5 * NS_PER_SEC) /* for the kernel to end what was killed */
#define SILENT_NS    (1 * NS_PER_SEC) /* from the end of its output to its own */

/* wait's longest: more than anyone wants, and no overflow */
#define WAIT_MOST_NS (1000 * NS_PER_SEC)

struct place {
    uint32_t index; /* of a task in its batch */
    size_t at;      /* where its record begins */
};

struct job {
    TAILQ_ENTRY(job) link;
    struct batch *batch;
    struct seat *seat;  /* or NULL: it waits for one */
    struct place begin; /* the first that was not answered */
    struct place told;  /* the first that was not told */
    int deaths;         /* programs that ended while they held the one at `begin` */
    struct task_bytes records; /* results that were not taken, */
    uint32_t first;            /* from this task on */
    int64_t busy_ns;
};

TAILQ_HEAD(job_list, job);

/* Why a program is being ended by us. */
enum doom {
    DOOM_NONE,
    DOOM_OVERTIME, /* its task ran out of time */
    DOOM_GARBLED,  /* it wrote what is no answer: `why` */
    DOOM_CLOSING,  /* the executor is being closed */
};

struct seat {
    struct program program;
    struct job *job; /* or NULL */
    int barren;      /* programs here that ended in a row without an answer */
    char name[NAME_BYTES];
    char slot[VARIABLE_BYTES];
    uint32_t ahead;        /* how many tasks may be told and not answered */
    uint64_t answers;      /* of this program */
    int64_t since_ns;      /* the held task's begin: the last answer, or its telling */
    int64_t deadline_ns;   /* when something is due here: act_in_time() */
    int64_t not_before_ns; /* when it may be started again */
    enum doom doom;
    char why[TEXT_BYTES];
};

struct programs {
    struct executor base;
    struct programs_options options;
    char **argv;
    char **env; /* its first string is `slot` */
    char slot[VARIABLE_BYTES];
    int epoll;
    struct starter starter;
    struct job_list jobs;
    struct seat *seats;
    int64_t alarm_ns; /* no seat's deadline is before this */
    int barren;       /* so too, by all seats between them */
    bool failed;      /* it can't go on */
    bool closing;
    struct task_bytes text;   /* of an answer, for the moment */
    struct task_bytes record; /* what was taken last */
};

/* ---- what is said ------------------------------------------------------------ */

static void say_line(const struct programs *x, const char *name, const char *text,
                     size_t size)
{
    if (x->options.say != NULL)
        x->options.say(x->options.ctx, name, text, size);
}

static void __attribute__((format(printf, 2, 3)))
say(const struct programs *x, const char *format, ...)
{
    char text[2 * TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    say_line(x, NULL, text, strlen(text));
}

/* Pass on what came; `all`: an unfinished line too, as there will be no more. */
static void pass_on_err(const struct programs *x, struct seat *s, bool all)
{
    struct lines *l = &s->program.err_lines;
    const char *line;
    size_t size;
    while (lines_next(l, &line, &size))
        say_line(x, s->name, line, size);
    size = lines_rest(l, &line);
    if (size == 0 || (size < ERR_LINE_MOST && !all))
        return;
    say_line(x, s->name, line, size);
    lines_clear(l);
}

/* ---- jobs -------------------------------------------------------------------- */

static void free_job(struct programs *x, struct job *j)
{
    TAILQ_REMOVE(&x->jobs, j, link);
    free(j->records.data);
    free(j->batch);
    free(j);
    x->base.held--;
}

static void step(const struct job *j, struct place *p)
{
    p->at += parcel_record_bytes(j->batch->records + p->at);
    p->index++;
}

static bool is_behind(const struct job *j, struct place p)
{
    return p.index >= j->batch->count;
}

/* How many were told and not answered. */
static uint32_t count_told(const struct job *j)
{
    return j->told.index - j->begin.index;
}

/* That the program is told, and people too: commands.h. */
static uint64_t number_of(const struct job *j, struct place p)
{
    struct parcel_task t;
    size_t bytes;
    int rc =
        parcel_read_task(j->batch->records + p.at, j->batch->bytes - p.at, &t, &bytes);
    return rc == 0 && t.tag != 0 ? t.tag : j->batch->first + p.index + 1;
}

/* Leave out what is not wanted, as far as it can be: a report has no gaps. */
static void settle(struct job *j)
{
    while (!is_behind(j, j->told) && count_told(j) == 0 && j->records.size == 0 &&
           batch_is_dropped(j->batch->records + j->told.at)) {
        step(j, &j->begin);
        j->told = j->begin;
        j->deaths = 0;
    }
}

static bool is_over(const struct job *j)
{
    return is_behind(j, j->begin) && j->records.size == 0;
}

static void unbind(struct job *j)
{
    if (j->seat != NULL)
        j->seat->job = NULL;
    j->seat = NULL;
    j->told = j->begin;
}

/* The task at `begin` has its result. Without memory nothing has changed. */
static int end_task(struct job *j, struct execute_result *r)
{
    int rc = commands_append(&j->records, r);
    if (rc != 0)
        return rc;
    if (j->first == UINT32_MAX)
        j->first = j->begin.index;
    j->busy_ns += r->took_ns;
    step(j, &j->begin);
    if (j->told.index < j->begin.index)
        j->told = j->begin;
    j->deaths = 0;
    return 0;
}

/* ---- time -------------------------------------------------------------------- */

static void set_deadline(struct programs *x, struct seat *s, int64_t deadline_ns)
{
    s->deadline_ns = deadline_ns;
    if (deadline_ns < x->alarm_ns)
        x->alarm_ns = deadline_ns;
}

/* The held task's limit, from s->since_ns on. */
static void set_limit(struct programs *x, struct seat *s)
{
    const struct job *j = s->job;
    uint32_t limit_ms = 0;
    if (s->doom != DOOM_NONE || s->program.out < 0)
        return;
    if (j != NULL && count_told(j) > 0 && j->batch->limit_ms > 0) {
        const unsigned char *record = j->batch->records + j->begin.at;
        if (record[6] & PARCEL_EXTRA)
            limit_ms = parcel_get32(record + 16);
    }
    set_deadline(x, s, limit_ms > 0 ? s->since_ns + limit_ms * NS_PER_MS : INT64_MAX);
}

/* ---- the end of a program ---------------------------------------------------- */

/* From now on what it writes is of no account. */
static void doom(struct programs *x, struct seat *s, enum doom why)
{
    bool asks = why == DOOM_OVERTIME || why == DOOM_CLOSING;
    s->doom = why;
    program_signal(&s->program, asks ? SIGTERM : SIGKILL);
    program_signal(&s->program, SIGCONT);
    set_deadline(x, s, asks ? clock_now_ns() + TERM_NS : INT64_MAX);
}

static void __attribute__((format(printf, 3, 4)))
garbled(struct programs *x, struct seat *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->why, sizeof(s->why), format, args);
    va_end(args);
    doom(x, s, DOOM_GARBLED);
}

static const char *end_text(const struct seat *s, enum execute_how how, int code,
                            char *buf, size_t size)
{
    if (s->doom == DOOM_GARBLED)
        snprintf(buf, size, "%s, and was ended", s->why);
    else
        execute_text(how, code, buf, size);
    return buf;
}

/* The task that the program held has taken one program more along. */
static int blame(struct programs *x, struct seat *s, enum execute_how how, int code)
{
    struct job *j = s->job;
    char end[2 * TEXT_BYTES];
    end_text(s, how, code, end, sizeof(end));
    if (j->deaths + 1 >= PROGRAMS_POISON) {
        char text[3 * TEXT_BYTES];
        int size =
            snprintf(text, sizeof(text),
                     "given up, as it took %d programs along; the last, %s, %s\n",
                     PROGRAMS_POISON, s->name, end);
        bool own = s->doom == DOOM_NONE && (how != EXECUTE_EXITED || code != 0);
        struct execute_result r = {
            .how = own ? how : EXECUTE_UNANSWERED,
            .code = own ? code : 0,
            .took_ns = clock_now_ns() - s->since_ns,
            .err = {.data = text, .size = (size_t)size},
        };
        int rc = end_task(j, &r);
        if (rc != 0)
            return rc;
    } else {
        j->deaths++;
        say(x, "worker program %s %s; it held task %" PRIu64 ", which is tried again",
            s->name, end, number_of(j, j->begin));
    }
    return 0;
}

static int overtime(struct seat *s)
{
    struct execute_result r = {.how = EXECUTE_OVERTIME,
                               .took_ns = clock_now_ns() - s->since_ns};
    return end_task(s->job, &r);
}

/* One more ended without an answer. */
static void count_barren(struct programs *x, struct seat *s)
{
    int64_t delay_ns = x->options.back_off_ns;
    x->barren++;
    s->barren++;
    for (int i = 2; i < s->barren && delay_ns < BACK_OFF_MAX; i++)
        delay_ns *= 2;
    if (delay_ns > BACK_OFF_MAX)
        delay_ns = BACK_OFF_MAX;
    if (s->barren > 1)
        s->not_before_ns = clock_now_ns() + delay_ns;
    if (x->barren < PROGRAMS_BARREN ||
        x->barren < PROGRAMS_BARREN_SEAT * x->base.slots || x->failed)
        return;
    x->failed = true;
    say(x,
        "worker program '%s' ended %d times in a row without an answer: it is not "
        "started again; see what it says when it is given a task by hand",
        x->argv[0], x->barren);
}

static bool is_seated(const struct programs *x, pid_t pid)
{
    for (int i = 0; i < x->base.slots; i++)
        if (x->seats[i].program.pid == pid)
            return true;
    return false;
}

/* Reap who was left behind by a program, and then by life. */
static void reap_orphans(const struct programs *x)
{
    siginfo_t info;
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid == 0 || is_seated(x, info.si_pid))
            return;
        waitpid(info.si_pid, NULL, WNOHANG);
    }
}

/* Its seat is free again. */
static void leave_seat(struct programs *x, struct seat *s)
{
    if (s->job != NULL)
        unbind(s->job);
    program_reap(&s->program);
    s->doom = DOOM_NONE;
    set_deadline(x, s, INT64_MAX);
    if (x->options.adopts)
        reap_orphans(x);
}

/* Its process has ended, and all that it wrote was read. */
static int judge(struct programs *x, struct seat *s, enum execute_how how, int code)
{
    char end[2 * TEXT_BYTES];
    bool held = s->job != NULL && count_told(s->job) > 0;
    bool by_itself = s->doom == DOOM_NONE && how == EXECUTE_EXITED;
    int rc = 0;
    if (s->doom == DOOM_CLOSING || (by_itself && code == 0 && s->answers > 0) ||
        (by_itself && x->closing && !held)) /* a shell's loop ends with any status */
        return 0;
    if (s->doom == DOOM_OVERTIME)
        return held ? overtime(s) : 0;
    if (held)
        rc = blame(x, s, how, code);
    else
        say(x, "worker program %s %s; it held no task", s->name,
            end_text(s, how, code, end, sizeof(end)));
    if (rc == 0 && s->answers == 0 && !x->closing)
        count_barren(x, s);
    return rc;
}

/* ---- answers ----------------------------------------------------------------- */

/* `count` answers came since the last look: how many should be told ahead? */
static void pace(struct seat *s, uint32_t count, int64_t took_ns)
{
    int64_t each_ns = took_ns / count;
    if (each_ns * s->ahead < AHEAD_NS / 2)
        s->ahead = s->ahead * 2 < AHEAD_MOST ? s->ahead * 2 : AHEAD_MOST;
    else if (each_ns * s->ahead > AHEAD_NS)
        s->ahead = each_ns < AHEAD_NS ? (uint32_t)(AHEAD_NS / each_ns) : 1;
}

static void refuse_line(struct programs *x, struct seat *s, const char *line,
                        size_t size, const char *why)
{
    char shown[TALK_EXCERPT];
    garbled(x, s, "wrote '%s', which is no answer: %s", talk_excerpt(line, size, shown),
            why);
}

/* Whether that answers the task which the program holds; if not, it is refused. */
static bool is_awaited(struct programs *x, struct seat *s, uint64_t task,
                       const char *line, size_t size)
{
    const struct job *j = s->job;
    char why[128];
    if (j == NULL || count_told(j) == 0)
        snprintf(why, sizeof(why), "there is no task that waits for one");
    else if (task != number_of(j, j->begin))
        snprintf(why, sizeof(why), "task %" PRIu64 " is the one that waits for it",
                 number_of(j, j->begin));
    else
        return true;
    refuse_line(x, s, line, size, why);
    return false;
}

/* Fails with ROTA_E_NOMEM; what is no answer is no failure, but the program's end. */
static int take_answer(struct programs *x, struct seat *s, const char *line,
                       size_t size, int64_t took_ns)
{
    struct rota_error err;
    struct talk_answer a;
    if (size > x->options.line_max) {
        refuse_line(x, s, line, size, "it is too long");
        return 0;
    }
    int rc = talk_read_answer(line, size, &a, &x->text, &err);
    if (rc == ROTA_E_FORMAT)
        refuse_line(x, s, line, size, err.text);
    if (rc != 0 || !is_awaited(x, s, a.task, line, size))
        return rc == ROTA_E_FORMAT ? 0 : rc;
    struct execute_bytes text = {.data = (char *)x->text.data, .size = x->text.size};
    struct execute_result r = {.how = EXECUTE_EXITED, .took_ns = took_ns};
    if (a.failed) {
        r.how = EXECUTE_REFUSED;
        r.code = 1;
        r.err = text;
    } else {
        r.out = text;
    }
    rc = end_task(s->job, &r);
    if (rc == 0) {
        s->answers++;
        x->barren = s->barren = 0;
    }
    return rc;
}

/* The lines that came, which share the time since the last ones. Those for which there
 * is no memory could not be told from those that never came: the program is ended. */
static void take_lines(struct programs *x, struct seat *s)
{
    struct lines *l = &s->program.out_lines;
    int64_t now_ns = clock_now_ns();
    int64_t took_ns = now_ns - s->since_ns;
    struct lines ahead = *l;
    uint32_t count = 0;
    const char *line;
    size_t size;
    if (s->doom != DOOM_NONE) {
        lines_clear(l);
        return;
    }
    while (lines_next(&ahead, &line, &size))
        count++;
    if (count == 0)
        l->scanned = ahead.scanned;
    for (uint32_t i = 0; i < count && s->doom == DOOM_NONE; i++) {
        lines_next(l, &line, &size);
        if (take_answer(x, s, line, size, took_ns / count) != 0)
            garbled(x, s, "wrote an answer for which there is no memory");
    }
    if (s->doom == DOOM_NONE && (size = lines_rest(l, &line)) > x->options.line_max)
        refuse_line(x, s, line, size, "it is too long");
    if (count == 0)
        return;
    pace(s, count, took_ns);
    s->since_ns = now_ns;
    set_limit(x, s);
}

/* ---- tasks ------------------------------------------------------------------- */

static int start_program(struct programs *x, struct seat *s)
{
    struct starter_spec spec = {
        .argv = x->argv, .env = x->env, .folder = x->options.folder};
    memcpy(x->slot, s->slot, sizeof(x->slot));
    s->answers = 0;
    s->ahead = 1;
    s->not_before_ns = 0;
    return program_start(&s->program, &x->starter, &spec);
}

/* Have a program in the seat. False: it can't be started, for now or for good. */
static bool start_again(struct programs *x, struct seat *s)
{
    int rc = start_program(x, s);
    if (rc == 0)
        return true;
    say(x, "cannot start worker program '%s' again: %s", x->argv[0], strerror(rc));
    s->answers = 0;
    count_barren(x, s);
    return false;
}

/* Queue the lines of tasks, as many as may be told now. */
static int tell(struct seat *s)
{
    struct job *j = s->job;
    struct task_bytes *queue = &s->program.queue;
    uint32_t few = s->ahead / 2;
    settle(j);
    if (count_told(j) > few || j->records.size > RECORDS_MOST)
        return 0;
    while (!is_behind(j, j->told) && count_told(j) < s->ahead &&
           queue->size - s->program.sent < QUEUE_MOST) {
        struct parcel_task t;
        size_t bytes;
        const unsigned char *record = j->batch->records + j->told.at;
        if (batch_is_dropped(record))
            break;
        int rc = parcel_read_task(record, j->batch->bytes - j->told.at, &t, &bytes);
        uint32_t attempt = j->batch->attempt;
        if (j->told.index == j->begin.index)
            attempt += (uint32_t)j->deaths;
        const char *words = NULL;
        size_t size = 0;
        if (rc == 0)
            rc = commands_words(t.data, t.size, &words, &size);
        if (rc == 0)
            rc = talk_put_task(queue, number_of(j, j->told), attempt, words, size);
        if (rc != 0)
            return rc;
        step(j, &j->told);
    }
    return 0;
}

/* What is no list of arguments ends at once. */
static int refuse_task(struct job *j)
{
    struct execute_result r = {.how = EXECUTE_NOT_STARTED, .code = ENOEXEC};
    return end_task(j, &r);
}

static int tell_program(struct programs *x, struct seat *s)
{
    bool idle = count_told(s->job) == 0;
    int rc = tell(s);
    if (rc == ROTA_E_FORMAT && count_told(s->job) == 0)
        rc = refuse_task(s->job);
    if (idle && count_told(s->job) > 0) {
        s->since_ns = clock_now_ns();
        set_limit(x, s);
    }
    if (!s->program.blocked && s->program.queue.size > 0)
        program_flush(&s->program);
    return rc == ROTA_E_FORMAT ? 0 : rc;
}

/* The seat for a job: one whose program runs, or one where it may be started. */
static struct seat *find_seat(struct programs *x, int64_t now_ns)
{
    struct seat *empty = NULL;
    for (int i = 0; i < x->base.slots; i++) {
        struct seat *s = &x->seats[i];
        if (s->job != NULL || s->doom != DOOM_NONE)
            continue;
        if (s->program.pid > 0 && s->program.out >= 0)
            return s;
        if (s->program.pid == 0 && s->not_before_ns <= now_ns && empty == NULL)
            empty = s;
    }
    if (empty != NULL && !start_again(x, empty))
        return NULL;
    return empty;
}

/* Bind the jobs that wait to seats. */
static void seat_jobs(struct programs *x)
{
    int64_t now_ns = 0;
    struct job *j;
    TAILQ_FOREACH (j, &x->jobs, link) {
        if (j->seat != NULL || is_behind(j, j->begin))
            continue;
        now_ns = now_ns ? now_ns : clock_now_ns();
        struct seat *s = find_seat(x, now_ns);
        if (s == NULL)
            return;
        s->job = j;
        j->seat = s;
    }
}

/* A job whose tasks were all answered leaves its seat; one that is over goes. */
static void clear_jobs(struct programs *x)
{
    struct job *next;
    for (struct job *j = TAILQ_FIRST(&x->jobs); j != NULL; j = next) {
        next = TAILQ_NEXT(j, link);
        settle(j);
        if (is_behind(j, j->begin) && j->seat != NULL)
            unbind(j);
        if (is_over(j))
            free_job(x, j);
    }
}

/* Let every program have what it may. */
static int fill(struct programs *x)
{
    int failed = 0;
    clear_jobs(x);
    if (!x->failed)
        seat_jobs(x);
    for (int i = 0; i < x->base.slots; i++) {
        struct seat *s = &x->seats[i];
        if (s->job == NULL || s->doom != DOOM_NONE || s->program.out < 0)
            continue;
        int rc = tell_program(x, s);
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
        take_lines(x, s);
    for (int i = 0; i < DRAIN_READS && program_read_err(&s->program); i++)
        pass_on_err(x, s, false);
    pass_on_err(x, s, true);
    if (judge(x, s, how, code) == 0)
        leave_seat(x, s);
}

/* Its output is at its end, and so it is of no use any more. */
static void see_silence(struct programs *x, struct seat *s)
{
    if (s->doom == DOOM_NONE)
        set_deadline(x, s, clock_now_ns() + SILENT_NS);
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
            take_lines(x, s);
        else if (s->program.out < 0)
            see_silence(x, s);
        return;
    case PROGRAM_ERR:
        program_read_err(&s->program);
        pass_on_err(x, s, s->program.err < 0);
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
        garbled(x, s, "closed its standard output");
    else if (s->doom == DOOM_NONE)
        doom(x, s, DOOM_OVERTIME);
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

/* When a job that waits for a seat may have one whose program has ended; INT64_MAX:
 * none waits, or there will be another event. */
static int64_t next_start_ns(const struct programs *x)
{
    int64_t next_ns = INT64_MAX;
    const struct job *j;
    TAILQ_FOREACH (j, &x->jobs, link)
        if (j->seat == NULL)
            break;
    if (j == NULL)
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
    rota_auto(heap) struct job *j = calloc(1, sizeof(*j));
    if (j == NULL)
        return ROTA_E_NOMEM;
    j->batch = batch_new(given);
    if (j->batch == NULL)
        return ROTA_E_NOMEM;
    j->first = UINT32_MAX;
    TAILQ_INSERT_TAIL(&x->jobs, j, link);
    j = NULL;
    x->base.held++;
    fill(x); /* without memory, in take */
    return 0;
}

/* A job that has results: of those in seats the first. */
static struct job *find_results(struct programs *x)
{
    struct job *j;
    TAILQ_FOREACH (j, &x->jobs, link)
        if (j->records.size > 0)
            return j;
    return NULL;
}

/* Its results are told: they are x->record's from here on. */
static void report(struct programs *x, struct job *j, struct executor_report *out)
{
    struct task_bytes old = x->record;
    x->record = j->records;
    j->records = old;
    j->records.size = 0;
    if (j->records.cap > RECORD_KEPT) {
        free(j->records.data);
        j->records = (struct task_bytes){0};
    }
    *out = (struct executor_report){
        .lease = j->batch->lease,
        .first = j->batch->first + j->first,
        .count = j->begin.index - j->first,
        .busy_ns = j->busy_ns,
        .records = x->record.data,
        .bytes = x->record.size,
    };
    j->busy_ns = 0;
    j->first = UINT32_MAX;
}

static int programs_take(struct executor *base, struct executor_report *out)
{
    struct programs *x = (struct programs *)base;
    struct job *j = find_results(x);
    int filled = 0;
    if (j == NULL) {
        filled = fill(x);
        if (look(x, 0) != 0)
            return ROTA_E_IO;
        j = find_results(x);
    }
    if (j != NULL) {
        report(x, j, out);
        fill(x);
        return 0;
    }
    if (x->failed)
        return ROTA_E_IO;
    return filled ? filled : ROTA_E_TIMEOUT;
}

static struct job *job_of(const struct programs *x, uint64_t lease)
{
    struct job *j;
    TAILQ_FOREACH (j, &x->jobs, link)
        if (j->batch->lease == lease)
            return j;
    return NULL;
}

static void programs_drop(struct executor *base, uint64_t lease, uint64_t first,
                          uint32_t count)
{
    struct programs *x = (struct programs *)base;
    struct job *j = job_of(x, lease);
    if (j != NULL)
        batch_drop(j->batch, j->told.index, j->told.at, first, count);
    clear_jobs(x);
}

static uint64_t programs_unbegun(const struct executor *base, uint64_t lease)
{
    const struct job *j = job_of((const struct programs *)base, lease);
    if (j == NULL || is_behind(j, j->told))
        return UINT64_MAX;
    return j->batch->first + j->told.index;
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
        busy = busy || s->job != NULL;
        if (s->program.pid > 0)
            program_close_in(&s->program);
    }
    x->closing = true;
    if (!busy)
        await_ends(x, x->options.farewell_ns);
    for (int i = 0; i < x->base.slots; i++) {
        struct seat *s = &x->seats[i];
        if (s->program.pid > 0 && !busy)
            say(x, "worker program %s did not end with its input, and was ended",
                s->name);
        if (s->program.pid > 0)
            doom(x, s, DOOM_CLOSING);
    }
    await_ends(x, TERM_NS + KILL_NS);
}

static void programs_free(struct programs *x)
{
    if (x == NULL)
        return;
    while (!TAILQ_EMPTY(&x->jobs)) {
        unbind(TAILQ_FIRST(&x->jobs));
        free_job(x, TAILQ_FIRST(&x->jobs));
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

static int check(const struct programs_options *o, struct rota_error *err)
{
    struct rlimit files;
    if (o->slots < 1)
        return error_set(err, ROTA_E_ARG, "cannot run %d programs at once", o->slots);
    rlim_t need = (rlim_t)o->slots * FDS_PER_SEAT + FDS_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < need)
        return error_set(err, ROTA_E_ARG,
                         "cannot run %d programs at once: that takes %ju open files, "
                         "and %ju are allowed; raise the limit with 'ulimit -n'",
                         o->slots, (uintmax_t)need, (uintmax_t)files.rlim_cur);
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
    TAILQ_INIT(&x->jobs);
    x->options = *options;
    set_defaults(&x->options);
    x->base = (struct executor){.ops = &programs_ops, .slots = options->slots};
    x->alarm_ns = INT64_MAX;
    x->epoll = epoll_create1(EPOLL_CLOEXEC);
    rc = starter_init(&x->starter);
    if (x->epoll < 0 || rc == ROTA_E_IO)
        return error_set(err, ROTA_E_IO, "cannot watch programs: %s", strerror(errno));
    if (rc != 0 || make_seats(x) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    rc = start_program(x, &x->seats[0]);
    if (rc != 0)
        return error_set(err, ROTA_E_ARG, "cannot start worker program '%s': %s",
                         options->argv[0], strerror(rc));
    *out = &rota_steal(x)->base;
    return 0;
}
