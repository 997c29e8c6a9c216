/* exec.h - rota exec: start a program on N ranks */
#ifndef ROTA_CLI_EXEC_H
#define ROTA_CLI_EXEC_H

/* `argv[0]` is the word "exec", as the user typed it. Returns the exit status of the
 * command: the launcher's, or 2 where nothing was started (said on standard error). */
int cli_exec(int argc, char **argv);

#endif
