/* fault.h - calls that fail because somebody wants to see what comes of it
 *
 *     ROTA_FAULT=store.commit:3              the third commit of each process
 *     ROTA_FAULT=store.commit:3+             and all that follow
 *     ROTA_FAULT=store.write:1+=ENOSPC       by this errno, and not the point's own
 *     ROTA_FAULT=alloc:17@rank1,send:2       in rank 1 alone; and a second one
 *     ROTA_FAULT=alloc:?                     none; but each says where it comes from
 *     ROTA_FAULT=alloc:2/4f3a9c01            the second of those that come from there
 *
 * Where a call comes from is a number (origin.h). With it every way to a point can be
 * let fail, once each, without counting thousands of calls that differ in nothing.
 *
 * A process counts for itself, from fault_arm() on; a fork goes on with its parent's
 * count. Places are "front" (what a person started, and the children that it forks),
 * "parentN" and "rankN" (the process above a rank, and the rank itself, with its
 * nursery and their children). A fault says on standard error that it has struck, in
 * a line that begins with "rota: fault "; so nobody who left the variable set wonders.
 *
 * In the code a point is one word where the call is:
 *
 *     if (fault(FAULT_LISTEN) || listen(s, 1024) != 0)
 *
 * This is the one state in the house that hangs on no handle: a point stands in places
 * that have none, and unset it must cost no more than a look at one variable.
 */
#ifndef ROTA_BASE_FAULT_H
#define ROTA_BASE_FAULT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "rota.h"

/* Each with its name, its errno unless another is wanted, and what it stands for. */
#define FAULT_POINTS(X)                                                                \
    X(ALLOC, "alloc", ENOMEM, "malloc and its kin, of Rota's own code")                \
    X(SPAWN, "spawn", EAGAIN,                                                          \
      "posix_spawn, fork or clone: a task, a rank, the launcher")                      \
    X(PIPE, "pipe", EMFILE, "pipe or socketpair")                                      \
    X(SHARED, "shared", ENOMEM, "memory that processes share")                         \
    X(LISTEN, "listen", EADDRNOTAVAIL,                                                 \
      "where the liveness lines come in, and the desk")                                \
    X(ACCEPT, "accept", EMFILE, "a line's, or a visitor's, connection")                \
    X(CONNECT, "connect", ECONNREFUSED, "a line to the hub")                           \
    X(LINE, "line", ECONNRESET, "a send on a line")                                    \
    X(SEND, "send", EIO, "a frame handed to MPI")                                      \
    X(THREAD, "thread", EAGAIN, "pthread_create")                                      \
    X(OUTPUT, "output.write", EIO, "what tasks wrote, to standard output or error")    \
    X(SPOOL, "spool.write", ENOSPC, "outputs that wait on disk")                       \
    X(JOBLOG, "joblog.write", ENOSPC, "a line of --joblog")                            \
    X(RESULTS, "results.write", ENOSPC, "a file of --results")                         \
    X(COMMIT, "store.commit", EIO, "a group of records, as a whole")                   \
    X(WRITE, "store.write", ENOSPC, "a write to the run file or its journal")          \
    X(SYNC, "store.sync", EIO, "a sync of one")

enum fault_point {
#define FAULT_ENUM(name, word, error, what) FAULT_##name,
    FAULT_POINTS(FAULT_ENUM)
#undef FAULT_ENUM
    FAULT_COUNT
};

extern bool fault_armed;

/* Whether this call is to fail, which is counted; errno is then set. */
bool fault_strike(enum fault_point point);

static inline bool fault(enum fault_point point)
{
    return __builtin_expect(fault_armed, 0) && fault_strike(point);
}

/* Heed ROTA_FAULT, in this `place`. Fails with ROTA_E_ARG where it makes no sense. */
int fault_arm(const char *place, struct rota_error *err);

/* For tests: the n-th call at `point` from now on (1: the next) fails with `error`, and
 * so do all after it where `stays`; nothing is said. 0: none. */
void fault_set(enum fault_point point, int64_t n, bool stays, int error);

/* Whether it has. */
bool fault_has_struck(enum fault_point point);

#endif
