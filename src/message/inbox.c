/* inbox.c - messages that have come whole and have not been received yet */
#include "message/inbox.h"

#include <stdlib.h>

#include "rota.h"

TAILQ_HEAD(letters, letter);

enum {
    SPARE = 64, /* letters kept for the next: a message then costs one malloc */
    SHORT = 64, /* bytes of a short letter */
};

struct inbox {
    struct letters all;
    struct letters spare;
    int spare_count;
    int sources;
    void *prepared; /* SHORT bytes for the next short letter, or NULL */
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
    free(b->prepared);
    free(b);
}

void inbox_prepare(struct inbox *b)
{
    if (b->prepared == NULL)
        b->prepared = malloc(SHORT);
}

static void *new_data(struct inbox *b, size_t size)
{
    if (size >= SHORT || b->prepared == NULL)
        return malloc(size + 1);
    void *data = b->prepared;
    b->prepared = NULL;
    return data;
}

struct letter *letter_new(struct inbox *b, int source, int tag, size_t size)
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
    l->data = new_data(b, size);
    if (l->data != NULL)
        ((char *)l->data)[size] = '\0';
    return l;
}

void letter_free(struct inbox *b, struct letter *l)
{
    if (l == NULL)
        return;
    free(l->data);
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
