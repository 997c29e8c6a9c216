/* show.c - what commands write, on its way to standard output and standard error
 *
 * Of each command that was shown before its end a *view* says how much of it was: of
 * one attempt at a time, as another one begins anew.
 */
#include "cli/show.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "cli/blob.h"
#include "cli/screen.h"
#include "cli/tasks.h"

enum {
    BUCKETS = 64,
    WRITE_BYTES = 1 << 16,
    TERMINAL_BYTES = 256,
    STOP_MS = 100, /* between two questions whether to stop */
};

/* One of a command's streams. */
struct stream {
    const struct show_options *options;
    int fd;
    const char *tag;  /* borrowed, or NULL */
    bool lines;       /* only whole ones */
    bool within;      /* a line has been shown in part */
    uint64_t shown;   /* of what is kept, so many bytes were taken */
    struct blob line; /* one that is not whole yet */
    struct blob text; /* to be written */
};

struct view {
    LIST_ENTRY(view) link;
    uint64_t task;
    uint64_t lease;
    struct stream out;
    struct stream err;
};

LIST_HEAD(views, view);

struct show {
    struct show_options options;
    uint64_t due; /* in_order: the first task that has not ended */
    struct views views[BUCKETS];
};

/* ---- a stream ---------------------------------------------------------------- */

/* How much can be written to `fd` at once without waiting, as soon as poll says that
 * something can be: to a pipe a page, to a terminal less. */
static size_t portion(int fd)
{
    struct stat st;
    if (isatty(fd))
        return TERMINAL_BYTES;
    bool pipe = fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
    return pipe ? PIPE_BUF : SIZE_MAX;
}

/* Wait until something can be written. Who asks to stop does so for a reason: perhaps
 * that nobody reads. Returns an errno. */
static int await_reader(const struct stream *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    const struct show_options *o = s->options;
    while (poll(&p, 1, STOP_MS) <= 0)
        if (o->stop != NULL && o->stop(o->ctx))
            return ECANCELED;
    return 0;
}

