/* units.h - durations and sizes, as people write them */
#ifndef ROTA_CLI_UNITS_H
#define ROTA_CLI_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds ("90", "0.5"), or numbers with units d, h, m and s ("1h30m"). False where it
 * is none, or more than some ten thousand years; *ns is then untouched. */
bool units_duration(const char *text, int64_t *ns);

/* Bytes, in numbers that may end with K, M, G, T or P (of 1024; so too Ki, ...) or with
 * k, m, g, t or p (of 1000). False where it is none, or more than an int64_t holds. */
bool units_size(const char *text, int64_t *bytes);

enum {
    UNITS_TEXT = 24, /* bytes that the texts below need */
};

/* A duration for people, short: "12 s", "3m20s", "2h05m", "3d04h". Returns `buf`. */
const char *units_duration_text(double seconds, char buf[UNITS_TEXT]);

/* So too: "512 B", "1.5 GiB". */
const char *units_size_text(int64_t bytes, char buf[UNITS_TEXT]);

#endif
