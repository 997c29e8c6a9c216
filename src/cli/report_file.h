/* report_file.h - rota report: the tasks of a run file, as a table, JSON or CSV */
#ifndef ROTA_CLI_REPORT_FILE_H
#define ROTA_CLI_REPORT_FILE_H

/* `argv[0]` is the word "report". Returns the exit status (report.h). */
int cli_report(int argc, char **argv);

#endif
