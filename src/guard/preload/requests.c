/* requests.c - wrappers of the calls that wait for requests, test, start and free them
 */
#include <stdlib.h>

#include "guard/preload/fast.h"
#include "guard/preload/wrap.h"

HOT(Wait);
HOT(Waitall);

enum {
    FEW = 32
};

/* The requests of one call, as they were before it: MPI overwrites those that it ends.
 * Lists longer than FEW stand in memory that the thread keeps. */
struct before {
    int count;
    bool any;       /* one of them at least is no MPI_REQUEST_NULL */
    uint64_t *list; /* NULL: there was no memory */
    MPI_Status *statuses;
    uint64_t few[FEW];
    MPI_Status few_statuses[FEW];
};

static __thread uint64_t *many;
static __thread MPI_Status *many_statuses;
static __thread int many_room;

static bool grow(int count)
{
    if (count <= many_room)
        return true;
    int room = count < 2 * many_room ? 2 * many_room : count;
    uint64_t *list = realloc(many, (size_t)room * sizeof(*list));
    if (list != NULL)
        many = list;
    MPI_Status *statuses = realloc(many_statuses, (size_t)room * sizeof(*statuses));
    if (statuses != NULL)
        many_statuses = statuses;
    if (list == NULL || statuses == NULL)
        return false;
    many_room = room;
    return true;
}

/* Note the requests. False: there is no memory for it, and that is written down. */
static bool note(struct before *b, int count, const MPI_Request *requests)
{
    const MPI_Request null = MPI_REQUEST_NULL;
    b->count = count;
    b->any = false;
    b->list = b->few;
    b->statuses = b->few_statuses;
    if (count > FEW) {
        if (!grow(count)) {
            record_lost(STATE_COUNTS_LOST | STATE_OPS_LOST);
            return false;
        }
        b->list = many;
        b->statuses = many_statuses;
    }
    for (int i = 0; i < count; i++) {
        b->list[i] = requests[i] == null ? 0 : HANDLE(requests[i]);
        b->any = b->any || b->list[i] != 0;
    }
    return true;
}

/* What MPI is to be given for statuses: the caller's, or where he wants none (he has
 * given `ignored`) but one must be known, a list of our own. */
static MPI_Status *wanted(struct before *b, MPI_Status *given_, MPI_Status *ignored,
                          bool needs)
{
    return given_ == ignored && needs ? b->statuses : given_;
}

/* Blocked until they are done, or one of them. Must a status be known? */
static bool await(const struct before *b, enum call call, void *site, bool any)
{
    bool needs = false;
    if (!b->any)
        return false; /* MPI returns at once */
    record_wait_begin(call, site, any);
    for (int i = 0; i < b->count; i++)
        if (b->list[i] != 0)
            needs |= record_wait_for(b->list[i]);
    record_wait_blocks();
    return needs;
}

static bool needs_status(const struct before *b)
{
    for (int i = 0; i < b->count; i++)
        if (b->list[i] != 0 && record_needs_status(b->list[i]))
            return true;
    return false;
}

/* The request `handle` has completed, with `status` where it is known. */
static void completed(uint64_t handle, const MPI_Status *status)
{
    int cancelled = 0;
    if (handle == 0)
        return;
    if (status == NULL) {
        record_completed(handle, RECORD_NOBODY, 0, false);
        return;
    }
    if (record_is_cancelled(handle) &&
        PLAIN(Test_cancelled, status, &cancelled) != MPI_SUCCESS)
        cancelled = 1;
    record_completed(handle, status->MPI_SOURCE, status->MPI_TAG, cancelled != 0);
}

/* `statuses` as MPI has filled them, or NULL where it has been asked not to. */
static const MPI_Status *at(const MPI_Status *statuses, const MPI_Status *ignored,
                            int i)
{
    return statuses == ignored ? NULL : statuses + i;
}

static void completed_all(const struct before *b, const MPI_Status *statuses)
{
    for (int i = 0; i < b->count; i++)
        completed(b->list[i], at(statuses, MPI_STATUSES_IGNORE, i));
}

/* MPI has failed: what it has ended all the same is over, and whether anything was
 * received is not known. */
static void failed(const struct before *b, const MPI_Request *requests)
{
    const MPI_Request null = MPI_REQUEST_NULL;
    record_lost(STATE_COUNTS_LOST);
    for (int i = 0; i < b->count; i++)
        if (b->list[i] != 0 && requests[i] == null)
            record_completed(b->list[i], RECORD_NOBODY, 0, true);
}

/* What each of the calls says that it has ended, after success. */
#define ENDED_ALL  completed_all(&b, s)
#define ENDED_ANY  completed_any(&b, *index, s)
#define ENDED_SOME completed_some(&b, *done, indices, s)

static void completed_any(const struct before *b, int index, const MPI_Status *status)
{
    if (index != MPI_UNDEFINED)
        completed(b->list[index], at(status, MPI_STATUS_IGNORE, 0));
}

