/* store.c - the run file: what a run is to do, has done, and with whom */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/lock.h"
#include "store/pending.h"
#include "store/read.h"
#include "store/rows.h"
#include "store/schema.h"
#include "store/texts.h"
#include "store/write.h"

enum {
    PATIENT_MS = 10000, /* for another program that holds the file */
    HASTY_MS = 20,      /* where the commit can be put off */
};

#define RETRY_MAX_NS (2 * NS_PER_SEC)

/* Commits take a tenth of the time at most: after each, nine times as long without. */
#define REST_TIMES 9

struct store {
    char *path;
    int fd; /* holds the lock: closed after the database */
    sqlite3 *db;
    struct writer *writer;
    struct pending pending;
    size_t group_results; /* so many, or so many bytes: commit */
    size_t group_bytes;
    int64_t committed_ns; /* when store_tick last did, or tried to */
    int64_t delay_ns;     /* from then to the next time */
    int64_t rest_ns;      /* until then, no group is large enough */
    int64_t session;
    int64_t events;
    uint64_t tasks;
    bool listed;
    struct rows *left; /* what store_next_left is at */
    uint64_t left_at;
};

/* --- small statements ----------------------------------------------------- */

static int exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* `sql` is sqlite3_mprintf's, and taken. */
static int exec_made(sqlite3 *db, char *sql)
{
    int rc = sql ? exec(db, sql) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

static int ask_number(sqlite3 *db, const char *sql, int64_t *out)
{
    rota_auto(statement) sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
    *out = sqlite3_column_int64(st, 0);
    return SQLITE_OK;
}

/* Without a journal left beside the file. */
static void close_database(struct store *s)
{
    if (s->db == NULL)
        return;
    rows_close(s->left);
    writer_free(s->writer);
    if (sqlite3_get_autocommit(s->db) == 0)
        exec(s->db, "ROLLBACK");
    exec(s->db, "PRAGMA journal_mode = DELETE");
    sqlite3_close(s->db);
    s->left = NULL;
    s->writer = NULL;
    s->db = NULL;
}

/* --- opening -------------------------------------------------------------- */

static int refuse_second(const char *path, const char *doing, struct rota_error *err)
{
    struct reader_summary sum;
    rota_auto(reader) struct reader *r = NULL;
    if (reader_open(path, &r, NULL) != 0 || reader_summarize(r, 0, &sum, NULL) != 0)
        return error_set(err, ROTA_E_STATE,
                         "cannot %s run file '%s': a run writes to it; let that end",
                         doing, path);
    return error_set(err, ROTA_E_STATE,
                     "cannot %s run file '%s': a run writes to it (process %" PRId64
                     " on %s); let that end, 'rota status %s' shows it",
                     doing, path, sum.last.pid, sum.last.host, path);
}

static int lock(struct store *s, const char *doing, struct rota_error *err)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0)
        return schema_fail_errno(errno, doing, s->path, err);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ROTA_E_FORMAT, "cannot %s run file '%s': it is no file",
                         doing, s->path);
    int rc = lock_take(s->fd);
    if (rc == ROTA_E_STATE)
        return refuse_second(s->path, doing, err);
    return rc ? schema_fail_errno(errno, doing, s->path, err) : 0;
}

static int store_new(const char *path, struct store **out, struct rota_error *err)
{
    rota_auto(store) struct store *s = calloc(1, sizeof(*s));
    if (s != NULL) {
        s->fd = -1;
        s->group_results = STORE_GROUP_RESULTS;
        s->group_bytes = STORE_GROUP_BYTES;
        s->delay_ns = STORE_GROUP_NS;
        s->path = strdup(path);
    }
    if (s == NULL || s->path == NULL) {
        error_set(err, ROTA_E_NOMEM, "out of memory");
        return ROTA_E_NOMEM;
    }
    *out = rota_steal(s);
    return 0;
}

/* What readers on other hosts need (schema.h). A journal that is cut to nothing
 * instead of removed spares a change of the folder with each commit. */
static int open_database(struct store *s, struct rota_error *err)
{
    int rc = schema_open(s->path, &s->db, err);
    if (rc != 0)
        return rc;
    int code = exec(s->db, "PRAGMA journal_mode = TRUNCATE");
    return code ? schema_fail(s->db, code, "open", s->path, err) : 0;
}

