/* arguments.h - the arguments of a run, from the command line or a descriptor
 *
 * A list on a descriptor is read as it comes and never held as a whole. One
 * argument a line; the last needs no line end. Nothing here waits.
 */
#ifndef ROTA_CLI_ARGUMENTS_H
#define ROTA_CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rota.h"

enum {
    ARGUMENT_MAX_BYTES = 1 << 20, /* more than any system lets a command have */
};

struct arguments {
    char *const *list; /* NULL: read `fd` */
    int count;
    int fd;
    char end;       /* what ends an argument: '\n', or 0 */
    uint64_t given; /* how many arguments_next has given */
    char *data;     /* read, and not yet given: from `from` to `to` */
    size_t from;
    size_t to;
    size_t cap;
    size_t seen; /* no `end` before this */
    bool at_end;
};

void arguments_init_list(struct arguments *a, char *const *list, int count);
void arguments_init_fd(struct arguments *a, int fd, char end);
void arguments_done(struct arguments *a);

/* The next argument: *out is valid until the next call. Fails with ROTA_E_TIMEOUT
 * where none has come yet, ROTA_E_NOTFOUND after the last, ROTA_E_IO, ROTA_E_FORMAT
 * (one that no command could have), or ROTA_E_NOMEM. */
int arguments_next(struct arguments *a, const char **out, struct rota_error *err);

/* How many are left, or -1 where that is not known. */
int64_t arguments_left(const struct arguments *a);

#endif
