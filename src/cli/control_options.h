/* control_options.h - the words that steer a run, for argp
 *
 * rota run has them as a child parser, whose input is a struct control_options.
 */
#ifndef ROTA_CLI_CONTROL_OPTIONS_H
#define ROTA_CLI_CONTROL_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/halt.h"
#include "cli/progress.h"

/* All 0 is what there is without any of the words. */
struct control_options {
    struct halt halt;
    int64_t time_limit_ms; /* of each try; 0: none */
    double limit_times;    /* of the median run time; 0: none */
    int64_t gap_ns;        /* --delay */
    bool gap_adapts;
    int64_t memory_bytes; /* --memfree; 0: none */
    double load;          /* --load: so many processes; 0: any number */
    bool noswap;
    enum progress_form progress;
};

extern const struct argp control_options_argp;

/* Whether the list is to be read whole before anything begins, as its length matters.
 */
static inline bool control_needs_total(const struct control_options *o)
{
    return o->halt.percent || o->progress == PROGRESS_BAR ||
           o->progress == PROGRESS_ETA;
}

#endif
