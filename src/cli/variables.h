/* variables.h - the environment variables that --env names
 *
 * A launcher may leave the environment behind when it starts ranks on other hosts. So
 * rank 0 is told these by the launcher, and each command by rank 0.
 *
 * "_" stands for all but those that stand in a file of names, one a line, as they are
 * in the environment: GNU parallel's, $PARALLEL_HOME/ignored_vars, or below
 * ~/.parallel.
 */
#ifndef ROTA_CLI_VARIABLES_H
#define ROTA_CLI_VARIABLES_H

#include <stdbool.h>

#include "rota.h"

/* All zeros: none. */
struct variables {
    char **names; /* variables_done() */
    int count;
    bool all; /* "_" was among those that were added */
};

/* Add names, with commas between them. Fails with ROTA_E_ARG (one is none) or
 * ROTA_E_NOMEM. */
int variables_add(struct variables *v, const char *names);
void variables_done(struct variables *v);

/* Add what "_" stands for, but for names that could not be passed on as one of a list.
 * Fails with ROTA_E_NOTFOUND or ROTA_E_IO (there is no such file, or it can't be read)
 * or ROTA_E_NOMEM. */
int variables_add_all(struct variables *v, struct rota_error *err);

/* Write the names of all that are in the environment to that file. Fails with
 * ROTA_E_IO or ROTA_E_NOMEM. */
int variables_record(struct rota_error *err);

/* All names, as variables_add takes them: *out is free()'s. ROTA_E_NOMEM. */
int variables_names(const struct variables *v, char **out);

/* The first name that is not in the environment, or NULL. A function that bash exports
 * is there by its name. */
const char *variables_missing(const struct variables *v);

/* Whether bash has exported a function of that name. */
bool variables_has_function(const char *name);

/* NAME=VALUE of those that are there, ended by NULL: *out is free()'s, its strings are
 * the environment's. Fails with ROTA_E_NOMEM. */
int variables_values(const struct variables *v, char ***out);

/* Have a launcher that this process starts pass them on. Fails with ROTA_E_NOMEM. */
int variables_forward(const struct variables *v);

#endif
