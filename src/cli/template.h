/* template.h - the command a person wrote once, and its arguments
 *
 * GNU parallel's rule: the words of the command are joined by spaces; each replacement
 * string in it (fields.h) stands for a value, and where there is none the arguments
 * come last. A command without words is the argument itself: each argument is then a
 * command line.
 *
 * With `context`, as with GNU parallel's -X, a word that has {} for several arguments
 * is repeated: x{}.{.} is xa.c.a xb.c.b. In a command line for a shell the word must be
 * one for the shell too: where a quotation begins or ends in it, all arguments stand in
 * it.
 *
 * A command line in which a shell would find something to do is run by `sh -c` (and by
 * a shell that was named every one is, as it may have functions), with the arguments
 * quoted (quote.h); any other is split at its spaces and run as it is. In both cases an
 * argument reaches the command as it was, whatever it holds: a file named
 * `; rm -rf ~` is a file's name. Only an argument that is the command line is read by
 * the shell.
 *
 * The slot is known only where the command runs: {%} is PARALLEL_JOBSLOT of its
 * environment, which takes a shell. So it is with the name of what a command reads by
 * name: PARALLEL_TMP.
 */
#ifndef ROTA_CLI_TEMPLATE_H
#define ROTA_CLI_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "cli/blob.h"
#include "cli/sources.h"

struct template;

struct template_options {
    const char *place; /* what stands for {}; NULL: that does */
    struct row names;  /* of sources, borrowed for the call */
    const char *shell; /* reads each command line, borrowed while the template lives;
                          NULL: sh does, and only where there is something for it */
    bool quote;        /* the words stand as they are: no shell reads them */
    bool bare;         /* nothing is appended where there is no replacement string */
    bool named;        /* there are no values: {} is the name in PARALLEL_TMP, of the
                          command's environment */
    bool context;      /* a word with {} stands there for each argument, not once */
};

/* *out is the caller's: template_free(). Fails with ROTA_E_NOMEM, or with ROTA_E_ARG
 * where an argument's place can't be made safe. */
int template_new(char *const *words, int count, const struct template_options *options,
                 struct template **out, struct rota_error *err);

void template_free(struct template *t);

/* Whether these arguments can stand where they would. Fails with ROTA_E_ARG where one
 * can't be made safe at its place; nothing is made of such a row. */
int template_check(const struct template *t, struct row row, struct rota_error *err);

/* The command for the arguments of task number `task`: *out is one block that holds
 * the words and their array, NULL at its end, to be freed. Fails with ROTA_E_NOMEM. */
int template_apply(const struct template *t, struct row row, uint64_t task,
                   char ***out);

/* The same as a shell's command line, appended to `out` without a 0 byte. */
int template_line(const struct template *t, struct row row, uint64_t task,
                  struct blob *out);

ROTA_AUTO_DEFINE(template, struct template *, template_free);

#endif
