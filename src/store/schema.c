/* schema.c - what a run file holds: the SQL, and what can be wrong with it */
#include "store/schema.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/faulty.h"

static_assert(ROTA_DONE == 0 && ROTA_POISON == 5 && ROTA_UNTRIED == 7,
              "the file's numbers are those of enum rota_outcome");

static const char *const names[] = {
    [ROTA_DONE] = "done",           [ROTA_FAILED] = "failed",
    [ROTA_CRASHED] = "crashed",     [ROTA_QUIT] = "quit",
    [ROTA_OVERTIME] = "overtime",   [ROTA_POISON] = "poison",
    [ROTA_CANCELLED] = "cancelled",
};

enum {
    NAMES = sizeof(names) / sizeof(names[0]),
};

static const char tables[] =
    "CREATE TABLE run (command TEXT NOT NULL, listed INTEGER NOT NULL, "
    "created_ns INTEGER NOT NULL, folder TEXT NOT NULL);"
    "CREATE TABLE words (place INTEGER PRIMARY KEY, word TEXT NOT NULL);"
    "CREATE TABLE names (place INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE sessions (session INTEGER PRIMARY KEY, version TEXT NOT NULL, "
    "host TEXT NOT NULL, pid INTEGER NOT NULL, started_ns INTEGER NOT NULL, "
    "ended_ns INTEGER, status INTEGER, how TEXT);"
    "CREATE TABLE tasks (task INTEGER PRIMARY KEY, argument TEXT NOT NULL, "
    "further BLOB);"
    "CREATE TABLE results (task INTEGER PRIMARY KEY, outcome INTEGER NOT NULL, "
    "code INTEGER NOT NULL, reason TEXT, attempt INTEGER NOT NULL, "
    "ended_ns INTEGER NOT NULL);"
    "CREATE TABLE attempts (task INTEGER NOT NULL, attempt INTEGER NOT NULL, "
    "session INTEGER NOT NULL, rank INTEGER NOT NULL, started_ns INTEGER NOT NULL, "
    "took_ns INTEGER NOT NULL, outcome INTEGER NOT NULL, code INTEGER NOT NULL, "
    "PRIMARY KEY (task, attempt)) WITHOUT ROWID;"
    "CREATE TABLE outputs (task INTEGER NOT NULL, stream INTEGER NOT NULL, "
    "part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (task, stream, part)) "
    "WITHOUT ROWID;"
    "CREATE TABLE workers (session INTEGER NOT NULL, rank INTEGER NOT NULL, "
    "host TEXT NOT NULL, slots INTEGER NOT NULL, came_ns INTEGER NOT NULL, "
    "went_ns INTEGER, how TEXT, PRIMARY KEY (session, rank)) WITHOUT ROWID;"
    "CREATE TABLE events (event INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, "
    "what TEXT NOT NULL);"
    "CREATE TABLE outcomes (outcome INTEGER PRIMARY KEY, name TEXT NOT NULL);";

static const char view[] =
    "CREATE VIEW report AS SELECT t.task, t.argument, "
    "ifnull(o.name, 'left') AS state, r.code, r.reason, r.attempt AS attempts, "
    "a.rank AS worker, w.host, "
    "datetime(a.started_ns / 1000000000, 'unixepoch') AS started, "
    "a.took_ns / 1e9 AS seconds, "
    "CAST((SELECT bytes FROM outputs WHERE task = t.task AND stream = 1 AND part = 1) "
    "AS TEXT) AS out, "
    "CAST((SELECT bytes FROM outputs WHERE task = t.task AND stream = 2 AND part = 1) "
    "AS TEXT) AS err "
    "FROM tasks t LEFT JOIN results r ON r.task = t.task "
    "LEFT JOIN outcomes o ON o.outcome = r.outcome "
    "LEFT JOIN attempts a ON a.task = r.task AND a.attempt = r.attempt "
    "LEFT JOIN workers w ON w.session = a.session AND w.rank = a.rank;";

const char *schema_outcome(enum rota_outcome outcome)
{
    return (size_t)outcome < NAMES ? names[outcome] : "unknown";
}

/* --- opening -------------------------------------------------------------- */

/* What others may have put into the file is not trusted. Readers wait as long as a
 * commit may take; who writes sets a time of its own. */
static int configure(sqlite3 *db)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 10000);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* In the place of a table a view may be without an end, and so may what a trigger
     * does; ours have neither, but for the view that people read. */
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    return sqlite3_exec(db,
                        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; "
                        "PRAGMA synchronous = FULL",
                        NULL, NULL, NULL);
}