static int begin_session(struct store *s, const struct store_start *start)
{
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    int rc = ask_number(s->db, "SELECT ifnull(max(session), 0) + 1 FROM sessions",
                        &s->session);
    if (rc != SQLITE_OK)
        return rc;
    return exec_made(s->db, sqlite3_mprintf("INSERT INTO sessions VALUES (%lld, %Q, "
                                            "%Q, %d, %lld, NULL, NULL, NULL)",
                                            (long long)s->session, start->version, host,
                                            (int)getpid(), (long long)clock_wall_ns()));
}

static int fill(struct store *s, const struct store_start *start)
{
    int rc = schema_create(s->db);
    if (rc == SQLITE_OK)
        rc =
            exec_made(s->db, sqlite3_mprintf("INSERT INTO run VALUES (%Q, 0, %lld, %Q)",
                                             start->command, (long long)clock_wall_ns(),
                                             start->folder));
    for (int i = 0; rc == SQLITE_OK && i < start->word_count; i++)
        rc = exec_made(s->db, sqlite3_mprintf("INSERT INTO words VALUES (%d, %Q)",
                                              i + 1, start->words[i]));
    return rc == SQLITE_OK ? begin_session(s, start) : rc;
}

/* Run `work` as one transaction, and prepare to write. */
static int begin(struct store *s, const struct store_start *start, const char *doing,
                 int (*work)(struct store *s, const struct store_start *start),
                 struct rota_error *err)
{
    int rc = exec(s->db, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
        rc = work(s, start);
    if (rc == SQLITE_OK)
        rc = writer_new(s->db, &s->writer);
    if (rc == SQLITE_OK)
        rc = exec(s->db, "COMMIT");
    if (rc == SQLITE_OK)
        return 0;
    return schema_fail(s->db, rc, doing, s->path, err);
}

/* What is there already: an empty file is as good as none. */
static int check_vacant(struct store *s, struct rota_error *err)
{
    struct stat st;
    if (fstat(s->fd, &st) != 0)
        return schema_fail_errno(errno, "create", s->path, err);
    if (st.st_size == 0)
        return 0;
    int rc = schema_open(s->path, &s->db, err);
    if (rc == 0 && schema_is_empty(s->db)) { /* what was begun there is undone */
        sqlite3_close(s->db);
        s->db = NULL;
        return 0;
    }
    if (rc == 0)
        rc = schema_check(s->db, s->path, err);
    if (rc != 0)
        return rc;
    return error_set(err, ROTA_E_STATE,
                     "cannot create run file '%s': it is there already; 'rota resume "
                     "%s' goes on with it, another name begins anew",
                     s->path, s->path);
}

static int create(struct store *s, bool made, const struct store_start *start,
                  struct rota_error *err)
{
    int rc = lock(s, "create", err);
    if (rc == 0 && !made)
        rc = check_vacant(s, err);
    if (rc == 0)
        rc = open_database(s, err);
    return rc ? rc : begin(s, start, "create", fill, err);
}

/* Leave nothing of a file that this handle made. */
static void discard(struct store *s)
{
    close_database(s);
    unlink(s->path);
}

int store_create(const char *path, const struct store_start *start, struct store **out,
                 struct rota_error *err)
{
    rota_auto(store) struct store *s = NULL;
    int rc = store_new(path, &s, err);
    if (rc != 0)
        return rc;
    s->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool made = s->fd >= 0;
    if (!made && errno == EEXIST)
        s->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0)
        return schema_fail_errno(errno, "create", path, err);
    rc = create(s, made, start, err);
    if (rc != 0 && made)
        discard(s);
    else if (rc == 0)
        *out = rota_steal(s);
    return rc;
}

static int go_on(struct store *s, const struct store_start *start)
{
    int64_t listed = 0;
    int64_t tasks = 0;
    int rc = ask_number(s->db, "SELECT listed FROM run", &listed);
    if (rc == SQLITE_OK)
        rc = ask_number(s->db, "SELECT ifnull(max(task), 0) FROM tasks", &tasks);
    if (rc == SQLITE_OK)
        rc = ask_number(s->db, "SELECT ifnull(max(event), 0) FROM events", &s->events);
    s->listed = listed != 0;
    s->tasks = (uint64_t)tasks;
    return rc == SQLITE_OK ? begin_session(s, start) : rc;
}

