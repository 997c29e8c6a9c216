/* link_alone.c - a link from one process to itself: what is sent is there at once */
#include "farm/link.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"

struct note {
    STAILQ_ENTRY(note) link;
    int tag;
    size_t size;
    void *data;
};

struct alone {
    struct link link; /* first: a link is one of these */
    STAILQ_HEAD(, note) notes;
};

static struct alone *self(struct link *l)
{
    return (struct alone *)l;
}

static int alone_post(struct link *l, int rank, int tag, void *data, size_t size)
{
    struct note *n = malloc(sizeof(*n));
    (void)rank; /* there is but one */
    if (n == NULL)
        return ROTA_E_NOMEM;
    *n = (struct note){.tag = tag, .size = size, .data = data};
    STAILQ_INSERT_TAIL(&self(l)->notes, n, link);
    return 0;
}

static int alone_send(struct link *l, int rank, int tag, const void *data, size_t size)
{
    rota_auto(heap) char *copy = malloc(size + 1);
    if (copy == NULL)
        return ROTA_E_NOMEM;
    memcpy(copy, data, size);
    copy[size] = '\0';
    int rc = alone_post(l, rank, tag, copy, size);
    if (rc == 0)
        copy = NULL;
    return rc;
}

static int alone_settle(struct link *l, int rank)
{
    (void)l;
    (void)rank;
    return 0;
}

/* Nobody else can send: what is not there does not come, but time may be waited for. */
static int alone_receive(struct link *l, int source, int tag, int64_t deadline_ns,
                         uint32_t news, struct rota_message *out)
{
    struct alone *a = self(l);
    struct note *n;
    (void)source;
    (void)news;
    STAILQ_FOREACH(n, &a->notes, link)
    {
        if (n->tag != tag)
            continue;
        *out =
            (struct rota_message){.tag = tag, .size_bytes = n->size, .data = n->data};
        STAILQ_REMOVE(&a->notes, n, note, link);
        free(n);
        return 0;
    }
    if (deadline_ns == INT64_MAX)
        return ROTA_E_LOST;
    if (deadline_ns == 0)
        return ROTA_E_TIMEOUT;
    clock_sleep_until(deadline_ns);
    return ROTA_E_TIMEOUT;
}

static void alone_done(struct rota_message *m)
{
    free(m->data);
    m->data = NULL;
}

static uint32_t alone_news(const struct link *l)
{
    (void)l;
    return 0;
}

static struct rota_fate alone_fate(const struct link *l, int rank)
{
    (void)l;
    (void)rank;
    return (struct rota_fate){.how = ROTA_ALIVE};
}

static void alone_close(struct link *l)
{
    struct note *n;
    while ((n = STAILQ_FIRST(&self(l)->notes)) != NULL) {
        STAILQ_REMOVE_HEAD(&self(l)->notes, link);
        free(n->data);
        free(n);
    }
    free(l);
}

static const struct link_ops ops = {
    .send = alone_send,
    .post = alone_post,
    .settle = alone_settle,
    .receive = alone_receive,
    .done = alone_done,
    .news = alone_news,
    .fate = alone_fate,
    .close = alone_close,
};

int link_alone_open(struct link **out)
{
    struct alone *a = malloc(sizeof(*a));
    if (a == NULL)
        return ROTA_E_NOMEM;
    *a = (struct alone){.link = {.ops = &ops, .size = 1}};
    STAILQ_INIT(&a->notes);
    *out = &a->link;
    return 0;
}
