/* record.h - what the wrappers write down of each MPI call (state.h has the format)
 *
 * No MPI here: handles are numbers, groups are lists of ranks in MPI_COMM_WORLD. So it
 * is tested without MPI, and compiled once for both.
 *
 * A wrapper's shape, where record_enter() said yes:
 *
 *     record_send(...);           before the call: blocked, counted
 *     rc = real(...);
 *     record_done();              after it: running
 *
 * Everything here costs a few stores; nothing allocates, calls the system, or touches
 * errno, record_attach() and record_comm() aside. What does not fit is marked as lost
 * (STATE_..._LOST), never dropped in silence.
 *
 * Threads. MPI's calls of one thread need no lock. As soon as the program has a second
 * thread that may call MPI (record_thread_begins), all that is written is written under
 * a lock; what the rank does now is then what the thread that called MPI_Init does, and
 * STATE_THREADS says that this is not all.
 */
#ifndef ROTA_GUARD_PRELOAD_RECORD_H
#define ROTA_GUARD_PRELOAD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/calls.h"
#include "guard/look.h"
#include "guard/state.h"

enum {
    RECORD_NOBODY = -1000, /* MPI_PROC_NULL */
    RECORD_ANY = -1001,    /* MPI_ANY_SOURCE, MPI_ANY_TAG */
};

extern bool record_on;              /* this process is a rank that is watched */
extern __thread int record_depth;   /* inside a wrapper: what MPI calls is its own */
extern __thread bool record_second; /* not the thread that has called MPI_Init */

/* Whether this call is to be written down; if so, record_leave() ends it. */
static inline bool record_enter(void)
{
    if (!record_on || record_depth != 0)
        return false;
    record_depth = 1;
    return true;
}

static inline void record_leave(void)
{
    record_depth = 0;
}

/* Take up the memory that the environment names, for this process and thread. Whether
 * there is one that nobody has taken yet. */
bool record_attach(void);
struct state *record_state(void);

/* Write down nothing more. */
void record_stop(void);

/* Use this memory instead (tests). */
void record_use(struct state *m);

/* MPI has promised MPI_THREAD_MULTIPLE. Without that no two threads are in MPI at once,
 * and none of what follows about threads matters. */
void record_multiple(void);

/* Threads other than MPI's own: one more (before it runs), one less. From any thread.
 */
void record_thread_begins(void);
void record_thread_ends(void);

/* ---- communicators, windows, files: all by handle ------------------------------- */

/* The identity of the object made by the collective call that this rank has begun last
 * on `parent`; `first` is the lowest world rank of the new object's members, by which
 * those made by one MPI_Comm_split differ. LOOK_UNKNOWN where parent's is. */
uint64_t record_child_id(uint64_t parent, int first);
/* The identity of one that its members alone make, each with the same `key`: how many
 * times this rank has done so with the same key counts. */
uint64_t record_group_id(uint64_t key);
uint64_t record_mix(uint64_t a, uint64_t b);

/* Remember `handle`: `local` members, then `remote` ones of the other group. `id`
 * LOOK_UNKNOWN forgets what the handle meant before. */
void record_comm(uint64_t handle, uint64_t id, const int *local, size_t local_count,
                 const int *remote, size_t remote_count);
/* The handle is void: what stands for it stays, as freed. */
void record_comm_freed(uint64_t handle);
/* Its identity, or LOOK_UNKNOWN. */
uint64_t record_comm_id(uint64_t handle);
/* How many members there are and who they are (borrowed); 0 if unknown. */
size_t record_comm_members(uint64_t handle, const int **members, size_t *local_count);

/* A call of all on it has failed at this rank: the others' may count or not. What is
 * done on it from now on by all is not followed any more. */
void record_comm_doubt(uint64_t handle);

/* ---- calls ----------------------------------------------------------------------- */

/* Blocked in `call`. Peers and tags as the caller named them (RECORD_...). */
void record_send(enum call call, void *site, uint64_t comm, int dest, int tag,
                 enum look_kind kind);
void record_recv(enum call call, void *site, uint64_t comm, int source, int tag,
                 enum look_kind kind);
void record_sendrecv(enum call call, void *site, uint64_t comm, int dest, int sendtag,
                     int source, int recvtag);