int store_resume(const char *path, const struct store_start *start, struct store **out,
                 struct rota_error *err)
{
    rota_auto(store) struct store *s = NULL;
    int rc = store_new(path, &s, err);
    if (rc != 0)
        return rc;
    s->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (s->fd < 0)
        return schema_fail_errno(errno, "open", path, err);
    rc = lock(s, "open", err);
    if (rc == 0)
        rc = open_database(s, err);
    if (rc == 0)
        rc = schema_check(s->db, path, err);
    if (rc == 0)
        rc = begin(s, start, "open", go_on, err);
    if (rc == 0)
        *out = rota_steal(s);
    return rc;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    if (s->writer != NULL && s->pending.size > 0)
        store_flush(s, NULL);
    close_database(s);
    if (s->fd >= 0)
        close(s->fd);
    pending_done(&s->pending);
    free(s->path);
    free(s);
}

/* --- committing ----------------------------------------------------------- */

static int commit(struct store *s, int wait_ms, struct rota_error *err)
{
    if (s->pending.size == 0)
        return 0;
    int64_t begun_ns = clock_now_ns();
    sqlite3_busy_timeout(s->db, wait_ms);
    int rc = writer_commit(s->writer, &s->pending);
    sqlite3_busy_timeout(s->db, PATIENT_MS);
    if (rc == SQLITE_OK)
        pending_clear(&s->pending);
    int64_t ended_ns = clock_now_ns();
    int64_t rest_ns = REST_TIMES * (ended_ns - begun_ns);
    rest_ns = rest_ns < RETRY_MAX_NS ? rest_ns : RETRY_MAX_NS;
    s->rest_ns = ended_ns + rest_ns;
    /* A try costs as much as there is to write: after each that fails, wait for twice
     * as long, or as much. */
    s->delay_ns = rc == SQLITE_OK
                      ? (rest_ns > STORE_GROUP_NS ? rest_ns : STORE_GROUP_NS)
                  : s->delay_ns < RETRY_MAX_NS / 2 ? 2 * s->delay_ns
                                                   : RETRY_MAX_NS;
    s->group_results = 2 * s->pending.results + STORE_GROUP_RESULTS;
    s->group_bytes = 2 * s->pending.size + STORE_GROUP_BYTES;
    return rc ? schema_fail(s->db, rc, "write to", s->path, err) : 0;
}

/* Leave it for later where a program that reads is in the way. */
static int commit_if_free(struct store *s, struct rota_error *err)
{
    if (s->pending.size >= STORE_HELD_BYTES)
        return commit(s, PATIENT_MS, err);
    int rc = commit(s, HASTY_MS, err);
    return rc == ROTA_E_TIMEOUT ? 0 : rc;
}

static int add(struct store *s, const struct record *r, struct rota_error *err)
{
    if (pending_add(&s->pending, r) != 0)
        return schema_fail(s->db, SQLITE_NOMEM, "write to", s->path, err);
    if (s->pending.results < s->group_results && s->pending.size < s->group_bytes)
        return 0;
    if (s->pending.size < STORE_RESTED_BYTES && clock_now_ns() < s->rest_ns)
        return 0;
    return commit_if_free(s, err);
}

int store_tick(struct store *s, int64_t now_ns, struct rota_error *err)
{
    if (now_ns < store_due_ns(s))
        return 0;
    s->committed_ns = now_ns;
    return commit_if_free(s, err);
}

int64_t store_due_ns(const struct store *s)
{
    return s->pending.size > 0 ? s->committed_ns + s->delay_ns : INT64_MAX;
}

int store_commit(struct store *s, struct rota_error *err)
{
    return commit_if_free(s, err);
}

int store_flush(struct store *s, struct rota_error *err)
{
    return commit(s, PATIENT_MS, err);
}

/* --- records -------------------------------------------------------------- */

static struct text text_of(const char *string)
{
    return (struct text){string, string ? strlen(string) : 0};
}

int store_add_task(struct store *s, const char *arguments, size_t size, uint64_t *task,
                   struct rota_error *err)
{
    if (size == 0 || arguments[size - 1] != '\0')
        return error_set(err, ROTA_E_ARG, "a task's arguments each end with a 0 byte");
    size_t first = strlen(arguments);
    uint64_t number = s->tasks + 1;
    struct record r = {.kind = RECORD_TASK, .n = {(int64_t)number}};
    r.text[0] = (struct text){arguments, first};
    if (first + 1 < size)
        r.text[1] = (struct text){arguments + first + 1, size - first - 1};
    int rc = add(s, &r, err);
    if (rc == ROTA_E_NOMEM)
        return rc;
    s->tasks = number;
    *task = number;
    return rc;
}

