/* manager.c - the manager's rank, modelled: it drives the broker as farm/manage.c does
 *
 * What comes is given to the broker in its order. What the broker has no memory for is
 * kept, and given again later; so is what it does not come to do.
 */
#include <stdlib.h>
#include <string.h>

#include "farm/wire.h"
#include "memory.h"
#include "world.h"

enum {
    AGAIN_US = 50
};

static void wake_in(struct world *w, int64_t in_ns)
{
    struct event e = {.kind = EVENT_WAKE};
    int64_t at_ns = w->course.now_ns + (in_ns > 0 ? in_ns : 0);
    if (at_ns >= w->wake_ns)
        return;
    w->wake_ns = at_ns;
    course_soon(&w->course, in_ns, e);
}

/* ---- the broker's port ----------------------------------------------------------- */

static int send(void *ctx, int worker, void *data, size_t size)
{
    struct world *w = ctx;
    if (by_chance(w, w->weather.no_send_in))
        return ROTA_E_NOMEM;
    loans_sent(w, worker, data, size);
    struct message *m = memory_sure(sizeof(*m));
    *m = (struct message){.data = data, .size = size, .worker = worker};
    struct event e = {.kind = EVENT_ORDER, .worker = worker, .data = m};
    course_deliver(&w->course, &w->worker[worker].last_in_ns, w->weather.delay_most_ns,
                   e);
    return 0;
}

static void done(void *ctx, void *data, size_t size)
{
    struct world *w = ctx;
    (void)size;
    w->messages--;
    free(data);
}

/* ---- tasks come, and go ---------------------------------------------------------- */

static bool is_plain(const struct parcel_task *t)
{
    return parcel_task_is_plain(t) && t->size <= PARCEL_SIZE_MAX;
}

/* Into the room there is with the tasks before it, if it is as they are. */
static int fill_in(struct world *w, const struct parcel_task *t, uint64_t *task)
{
    unsigned char *room = NULL;
    uint32_t count = 1 + (uint32_t)dice_below(&w->course.dice, 3);
    int rc;
    insist(w, rc, broker_room(w->broker, t, &room, &count));
    if (rc != 0 || count == 0)
        return ROTA_E_NOTFOUND;
    if (t->size > 0)
        memcpy(room, t->data, t->size);
    broker_fill(w->broker, 1);
    *task = broker_submitted(w->broker) - 1;
    return 0;
}

static void submit(struct world *w)
{
    w->to_come--;
    w->submitting = script_new(w, NOBODY, w->weather.depth);
    if (w->submitting == NOBODY)
        return;
    struct parcel_task t = w->scripts[w->submitting].task;
    unsigned char *payload = memory_sure(t.size);
    uint64_t task = UINT64_MAX;
    int rc;
    script_write_payload(w, w->submitting, payload);
    t.data = payload;
    rc = dice_one_in(&w->course.dice, 2) ? fill_in(w, &t, &task) : ROTA_E_NOTFOUND;
    if (rc == 0)
        ; /* it is */
    else if (is_plain(&t) && dice_one_in(&w->course.dice, 2))
        insist(w, rc,
               broker_submit_plain(w->broker, t.function, payload, t.size, &task));
    else
        insist(w, rc, broker_submit(w->broker, &t, &task));
    if (rc != 0 || task + 1 != w->tasks)
        wrong(w, "task %lu is submitted: code %d", (unsigned long)task, rc);
    w->submitting = NOBODY;
    free(payload);
}

static void submit_some(struct world *w, uint64_t count)
{
    for (; count > 0 && w->to_come > 0 && course_is_well(&w->course); count--)
        submit(w);
}

static bool is_hungry(struct world *w)
{
    bool hungry;
    try_once(w, hungry, broker_is_hungry(w->broker));
    return hungry || broker_is_hungry(w->broker);
}

/* As a generator does, not all at once. */
static void generate(struct world *w)
{
    if (!w->weather.on_demand || w->to_come == 0)
        return;
    for (int i = 0; i < 4 && is_hungry(w); i++)
        submit_some(w, 1 + (uint64_t)dice_below(&w->course.dice, w->weather.batch));
}

static void cancel(struct world *w)
{
    if (w->tasks == 0)
        return;
    uint64_t task = (uint64_t)dice_below(&w->course.dice, (int)w->tasks + 1);
    int rc;
    insist(w, rc, broker_cancel(w->broker, w->course.now_ns, task));
    say(w, "user: cancels task %lu: code %d", (unsigned long)task, rc);
    bool may = task < w->tasks && !w->truth[task].told && !w->truth[task].cancelled;
    if (rc != ROTA_E_NOTFOUND && (rc != 0 || !may))
        wrong(w, "task %lu is cancelled: code %d", (unsigned long)task, rc);
    if (rc == 0)
        w->truth[task].cancelled = true;
}

/* ---- what comes ------------------------------------------------------------------ */

static int take_message(struct world *w, struct message *m)
{
    int rc;
    struct sim_worker *k = &w->worker[m->worker];
    if (!m->judged)
        loans_came(w, m);
    m->judged = true;
    if (m->lost) {
        k->known_gone = true;
        try_once(w, rc,
                 broker_lost(w->broker, w->course.now_ns, m->worker, m->overtime));
        return rc;
    }
    struct wire_head h;
    bool shut = wire_read(m->data, m->size, &h) == 0 && h.kind == WIRE_SHUT;
    w->messages++;
    try_once(w, rc,
             broker_receive(w->broker, w->course.now_ns, m->worker, m->data, m->size));
    if (rc != 0)
        w->messages--;
    else
        m->data = NULL;
    if (rc == 0 && shut)
        k->known_shut = h.more == 1;
    return rc;
}

