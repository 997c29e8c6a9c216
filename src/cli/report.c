/* report.c - what a run shows: results to stdout, talk to stderr */
#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

enum {
    COMMAND_SHOWN = 160, /* bytes of a command in a message */
};

/* Write all; returns an errno. */
static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n >= 0) {
            data += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            poll(&p, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* The same, where perhaps the screen's line stands. */
static int put_out(const struct report *r, int fd, const char *data, size_t size)
{
    if (size == 0)
        return 0;
    screen_make_way(r->screen, fd);
    int rc = write_all(fd, data, size);
    screen_wrote(r->screen, fd, data, size);
    return rc;
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
    put_out(r, r->err, line, size);
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

/* --- tasks and workers ---------------------------------------------------- */

static void say_failed(const struct report *r, const struct crew_end *end)
{
    struct text command;
    char how[128];
    const struct execute_result *result = end->result;
    command_text(end->argv, &command);
    if (end->outcome == ROTA_POISON)
        say(r, "task %" PRIu64 " was given up, as it took %d workers along: %s",
            end->task + 1, end->killed, command.data);
    else if (result != NULL)
        say(r, "task %" PRIu64 " %s: %s", end->task + 1,
            execute_text(result->how, result->code, how, sizeof(how)), command.data);
}

/* Each line behind the tag and a tab. Returns an errno. */
static int write_tagged(const struct report *r, int fd, const char *tag,
                        const struct execute_bytes *b)
{
    struct blob lines = {0};
    const char *end = b->data + b->size;
    int rc = tag == NULL ? put_out(r, fd, b->data, b->size) : 0;
    for (const char *line = b->data; tag != NULL && rc == 0 && line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline ? newline + 1 : end;
        if (blob_put(&lines, tag, strlen(tag)) != 0 || blob_put(&lines, "\t", 1) != 0 ||
            blob_put(&lines, line, (size_t)(next - line)) != 0)
            rc = ENOMEM;
        line = next;
    }
    if (rc == 0)
        rc = put_out(r, fd, lines.data, lines.size);
    blob_done(&lines);
    return rc;
}

/* Returns an errno. */
static int show(const struct report *r, const struct execute_result *result,
                const struct ticket *k)
{
    int rc = 0;
    if (r->verbose && k->command != NULL) {
        rc = put_out(r, r->out, k->command, strlen(k->command));
        if (rc == 0)
            rc = put_out(r, r->out, "\n", 1);
    }
    if (rc == 0)
        rc = write_tagged(r, r->out, k->tag, &result->out);
    write_tagged(r, r->err, k->tag, &result->err);
    return rc;
}

int report_ended(struct report *r, const struct crew_end *end, const struct ticket *k,
                 struct rota_error *err)
{
    if (end->result != NULL) {
        int rc = show(r, end->result, k);
        if (rc != 0)
            return error_set(err, ROTA_E_IO,
                             "cannot write task %" PRIu64 "'s output to standard "
                             "output: %s",
                             end->task + 1, strerror(rc));
    }
    if (end->outcome != ROTA_DONE)
        say_failed(r, end);
    return 0;
}

void report_lost(struct report *r, int rank, const struct rota_fate *fate,
                 uint64_t again)
{
    char how[128] = "sent a malformed message";
    if (fate != NULL)
        rota_fate_text(*fate, how, sizeof(how));
    if (again == 0)
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
    const char *abbrev = sigabbrev_np(s->signal);
    char why[64] = "halted, as --halt says";
    bool typed = s->signal == SIGINT;
    r->running_out = true;
    if (running == 0)
        return;
    if (s->signal != 0)
        snprintf(why, sizeof(why), "asked to stop (SIG%s)", abbrev ? abbrev : "?");
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
    if (rc == 0 && steer->signal != 0 && !sum->complete)
        return STATUS_SIGNAL + steer->signal;
    if (rc == 0 && steer->halted)
        return halted_status(&steer->halt, failed);
    if (!sum->complete)
        return STATUS_INCOMPLETE;
    return failed > 0 ? STATUS_FAILED : STATUS_SUCCESS;
}
