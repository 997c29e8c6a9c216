/* option_kinds.h - what an option of rota run is about
 *
 * Said where the option is: among the flags of its entry in a table for argp, which
 * leaves the bits that it does not know alone. What says nothing is about how a run
 * goes, and `rota resume` may give it anew. An alias is as what it stands for, and a
 * headline says it for itself.
 */
#ifndef ROTA_CLI_OPTION_KINDS_H
#define ROTA_CLI_OPTION_KINDS_H

#include <argp.h>
#include <stdbool.h>

enum {
    /* It says which tasks there are, and what each of them is to do: so a run that goes
     * on has it as it was at its beginning. */
    OPTION_OF_TASKS = 0x10000,
    /* It is about a run's beginning: one that goes on has begun. */
    OPTION_OF_BEGIN = 0x20000,
};

/* Whether a table is at its end. */
static inline bool option_is_last(const struct argp_option *o)
{
    return o->name == NULL && o->key == 0 && o->doc == NULL;
}

/* Whether it may be given anew to a run that goes on. */
static inline bool option_may_change(const struct argp_option *o)
{
    return (o->flags & (OPTION_OF_TASKS | OPTION_OF_BEGIN | OPTION_HIDDEN)) == 0;
}

#endif
