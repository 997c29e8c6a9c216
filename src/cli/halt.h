/* halt.h - --halt: when enough have failed, succeeded, or ended
 *
 * As GNU parallel has it: WHEN,WHAT=LIMIT, and its older short forms.
 */
#ifndef ROTA_CLI_HALT_H
#define ROTA_CLI_HALT_H

#include <stdbool.h>
#include <stdint.h>

enum halt_when {
    HALT_NEVER,
    HALT_SOON, /* what runs ends, nothing more is begun */
    HALT_NOW,  /* everything ends */
};

enum halt_what {
    HALT_FAIL,
    HALT_SUCCESS,
    HALT_DONE,
};

/* All 0: never. */
struct halt {
    enum halt_when when;
    enum halt_what what;
    double limit; /* so many; or, with `percent`, so many of a hundred */
    bool percent;
};

/* False where it is none; *out is then untouched. */
bool halt_parse(const char *text, struct halt *out);

/* Whether so many are enough, of `total` tasks in all (-1: that is not known, and then
 * no percentage is reached). */
bool halt_is_due(const struct halt *h, uint64_t succeeded, uint64_t failed,
                 int64_t total);

#endif
