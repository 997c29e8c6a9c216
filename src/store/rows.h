/* rows.h - the tasks of a run file, with what became of them, one after another
 *
 * Read in batches that are held in memory: between two of them the file is nobody's,
 * so that whoever reads slowly (`rota report | less`) keeps no run from committing.
 */
#ifndef ROTA_STORE_ROWS_H
#define ROTA_STORE_ROWS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"

enum rows_which {
    ROWS_ALL,
    ROWS_LEFT,   /* without a result */
    ROWS_FAILED, /* with one that is none */
};

struct row_bytes {
    char *data; /* with a 0 byte behind; NULL: none */
    size_t size;
};

struct task_row {
    uint64_t task;
    struct row_bytes arguments; /* one or more, each with its 0 byte */
    bool ended;                 /* only then, what follows: */
    enum rota_outcome outcome;
    int code;
    struct row_bytes reason;
    int attempt;
    int64_t ended_ns;
    int64_t started_ns;
    int64_t took_ns;
    int rank;              /* -1: not known */
    struct row_bytes host; /* of the worker, where that is known */
    struct row_bytes out;
    struct row_bytes err;
};

struct rows;

/* The tasks after number `after`. `output_max`: bytes wanted of each stream, perhaps 0.
 * `db` and `path` (for errors) are borrowed. *out is the caller's: rows_close(). Fails
 * with ROTA_E_NOMEM, or as schema_fail says. */
int rows_open(sqlite3 *db, const char *path, enum rows_which which, uint64_t after,
              size_t output_max, struct rows **out, struct rota_error *err);

void rows_close(struct rows *r);

/* The next row: *out is valid until the next call. Fails with ROTA_E_NOTFOUND after the
 * last, and as rows_open does. */
int rows_next(struct rows *r, const struct task_row **out, struct rota_error *err);

ROTA_AUTO_DEFINE(rows, struct rows *, rows_close);

#endif
