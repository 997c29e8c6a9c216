/* launch_options.h - the words by which ranks are started, for argp
 *
 * rota run, rota exec and rota guard have them as a child parser, whose input is a
 * struct launch_options.
 */
#ifndef ROTA_CLI_LAUNCH_OPTIONS_H
#define ROTA_CLI_LAUNCH_OPTIONS_H

#include <argp.h>

#include "launch/launch.h"

struct launch_options {
    int ranks; /* 0: -n was not given */
    const char *mpiexec;
    const char *hosts;
    const char *hostfile;
};

extern const struct argp launch_options_argp;

/* Fill `spec` with them, for a program of the user's own: in a Slurm allocation the
 * launcher is srun. Fails with ROTA_E_ARG. */
int launch_options_apply(const struct launch_options *o, struct launch_spec *spec,
                         struct rota_error *err);

#endif
