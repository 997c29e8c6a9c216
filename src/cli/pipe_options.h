/* pipe_options.h - the words of --pipe, for argp
 *
 * A child parser of rota run's, whose input is a struct pipe_options.
 */
#ifndef ROTA_CLI_PIPE_OPTIONS_H
#define ROTA_CLI_PIPE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "cli/blocks.h"
#include "farm/crew.h"

struct pipe_options {
    bool wanted;              /* standard input is for the commands, in blocks */
    bool by_part;             /* --pipepart: it is a file */
    bool said;                /* one of those that need --pipe */
    enum execute_input input; /* how a command comes to its block */
    bool round_robin;         /* commands read on, as blocks come */
    struct blocks_options blocks;
};

extern const struct argp pipe_options_argp;

#endif
