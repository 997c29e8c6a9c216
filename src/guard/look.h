/* look.h - what is seen of all ranks of an MPI program at one moment
 *
 * The material of which verdict.h makes its verdict: plain data, filled in by whoever
 * has read the ranks' shared memory. All ranks are numbers in MPI_COMM_WORLD.
 *
 * For a verdict that is a proof, the following must be so. Where one can't be kept,
 * the field that says so (`threads`, `ops_lost`, `counts_lost`, ...) must be set: then
 * the verdict is more careful.
 *
 *  1. All states were read first, and all epochs again after that. `steady` says that a
 *     rank's epoch was the same both times; it changes at the entry to and at the exit
 *     from every MPI call. So the states of all steady ranks held at one moment. Of a
 *     rank that polls it says instead that it was still polling, with the same
 *     `progress_ns`. What a rank that has left wrote down was read after its end.
 *     (Counts only grow, so what was read of different ranks may be of different
 * moments; but what one rank does, and what it has counted, must be of one.)
 *  2. A rank writes down what it is about to do (its operations, its counts) before it
 *     calls MPI, and that it has come back after that. So a message is counted as sent
 *     before it can arrive, and as received only after it has been.
 *  3. `ops` has all operations that the rank has begun and not seen the end of, in the
 *     order in which they were posted, and at the end the one that it is blocked in. A
 *     receive whose request was freed or cancelled stays here for ever, or `ops_lost`
 * is set: a sender may have met it.
 *  4. `flows` counts every message once it is sent (all modes, MPI_PROC_NULL left out)
 *     and once it is received: by its real source and tag, when its receive has been
 * seen to complete, or when it has been taken by MPI_Mprobe or MPI_Improbe.
 *  5. `calls` counts the collective operations begun on each communicator, nonblocking
 *     ones and the present one included. None may vanish: one whose communicator was
 *     freed stays, or `calls_lost` is set. Not listed means 0.
 *  6. A communicator's id is the same at all its members and no other's. Where this
 *     can't be known the id is LOOK_UNKNOWN.
 *
 * Synchronisation by messages under another name (MPI_Win_post and MPI_Win_start,
 * MPI_Win_complete and MPI_Win_wait) is given as messages on a communicator whose id is
 * the window's; partitioned communication, on one whose id is derived from its own.
 */
#ifndef ROTA_GUARD_LOOK_H
#define ROTA_GUARD_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define LOOK_ANY     (-1) /* any source, any tag */
#define LOOK_NONE    (-2) /* no root */
#define LOOK_OTHER   (-3) /* a flow's tag: all tags that have no flow of their own */
#define LOOK_UNKNOWN 0    /* a communicator's id */

enum look_state {
    LOOK_UNSEEN,     /* nothing is known of it: it may do anything */
    LOOK_RUNNING,    /* outside MPI, or in a call that waits for nobody */
    LOOK_BLOCKED,    /* in a call that returns when the awaited `ops` allow it */
    LOOK_POLLING,    /* its last call was a test or a probe that found nothing */
    LOOK_FINALIZING, /* in MPI_Finalize */
    LOOK_FINALIZED,  /* has come back from it */
    LOOK_GONE,       /* the process has ended: `how` */
};

enum look_how {
    LOOK_EXITED, /* with status `how_code` */
    LOOK_KILLED, /* by signal `how_code` */
};

enum look_kind {
    LOOK_RECV,
    LOOK_PROBE,      /* MPI_Probe, MPI_Mprobe: a message that it does not take */
    LOOK_SSEND,      /* synchronous: needs a receive */
    LOOK_SEND,       /* standard, ready or buffered: may complete without a receive */
    LOOK_COLLECTIVE, /* also construction of communicators, windows and files */
    LOOK_LOCK, /* needs `peer` to give back what it holds: not sure, never proof */
    LOOK_OWN,  /* needs another call of the rank itself (MPI_Pready, say) */
    LOOK_FREE, /* may end whatever the others do: all that fits nowhere else */
};

/* Who is needed: verdict.c has the table. */
enum look_collective {
    LOOK_BARRIER,
    LOOK_BCAST,
    LOOK_REDUCE,
    LOOK_GATHER,
    LOOK_GATHERV,
    LOOK_SCATTER,
    LOOK_SCATTERV,
    LOOK_ALLREDUCE,
    LOOK_ALLGATHER,
    LOOK_ALLGATHERV,
    LOOK_ALLTOALL,
    LOOK_ALLTOALLV,
    LOOK_ALLTOALLW,
    LOOK_REDUCE_SCATTER,
    LOOK_REDUCE_SCATTER_BLOCK,
    LOOK_SCAN,
    LOOK_EXSCAN,
    LOOK_NEIGHBOR,  /* all of that family */
    LOOK_CONSTRUCT, /* a communicator, window or file: all members must come */
    LOOK_RELEASE,   /* MPI_Comm_free, MPI_Comm_disconnect, MPI_File_close */
    LOOK_FENCE,     /* also MPI_Win_free */
    LOOK_FILE,      /* collective reads and writes */
    LOOK_INIT,
    LOOK_COLLECTIVES, /* how many there are */
};

