/* ranks.c - a crew of ranks: worker w is rank w + 1
 *
 * Invariants
 *  1. A rank is looked at (rota_fate) every LOOK_MS at the latest, however busy
 *     the others keep us: a receive from any rank only ends when all have gone.
 *  2. A rank is told lost after its last message: once its fate is known, what it
 *     had sent is received until ROTA_E_LOST says that there is no more.
 *  3. Who sends what is no memo, or none of a worker's, is lost from then on, and so
 * is whatever it sends later.
 */
#include "farm/crew.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "farm/memo.h"

enum {
    LOOK_MS = 100, /* each wait begins with polling, which costs about a millisecond */
};

enum member_state {
    MEMBER_AWAITED, /* its HELLO has not come */
    MEMBER_HERE,
    MEMBER_LOST,
};

struct ranks {
    struct crew crew;
    struct rota *rota;
    int64_t look_ns; /* when to look at everyone next */
    enum member_state members[];
};

static int rank_of(int worker)
{
    return worker + 1;
}

static struct crew_event lost_event(struct ranks *r, int worker)
{
    struct crew_event e = {.kind = CREW_LOST, .worker = worker};
    r->members[worker] = MEMBER_LOST;
    snprintf(e.who, sizeof(e.who), "rank %d", rank_of(worker));
    return e;
}

static int take_lost(struct ranks *r, int worker, struct rota_fate fate,
                     struct crew_event *out)
{
    *out = lost_event(r, worker);
    rota_fate_text(fate, out->reason, sizeof(out->reason));
    return 0;
}

static int take_nonsense(struct ranks *r, int worker, const char *reason,
                         struct crew_event *out)
{
    *out = lost_event(r, worker);
    snprintf(out->reason, sizeof(out->reason), "%s", reason);
    return 0;
}

/* Make an event of a memo; false where its sender may not send it now. */
static bool take_memo(struct ranks *r, int worker, struct memo *f,
                      struct crew_event *out)
{
    enum member_state *state = &r->members[worker];
    if (f->kind == MEMO_HELLO && *state == MEMBER_AWAITED) {
        *state = MEMBER_HERE;
        *out = (struct crew_event){
            .kind = CREW_JOINED, .worker = worker, .slots = f->slots};
        return true;
    }
    if (f->kind == MEMO_ENDED && *state == MEMBER_HERE) {
        *out = (struct crew_event){
            .kind = CREW_ENDED, .worker = worker, .result = f->result};
        f->result = (struct execute_result){0};
        return true;
    }
    return false;
}

/* Make an event of a message. Fails with ROTA_E_TIMEOUT where it is of no use. */
static int take_message(struct ranks *r, struct rota_message *m, struct crew_event *out)
{
    __attribute__((cleanup(memo_auto_))) struct memo f = {0};
    int worker = m->source - 1;
    int rc = ROTA_E_FORMAT;
    bool useless =
        worker < 0 || worker >= r->crew.workers || r->members[worker] == MEMBER_LOST;
    if (!useless)
        rc = memo_read(m->data, m->size_bytes, &f);
    rota_message_done(m);
    if (useless)
        return ROTA_E_TIMEOUT;
    if (rc == ROTA_E_NOMEM)
        return take_nonsense(r, worker, "sent more than there is memory for", out);
    if (rc != 0 || !take_memo(r, worker, &f, out))
        return take_nonsense(r, worker, "sent a malformed message", out);
    return 0;
}

/* `worker` is going or gone: its last messages, then its loss. */
static int take_last(struct ranks *r, int worker, struct rota_fate fate,
                     struct crew_event *out)
{
    struct rota_message m;
    int rc = rota_recv(r->rota, rank_of(worker), MEMO_TAG, 0, &m);
    if (rc == ROTA_E_LOST)
        return take_lost(r, worker, fate, out);
    return rc == 0 ? take_message(r, &m, out) : rc;
}

