/* program.h - the command line that rota exec and rota guard share: PROGRAM, on N ranks
 */
#ifndef ROTA_CLI_PROGRAM_H
#define ROTA_CLI_PROGRAM_H

#include "cli/guard_options.h"
#include "cli/launch_options.h"

enum {
    PROGRAM_NOT_STARTED = 2, /* the exit status where nothing was */
};

struct program {
    const char *name; /* of the command, for what it says */
    struct launch_options launch;
    struct guard_options guard;
    char **argv; /* the program, and NULL at the end of its arguments */
};

/* Read `argv` (argv[0] becomes `name`) to *out; ends the process, as argp does, where
 * it makes no sense. `doc` is argp's, and `watching` stands in --help above the guard's
 * options. */
void program_read(char *name, const char *doc, const char *watching, int argc,
                  char **argv, struct program *out);

/* Have `work` done, with `context`, in a process of its own: when the one that a person
 * knows is killed, that one ends the launcher as it should be, and clears up behind it.
 * Returns the exit status, which is `work`'s, unless it could not be done: then why is
 * said. */
int program_keep(const char *name, int (*work)(void *context), void *context);

#endif
