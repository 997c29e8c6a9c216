/* foreign.h - what GNU parallel's command line has, and rota run's has not
 *
 * Who comes from there brings command lines along. Each flag that is not here gets an
 * answer: what to use instead. A flag that changes nothing of what rota run does, as
 * --will-cite, is taken.
 */
#ifndef ROTA_CLI_FOREIGN_H
#define ROTA_CLI_FOREIGN_H

#include <argp.h>

enum {
    FOREIGN_MOST = 160,
};

/* The flags, for a child of argp's that appears in no help, {0} at the end; and its
 * parser, which has no input. */
void foreign_options(struct argp_option table[FOREIGN_MOST]);
error_t foreign_parse(int key, char *arg, struct argp_state *state);

#endif
