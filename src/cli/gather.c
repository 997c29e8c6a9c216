/* gather.c - as many arguments as a command line takes: -X, -m and --xargs
 *
 * What one row more adds to a line depends on it alone, and is the difference that it
 * makes behind a row of one-letter words: so no long line is made again and again.
 */
#include "cli/gather.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/blob.h"

struct gather {
    struct gather_options options;
    struct blob text;   /* the rows' values, each with its 0 byte */
    struct blob ends;   /* size_t each: where a row ends */
    struct blob values; /* of what was given last, or is measured */
    size_t given;       /* rows of that */
    size_t line;  /* bytes of the line of all rows but the one that was too much */
    size_t share; /* rows each command gets, now that the list has ended; 0 */
    bool ended;
    bool full;
};

int gather_new(const struct gather_options *options, struct gather **out)
{
    struct gather *g = calloc(1, sizeof(*g));
    if (g == NULL)
        return ROTA_E_NOMEM;
    g->options = *options;
    *out = g;
    return 0;
}

void gather_free(struct gather *g)
{
    if (g == NULL)
        return;
    blob_done(&g->text);
    blob_done(&g->ends);
    blob_done(&g->values);
    free(g);
}

static size_t count_rows(const struct gather *g)
{
    return g->ends.size / sizeof(size_t);
}

/* Where the first `rows` of them end. */
static size_t end_of(const struct gather *g, size_t rows)
{
    const size_t *ends = (const void *)g->ends.data;
    return rows > 0 ? ends[rows - 1] : 0;
}

/* Forget those that were given. */
static void drop_given(struct gather *g)
{
    size_t *ends = (void *)g->ends.data;
    size_t bytes = end_of(g, g->given);
    size_t left = count_rows(g) - g->given;
    if (g->given == 0)
        return;
    memmove(g->text.data, g->text.data + bytes, g->text.size - bytes);
    g->text.size -= bytes;
    for (size_t i = 0; i < left; i++)
        ends[i] = ends[i + g->given] - bytes;
    g->ends.size = left * sizeof(size_t);
    g->given = 0;
    g->full = false;
}

/* Point g->values at `count` words, and at the strings in `text` behind them. */
static int point(struct gather *g, const char *word, int count, const char *text,
                 size_t size, struct row *out)
{
    int rc = 0;
    g->values.size = 0;
    for (int i = 0; i < count && rc == 0; i++)
        rc = blob_put(&g->values, (const char *)&word, sizeof(word));
    for (size_t at = 0; at < size && rc == 0; at += strlen(text + at) + 1) {
        const char *value = text + at;
        rc = blob_put(&g->values, (const char *)&value, sizeof(value));
    }
    *out = (struct row){.values = (const void *)g->values.data,
                        .count = (int)(g->values.size / sizeof(char *))};
    return rc;
}

/* How much longer the line is for the row whose strings are at `text`. */
static int measure(struct gather *g, const char *text, size_t size, bool first,
                   int count, size_t *bytes)
{
    struct row row;
    size_t with;
    size_t without = 0;
    int rc = point(g, "x", first ? 0 : count, text, size, &row);
    if (rc == 0)
        rc = g->options.measure(g->options.ctx, row, &with);
    row.count = first ? 0 : count;
    if (rc == 0 && !first)
        rc = g->options.measure(g->options.ctx, row, &without);
    if (rc == 0)
        *bytes = with - without;
    return rc;
}

static int too_long(const struct gather *g, const char *text, size_t bytes,
                    struct rota_error *err)
{
    return error_set(err, ROTA_E_ARG,
                     "the argument '%.40s%s' makes a command line of %zu bytes, and "
                     "fewer than %zu are allowed (-s)",
                     text, strlen(text) > 40 ? "..." : "", bytes, g->options.bytes);
}

static size_t most_rows(const struct gather *g)
{
    return g->options.most > 0 ? (size_t)g->options.most : INT_MAX;
}

/* Have one row more, if there is one; g->full: it is one too many. */
static int add_row(struct gather *g, struct rota_error *err)
{
    struct row row;
    size_t from = g->text.size;
    size_t bytes = 0;
    bool first = count_rows(g) == 0;
    int rc = g->options.read(g->options.ctx, &row, err);
    if (rc != 0)
        return rc;
    for (int i = 0; i < row.count && rc == 0; i++)
        rc = blob_put(&g->text, row.values[i], strlen(row.values[i]) + 1);
    size_t size = g->text.size - from;
    if (rc == 0)
        rc = measure(g, g->text.data + from, size, first, row.count, &bytes);
    if (rc == 0)
        rc = blob_put(&g->ends, (const char *)&g->text.size, sizeof(size_t));
    if (rc != 0)
        return error_set(err, rc, "out of memory for arguments");
    if (first && bytes >= g->options.bytes)
        return too_long(g, g->text.data, bytes, err);
    g->full =
        !first && (g->line + bytes >= g->options.bytes || count_rows(g) > most_rows(g));
    g->line = first ? bytes : g->line + bytes;
    return 0;
}

/* The row that was too much for the last line is the first of this one. */
static int measure_first(struct gather *g, struct rota_error *err)
{
    struct row row;
    if (g->ended || count_rows(g) == 0)
        return 0;
    int rc = point(g, "x", 0, g->text.data, g->text.size, &row);
    if (rc == 0)
        rc = g->options.measure(g->options.ctx, row, &g->line);
    if (rc != 0)
        return error_set(err, rc, "out of memory for arguments");
    return g->line >= g->options.bytes ? too_long(g, g->text.data, g->line, err) : 0;
}

/* Put rows together. */
static int fill(struct gather *g, struct rota_error *err)
{
    int rc = 0;
    while (rc == 0 && !g->ended && !g->full)
        rc = add_row(g, err);
    g->ended = g->ended || rc == ROTA_E_NOTFOUND;
    if (rc == ROTA_E_TIMEOUT && count_rows(g) == most_rows(g))
        return 0; /* who wants no more does not wait for one */
    if (rc != 0 && rc != ROTA_E_NOTFOUND)
        return rc;
    size_t spread = (size_t)g->options.spread;
    if (g->ended && g->share == 0)
        g->share = (count_rows(g) + spread - 1) / spread;
    return count_rows(g) > 0 ? 0 : ROTA_E_NOTFOUND;
}

int gather_next(struct gather *g, struct row *out, struct rota_error *err)
{
    int rc = 0;
    if (g->given > 0) {
        drop_given(g);
        rc = measure_first(g, err);
    }
    if (rc == 0)
        rc = fill(g, err);
    if (rc != 0)
        return rc;
    size_t rows = count_rows(g) - (g->full ? 1 : 0);
    if (g->ended && g->share < rows)
        rows = g->share;
    if (point(g, "x", 0, g->text.data, end_of(g, rows), out) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory for arguments");
    g->given = rows;
    return 0;
}
