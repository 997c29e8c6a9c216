/* report_file.c - rota report: the tasks of a run file, as a table, JSON or CSV
 *
 * What rota guard has written is another matter (report_guard.h).
 *
 * JSON, one object a line:
 *
 *     {"task": 1, "arguments": ["a.png"], "outcome": "done", "code": 0,
 *      "reason": "...", "attempts": 1, "worker": 3, "host": "node3",
 *      "started": 1700000000.25, "seconds": 0.5, "out": "...", "err": "..."}
 *
 * A task that is left has "outcome": "left" and nothing behind it; what is empty or
 * not known is left out. Bytes that are no UTF-8 come as {"base64": "..."} in the
 * string's place, so that nothing is lost. CSV is RFC 4180's: the bytes as they are.
 */
#include "cli/report_file.h"

#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/report.h"
#include "cli/report_guard.h"
#include "cli/run_dir.h"
#include "store/read.h"

enum {
    SHOWN = 512, /* bytes of output that a table looks at */
    KEY_JSON = 0x100,
    KEY_CSV,
    KEY_LEFT,
    KEY_FAILED,
    KEY_HTML,
    KEY_DOT,
};

struct report_options {
    const char *path;
    int format; /* 0: a table */
    enum rows_which which;
};

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "one JSON object a line, with all of the output", 0},
    {"csv", KEY_CSV, NULL, 0, "comma-separated values, with all of the output", 0},
    {"failed", KEY_FAILED, NULL, 0, "only what failed", 0},
    {"left", KEY_LEFT, NULL, 0, "only what is left to do", 0},
    {NULL, 0, NULL, 0, "Of a report of rota guard:", 1},
    {"verbose", 'v', NULL, 0, "with all that is known of each rank", 0},
    {"html", KEY_HTML, NULL, 0, "as a page, with a picture of who waits for whom", 0},
    {"dot", KEY_DOT, NULL, 0, "who waits for whom, for Graphviz", 0},
    {0},
};

