/* progress.c - the line that says how far a run is */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/units.h"

#define MARK_NS (10 * NS_PER_SEC)

enum {
    MARK_TASKS = 20,
    TEXT_BYTES = 256,
};

/* ---- how fast ---------------------------------------------------------------- */

void progress_begin(struct progress_pace *p, int64_t now_ns)
{
    struct progress_mark mark = {.at_ns = now_ns};
    *p = (struct progress_pace){.from = mark, .next = mark};
}

double progress_rate(struct progress_pace *p, int64_t now_ns, uint64_t done)
{
    if (now_ns - p->next.at_ns >= MARK_NS && done - p->next.done >= MARK_TASKS) {
        p->from = p->next;
        p->next = (struct progress_mark){.at_ns = now_ns, .done = done};
    }
    int64_t ns = now_ns - p->from.at_ns;
    if (ns <= 0)
        return 0;
    return (double)(done - p->from.done) * (double)NS_PER_SEC / (double)ns;
}

/* ---- what is left ------------------------------------------------------------ */

static uint64_t left(const struct progress *p)
{
    uint64_t total = p->total > 0 ? (uint64_t)p->total : 0;
    return total > p->done ? total - p->done : 0;
}

double progress_left_s(const struct progress *p)
{
    if (p->total < 0 || !(p->rate > 0))
        return -1;
    return (double)left(p) / p->rate;
}

static double percent(const struct progress *p)
{
    if (p->total <= 0)
        return 0;
    double done = 100.0 * (double)p->done / (double)p->total;
    return done < 100 ? done : 100;
}

/* ---- the line ---------------------------------------------------------------- */

struct line {
    char *data;
    size_t size;
    size_t used;
};

static void __attribute__((format(printf, 2, 3)))
put(struct line *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->data + l->used, l->size - l->used, format, args);
    va_end(args);
    if (n > 0)
        l->used += (size_t)n;
    if (l->used >= l->size)
        l->used = l->size - 1;
}

static void put_time_left(struct line *l, const struct progress *p)
{
    char text[UNITS_TEXT];
    double s = progress_left_s(p);
    if (s >= 0)
        put(l, ", %s left", units_duration_text(s, text));
}

static void put_workers(struct line *l, const struct progress *p)
{
    if (p->workers >= 0)
        put(l, "; %d worker%s", p->workers, p->workers == 1 ? "" : "s");
    if (p->lost > 0)
        put(l, ", %d lost", p->lost);
    if (p->shut > 0)
        put(l, p->workers > 1 ? ", %d waiting for room" : "; waiting for room",
            p->shut);
}

static void put_line(struct line *l, const struct progress *p)
{
    put(l, "rota: %" PRIu64, p->done);
    if (p->total >= 0)
        put(l, "/%" PRId64, p->total);
    put(l, " done");
    if (p->failed > 0)
        put(l, ", %" PRIu64 " failed", p->failed);
    put(l, ", %" PRIu64 " running", p->running);
    if (p->ending) {
        put(l, ", no more are begun");
    } else {
        if (p->rate > 0 && p->done > 0)
            put(l, p->rate < 100 ? ", %.2g/s" : ", %.0f/s", p->rate);
        put_time_left(l, p);
    }
    put_workers(l, p);
}

static void put_bar(struct line *l, const struct progress *p)
{
    char text[UNITS_TEXT] = "?";
    double s = progress_left_s(p);
    if (s >= 0)
        units_duration_text(s, text);
    put(l, "%.0f%% %" PRIu64 ":%" PRIu64 "=%s", percent(p), p->done, left(p), text);
    if (p->failed > 0)
        put(l, ", %" PRIu64 " failed", p->failed);
    put(l, ", %" PRIu64 " running", p->running);
    if (p->ending)
        put(l, ", no more are begun");
    put_workers(l, p);
}

/* The text fills the width, and as much of it as is done is inverse. */
static size_t invert(const struct progress *p, const char *text, int width, char *buf,
                     size_t size)
{
    int done = (int)(percent(p) * width / 100);
    struct line l = {.data = buf, .size = size};
    char padded[TEXT_BYTES];
    if (width >= TEXT_BYTES)
        width = TEXT_BYTES - 1;
    if (done > width)
        done = width;
    snprintf(padded, sizeof(padded), "%-*.*s", width, width, text);
    put(&l, "\033[7m%.*s\033[0m%s", done, padded, padded + done);
    return l.used;
}

size_t progress_text(const struct progress *p, enum progress_form form, int width,
                     char *buf, size_t size)
{
    char text[TEXT_BYTES] = "";
    struct line l = {.data = text, .size = sizeof(text)};
    if (width < 0)
        width = 0;
    if (form == PROGRESS_BAR && p->total >= 0) {
        put_bar(&l, p);
        return invert(p, text, width, buf, size);
    }
    put_line(&l, p);
    struct line out = {.data = buf, .size = size};
    put(&out, "%.*s", width, text);
    return out.used;
}

size_t progress_zenity(const struct progress *p, char *buf, size_t size)
{
    struct line l = {.data = buf, .size = size};
    double s = progress_left_s(p);
    put(&l, "#   %.0f sec %" PRIu64 "/%" PRId64 "\r%.2f", s > 0 ? s : 0, p->done,
        p->total, percent(p));
    return l.used;
}
