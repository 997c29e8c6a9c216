/* quote.h - values in a shell's command line, whatever they hold
 *
 *     struct quote q = {0};
 *     quote_walk(&q, text, size);         over the command line, up to the place
 *     quote_put(&blob, &q, value, size);  the value there
 *
 * A value is always quoted by itself. Where its place is within quotes, these end
 * before it and begin again behind it: so the shell reads no byte of it, and
 * 'echo "{}"' says what one expects.
 *
 * There are places where no quotes hold: a shell reads what stands in $((...)), or in
 * "${x:-...}", as if it stood in double quotes, and any quote there as a plain byte or
 * not, depending on the shell. At such a place (quote_takes) values are put as they
 * are, if they mean nothing to any shell, or not at all. And there are texts that can't
 * be followed, as shells read them each in its own way: behind those (lost) no place is
 * safe.
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
    IN_PAREN,      /* ( */
    IN_COMMAND,    /* $( */
    IN_BACK,       /* ` */
    IN_ARITHMETIC, /* $(( or ((, and each ( in it */
    IN_BRACE,      /* ${ */
    IN_SINGLE,
    IN_ANSI, /* $', where some shells read \' as no end, and others do */
    IN_DOUBLE,
    IN_COMMENT,
};

/* How a shell would read what comes next. All 0 at a line's begin. */
struct quote {
    unsigned char in[QUOTE_DEPTH]; /* enum quote_in; in[0] is IN_PLAIN */
    int depth;
    char before;            /* the last byte */
    bool escaped;           /* that was a backslash which counts */
    bool document;          /* << is what was read last */
    unsigned char matching; /* how many of `case `'s bytes the word has begun with */
    const char *lost;       /* quote_lost() */
};

void quote_walk(struct quote *q, const char *text, size_t size);

/* What no value is safe within or behind, at this place, as a static text; or NULL. */
const char *quote_lost(const struct quote *q);

/* Whether the value can stand there and is not read by a shell. */
bool quote_takes(const struct quote *at, const char *value, size_t size);

/* Fails with ROTA_E_NOMEM. */
int quote_put(struct blob *to, const struct quote *at, const char *value, size_t size);

#endif