static const char doc[] =
    "Print what became of each task in FILE: which worker ran it, its result (the "
    "first "
    "line of its output, or how it failed), and how long it took. Or, of a program "
    "that "
    "hung, who waits for whom."
    "\v"
    "FILE is what 'rota run --run FILE' writes; without it, the newest one in the "
    "folder "
    "that ROTA_RUN_DIR names. A run may be writing to it. Or it is what 'rota guard "
    "--report FILE' writes.\n"
    "\n"
    "  rota report sweep.db                a table\n"
    "  rota report --failed sweep.db       what failed, and how\n"
    "  rota report --json sweep.db | jq -r 'select(.seconds > 60).arguments[0]'\n"
    "  rota report --csv sweep.db > sweep.csv\n"
    "  rota report --html hang.json > hang.html\n"
    "\n"
    "The exit status is 0, whatever the run's is; 2 where FILE cannot be read; 3 where "
    "it is damaged further on, or standard output cannot be written to.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct report_options *o = state->input;
    switch (key) {
    case KEY_JSON:
    case KEY_CSV:
    case KEY_HTML:
    case KEY_DOT:
    case 'v':
        o->format = key;
        return 0;
    case KEY_LEFT:
        o->which = ROWS_LEFT;
        return 0;
    case KEY_FAILED:
        o->which = ROWS_FAILED;
        return 0;
    case ARGP_KEY_ARG:
        if (o->path != NULL)
            argp_error(state, "'%s': one run file at a time", arg);
        o->path = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *outcome_name(const struct task_row *row)
{
    return row->ended ? reader_outcome(row->outcome) : "left";
}

/* --- the table ------------------------------------------------------------ */

/* `size` bytes up to the first line's end, in a column of `width`, cut where they are
 * more, and without what could move the cursor. */
static void put_cell(const char *data, size_t size, int width)
{
    int n = 0;
    for (; (size_t)n < size && n < width && data[n] != '\n'; n++) {
        unsigned char byte = (unsigned char)data[n];
        putchar(byte < 0x20 || byte == 0x7f ? '?' : byte);
    }
    printf("%*s", width - n, "");
}

static void put_text(const char *text, int width)
{
    put_cell(text, strlen(text), width);
}

enum {
    WORKER_WIDTH = 12,
    TASK_WIDTH = 28,
    RESULT_WIDTH = 28,
    TABLE_WIDTH = WORKER_WIDTH + TASK_WIDTH + RESULT_WIDTH + 3 * 3 + 10,
};

static void put_line(void)
{
    for (int i = 0; i < TABLE_WIDTH; i++)
        putchar('=');
    putchar('\n');
}

static void table_begin(void)
{
    printf("%-*s | %-*s | %-*s | %s\n", WORKER_WIDTH, " WORKER", TASK_WIDTH, " TASK",
           RESULT_WIDTH, " RESULT", " TIME");
    put_line();
}

/* The arguments with spaces between them. */
static void join(const struct task_row *row, char *to, size_t room)
{
    size_t size = row->arguments.size - 1;
    size_t n = size < room - 1 ? size : room - 1;
    for (size_t i = 0; i < n; i++)
        to[i] = row->arguments.data[i] ? row->arguments.data[i] : ' ';
    to[n] = '\0';
}

static void put_result(const struct task_row *row)
{
    if (!row->ended)
        put_text("(left)", RESULT_WIDTH);
    else if (row->outcome == ROTA_DONE)
        put_cell(row->out.data, row->out.size, RESULT_WIDTH);
    else if (row->reason.data != NULL)
        put_text(row->reason.data, RESULT_WIDTH);
    else
        put_text(outcome_name(row), RESULT_WIDTH);
}

static int table_row(const struct task_row *row)
{
    char worker[32] = "";
    char task[TASK_WIDTH + 1];
    if (row->rank >= 0)
        snprintf(worker, sizeof(worker), "Process %d", row->rank);
    join(row, task, sizeof(task));
    put_text(worker, WORKER_WIDTH);
    printf(" | ");
    put_text(task, TASK_WIDTH);
    printf(" | ");
    put_result(row);
    if (row->ended)
        printf(" | %.3f s\n", (double)row->took_ns / (double)NS_PER_SEC);
    else
        printf(" |\n");
    return 0;
}

/* --- JSON ----------------------------------------------------------------- */

static json_t *base64(const char *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+/";
    const unsigned char *from = (const unsigned char *)data;
    rota_auto(heap) char *text = malloc((size + 2) / 3 * 4 + 1);
    char *to = text;
    if (text == NULL)
        return NULL;
    for (; size > 0; from += 3) {
        size_t n = size < 3 ? size : 3;
        unsigned bits = (unsigned)from[0] << 16 | (n > 1 ? (unsigned)from[1] << 8 : 0) |
                        (n > 2 ? from[2] : 0);
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = n > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = n > 2 ? digits[bits & 63] : '=';
        size -= n;
    }
    return json_pack("{s:s%}", "base64", text, (size_t)(to - text));
}

static json_t *bytes(const char *data, size_t size)
{
    json_t *text = json_stringn(data, size);
    return text ? text : base64(data, size);
}

static json_t *argument_list(const struct task_row *row)
{
    json_t *list = json_array();
    const char *end = row->arguments.data + row->arguments.size;
    for (const char *a = row->arguments.data; list != NULL && a < end;
         a += strlen(a) + 1) {
        if (json_array_append_new(list, bytes(a, strlen(a))) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int set_bytes(json_t *o, const char *name, const struct row_bytes *b)
{
    return b->size == 0 ? 0 : json_object_set_new(o, name, bytes(b->data, b->size));
}

static int set_end(json_t *o, const struct task_row *row)
{
    int rc = json_object_set_new(o, "code", json_integer(row->code));
    rc |= set_bytes(o, "reason", &row->reason);
    rc |= json_object_set_new(o, "attempts", json_integer(row->attempt));
    if (row->rank >= 0)
        rc |= json_object_set_new(o, "worker", json_integer(row->rank));
    rc |= set_bytes(o, "host", &row->host);
    rc |= json_object_set_new(o, "started", json_real((double)row->started_ns / 1e9));
    rc |= json_object_set_new(o, "seconds", json_real((double)row->took_ns / 1e9));
    rc |= set_bytes(o, "out", &row->out);
    rc |= set_bytes(o, "err", &row->err);
    return rc;
}

static int json_row(const struct task_row *row)
{
    json_t *o = json_object();
    int rc = json_object_set_new(o, "task", json_integer((json_int_t)row->task));
    rc |= json_object_set_new(o, "arguments", argument_list(row));
    rc |= json_object_set_new(o, "outcome", json_string(outcome_name(row)));
    if (row->ended)
        rc |= set_end(o, row);
    if (rc == 0)
        json_dumpf(o, stdout, 0); /* a failed write shows in ferror() */
    json_decref(o);
    putchar('\n');
    return rc ? ROTA_E_NOMEM : 0;
}

/* --- CSV ------------------------------------------------------------------ */

static void csv_begin(void)
{
    printf("task,arguments,outcome,code,reason,attempts,worker,host,started,seconds,"
           "out,err\r\n");
}

static void put_quoted(const char *data, size_t size)
{
    if (size == 0)
        return;
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '"')
            putchar('"');
        putchar(data[i]);
    }
    putchar('"');
}

static int csv_row(const struct task_row *row)
{
    rota_auto(heap) char *arguments = malloc(row->arguments.size);
    if (arguments == NULL)
        return ROTA_E_NOMEM;
    join(row, arguments, row->arguments.size);
    printf("%" PRIu64 ",", row->task);
    put_quoted(arguments, row->arguments.size - 1);
    printf(",%s,", outcome_name(row));
    if (!row->ended) {
        printf(",,,,,,,,\r\n");
        return 0;
    }
    printf("%d,", row->code);
    put_quoted(row->reason.data, row->reason.size);
    printf(",%d,", row->attempt);
    if (row->rank >= 0)
        printf("%d", row->rank);
    putchar(',');
    put_quoted(row->host.data, row->host.size);
    printf(",%.6f,%.9f,", (double)row->started_ns / 1e9, (double)row->took_ns / 1e9);
    put_quoted(row->out.data, row->out.size);
    putchar(',');
    put_quoted(row->err.data, row->err.size);
    printf("\r\n");
    return 0;
}

/* --- a report of rota guard ----------------------------------------------- */

static int report_guards(const struct report_options *o)
{
    if (o->format == KEY_CSV || o->which != ROWS_ALL) {
        fprintf(stderr,
                "rota: '%s' is a report of rota guard, which has no tasks: use "
                "--verbose, --json, --html or --dot with it\n",
                o->path);
        return STATUS_USAGE;
    }
    return report_guard(o->path, o->format == KEY_JSON   ? REPORT_GUARD_JSON
                                 : o->format == KEY_HTML ? REPORT_GUARD_HTML
                                 : o->format == KEY_DOT  ? REPORT_GUARD_DOT
                                 : o->format == 'v'      ? REPORT_GUARD_DETAILS
                                                         : REPORT_GUARD_TEXT);
}

/* --- public --------------------------------------------------------------- */

static int print(struct rows *rows, const struct report_options *o,
                 struct rota_error *err)
{
    int (*put_row)(const struct task_row *row) = o->format == KEY_JSON  ? json_row
                                                 : o->format == KEY_CSV ? csv_row
                                                                        : table_row;
    const struct task_row *row;
    int rc;
    if (o->format == KEY_CSV)
        csv_begin();
    else if (o->format == 0)
        table_begin();
    while ((rc = rows_next(rows, &row, err)) == 0 && !ferror(stdout))
        if (put_row(row) != 0)
            return error_set(err, ROTA_E_NOMEM, "out of memory");
    if (o->format == 0)
        put_line();
    return rc == ROTA_E_NOTFOUND ? 0 : rc;
}

int cli_report(int argc, char **argv)
{
    static char name[] = "rota report";
    const struct argp argp = {
        .options = options, .parser = parse, .args_doc = "[FILE]", .doc = doc};
    struct report_options o = {.which = ROWS_ALL};
    rota_auto(reader) struct reader *r = NULL;
    rota_auto(rows) struct rows *rows = NULL;
    rota_auto(heap) char *newest = NULL;
    struct rota_error err;

    argv[0] = name;
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (o.path == NULL) {
        if (run_dir_newest(&newest, &err) != 0)
            return cli_fail(STATUS_USAGE, &err);
        o.path = newest;
    }
    if (report_guard_is(o.path))
        return report_guards(&o);
    if (o.format == KEY_HTML || o.format == KEY_DOT || o.format == 'v') {
        fprintf(
            stderr,
            "rota: '%s' is no report of rota guard: --html, --dot and --verbose are "
            "for what 'rota guard --report FILE' writes\n",
            o.path);
        return STATUS_USAGE;
    }
    if (reader_open(o.path, &r, &err) != 0 ||
        reader_rows(r, o.which, o.format ? SIZE_MAX : SHOWN, &rows, &err) != 0)
        return cli_fail(STATUS_USAGE, &err);
    if (print(rows, &o, &err) != 0)
        return cli_fail(STATUS_INCOMPLETE, &err);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("rota: cannot write to standard output");
        return STATUS_INCOMPLETE;
    }
    return STATUS_SUCCESS;
}
