/* read.c - a run file, for who only looks */
#include "store/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/lock.h"
#include "store/schema.h"
#include "store/texts.h"

struct reader {
    sqlite3 *db;
    char *path;
    bool written;
};

/* --- columns -------------------------------------------------------------- */

static void copy_text(sqlite3_stmt *st, int column, char *to, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(st, column);
    strncpy(to, text ? text : "", size - 1);
    to[size - 1] = '\0';
}

static void read_session(sqlite3_stmt *st, void *to)
{
    struct reader_session *s = to;
    s->session = sqlite3_column_int(st, 0);
    copy_text(st, 1, s->version, sizeof(s->version));
    copy_text(st, 2, s->host, sizeof(s->host));
    s->pid = sqlite3_column_int64(st, 3);
    s->started_ns = sqlite3_column_int64(st, 4);
    s->ended_ns = sqlite3_column_int64(st, 5);
    s->status = sqlite3_column_int(st, 6);
    copy_text(st, 7, s->how, sizeof(s->how));
}

static void read_run(sqlite3_stmt *st, void *to)
{
    struct reader_summary *s = to;
    copy_text(st, 0, s->command, sizeof(s->command));
    s->listed = sqlite3_column_int(st, 1) != 0;
    s->created_ns = sqlite3_column_int64(st, 2);
    s->tasks = (uint64_t)sqlite3_column_int64(st, 3);
}

static void read_outcome(sqlite3_stmt *st, void *to)
{
    struct reader_summary *s = to;
    int64_t outcome = sqlite3_column_int64(st, 0);
    if (outcome >= 0 && outcome < ROTA_OUTCOMES)
        s->ended[outcome] = (uint64_t)sqlite3_column_int64(st, 1);
    s->recent += (uint64_t)sqlite3_column_int64(st, 2);
}

struct workers {
    struct reader_worker *data;
    int count;
    bool full;
};

static void read_worker(sqlite3_stmt *st, void *to)
{
    struct workers *all = to;
    size_t count = (size_t)all->count + 1;
    struct reader_worker *grown = realloc(all->data, count * sizeof(*grown));
    if (grown == NULL) {
        all->full = true;
        return;
    }
    all->data = grown;
    struct reader_worker *w = &all->data[all->count++];
    w->rank = sqlite3_column_int(st, 0);
    copy_text(st, 1, w->host, sizeof(w->host));
    w->slots = sqlite3_column_int(st, 2);
    w->came_ns = sqlite3_column_int64(st, 3);
    w->went_ns = sqlite3_column_int64(st, 4);
    copy_text(st, 5, w->how, sizeof(w->how));
}

struct events {
    struct reader_event *data;
    int count;
    int room;
};

static void read_event(sqlite3_stmt *st, void *to)
{
    struct events *all = to;
    if (all->count == all->room)
        return;
    struct reader_event *e = &all->data[all->count++];
    e->at_ns = sqlite3_column_int64(st, 0);
    copy_text(st, 1, e->what, sizeof(e->what));
}

/* Show each row to `each`. Returns SQLite's code. */
static int query(sqlite3 *db, const char *sql, int64_t value,
                 void (*each)(sqlite3_stmt *st, void *to), void *to)
{
    rota_auto(statement) sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    if (sqlite3_bind_parameter_count(st) == 1)
        sqlite3_bind_int64(st, 1, value);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        each(st, to);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* --- public --------------------------------------------------------------- */

/* The descriptor that asks for the lock is closed before SQLite has locks of its own
 * (lock.h). */
static int ask(struct reader *r, const char *doing, struct rota_error *err)
{
    rota_auto(fd) int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || lock_ask(fd, &r->written) != 0)
        return schema_fail_errno(errno, doing, r->path, err);
    return 0;
}

int reader_open(const char *path, struct reader **out, struct rota_error *err)
{
    rota_auto(reader) struct reader *r = calloc(1, sizeof(*r));
    if (r == NULL || (r->path = strdup(path)) == NULL)
        return schema_fail(NULL, SQLITE_NOMEM, "open", path, err);
    int rc = ask(r, "open", err);
    if (rc == 0)
        rc = schema_open(path, &r->db, err);
    if (rc == 0)
        rc = schema_check(r->db, path, err);
    if (rc != 0)
        return rc;
    if (sqlite3_exec(r->db, "PRAGMA query_only = ON", NULL, NULL, NULL) != SQLITE_OK)
        return schema_fail(r->db, sqlite3_extended_errcode(r->db), "open", path, err);
    *out = rota_steal(r);
    return 0;
}

