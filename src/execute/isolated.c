/* isolated.c - functions run in children of the rank, one in each slot
 *
 *     isolated.c   which slot gets which batch; what take() gives
 *     slot.c       the rank's side of a slot
 *     cell.c       the memory between it and the child
 *     child.c      the child's side
 *     nursery.c    the process that has the children
 *
 * Batches are dealt to the slots that have the fewest, some to each, so that a child
 * need not wait for the rank. What was dealt and not begun is taken back for a slot
 * that has nothing to do, so that nothing stands behind one long task.
 *
 * Nothing here waits but wait(), which sleeps until a child or the nursery rings. A
 * nursery that was killed does not ring, and a child in a long task can't: so it looks
 * around now and then.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "execute/executor.h"
#include "execute/futex.h"
#include "execute/nursery.h"
#include "execute/slot.h"

#define LOOK_NS (100 * NS_PER_MS) /* between two looks around */
#define BUSY_NS (5 * NS_PER_MS)   /* between two looks at who has more than one task */

enum {
    SLOTS_MAX = 4096,
    DEALT_MAX = CELL_TRAYS, /* batches a slot */
};

struct isolated {
    struct executor base;
    struct executor_options options;
    struct cells cells;
    struct nursery nursery;
    struct batch_list queue; /* batches that no slot has */
    int turn;                /* the slot to look at first */
    int64_t look_ns;         /* when to look around */
    bool gone;               /* it has: nothing more will be run */
    int count;               /* of slots */
    struct slot slots[];
};

/* --- dealing -------------------------------------------------------------- */

static struct slot *least_loaded(struct isolated *x)
{
    struct slot *least = &x->slots[0];
    for (int i = 1; i < x->count; i++)
        if (x->slots[i].count < least->count)
            least = &x->slots[i];
    return least;
}

static struct slot *most_loaded(struct isolated *x)
{
    struct slot *most = &x->slots[0];
    for (int i = 1; i < x->count; i++)
        if (x->slots[i].count > most->count)
            most = &x->slots[i];
    return most;
}

/* A slot has nothing to do: what another has not begun is its. */
static void share(struct isolated *x)
{
    struct slot *idle, *most;
    while ((idle = least_loaded(x))->count == 0 && (most = most_loaded(x))->count > 1) {
        struct batch *b = slot_take_back(most);
        if (b == NULL)
            return;
        slot_add(idle, b);
        slot_feed(idle);
    }
}

static void deal(struct isolated *x)
{
    struct batch *b;
    while ((b = TAILQ_FIRST(&x->queue)) != NULL) {
        struct slot *s = least_loaded(x);
        if (s->count >= DEALT_MAX)
            return;
        TAILQ_REMOVE(&x->queue, b, link);
        slot_add(s, b);
        slot_feed(s);
    }
    if (x->count > 1 && x->base.held > 1)
        share(x);
}

static int isolated_give(struct executor *base, const struct executor_batch *given)
{
    struct isolated *x = (struct isolated *)base;
    if (given->count == 0)
        return 0;
    struct batch *b = batch_new(given);
    if (b == NULL)
        return ROTA_E_NOMEM;
    TAILQ_INSERT_TAIL(&x->queue, b, link);
    x->base.held++;
    deal(x);
    return 0;
}

/* Have the child killed if it must be. */
static void judge(struct isolated *x, int slot)
{
    struct slot *s = &x->slots[slot];
    uint64_t task = 0;
    bool guilty = (s->limited > 0 && slot_is_overdue(s, clock_now_ns(), &task)) ||
                  slot_is_unwanted(s, &task);
    if (s->condemned || !(guilty || s->broken) ||
        !nursery_kill(&x->nursery, slot, s->life))
        return;
    s->condemned = true;
    s->doomed = task;
}

static void isolated_drop(struct executor *base, uint64_t lease, uint64_t first,
                          uint32_t count)
{
    struct isolated *x = (struct isolated *)base;
    struct batch *next;
    for (struct batch *b = TAILQ_FIRST(&x->queue); b != NULL; b = next) {
        next = TAILQ_NEXT(b, link);
        if (b->lease != lease)
            continue;
        batch_drop(b, 0, 0, first, count);
        if (b->dropped == b->count) {
            TAILQ_REMOVE(&x->queue, b, link);
            free(b);
            x->base.held--;
        }
    }
    for (int i = 0; i < x->count; i++) {
        slot_drop(&x->slots[i], lease, first, count, &x->base.held);
        judge(x, i);
    }
    deal(x);
}

/* --- taking --------------------------------------------------------------- */

static bool has_ended(const struct slot *s)
{
    return atomic_load_explicit(&s->cell->ended, memory_order_acquire) == s->life;
}

static int collect(struct slot *s, bool ended)
{
    bool all;
    if (s->broken || !(slot_has_news(s, &all) || ended))
        return 0;
    return slot_collect(s, all || ended);
}

static int bury(struct slot *s)
{
    const struct cell *c = s->cell;
    return slot_bury(s,
                     &(struct slot_end){.status = c->status, .ended_ns = c->ended_ns});
}

