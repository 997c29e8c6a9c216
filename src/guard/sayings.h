/* sayings.h - the same, said of many ranks, is one line */
#ifndef ROTA_GUARD_SAYINGS_H
#define ROTA_GUARD_SAYINGS_H

#include <stdint.h>
#include <stdio.h>

struct saying;

struct sayings {
    struct saying *list;
    size_t count;
    FILE *open; /* of the one that is being composed */
    char *text;
    size_t size;
    const char *one;
    const char *many;
    int failed; /* ROTA_E_NOMEM, or 0 */
};

void sayings_init(struct sayings *s);
void sayings_done(struct sayings *s);

/* Begin what is said of a rank: the verb with a blank behind it, for one and for
 * several; and the rest is written to what is returned, until sayings_end(). NULL:
 * memory is short.
 */
FILE *sayings_begin(struct sayings *s, const char *one, const char *many);

/* It is said of `rank`, higher than those before, and has been so for `ns`; -1: that is
 * not said. */
void sayings_end(struct sayings *s, int rank, int64_t ns);

/* Write what has been said, a line each, by each one's first rank: at most `most`, and
 * how many there are more. Fails with ROTA_E_NOMEM. */
int sayings_write(const struct sayings *s, FILE *to, size_t most);

#endif