static void completed_some(const struct before *b, int done, const int *indices,
                           const MPI_Status *statuses)
{
    for (int i = 0; done != MPI_UNDEFINED && i < done; i++)
        completed(b->list[indices[i]], at(statuses, MPI_STATUSES_IGNORE, i));
}

/* ---- waiting --------------------------------------------------------------------- */

static __attribute__((noinline)) int wait_slowly(MPI_Request *request,
                                                 MPI_Status *status, void *site)
{
    REAL_OF(Wait, site);
    struct before b;
    if (!record_enter())
        return real(request, status);
    note(&b, 1, request);
    bool needs = await(&b, CALL_Wait, site, false);
    MPI_Status *s = wanted(&b, status, MPI_STATUS_IGNORE, needs);
    int rc = real(request, s);
    record_done();
    if (rc == MPI_SUCCESS)
        completed(b.list[0], at(s, MPI_STATUS_IGNORE, 0));
    else
        failed(&b, request);
    record_leave();
    return rc;
}

WRAP(Wait, MPI_Request *request, MPI_Status *status)
{
    struct state *m = fast.m;
    struct state_op *op = m != NULL && record_depth == 0 && *request != MPI_REQUEST_NULL
                              ? fast_request(HANDLE(*request))
                              : NULL;
    if (__builtin_expect(op == NULL, 0))
        return wait_slowly(request, status, SITE);
    REAL(Wait);
    fast_block(m, CALL_Wait, SITE, STATE_OWN_OP, (uint32_t)(op - m->ops));
    int rc = real(request, status);
    fast_run(m);
    if (__builtin_expect(rc == MPI_SUCCESS, 1)) {
        fast_completed(m, &op, 1);
    } else {
        const struct before b = {.count = 1, .list = &op->handle};
        failed(&b, request);
    }
    record_depth = 0;
    return rc;
}

