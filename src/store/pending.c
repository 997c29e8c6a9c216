/* pending.c - records that wait for the next commit
 *
 * One after another, each at a multiple of 8: struct record, whose `text[].data` say
 * only whether there is a text, then the texts' bytes.
 */
#include "store/pending.h"

#include <stdlib.h>
#include <string.h>

#include "rota.h"

enum {
    ALIGN = 8,
    FIRST_CAP = 65536,
    KEPT_CAP = 8 << 20,
};

static size_t rounded(size_t size)
{
    return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static size_t record_size(const struct record *r)
{
    size_t size = sizeof(*r);
    for (int i = 0; i < RECORD_TEXTS; i++)
        size += r->text[i].data ? r->text[i].size : 0;
    return rounded(size);
}

static int reserve(struct pending *p, size_t size)
{
    if (p->cap - p->size >= size)
        return 0;
    size_t cap = p->cap ? p->cap : FIRST_CAP;
    while (cap - p->size < size)
        cap *= 2;
    unsigned char *data = realloc(p->data, cap);
    if (data == NULL)
        return ROTA_E_NOMEM;
    p->data = data;
    p->cap = cap;
    return 0;
}

int pending_add(struct pending *p, const struct record *r)
{
    size_t size = record_size(r);
    if (reserve(p, size) != 0)
        return ROTA_E_NOMEM;
    unsigned char *to = p->data + p->size;
    memcpy(to, r, sizeof(*r));
    to += sizeof(*r);
    for (int i = 0; i < RECORD_TEXTS; i++)
        if (r->text[i].data != NULL && r->text[i].size > 0)
            to = mempcpy(to, r->text[i].data, r->text[i].size);
    p->size += size;
    p->results += r->kind == RECORD_RESULT || r->kind == RECORD_TRY;
    return 0;
}

int pending_next(const struct pending *p, size_t *place, struct record *out)
{
    if (*place == p->size)
        return 0;
    memcpy(out, p->data + *place, sizeof(*out));
    const unsigned char *from = p->data + *place + sizeof(*out);
    *place += record_size(out);
    for (int i = 0; i < RECORD_TEXTS; i++) {
        if (out->text[i].data == NULL)
            continue;
        out->text[i].data = from;
        from += out->text[i].size;
    }
    return 1;
}

void pending_clear(struct pending *p)
{
    p->size = 0;
    p->results = 0;
    if (p->cap > KEPT_CAP)
        pending_done(p);
}

void pending_done(struct pending *p)
{
    free(p->data);
    *p = (struct pending){0};
}
