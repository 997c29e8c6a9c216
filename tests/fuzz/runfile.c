/* runfile.c - a run file of anybody's making: store/read.h, rows.h, and store_resume
 *
 * A sound run file is made by our own writer. The bytes say what is done to it: they
 * are SQL, run by somebody who has no manners; or places and values in the file. Then
 * it is read as `rota status` and `rota report` do, and resumed: each of that ends,
 * with what is sound or with a reason.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/read.h"
#include "store/store.h"

enum {
    MOST_ROWS = 100000,
    MOST_STEPS = 2000, /* of a hundred of SQLite's: no statement of theirs goes on */
};

static char folder[256];
static char path[300];
static unsigned char *sound; /* the bytes of a run file */
static size_t sound_bytes;

/* ---- the sound one ----------------------------------------------------------- */

static void tidy(void)
{
    static const char *const ends[] = {"", "-journal", "-wal", "-shm"};
    char name[320];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void go(void)
{
    tidy();
    rmdir(folder);
    free(sound);
}

static void fill(struct store *s)
{
    struct rota_error err;
    const char *const names[] = {"a", "b"};
    uint64_t task;
    must(store_add_names(s, names, 2, &err) == 0);
    for (int i = 0; i < 6; i++)
        must(store_add_task(s, "one\0two", 8, &task, &err) == 0);
    must(store_listed(s, &err) == 0);
    must(store_worker_came(s, 1, "host", 2, &err) == 0);
    struct store_result r = {.task = 1, .rank = 1, .out = "out", .out_bytes = 3};
    must(store_add_result(s, &r, &err) == 0);
    r = (struct store_result){.task = 2,
                              .outcome = ROTA_FAILED,
                              .code = 1,
                              .reason = "why",
                              .err = "err",
                              .err_bytes = 3};
    must(store_add_try(s, &r, &err) == 0);
    must(store_add_result(s, &r, &err) == 0);
    must(store_event(s, "what", &err) == 0);
    must(store_worker_went(s, 1, "gone", &err) == 0);
    must(store_end(s, 1, "ended", &err) == 0);
}

static void keep_bytes(void)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && fstat(fd, &st) == 0);
    sound_bytes = (size_t)st.st_size;
    sound = malloc(sound_bytes);
    must(sound != NULL && read(fd, sound, sound_bytes) == (ssize_t)sound_bytes);
    close(fd);
}

