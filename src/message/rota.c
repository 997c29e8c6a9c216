/* rota.c - the message rung's public calls
 *
 * How a rank ends: rota_close hands over what was sent, has the parent tell the
 * others, and leaves MPI as it is. MPI_Finalize would wait for ranks that may have
 * gone; under a parent it is the parent that makes peace with the launcher. So that
 * a program's own call of MPI_Finalize does not wait either, it is defined here:
 * in a run under parents it is rota_close without the freeing, else MPI's own.
 */
#include "rota.h"

#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "liveness/liveness.h"
#include "message/exchange.h"
#include "message/inbox.h"
#include "message/inner.h"
#include "message/mpi_transport.h"
#include "message/startup.h"

struct rota {
    struct liveness *liveness;
    struct startup run;
    struct exchange *exchange;
    bool left;
};

/* The open handle, which MPI_Finalize has no other way to find. */
static struct rota *opened;

/* Whether there ever was one: MPI can't be begun a second time. */
static bool was_opened;

static void rota_free(struct rota *r)
{
    if (r == NULL)
        return;
    exchange_free(r->exchange);
    liveness_free(r->liveness);
    free(r);
}

ROTA_AUTO_DEFINE(rota, struct rota *, rota_free);

int rota_open(struct rota **out, struct rota_error *err)
{
    return rota_open_so(&(struct rota_manner){0}, out, err);
}

/* Join the run: *r as far as it came. */
static int join_run(struct rota *r, const struct rota_manner *manner,
                    struct rota_error *err)
{
    if (liveness_expected())
        startup_prepare(manner->sturdy);
    int rc = liveness_begin(&r->liveness, err);
    if (rc == 0 && manner->before != NULL)
        rc = manner->before(manner->ctx, err);
    if (rc == 0)
        rc = startup_join(r->liveness, &r->run, err);
    if (rc != 0)
        return rc;

    struct transport *transport;
    rc = mpi_transport_open(r->run.comm, &transport);
    if (rc != 0)
        return error_set(err, rc, "cannot post MPI receives: %s", rota_strerror(rc));
    r->exchange = exchange_new(r->run.rank, r->run.board, transport);
    if (r->exchange == NULL) {
        transport->ops->free(transport);
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    }
    return 0;
}

int rota_open_so(const struct rota_manner *manner, struct rota **out,
                 struct rota_error *err)
{
    if (out == NULL)
        return error_set(err, ROTA_E_ARG,
                         "rota_open needs somewhere to put the handle");
    if (was_opened)
        return error_set(err, ROTA_E_STATE, "this process has joined its run already");
    rota_auto(rota) struct rota *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");

    int rc = join_run(r, manner, err);
    if (rc != 0) {
        startup_undo(&r->run);
        return rc;
    }
    if (r->run.crowded)
        exchange_be_brief(r->exchange);
    if (r->run.shared)
        exchange_may_go_deaf(r->exchange);
    if (liveness_has_parent(r->liveness))
        liveness_keep_sockets(r->liveness);
    opened = r;
    was_opened = true;
    *out = rota_steal(r);
    return 0;
}

static void leave(struct rota *r)
{
    if (r->left)
        return;
    r->left = true;
    exchange_flush(r->exchange);
    liveness_leave(r->liveness);
}

void rota_close(struct rota *r)
{
    if (r == NULL)
        return;
    leave(r);
    bool alone = !liveness_has_parent(r->liveness);
    MPI_Comm comm = r->run.comm;
    opened = NULL;
    rota_free(r);
    if (alone) {
        MPI_Comm_free(&comm);
        PMPI_Finalize();
    }
}

ROTA_API int MPI_Finalize(void)
{
    if (opened == NULL || !liveness_has_parent(opened->liveness))
        return PMPI_Finalize();
    leave(opened);
    return MPI_SUCCESS;
}

int rota_rank(const struct rota *r)
{
    return r->run.rank;
}

int rota_size(const struct rota *r)
{
    return r->run.size;
}

static bool is_rank(const struct rota *r, int rank)
{
    return r != NULL && rank >= 0 && rank < r->run.size;
}

int rota_send(struct rota *r, int dest, int tag, const void *data, size_t size_bytes)
{
    if (!is_rank(r, dest) || tag < 0 || (data == NULL && size_bytes > 0) ||
        size_bytes == SIZE_MAX)
        return ROTA_E_ARG;
    if (r->left)
        return ROTA_E_STATE;
    return exchange_send(r->exchange, dest, tag, data, size_bytes);
}

int rota_post(struct rota *r, int dest, int tag, void *data, size_t size_bytes)
{
    if (!is_rank(r, dest) || tag < 0 || data == NULL)
        return ROTA_E_ARG;
    return r->left ? ROTA_E_STATE
                   : exchange_post(r->exchange, dest, tag, data, size_bytes);
}

int rota_settle(struct rota *r, int dest)
{
    if (!is_rank(r, dest))
        return ROTA_E_ARG;
    return r->left ? ROTA_E_STATE : exchange_settle(r->exchange, dest);
}

void rota_serve(struct rota *r, int rank)
{
    liveness_serve(r->liveness, rank);
}

uint32_t rota_news(const struct rota *r)
{
    return exchange_news(r->exchange);
}

bool rota_has_refused(const struct rota *r, int rank)
{
    return is_rank(r, rank) && exchange_has_refused(r->exchange, rank);
}

void rota_fence(struct rota *r, int rank)
{
    if (is_rank(r, rank) && rank != r->run.rank)
        liveness_fence(r->liveness, rank);
}

/* 0 is what is there, and no look at the clock. */
static int64_t deadline_of(int64_t timeout_ms)
{
    return timeout_ms == 0 ? 0 : clock_deadline_ns(timeout_ms);
}

/* 0, or why a receive cannot be asked for like this. */
static int check_receive(const struct rota *r, int source, int tag, int64_t timeout_ms,
                         const struct rota_message *out)
{
    if (r == NULL || (source != ROTA_ANY_SOURCE && !is_rank(r, source)) ||
        tag < ROTA_ANY_TAG || timeout_ms < ROTA_FOREVER || out == NULL)
        return ROTA_E_ARG;
    return r->left ? ROTA_E_STATE : 0;
}

int rota_recv(struct rota *r, int source, int tag, int64_t timeout_ms,
              struct rota_message *out)
{
    int rc = check_receive(r, source, tag, timeout_ms, out);
    return rc ? rc
              : exchange_receive(r->exchange, source, tag, deadline_of(timeout_ms),
                                 out);
}

int rota_recv_until(struct rota *r, int source, int tag, int64_t deadline_ns,
                    uint32_t news, struct rota_message *out)
{
    int rc = check_receive(r, source, tag, 0, out);
    return rc ? rc
              : exchange_receive_until(r->exchange, source, tag, deadline_ns, news,
                                       out);
}

int rota_probe(struct rota *r, int source, int tag, int64_t timeout_ms,
               struct rota_message *out)
{
    int rc = check_receive(r, source, tag, timeout_ms, out);
    return rc ? rc
              : exchange_probe(r->exchange, source, tag, deadline_of(timeout_ms), out);
}

void rota_message_done(struct rota_message *m)
{
    if (m == NULL || m->data == NULL)
        return;
    letter_data_free(m->data, m->size_bytes);
    m->data = NULL;
}

int rota_fate(const struct rota *r, int rank, struct rota_fate *out)
{
    if (!is_rank(r, rank) || out == NULL)
        return ROTA_E_ARG;
    *out = board_fate(r->run.board, rank);
    return 0;
}
