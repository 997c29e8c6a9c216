/* environ.h - the environment of commands, which makes none believe it is a rank */
#ifndef ROTA_EXECUTE_ENVIRON_H
#define ROTA_EXECUTE_ENVIRON_H

#include <stdbool.h>

/* `own`, ended by NULL, and behind it `env` without variables of the same names and,
 * where `scrub`, without what a launcher, or Rota, told this rank: a command that is an
 * MPI program then starts as its own. *out is one block, to be freed; its strings are
 * those of own and env. Fails with ROTA_E_NOMEM. */
int environ_make(char *const *env, char *const *own, bool scrub, char ***out);

#endif
