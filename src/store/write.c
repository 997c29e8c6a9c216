/* write.c - records into the tables of a run file
 *
 * A commit that SQLite reports as failed may have come about (the last sync failed, of
 * what says that it is over), and is tried again. So each record has a key of its own,
 * and what is there already is left as it is.
 */
#include "store/write.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "store/schema.h"

enum statement {
    TASK,
    NAME,
    LISTED,
    TRIED,
    RESULT,
    ATTEMPT,
    OUTPUT,
    SHORTEN,
    CAME,
    WENT,
    EVENT,
    STATEMENTS,
};

static const char *const sql[] = {
    [TASK] = "INSERT OR IGNORE INTO tasks VALUES (?, ?, ?)",
    [NAME] = "INSERT OR IGNORE INTO names VALUES (?, ?)",
    [LISTED] = "UPDATE run SET listed = 1",
    [TRIED] = ("SELECT ifnull(max(attempt), 0) FROM attempts "
               "WHERE task = ? AND session < ?"),
    [RESULT] = "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?)",
    [ATTEMPT] = "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [OUTPUT] = "INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?)",
    [SHORTEN] = "DELETE FROM outputs WHERE task = ? AND stream = ? AND part > ?",
    [CAME] = "INSERT OR IGNORE INTO workers VALUES (?, ?, ?, ?, ?, NULL, NULL)",
    [WENT] = ("UPDATE workers SET went_ns = ?3, how = ?4 WHERE session = ?1 AND "
              "rank = ?2 AND went_ns IS NULL"),
    [EVENT] = "INSERT OR IGNORE INTO events VALUES (?, ?, ?)",
};

struct writer {
    sqlite3 *db;
    sqlite3_stmt *st[STATEMENTS];
};

/* --- one statement -------------------------------------------------------- */