void reader_close(struct reader *r)
{
    if (r == NULL)
        return;
    sqlite3_close(r->db);
    free(r->path);
    free(r);
}

static int summarize(sqlite3 *db, int64_t since_ns, struct reader_summary *s)
{
    int rc = query(db,
                   "SELECT command, listed, created_ns, "
                   "(SELECT ifnull(max(task), 0) FROM tasks) FROM run",
                   0, read_run, s);
    if (rc == SQLITE_OK)
        rc = query(db,
                   "SELECT session, version, host, pid, started_ns, ended_ns, status, "
                   "how FROM sessions ORDER BY session DESC LIMIT 1",
                   0, read_session, &s->last);
    if (since_ns < s->last.started_ns)
        since_ns = s->last.started_ns;
    if (rc == SQLITE_OK)
        rc = query(db,
                   "SELECT outcome, count(*), sum(ended_ns >= ?) FROM results "
                   "GROUP BY outcome",
                   since_ns, read_outcome, s);
    return rc;
}

/* That a run writes is asked before: a session that ends in between has its end in the
 * file, and one that is seen without it was there when it was asked. */
int reader_summarize(struct reader *r, int64_t since_ns, struct reader_summary *out,
                     struct rota_error *err)
{
    struct reader_summary s = {0};
    int rc = ask(r, "read", err);
    if (rc != 0)
        return rc;
    s.written = r->written;
    int code = sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        code = summarize(r->db, since_ns, &s);
        sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
    }
    if (code != SQLITE_OK)
        return schema_fail(r->db, code, "read", r->path, err);
    *out = s;
    return 0;
}

int reader_start(struct reader *r, char **folder, char ***words, int *count,
                 struct rota_error *err)
{
    rota_auto(heap) char **run = NULL;
    char *place = NULL;
    int n = 0;
    int rc = texts_read(r->db, "SELECT folder FROM run", &run, &n);
    if (rc == SQLITE_OK && n != 1)
        rc = SQLITE_CORRUPT;
    if (rc == SQLITE_OK && (place = strdup(run[0])) == NULL)
        rc = SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        rc = texts_read(r->db, "SELECT word FROM words ORDER BY place", words, count);
    if (rc != SQLITE_OK) {
        free(place);
        return schema_fail(r->db, rc, "read", r->path, err);
    }
    *folder = place;
    return 0;
}

int reader_workers(struct reader *r, int session, struct reader_worker **out,
                   int *count, struct rota_error *err)
{
    struct workers all = {0};
    int rc = query(r->db,
                   "SELECT rank, host, slots, came_ns, went_ns, how FROM workers "
                   "WHERE session = ? ORDER BY rank",
                   session, read_worker, &all);
    if (rc == SQLITE_OK && all.full)
        rc = SQLITE_NOMEM;
    if (rc != SQLITE_OK) {
        free(all.data);
        return schema_fail(r->db, rc, "read", r->path, err);
    }
    *out = all.data;
    *count = all.count;
    return 0;
}

int reader_events(struct reader *r, int most, struct reader_event **out, int *count,
                  struct rota_error *err)
{
    struct events all = {.data = calloc((size_t)most, sizeof(*all.data)), .room = most};
    int rc = SQLITE_NOMEM;
    if (all.data != NULL)
        rc = query(r->db,
                   "SELECT at_ns, what FROM (SELECT * FROM events ORDER BY event DESC "
                   "LIMIT ?) ORDER BY event",
                   most, read_event, &all);
    if (rc != SQLITE_OK) {
        free(all.data);
        return schema_fail(r->db, rc, "read", r->path, err);
    }
    *out = all.data;
    *count = all.count;
    return 0;
}

int reader_rows(struct reader *r, enum rows_which which, size_t output_max,
                struct rows **out, struct rota_error *err)
{
    return rows_open(r->db, r->path, which, 0, output_max, out, err);
}

const char *reader_outcome(enum rota_outcome outcome)
{
    return schema_outcome(outcome);
}
