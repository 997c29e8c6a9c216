/* inbox.c - messages that have come whole and have not been received yet */
#include "message/inbox.h"

#include <stdlib.h>

#include "rota.h"

TAILQ_HEAD(letters, letter);

enum {
    SPARE = 64, /* letters kept for the next, so that one costs no malloc */
    SHORT = 64, /* bytes of a short letter */
};

/* SHORT bytes that were given back, or NULL. */
static _Thread_local void *kept;

struct inbox {
    struct letters all;
    struct letters spare;
    int spare_count;
    int sources;
    struct letters by_source[];
};

struct inbox *inbox_new(int sources)
{
    size_t bytes = sizeof(struct inbox) + (size_t)sources * sizeof(struct letters);
    struct inbox *b = calloc(1, bytes);
    if (b == NULL)
        return NULL;
    b->sources = sources;
    TAILQ_INIT(&b->all);
    TAILQ_INIT(&b->spare);
    for (int i = 0; i < sources; i++)
        TAILQ_INIT(&b->by_source[i]);
    return b;
}

static void free_all(struct letters *list)
{
    struct letter *l;
    while ((l = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, l, in_all);
        free(l->data);
        free(l);
    }
}

void inbox_free(struct inbox *b)
{
    if (b == NULL)
        return;
    free_all(&b->all);
    free_all(&b->spare);
    free(kept);
    kept = NULL;
    free(b);
}

void *letter_data_new(size_t size)
{
    char *data = kept;
    if (size >= SHORT)
        data = malloc(size + 1);
    else if (data != NULL)
        kept = NULL;
    else
        data = malloc(SHORT);
    if (data != NULL)
        data[size] = '\0';
    return data;
}

void letter_data_free(void *data, size_t size)
{
    if (size < SHORT && kept == NULL)
        kept = data;
    else
        free(data);
}

struct letter *letter_wrap(struct inbox *b, int source, int tag, size_t size,
                           void *data)
{
    struct letter *l = TAILQ_FIRST(&b->spare);
    if (l != NULL) {
        TAILQ_REMOVE(&b->spare, l, in_all);
        b->spare_count--;
    } else {
        l = malloc(sizeof(*l));
        if (l == NULL)
            return NULL;
    }
    l->source = source;
    l->tag = tag;
    l->size = size;
    l->data = data;
    return l;
}

void letter_free(struct inbox *b, struct letter *l)
{
    if (l == NULL)
        return;
    if (l->data != NULL)
        letter_data_free(l->data, l->size);
    l->data = NULL;
    if (b->spare_count < SPARE) {
        TAILQ_INSERT_HEAD(&b->spare, l, in_all);
        b->spare_count++;
    } else {
        free(l);
    }
}

void inbox_put(struct inbox *b, struct letter *l)
{
    TAILQ_INSERT_TAIL(&b->all, l, in_all);
    TAILQ_INSERT_TAIL(&b->by_source[l->source], l, in_source);
}

struct letter *inbox_find(const struct inbox *b, int source, int tag)
{
    struct letter *l = source == ROTA_ANY_SOURCE ? TAILQ_FIRST(&b->all)
                                                 : TAILQ_FIRST(&b->by_source[source]);
    while (l != NULL && tag != ROTA_ANY_TAG && l->tag != tag)
        l = source == ROTA_ANY_SOURCE ? TAILQ_NEXT(l, in_all)
                                      : TAILQ_NEXT(l, in_source);
    return l;
}

void inbox_take(struct inbox *b, struct letter *l)
{
    TAILQ_REMOVE(&b->all, l, in_all);
    TAILQ_REMOVE(&b->by_source[l->source], l, in_source);
}
