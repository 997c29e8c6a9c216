/* inputs.h - the words that say where arguments come from, for argp
 *
 * A child parser of rota run's, whose input is a struct inputs, and what follows the
 * command: ::: ARG..., :::: FILE..., :::+ ARG..., ::::+ FILE...
 */
#ifndef ROTA_CLI_INPUTS_H
#define ROTA_CLI_INPUTS_H

#include <argp.h>

#include "cli/sources.h"

struct inputs {
    struct sources_options options;
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

void inputs_done(struct inputs *in);

#endif
