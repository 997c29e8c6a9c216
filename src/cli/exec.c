/* exec.c - rota exec: start a program on N ranks */
#include "cli/exec.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/guard.h"
#include "cli/keeper.h"
#include "cli/launch_options.h"
#include "launch/launch.h"

enum {
    EXIT_NOT_STARTED = 2,
};

struct words {
    struct launch_options launch;
    struct guard_options guard;
    char **program;
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
    "  rota exec -n 4 --timeout 600 ./program   ended then, and told why\n"
    "\n"
    "The exit status is the launcher's, which is the program's where all went well; "
    "128 + N where signal N ended the launcher; 2 where nothing was started, or the "
    "launcher hung at the end. Of a program that is watched it is rota guard's: 3 "
    "where "
    "it hung, or its time was over.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct words *w = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &w->launch;
        state->child_inputs[1] = &w->guard;
        return 0;
    case ARGP_KEY_ARGS:
        w->program = state->argv + state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no program to start: name one");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* In a process of its own: when the one that a person knows is killed, this one ends
 * the launcher as it should be, and clears up behind it. */
static int launch(void *ctx)
{
    struct launch_spec *spec = ctx;
    bool told = false;
    spec->told = &told;
    struct launch *l;
    struct rota_error err;
    int status = EXIT_NOT_STARTED;
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
    const struct argp_child children[] = {
        {&launch_options_argp, 0, NULL, 0},
        {&guard_options_argp, 0, "Watched, as by rota guard, with any of these:", 20},
        {0}};
    const struct argp argp = {
        .parser = parse,
        .args_doc = "PROGRAM [ARG...]",
        .doc = doc,
        .children = children,
    };
    struct words words = {.launch.ranks = 1};
    struct keeper_end end;
    struct rota_error err;

    argv[0] = name;
    guard_options_init(&words.guard);
    argp_err_exit_status = EXIT_NOT_STARTED;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &words);
    if (words.guard.given)
        return guard_start(name, &words.guard, &words.launch, words.program);
    struct launch_spec spec = {.argv = words.program};
    if (launch_options_apply(&words.launch, &spec, &err) != 0 ||
        keeper_run(launch, &spec, &end, &err) != 0) {
        fprintf(stderr, "rota exec: %s\n", err.text);
        return EXIT_NOT_STARTED;
    }
    if (end.signal == 0)
        return end.status;
    fprintf(stderr, "rota exec: its process was killed by signal %d (SIG%s)\n",
            end.signal, sigabbrev_np(end.signal));
    return 128 + end.signal;
}
