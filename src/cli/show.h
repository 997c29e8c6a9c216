/* show.h - what commands write, on its way to standard output and standard error
 *
 *     SHOW_GROUPS  a command's output when it has ended, whole: nothing mixes
 *     SHOW_LINES   as it comes, but for lines that are not whole: lines don't mix. A
 *                  line longer than SHOW_LINE_BYTES may be broken by others
 *     SHOW_BYTES   as it comes
 *
 * What a lost worker's command has shown as it came stays shown, and comes again from
 * the worker that runs it again.
 */
#ifndef ROTA_CLI_SHOW_H
#define ROTA_CLI_SHOW_H

#include <stdbool.h>

#include "farm/crew.h"

enum show_mode {
    SHOW_GROUPS,
    SHOW_LINES,
    SHOW_BYTES,
};

enum {
    SHOW_LINE_BYTES = 1 << 20,
};

struct ticket;

struct show_options {
    int out; /* descriptors, borrowed */
    int err;
    enum show_mode mode;
    bool in_order; /* SHOW_LINES: only of the first task that has not ended, as it
                      comes; of the others when it is their turn */
    bool verbose;  /* each command before its output */
    /* Whether to give up waiting for who reads the output, and does not: then showing
     * it fails. NULL: never. */
    bool (*stop)(void *ctx);
    void *ctx;
};

struct show;

/* *out is the caller's: show_free(). Fails with ROTA_E_NOMEM. */
int show_new(const struct show_options *options, struct show **out);
void show_free(struct show *s);

/* A command that goes on writes this. Not with SHOW_GROUPS. Fails with ROTA_E_IO, where
 * standard output can't be written, or ROTA_E_NOMEM. */
int show_part(struct show *s, const struct crew_part *p, const struct ticket *k,
              struct rota_error *err);

/* A command has ended: show what was not shown yet. Fails as show_part does. */
int show_end(struct show *s, const struct crew_end *end, const struct ticket *k,
             struct rota_error *err);

ROTA_AUTO_DEFINE(show, struct show *, show_free);

#endif
