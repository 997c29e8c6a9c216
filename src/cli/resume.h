/* resume.h - rota resume: go on with a run that was cut off */
#ifndef ROTA_CLI_RESUME_H
#define ROTA_CLI_RESUME_H

/* `argv[0]` is the word "resume". Returns the exit status (report.h). */
int cli_resume(int argc, char **argv);

#endif
