/* link_ranks.c - a link between the ranks of a run, over the message rung */
#include "farm/link.h"

#include "message/inner.h"

struct ranks {
    struct link link; /* first: a link is one of these */
    struct rota *rota;
};

static struct rota *rota_of(const struct link *l)
{
    return ((const struct ranks *)l)->rota;
}

static int ranks_send(struct link *l, int rank, int tag, const void *data, size_t size)
{
    return rota_send(rota_of(l), rank, tag, data, size);
}

static int ranks_post(struct link *l, int rank, int tag, void *data, size_t size)
{
    return rota_post(rota_of(l), rank, tag, data, size);
}

static int ranks_settle(struct link *l, int rank)
{
    return rota_settle(rota_of(l), rank);
}

static int ranks_receive(struct link *l, int source, int tag, int64_t deadline_ns,
                         uint32_t news, struct rota_message *out)
{
    return rota_recv_until(rota_of(l), source, tag, deadline_ns, news, out);
}

static uint32_t ranks_news(const struct link *l)
{
    return rota_news(rota_of(l));
}

static struct rota_fate ranks_fate(const struct link *l, int rank)
{
    struct rota_fate fate = {0};
    rota_fate(rota_of(l), rank, &fate);
    if (fate.how < ROTA_CLOSED && rota_has_refused(rota_of(l), rank))
        fate.how = ROTA_VANISHED;
    return fate;
}

static void ranks_serve(struct link *l, bool serve)
{
    rota_serve(rota_of(l), serve ? 0 : -1);
}

static void ranks_fence(struct link *l, int rank)
{
    rota_fence(rota_of(l), rank);
}

static void ranks_close(struct link *l)
{
    rota_close(rota_of(l));
    free(l);
}

static const struct link_ops ops = {
    .send = ranks_send,
    .post = ranks_post,
    .settle = ranks_settle,
    .receive = ranks_receive,
    .done = rota_message_done,
    .news = ranks_news,
    .fate = ranks_fate,
    .serve = ranks_serve,
    .fence = ranks_fence,
    .close = ranks_close,
};

int link_ranks_join(int (*before)(void *ctx, struct rota_error *err), void *ctx,
                    struct rota **out, struct rota_error *err)
{
    const struct rota_manner manner = {.sturdy = true, .before = before, .ctx = ctx};
    return rota_open_so(&manner, out, err);
}

int link_ranks_open(struct rota *r, struct link **out)
{
    struct ranks *l = malloc(sizeof(*l));
    if (l == NULL)
        return ROTA_E_NOMEM;
    *l = (struct ranks){
        .link = {.ops = &ops, .rank = rota_rank(r), .size = rota_size(r)}, .rota = r};
    *out = &l->link;
    return 0;
}