/* Look at everyone. Fails with ROTA_E_TIMEOUT where there is nothing new. */
static int look(struct ranks *r, struct crew_event *out)
{
    for (int w = 0; w < r->crew.workers; w++) {
        struct rota_fate fate;
        if (r->members[w] == MEMBER_LOST)
            continue;
        int rc = rota_fate(r->rota, rank_of(w), &fate);
        if (rc == 0 && fate.how != ROTA_ALIVE && fate.how != ROTA_STOPPED)
            rc = take_last(r, w, fate, out);
        else if (rc == 0)
            rc = ROTA_E_TIMEOUT;
        if (rc != ROTA_E_TIMEOUT)
            return rc; /* and look again at once: the next may have gone too */
    }
    r->look_ns = clock_now_ns() + LOOK_MS * NS_PER_MS;
    return ROTA_E_TIMEOUT;
}

/* The next message, until it is time to look or `deadline_ns`. */
static int receive(struct ranks *r, int64_t deadline_ns, struct crew_event *out)
{
    struct rota_message m;
    int64_t until_ns = deadline_ns < r->look_ns ? deadline_ns : r->look_ns;
    int ms = clock_poll_ms(until_ns, clock_now_ns());
    int rc = rota_recv(r->rota, ROTA_ANY_SOURCE, MEMO_TAG, ms, &m);
    if (rc == ROTA_E_LOST) {
        r->look_ns = 0; /* all have gone: say so, one by one */
        return ROTA_E_TIMEOUT;
    }
    return rc == 0 ? take_message(r, &m, out) : rc;
}

static int ranks_wait(struct crew *c, int timeout_ms, struct crew_event *out,
                      struct rota_error *err)
{
    struct ranks *r = (struct ranks *)c;
    int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
    for (;;) {
        int rc = ROTA_E_TIMEOUT;
        if (clock_now_ns() >= r->look_ns)
            rc = look(r, out);
        if (rc == ROTA_E_TIMEOUT)
            rc = receive(r, deadline_ns, out);
        if (rc == 0)
            return 0;
        if (rc != ROTA_E_TIMEOUT)
            return error_set(err, rc, "cannot receive from the workers: %s",
                             rota_strerror(rc));
        if (clock_now_ns() >= deadline_ns)
            return ROTA_E_TIMEOUT;
    }
}

static int send_memo(struct ranks *r, int worker, const struct memo *f)
{
    __attribute__((cleanup(memo_bytes_auto_))) struct memo_bytes bytes = {0};
    int rc = memo_write(f, &bytes);
    if (rc == 0)
        rc = rota_send(r->rota, rank_of(worker), MEMO_TAG, bytes.data, bytes.size);
    if (rc != ROTA_E_LOST)
        return rc;
    r->look_ns = 0;
    return 0;
}

static int ranks_start(struct crew *c, int worker, uint64_t task, uint32_t attempt,
                       char *const *argv, struct rota_error *err)
{
    struct memo f = {
        .kind = MEMO_START, .task = task, .attempt = attempt, .argv = argv};
    int rc = send_memo((struct ranks *)c, worker, &f);
    if (rc != 0)
        return error_set(err, rc, "cannot send a task to rank %d: %s", rank_of(worker),
                         rota_strerror(rc));
    return 0;
}

/* To everyone: also one that is lost to us may listen still. */
static void ranks_close(struct crew *c)
{
    struct ranks *r = (struct ranks *)c;
    struct memo f = {.kind = MEMO_FINISH};
    for (int w = 0; w < r->crew.workers; w++)
        send_memo(r, w, &f);
    free(r);
}

static const struct crew_ops ranks_ops = {
    .start = ranks_start,
    .wait = ranks_wait,
    .close = ranks_close,
};

int crew_ranks_open(struct rota *rota, struct crew **out, struct rota_error *err)
{
    int workers = rota_size(rota) - 1;
    if (workers < 1)
        return error_set(err, ROTA_E_ARG, "a run of one rank has no workers");
    struct ranks *r = calloc(1, sizeof(*r) + (size_t)workers * sizeof(r->members[0]));
    if (r == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    r->crew = (struct crew){.ops = &ranks_ops, .workers = workers, .prefetch = 1};
    r->rota = rota;
    *out = &r->crew;
    return 0;
}
