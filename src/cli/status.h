/* status.h - rota status: how the run in a run file stands */
#ifndef ROTA_CLI_STATUS_H
#define ROTA_CLI_STATUS_H

/* `argv[0]` is the word "status". Returns the exit status (report.h). */
int cli_status(int argc, char **argv);

#endif
