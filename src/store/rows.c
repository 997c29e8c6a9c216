/* rows.c - the tasks of a run file, with what became of them, one after another */
#include "store/rows.h"

#include <stdlib.h>
#include <string.h>

#include "store/schema.h"

enum {
    BATCH_ROWS = 256,
    BATCH_BYTES = 4 << 20,
};

#define SELECT                                                                         \
    "SELECT t.task, t.argument, t.further, r.outcome, r.code, r.reason, r.attempt, "   \
    "r.ended_ns, a.started_ns, a.took_ns, a.rank, w.host FROM tasks t "                \
    "LEFT JOIN results r ON r.task = t.task "                                          \
    "LEFT JOIN attempts a ON a.task = r.task AND a.attempt = r.attempt "               \
    "LEFT JOIN workers w ON w.session = a.session AND w.rank = a.rank "                \
    "WHERE t.task > ?1 "
#define ORDER "ORDER BY t.task LIMIT ?2"

static const char *const sql[] = {
    [ROWS_ALL] = SELECT ORDER,
    [ROWS_LEFT] = SELECT "AND r.task IS NULL " ORDER,
    [ROWS_FAILED] = SELECT "AND r.outcome <> 0 " ORDER,
};

static const char outputs_sql[] =
    "SELECT stream, bytes FROM outputs WHERE task = ? ORDER BY stream, part";

struct rows {
    sqlite3 *db;
    const char *path;
    sqlite3_stmt *tasks;
    sqlite3_stmt *outputs;
    size_t output_max;
    uint64_t last; /* the last task that was read */
    bool at_end;   /* there is nothing behind it */
    struct task_row row[BATCH_ROWS];
    int count;
    int given;
};

/* --- bytes ---------------------------------------------------------------- */

