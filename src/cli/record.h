/* record.h - what a run leaves in files: --joblog and --results
 *
 * The joblog has GNU parallel's columns, separated by tabs, a line for each task, in
 * the order in which they were told:
 *
 *     Seq  Host  Starttime  JobRuntime  Send  Receive  Exitval  Signal  Command
 *
 * Host is ':' or, with ranks, "rank N". Exitval and Signal are -1 and 15 for one that
 * ran out of time or memory, -1 and 0 for one without a result. A line end in a command
 * is shown as a space.
 *
 * It obeys the umask, as GNU parallel's does: others read it to see how a run gets on.
 *
 * --results keeps a task's output in its folder: stdout, stderr, and seq, its number.
 * What is made for that, only its owner can read.
 */
#ifndef ROTA_CLI_RECORD_H
#define ROTA_CLI_RECORD_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/tasks.h"
#include "farm/crew.h"

/* *out is the caller's: fclose(). `append`: behind what is there. Until then the file
 * is this process's alone to write, where it is one that can be locked. Fails with
 * ROTA_E_STATE where another process has it, and ROTA_E_IO. */
int joblog_open(const char *path, bool append, FILE **out, struct rota_error *err);

/* Fails with ROTA_E_IO. */
int joblog_add(FILE *f, const struct crew_end *end, const struct ticket *k,
               struct rota_error *err);

/* Keep what it wrote in k->folder, which is made. Fails with ROTA_E_IO. */
int results_add(const struct crew_end *end, const struct ticket *k,
                struct rota_error *err);

#endif
