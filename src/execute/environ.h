/* environ.h - an environment that makes nobody believe it is a rank */
#ifndef ROTA_EXECUTE_ENVIRON_H
#define ROTA_EXECUTE_ENVIRON_H

/* Copy `env` without what a launcher, or Rota, told this rank: a command that is
 * an MPI program then starts as its own. *out is one block, to be freed; its
 * strings are env's. Fails with ROTA_E_NOMEM. */
int environ_scrub(char *const *env, char ***out);

#endif
