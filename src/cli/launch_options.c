/* launch_options.c - the words by which ranks are started, for argp */
#include "cli/launch_options.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "launch/place.h"
#include "launch/slurm.h"

enum {
    KEY_MPIEXEC = 0x1000,
    KEY_HOSTS,
    KEY_HOSTFILE,
    RANKS_MAX = 1000000,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Ranks:", 10},
    {"ranks", 'n', "N", 0, "start N ranks with mpiexec", 0},
    {"mpiexec", KEY_MPIEXEC, "LAUNCHER", 0,
     "the launcher: mpiexec of Open MPI or MPICH, srun, or another that understands "
     "-n N; a path or a name in PATH. Without it ROTA_MPIEXEC names it, else it is the "
     "one that belongs to the MPI that Rota was built with (rota exec and rota guard: "
     "srun in a Slurm allocation)",
     0},
    {"hosts", KEY_HOSTS, "HOST:N,...", 0,
     "where to start them, and how many ranks each host takes: a:2,b:2. (rota run, "
     "without -n: one rank on each of a,b; ':' is this machine alone)",
     0},
    {"hostfile", KEY_HOSTFILE, "FILE", 0,
     "the same from a file, as the launcher reads it", 0},
    {0},
};

static error_t parse_ranks(struct argp_state *state, const char *arg,
                           struct launch_options *o)
{
    char *end;
    errno = 0;
    long n = strtol(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || n < 1 || n > RANKS_MAX)
        argp_error(state, "-n '%s': not a number of ranks", arg);
    o->ranks = (int)n;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct launch_options *o = state->input;
    switch (key) {
    case 'n':
        return parse_ranks(state, arg, o);
    case KEY_MPIEXEC:
        o->mpiexec = arg;
        return 0;
    case KEY_HOSTS:
        o->hosts = arg;
        return 0;
    case KEY_HOSTFILE:
        o->hostfile = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp launch_options_argp = {.options = options, .parser = parse};

int launch_options_apply(const struct launch_options *o, struct launch_spec *spec,
                         struct rota_error *err)
{
    struct slurm slurm = slurm_read(environ);
    struct place place;
    int rc = place_ranks(&slurm, &place, err);
    if (rc != 0)
        return rc;
    spec->ranks = o->ranks;
    spec->mpiexec = o->mpiexec;
    spec->hosts = o->hosts;
    spec->hostfile = o->hostfile;
    spec->slurm = place.slurm;
    spec->overlap = place.overlap;
    return 0;
}