static void bind_text(sqlite3_stmt *st, int place, const struct text *t)
{
    if (t->data == NULL)
        sqlite3_bind_null(st, place);
    else
        sqlite3_bind_text64(st, place, t->data, t->size, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_bytes(sqlite3_stmt *st, int place, const void *data, size_t size)
{
    if (data == NULL)
        sqlite3_bind_null(st, place);
    else
        sqlite3_bind_blob64(st, place, data, size, SQLITE_STATIC);
}

static int bind_numbers(sqlite3_stmt *st, const int64_t *n, int count)
{
    for (int i = 0; i < count; i++)
        sqlite3_bind_int64(st, i + 1, n[i]);
    return count + 1;
}

/* A bind that fails leaves NULL, which its column refuses, or the step fails too. */
static int run(sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);
    int reset = sqlite3_reset(st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : reset ? reset : rc;
}

/* --- one record ----------------------------------------------------------- */

static int write_task(struct writer *w, const struct record *r)
{
    sqlite3_stmt *st = w->st[TASK];
    sqlite3_bind_int64(st, 1, r->n[0]);
    bind_text(st, 2, &r->text[0]);
    bind_bytes(st, 3, r->text[1].data, r->text[1].size);
    return run(st);
}

/* The attempt's number: what was told, behind those of earlier sessions. */
static int number_attempt(struct writer *w, const int64_t *n, int64_t *out)
{
    int64_t before = 0;
    if (n[RESULT_SESSION] > 1) {
        sqlite3_stmt *st = w->st[TRIED];
        sqlite3_bind_int64(st, 1, n[RESULT_TASK]);
        sqlite3_bind_int64(st, 2, n[RESULT_SESSION]);
        int rc = sqlite3_step(st);
        before = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
        int reset = sqlite3_reset(st);
        if (rc != SQLITE_ROW)
            return reset ? reset : rc;
    }
    *out = before + (n[RESULT_ATTEMPT] > 0 ? n[RESULT_ATTEMPT] : 1);
    return SQLITE_OK;
}

static int write_attempt(struct writer *w, const int64_t *n, int64_t attempt)
{
    int64_t tried[] = {
        n[RESULT_TASK],
        attempt,
        n[RESULT_SESSION],
        n[RESULT_RANK],
        n[RESULT_ENDED] - n[RESULT_TOOK],
        n[RESULT_TOOK],
        n[RESULT_OUTCOME],
        n[RESULT_CODE],
    };
    bind_numbers(w->st[ATTEMPT], tried, sizeof(tried) / sizeof(tried[0]));
    return run(w->st[ATTEMPT]);
}

static int write_try(struct writer *w, const struct record *r)
{
    int64_t attempt = 0;
    int rc = number_attempt(w, r->n, &attempt);
    return rc == SQLITE_OK ? write_attempt(w, r->n, attempt) : rc;
}

static int write_part(struct writer *w, const int64_t *place, const void *data,
                      size_t size)
{
    sqlite3_stmt *st = w->st[OUTPUT];
    bind_bytes(st, bind_numbers(st, place, 3), data, size);
    return run(st);
}

static int write_early_part(struct writer *w, const struct record *r)
{
    return write_part(w, r->n, r->text[0].data, r->text[0].size);
}

/* An earlier session may have died in the midst of a longer output. */
static int shorten(struct writer *w, const int64_t *result, int stream, int64_t parts)
{
    int64_t n[] = {result[RESULT_TASK], stream, parts};
    if (result[RESULT_SESSION] <= 1)
        return SQLITE_OK;
    bind_numbers(w->st[SHORTEN], n, 3);
    return run(w->st[SHORTEN]);
}

/* What is left of a stream, behind the `parts` that are there. */
static int write_output(struct writer *w, const int64_t *result, int stream,
                        int64_t parts, const struct text *t)
{
    const unsigned char *data = t->data;
    size_t left = data ? t->size : 0;
    int rc = shorten(w, result, stream, parts);
    while (rc == SQLITE_OK && left > 0) {
        size_t size = left < SCHEMA_PART_BYTES ? left : SCHEMA_PART_BYTES;
        int64_t place[] = {result[RESULT_TASK], stream, ++parts};
        rc = write_part(w, place, data, size);
        data += size;
        left -= size;
    }
    return rc;
}

/* The result counts that is there already. */
static int write_result(struct writer *w, const struct record *r)
{
    const int64_t *n = r->n;
    int64_t attempt = 0;
    int rc = number_attempt(w, n, &attempt);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_stmt *st = w->st[RESULT];
    bind_numbers(st, n, 3);
    bind_text(st, 4, &r->text[0]);
    sqlite3_bind_int64(st, 5, attempt);
    sqlite3_bind_int64(st, 6, n[RESULT_ENDED]);
    rc = run(st);
    if (rc != SQLITE_OK || sqlite3_changes(w->db) == 0)
        return rc;
    rc = write_attempt(w, n, attempt);
    if (rc == SQLITE_OK)
        rc = write_output(w, n, 1, n[RESULT_OUT_PARTS], &r->text[1]);
    if (rc == SQLITE_OK)
        rc = write_output(w, n, 2, n[RESULT_ERR_PARTS], &r->text[2]);
    return rc;
}

static int write_came(struct writer *w, const struct record *r)
{
    sqlite3_stmt *st = w->st[CAME];
    bind_numbers(st, r->n, 2);
    bind_text(st, 3, &r->text[0]);
    sqlite3_bind_int64(st, 4, r->n[2]);
    sqlite3_bind_int64(st, 5, r->n[3]);
    return run(st);
}

static int write_went(struct writer *w, const struct record *r)
{
    sqlite3_stmt *st = w->st[WENT];
    bind_text(st, bind_numbers(st, r->n, 3), &r->text[0]);
    return run(st);
}

static int write_event(struct writer *w, const struct record *r)
{
    sqlite3_stmt *st = w->st[EVENT];
    bind_text(st, bind_numbers(st, r->n, 2), &r->text[0]);
    return run(st);
}

static int write_name(struct writer *w, const struct record *r)
{
    sqlite3_stmt *st = w->st[NAME];
    bind_text(st, bind_numbers(st, r->n, 1), &r->text[0]);
    return run(st);
}

static int write_listed(struct writer *w, const struct record *r)
{
    (void)r;
    return run(w->st[LISTED]);
}

static int (*const write_record[])(struct writer *w, const struct record *r) = {
    [RECORD_OUTPUT] = write_early_part, [RECORD_TASK] = write_task,
    [RECORD_NAME] = write_name,         [RECORD_LISTED] = write_listed,
    [RECORD_RESULT] = write_result,     [RECORD_TRY] = write_try,
    [RECORD_CAME] = write_came,         [RECORD_WENT] = write_went,
    [RECORD_EVENT] = write_event,
};

/* --- public --------------------------------------------------------------- */

int writer_new(sqlite3 *db, struct writer **out)
{
    struct writer *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return SQLITE_NOMEM;
    w->db = db;
    for (int i = 0; i < STATEMENTS; i++) {
        int rc = sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &w->st[i], NULL);
        if (rc != SQLITE_OK) {
            writer_free(w);
            return rc;
        }
    }
    *out = w;
    return SQLITE_OK;
}

void writer_free(struct writer *w)
{
    if (w == NULL)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(w->st[i]);
    free(w);
}

/* Let go of the memory that was lent to the statements. */
static void forget(struct writer *w)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_clear_bindings(w->st[i]);
}

int writer_commit(struct writer *w, const struct pending *p)
{
    size_t place = 0;
    struct record r;
    int rc = sqlite3_exec(w->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return rc;
    while (rc == SQLITE_OK && pending_next(p, &place, &r))
        rc = write_record[r.kind](w, &r);
    forget(w);
    if (rc == SQLITE_OK && fault(FAULT_COMMIT))
        rc = SQLITE_IOERR;
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(w->db, "COMMIT", NULL, NULL, NULL);
    if (rc != SQLITE_OK && sqlite3_get_autocommit(w->db) == 0)
        sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
