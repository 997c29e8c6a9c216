/* worker.c - a worker's rank, modelled: it drives its hand as farm/work.c does
 *
 * It may come late, stop and go on, lose its mind, and die. What it has sent by then
 * arrives, all of it or up to a point, before the news of its death.
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "world.h"

enum {
    AGAIN_US = 50
};

static void later(struct world *w, int worker, int kind)
{
    struct event e = {.kind = kind, .worker = worker};
    course_soon(&w->course, AGAIN_US * US, e);
}

/* ---- what it sends --------------------------------------------------------------- */

static void deliver(struct world *w, int64_t *last_ns, struct event e)
{
    course_deliver(&w->course, last_ns, w->weather.delay_most_ns, e);
}

static struct message *message_new(int worker, const void *data, size_t size)
{
    struct message *m = memory_sure(sizeof(*m));
    *m =
        (struct message){.data = memory_sure(size + 1), .size = size, .worker = worker};
    if (size > 0)
        memcpy(m->data, data, size);
    m->data[size] = 0;
    return m;
}

/* Some arrive twice: with what is sent next in between, or not. */
static void post(struct world *w, int worker, const void *data, size_t size)
{
    struct sim_worker *k = &w->worker[worker];
    bool hello = k->sent == 0;
    struct message *m = message_new(worker, data, size);
    struct message *again = NULL;
    if (!hello && by_chance(w, w->weather.one_duplicate_in))
        again = message_new(worker, data, size);
    else if (k->garbles && by_chance(w, w->weather.one_garbled_in))
        garble(w, m);
    struct event e = {.kind = EVENT_REPORT, .worker = worker, .data = m};
    e.count = ++k->sent;
    deliver(w, &k->last_out_ns, e);
    e.data = again;
    e.count = ++k->sent;
    int64_t late_ns = k->last_out_ns;
    if (again != NULL)
        deliver(w, dice_one_in(&w->course.dice, 2) ? &k->last_out_ns : &late_ns, e);
}

static int send(void *ctx, const void *data, size_t size)
{
    struct script_executor *x = ctx;
    struct world *w = x->world;
    if (by_chance(w, w->weather.no_send_in))
        return ROTA_E_NOMEM;
    post(w, x->worker, data, size);
    w->worker[x->worker].holding = false;
    return 0;
}

/* ---- ends ------------------------------------------------------------------------ */

static void leave(struct world *w, int worker, bool overtime)
{
    struct sim_worker *k = &w->worker[worker];
    messages_clear(&k->inbox);
    executor_clear(&k->executor);
    struct event e = {.kind = EVENT_LOST, .worker = worker, .count = overtime};
    deliver(w, &k->last_out_ns, e);
}

void worker_die(struct world *w, int worker, uint64_t killer, bool overtime)
{
    struct sim_worker *k = &w->worker[worker];
    if (k->condition == DEAD || k->condition == HOME)
        return;
    say(w, "worker %d: dies%s", worker, overtime ? " by its timer" : "");
    k->condition = DEAD;
    k->killer = killer;
    uint64_t under_way = k->sent - k->taken;
    if (!overtime && dice_one_in(&w->course.dice, 2))
        k->arrive = k->taken + dice_next(&w->course.dice) % (under_way + 1);
    leave(w, worker, overtime);
}

static void go_home(struct world *w, int worker)
{
    say(w, "worker %d: goes home", worker);
    w->worker[worker].condition = HOME;
    leave(w, worker, false);
}

/* ---- work ------------------------------------------------------------------------ */

static bool is_deaf(const struct sim_worker *k)
{
    return k->in_rank && k->executor.slot[0].busy;
}

/* Takes the first order that came; false: it stays, for want of memory. */
static bool take_order(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    struct message *m = STAILQ_FIRST(&k->inbox);
    int rc;
    try_once(w, rc, hand_receive(k->hand, m->data, m->size));
    if (rc == ROTA_E_NOMEM)
        return false;
    STAILQ_REMOVE_HEAD(&k->inbox, link);
    if (rc == 0)
        loans_obeyed(w, worker, m->data, m->size);
    else if (rc != ROTA_E_ARG || k->print == PRINT)
        wrong(w, "worker %d cannot take what came: code %d", worker, rc);
    if (rc != 0 || hand_is_finished(k->hand))
        go_home(w, worker);
    message_free(m);
    return true;
}

