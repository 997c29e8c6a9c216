/* exec.c - rota exec: start a program on N ranks */
#include "cli/exec.h"

#include <stdio.h>
#include <string.h>

#include "cli/guard.h"
#include "cli/program.h"
#include "launch/launch.h"

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
    "  rota exec -n 4 --timeout 600 ./program   ended then, and told why\n"
    "\n"
    "The exit status is the launcher's, which is the program's where all went well; "
    "128 + N where signal N ended the launcher; 2 where nothing was started, or the "
    "launcher hung at the end. Of a program that is watched it is rota guard's: 3 "
    "where it hung, or its time was over.";

static int launch(void *ctx)
{
    struct launch_spec *spec = ctx;
    bool told = false;
    spec->told = &told;
    struct launch *l;
    struct rota_error err;
    int status = PROGRAM_NOT_STARTED;
    int rc = launch_start(spec, &l, &err);
    if (rc == 0)
        rc = launch_wait(l, &status, &err);
    if (rc != 0)
        fprintf(stderr, "rota exec: %s\n", err.text);
    else if (sigabbrev_np(status - 128) != NULL)
        fprintf(stderr, "rota exec: %s: status %d, as after signal %d (SIG%s)\n",
                spec->argv[0], status, status - 128, sigabbrev_np(status - 128));
    else if (status != 0 && !told)
        fprintf(stderr, "rota exec: %s: status %d, by the launcher's account\n",
                spec->argv[0], status);
    return status;
}

int cli_exec(int argc, char **argv)
{
    static char name[] = "rota exec";
    struct program p;
    struct rota_error err;
    program_read(name, doc, "Watched, as by rota guard, with any of these:", argc, argv,
                 &p);
    if (p.guard.given)
        return guard_start(&p);
    struct launch_spec spec = {.argv = p.argv};
    if (launch_options_apply(&p.launch, &spec, &err) == 0)
        return program_keep(name, launch, &spec);
    fprintf(stderr, "%s: %s\n", name, err.text);
    return PROGRAM_NOT_STARTED;
}
