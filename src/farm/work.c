/* work.c - the farm's worker: what comes goes to the hand, what the hand has goes out
 */
#include "base/error.h"
#include "farm/inner.h"
#include "farm/wire.h"

/* Whether the manager has left as one should: it closed the farm, or ended well. */
static bool manager_left_well(const struct rota_farm *f)
{
    struct rota_fate fate = f->link->ops->fate(f->link, 0);
    return fate.how == ROTA_CLOSED || (fate.how == ROTA_EXITED && fate.code == 0);
}

/* Take what the manager has sent until `deadline_ns`; without memory, later. *took:
 * something came. */
static int take_orders(struct rota_farm *f, int64_t deadline_ns, bool *took)
{
    *took = false;
    while (!hand_is_finished(f->hand)) {
        if (!f->has_message) {
            int rc = f->link->ops->receive(f->link, 0, WIRE_TO_WORKER, deadline_ns,
                                           f->link->ops->news(f->link), &f->message);
            if (rc != 0)
                return rc == ROTA_E_TIMEOUT ? 0 : rc;
        }
        int rc = hand_receive(f->hand, f->message.data, f->message.size_bytes);
        f->has_message = rc == ROTA_E_NOMEM;
        if (f->has_message)
            return 0;
        f->link->ops->done(&f->message);
        if (rc != 0)
            return rc;
        *took = true;
        deadline_ns = 0;
    }
    return 0;
}

static int work(struct rota_farm *f)
{
    while (!hand_is_finished(f->hand)) {
        bool took;
        bool reported;
        bool idle = f->executor->held == 0 && !f->has_message;
        int rc = take_orders(f, idle ? INT64_MAX : 0, &took);
        if (rc == 0)
            rc = hand_work(f->hand, &reported);
        if (rc != 0)
            return rc;
        if (!took && !reported && f->executor->held > 0 && !f->executor->ready)
            f->executor->ops->wait(f->executor, FARM_NAP_NS);
    }
    return 0;
}

int rota_farm_work(struct rota_farm *farm, struct rota_error *err)
{
    if (farm == NULL || farm->hand == NULL || farm->link->rank == 0)
        return error_set(err, ROTA_E_STATE,
                         "rota_farm_work is for the ranks that are not the manager");
    int rc = work(farm);
    if (rc == ROTA_E_LOST && manager_left_well(farm))
        return 0;
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