static void work(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    bool reported = true;
    while (reported && !is_deaf(k) && course_is_well(&w->course)) {
        int rc;
        try_once(w, rc, hand_work(k->hand, &reported));
        if (rc != 0)
            wrong(w, "worker %d cannot work: code %d", worker, rc);
    }
}

/* In the rank nothing is done while a task runs. */
static bool may_look(const struct world *w, int worker)
{
    const struct sim_worker *k = &w->worker[worker];
    return k->condition == HERE && !k->stopped && !is_deaf(k) &&
           course_is_well(&w->course);
}

void worker_look(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    bool taken = true;
    while (taken && may_look(w, worker) && !STAILQ_EMPTY(&k->inbox))
        taken = take_order(w, worker);
    if (!may_look(w, worker))
        return;
    work(w, worker);
    bool runs = false;
    for (int i = 0; i < k->slots; i++)
        runs |= k->executor.slot[i].busy;
    if (!STAILQ_EMPTY(&k->inbox) || k->holding || k->executor.base.ready ||
        (k->executor.base.held > 0 && !runs))
        later(w, worker, EVENT_LOOK);
}

/* ---- what happens to it ---------------------------------------------------------- */

static void start(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    int rc;
    if (k->condition == DEAD)
        return;
    k->due = k->stopped;
    if (k->stopped)
        return;
    try_once(w, rc, hand_hello(k->hand, "node"));
    if (rc != 0) {
        later(w, worker, EVENT_START);
        return;
    }
    say(w, "worker %d: is there, %d slots%s", worker, k->slots,
        k->in_rank ? ", in the rank" : "");
    k->condition = HERE;
    worker_look(w, worker);
}

static void tell_news(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    struct event e = {.kind = EVENT_NEWS, .worker = worker, .count = k->stopped};
    say(w, "worker %d: %s", worker, k->stopped ? "is stopped" : "goes on");
    deliver(w, &k->last_news_ns, e);
}

static void stop(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    if (k->condition > HERE || k->stopped)
        return;
    k->stopped = true;
    k->stopped_ns = w->course.now_ns;
    tell_news(w, worker);
}

static void go_on(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    if (k->condition > HERE || !k->stopped)
        return;
    k->stopped = false;
    tell_news(w, worker);
    executor_postpone(w, worker, w->course.now_ns - k->stopped_ns);
    if (k->due)
        start(w, worker);
    worker_look(w, worker);
}

static void order_comes(struct world *w, int worker, struct message *m)
{
    struct sim_worker *k = &w->worker[worker];
    if (k->condition > HERE)
        message_free(m);
    else
        STAILQ_INSERT_TAIL(&k->inbox, m, link);
    worker_look(w, worker);
}

void worker_event(struct world *w, const struct event *e)
{
    switch (e->kind) {
    case EVENT_START:
        start(w, e->worker);
        break;
    case EVENT_ORDER:
        order_comes(w, e->worker, e->data);
        break;
    case EVENT_LOOK:
        worker_look(w, e->worker);
        break;
    case EVENT_TASK_END:
        executor_task_end(w, e);
        worker_look(w, e->worker);
        break;
    case EVENT_KILL:
        worker_die(w, e->worker, UINT64_MAX, false);
        break;
    case EVENT_STOP:
        stop(w, e->worker);
        break;
    default:
        go_on(w, e->worker);
    }
}

void worker_open(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    executor_prepare(w, worker);
    struct hand_port port = {.send = send, .ctx = &k->executor};
    int rc;
    insist(w, rc, hand_new(&port, &k->executor.base, FUNCTIONS, k->print, &k->hand));
    if (rc != 0)
        abort();
}

void worker_close(struct world *w, int worker)
{
    struct sim_worker *k = &w->worker[worker];
    hand_free(k->hand);
    messages_clear(&k->inbox);
    executor_clear(&k->executor);
}