/* Where in the source; either may be missing (0, NULL). */
struct look_site {
    uint64_t address; /* return address in the program */
    const char *text; /* "ring.c:17", borrowed: outlives the look */
};

struct look_op {
    enum look_kind kind;
    bool awaited; /* the call that the rank is in waits for it */
    /* LOOK_COLLECTIVE: it may complete though not all that its kind needs have come:
     * no data, a count of 0 for somebody, a fence with MPI_MODE_NOPRECEDE. */
    bool loose;
    uint64_t comm;
    int peer; /* source (or LOOK_ANY), destination, holder */
    int tag;  /* or LOOK_ANY */
    /* Sends: the how-manieth with its communicator, destination and tag, from 1, this
     * one included. Collectives: the how-manieth of all on its communicator, from 1. */
    uint64_t index;
    enum look_collective collective;
    int root;           /* or LOOK_NONE; on intercommunicators always LOOK_NONE */
    bool nonblocking;   /* MPI_Ibcast and the like: never meets MPI_Bcast */
    int64_t size_bytes; /* of the message; -1: not known */
    const char *call;   /* "MPI_Irecv": what began it; borrowed, never NULL */
    struct look_site site;
};

/* Messages between this rank and `peer`. One of each (comm, peer, tag), LOOK_OTHER
 * included. */
struct look_flow {
    uint64_t comm;
    int peer;
    int tag; /* or LOOK_OTHER */
    uint64_t sent;
    uint64_t received;
};

/* Collectives begun on a communicator. */
struct look_calls {
    uint64_t comm;
    uint64_t begun;
};

/* A collective that the rank has been in before: the last few, in any order, or none.
 * Wanted for mismatches whose one side has passed. */
struct look_past {
    uint64_t comm;
    uint64_t index;
    enum look_collective collective;
    bool nonblocking;
    int root;
    const char *call;
    struct look_site site;
};

struct look_rank {
    enum look_state state;
    bool steady;  /* rule 1; set for LOOK_GONE */
    bool any;     /* one awaited operation is enough (MPI_Waitany, MPI_Waitsome) */
    bool threads; /* several threads may be in MPI at once (MPI_THREAD_MULTIPLE) */
    /* More operations are under way than `ops` has; of those awaited, too. */
    bool ops_lost;
    bool counts_lost; /* `flows` is not complete */
    bool calls_lost;  /* `calls` is not complete */
    bool initialized; /* MPI_Init has returned */
    bool finalized;   /* LOOK_GONE: MPI_Finalize had returned */
    enum look_how how;
    int how_code;
    int64_t since_ns;    /* when it came into this state */
    int64_t progress_ns; /* when a call of it last achieved something */
    const char
        *call; /* the call that it is in or was in last, "MPI_Waitall"; or NULL */
    struct look_site site;
    const char *host; /* or NULL */
    int pid;          /* or 0 */
    struct look_op *ops;
    size_t op_count;
    struct look_flow *flows;
    size_t flow_count;
    struct look_calls *calls;
    size_t calls_count;
    struct look_past *past;
    size_t past_count;
};

struct look_comm {
    uint64_t id;
    const char *name; /* "MPI_COMM_WORLD", or NULL */
    /* Processes outside of this look are members (MPI_Comm_spawn, MPI_Comm_connect), or
     * not all members are known. */
    bool open;
    int *members; /* in the order of their ranks in it; of an intercommunicator both
                     groups, one after the other, */
    size_t member_count;
    size_t local_count; /* and how many of them are the first group; else all */
};

struct look {
    int64_t now_ns;
    int size;
    struct look_rank *ranks; /* `size` of them */
    struct look_comm *comms; /* a communicator that is missing here counts as open */
    size_t comm_count;
};

/* *out has `size` ranks, of which nothing is known, and no communicators; it is the
 * caller's: look_free(). Fails with ROTA_E_ARG or ROTA_E_NOMEM. */
int look_new(int size, struct look **out);
void look_free(struct look *l);
ROTA_AUTO_DEFINE(look, struct look *, look_free);

/* Forget what was seen of all ranks, and the communicators. */
void look_clear(struct look *l);

/* Make room for one more, all zero, which the caller fills in: or NULL, memory is
 * short. Pointers to earlier ones of the same list are void then. */
struct look_op *look_add_op(struct look_rank *r);
struct look_flow *look_add_flow(struct look_rank *r);
struct look_calls *look_add_calls(struct look_rank *r);
struct look_past *look_add_past(struct look_rank *r);

/* A new communicator of `count` members, the first `local_count` of which are the first
 * group of an intercommunicator (else: all). Copied. Fails with ROTA_E_NOMEM. */
int look_add_comm(struct look *l, uint64_t id, const char *name, const int *members,
                  size_t count, size_t local_count);

/* The communicator `id`, or NULL. */
const struct look_comm *look_find_comm(const struct look *l, uint64_t id);

#endif
