/* windows.c - wrappers of one-sided synchronisation
 *
 * A window has an identity as a communicator has. What MPI_Win_post and
 * MPI_Win_complete tell the others is counted as messages on it, with these tags, and
 * what MPI_Win_start and MPI_Win_wait wait for are receives of them.
 */
#include <stdlib.h>

#include "guard/preload/construct.h"

enum {
    TAG_POST = 1,
    TAG_COMPLETE = 2,
    GROUP = 512, /* larger groups are not followed */
};

/* The access and exposure epochs that are open, by window: there are few. */
struct epoch {
    uint64_t win; /* 0: none */
    bool exposure;
    int count;
    int ranks[GROUP];
};

enum {
    EPOCHS = 16
};
static struct epoch epochs[EPOCHS];

static struct epoch *find_epoch(uint64_t win, bool exposure)
{
    for (int i = 0; i < EPOCHS; i++)
        if (epochs[i].win == win && epochs[i].exposure == exposure)
            return &epochs[i];
    return NULL;
}

/* Remember whom an epoch is with. NULL: it can't be followed. */
static struct epoch *open_epoch(uint64_t win, bool exposure, MPI_Group group)
{
    struct epoch *e = find_epoch(win, exposure);
    for (int i = 0; e == NULL && i < EPOCHS; i++)
        if (epochs[i].win == 0)
            e = &epochs[i];
    int count = e != NULL ? groups_world(group, e->ranks, GROUP) : -1;
    if (count < 0 || count > GROUP) {
        record_lost(STATE_COUNTS_LOST);
        return NULL;
    }
    e->win = win;
    e->exposure = exposure;
    e->count = count;
    return e;
}

static void signal_all(uint64_t win, const struct epoch *e, int tag)
{
    for (int i = 0; e != NULL && i < e->count; i++)
        record_signal(record_comm_id(win), e->ranks[i], tag);
}

static void await_all(enum call call, void *site, uint64_t win, const struct epoch *e,
                      int tag)
{
    if (e == NULL) {
        record_free(call, site);
        return;
    }
    record_await_signals();
    for (int i = 0; i < e->count; i++)
        record_await_signal(call, site, record_comm_id(win), e->ranks[i], tag);
    record_await_blocks(call, site);
}

static void take_all(uint64_t win, const struct epoch *e, int tag)
{
    for (int i = 0; e != NULL && i < e->count; i++)
        record_signal_taken(record_comm_id(win), e->ranks[i], tag);
}

/* The call is back, and may not have seen them: the next one waits for them again. */
static void leave_all(const struct epoch *e)
{
    for (int i = 0; e != NULL && i < e->count; i++)
        record_signal_left(e->ranks[i]);
}

/* ---- windows --------------------------------------------------------------------- */

#define CREATE(function, name, params, args)                                           \
    CONSTRUCT(function, name, P(params), P(args),                                      \
              groups_twin(HANDLE(*win), HANDLE(comm)))

CREATE(Win_create, Win_create,
       P(void *base, MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm,
         MPI_Win *win),
       P(base, size, unit, info, comm, win))
CREATE(Win_allocate, Win_allocate,
       P(MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base,
         MPI_Win *win),
       P(size, unit, info, comm, base, win))
CREATE(Win_allocate_shared, Win_allocate_shared,
       P(MPI_Aint size, int unit, MPI_Info info, MPI_Comm comm, void *base,
         MPI_Win *win),
       P(size, unit, info, comm, base, win))
CREATE(Win_create_dynamic, Win_create_dynamic,
       P(MPI_Info info, MPI_Comm comm, MPI_Win *win), P(info, comm, win))

#if MPI_VERSION >= 4
CREATE(Win_create_c, Win_create,
       P(void *base, MPI_Aint size, MPI_Aint unit, MPI_Info info, MPI_Comm comm,
         MPI_Win *win),
       P(base, size, unit, info, comm, win))
CREATE(Win_allocate_c, Win_allocate,
       P(MPI_Aint size, MPI_Aint unit, MPI_Info info, MPI_Comm comm, void *base,
         MPI_Win *win),
       P(size, unit, info, comm, base, win))
CREATE(Win_allocate_shared_c, Win_allocate_shared,
       P(MPI_Aint size, MPI_Aint unit, MPI_Info info, MPI_Comm comm, void *base,
         MPI_Win *win),
       P(size, unit, info, comm, base, win))
#endif

WRAP(Win_free, MPI_Win *win)
{
    REAL(Win_free);
    if (!record_enter())
        return real(win);
    uint64_t handle = HANDLE(*win);
    record_collective(CALL_Win_free, SITE, handle, LOOK_NONE, LOOK_FENCE, false);
    int rc = real(win);
    record_done();
    doubtful(rc, handle);
    if (rc == MPI_SUCCESS)
        record_comm_freed(handle);
    record_leave();
    return rc;
}

