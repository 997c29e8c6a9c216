/* run_file.h - what rota run --run FILE writes down, in the store's terms
 *
 * What cannot be written now is kept and tried again; so a failing disk is told of
 * once, and the run goes on. Only at the end is a record that is not whole a failure.
 */
#ifndef ROTA_CLI_RUN_FILE_H
#define ROTA_CLI_RUN_FILE_H

#include "farm/crew.h"

struct run_file;

/* Begin a run file at `path`, of a run of these words. *out is the caller's:
 * run_file_close(). Fails as store_create does. */
int run_file_open(const char *path, char *const *words, int count,
                  struct run_file **out, struct rota_error *err);

/* A task has come; its command, as it is started. The tasks come in the order of their
 * numbers. Fails with ROTA_E_NOMEM. */
int run_file_task(struct run_file *f, char *const *argv, struct rota_error *err);

/* There is no further task. */
void run_file_listed(struct run_file *f);

/* A task has ended. Fails with ROTA_E_NOMEM. */
int run_file_ended(struct run_file *f, const struct crew_end *end,
                   struct rota_error *err);

/* Several times a second. */
void run_file_tick(struct run_file *f);

/* The run has ended with `status`, or will with a worse one: returns 0, or ROTA_E_IO
 * and the like with *err where not all of it could be written. Frees `f`; NULL is
 * accepted. */
int run_file_close(struct run_file *f, int status, struct rota_error *err);

#endif
