/* report.c - what a run shows: results to stdout, talk to stderr */
#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/variables.h"

enum {
    COMMAND_SHOWN = 160, /* bytes of a command in a message */
};

int cli_fail(int status, const struct rota_error *err)
{
    fprintf(stderr, "rota: %s\n", err->text);
    return status;
}

/* Write all; what can't be written has nobody to be told to. */
static void put_out(const struct report *r, const char *data, size_t size)
{
    screen_make_way(r->screen, r->err);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(r->err, data + done, size - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    screen_wrote(r->screen, r->err, data, size);
}

/* A line for a person. If it can't be written, there is nobody to tell. */
static void __attribute__((format(printf, 2, 3)))
say(const struct report *r, const char *format, ...)
{
    char line[1024] = "rota: ";
    size_t head = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + head, sizeof(line) - head - 1, format, args);
    va_end(args);
    size_t size = strlen(line);
    line[size++] = '\n';
    put_out(r, line, size);
}

/* --- a command, as a person would have written it ------------------------- */

struct text {
    char data[COMMAND_SHOWN + 4]; /* and "..." */
    size_t size;
};

/* A byte that could move the cursor is shown as '?'. */
static void put(struct text *t, char c)
{
    unsigned char byte = (unsigned char)c;
    if (t->size < COMMAND_SHOWN)
        t->data[t->size] = byte < 0x20 || byte == 0x7f ? '?' : c;
    t->size++;
}

static void put_word(struct text *t, const char *word)
{
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789_-+=./:,@%";
    bool quote = word[0] == '\0' || word[strspn(word, plain)] != '\0';
    if (quote)
        put(t, '\'');
    for (const char *c = word; *c != '\0'; c++)
        put(t, *c);
    if (quote)
        put(t, '\'');
}

/* `sh -c TEXT` was not the user's word: TEXT was. */
static const char *command_text(char *const *argv, struct text *t)
{
    *t = (struct text){0};
    bool shell = argv[0] != NULL && strcmp(argv[0], "sh") == 0 && argv[1] != NULL &&
                 strcmp(argv[1], "-c") == 0 && argv[2] != NULL && argv[3] == NULL;
    if (shell) {
        for (const char *c = argv[2]; *c != '\0'; c++)
            put(t, *c);
    }
    for (int i = 0; !shell && argv[i] != NULL; i++) {
        if (i > 0)
            put(t, ' ');
        put_word(t, argv[i]);
    }
    if (t->size > COMMAND_SHOWN)
        memcpy(t->data + COMMAND_SHOWN, "...", 4);
    else
        t->data[t->size] = '\0';
    return t->data;
}

/* What may be done about a command that there is not. */
static const char *advice(const struct crew_end *end)
{
    const struct execute_result *result = end->result;
    bool missing = result->how == EXECUTE_NOT_STARTED && result->code == ENOENT;
    return missing && end->argv[0] != NULL && variables_has_function(end->argv[0])
               ? "; it is a function of bash: 'export PARALLEL_SHELL=bash' lets bash "
                 "read "
                 "commands"
               : "";
}

/* --- tasks and workers ---------------------------------------------------- */

static void say_failed(const struct report *r, const struct crew_end *end)
{
    struct text command;
    char how[128];
    const struct execute_result *result = end->result;
    const char *had = end->had != NULL && end->had[0] != '\0' ? end->had : NULL;
    command_text(end->argv, &command);
    if (end->outcome == ROTA_POISON && r->reads_on)
        say(r, "task %" PRIu64 " was lost with its worker: %s", end->task + 1,
            command.data);
    else if (end->outcome == ROTA_POISON)
        say(r, "task %" PRIu64 " was given up, as it took %d workers along: %s",
            end->task + 1, end->killed, command.data);
    else if (result != NULL)
        say(r, "task %" PRIu64 " %s: %s%s", end->task + 1,
            execute_text(result->how, result->code, how, sizeof(how)), command.data,
            advice(end));
    if (had != NULL)
        say(r, "of the input, task %" PRIu64 " was given %s, and nobody else is",
            end->task + 1, had);
}

void report_ended(struct report *r, const struct crew_end *end)
{
    if (end->outcome != ROTA_DONE)
        say_failed(r, end);
}

void report_spilt(struct report *r, uint64_t number, const char *why)
{
    say(r, "task %" PRIu64 " is ended, as its output cannot be kept: %s", number, why);
}

