/* calls.c - the calls between the minds' parts, which the linker hands to us (--wrap)
 *
 * The judge learns from them what cannot be seen from outside: what is written into the
 * ledger and forgotten by it, and who is lost. And here bugs are planted, which the
 * simulation must find: one of the calls does something else than it should.
 */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "farm/ledger.h"
#include "farm/wire.h"
#include "schedule/plan.h"
#include "world.h"

enum mutation {
    NONE,
    LATE_RESULT,        /* what is refused counts all the same */
    ORPHANS_BORN,       /* and if not that, then the tasks with it do */
    ORDER_OF_ARRIVAL,   /* results are told as they come, in_order or not */
    LAST_WORDS_LOST,    /* a lost worker's results are not told any more */
    WRONG_FORGOTTEN,    /* the ledger gives away the record of the task behind */
    ADDED_TWICE,        /* a task is refused for want of memory, but is there */
    DROP_UNHEARD,       /* a worker keeps what was taken back */
    FINISH_UNHEARD,     /* a worker goes on when it was sent home */
    NEIGHBOUR_BLAMED,   /* who is behind a task that took too long is blamed as well */
    EARLY_STOP_UNHEARD, /* who is stopped before he comes gets tasks */
};

const char *const mutation_names[] = {
    [NONE] = "none",
    [LATE_RESULT] = "late-result",
    [ORPHANS_BORN] = "orphans-born",
    [ORDER_OF_ARRIVAL] = "order-of-arrival",
    [LAST_WORDS_LOST] = "last-words-lost",
    [WRONG_FORGOTTEN] = "wrong-forgotten",
    [ADDED_TWICE] = "added-twice",
    [DROP_UNHEARD] = "drop-unheard",
    [FINISH_UNHEARD] = "finish-unheard",
    [NEIGHBOUR_BLAMED] = "neighbour-blamed",
    [EARLY_STOP_UNHEARD] = "early-stop-unheard",
    NULL,
};

int mutation_planted;

static struct world *watching;

void calls_watch(struct world *w)
{
    watching = w;
}

static bool is_planted(enum mutation m)
{
    return mutation_planted == (int)m;
}

/* ---- the ledger ------------------------------------------------------------------ */

int __real_ledger_add(struct ledger *l, const struct parcel_task *t);
int __wrap_ledger_add(struct ledger *l, const struct parcel_task *t);
int __real_ledger_add_plain(struct ledger *l, uint16_t function, const void *data,
                            size_t size);
int __wrap_ledger_add_plain(struct ledger *l, uint16_t function, const void *data,
                            size_t size);
void __real_ledger_fill(struct ledger *l, uint32_t count);
void __wrap_ledger_fill(struct ledger *l, uint32_t count);
void __real_ledger_forget(struct ledger *l, uint64_t first, uint64_t count);
void __wrap_ledger_forget(struct ledger *l, uint64_t first, uint64_t count);

int __wrap_ledger_add(struct ledger *l, const struct parcel_task *t)
{
    int rc = __real_ledger_add(l, t);
    if (rc == 0)
        judge_added(watching, ledger_count(l) - 1, t);
    if (is_planted(ADDED_TWICE) && by_chance(watching, 100))
        return ROTA_E_NOMEM;
    return rc;
}

int __wrap_ledger_add_plain(struct ledger *l, uint16_t function, const void *data,
                            size_t size)
{
    int rc = __real_ledger_add_plain(l, function, data, size);
    struct parcel_task t = {.data = data, .size = size, .function = function};
    if (rc == 0)
        judge_added(watching, ledger_count(l) - 1, &t);
    return rc;
}

void __wrap_ledger_fill(struct ledger *l, uint32_t count)
{
    uint64_t task = ledger_count(l);
    __real_ledger_fill(l, count);
    for (; task < ledger_count(l); task++) {
        struct parcel_task t = ledger_task(l, task);
        judge_added(watching, task, &t);
    }
}

/* What becomes of a record's memory once it is given back. */
static void scribble(const struct ledger *l, uint64_t task)
{
    if (task >= watching->tasks || watching->truth[task].told)
        return;
    struct parcel_task t = ledger_task(l, task);
    if (t.size > 0)
        *(unsigned char *)(uintptr_t)t.data ^= 0x55;
}

void __wrap_ledger_forget(struct ledger *l, uint64_t first, uint64_t count)
{
    if (is_planted(WRONG_FORGOTTEN))
        scribble(l, first + count);
    judge_forgotten(watching, first, count);
    __real_ledger_forget(l, first, count);
}

/* ---- the plan -------------------------------------------------------------------- */

int __real_plan_settle(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                       struct plan_span span, int64_t busy_ns, uint64_t *run,
                       bool *accepted, uint32_t *attempt);