static void prepare(void)
{
    const char *tmp = getenv("TMPDIR");
    char word[] = "echo";
    char *words[] = {word, NULL};
    const struct store_start start = {.version = "1",
                                      .command = "echo",
                                      .folder = "/",
                                      .words = words,
                                      .word_count = 1};
    struct store *s;
    struct rota_error err;
    if (sound != NULL)
        return;
    snprintf(folder, sizeof(folder), "%s/rota-fuzz-XXXXXX", tmp ? tmp : "/tmp");
    must(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/run.db", folder);
    atexit(go);
    must(store_create(path, &start, &s, &err) == 0);
    fill(s);
    store_close(s);
    keep_bytes();
}

/* ---- what is done to it ------------------------------------------------------ */

static void write_file(const unsigned char *data, size_t size)
{
    tidy();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

static int count_steps(void *left)
{
    return --*(int *)left <= 0;
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    int left = MOST_STEPS;
    write_file(sound, sound_bytes);
    must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    sqlite3_progress_handler(db, 100, count_steps, &left);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 16);
    sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    for (const char *rest = sql; *rest != '\0';) {
        sqlite3_stmt *st = NULL;
        if (sqlite3_prepare_v2(db, rest, -1, &st, &rest) != SQLITE_OK)
            break;
        /* VACUUM INTO writes elsewhere. */
        bool away = st != NULL && sqlite3_stricmp(sqlite3_sql(st), "") != 0 &&
                    sqlite3_strlike("%vacuum%", sqlite3_sql(st), 0) == 0;
        while (st != NULL && !away && sqlite3_step(st) == SQLITE_ROW)
            continue;
        sqlite3_finalize(st);
    }
    sqlite3_close(db);
}

static void patch(struct fuzz_bytes *b)
{
    unsigned char *copy = malloc(sound_bytes);
    size_t size = sound_bytes;
    must(copy != NULL);
    memcpy(copy, sound, sound_bytes);
    if (fuzz_take8(b) & 1)
        size = fuzz_take16(b) % (sound_bytes + 1);
    while (b->left > 0) {
        size_t page = fuzz_take8(b);
        size_t at = page * 4096 + fuzz_take16(b) % 4096;
        size_t some = fuzz_take8(b) % 16;
        if (at + some <= sound_bytes)
            fuzz_take(b, copy + at, some);
    }
    write_file(copy, size);
    free(copy);
}

/* ---- reading it -------------------------------------------------------------- */

static void check_failure(int rc, const struct rota_error *err)
{
    must(rc == ROTA_E_FORMAT || rc == ROTA_E_IO || rc == ROTA_E_TIMEOUT ||
         rc == ROTA_E_NOMEM || rc == ROTA_E_STATE || rc == ROTA_E_NOTFOUND ||
         rc == ROTA_E_ARG);
    must(rc == ROTA_E_NOTFOUND || err->text[0] != '\0');
}

static void read_rows(struct reader *r, enum rows_which which)
{
    struct rows *rows;
    const struct task_row *row;
    struct rota_error err = {0};
    int rc = reader_rows(r, which, 100, &rows, &err);
    if (rc != 0) {
        check_failure(rc, &err);
        return;
    }
    uint64_t before = 0;
    int count = 0;
    while ((rc = rows_next(rows, &row, &err)) == 0) {
        must(count++ < MOST_ROWS);
        must(row->task > before);
        before = row->task;
        must(row->arguments.size > 0);
        must(row->arguments.data[row->arguments.size - 1] == '\0');
        must(!row->ended || (row->outcome >= 0 && row->outcome < ROTA_OUTCOMES));
        must(row->out.size <= 100 && row->err.size <= 100);
        must(row->rank >= -1);
    }
    check_failure(rc, &err);
    rows_close(rows);
}

static void read_all(struct reader *r)
{
    struct rota_error err = {0};
    struct reader_summary s;
    char *place;
    char **words;
    int count;
    void *list = NULL;
    int rc = reader_summarize(r, 0, &s, &err);
    if (rc != 0)
        check_failure(rc, &err);
    rc = reader_start(r, &place, &words, &count, &err);
    if (rc == 0) {
        must(words[count] == NULL);
        free(place);
        free(words);
    }
    if (reader_workers(r, 1, (struct reader_worker **)&list, &count, &err) == 0)
        free(list);
    if (reader_events(r, 5, (struct reader_event **)&list, &count, &err) == 0) {
        must(count <= 5);
        free(list);
    }
    read_rows(r, ROWS_ALL);
    read_rows(r, ROWS_LEFT);
    read_rows(r, ROWS_FAILED);
}

static void go_on(struct store *s)
{
    struct rota_error err = {0};
    uint64_t left;
    uint64_t failed;
    uint64_t task = 0;
    const char *arguments;
    size_t size;
    char **names;
    int count;
    int rows = 0;
    if (store_count(s, &left, &failed, &err) != 0)
        return;
    if (store_names(s, &names, &count, &err) == 0)
        free(names);
    for (uint64_t before = 0;
         store_next_left(s, before, &task, &arguments, &size, &err) == 0;
         before = task) {
        must(task > before && rows++ < MOST_ROWS);
        must(size > 0 && arguments[size - 1] == '\0');
    }
    struct store_result r = {.task = 3, .rank = 1, .out = "more", .out_bytes = 4};
    store_add_result(s, &r, &err);
    store_end(s, 0, "ended", &err);
}

static void resume(void)
{
    const struct store_start start = {.version = "1"};
    struct rota_error err = {0};
    struct store *s;
    int rc = store_resume(path, &start, &s, &err);
    if (rc != 0) {
        check_failure(rc, &err);
        return;
    }
    go_on(s);
    store_close(s);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    struct reader *r;
    struct rota_error err = {0};
    prepare();
    uint8_t how = fuzz_take8(&b);
    if (how & 1) {
        patch(&b);
    } else {
        char *sql = fuzz_text(&b);
        run_sql(sql);
        free(sql);
    }
    int rc = reader_open(path, &r, &err);
    if (rc == 0) {
        read_all(r);
        reader_close(r);
    } else {
        check_failure(rc, &err);
    }
    if (how & 2)
        resume();
}

static void seed(const char *name, const char *sql)
{
    char out[1024];
    snprintf(out, sizeof(out), "\2%s", sql);
    fuzz_seed(name, out, strlen(out));
}

void fuzz_seeds(void)
{
    seed("sound", "SELECT 1");
    seed("outcome",
         "UPDATE results SET outcome = 99; INSERT INTO results VALUES (3, -1, "
         "0, NULL, 1, 0)");
    seed("types", "UPDATE results SET outcome = 'x', code = x'00ff', attempt = 1e300");
    seed("arguments", "UPDATE tasks SET argument = x'610062', further = 'no end'; "
                      "INSERT INTO tasks VALUES (-5, '', x'')");
    seed("view",
         "DROP TABLE tasks; CREATE VIEW tasks AS WITH RECURSIVE c(n) AS (SELECT 1 "
         "UNION ALL SELECT n FROM c) SELECT n AS task, 'a' AS argument, NULL AS "
         "further FROM c");
    seed("trigger",
         "CREATE TRIGGER t AFTER INSERT ON sessions BEGIN DELETE FROM tasks; "
         "END; CREATE TRIGGER u BEFORE INSERT ON results BEGIN SELECT "
         "RAISE(IGNORE); END");
    seed("rows",
         "INSERT INTO run SELECT * FROM run; DELETE FROM words; DROP TABLE events");
    seed("outputs", "INSERT INTO outputs VALUES (1, 1, 2, zeroblob(5000)), (1, -9, 1, "
                    "x''), (2, 'x', 'y', 'z')");
    seed("columns",
         "DROP TABLE sessions; CREATE TABLE sessions (session TEXT PRIMARY KEY, "
         "version, host, pid, started_ns, ended_ns, status, how)");
    seed("generated", "DROP TABLE tasks; CREATE TABLE tasks (task INTEGER PRIMARY KEY, "
                      "argument TEXT AS (hex(task)), further BLOB); INSERT INTO "
                      "tasks(task) VALUES (1), (9223372036854775807)");
    seed("version", "PRAGMA user_version = 7");
    seed("wal", "PRAGMA journal_mode = WAL; UPDATE results SET code = 5");
    fuzz_seed("cut", "\3\1\0\x30", 4);
    fuzz_seed("patched", "\1\0\0\x12\0\4\xff\xff\xff\xff\1\x10\0\2\xff\xff", 16);
}
