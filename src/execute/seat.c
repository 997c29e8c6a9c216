/* seat.c - a slot's program: what it is told, what it answers, and how it ends */
#include "execute/seat.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "execute/commands.h"
#include "execute/talk.h"

enum {
    AHEAD_MOST = 512,        /* tasks told and not answered */
    QUEUE_MOST = 1 << 16,    /* bytes that wait for a full pipe, before the next line */
    RECORDS_MOST = 1 << 20,  /* bytes of results that wait to be taken */
    ERR_LINE_MOST = 1 << 16, /* a longer line is passed on in pieces */
};

#define AHEAD_NS     (1 * NS_PER_MS)
#define BACK_OFF_MAX (10 * NS_PER_SEC)
#define TERM_NS      (1 * NS_PER_SEC) /* from SIGTERM to SIGKILL */

/* ---- what is said ------------------------------------------------------------ */

static void say_line(const struct programs *x, const char *name, const char *text,
                     size_t size)
{
    if (x->options.say != NULL)
        x->options.say(x->options.ctx, name, text, size);
}

void __attribute__((format(printf, 2, 3)))
seat_say(const struct programs *x, const char *format, ...)
{
    char text[2 * SEAT_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    say_line(x, NULL, text, strlen(text));
}

void seat_pass_on_err(const struct programs *x, struct seat *s, bool all)
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

/* ---- time -------------------------------------------------------------------- */

void seat_set_deadline(struct programs *x, struct seat *s, int64_t deadline_ns)
{
    s->deadline_ns = deadline_ns;
    if (deadline_ns < x->alarm_ns)
        x->alarm_ns = deadline_ns;
}

/* The held task's limit, from s->since_ns on. */
static void set_limit(struct programs *x, struct seat *s)
{
    const struct errand *e = s->errand;
    uint32_t limit_ms = 0;
    if (s->doom != DOOM_NONE || s->program.out < 0)
        return;
    if (e != NULL && errand_count_told(e) > 0 && e->batch->limit_ms > 0) {
        const unsigned char *record = e->batch->records + e->begin.at;
        if (record[6] & PARCEL_EXTRA)
            limit_ms = parcel_get32(record + 16);
    }
    seat_set_deadline(x, s,
                      limit_ms > 0 ? s->since_ns + limit_ms * NS_PER_MS : INT64_MAX);
}

/* ---- the end of a program ---------------------------------------------------- */

void seat_doom(struct programs *x, struct seat *s, enum doom why)
{
    bool asks = why == DOOM_OVERTIME || why == DOOM_CLOSING;
    s->doom = why;
    program_signal(&s->program, asks ? SIGTERM : SIGKILL);
    program_signal(&s->program, SIGCONT);
    seat_set_deadline(x, s, asks ? clock_now_ns() + TERM_NS : INT64_MAX);
}

void __attribute__((format(printf, 3, 4)))
seat_garbled(struct programs *x, struct seat *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->why, sizeof(s->why), format, args);
    va_end(args);
    seat_doom(x, s, DOOM_GARBLED);
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
    struct errand *e = s->errand;
    char end[2 * SEAT_TEXT_BYTES];
    end_text(s, how, code, end, sizeof(end));
    if (e->deaths + 1 >= PROGRAMS_POISON) {
        char text[3 * SEAT_TEXT_BYTES];
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
        int rc = errand_end_task(e, &r);
        if (rc != 0)
            return rc;
    } else {
        e->deaths++;
        seat_say(x,
                 "worker program %s %s; it held task %" PRIu64 ", which is tried again",
                 s->name, end, errand_number(e, e->begin));
    }
    return 0;
}