int schema_open(const char *path, sqlite3 **out, struct rota_error *err)
{
    /* Some names mean something to SQLite: ":memory:". A path doesn't. */
    rota_auto(heap) char *plain = NULL;
    if (asprintf(&plain, "%s%s", path[0] == '/' ? "" : "./", path) < 0) {
        plain = NULL;
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    }
    rota_auto(sqlite) sqlite3 *db = NULL;
    faulty_install();
    int rc =
        sqlite3_open_v2(plain, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = configure(db);
    if (rc != SQLITE_OK)
        return schema_fail(db, rc, "open", path, err);
    *out = rota_steal(db);
    return 0;
}

/* --- filling -------------------------------------------------------------- */

static int fill_outcomes(sqlite3 *db)
{
    for (int i = 0; i < NAMES; i++) {
        char *sql =
            sqlite3_mprintf("INSERT INTO outcomes VALUES (%d, %Q)", i, names[i]);
        if (sql == NULL)
            return SQLITE_NOMEM;
        int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
        sqlite3_free(sql);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

int schema_create(sqlite3 *db)
{
    char header[96];
    snprintf(header, sizeof(header),
             "PRAGMA application_id = %d; PRAGMA user_version = %d", SCHEMA_APPLICATION,
             SCHEMA_VERSION);
    int rc = sqlite3_exec(db, header, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, view, NULL, NULL, NULL);
    return rc == SQLITE_OK ? fill_outcomes(db) : rc;
}

/* --- checking ------------------------------------------------------------- */

static int number(sqlite3 *db, const char *sql, int64_t *out)
{
    rota_auto(statement) sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

bool schema_is_empty(sqlite3 *db)
{
    int64_t pages = 1;
    return number(db, "PRAGMA page_count", &pages) == SQLITE_OK && pages == 0;
}

int schema_check(sqlite3 *db, const char *path, struct rota_error *err)
{
    int64_t application = 0;
    int64_t version = 0;
    int rc = number(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = number(db, "PRAGMA user_version", &version);
    if (rc != SQLITE_OK)
        return schema_fail(db, rc, "open", path, err);
    if (application != SCHEMA_APPLICATION && schema_is_empty(db))
        return error_set(err, ROTA_E_FORMAT,
                         "cannot open run file '%s': it is empty, as its run ended "
                         "before it had begun; give the whole command again",
                         path);
    if (application != SCHEMA_APPLICATION)
        return schema_fail(db, SQLITE_NOTADB, "open", path, err);
    if (version > SCHEMA_VERSION)
        return error_set(err, ROTA_E_FORMAT,
                         "cannot open run file '%s': a newer Rota wrote it (format "
                         "%d, this one knows %d); use that one",
                         path, (int)version, SCHEMA_VERSION);
    if (version < SCHEMA_VERSION)
        return schema_fail(db, SQLITE_CORRUPT, "open", path, err);
    return 0;
}

/* --- failing -------------------------------------------------------------- */

static const char *cure_of(int error)
{
    switch (error) {
    case ENOENT:
        return "check its name, and that its folder is there";
    case EACCES:
    case EPERM:
    case EROFS:
        return "choose a place that you may write to";
    case ENOSPC:
    case EDQUOT:
        return "free space: it is tried again";
    case ENOLCK:
    case ENOSYS:
    case EOPNOTSUPP:
        return "its file system keeps no locks: put it on another";
    case EISDIR:
        return "name a file in it";
    default:
        return "put it on another file system if this stays so";
    }
}

int schema_fail_errno(int error, const char *doing, const char *path,
                      struct rota_error *err)
{
    return error_set(err, ROTA_E_IO, "cannot %s run file '%s': %s; %s", doing, path,
                     strerror(error), cure_of(error));
}

int schema_fail(sqlite3 *db, int rc, const char *doing, const char *path,
                struct rota_error *err)
{
    int error = db ? sqlite3_system_errno(db) : 0;
    if (rc == SQLITE_READONLY_DBMOVED)
        return error_set(err, ROTA_E_IO,
                         "cannot %s run file '%s': it was removed or renamed; put it "
                         "back, or what is done from now on is not recorded",
                         doing, path);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return error_set(err, ROTA_E_NOMEM, "cannot %s run file '%s': out of memory",
                         doing, path);
    case SQLITE_FULL:
        return error_set(err, ROTA_E_IO,
                         "cannot %s run file '%s': disk full; free space", doing, path);
    case SQLITE_NOTADB:
        return error_set(err, ROTA_E_FORMAT,
                         "cannot %s run file '%s': it is no run file; name one that "
                         "'rota run --run' has written",
                         doing, path);
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* a table is not there, or not as it was made */
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
        return error_set(err, ROTA_E_FORMAT,
                         "cannot %s run file '%s': it is damaged (%s); \"sqlite3 '%s' "
                         ".recover\" shows what can still be read",
                         doing, path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc),
                         path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, ROTA_E_TIMEOUT,
                         "cannot %s run file '%s': another program holds it; let that "
                         "end ('fuser %s' names it)",
                         doing, path, path);
    case SQLITE_READONLY:
        return schema_fail_errno(error ? error : EACCES, doing, path, err);
    case SQLITE_PROTOCOL:
        return schema_fail_errno(ENOLCK, doing, path, err);
    default:
        return schema_fail_errno(error ? error : EIO, doing, path, err);
    }
}
