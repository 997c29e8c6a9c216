/* variables.h - the environment variables that --env names
 *
 * A launcher may leave the environment behind when it starts ranks on other hosts. So
 * rank 0 is told these by the launcher, and each command by rank 0.
 */
#ifndef ROTA_CLI_VARIABLES_H
#define ROTA_CLI_VARIABLES_H

#include "rota.h"

/* All zeros: none. */
struct variables {
    char **names; /* variables_done() */
    int count;
};

/* Add names, with commas between them. Fails with ROTA_E_ARG (one is none) or
 * ROTA_E_NOMEM. */
int variables_add(struct variables *v, const char *names);
void variables_done(struct variables *v);

/* The first name that is not in the environment, or NULL. A function that bash exports
 * is there by its name. */
const char *variables_missing(const struct variables *v);

/* NAME=VALUE of those that are there, ended by NULL: *out is free()'s, its strings are
 * the environment's. Fails with ROTA_E_NOMEM. */
int variables_values(const struct variables *v, char ***out);

/* Have a launcher that this process starts pass them on. Fails with ROTA_E_NOMEM. */
int variables_forward(const struct variables *v);

#endif
