/* work.c - the farm's worker: what comes goes to the hand, what the hand has goes out
 */
#include "base/error.h"
#include "farm/inner.h"
#include "farm/wire.h"

#define FAREWELL_NS NS_PER_SEC

/* Whether the manager has left as one should: it closed the farm, or ended well. */
static bool manager_left_well(const struct rota_farm *f)
{
    struct rota_fate fate = f->link->ops->fate(f->link, 0);
    return fate.how == ROTA_CLOSED || (fate.how == ROTA_EXITED && fate.code == 0);
}

int farm_take_orders(struct rota_farm *f, int64_t deadline_ns, bool *took)
{
    *took = false;
    while (!hand_is_finished(f->hand)) {
        if (!f->has_order) {
            int rc = f->link->ops->receive(f->link, 0, WIRE_TO_WORKER, deadline_ns,
                                           f->link->ops->news(f->link), &f->order);
            if (rc != 0)
                return rc == ROTA_E_TIMEOUT ? 0 : rc;
        }
        int rc = hand_receive(f->hand, f->order.data, f->order.size_bytes);
        f->has_order = rc == ROTA_E_NOMEM;
        if (f->has_order)
            return 0;
        f->link->ops->done(&f->order);
        if (rc != 0)
            return rc;
        *took = true;
        deadline_ns = 0;
    }
    return 0;
}

bool farm_hand_was_refused(const struct rota_farm *f)
{
    return f->hand != NULL && (f->has_order || hand_was_refused(f->hand));
}

int farm_bear(struct rota_farm *f, bool refused)
{
    int64_t now_ns = refused ? clock_now_ns() : 0;
    if (f->refused_ns == 0 || !refused)
        f->refused_ns = now_ns;
    return now_ns - f->refused_ns < FARM_REFUSED_NS ? 0 : ROTA_E_NOMEM;
}

/* To be asked now and then whether to go on. */
struct question {
    bool (*stop)(void *ctx);
    void *ctx;
    int64_t next_ns;
};

enum {
    NAP_DOUBLINGS = 3,
};

static bool is_stopped(struct question *q)
{
    if (q->stop == NULL || clock_now_ns() < q->next_ns)
        return false;
    q->next_ns = clock_now_ns() + FARM_TICK_NS;
    return q->stop(q->ctx);
}

/* Nothing has happened, and something runs: its end is waited for, and messages are
 * looked for now and then. Often while a slot is free; with none, the longer it lasts
 * the more seldom, since a new batch could only stand in line. */
static void nap(struct rota_farm *f, unsigned naps)
{
    struct executor *x = f->executor;
    int64_t ns = FARM_NAP_NS << (naps < NAP_DOUBLINGS ? naps : NAP_DOUBLINGS);
    if (x->held == 0 || x->ready)
        return;
    if (x->held < x->slots)
        ns = FARM_NAP_NS;
    else if (f->nap_ns > 0)
        ns = f->nap_ns;
    x->ops->wait(x, ns);
}

static int work(struct rota_farm *f, struct question *q)
{
    unsigned naps = 0;
    while (!hand_is_finished(f->hand) && !is_stopped(q)) {
        bool took;
        bool reported;
        int64_t until_ns = 0;
        if (f->executor->held == 0 && !f->has_order)
            until_ns = q->stop == NULL ? INT64_MAX : clock_now_ns() + FARM_TICK_NS;
        int rc = farm_take_orders(f, until_ns, &took);
        if (rc == 0)
            rc = hand_work(f->hand, &reported);
        if (rc == 0)
            rc = farm_bear(f, farm_hand_was_refused(f));
        if (rc != 0)
            return rc;
        if (took || reported)
            naps = 0;
        else
            nap(f, naps++);
    }
    return 0;
}

/* Asked to stop: the manager is as a rule asked too. If it sends this worker home, all
 * is well; if not, it learns of its leaving. */
static void await_farewell(struct rota_farm *f)
{
    int64_t deadline_ns = clock_now_ns() + FAREWELL_NS;
    bool finished = hand_is_finished(f->hand);
    while (!finished) {
        struct rota_message m;
        struct wire_head h;
        int rc = f->link->ops->receive(f->link, 0, WIRE_TO_WORKER, deadline_ns,
                                       f->link->ops->news(f->link), &m);
        if (rc == ROTA_E_TIMEOUT && clock_now_ns() < deadline_ns)
            continue; /* it was news */
        if (rc != 0)
            return;
        finished = wire_read(m.data, m.size_bytes, &h) != 0 || h.kind == WIRE_FINISH;
        f->link->ops->done(&m);
    }
}

int farm_work(struct rota_farm *f, bool (*stop)(void *ctx), void *ctx)
{
    struct question q = {.stop = stop, .ctx = ctx};
    int rc = work(f, &q);
    if (rc == ROTA_E_LOST && manager_left_well(f))
        rc = 0;
    if (stop == NULL)
        return rc;
    executor_close(rota_steal(f->executor));
    if (rc == 0)
        await_farewell(f);
    return rc;
}

/* A function that runs in the rank itself may never return, and what comes from the
 * manager is not seen meanwhile. */
static void serve(struct rota_farm *f, bool serves)
{
    if (f->link->ops->serve != NULL)
        f->link->ops->serve(f->link, serves);
}

int rota_farm_work(struct rota_farm *farm, struct rota_error *err)
{
    if (farm == NULL || farm->hand == NULL || farm->link->rank == 0)
        return error_set(err, ROTA_E_STATE,
                         "rota_farm_work is for the ranks that are not the manager");
    serve(farm, true);
    int rc = farm_work(farm, NULL, NULL);
    serve(farm, false);
    if (rc == ROTA_E_LOST)
        return error_set(err, rc, "rank %d cannot go on: the manager, rank 0, has gone",
                         farm->link->rank);
    if (rc == ROTA_E_ARG)
        return error_set(err, ROTA_E_STATE,
                         "rank %d has other functions than rank 0; let all ranks "
                         "register the same, in the same order",
                         farm->link->rank);
    if (rc != 0)
        return error_set(err, rc, "rank %d cannot go on working: %s", farm->link->rank,
                         rota_strerror(rc));
    return 0;
}
