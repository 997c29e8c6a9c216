/* template.h - the command a person wrote once, and its arguments
 *
 * GNU parallel's rule: the words of the command are joined by spaces; each `{}`
 * in it stands for the argument, which is appended where there is none. A command
 * without words is the argument itself: each argument is then a command line.
 *
 * A command line in which a shell would find something to do is run by `sh -c`,
 * with the argument quoted; any other is split at its spaces and run as it is. In
 * both cases the argument reaches the command as it was, whatever it holds: a
 * file named `; rm -rf ~` is a file's name. Only an argument that is the command
 * line is read by the shell.
 */
#ifndef ROTA_CLI_TEMPLATE_H
#define ROTA_CLI_TEMPLATE_H

#include <stdbool.h>

#include "base/cleanup.h"

struct template;

/* *out is the caller's: template_free(). Fails with ROTA_E_NOMEM. */
int template_new(char *const *words, int count, struct template **out);

void template_free(struct template *t);

/* Whether there is no command, and each argument is a command line. */
bool template_is_empty(const struct template *t);

/* The command for `argument`: *out is one block that holds the words and their
 * array, NULL at its end, to be freed. Fails with ROTA_E_NOMEM. */
int template_apply(const struct template *t, const char *argument, char ***out);

ROTA_AUTO_DEFINE(template, struct template *, template_free);

#endif