int store_add_names(struct store *s, const char *const *names, int count,
                    struct rota_error *err)
{
    int rc = 0;
    for (int i = 0; i < count && rc != ROTA_E_NOMEM; i++) {
        struct record r = {.kind = RECORD_NAME, .n = {i + 1}};
        r.text[0] = text_of(names[i]);
        rc = add(s, &r, err);
    }
    return rc;
}

int store_listed(struct store *s, struct rota_error *err)
{
    struct record r = {.kind = RECORD_LISTED};
    s->listed = true;
    return add(s, &r, err);
}

int store_add_output(struct store *s, uint64_t task, int stream, int64_t part,
                     const void *data, size_t size, struct rota_error *err)
{
    if (task == 0 || task > s->tasks || stream < 1 || stream > 2 || part < 1)
        return error_set(err, ROTA_E_ARG, "task %" PRIu64 " cannot have that output",
                         task);
    if (s->pending.size >= STORE_HELD_BYTES) {
        int rc = commit(s, PATIENT_MS, err);
        if (rc != 0)
            return rc == ROTA_E_NOMEM ? rc : ROTA_E_STATE;
    }
    struct record r = {.kind = RECORD_OUTPUT, .n = {(int64_t)task, stream, part}};
    r.text[0] = (struct text){data, size};
    return add(s, &r, err);
}

/* The record of `result`, without texts. */
static int result_record(const struct store *s, const struct store_result *result,
                         enum record_kind kind, struct record *r,
                         struct rota_error *err)
{
    if (result->task == 0 || result->task > s->tasks || result->outcome < ROTA_DONE ||
        result->outcome >= ROTA_UNTRIED)
        return error_set(err, ROTA_E_ARG, "task %" PRIu64 " cannot have that result",
                         result->task);
    *r = (struct record){.kind = kind};
    r->n[RESULT_TASK] = (int64_t)result->task;
    r->n[RESULT_OUTCOME] = result->outcome;
    r->n[RESULT_CODE] = result->code;
    r->n[RESULT_ATTEMPT] = result->attempts;
    r->n[RESULT_SESSION] = s->session;
    r->n[RESULT_RANK] = result->rank;
    r->n[RESULT_ENDED] = clock_wall_ns();
    r->n[RESULT_TOOK] = result->took_ns;
    r->n[RESULT_OUT_PARTS] = result->out_parts;
    r->n[RESULT_ERR_PARTS] = result->err_parts;
    return 0;
}

int store_add_try(struct store *s, const struct store_result *result,
                  struct rota_error *err)
{
    struct record r;
    int rc = result_record(s, result, RECORD_TRY, &r, err);
    return rc ? rc : add(s, &r, err);
}

int store_add_result(struct store *s, const struct store_result *result,
                     struct rota_error *err)
{
    struct record r;
    int rc = result_record(s, result, RECORD_RESULT, &r, err);
    if (rc != 0)
        return rc;
    r.text[0] = text_of(result->reason);
    r.text[1] = (struct text){result->out, result->out_bytes};
    r.text[2] = (struct text){result->err, result->err_bytes};
    return add(s, &r, err);
}

int store_worker_came(struct store *s, int rank, const char *host, int slots,
                      struct rota_error *err)
{
    struct record r = {.kind = RECORD_CAME,
                       .n = {s->session, rank, slots, clock_wall_ns()}};
    r.text[0] = text_of(host);
    return add(s, &r, err);
}

int store_worker_went(struct store *s, int rank, const char *how,
                      struct rota_error *err)
{
    struct record r = {.kind = RECORD_WENT, .n = {s->session, rank, clock_wall_ns()}};
    r.text[0] = text_of(how);
    return add(s, &r, err);
}

int store_event(struct store *s, const char *what, struct rota_error *err)
{
    struct record r = {.kind = RECORD_EVENT, .n = {s->events + 1, clock_wall_ns()}};
    r.text[0] = text_of(what);
    int rc = add(s, &r, err);
    s->events += rc != ROTA_E_NOMEM;
    return rc;
}