int __wrap_plan_settle(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                       struct plan_span span, int64_t busy_ns, uint64_t *run,
                       bool *accepted, uint32_t *attempt);
int __real_plan_lost(struct plan *p, int64_t now_ns, int worker);
int __wrap_plan_lost(struct plan *p, int64_t now_ns, int worker);
void __real_plan_excuse(struct plan *p, int worker);
void __wrap_plan_excuse(struct plan *p, int worker);
void __real_plan_freeze(struct plan *p, int64_t now_ns, int worker, bool frozen);
void __wrap_plan_freeze(struct plan *p, int64_t now_ns, int worker, bool frozen);

int __wrap_plan_settle(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                       struct plan_span span, int64_t busy_ns, uint64_t *run,
                       bool *accepted, uint32_t *attempt)
{
    int rc = __real_plan_settle(p, now_ns, worker, lease, span, busy_ns, run, accepted,
                                attempt);
    if (is_planted(LATE_RESULT) && rc == 0)
        *accepted = true;
    return rc;
}

int __wrap_plan_lost(struct plan *p, int64_t now_ns, int worker)
{
    int rc = __real_plan_lost(p, now_ns, worker);
    if (rc == 0)
        loans_lost(watching, worker);
    return rc;
}

void __wrap_plan_excuse(struct plan *p, int worker)
{
    if (!is_planted(NEIGHBOUR_BLAMED))
        __real_plan_excuse(p, worker);
}

void __wrap_plan_freeze(struct plan *p, int64_t now_ns, int worker, bool frozen)
{
    if (!is_planted(EARLY_STOP_UNHEARD) || watching->worker[worker].known_here)
        __real_plan_freeze(p, now_ns, worker, frozen);
}

/* ---- the broker ------------------------------------------------------------------ */

int __real_broker_new(const struct broker_options *options,
                      const struct broker_port *port, struct broker **out);
int __wrap_broker_new(const struct broker_options *options,
                      const struct broker_port *port, struct broker **out);
int __real_broker_receive(struct broker *b, int64_t now_ns, int worker, void *data,
                          size_t size);
int __wrap_broker_receive(struct broker *b, int64_t now_ns, int worker, void *data,
                          size_t size);
bool __real_broker_next(struct broker *b, struct rota_result *out);
bool __wrap_broker_next(struct broker *b, struct rota_result *out);

int __wrap_broker_new(const struct broker_options *options,
                      const struct broker_port *port, struct broker **out)
{
    struct broker_options o = *options;
    if (is_planted(ORDER_OF_ARRIVAL))
        o.in_order = false;
    return __real_broker_new(&o, port, out);
}

static uint64_t refused(const struct broker *b)
{
    struct rota_stats s;
    broker_stats(b, &s);
    return s.refused;
}

/* Submit the tasks of the first result in a message. */
static void bear(struct broker *b, const unsigned char *data, size_t size)
{
    struct parcel_result r;
    struct parcel_task t;
    size_t bytes;
    if (parcel_read_result(data + WIRE_HEAD_BYTES, size - WIRE_HEAD_BYTES, &r,
                           &bytes) == 0 &&
        r.tasks_count > 0 && parcel_read_task(r.tasks, r.tasks_bytes, &t, &bytes) == 0)
        broker_submit(b, &t, NULL);
}

int __wrap_broker_receive(struct broker *b, int64_t now_ns, int worker, void *data,
                          size_t size)
{
    if (!is_planted(ORPHANS_BORN) || size <= WIRE_HEAD_BYTES)
        return __real_broker_receive(b, now_ns, worker, data, size);
    unsigned char *copy = memory_sure(size);
    memcpy(copy, data, size);
    uint64_t before = refused(b);
    int rc = __real_broker_receive(b, now_ns, worker, data, size);
    if (rc == 0 && refused(b) > before)
        bear(b, copy, size);
    free(copy);
    return rc;
}

bool __wrap_broker_next(struct broker *b, struct rota_result *out)
{
    while (__real_broker_next(b, out)) {
        int worker = out->worker - watching->options.first_rank;
        if (!is_planted(LAST_WORDS_LOST) || out->outcome != ROTA_DONE ||
            !watching->worker[worker].known_lost)
            return true;
    }
    return false;
}

/* ---- the hand -------------------------------------------------------------------- */

int __real_hand_receive(struct hand *h, const void *data, size_t size);
int __wrap_hand_receive(struct hand *h, const void *data, size_t size);

int __wrap_hand_receive(struct hand *h, const void *data, size_t size)
{
    int kind = size > 1 ? ((const unsigned char *)data)[1] : 0;
    if ((is_planted(DROP_UNHEARD) && kind == WIRE_DROP) ||
        (is_planted(FINISH_UNHEARD) && kind == WIRE_FINISH))
        return 0;
    return __real_hand_receive(h, data, size);
}
