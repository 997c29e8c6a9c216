/* spool.h - bytes that wait on disk, since they are more than memory should hold
 *
 *     spool_file_new(&f);
 *     spool_put(f, &s, data, size, &err);        ... as they come
 *     spool_get(f, &s, at, buffer, room, &n, &err);
 *     spool_drop(f, &s);                         they are not wanted any more
 *     spool_file_free(f);
 *
 * Many streams of bytes share one file, which is below TMPDIR (or /tmp), readable by
 * its owner alone, and has no name: it goes with its process. It is made when the first
 * byte comes. Room that was dropped is used again, and given back to the disk.
 */
#ifndef ROTA_BASE_SPOOL_H
#define ROTA_BASE_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"

struct spool_file;

/* A stream of bytes. All zeros: empty. */
struct spool {
    uint32_t *blocks; /* where each SPOOL_BLOCK_BYTES of it stand */
    size_t count;
    size_t cap;
    uint64_t size; /* in bytes */
};

enum {
    SPOOL_BLOCK_BYTES = 256 << 10,
};

/* *out is the caller's: spool_file_free(). Fails with ROTA_E_NOMEM. */
int spool_file_new(struct spool_file **out);

/* What was put into it is gone. NULL is accepted. */
void spool_file_free(struct spool_file *f);

/* Append all of it or, failing with ROTA_E_IO or ROTA_E_NOMEM, nothing. */
int spool_put(struct spool_file *f, struct spool *s, const void *data, size_t size,
              struct rota_error *err);

/* Read what stands from byte `at` on, `room` bytes at most: *got is how many, 0 at the
 * end. Fails with ROTA_E_IO. */
int spool_get(struct spool_file *f, const struct spool *s, uint64_t at, void *buffer,
              size_t room, size_t *got, struct rota_error *err);

/* Empty it, and free what it holds. */
void spool_drop(struct spool_file *f, struct spool *s);

/* Bytes of which the first stand in a spool, and the others in memory. Borrowed. */
struct spool_text {
    struct spool_file *file;
    const struct spool *kept; /* NULL: none */
    const char *rest;
    size_t rest_bytes;
};

static inline uint64_t spool_text_size(const struct spool_text *t)
{
    return (t->kept != NULL ? t->kept->size : 0) + t->rest_bytes;
}

/* Show it to `take` from byte `from` on, piece by piece. Fails as spool_get does, with
 * ROTA_E_NOMEM, or as `take` first did: that is not called again. */
int spool_text_walk(const struct spool_text *t, uint64_t from,
                    int (*take)(void *ctx, const char *data, size_t size,
                                struct rota_error *err),
                    void *ctx, struct rota_error *err);

ROTA_AUTO_DEFINE(spool_file, struct spool_file *, spool_file_free);

#endif