static void take_messages(struct world *w)
{
    struct message *m;
    while ((m = STAILQ_FIRST(&w->inbox)) != NULL && course_is_well(&w->course)) {
        int rc = take_message(w, m);
        if (rc == ROTA_E_NOMEM) {
            wake_in(w, AGAIN_US * US);
            return;
        }
        if (rc != 0)
            wrong(w, "the broker cannot take what came: code %d", rc);
        STAILQ_REMOVE_HEAD(&w->inbox, link);
        message_free(m);
    }
}

static void message_comes(struct world *w, const struct event *e)
{
    struct sim_worker *k = &w->worker[e->worker];
    struct message *m = e->data;
    if (e->count > k->arrive) {
        message_free(m);
        return;
    }
    if (k->taken < e->count)
        k->taken = e->count;
    say(w, "manager: a message from worker %d, %lu bytes", e->worker,
        (unsigned long)m->size);
    STAILQ_INSERT_TAIL(&w->inbox, m, link);
}

static void loss_comes(struct world *w, const struct event *e)
{
    struct message *m = memory_sure(sizeof(*m));
    *m = (struct message){.worker = e->worker, .lost = true, .overtime = e->count > 0};
    w->worker[e->worker].arrive = 0;
    STAILQ_INSERT_TAIL(&w->inbox, m, link);
}

static void news_comes(struct world *w, const struct event *e)
{
    struct sim_worker *k = &w->worker[e->worker];
    if (k->known_gone)
        return;
    k->known_stopped = e->count > 0;
    broker_freeze(w->broker, w->course.now_ns, e->worker, k->known_stopped);
}

/* ---- what goes ------------------------------------------------------------------- */

static void act(struct world *w)
{
    int rc;
    try_once(w, rc, broker_act(w->broker, w->course.now_ns));
    w->behind = rc != 0;
    if (rc == 0)
        judge_stats(w);
    else if (rc == ROTA_E_NOMEM)
        wake_in(w, AGAIN_US * US);
    else
        wrong(w, "the broker cannot act: code %d", rc);
    int64_t at_ns = broker_wake_ns(w->broker);
    if (at_ns != INT64_MAX)
        wake_in(w, at_ns - w->course.now_ns);
}

/* Ask for results that are alike, and tell them one by one, each with its 0. */
static bool ask_for_run(struct world *w)
{
    struct rota_result r;
    size_t count;
    if (!broker_next_run(w->broker, 1 + (size_t)dice_below(&w->course.dice, 20), &r,
                         &count))
        return false;
    const unsigned char *values = r.data;
    unsigned char *value = memory_sure(r.size_bytes + 1);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *from = values + i * parcel_padded(r.size_bytes);
        if (r.size_bytes > 0)
            memcpy(value, from, r.size_bytes);
        value[r.size_bytes] = 0;
        r.data = value;
        judge_told(w, &r);
        r.task++;
    }
    free(value);
    return true;
}

/* Ask for results: all there are, or some and the others later. */
static void ask(struct world *w)
{
    struct rota_result r;
    int lazy = w->weather.lazy;
    int most = lazy > 0 ? 1 + dice_below(&w->course.dice, lazy) : -1;
    while (most-- != 0 && course_is_well(&w->course)) {
        if (dice_one_in(&w->course.dice, 3)) {
            if (!ask_for_run(w))
                return;
            continue;
        }
        if (!broker_next(w->broker, &r))
            return;
        judge_told(w, &r);
    }
    if (!broker_is_over(w->broker))
        wake_in(w, AGAIN_US * US * (1 + dice_below(&w->course.dice, 100)));
}

static void finish(struct world *w)
{
    if (w->finished)
        return;
    say(w, "user: closes the farm");
    w->finished = true;
    memory_scarce(&w->course.dice, w->weather.no_memory_in);
    broker_finish(w->broker);
    memory_scarce(NULL, 0);
}

static void close_early(struct world *w)
{
    w->closed_early = !w->finished;
    finish(w);
}

static void happen(struct world *w, const struct event *e)
{
    switch (e->kind) {
    case EVENT_SUBMIT:
        submit_some(w, e->count);
        break;
    case EVENT_CANCEL:
        cancel(w);
        break;
    case EVENT_WAKE:
        if (e->at_ns >= w->wake_ns)
            w->wake_ns = INT64_MAX;
        break;
    case EVENT_CLOSE:
        close_early(w);
        break;
    case EVENT_NEWS:
        news_comes(w, e);
        break;
    case EVENT_REPORT:
        message_comes(w, e);
        break;
    default:
        loss_comes(w, e);
    }
}

static void drop(const struct event *e)
{
    if (e->kind == EVENT_REPORT)
        message_free(e->data);
}

void manager_event(struct world *w, const struct event *e)
{
    if (w->closed_early) {
        drop(e);
        return;
    }
    happen(w, e);
    if (w->closed_early)
        return;
    take_messages(w);
    generate(w);
    act(w);
    ask(w);
    if (w->weather.on_demand && w->to_come > 0 && is_hungry(w))
        wake_in(w, AGAIN_US * US);
    if (w->to_come == 0 && broker_is_over(w->broker))
        finish(w);
}

void manager_open(struct world *w)
{
    struct broker_port port = {.send = send, .done = done, .ctx = w};
    int rc;
    insist(w, rc, broker_new(&w->options, &port, &w->broker));
    if (rc != 0)
        abort();
}