static int overtime(struct seat *s)
{
    struct execute_result r = {.how = EXECUTE_OVERTIME,
                               .took_ns = clock_now_ns() - s->since_ns};
    return errand_end_task(s->errand, &r);
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
    seat_say(x,
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

void seat_unbind(struct errand *e)
{
    if (e->seat != NULL)
        e->seat->errand = NULL;
    e->seat = NULL;
    e->told = e->begin;
}

void seat_leave(struct programs *x, struct seat *s)
{
    if (s->errand != NULL)
        seat_unbind(s->errand);
    program_reap(&s->program);
    s->doom = DOOM_NONE;
    seat_set_deadline(x, s, INT64_MAX);
    if (x->options.adopts)
        reap_orphans(x);
}

int seat_judge(struct programs *x, struct seat *s, enum execute_how how, int code)
{
    char end[2 * SEAT_TEXT_BYTES];
    bool held = s->errand != NULL && errand_count_told(s->errand) > 0;
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
        seat_say(x, "worker program %s %s; it held no task", s->name,
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
    seat_garbled(x, s, "wrote '%s', which is no answer: %s",
                 talk_excerpt(line, size, shown), why);
}

/* Whether that answers the task which the program holds; if not, it is refused. */
static bool is_awaited(struct programs *x, struct seat *s, uint64_t task,
                       const char *line, size_t size)
{
    const struct errand *e = s->errand;
    char why[128];
    if (e == NULL || errand_count_told(e) == 0)
        snprintf(why, sizeof(why), "there is no task that waits for one");
    else if (task != errand_number(e, e->begin))
        snprintf(why, sizeof(why), "task %" PRIu64 " is the one that waits for it",
                 errand_number(e, e->begin));
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
    rc = errand_end_task(s->errand, &r);
    if (rc == 0) {
        s->answers++;
        x->barren = s->barren = 0;
    }
    return rc;
}

/* The lines that came, which share the time since the last ones. Those for which there
 * is no memory could not be told from those that never came: the program is ended. */
void seat_take_lines(struct programs *x, struct seat *s)
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
            seat_garbled(x, s, "wrote an answer for which there is no memory");
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

int seat_start(struct programs *x, struct seat *s)
{
    struct starter_spec spec = {
        .argv = x->argv, .env = x->env, .folder = x->options.folder};
    memcpy(x->slot, s->slot, sizeof(x->slot));
    s->answers = 0;
    s->ahead = 1;
    s->not_before_ns = 0;
    return program_start(&s->program, &x->starter, &spec);
}

bool seat_start_again(struct programs *x, struct seat *s)
{
    int rc = seat_start(x, s);
    if (rc == 0)
        return true;
    seat_say(x, "cannot start worker program '%s' again: %s", x->argv[0], strerror(rc));
    s->answers = 0;
    count_barren(x, s);
    return false;
}

/* Queue the lines of tasks, as many as may be told now. */
static int queue_tasks(struct seat *s)
{
    struct errand *e = s->errand;
    struct task_bytes *queue = &s->program.queue;
    uint32_t few = s->ahead / 2;
    errand_settle(e);
    if (errand_count_told(e) > few || e->records.size > RECORDS_MOST)
        return 0;
    while (!errand_is_behind(e, e->told) && errand_count_told(e) < s->ahead &&
           queue->size - s->program.sent < QUEUE_MOST) {
        struct parcel_task t;
        size_t bytes;
        const unsigned char *record = e->batch->records + e->told.at;
        if (batch_is_dropped(record))
            break;
        int rc = parcel_read_task(record, e->batch->bytes - e->told.at, &t, &bytes);
        uint32_t attempt = e->batch->attempt;
        if (e->told.index == e->begin.index)
            attempt += (uint32_t)e->deaths;
        const char *words = NULL;
        size_t size = 0;
        if (rc == 0)
            rc = commands_words(t.data, t.size, &words, &size);
        if (rc == 0)
            rc = talk_put_task(queue, errand_number(e, e->told), attempt, words, size);
        if (rc != 0)
            return rc;
        errand_step(e, &e->told);
    }
    return 0;
}

/* What is no list of arguments ends at once. */
static int refuse_task(struct errand *e)
{
    struct execute_result r = {.how = EXECUTE_NOT_STARTED, .code = ENOEXEC};
    return errand_end_task(e, &r);
}

int seat_tell(struct programs *x, struct seat *s)
{
    bool idle = errand_count_told(s->errand) == 0;
    int rc = queue_tasks(s);
    if (rc == ROTA_E_FORMAT && errand_count_told(s->errand) == 0)
        rc = refuse_task(s->errand);
    if (idle && errand_count_told(s->errand) > 0) {
        s->since_ns = clock_now_ns();
        set_limit(x, s);
    }
    if (!s->program.blocked && s->program.queue.size > 0)
        program_flush(&s->program);
    return rc == ROTA_E_FORMAT ? 0 : rc;
}
