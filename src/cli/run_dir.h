/* run_dir.h - a folder for all run files: ROTA_RUN_DIR
 *
 * Where it is set, every run is recorded into a new file of that folder, and what reads
 * run files takes the newest one there unless another is named. A file is called by the
 * time at which its run was begun and by the command:
 *
 *     2026-11-22_18.30.15.250_gzip.db
 *
 * in local time, so that the last one by name is the newest.
 */
#ifndef ROTA_CLI_RUN_DIR_H
#define ROTA_CLI_RUN_DIR_H

#include <stdbool.h>

#include "rota.h"

bool run_dir_is_set(void);

/* The path for a new run of `command` (NULL: whole commands are its arguments), in the
 * folder, which is made if it is not there: *out, to be freed. NULL where there is no
 * such folder set. Fails with ROTA_E_IO or ROTA_E_NOMEM. */
int run_dir_new(const char *command, char **out, struct rota_error *err);

/* The newest run file there: *out, to be freed. Fails with ROTA_E_ARG (no folder is
 * set), ROTA_E_NOTFOUND (there is none in it), ROTA_E_IO or ROTA_E_NOMEM. */
int run_dir_newest(char **out, struct rota_error *err);

#endif
