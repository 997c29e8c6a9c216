/* spool.c - bytes that wait on disk, since they are more than memory should hold
 *
 * The file is cut into blocks. A stream has a list of them, the last one filled as far
 * as it goes; blocks that nobody has stand on a stack. Once nobody has any the file is
 * cut to nothing.
 */
#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/scratch.h"

struct spool_file {
    int fd; /* -1: not made yet */
    uint32_t *spare;
    size_t spares;
    size_t cap;     /* of `spare`: room for every block that there is */
    uint32_t count; /* of blocks in the file */
};

static int fail(int error, const char *doing, struct rota_error *err)
{
    return error_set(err, ROTA_E_IO,
                     "cannot %s a temporary file in '%s': %s; free space there, or let "
                     "TMPDIR name another folder",
                     doing, scratch_above(), strerror(error));
}

int spool_file_new(struct spool_file **out)
{
    struct spool_file *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return ROTA_E_NOMEM;
    f->fd = -1;
    *out = f;
    return 0;
}

void spool_file_free(struct spool_file *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f->spare);
    free(f);
}

/* Some file systems have no files without a name: then it has one for a moment. */
static int make_file(struct spool_file *f, struct rota_error *err)
{
    if (f->fd >= 0)
        return 0;
    f->fd = open(scratch_above(), O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (f->fd >= 0)
        return 0;
    rota_auto(heap) char *name = NULL;
    if (asprintf(&name, "%s/rota-XXXXXX", scratch_above()) < 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory for a file's name");
    f->fd = mkostemp(name, O_CLOEXEC);
    if (f->fd < 0)
        return fail(errno, "make", err);
    unlink(name);
    return 0;
}

/* ---- blocks ------------------------------------------------------------------ */

static off_t place(uint32_t block)
{
    return (off_t)block * SPOOL_BLOCK_BYTES;
}

/* Give the stream one more block. Whoever takes a new one has room made for its
 * return, so that dropping needs no memory. */
static int add_block(struct spool_file *f, struct spool *s)
{
    if (s->count == s->cap) {
        size_t cap = s->cap * 2 + 4;
        uint32_t *blocks = realloc(s->blocks, cap * sizeof(*blocks));
        if (blocks == NULL)
            return ROTA_E_NOMEM;
        s->blocks = blocks;
        s->cap = cap;
    }
    if (f->spares > 0) {
        s->blocks[s->count++] = f->spare[--f->spares];
        return 0;
    }
    if (f->count == f->cap) {
        size_t cap = f->cap * 2 + 64;
        uint32_t *spare = realloc(f->spare, cap * sizeof(*spare));
        if (spare == NULL)
            return ROTA_E_NOMEM;
        f->spare = spare;
        f->cap = cap;
    }
    s->blocks[s->count++] = f->count++;
    return 0;
}

static int write_at(int fd, off_t at, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = fault(FAULT_SPOOL) ? -1 : pwrite(fd, data, size, at);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n == 0)
            return ENOSPC;
        if (n > 0) {
            data += n;
            at += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- streams ----------------------------------------------------------------- */

int spool_put(struct spool_file *f, struct spool *s, const void *data, size_t size,
              struct rota_error *err)
{
    const char *from = data;
    uint64_t at = s->size;
    int rc = size > 0 ? make_file(f, err) : 0;
    if (rc != 0)
        return rc;
    while (size > 0) {
        size_t block = (size_t)(at / SPOOL_BLOCK_BYTES);
        size_t within = (size_t)(at % SPOOL_BLOCK_BYTES);
        size_t n = least(size, SPOOL_BLOCK_BYTES - within);
        if (block == s->count && add_block(f, s) != 0)
            return error_set(err, ROTA_E_NOMEM, "out of memory for output");
        int error = write_at(f->fd, place(s->blocks[block]) + (off_t)within, from, n);
        if (error != 0)
            return fail(error, "write to", err);
        from += n;
        at += n;
        size -= n;
    }
    s->size = at;
    return 0;
}

int spool_get(struct spool_file *f, const struct spool *s, uint64_t at, void *buffer,
              size_t room, size_t *got, struct rota_error *err)
{
    char *to = buffer;
    size_t done = 0;
    while (done < room && at < s->size) {
        size_t within = (size_t)(at % SPOOL_BLOCK_BYTES);
        size_t n = least(room - done, SPOOL_BLOCK_BYTES - within);
        if (s->size - at < n)
            n = (size_t)(s->size - at);
        off_t from = place(s->blocks[at / SPOOL_BLOCK_BYTES]) + (off_t)within;
        ssize_t r = pread(f->fd, to + done, n, from);
        if (r == 0 || (r < 0 && errno != EINTR))
            return fail(r == 0 ? EIO : errno, "read from", err);
        if (r > 0) {
            done += (size_t)r;
            at += (uint64_t)r;
        }
    }
    *got = done;
    return 0;
}

void spool_drop(struct spool_file *f, struct spool *s)
{
    for (size_t i = 0; i < s->count; i++) {
        f->spare[f->spares++] = s->blocks[i];
        /* what can't be given back now is at the end */
        (void)!fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         place(s->blocks[i]), SPOOL_BLOCK_BYTES);
    }
    free(s->blocks);
    *s = (struct spool){0};
    if (f->spares == f->count && f->count > 0 && ftruncate(f->fd, 0) == 0)
        f->spares = f->count = 0;
}

int spool_text_walk(const struct spool_text *t, uint64_t from,
                    int (*take)(void *ctx, const char *data, size_t size,
                                struct rota_error *err),
                    void *ctx, struct rota_error *err)
{
    rota_auto(heap) char *buffer = NULL;
    uint64_t kept = t->kept != NULL ? t->kept->size : 0;
    if (from < kept && (buffer = malloc(SPOOL_BLOCK_BYTES)) == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory for output");
    while (from < kept) {
        size_t n = 0;
        int rc = spool_get(t->file, t->kept, from, buffer, SPOOL_BLOCK_BYTES, &n, err);
        if (rc == 0)
            rc = take(ctx, buffer, n, err);
        if (rc != 0)
            return rc;
        from += n;
    }
    uint64_t skip = from - kept;
    if (skip >= t->rest_bytes)
        return 0;
    return take(ctx, t->rest + skip, t->rest_bytes - (size_t)skip, err);
}