/* Look at one slot: 0 and a report, ROTA_E_TIMEOUT or ROTA_E_NOMEM. */
static int visit(struct isolated *x, int slot, struct executor_report *out)
{
    struct slot *s = &x->slots[slot];
    int *held = &x->base.held;
    int rc = slot_tell(s, out, held);
    if (rc != ROTA_E_TIMEOUT)
        return rc;
    bool ended = x->gone || has_ended(s);
    rc = collect(s, ended);
    if (rc == 0)
        rc = slot_tell(s, out, held);
    if (rc == ROTA_E_TIMEOUT && ended && !x->gone) {
        rc = bury(s);
        if (rc == 0)
            rc = slot_tell(s, out, held);
    }
    if (!ended)
        judge(x, slot);
    slot_feed(s);
    return rc;
}

/* Now and then: what nobody would ring for. */
static void look_around(struct isolated *x)
{
    int64_t now_ns = clock_now_ns();
    if (x->gone || now_ns < x->look_ns)
        return;
    x->look_ns = now_ns + LOOK_NS;
    x->gone = nursery_has_gone(&x->nursery);
    for (int i = 0; i < x->count; i++)
        slot_check(&x->slots[i]);
}

static int isolated_take(struct executor *base, struct executor_report *out)
{
    struct isolated *x = (struct isolated *)base;
    int rc = ROTA_E_TIMEOUT;
    int slot = x->turn;
    for (int i = 0; rc != 0 && i < x->count; i++) {
        int one = visit(x, slot, out);
        if (one != ROTA_E_TIMEOUT)
            rc = one;
        if (rc == 0)
            x->base.ready = x->slots[slot].complete > 0;
        slot = (slot + 1) % x->count;
    }
    if (rc == 0)
        x->turn = x->base.ready ? (slot + x->count - 1) % x->count : slot;
    else
        x->base.ready = false;
    deal(x);
    if (rc == ROTA_E_TIMEOUT) {
        if (x->gone)
            return ROTA_E_IO;
        look_around(x);
    }
    return rc;
}

/* --- waiting -------------------------------------------------------------- */

static bool is_quiet(const struct isolated *x)
{
    for (int i = 0; i < x->count; i++) {
        bool all;
        const struct slot *s = &x->slots[i];
        if (s->complete > 0 || slot_has_news(s, &all) || has_ended(s))
            return false;
    }
    return !x->gone;
}

/* How long it is safe to sleep. */
static int64_t patience_ns(const struct isolated *x, int64_t timeout_ns)
{
    if (timeout_ns > LOOK_NS)
        timeout_ns = LOOK_NS;
    for (int i = 0; i < x->count; i++) {
        const struct slot *s = &x->slots[i];
        const struct batch *b = TAILQ_FIRST(&s->batches);
        int64_t limit_ns = s->limited ? slot_patience_ns(s, clock_now_ns()) : INT64_MAX;
        if (limit_ns < timeout_ns)
            timeout_ns = limit_ns;
        if (b != NULL && b->count - s->told > 1 && timeout_ns > BUSY_NS)
            timeout_ns = BUSY_NS;
    }
    return timeout_ns;
}

static void isolated_wait(struct executor *base, int64_t timeout_ns)
{
    struct isolated *x = (struct isolated *)base;
    struct cell_front *f = cells_front(&x->cells);
    timeout_ns = patience_ns(x, timeout_ns);
    if (timeout_ns <= 0)
        return;
    uint32_t seen = atomic_load(&f->bell);
    atomic_exchange(&f->asleep, 1);
    if (is_quiet(x))
        futex_wait(&f->bell, seen, timeout_ns);
    atomic_store(&f->asleep, 0);
}

/* --- beginning and end ---------------------------------------------------- */

static void isolated_close(struct executor *base)
{
    struct isolated *x = (struct isolated *)base;
    struct batch *b;
    nursery_close(&x->nursery);
    for (int i = 0; i < x->count; i++)
        slot_done(&x->slots[i]);
    while ((b = TAILQ_FIRST(&x->queue)) != NULL) {
        TAILQ_REMOVE(&x->queue, b, link);
        free(b);
    }
    cells_unmap(&x->cells);
    free(x);
}

static const struct executor_ops isolated_ops = {
    .give = isolated_give,
    .take = isolated_take,
    .drop = isolated_drop,
    .wait = isolated_wait,
    .close = isolated_close,
};

int executor_isolated_open(const struct executor_options *options,
                           struct executor **out, struct rota_error *err)
{
    if (options->count < 1)
        return error_set(err, ROTA_E_ARG, "there is no function to run");
    if (options->slots < 1 || options->slots > SLOTS_MAX)
        return error_set(err, ROTA_E_ARG, "cannot run %d tasks at once: 1 to %d can",
                         options->slots, SLOTS_MAX);
    size_t slots = (size_t)options->slots;
    rota_auto(executor) struct executor *made = NULL;
    struct isolated *x = calloc(1, sizeof(*x) + slots * sizeof(x->slots[0]));
    if (x == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    made = &x->base;
    x->base = (struct executor){.ops = &isolated_ops, .slots = options->slots};
    x->options = *options;
    TAILQ_INIT(&x->queue);
    int rc = cells_map(&x->cells, options->slots, err);
    if (rc != 0)
        return rc;
    for (; x->count < options->slots; x->count++)
        slot_init(&x->slots[x->count], cells_at(&x->cells, x->count));
    rc = nursery_open(&x->nursery, &x->cells, &x->options, err);
    if (rc != 0)
        return rc;
    *out = rota_steal(made);
    return 0;
}
