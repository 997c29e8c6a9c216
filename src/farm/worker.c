/* worker.c - the loop of a rank that works for rank 0
 *
 * Two things can happen, and they can't be waited for together: a message from the
 * manager, and the end of a command. So while commands run it is their end that is
 * waited for, and messages are looked for in between: often while a slot is free,
 * seldom while none is, since a new task could then only stand in line. Without a
 * command it waits for a message.
 */
#include "farm/worker.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/error.h"
#include "execute/execute.h"
#include "farm/memo.h"

enum {
    IDLE_MS = 100,   /* between two looks at stop() */
    FREE_MS = 1,     /* between two looks for messages, with a slot free */
    BUSY_MS = 10,    /* and with none */
    LEAVE_MS = 1000, /* for the manager's farewell, when asked to stop */
};

/* A task that waits for a slot. */
struct waiting {
    STAILQ_ENTRY(waiting) link;
    struct memo memo;
};

struct worker {
    struct rota *rota;
    const struct worker_options *options;
    struct execute *execute;
    STAILQ_HEAD(, waiting) waiting;
    bool finished;
};

static int send_memo(struct worker *w, const struct memo *f)
{
    __attribute__((cleanup(memo_bytes_auto_))) struct memo_bytes bytes = {0};
    int rc = memo_write(f, &bytes);
    return rc ? rc : rota_send(w->rota, 0, MEMO_TAG, bytes.data, bytes.size);
}

static int enqueue(struct worker *w, struct memo *f)
{
    struct waiting *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return ROTA_E_NOMEM;
    t->memo = *f;
    f->argv = f->block = NULL;
    STAILQ_INSERT_TAIL(&w->waiting, t, link);
    return 0;
}

static int handle(struct worker *w, struct rota_message *m)
{
    __attribute__((cleanup(memo_auto_))) struct memo f = {0};
    int rc = memo_read(m->data, m->size_bytes, &f);
    rota_message_done(m);
    if (rc != 0)
        return rc;
    if (f.kind == MEMO_START)
        return enqueue(w, &f);
    w->finished = f.kind == MEMO_FINISH;
    return w->finished ? 0 : ROTA_E_FORMAT;
}

/* Take the messages that are there, waiting for the first at most `timeout_ms`. */
static int take_messages(struct worker *w, int timeout_ms)
{
    for (int rc = 0; !w->finished; timeout_ms = 0) {
        struct rota_message m;
        rc = rota_recv(w->rota, 0, MEMO_TAG, timeout_ms, &m);
        if (rc == 0)
            rc = handle(w, &m);
        if (rc != 0)
            return rc == ROTA_E_TIMEOUT ? 0 : rc;
    }
    return 0;
}

static int fill_slots(struct worker *w)
{
    while (!STAILQ_EMPTY(&w->waiting) &&
           execute_running(w->execute) < w->options->slots) {
        struct waiting *t = STAILQ_FIRST(&w->waiting);
        int rc = execute_start(w->execute, t->memo.task, t->memo.attempt, t->memo.argv);
        if (rc != 0)
            return rc;
        STAILQ_REMOVE_HEAD(&w->waiting, link);
        memo_done(&t->memo);
        free(t);
    }
    return 0;
}

/* Report the commands that ended, waiting for the first at most `timeout_ms`. */
static int report(struct worker *w, int timeout_ms)
{
    for (; execute_running(w->execute) > 0; timeout_ms = 0) {
        struct memo f = {.kind = MEMO_ENDED};
        int rc = execute_wait(w->execute, timeout_ms, &f.result);
        if (rc == ROTA_E_TIMEOUT)
            return 0;
        if (rc == 0)
            rc = send_memo(w, &f);
        memo_done(&f);
        if (rc == 0)
            rc = fill_slots(w);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int loop(struct worker *w)
{
    struct memo hello = {.kind = MEMO_HELLO, .slots = w->options->slots};
    int rc = send_memo(w, &hello);
    while (rc == 0 && !w->finished && !w->options->stop(w->options->ctx)) {
        int running = execute_running(w->execute);
        rc = take_messages(w, running > 0 ? 0 : IDLE_MS);
        if (rc == 0 && !w->finished)
            rc = fill_slots(w);
        if (rc == 0 && !w->finished)
            rc = report(w, running < w->options->slots ? FREE_MS : BUSY_MS);
    }
    return rc;
}

/* Asked to stop: the manager is as a rule asked too. If it sends this worker home,
 * all is well; if not, it learns of its leaving. */
static void await_farewell(struct worker *w)
{
    int64_t deadline_ns = clock_now_ns() + LEAVE_MS * NS_PER_MS;
    while (!w->finished) {
        int ms = clock_poll_ms(deadline_ns, clock_now_ns());
        if (take_messages(w, ms) != 0 || ms == 0)
            return;
    }
}

int worker_run(struct rota *r, const struct worker_options *options,
               struct rota_error *err)
{
    struct execute_options slots = {.slots = options->slots, .in_rank = true};
    rota_auto(execute) struct execute *x = NULL;
    int rc = execute_open(&slots, &x, err);
    if (rc != 0)
        return rc;
    struct worker w = {.rota = r, .options = options, .execute = x};
    STAILQ_INIT(&w.waiting);
    rc = loop(&w);
    execute_close(rota_steal(x));
    if (rc == 0)
        await_farewell(&w);
    while (!STAILQ_EMPTY(&w.waiting)) {
        struct waiting *t = STAILQ_FIRST(&w.waiting);
        STAILQ_REMOVE_HEAD(&w.waiting, link);
        memo_done(&t->memo);
        free(t);
    }
    if (rc != 0)
        return error_set(err, rc, "rank %d cannot go on working: %s", rota_rank(r),
                         rota_strerror(rc));
    return 0;
}
