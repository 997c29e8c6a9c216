/* fuzz.h - what the fuzz targets share
 *
 * A target is a file here: fuzz_one() gets bytes of anybody's making and hands them to
 * readers of ours. That nothing crashes, leaks or waits is the least; each target also
 * holds what it reads to something, by `must`. So the same file is
 *
 *     with clang's libFuzzer   a hunt for bytes that break it (preset fuzz),
 *     without                  a test that plays its corpus (replay.c; every preset).
 */
#ifndef ROTA_TESTS_FUZZ_H
#define ROTA_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target. Says nothing of the bytes: it returns, or the process ends. */
void fuzz_one(const unsigned char *data, size_t size);

/* Make the target's first corpus: inputs that our own writers make, each by
 * fuzz_seed(). Where bytes are best made by hand it makes none. */
void fuzz_seeds(void);
void fuzz_seed(const char *name, const void *data, size_t size);

/* Not assert(): it must hold in every build. */
#define must(what)                                                                     \
    do {                                                                               \
        if (!(what)) {                                                                 \
            fprintf(stderr, "%s:%d: must be so: %s\n", __FILE__, __LINE__, #what);     \
            abort();                                                                   \
        }                                                                              \
    } while (0)

/* A place in the bytes. Behind the last there are zeros. */
struct fuzz_bytes {
    const unsigned char *at;
    size_t left;
};

static inline void fuzz_take(struct fuzz_bytes *b, void *out, size_t size)
{
    size_t some = size < b->left ? size : b->left;
    memset(out, 0, size);
    if (some == 0)
        return;
    memcpy(out, b->at, some);
    b->at += some;
    b->left -= some;
}

static inline uint8_t fuzz_take8(struct fuzz_bytes *b)
{
    uint8_t v;
    fuzz_take(b, &v, sizeof(v));
    return v;
}

static inline uint16_t fuzz_take16(struct fuzz_bytes *b)
{
    uint16_t v;
    fuzz_take(b, &v, sizeof(v));
    return v;
}

static inline uint32_t fuzz_take32(struct fuzz_bytes *b)
{
    uint32_t v;
    fuzz_take(b, &v, sizeof(v));
    return v;
}

/* Up to `most` of the bytes that are left, in memory of their own size, so that who
 * reads past their end is caught: free(). */
static inline unsigned char *fuzz_cut(struct fuzz_bytes *b, size_t most, size_t *size)
{
    *size = b->left < most ? b->left : most;
    unsigned char *copy = malloc(*size > 0 ? *size : 1);
    must(copy != NULL);
    fuzz_take(b, copy, *size);
    return copy;
}

/* The rest, with a 0 byte behind: free(). */
static inline char *fuzz_text(struct fuzz_bytes *b)
{
    size_t size = b->left;
    char *text = malloc(size + 1);
    must(text != NULL);
    fuzz_take(b, text, size);
    text[size] = '\0';
    return text;
}

/* A file in memory, with these bytes: a descriptor at its begin; close(). */
int fuzz_file(const void *data, size_t size);

#endif
