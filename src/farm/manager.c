/* manager.c - the loop that has a crew do tasks, to the last one
 *
 * It wires the crew's events to the schedule, and the schedule's actions to the
 * crew and the hooks:
 *
 *     hooks->next --> schedule_add        schedule: START --> crew start
 *     crew JOINED --> schedule_join                 ENDED --> hooks->ended
 *     crew ENDED  --> schedule_ended
 *     crew LOST   --> schedule_lost
 *
 * Tasks are taken only as far ahead as keeps all slots busy, so that a list of
 * millions costs what is under way. Nothing here waits for longer than a tick:
 * the hooks are asked again and again, the crew is the only one who sleeps.
 */
#include "farm/manager.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/error.h"

enum {
    READY_AHEAD = 64, /* tasks taken beyond one for each slot */
    TICK_MS = 100,
    HUNGRY_TICK_MS = 20, /* while the next task may come any moment */
};

/* A task's tag in the schedule. */
struct payload {
    TAILQ_ENTRY(payload) link;
    char **argv;
};

TAILQ_HEAD(payload_list, payload);

struct manager {
    struct crew *crew;
    const struct manager_hooks *hooks;
    struct schedule *schedule;
    const struct schedule_counts *counts;
    struct payload_list payloads;        /* of all tasks that have not ended */
    const struct execute_result *result; /* the one that came just now, or NULL */
    struct manager_summary *summary;
    bool all_taken; /* hooks->next has no more */
};

static void payload_free(struct manager *m, struct payload *p)
{
    TAILQ_REMOVE(&m->payloads, p, link);
    free(p->argv);
    free(p);
}

static int take_one(struct manager *m, struct rota_error *err)
{
    uint64_t task;
    char **argv;
    int rc = m->hooks->next(m->hooks->ctx, &argv, err);
    if (rc != 0)
        return rc;
    struct payload *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        free(argv);
        return error_set(err, ROTA_E_NOMEM, "out of memory for tasks");
    }
    p->argv = argv;
    TAILQ_INSERT_TAIL(&m->payloads, p, link);
    if (schedule_add(m->schedule, p, &task) != 0) {
        payload_free(m, p);
        return error_set(err, ROTA_E_NOMEM, "out of memory for tasks");
    }
    return 0;
}

/* Take tasks while there is room. *hungry says that there was room for more. */
static int take(struct manager *m, bool *hungry, struct rota_error *err)
{
    *hungry = false;
    while (!m->all_taken && m->counts->ready < m->counts->slots + READY_AHEAD) {
        int rc = take_one(m, err);
        if (rc == ROTA_E_NOTFOUND)
            m->all_taken = true;
        else if (rc == ROTA_E_TIMEOUT)
            *hungry = true;
        else if (rc != 0)
            return rc;
        if (rc != 0)
            break;
    }
    return 0;
}

static int end_task(struct manager *m, const struct schedule_action *a,
                    struct rota_error *err)
{
    struct payload *p = a->tag;
    bool tried = a->outcome == SCHEDULE_SUCCEEDED || a->outcome == SCHEDULE_FAILED;
    struct manager_end end = {
        .task = a->task,
        .outcome = a->outcome,
        .attempts = a->attempt,
        .argv = p->argv,
        .result = tried ? m->result : NULL,
    };
    int rc = m->hooks->ended(m->hooks->ctx, &end, err);
    payload_free(m, p);
    return rc;
}

/* Do all that the schedule asks for. */
static int act(struct manager *m, struct rota_error *err)
{
    struct schedule_action a;
    int rc = 0;
    while (rc == 0 && schedule_next(m->schedule, clock_now_ns(), &a)) {
        const struct payload *p = a.tag;
        if (a.what == SCHEDULE_START)
            rc =
                m->crew->ops->start(m->crew, a.worker, a.task, a.attempt, p->argv, err);
        else
            rc = end_task(m, &a, err);
    }
    return rc;
}