int store_end(struct store *s, int status, const char *how, struct rota_error *err)
{
    int rc = store_flush(s, err);
    if (rc != 0)
        return rc;
    int code = exec_made(
        s->db, sqlite3_mprintf("UPDATE sessions SET ended_ns = %lld, status = %d, "
                               "how = %Q WHERE session = %lld",
                               (long long)clock_wall_ns(), status, how,
                               (long long)s->session));
    return code ? schema_fail(s->db, code, "write to", s->path, err) : 0;
}

/* --- to resume ------------------------------------------------------------ */

uint64_t store_tasks(const struct store *s)
{
    return s->tasks;
}

bool store_is_listed(const struct store *s)
{
    return s->listed;
}

static int retry_failed(sqlite3 *db, int64_t *count)
{
    int rc = exec(db, "DELETE FROM outputs WHERE task IN "
                      "(SELECT task FROM results WHERE outcome <> 0)");
    if (rc == SQLITE_OK)
        rc = exec(db, "DELETE FROM results WHERE outcome <> 0");
    *count = sqlite3_changes64(db);
    return rc;
}

int store_retry_failed(struct store *s, uint64_t *count, struct rota_error *err)
{
    int64_t failed = 0;
    int rc = store_flush(s, err);
    if (rc != 0)
        return rc;
    int code = exec(s->db, "BEGIN IMMEDIATE");
    if (code == SQLITE_OK)
        code = retry_failed(s->db, &failed);
    if (code == SQLITE_OK)
        code = exec(s->db, "COMMIT");
    if (code != SQLITE_OK) {
        rc = schema_fail(s->db, code, "write to", s->path, err);
        exec(s->db, "ROLLBACK");
        return rc;
    }
    *count = (uint64_t)failed;
    return 0;
}

int store_count(struct store *s, uint64_t *left, uint64_t *failed,
                struct rota_error *err)
{
    int64_t ended = 0;
    int64_t bad = 0;
    int rc = store_flush(s, err);
    if (rc != 0)
        return rc;
    int code = ask_number(s->db, "SELECT count(*) FROM results", &ended);
    if (code == SQLITE_OK)
        code =
            ask_number(s->db, "SELECT count(*) FROM results WHERE outcome <> 0", &bad);
    if (code != SQLITE_OK)
        return schema_fail(s->db, code, "read", s->path, err);
    *left = s->tasks - (uint64_t)ended;
    *failed = (uint64_t)bad;
    return 0;
}

int store_names(struct store *s, char ***names, int *count, struct rota_error *err)
{
    int rc = texts_read(s->db, "SELECT name FROM names ORDER BY place", names, count);
    return rc ? schema_fail(s->db, rc, "read", s->path, err) : 0;
}

/* Read on after task number `after`, among which there are. */
static int open_rows(struct store *s, enum rows_which which, uint64_t after,
                     struct rota_error *err)
{
    rows_close(rota_steal(s->left));
    commit_if_free(s, NULL); /* or later: then it is not seen */
    return rows_open(s->db, s->path, which, after, 0, &s->left, err);
}

int store_task(struct store *s, uint64_t task, const char **arguments, size_t *size,
               struct rota_error *err)
{
    const struct task_row *row;
    int rc = open_rows(s, ROWS_ALL, task - 1, err);
    if (rc == 0)
        rc = rows_next(s->left, &row, err);
    s->left_at = UINT64_MAX; /* store_next_left begins anew */
    if (rc != 0)
        return rc;
    if (row->task != task)
        return ROTA_E_NOTFOUND;
    *arguments = row->arguments.data;
    *size = row->arguments.size;
    return 0;
}

/* Move on in what has been read; where that is at its end, what has been added since
 * may be behind it. */
int store_next_left(struct store *s, uint64_t after, uint64_t *task,
                    const char **arguments, size_t *size, struct rota_error *err)
{
    const struct task_row *row;
    bool fresh = false;
    for (;;) {
        if (s->left == NULL || after != s->left_at) {
            int rc = open_rows(s, ROWS_LEFT, after, err);
            if (rc != 0)
                return rc;
            s->left_at = after;
            fresh = true;
        }
        int rc = rows_next(s->left, &row, err);
        if (rc == 0)
            break;
        rows_close(rota_steal(s->left));
        if (rc != ROTA_E_NOTFOUND || fresh)
            return rc;
    }
    s->left_at = row->task;
    *task = row->task;
    *arguments = row->arguments.data;
    *size = row->arguments.size;
    return 0;
}
