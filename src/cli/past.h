/* past.h - what a joblog says was done before: --resume and its kin
 *
 * As GNU parallel has it: with PAST_RESUME what stands in the log is not run again;
 * with PAST_RESUME_FAILED what succeeded, by any of its lines; PAST_RETRY_FAILED runs
 * what has no such line, by the command that stands there.
 */
#ifndef ROTA_CLI_PAST_H
#define ROTA_CLI_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"

enum past_mode {
    PAST_NONE,
    PAST_RESUME,
    PAST_RESUME_FAILED,
    PAST_RETRY_FAILED,
};

struct past;

/* Read the joblog at `path`; one that is not there is as good as empty, and what a
 * process left that died while it wrote its last line is cut off. *out is the caller's:
 * past_free(). Fails with ROTA_E_IO, ROTA_E_FORMAT or ROTA_E_NOMEM. */
int past_read(const char *path, enum past_mode mode, struct past **out,
              struct rota_error *err);
void past_free(struct past *p);

/* Whether the task of this number is not to be run. */
bool past_has(const struct past *p, uint64_t number);

/* The next command that is to be tried again, and its number: false after the last. In
 * the order of the numbers. Borrowed. */
bool past_next(struct past *p, uint64_t *number, const char **command);

/* How many of these are left. */
uint64_t past_left(const struct past *p);

ROTA_AUTO_DEFINE(past, struct past *, past_free);

#endif
