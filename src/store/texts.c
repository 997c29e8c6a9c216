/* texts.c - a few texts of a run file, as words */
#include "store/texts.h"

#include <stdlib.h>
#include <string.h>

#include "store/schema.h"

/* Texts one behind another, each with its 0 byte. */
struct heap {
    char *data;
    size_t size;
    size_t count;
};

static int put(struct heap *h, sqlite3_stmt *st)
{
    const char *text = (const char *)sqlite3_column_text(st, 0);
    size_t size = text ? strlen(text) + 1 : 0; /* nobody wrote a 0 byte */
    char *grown = text ? realloc(h->data, h->size + size) : NULL;
    if (grown == NULL)
        return SQLITE_NOMEM;
    h->data = grown;
    memcpy(h->data + h->size, text, size);
    h->size += size;
    h->count++;
    return SQLITE_OK;
}

static char **point(const struct heap *h)
{
    size_t pointers = (h->count + 1) * sizeof(char *);
    char **texts = calloc(1, pointers + h->size);
    if (texts == NULL)
        return NULL;
    char *at = (char *)texts + pointers;
    if (h->size > 0)
        memcpy(at, h->data, h->size);
    for (size_t i = 0; i < h->count; i++) {
        texts[i] = at;
        at += strlen(at) + 1;
    }
    return texts;
}

int texts_read(sqlite3 *db, const char *sql, char ***texts, int *count)
{
    struct heap h = {0};
    rota_auto(statement) sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc != SQLITE_OK)
        return rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        if (put(&h, st) != SQLITE_OK) {
            rc = SQLITE_NOMEM;
            break;
        }
    char **all = rc == SQLITE_DONE ? point(&h) : NULL;
    free(h.data);
    if (all == NULL)
        return rc == SQLITE_DONE ? SQLITE_NOMEM : rc;
    *texts = all;
    *count = (int)h.count;
    return SQLITE_OK;
}
