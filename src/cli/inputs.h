/* inputs.h - the words that say where arguments come from, for argp
 *
 * A child parser of rota run's, whose input is a struct inputs, and what follows the
 * command: ::: ARG..., :::: FILE..., :::+ ARG..., ::::+ FILE...
 */
#ifndef ROTA_CLI_INPUTS_H
#define ROTA_CLI_INPUTS_H

#include <argp.h>

#include "cli/sources.h"

/* As many arguments as a command line takes (gather.h). */
struct inputs_many {
    bool wanted;
    bool context;  /* -X: a word with {} is there for each of them */
    bool together; /* --xargs: a list that ends is not shared out */
    size_t bytes;  /* -s: a line is shorter than that; 0: than it must be */
    int most;      /* -N: so many arguments; 0: any number */
};

struct inputs {
    struct sources_options options;
    struct inputs_many many;
    struct source_spec *specs; /* free(): inputs_done */
    int count;
    int standard; /* how many of them are standard input: 0 or 1 */
};

extern const struct argp inputs_argp;

/* Take what stands behind the command in `words`: returns how many words the command
 * has. Wrong ones are argp's errors. */
int inputs_words(struct inputs *in, struct argp_state *state, char **words, int count);

/* Fails with ROTA_E_NOMEM. */
int inputs_add(struct inputs *in, struct source_spec spec);

/* When all words were read: see what goes together. Wrong ones are argp's errors. */
void inputs_finish(struct inputs *in, struct argp_state *state);

void inputs_done(struct inputs *in);

#endif
