/* sources.h - where the arguments of commands come from, and how they combine
 *
 *     sources_open(specs, count, &options, &s, &err);
 *     while (sources_next(s, &row, &err) == 0) ... row.values ...
 *     sources_close(s);
 *
 * Each source gives *records*, in order: an argument, or with a column separator
 * several. A row is the arguments of one command: a record of each source.
 *
 *     linked       a source that goes along with the one before it, record by record,
 *                  until either ends
 *     unlinked     every combination; the last source's records change fastest
 *     link_all     all go along; a shorter one begins again
 *
 * The first source, and what is linked to it, is read as it comes and never held as a
 * whole; the others are, since they are gone through again and again (so are all of
 * them with link_all). A source without a record gives one empty argument where there
 * are other sources. Nothing here waits.
 */
#ifndef ROTA_CLI_SOURCES_H
#define ROTA_CLI_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"

struct source_spec {
    char *const *list; /* the arguments, or NULL: they are read from */
    int count;
    const char *file; /* a file; "-" is standard input */
    bool linked;
};

/* Blanks that are cut off each argument. */
enum sources_trim {
    TRIM_DEFAULT, /* both ends where there is a column separator, else none */
    TRIM_NONE,
    TRIM_LEFT,
    TRIM_RIGHT,
    TRIM_BOTH,
};

struct sources_options {
    bool delimited; /* arguments that are read end with this, not with the line: */
    char delimiter;
    bool link_all;      /* see above */
    const char *header; /* ":": each source's first record names its columns; NULL */
    bool skip_empty;    /* no argument of nothing but blanks */
    int rows;           /* so many rows are put together; 0: one */
    const char *colsep; /* extended regular expression; NULL: one column */
    enum sources_trim trim;
};

struct row {
    const char *const *values;
    int count;
};

struct sources;

/* Opens the files; borrows the lists. *out is the caller's: sources_close(). Fails with
 * ROTA_E_IO, ROTA_E_ARG (colsep is no regular expression) or ROTA_E_NOMEM. */
int sources_open(const struct source_spec *specs, int count,
                 const struct sources_options *options, struct sources **out,
                 struct rota_error *err);

void sources_close(struct sources *s);

/* The next row, valid until the next call. Fails with ROTA_E_TIMEOUT where it has not
 * come yet, ROTA_E_NOTFOUND after the last, or as arguments_next does. */
int sources_next(struct sources *s, struct row *out, struct rota_error *err);

/* The names of columns, none without header; known once there was a row. */
struct row sources_names(const struct sources *s);

/* How many rows are left, or -1 where that is not known. */
int64_t sources_left(const struct sources *s);

ROTA_AUTO_DEFINE(sources, struct sources *, sources_close);

#endif
