/* status.c - rota status: how the run in a run file stands */
#include "cli/status.h"

#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/report.h"
#include "cli/run_dir.h"
#include "store/read.h"

enum {
    RECENT_S = 60,     /* what the rate is of */
    WORKERS_SHOWN = 8, /* lost ones, by name */
    EVENTS_SHOWN = 8,
};

static const char doc[] =
    "Show how the run in FILE stands: while it goes on, after it, or after it died."
    "\v"
    "FILE is what 'rota run --run FILE' writes; without it, the newest one in the "
    "folder "
    "that ROTA_RUN_DIR names. Looking at it disturbs no run.\n"
    "\n"
    "  rota status sweep.db\n"
    "  watch rota status sweep.db          again and again\n"
    "\n"
    "The exit status is 0, whatever the run's is; 2 where FILE cannot be read; 3 where "
    "standard output cannot be written to.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **path = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (*path != NULL)
            argp_error(state, "'%s': one run file at a time", arg);
        *path = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* --- words ---------------------------------------------------------------- */

static const char *moment(int64_t at_ns, char buf[32])
{
    time_t seconds = (time_t)(at_ns / NS_PER_SEC);
    struct tm local;
    localtime_r(&seconds, &local);
    strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &local);
    return buf;
}

static const char *length(int64_t ns, char buf[32])
{
    int64_t s = ns > 0 ? ns / NS_PER_SEC : 0;
    snprintf(buf, 32, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
             (int)(s % 60));
    return buf;
}

/* What others wrote, without what could move the cursor. */
static void put(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        putchar(byte < 0x20 || byte == 0x7f ? '?' : byte);
    }
}

/* --- the screen ----------------------------------------------------------- */

struct view {
    const char *path;
    struct reader_summary sum;
    int64_t now_ns;
    uint64_t failed;
    uint64_t left;
    struct reader_worker *workers; /* of the last session */
    int worker_count;
    struct reader_event *events; /* the last ones */
    int event_count;
};

static void show_state(const struct view *v)
{
    char buf[32];
    const struct reader_session *s = &v->sum.last;
    printf("state    ");
    if (v->sum.written) {
        printf("runs for %s, as process %" PRId64 " on ",
               length(v->now_ns - s->started_ns, buf), s->pid);
        put(s->host);
    } else if (s->ended_ns == 0) {
        printf("died: its process %" PRId64 " on ", s->pid);
        put(s->host);
        printf(" has gone");
    } else {
        printf("ended %s with status %d: ", moment(s->ended_ns, buf), s->status);
        put(s->how);
    }
    if (s->session > 1)
        printf("; it was resumed %d time%s", s->session - 1,
               s->session == 2 ? "" : "s");
    printf("\n");
}

static void show_tasks(const struct view *v)
{
    printf("tasks    %" PRIu64 ": %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
           " left%s\n",
           v->sum.tasks, v->sum.ended[ROTA_DONE], v->failed, v->left,
           v->sum.listed    ? ""
           : v->sum.written ? "; the list is still being read"
                            : "; the list was not read to its end");
}

/* Of the last minute, or since the run began, which was later. */
static void show_rate(const struct view *v)
{
    char buf[32];
    double seconds = (double)(v->now_ns - v->sum.last.started_ns) / (double)NS_PER_SEC;
    if (seconds > RECENT_S)
        seconds = RECENT_S;
    double rate = seconds > 0 ? (double)v->sum.recent / seconds : 0;
    printf("rate     %.2f a second", rate);
    if (rate > 0 && v->sum.listed)
        printf("; about %s to go",
               length((int64_t)((double)v->left / rate * 1e9), buf));
    printf("\n");
}

static void show_lost(const struct reader_worker *w)
{
    char buf[32];
    printf("         rank %d on ", w->rank);
    put(w->host);
    printf(" ");
    put(w->how);
    printf(", %s\n", moment(w->went_ns, buf));
}

static void show_workers(const struct reader_worker *workers, int count)
{
    int slots = 0;
    int lost = 0;
    for (int i = 0; i < count; i++) {
        lost += workers[i].went_ns != 0;
        slots += workers[i].went_ns != 0 ? 0 : workers[i].slots;
    }
    printf("workers  %d, which run %d at once; %d lost\n", count - lost, slots, lost);
    for (int i = 0, shown = 0; i < count && shown < WORKERS_SHOWN; i++)
        if (workers[i].went_ns != 0 && ++shown)
            show_lost(&workers[i]);
}

static void show_events(const struct reader_event *events, int count)
{
    char buf[32];
    for (int i = 0; i < count; i++) {
        printf("%s %s  ", i == 0 ? "events  " : "        ",
               moment(events[i].at_ns, buf));
        put(events[i].what);
        printf("\n");
    }
}

static void show_next(const struct view *v)
{
    if (v->sum.written)
        return;
    if (v->left > 0 || !v->sum.listed)
        printf(
            "next     'rota resume %s' goes on; 'rota report --left %s' lists what is "
            "left\n",
            v->path, v->path);
    else if (v->failed > 0)
        printf("next     'rota report --failed %s' lists what failed; 'rota resume "
               "--retry-failed %s' runs it again\n",
               v->path, v->path);
}

static void show(const struct view *v)
{
    char buf[32];
    printf("run      ");
    put(v->sum.command);
    printf("\nfile     ");
    put(v->path);
    printf(", begun %s\n", moment(v->sum.created_ns, buf));
    show_state(v);
    show_tasks(v);
    if (v->sum.written)
        show_rate(v);
    if (v->worker_count > 0)
        show_workers(v->workers, v->worker_count);
    show_events(v->events, v->event_count);
    show_next(v);
}

/* --- public --------------------------------------------------------------- */

static int look(const char *path, struct rota_error *err)
{
    rota_auto(reader) struct reader *r = NULL;
    rota_auto(heap) struct reader_worker *workers = NULL;
    rota_auto(heap) struct reader_event *events = NULL;
    struct view v = {.path = path, .now_ns = clock_wall_ns()};
    int rc = reader_open(path, &r, err);
    if (rc == 0)
        rc = reader_summarize(r, v.now_ns - RECENT_S * NS_PER_SEC, &v.sum, err);
    if (rc == 0)
        rc = reader_workers(r, v.sum.last.session, &workers, &v.worker_count, err);
    if (rc == 0)
        rc = reader_events(r, EVENTS_SHOWN, &events, &v.event_count, err);
    if (rc != 0)
        return rc;
    uint64_t ended = 0;
    for (int i = 0; i < ROTA_OUTCOMES; i++)
        ended += v.sum.ended[i];
    v.failed = ended - v.sum.ended[ROTA_DONE];
    v.left = v.sum.tasks > ended ? v.sum.tasks - ended : 0;
    v.workers = workers;
    v.events = events;
    show(&v);
    return 0;
}

int cli_status(int argc, char **argv)
{
    static char name[] = "rota status";
    const struct argp argp = {.parser = parse, .args_doc = "[FILE]", .doc = doc};
    const char *path = NULL;
    struct rota_error err;

    argv[0] = name;
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &path);
    rota_auto(heap) char *newest = NULL;
    int rc = path == NULL ? run_dir_newest(&newest, &err) : 0;
    if (rc == 0)
        rc = look(path ? path : newest, &err);
    if (rc != 0) {
        fprintf(stderr, "rota: %s\n", err.text);
        return STATUS_USAGE;
    }
    if (fflush(stdout) != 0) {
        perror("rota: cannot write to standard output");
        return STATUS_INCOMPLETE;
    }
    return STATUS_SUCCESS;
}
