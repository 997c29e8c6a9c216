/* launch_options.h - the words by which ranks are started, for argp
 *
 * rota run and rota exec have them as a child parser, whose input is a struct
 * launch_options.
 */
#ifndef ROTA_CLI_LAUNCH_OPTIONS_H
#define ROTA_CLI_LAUNCH_OPTIONS_H

#include <argp.h>

struct launch_options {
    int ranks; /* 0: -n was not given */
    const char *mpiexec;
    const char *hosts;
    const char *hostfile;
};

extern const struct argp launch_options_argp;

#endif
