/* run.h - rota run: a command for each of many arguments */
#ifndef ROTA_CLI_RUN_H
#define ROTA_CLI_RUN_H

#include "cli/options.h"

/* `argv[0]` is the word "run". Returns the exit status (report.h). */
int cli_run(int argc, char **argv);

/* The same, of words that were parsed. */
int cli_run_options(struct run_options *o);

/* What `rota run -n N` starts as each of its ranks: argv[0] is "run-rank", then
 * come the name of the front's desk, where standard input is, and the words of
 * cli_run, each behind a '='. */
int cli_run_rank(int argc, char **argv);

#endif
