/* options.h - the words of rota run */
#ifndef ROTA_CLI_OPTIONS_H
#define ROTA_CLI_OPTIONS_H

#include <stdbool.h>

struct run_options {
    int ranks; /* 0: this machine, without a launcher */
    int slots; /* commands at once, on each worker */
    const char *mpiexec;
    const char *hosts;
    const char *hostfile;
    bool null;    /* arguments on standard input end with a 0 byte */
    bool summary; /* wanted even if all went well */
    char **command;
    int command_count;
    char **arguments; /* NULL: read standard input */
    int argument_count;
};

/* Borrows argv. Wrong words end the process with STATUS_USAGE, --help with 0. */
void run_options_parse(int argc, char **argv, struct run_options *out);

#endif