void record_collective(enum call call, void *site, uint64_t comm, int root,
                       enum look_collective kind, bool loose);
/* Waits for something of which nothing is known; or for `peer` (a world rank) to give a
 * lock back. */
void record_free(enum call call, void *site);
void record_lock(enum call call, void *site, uint64_t win, int peer);
void record_phase(enum call call, void *site, enum look_state now);

/* Back from it. */
void record_done(void);
/* Back from a receive or a matched probe that has taken a message: from whom, in the
 * numbering of its communicator, and its tag. */
void record_received(int source, int tag);
/* Something was achieved that no other function says: it counts as progress. */
void record_progress(enum call call, void *site);
/* A test of these requests (0: none) has found nothing; count 0: a test of something
 * else. Or a probe has. Neither is progress. */
void record_poll(enum call call, void *site, const uint64_t *requests, int count);
void record_poll_probe(enum call call, void *site, uint64_t comm, int source, int tag);
/* MPI_Improbe has taken a message. */
void record_took(uint64_t comm, int source, int tag);

/* ---- messages that stand for synchronisation between world ranks ---------------- */

void record_signal(uint64_t comm, int peer, int tag);       /* sent */
void record_signal_taken(uint64_t comm, int peer, int tag); /* received */
/* Begin to wait for signals, then for each of these, then blocked. Back from it, and
 * none was taken: they will be waited for again. */
void record_await_signals(void);
void record_await_signal(enum call call, void *site, uint64_t comm, int peer, int tag);
void record_await_blocks(enum call call, void *site);
void record_signal_left(int peer);

/* ---- requests ----------------------------------------------------------------------
 */

/* Begin an operation that gives a request: counted. To be finished by
 * record_posted(), with the request's handle, or STATE_NO_HANDLE where it failed. */
void record_post_send(enum call call, void *site, uint64_t comm, int dest, int tag,
                      enum look_kind kind, unsigned flags);
void record_post_recv(enum call call, void *site, uint64_t comm, int source, int tag,
                      unsigned flags);
void record_post_collective(enum call call, void *site, uint64_t comm, int root,
                            enum look_collective kind, bool loose);
void record_post_free(enum call call, void *site, unsigned flags);
/* Persistent collectives, the n-th of a communicator at all its members; and messages
 * of so many parts (MPI_Psend_init, MPI_Precv_init). */
void record_post_prepared(enum call call, void *site, uint64_t comm, int root,
                          enum look_collective kind, bool loose);
void record_post_parts(enum call call, void *site, uint64_t comm, int peer, int tag,
                       int parts);
void record_posted(uint64_t request);

/* Begin to wait for requests: then each of them, MPI_REQUEST_NULL left out; then
 * blocked. */
void record_wait_begin(enum call call, void *site, bool any);
/* As record_needs_status(). */
bool record_wait_for(uint64_t request);
void record_wait_blocks(void);

/* Does the operation's completion need a look at the status: its source or tag is not
 * known, or it may have been cancelled. */
bool record_needs_status(uint64_t request);
bool record_is_cancelled(uint64_t request); /* has been asked to be */

/* A request has completed (after record_done()): a receive, with this source and tag
 * (ignored where they are known). `cancelled`: nothing was received. */
void record_completed(uint64_t request, int source, int tag, bool cancelled);
void record_start(uint64_t request);            /* a persistent one, before MPI_Start */
void record_ready(uint64_t request, int parts); /* so many more, before MPI_Pready */
void record_cancel(uint64_t request);
void record_request_freed(uint64_t request);

/* ---- the program's own functions, which MPI calls ---------------------------------
 */

/* What the call knew that one of them has interrupted. */
struct record_aside {
    bool began;
    uint64_t epoch; /* as it began: unchanged if it has called nothing */
    enum look_state now;
    enum call call;
    void *site;
    struct state_op posting;
    struct state_op own[STATE_OWN];
};

/* One of them begins: the rank runs, and what it calls is written down. False: this
 * thread is in no call that is written down, and there is nothing to do. */
bool record_aside_begin(struct record_aside *aside);
/* It is over: back in the call; of which, if MPI was called meanwhile, it is no longer
 * known what it waits for. */
void record_aside_end(const struct record_aside *aside);

/* Something happened that can't be followed. */
void record_lost(unsigned flags);

#endif
