/* blob.h - bytes that grow */
#ifndef ROTA_CLI_BLOB_H
#define ROTA_CLI_BLOB_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "rota.h"

/* All 0 is an empty one. */
struct blob {
    char *data;
    size_t size;
    size_t cap;
};

static inline void blob_done(struct blob *b)
{
    free(b->data);
    *b = (struct blob){0};
}

/* Fails with ROTA_E_NOMEM. */
static inline int blob_put(struct blob *b, const char *data, size_t size)
{
    if (b->cap - b->size < size) {
        size_t cap = (b->cap + size) * 2;
        char *more = realloc(b->data, cap);
        if (more == NULL)
            return ROTA_E_NOMEM;
        b->data = more;
        b->cap = cap;
    }
    if (size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    return 0;
}

/* With its 0 byte. */
static inline int blob_put_string(struct blob *b, const char *text)
{
    return blob_put(b, text, strlen(text) + 1);
}

#endif
