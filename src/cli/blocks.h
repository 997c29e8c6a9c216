/* blocks.h - a stream in blocks of whole records: what --pipe gives to commands
 *
 * Without a number of records a block ends with the last record that ends within the
 * next `block_bytes`; what is behind it comes with the next block. The last block may
 * end without the end of a record. What is between two ends is never cut: a record that
 * is longer makes its block longer. Nothing here
 * waits, but a millisecond for what has begun to come.
 */
#ifndef ROTA_CLI_BLOCKS_H
#define ROTA_CLI_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "rota.h"

#define BLOCKS_MOST_BYTES ((size_t)1 << 30) /* of a block */

struct blocks_options {
    size_t block_bytes;
    const char *recstart; /* split.h's; NULL: not said */
    const char *recend;
    bool regex;
    bool strip;         /* blocks come without what separates records */
    size_t records;     /* so many in each block; 0: as many as fit */
    size_t lines;       /* a record is so many lines; 0: as recstart and recend say */
    const char *header; /* an expression for what stands before the first record, and
                           comes with each block; ':': a line; a number: lines; NULL */
};

struct blocks;

/* Borrows `fd`. *out is the caller's: blocks_close(). Fails with ROTA_E_ARG (no regular
 * expression) or ROTA_E_NOMEM. */
int blocks_open(int fd, const struct blocks_options *options, struct blocks **out,
                struct rota_error *err);
void blocks_close(struct blocks *b);

/* The next block, valid until the next call. Fails with ROTA_E_TIMEOUT where it has not
 * come yet, ROTA_E_NOTFOUND after the last, ROTA_E_IO, ROTA_E_FORMAT (a record is too
 * long), or ROTA_E_NOMEM. */
int blocks_next(struct blocks *b, const char **data, size_t *size,
                struct rota_error *err);

/* From here on blocks come with what stands before the first record, as they do at
 * first; or without. */
void blocks_with_header(struct blocks *b, bool with);

ROTA_AUTO_DEFINE(blocks, struct blocks *, blocks_close);

#endif