static int on_joined(struct manager *m, const struct crew_event *e,
                     struct rota_error *err)
{
    int rc = schedule_join(m->schedule, e->worker, e->slots);
    if (rc != 0)
        return error_set(err, rc, "worker %d cannot join with %d slots: %s", e->worker,
                         e->slots, rota_strerror(rc));
    return 0;
}

static int on_ended(struct manager *m, struct crew_event *e, struct rota_error *err)
{
    const struct execute_result *r = &e->result;
    bool succeeded = r->how == EXECUTE_EXITED && r->code == 0;
    int rc = 0;
    if (schedule_ended(m->schedule, clock_now_ns(), e->worker, r->task, r->attempt,
                       succeeded) == 0) {
        m->result = r;
        rc = act(m, err);
        m->result = NULL;
    } else {
        m->summary->late++;
    }
    execute_result_done(&e->result);
    return rc;
}

static int on_lost(struct manager *m, const struct crew_event *e,
                   struct rota_error *err)
{
    uint64_t before = m->counts->again;
    int rc = schedule_lost(m->schedule, clock_now_ns(), e->worker);
    if (rc != 0)
        return error_set(err, rc, "worker %d cannot be lost: %s", e->worker,
                         rota_strerror(rc));
    m->hooks->lost(m->hooks->ctx, e, m->counts->again - before);
    return 0;
}

static int handle(struct manager *m, struct crew_event *e, struct rota_error *err)
{
    switch (e->kind) {
    case CREW_JOINED:
        return on_joined(m, e, err);
    case CREW_ENDED:
        return on_ended(m, e, err);
    case CREW_LOST:
        return on_lost(m, e, err);
    default:
        return error_set(err, ROTA_E_ARG, "unknown event %d", (int)e->kind);
    }
}

static bool nobody_left(const struct manager *m)
{
    return m->counts->lost == m->crew->workers;
}

static bool is_over(struct manager *m)
{
    m->summary->stopped = m->hooks->stop(m->hooks->ctx);
    bool idle = m->counts->ready == 0 && m->counts->leased == 0;
    m->summary->complete =
        m->all_taken && idle && m->counts->ended[SCHEDULE_NO_WORKER] == 0;
    return m->summary->stopped || (idle && (m->all_taken || nobody_left(m)));
}

/* Who goes because all were asked to stop is not lost. */
static int loop(struct manager *m, struct rota_error *err)
{
    struct crew_event e;
    for (;;) {
        bool hungry = false;
        int rc = nobody_left(m) ? 0 : take(m, &hungry, err);
        if (rc == 0)
            rc = act(m, err);
        if (rc != 0 || is_over(m))
            return rc;
        rc = m->crew->ops->wait(m->crew, hungry ? HUNGRY_TICK_MS : TICK_MS, &e, err);
        if (rc == 0 && e.kind == CREW_LOST && is_over(m))
            return 0;
        if (rc == 0)
            rc = handle(m, &e, err);
        if (rc != 0 && rc != ROTA_E_TIMEOUT)
            return rc;
    }
}

int manager_run(struct crew *crew, const struct manager_hooks *hooks,
                struct manager_summary *out, struct rota_error *err)
{
    struct schedule_options options = {
        .workers = crew->workers,
        .prefetch = crew->prefetch,
    };
    rota_auto(schedule) struct schedule *s = NULL;
    *out = (struct manager_summary){0};
    int rc = schedule_new(&options, &s);
    if (rc != 0)
        return error_set(err, rc, "cannot plan for %d workers: %s", crew->workers,
                         rota_strerror(rc));

    struct manager m = {
        .crew = crew,
        .hooks = hooks,
        .schedule = s,
        .counts = schedule_counts(s),
        .summary = out,
    };
    TAILQ_INIT(&m.payloads);
    rc = loop(&m, err);
    while (!TAILQ_EMPTY(&m.payloads))
        payload_free(&m, TAILQ_FIRST(&m.payloads));
    out->counts = *m.counts;
    if (rc != 0)
        out->complete = false;
    return rc;
}