WRAP(Win_fence, int assert_, MPI_Win win)
{
    REAL(Win_fence);
    if (!record_enter())
        return real(assert_, win);
    record_collective(CALL_Win_fence, SITE, HANDLE(win), LOOK_NONE, LOOK_FENCE,
                      (assert_ & MPI_MODE_NOPRECEDE) != 0);
    int rc = real(assert_, win);
    record_done();
    doubtful(rc, HANDLE(win));
    record_leave();
    return rc;
}

/* ---- post, start, complete, wait ------------------------------------------------ */

WRAP(Win_post, MPI_Group group, int assert_, MPI_Win win)
{
    REAL(Win_post);
    if (!record_enter())
        return real(group, assert_, win);
    signal_all(HANDLE(win), open_epoch(HANDLE(win), true, group), TAG_POST);
    record_free(CALL_Win_post, SITE);
    int rc = real(group, assert_, win);
    record_done();
    record_leave();
    return rc;
}

/* MPI may return from it before the targets have posted, and wait for them later: they
 * are awaited here, and in MPI_Win_complete nothing is known. */
WRAP(Win_start, MPI_Group group, int assert_, MPI_Win win)
{
    REAL(Win_start);
    if (!record_enter())
        return real(group, assert_, win);
    const struct epoch *e = open_epoch(HANDLE(win), false, group);
    await_all(CALL_Win_start, SITE, HANDLE(win), e, TAG_POST);
    int rc = real(group, assert_, win);
    record_done();
    uncertain(rc);
    leave_all(e);
    record_leave();
    return rc;
}

/* Blocked here, it waits for the targets' posts still, if for anything. */
WRAP(Win_complete, MPI_Win win)
{
    REAL(Win_complete);
    if (!record_enter())
        return real(win);
    struct epoch *e = find_epoch(HANDLE(win), false);
    signal_all(HANDLE(win), e, TAG_COMPLETE);
    await_all(CALL_Win_complete, SITE, HANDLE(win), e, TAG_POST);
    int rc = real(win);
    record_done();
    uncertain(rc);
    take_all(HANDLE(win), e, TAG_POST);
    if (e != NULL)
        e->win = 0;
    record_leave();
    return rc;
}

WRAP(Win_wait, MPI_Win win)
{
    REAL(Win_wait);
    if (!record_enter())
        return real(win);
    struct epoch *e = find_epoch(HANDLE(win), true);
    await_all(CALL_Win_wait, SITE, HANDLE(win), e, TAG_COMPLETE);
    int rc = real(win);
    record_done();
    uncertain(rc);
    take_all(HANDLE(win), e, TAG_COMPLETE);
    if (e != NULL)
        e->win = 0;
    record_leave();
    return rc;
}

WRAP(Win_test, MPI_Win win, int *flag)
{
    REAL(Win_test);
    if (!record_enter())
        return real(win, flag);
    int rc = real(win, flag);
    struct epoch *e = find_epoch(HANDLE(win), true);
    if (rc == MPI_SUCCESS && !*flag) {
        record_poll(CALL_Win_test, SITE, NULL, 0);
    } else {
        take_all(HANDLE(win), e, TAG_COMPLETE);
        if (e != NULL)
            e->win = 0;
        record_progress(CALL_Win_test, SITE);
    }
    record_leave();
    return rc;
}

/* ---- locks ---------------------------------------------------------------------- */

WRAP(Win_lock, int type, int rank, int assert_, MPI_Win win)
{
    REAL(Win_lock);
    if (!record_enter())
        return real(type, rank, assert_, win);
    record_lock(CALL_Win_lock, SITE, HANDLE(win), peer_of(rank));
    int rc = real(type, rank, assert_, win);
    record_done();
    record_leave();
    return rc;
}

/* What these wait for is the others' business in ways that can't be seen from here. */
#define FLUSH(name, params, args)                                                      \
    WRAP(name, params)                                                                 \
    {                                                                                  \
        REAL(name);                                                                    \
        if (!record_enter())                                                           \
            return real(args);                                                         \
        record_free(CALL_##name, SITE);                                                \
        int rc = real(args);                                                           \
        record_done();                                                                 \
        record_leave();                                                                \
        return rc;                                                                     \
    }

FLUSH(Win_lock_all, P(int assert_, MPI_Win win), P(assert_, win))
FLUSH(Win_unlock, P(int rank, MPI_Win win), P(rank, win))
FLUSH(Win_unlock_all, P(MPI_Win win), P(win))
FLUSH(Win_flush, P(int rank, MPI_Win win), P(rank, win))
FLUSH(Win_flush_all, P(MPI_Win win), P(win))
FLUSH(Win_flush_local, P(int rank, MPI_Win win), P(rank, win))
FLUSH(Win_flush_local_all, P(MPI_Win win), P(win))
