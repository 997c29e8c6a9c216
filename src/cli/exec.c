/* exec.c - rota exec: start a program on N ranks */
#include "cli/exec.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "launch/launch.h"

enum {
    EXIT_NOT_STARTED = 2,
    KEY_MPIEXEC = 0x100,
    KEY_HOSTS,
    KEY_HOSTFILE,
};

static const struct argp_option options[] = {
    {"ranks", 'n', "N", 0, "how many ranks to start (1)", 0},
    {"mpiexec", KEY_MPIEXEC, "LAUNCHER", 0,
     "the launcher: mpiexec of Open MPI or MPICH, srun, or another that understands "
     "-n N; a path or a name in PATH. Without it ROTA_MPIEXEC names it, else it is the "
     "one that belongs to the MPI that Rota was built with",
     0},
    {"hosts", KEY_HOSTS, "HOST:N,...", 0,
     "where to start them, and how many ranks each host takes: a:2,b:2", 0},
    {"hostfile", KEY_HOSTFILE, "FILE", 0,
     "the same from a file, as the launcher reads it", 0},
    {0},
};

static const char doc[] =
    "Start PROGRAM on N ranks, with the launcher's flags that let the other ranks live "
    "when one dies, and leave no process behind."
    "\v"
    "PROGRAM is one that uses rota.h, or any other MPI program; its options are its "
    "own. It must be built with the launcher's MPI.\n"
    "\n"
    "  rota exec -n 4 ./success            four ranks on this machine\n"
    "  rota exec -n 4 --hosts a:2,b:2 ./success\n"
    "  rota exec -n 4 --mpiexec srun ./success\n"
    "\n"
    "The exit status is the launcher's, which is the program's where all went well; "
    "128 + N where signal N ended the launcher; 2 where nothing was started, or the "
    "launcher hung at the end.";

static error_t parse_ranks(const char *arg, struct launch_spec *spec,
                           struct argp_state *state)
{
    char *end;
    errno = 0;
    long n = strtol(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || n < 1 || n > INT_MAX)
        argp_error(state, "-n '%s': not a number of ranks", arg);
    spec->ranks = (int)n;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct launch_spec *spec = state->input;
    switch (key) {
    case 'n':
        return parse_ranks(arg, spec, state);
    case KEY_MPIEXEC:
        spec->mpiexec = arg;
        return 0;
    case KEY_HOSTS:
        spec->hosts = arg;
        return 0;
    case KEY_HOSTFILE:
        spec->hostfile = arg;
        return 0;
    case ARGP_KEY_ARGS:
        spec->argv = state->argv + state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no program to start: name one");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_exec(int argc, char **argv)
{
    static char name[] = "rota exec";
    const struct argp argp = {options, parse, "PROGRAM [ARG...]", doc, NULL,
                              NULL,    NULL};
    struct launch_spec spec = {.ranks = 1};
    struct launch *l;
    struct rota_error err;
    int status = EXIT_NOT_STARTED;

    argv[0] = name;
    argp_err_exit_status = EXIT_NOT_STARTED;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &spec);
    int rc = launch_start(&spec, &l, &err);
    if (rc == 0)
        rc = launch_wait(l, &status, &err);
    if (rc != 0)
        fprintf(stderr, "rota exec: %s\n", err.text);
    return status;
}
