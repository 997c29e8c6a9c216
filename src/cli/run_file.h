/* run_file.h - what rota run --run FILE writes down, in the store's terms
 *
 * What cannot be written now is kept and tried again; so a failing disk is told of
 * once, and the run goes on. Only at the end is a record that is not whole a failure.
 */
#ifndef ROTA_CLI_RUN_FILE_H
#define ROTA_CLI_RUN_FILE_H

#include "cli/options.h"
#include "farm/crew.h"
#include "store/store.h"

struct run_file;

/* Begin a run file at o->run_file, or go on with the one that is there, if o->again
 * says so. *out is the caller's: run_file_close(). Fails as store_create or
 * store_resume do. */
int run_file_open(const struct run_options *o, struct run_file **out,
                  struct rota_error *err);

/* Its store, borrowed, for the list of tasks. */
struct store *run_file_store(struct run_file *f);

/* How many tasks had failed before, and are not tried again. */
uint64_t run_file_failed_before(const struct run_file *f);

/* A task has ended, or a try of it. Fails with ROTA_E_NOMEM. */
int run_file_ended(struct run_file *f, const struct crew_end *end,
                   struct rota_error *err);
void run_file_tried(struct run_file *f, const struct crew_end *end);

/* A worker has come, or was lost: as crew_hooks have it. */
void run_file_came(struct run_file *f, int rank, int slots, const char *host);
void run_file_lost(struct run_file *f, int rank, const struct rota_fate *fate,
                   const char *strange, uint64_t again);

/* Whatever else happened. */
void run_file_event(struct run_file *f, const char *what);

/* Several times a second. */
void run_file_tick(struct run_file *f);

/* The run has ended with `status`, or will with a worse one: returns 0, or ROTA_E_IO
 * and the like with *err where not all of it could be written. Frees `f`; NULL is
 * accepted. */
int run_file_close(struct run_file *f, int status, struct rota_error *err);

#endif