/* Write all; returns an errno. */
static int write_all(struct stream *s, const char *data, size_t size)
{
    size_t most = size > 0 ? portion(s->fd) : 0;
    while (size > 0) {
        int error = await_reader(s);
        if (error != 0)
            return error;
        ssize_t n =
            fault(FAULT_OUTPUT) ? -1 : write(s->fd, data, size < most ? size : most);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return errno;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int write_out(struct stream *s, const char *data, size_t size,
                     struct rota_error *err)
{
    struct screen *screen = s->options->screen;
    if (size > 0)
        screen_make_way(screen, s->fd);
    int error = write_all(s, data, size);
    screen_wrote(screen, s->fd, data, size);
    if (error == 0)
        return 0;
    return error_set(err, ROTA_E_IO, "%s",
                     error == ECANCELED ? "nobody reads it" : strerror(error));
}

static int flush(struct stream *s, struct rota_error *err)
{
    int rc = write_out(s, s->text.data, s->text.size, err);
    s->text.size = 0;
    return rc;
}

/* What is to be seen now: as it is, or each line behind the tag and a tab. */
static int put(struct stream *s, const char *data, size_t size, struct rota_error *err)
{
    if (s->tag == NULL)
        return write_out(s, data, size, err);
    int rc = 0;
    for (const char *end = data + size; data < end && rc == 0;) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *next = newline != NULL ? newline + 1 : end;
        if (!s->within && (blob_put(&s->text, s->tag, strlen(s->tag)) != 0 ||
                           blob_put(&s->text, "\t", 1) != 0))
            return error_set(err, ROTA_E_NOMEM, "out of memory");
        if (blob_put(&s->text, data, (size_t)(next - data)) != 0)
            return error_set(err, ROTA_E_NOMEM, "out of memory");
        s->within = newline == NULL;
        data = next;
        if (s->text.size >= WRITE_BYTES)
            rc = flush(s, err);
    }
    return rc ? rc : flush(s, err);
}

/* Whole lines; what is behind the last one waits. */
static int put_lines(struct stream *s, const char *data, size_t size,
                     struct rota_error *err)
{
    const char *last = memrchr(data, '\n', size);
    size_t whole = last != NULL ? (size_t)(last + 1 - data) : 0;
    int rc = 0;
    if (whole > 0) {
        rc = put(s, s->line.data, s->line.size, err);
        s->line.size = 0;
        if (rc == 0)
            rc = put(s, data, whole, err);
    }
    if (rc == 0 && blob_put(&s->line, data + whole, size - whole) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    if (rc == 0 && s->line.size > SHOW_LINE_BYTES) {
        rc = put(s, s->line.data, s->line.size, err);
        s->line.size = 0;
    }
    return rc;
}

static int take(void *ctx, const char *data, size_t size, struct rota_error *err)
{
    struct stream *s = ctx;
    return s->lines ? put_lines(s, data, size, err) : put(s, data, size, err);
}

/* Show what of `text` is new. */
static int advance(struct stream *s, const struct spool_text *text,
                   struct rota_error *err)
{
    int rc = spool_text_walk(text, s->shown, take, s, err);
    s->shown = text->kept != NULL ? text->kept->size : 0;
    return rc;
}

/* The rest of `text`, and there is no more. */
static int finish(struct stream *s, const struct spool_text *text,
                  struct rota_error *err)
{
    int rc = advance(s, text, err);
    if (rc == 0)
        rc = put(s, s->line.data, s->line.size, err);
    s->line.size = 0;
    return rc;
}

static void stream_done(struct stream *s)
{
    blob_done(&s->line);
    blob_done(&s->text);
}

static struct stream stream_of(const struct show *s, int fd)
{
    return (struct stream){
        .options = &s->options, .fd = fd, .lines = s->options.mode == SHOW_LINES};
}

/* ---- views ------------------------------------------------------------------- */

static struct view *find(struct show *s, uint64_t task)
{
    struct view *v;
    LIST_FOREACH (v, &s->views[task % BUCKETS], link)
        if (v->task == task)
            return v;
    return NULL;
}

static void forget(struct view *v)
{
    LIST_REMOVE(v, link);
    stream_done(&v->out);
    stream_done(&v->err);
    free(v);
}

/* Returns NULL without memory. *first: the task has not been seen before. */
static struct view *view_of(struct show *s, uint64_t task, uint64_t lease, bool *first)
{
    struct view *v = find(s, task);
    *first = v == NULL;
    if (v != NULL && v->lease == lease)
        return v;
    if (v != NULL)
        forget(v);
    v = calloc(1, sizeof(*v));
    if (v == NULL)
        return NULL;
    v->task = task;
    v->lease = lease;
    v->out = stream_of(s, s->options.out);
    v->err = stream_of(s, s->options.err);
    LIST_INSERT_HEAD(&s->views[task % BUCKETS], v, link);
    return v;
}

/* The command that is about to be seen. */
static int show_command(const struct show *s, const struct ticket *k,
                        struct rota_error *err)
{
    struct stream out = stream_of(s, s->options.out);
    if (!s->options.verbose || k->command == NULL)
        return 0;
    int rc = write_out(&out, k->command, strlen(k->command), err);
    return rc ? rc : write_out(&out, "\n", 1, err);
}

static int fail(int rc, uint64_t task, struct rota_error *err)
{
    struct rota_error why = *err;
    return error_set(err, rc, "cannot write task %ju's output to standard output: %s",
                     (uintmax_t)task, why.text);
}

/* ---- public ------------------------------------------------------------------ */

int show_new(const struct show_options *options, struct show **out)
{
    struct show *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return ROTA_E_NOMEM;
    s->options = *options;
    *out = s;
    return 0;
}

void show_free(struct show *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < BUCKETS; i++)
        while (!LIST_EMPTY(&s->views[i]))
            forget(LIST_FIRST(&s->views[i]));
    free(s);
}

static const char *tag_of(const struct show *s, const struct ticket *k)
{
    return s->options.mode == SHOW_BYTES ? NULL : k->tag;
}

int show_part(struct show *s, const struct crew_part *p, const struct ticket *k,
              struct rota_error *err)
{
    bool first;
    if (s->options.in_order && s->options.mode == SHOW_LINES && p->order != s->due)
        return 0;
    struct view *v = view_of(s, p->order, p->lease, &first);
    if (v == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    v->out.tag = v->err.tag = tag_of(s, k);
    int rc = first ? show_command(s, k, err) : 0;
    if (rc == 0)
        rc = advance(&v->out, &p->out, err);
    if (rc != 0)
        return fail(rc, p->task + 1, err);
    advance(&v->err, &p->err, err); /* nobody would be there to be told */
    return 0;
}

int show_end(struct show *s, const struct crew_end *end, const struct ticket *k,
             struct rota_error *err)
{
    bool first;
    s->due = end->order + 1;
    struct view *v = view_of(s, end->order, end->lease, &first);
    if (v == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    v->out.tag = v->err.tag = tag_of(s, k);
    int rc = first && end->result != NULL ? show_command(s, k, err) : 0;
    if (rc == 0)
        rc = finish(&v->out, &end->out, err);
    if (rc == 0)
        finish(&v->err, &end->err, err);
    forget(v);
    return rc ? fail(rc, end->task + 1, err) : 0;
}
