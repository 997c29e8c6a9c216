/* gather.h - as many arguments as a command line takes: -X, -m and --xargs
 *
 * Rows are put together until one more would make the line too long. Where the list
 * ends before that, and commands may run at the same time, each gets its share of those
 * that were put together last: so a short list keeps all slots busy.
 */
#ifndef ROTA_CLI_GATHER_H
#define ROTA_CLI_GATHER_H

#include <stddef.h>

#include "base/cleanup.h"
#include "cli/sources.h"

struct gather_options {
    size_t bytes; /* a line is shorter than this */
    int most;     /* rows that are put together; 0: any number */
    int spread;   /* commands that may run at the same time; 1: all go together */

    /* The next row, as sources_next. */
    int (*read)(void *ctx, struct row *out, struct rota_error *err);
    /* How long the command's line is with that row. Fails with ROTA_E_NOMEM. */
    int (*measure)(void *ctx, struct row row, size_t *bytes);
    void *ctx;
};

struct gather;

/* *out is the caller's: gather_free(). Fails with ROTA_E_NOMEM. */
int gather_new(const struct gather_options *options, struct gather **out);
void gather_free(struct gather *g);

/* The next rows, as one that is valid until the next call. Fails as sources_next, or
 * with ROTA_E_ARG where a single row is too long. */
int gather_next(struct gather *g, struct row *out, struct rota_error *err);

#endif