void report_lost(struct report *r, int rank, const struct rota_fate *fate,
                 const char *strange, uint64_t again)
{
    char how[256];
    if (fate == NULL)
        snprintf(how, sizeof(how), "%s, and was cut off", strange);
    else if (fate->how == ROTA_ALIVE) /* it is this process itself */
        snprintf(how, sizeof(how), "cannot go on working");
    else
        rota_fate_text(*fate, how, sizeof(how));
    if (r->reads_on)
        say(r, "rank %d %s", rank, how);
    else if (again == 0)
        say(r, "rank %d %s; it ran no task", rank, how);
    else
        say(r, "rank %d %s; %" PRIu64 " task%s that it ran %s", rank, how, again,
            again == 1 ? "" : "s",
            !r->running_out ? "will run elsewhere"
            : again == 1    ? "is left undone"
                            : "are left undone");
}

/* --- the end -------------------------------------------------------------- */

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

uint64_t report_failed(const struct rota_stats *s)
{
    return s->ended[ROTA_FAILED] + s->ended[ROTA_CRASHED] + s->ended[ROTA_OVERTIME] +
           s->ended[ROTA_POISON];
}

static void say_summary(const struct report *r, const struct rota_stats *s)
{
    double seconds = (double)(clock_now_ns() - r->start_ns) / (double)NS_PER_SEC;
    say(r,
        "%" PRIu64 " task%s: %" PRIu64 " succeeded, %" PRIu64 " failed; %d worker%s "
        "lost, %" PRIu64 " task%s run again; %.2f s",
        s->submitted, plural(s->submitted), s->ended[ROTA_DONE], report_failed(s),
        s->lost, plural((uint64_t)s->lost), s->again, plural(s->again), seconds);
}

void report_running_out(struct report *r, const struct steer *s, uint64_t running)
{
    char why[64] = "halted, as --halt says";
    bool typed = s->signal == SIGINT;
    r->running_out = true;
    if (running == 0)
        return;
    if (s->signal != 0)
        snprintf(why, sizeof(why), "asked to stop (SIG%s)", error_signal(s->signal));
    say(r,
        "%s: no more tasks are begun, and the %" PRIu64 " that run%s may end; %s ends "
        "%s at once",
        why, running, running == 1 ? "s" : "",
        s->signal == 0 ? "Ctrl-C"
        : typed        ? "Ctrl-C again"
                       : "another signal",
        running == 1 ? "it" : "them");
}

void report_waiting(struct report *r)
{
    if (!r->waiting)
        say(r, "no command can begin for now, as --memfree, --load or --noswap says; "
               "waiting for room");
    r->waiting = true;
}

static uint64_t count_undone(const struct rota_stats *s, int64_t left)
{
    return s->submitted - s->ended[ROTA_DONE] - report_failed(s) +
           (uint64_t)(left > 0 ? left : 0);
}

static void say_undone(const struct report *r, const struct crew_summary *sum, int rc,
                       const struct rota_error *err, int64_t left,
                       const struct steer *steer)
{
    uint64_t undone = count_undone(&sum->stats, left);
    const char *why = rc != 0         ? err->text
                      : steer->signal ? "asked to stop"
                      : steer->halted ? "halted, as --halt says"
                                      : "no worker is left";
    if (undone == 0 && left == 0)
        say(r, "%s", why);
    else
        say(r, "%s; %" PRIu64 " task%s%s left undone", why, undone, plural(undone),
            left < 0 ? " and the rest of the list" : "");
}

static int halted_status(const struct halt *h, uint64_t failed)
{
    if (h->what == HALT_DONE)
        return failed > 0 ? STATUS_FAILED : STATUS_SUCCESS;
    return h->what == HALT_SUCCESS ? STATUS_SUCCESS : STATUS_FAILED;
}

int report_close(struct report *r, const struct crew_summary *sum, int rc,
                 const struct rota_error *err, int64_t left, const struct steer *steer)
{
    uint64_t failed = report_failed(&sum->stats);
    if (!sum->complete)
        say_undone(r, sum, rc, err, left, steer);
    if (r->summary || !sum->complete || failed > 0 || sum->stats.lost > 0)
        say_summary(r, &sum->stats);
    if (steer->signal != 0 && !sum->complete)
        return STATUS_SIGNAL + steer->signal;
    if (rc == 0 && steer->halted)
        return halted_status(&steer->halt, failed);
    if (!sum->complete)
        return STATUS_INCOMPLETE;
    return failed > 0 ? STATUS_FAILED : STATUS_SUCCESS;
}
