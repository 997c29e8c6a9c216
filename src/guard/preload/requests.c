/* requests.c - wrappers of the calls that wait for requests, test, start and free them
 */
#include <stdlib.h>

#include "guard/preload/wrap.h"

enum {
    FEW = 32
};

/* The requests of one call, as they were before it: MPI overwrites those that it ends.
 * Lists longer than FEW stand in memory that the thread keeps. */
struct before {
    int count;
    bool needs;     /* the statuses must be looked at */
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

/* Note the requests. Where the caller wants no statuses but one must be known, *wanted
 * is a list of our own; `ignored` is what says that he wants none. False: no memory. */
static bool note(struct before *b, int count, const MPI_Request *requests,
                 MPI_Status **wanted, const MPI_Status *ignored)
{
    b->count = count;
    b->needs = b->any = false;
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
        b->list[i] = requests[i] == MPI_REQUEST_NULL ? 0 : HANDLE(requests[i]);
        b->any = b->any || b->list[i] != 0;
        b->needs = b->needs || (b->list[i] != 0 && record_needs_status(b->list[i]));
    }
    if (*wanted == ignored && b->needs)
        *wanted = b->statuses;
    return true;
}

static void await(const struct before *b, enum call call, void *site, bool any)
{
    if (!b->any)
        return; /* MPI returns at once */
    record_wait_begin(call, site, any);
    for (int i = 0; i < b->count; i++)
        if (b->list[i] != 0)
            record_wait_for(b->list[i]);
    record_wait_blocks();
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

/* MPI has failed: what it has ended all the same is over, and nothing was received. */
static void failed(const struct before *b, const MPI_Request *requests)
{
    for (int i = 0; i < b->count; i++)
        if (b->list[i] != 0 && requests[i] == MPI_REQUEST_NULL)
            record_completed(b->list[i], RECORD_NOBODY, 0, true);
}

/* ---- waiting ----------------------------------------------------------------------
 */

WRAP(Wait, MPI_Request *request, MPI_Status *status)
{
    REAL(Wait);
    MPI_Status own;
    if (!record_enter())
        return real(request, status);
    uint64_t handle = *request == MPI_REQUEST_NULL ? 0 : HANDLE(*request);
    MPI_Status *s = status;
    if (handle != 0) {
        if (status == MPI_STATUS_IGNORE && record_needs_status(handle))
            s = &own;
        record_wait_begin(CALL_Wait, SITE, false);
        record_wait_for(handle);
        record_wait_blocks();
    }
    int rc = real(request, s);
    record_done();
    if (rc == MPI_SUCCESS)
        completed(handle, at(s, MPI_STATUS_IGNORE, 0));
    else if (handle != 0 && *request == MPI_REQUEST_NULL)
        record_completed(handle, RECORD_NOBODY, 0, true);
    record_leave();
    return rc;
}

WRAP(Waitall, int count, MPI_Request *requests, MPI_Status *statuses)
{
    REAL(Waitall);
    struct before b;
    MPI_Status *s = statuses;
    if (!record_enter())
        return real(count, requests, statuses);
    if (!note(&b, count, requests, &s, MPI_STATUSES_IGNORE)) {
        record_leave();
        return real(count, requests, statuses);
    }
    await(&b, CALL_Waitall, SITE, false);
    int rc = real(count, requests, s);
    record_done();
    if (rc == MPI_SUCCESS)
        completed_all(&b, s);
    else
        failed(&b, requests);
    record_leave();
    return rc;
}

WRAP(Waitany, int count, MPI_Request *requests, int *index, MPI_Status *status)
{
    REAL(Waitany);
    struct before b;
    MPI_Status *s = status;
    if (!record_enter())
        return real(count, requests, index, status);
    if (!note(&b, count, requests, &s, MPI_STATUS_IGNORE)) {
        record_leave();
        return real(count, requests, index, status);
    }
    await(&b, CALL_Waitany, SITE, true);
    int rc = real(count, requests, index, s);
    record_done();
    if (rc != MPI_SUCCESS)
        failed(&b, requests);
    else if (*index != MPI_UNDEFINED)
        completed(b.list[*index], at(s, MPI_STATUS_IGNORE, 0));
    record_leave();
    return rc;
}

WRAP(Waitsome, int count, MPI_Request *requests, int *done, int *indices,
     MPI_Status *statuses)
{
    REAL(Waitsome);
    struct before b;
    MPI_Status *s = statuses;
    if (!record_enter())
        return real(count, requests, done, indices, statuses);
    if (!note(&b, count, requests, &s, MPI_STATUSES_IGNORE)) {
        record_leave();
        return real(count, requests, done, indices, statuses);
    }
    await(&b, CALL_Waitsome, SITE, true);
    int rc = real(count, requests, done, indices, s);
    record_done();
    if (rc != MPI_SUCCESS)
        failed(&b, requests);
    for (int i = 0; rc == MPI_SUCCESS && *done != MPI_UNDEFINED && i < *done; i++)
        completed(b.list[indices[i]], at(s, MPI_STATUSES_IGNORE, i));
    record_leave();
    return rc;
}

/* ---- testing -----------------------------------------------------------------------
 */

WRAP(Test, MPI_Request *request, int *flag, MPI_Status *status)
{
    REAL(Test);
    MPI_Status own;
    if (!record_enter())
        return real(request, flag, status);
    uint64_t handle = *request == MPI_REQUEST_NULL ? 0 : HANDLE(*request);
    MPI_Status *s = status;
    if (handle != 0 && status == MPI_STATUS_IGNORE && record_needs_status(handle))
        s = &own;
    int rc = real(request, flag, s);
    if (rc == MPI_SUCCESS && !*flag) {
        record_poll(CALL_Test, SITE, &handle, 1);
    } else {
        if (rc == MPI_SUCCESS)
            completed(handle, at(s, MPI_STATUS_IGNORE, 0));
        record_progress(CALL_Test, SITE);
    }
    record_leave();
    return rc;
}

WRAP(Testall, int count, MPI_Request *requests, int *flag, MPI_Status *statuses)
{
    REAL(Testall);
    struct before b;
    MPI_Status *s = statuses;
    if (!record_enter())
        return real(count, requests, flag, statuses);
    if (!note(&b, count, requests, &s, MPI_STATUSES_IGNORE)) {
        record_leave();
        return real(count, requests, flag, statuses);
    }
    int rc = real(count, requests, flag, s);
    if (rc == MPI_SUCCESS && !*flag) {
        record_poll(CALL_Testall, SITE, b.list, b.count);
    } else {
        if (rc == MPI_SUCCESS)
            completed_all(&b, s);
        else
            failed(&b, requests);
        record_progress(CALL_Testall, SITE);
    }
    record_leave();
    return rc;
}

WRAP(Testany, int count, MPI_Request *requests, int *index, int *flag,
     MPI_Status *status)
{
    REAL(Testany);
    struct before b;
    MPI_Status *s = status;
    if (!record_enter())
        return real(count, requests, index, flag, status);
    if (!note(&b, count, requests, &s, MPI_STATUS_IGNORE)) {
        record_leave();
        return real(count, requests, index, flag, status);
    }
    int rc = real(count, requests, index, flag, s);
    if (rc == MPI_SUCCESS && !*flag) {
        record_poll(CALL_Testany, SITE, b.list, b.count);
    } else {
        if (rc != MPI_SUCCESS)
            failed(&b, requests);
        else if (*index != MPI_UNDEFINED)
            completed(b.list[*index], at(s, MPI_STATUS_IGNORE, 0));
        record_progress(CALL_Testany, SITE);
    }
    record_leave();
    return rc;
}

WRAP(Testsome, int count, MPI_Request *requests, int *done, int *indices,
     MPI_Status *statuses)
{
    REAL(Testsome);
    struct before b;
    MPI_Status *s = statuses;
    if (!record_enter())
        return real(count, requests, done, indices, statuses);
    if (!note(&b, count, requests, &s, MPI_STATUSES_IGNORE)) {
        record_leave();
        return real(count, requests, done, indices, statuses);
    }
    int rc = real(count, requests, done, indices, s);
    if (rc == MPI_SUCCESS && *done == 0) {
        record_poll(CALL_Testsome, SITE, b.list, b.count);
    } else {
        if (rc != MPI_SUCCESS)
            failed(&b, requests);
        for (int i = 0; rc == MPI_SUCCESS && *done != MPI_UNDEFINED && i < *done; i++)
            completed(b.list[indices[i]], at(s, MPI_STATUSES_IGNORE, i));
        record_progress(CALL_Testsome, SITE);
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

/* ---- the rest
 * ------------------------------------------------------------------------ */

WRAP(Start, MPI_Request *request)
{
    REAL(Start);
    if (!record_enter())
        return real(request);
    record_start(HANDLE(*request));
    int rc = real(request);
    record_progress(CALL_Start, SITE);
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