static int append(struct row_bytes *b, const void *data, size_t size)
{
    char *grown = realloc(b->data, b->size + size + 1);
    if (grown == NULL)
        return SQLITE_NOMEM;
    b->data = grown;
    if (data != NULL && size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    b->data[b->size] = '\0';
    return SQLITE_OK;
}

/* A column that is not NULL. SQLite gives NULL for an empty blob, and where it has no
 * memory: then the size says which it is. */
static int take(sqlite3_stmt *st, int column, struct row_bytes *b)
{
    if (sqlite3_column_type(st, column) == SQLITE_NULL)
        return SQLITE_OK;
    const void *data = sqlite3_column_blob(st, column);
    int size = sqlite3_column_bytes(st, column);
    if (data == NULL && size > 0)
        return SQLITE_NOMEM;
    return append(b, data, (size_t)size);
}

static void row_done(struct task_row *r)
{
    free(r->arguments.data);
    free(r->reason.data);
    free(r->host.data);
    free(r->out.data);
    free(r->err.data);
    *r = (struct task_row){0};
}

/* --- reading -------------------------------------------------------------- */

static bool is_outcome(int64_t outcome)
{
    return outcome >= ROTA_DONE && outcome < ROTA_OUTCOMES;
}

/* SQLITE_MISMATCH: what stands there no Rota has written. */
static int read_row(sqlite3_stmt *st, struct task_row *r)
{
    r->task = (uint64_t)sqlite3_column_int64(st, 0);
    r->ended = sqlite3_column_type(st, 3) != SQLITE_NULL;
    r->outcome = (enum rota_outcome)sqlite3_column_int(st, 3);
    r->code = sqlite3_column_int(st, 4);
    r->attempt = sqlite3_column_int(st, 6);
    r->ended_ns = sqlite3_column_int64(st, 7);
    r->started_ns = sqlite3_column_int64(st, 8);
    r->took_ns = sqlite3_column_int64(st, 9);
    r->rank =
        sqlite3_column_type(st, 10) == SQLITE_NULL ? -1 : sqlite3_column_int(st, 10);
    if (r->ended && !is_outcome(sqlite3_column_int64(st, 3)))
        return SQLITE_MISMATCH;
    int rc = take(st, 1, &r->arguments);
    if (rc == SQLITE_OK)
        rc = append(&r->arguments, "", 1);
    if (rc == SQLITE_OK)
        rc = take(st, 2, &r->arguments);
    if (rc == SQLITE_OK && r->arguments.data[r->arguments.size - 1] != '\0')
        return SQLITE_MISMATCH;
    if (rc == SQLITE_OK)
        rc = take(st, 5, &r->reason);
    return rc == SQLITE_OK ? take(st, 11, &r->host) : rc;
}

static int read_output(struct rows *rows, struct task_row *r)
{
    sqlite3_stmt *st = rows->outputs;
    sqlite3_bind_int64(st, 1, (int64_t)r->task);
    int rc = sqlite3_step(st);
    for (; rc == SQLITE_ROW; rc = sqlite3_step(st)) {
        struct row_bytes *b = sqlite3_column_int(st, 0) == 1 ? &r->out : &r->err;
        const void *data = sqlite3_column_blob(st, 1);
        size_t size = (size_t)sqlite3_column_bytes(st, 1);
        size_t room = rows->output_max - b->size;
        if (data == NULL && size > 0)
            break;
        int error = append(b, data, size < room ? size : room);
        if (error != SQLITE_OK)
            break;
    }
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? SQLITE_OK : rc == SQLITE_ROW ? SQLITE_NOMEM : rc;
}

static int read_batch(struct rows *rows)
{
    size_t bytes = 0;
    int rc;
    sqlite3_bind_int64(rows->tasks, 1, (int64_t)rows->last);
    sqlite3_bind_int(rows->tasks, 2, BATCH_ROWS);
    while ((rc = sqlite3_step(rows->tasks)) == SQLITE_ROW) {
        struct task_row *r = &rows->row[rows->count++];
        rc = read_row(rows->tasks, r);
        if (rc == SQLITE_OK && r->task <= rows->last)
            rc = SQLITE_CORRUPT; /* or who reads may go in a circle */
        if (rc == SQLITE_OK && r->ended && rows->output_max > 0)
            rc = read_output(rows, r);
        if (rc != SQLITE_OK)
            break;
        rows->last = r->task;
        bytes += r->arguments.size + r->out.size + r->err.size;
        if (rows->count == BATCH_ROWS || bytes > BATCH_BYTES)
            break;
    }
    rows->at_end = rc == SQLITE_DONE;
    sqlite3_reset(rows->tasks);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void drop_batch(struct rows *rows)
{
    for (int i = 0; i < rows->count; i++)
        row_done(&rows->row[i]);
    rows->count = rows->given = 0;
}

/* --- public --------------------------------------------------------------- */

int rows_open(sqlite3 *db, const char *path, enum rows_which which, uint64_t after,
              size_t output_max, struct rows **out, struct rota_error *err)
{
    rota_auto(rows) struct rows *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return schema_fail(db, SQLITE_NOMEM, "read", path, err);
    r->db = db;
    r->path = path;
    r->last = after;
    r->output_max = output_max;
    int rc = sqlite3_prepare_v2(db, sql[which], -1, &r->tasks, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, outputs_sql, -1, &r->outputs, NULL);
    if (rc != SQLITE_OK)
        return schema_fail(db, rc, "read", path, err);
    *out = rota_steal(r);
    return 0;
}

void rows_close(struct rows *r)
{
    if (r == NULL)
        return;
    drop_batch(r);
    sqlite3_finalize(r->tasks);
    sqlite3_finalize(r->outputs);
    free(r);
}

int rows_next(struct rows *r, const struct task_row **out, struct rota_error *err)
{
    if (r->given == r->count) {
        drop_batch(r);
        int rc = r->at_end ? SQLITE_OK : read_batch(r);
        if (rc != SQLITE_OK) {
            drop_batch(r);
            bool ours = rc == SQLITE_MISMATCH || rc == SQLITE_CORRUPT;
            return schema_fail(ours ? NULL : r->db, rc, "read", r->path, err);
        }
        if (r->count == 0)
            return ROTA_E_NOTFOUND;
    }
    *out = &r->row[r->given++];
    return 0;
}