/* The long way of these: REAL() is the caller's. */
#define WAIT(name, any, ignored, args, ended)                                          \
    {                                                                                  \
        struct before b;                                                               \
        if (!record_enter())                                                           \
            return real(count, requests, args(statuses));                              \
        if (!note(&b, count, requests)) {                                              \
            record_leave();                                                            \
            return real(count, requests, args(statuses));                              \
        }                                                                              \
        bool needs = await(&b, CALL_##name, site, any);                                \
        MPI_Status *s = wanted(&b, statuses, ignored, needs);                          \
        int rc = real(count, requests, args(s));                                       \
        record_done();                                                                 \
        if (rc == MPI_SUCCESS)                                                         \
            ended;                                                                     \
        else                                                                           \
            failed(&b, requests);                                                      \
        record_leave();                                                                \
        return rc;                                                                     \
    }

#define WAITALL_ARGS(s)  s
#define WAITANY_ARGS(s)  index, s
#define WAITSOME_ARGS(s) done, indices, s

static __attribute__((noinline)) int waitall_slowly(int count, MPI_Request *requests,
                                                    MPI_Status *statuses, void *site)
{
    REAL_OF(Waitall, site);
    WAIT(Waitall, false, MPI_STATUSES_IGNORE, WAITALL_ARGS, ENDED_ALL)
}

/* The operations of these requests (NULL for MPI_REQUEST_NULL), if the call may go by
 * the short way. */
static bool find_all(struct state_op **ops, int count, const MPI_Request *requests)
{
    bool one = false;
    if (fast.m == NULL || record_depth != 0 || count > FEW)
        return false;
    const MPI_Request null = MPI_REQUEST_NULL;
    for (int i = 0; i < count; i++) {
        ops[i] = requests[i] == null ? NULL : fast_request(HANDLE(requests[i]));
        if (ops[i] == NULL && requests[i] != null)
            return false;
        one = one || ops[i] != NULL;
    }
    return one;
}

WRAP(Waitall, int count, MPI_Request *requests, MPI_Status *statuses)
{
    struct state_op *ops[FEW];
    struct state *m = fast.m;
    if (__builtin_expect(!find_all(ops, count, requests), 0))
        return waitall_slowly(count, requests, statuses, SITE);
    REAL(Waitall);
    fast_block_all(m, CALL_Waitall, SITE, ops, count);
    int rc = real(count, requests, statuses);
    fast_run(m);
    if (__builtin_expect(rc == MPI_SUCCESS, 1)) {
        fast_completed(m, ops, count);
    } else {
        struct before b = {.count = count, .list = b.few};
        for (int i = 0; i < count; i++)
            b.few[i] = ops[i] != NULL ? ops[i]->handle : 0;
        failed(&b, requests);
    }
    record_depth = 0;
    return rc;
}

WRAP(Waitany, int count, MPI_Request *requests, int *index, MPI_Status *statuses)
{
    void *site = SITE;
    REAL(Waitany);
    WAIT(Waitany, true, MPI_STATUS_IGNORE, WAITANY_ARGS, ENDED_ANY)
}

WRAP(Waitsome, int count, MPI_Request *requests, int *done, int *indices,
     MPI_Status *statuses)
{
    void *site = SITE;
    REAL(Waitsome);
    WAIT(Waitsome, true, MPI_STATUSES_IGNORE, WAITSOME_ARGS, ENDED_SOME)
}

/* ---- testing --------------------------------------------------------------------- */

#define P(...) __VA_ARGS__

/* `found`: it has ended something, or there is nothing to end. */
#define TEST(name, ignored, params, args, found, ended)                                \
    WRAP(name, int count, MPI_Request *requests, params)                               \
    {                                                                                  \
        REAL(name);                                                                    \
        struct before b;                                                               \
        if (!record_enter())                                                           \
            return real(count, requests, args(statuses));                              \
        if (!note(&b, count, requests)) {                                              \
            record_leave();                                                            \
            return real(count, requests, args(statuses));                              \
        }                                                                              \
        MPI_Status *s =                                                                \
            wanted(&b, statuses, ignored, statuses == (ignored) && needs_status(&b));  \
        int rc = real(count, requests, args(s));                                       \
        if (rc == MPI_SUCCESS && !(found)) {                                           \
            record_poll(CALL_##name, SITE, b.list, b.count);                           \
        } else {                                                                       \
            if (rc == MPI_SUCCESS)                                                     \
                ended;                                                                 \
            else                                                                       \
                failed(&b, requests);                                                  \
            record_progress(CALL_##name, SITE);                                        \
        }                                                                              \
        record_leave();                                                                \
        return rc;                                                                     \
    }

#define TESTALL_ARGS(s) flag, s
#define TESTANY_ARGS(s) index, flag, s
TEST(Testall, MPI_STATUSES_IGNORE, P(int *flag, MPI_Status *statuses), TESTALL_ARGS,
     *flag, ENDED_ALL)
TEST(Testany, MPI_STATUS_IGNORE, P(int *index, int *flag, MPI_Status *statuses),
     TESTANY_ARGS, *flag, ENDED_ANY)
TEST(Testsome, MPI_STATUSES_IGNORE, P(int *done, int *indices, MPI_Status *statuses),
     WAITSOME_ARGS, *done != 0, ENDED_SOME)

WRAP(Test, MPI_Request *request, int *flag, MPI_Status *status)
{
    REAL(Test);
    struct before b;
    if (!record_enter())
        return real(request, flag, status);
    note(&b, 1, request);
    MPI_Status *s = wanted(&b, status, MPI_STATUS_IGNORE,
                           status == MPI_STATUS_IGNORE && needs_status(&b));
    int rc = real(request, flag, s);
    if (rc == MPI_SUCCESS && !*flag) {
        record_poll(CALL_Test, SITE, b.list, 1);
    } else {
        if (rc == MPI_SUCCESS)
            completed(b.list[0], at(s, MPI_STATUS_IGNORE, 0));
        else
            failed(&b, request);
        record_progress(CALL_Test, SITE);
    }
    record_leave();
    return rc;
}

/* The request stays: its completion is written down when it is waited for. */
WRAP(Request_get_status, MPI_Request request, int *flag, MPI_Status *status)
{
    REAL(Request_get_status);
    uint64_t handle = HANDLE(request);
    if (!record_enter())
        return real(request, flag, status);
    int rc = real(request, flag, status);
    if (rc == MPI_SUCCESS && !*flag)
        record_poll(CALL_Request_get_status, SITE, &handle, 1);
    else
        record_progress(CALL_Request_get_status, SITE);
    record_leave();
    return rc;
}

/* ---- the rest -------------------------------------------------------------------- */

WRAP(Start, MPI_Request *request)
{
    REAL(Start);
    if (!record_enter())
        return real(request);
    record_start(HANDLE(*request));
    int rc = real(request);
    record_progress(CALL_Start, SITE);
    uncertain(rc);
    record_leave();
    return rc;
}

WRAP(Startall, int count, MPI_Request *requests)
{
    REAL(Startall);
    if (!record_enter())
        return real(count, requests);
    for (int i = 0; i < count; i++)
        record_start(HANDLE(requests[i]));
    int rc = real(count, requests);
    record_progress(CALL_Startall, SITE);
    uncertain(rc);
    record_leave();
    return rc;
}

WRAP(Cancel, MPI_Request *request)
{
    REAL(Cancel);
    if (!record_enter())
        return real(request);
    record_cancel(HANDLE(*request));
    int rc = real(request);
    record_leave();
    return rc;
}

WRAP(Request_free, MPI_Request *request)
{
    REAL(Request_free);
    if (!record_enter())
        return real(request);
    if (*request != MPI_REQUEST_NULL)
        record_request_freed(HANDLE(*request));
    int rc = real(request);
    record_leave();
    return rc;
}
