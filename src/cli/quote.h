/* quote.h - values in a shell's command line, whatever they hold
 *
 *     struct quote q = {0};
 *     quote_walk(&q, text, size);         over the command line, up to the place
 *     quote_put(&blob, &q, value, size);  the value there
 *
 * A value is always quoted by itself. Where its place is within quotes, these end
 * before it and begin again behind it: so the shell reads no byte of it, and
 * 'echo "{}"' says what one expects.
 */
#ifndef ROTA_CLI_QUOTE_H
#define ROTA_CLI_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/blob.h"

enum {
    QUOTE_DEPTH = 32,
};

enum quote_in {
    IN_PLAIN,
    IN_PAREN, /* ( or $( */
    IN_BACK,  /* ` */
    IN_SINGLE,
    IN_DOUBLE,
    IN_COMMENT,
};

/* How a shell would read what comes next. All 0 at a line's begin. */
struct quote {
    unsigned char in[QUOTE_DEPTH]; /* enum quote_in; in[0] is IN_PLAIN */
    int depth;
    char before;   /* the last byte */
    bool escaped;  /* that was a backslash which counts */
    bool document; /* a here-document was begun: values are not safe any more */
    bool too_deep; /* nor here: this is nested too deep to be followed */
};

void quote_walk(struct quote *q, const char *text, size_t size);

/* Fails with ROTA_E_NOMEM. */
int quote_put(struct blob *to, const struct quote *at, const char *value, size_t size);

#endif
