/* program.c - the command line that rota exec and rota guard share: PROGRAM, on N ranks
 */
#include "cli/program.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/keeper.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct program *p = state->input;
    (void)arg;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &p->launch;
        state->child_inputs[1] = &p->guard;
        return 0;
    case ARGP_KEY_ARGS:
        p->argv = state->argv + state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no program to start: name one");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void program_read(char *name, const char *doc, const char *watching, int argc,
                  char **argv, struct program *out)
{
    enum {
        BEHIND = 20, /* the options of the launch, in --help */
    };
    const struct argp_child children[] = {
        {&launch_options_argp, 0, NULL, 0},
        {&guard_options_argp, 0, watching, BEHIND},
        {0},
    };
    const struct argp argp = {
        .parser = parse,
        .args_doc = "PROGRAM [ARG...]",
        .doc = doc,
        .children = children,
    };
    *out = (struct program){.name = name, .launch.ranks = 1};
    argv[0] = name;
    guard_options_init(&out->guard);
    argp_err_exit_status = PROGRAM_NOT_STARTED;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, out);
}

int program_keep(const char *name, int (*work)(void *context), void *context)
{
    struct keeper_end end;
    struct rota_error err;
    if (keeper_run(work, context, &end, &err) != 0) {
        fprintf(stderr, "%s: %s\n", name, err.text);
        return PROGRAM_NOT_STARTED;
    }
    if (end.signal == 0)
        return end.status;
    fprintf(stderr, "%s: its process was killed by signal %d (SIG%s)\n", name,
            end.signal, error_signal(end.signal));
    return 128 + end.signal;
}
