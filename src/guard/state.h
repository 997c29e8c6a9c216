/* state.h - the memory that a rank's MPI calls share with its parent (version 2)
 *
 * A memfd, made by the parent before the rank is started; its descriptor's number
 * stands in the environment's ROTA_GUARD_STATE. The preload library (preload/) writes
 * it; the parent reads it, whenever it likes, while the rank runs and after its end.
 * Both are on one machine and of one version (magic), so it is a struct.
 *
 *      head      who the rank is, what it does now                    (struct state)
 *      ops       requests under way, and places for more between them
 *      flows     messages counted by communicator, peer and tag, in the order in which
 *                they came
 *      comms     communicators, windows and files, in the order in which they came
 *      members   their groups, as ranks in MPI_COMM_WORLD
 *
 * Invariants:
 *   1. `epoch` changes after the entry to every call that may block, after the return
 * from it, and with every other call that achieves something.
 *   2. `now` is BLOCKED from before the call into MPI until after the return from it,
 * and while it is, nothing here changes: all that belongs to it stands before it is
 * set, and it is set back before anything is counted. So who has seen BLOCKED, and then
 *      the same epoch and BLOCKED again, has read in between what belongs together.
 *   3. `sent` of a flow is raised before the call that sends, `received` after the one
 *      that has received.
 *   4. Nothing is ever taken out of `flows`. When it is full, each pair of communicator
 *      and peer is counted as one from then on (tag LOOK_OTHER, STATE_COARSE).
 *   5. A communicator that was freed stays until its place is needed; then
 *      STATE_CALLS_LOST is set.
 *   6. A rank that runs may be caught at any instruction of writing, and stay there for
 *      long. So what is read of it must be whole in itself: counts are words; a past
 *      call's `index` is 0 and a communicator's `id` LOOK_UNKNOWN while the rest of
 * them is written. Nothing else is believed of a rank that runs.
 *
 * No time is written: it would cost more than all the rest. The parent looks often, and
 * knows since when an epoch has stood still.
 */
#ifndef ROTA_GUARD_STATE_H
#define ROTA_GUARD_STATE_H

#include <stdint.h>

#define STATE_MAGIC      UINT32_C(0x32534752) /* "RGS2" */
#define STATE_VARIABLE   "ROTA_GUARD_STATE"
#define STATE_WORLD      UINT64_C(0x524f5441574f524c) /* MPI_COMM_WORLD's identity */
#define STATE_SELF(rank) (STATE_WORLD + 1 + (uint64_t)(rank)) /* MPI_COMM_SELF's */
#define STATE_NO_HANDLE  UINT64_MAX

enum {
    STATE_OPS = 8192,
    STATE_FLOWS = 8192,
    STATE_COMMS = 1024,
    STATE_MEMBERS = 1 << 17,
    STATE_PAST = 4, /* collectives remembered, of each communicator */
    STATE_OWN = 2,  /* operations of one blocking call: MPI_Sendrecv has two */
    /* Instead of how many: the one that is awaited, and nothing else, is */
    STATE_OWN_FLOW = 0xffff, /* a message of the flow at `own_place`, by `call`, */
    STATE_OWN_OP = 0xfffe,   /* or the request at `own_place` */
    STATE_TRACE = 16384,
    STATE_STACK = 64,
};

/* Flags of the whole. */
enum {
    STATE_THREADS = 1 << 0,     /* another thread may call MPI too */
    STATE_OPS_LOST = 1 << 1,    /* `ops` was too small, or one can't be followed */
    STATE_COUNTS_LOST = 1 << 2, /* a message was not counted */
    STATE_CALLS_LOST = 1 << 3,  /* a collective was not counted */
    STATE_COARSE = 1 << 4,      /* `flows` without tags */
    STATE_ANY = 1 << 5,         /* one of those awaited is enough */
    STATE_FREE = 1 << 6, /* something else is awaited, of which nothing is known */
    STATE_INITIALIZED = 1 << 7, /* MPI_Init has returned */
    STATE_STRANGER = 1 << 8,    /* MPI says another rank or size than the launcher */
    STATE_HANDLER = 1 << 9,     /* the parent's signal will be answered */
    STATE_FINALIZED = 1 << 10,  /* MPI_Finalize has returned */
    STATE_ABORTED = 1 << 11,    /* MPI_Abort has been called */
};

/* Flags of an operation. */
enum {
    STATE_OP_LOOSE = 1 << 0,
    STATE_OP_NONBLOCKING = 1 << 1,
    STATE_OP_PERSISTENT = 1 << 2,
    STATE_OP_ACTIVE = 1 << 3,
    STATE_OP_CANCELLED = 1 << 4, /* asked to be */
    /* Its communicator, peer and tag are those of the flow at `place`: they are not
     * written here, to spare the time. */
    STATE_OP_FLOW = 1 << 5,
    /* MPI_Psend_init: of `place` parts; LOOK_OWN as long as `index` are not ready. */
    STATE_OP_PARTS = 1 << 6,
};

struct state_op {
    uint64_t handle;  /* the request's; 0, or no flags: no operation stands here */
    uint64_t order;   /* greater than that of the requests posted before */
    uint64_t comm;    /* identity, LOOK_UNKNOWN included */
    uint64_t index;   /* as struct look_op has it */
    uint64_t site;    /* return address */
    uint64_t awaited; /* equal to the head's `waits`: the present call waits for it */
    int32_t peer;
    int32_t tag;
    int32_t root;
    int32_t place; /* of the communicator in `comms`; or STATE_OP_FLOW: in `flows` */
    uint16_t call;
    uint8_t kind;       /* enum look_kind */
    uint8_t collective; /* enum look_collective */
    uint32_t flags;
};

struct state_flow {
    uint64_t comm; /* 0: no flow stands here */
    int32_t peer;
    int32_t tag;
    uint64_t sent;
    uint64_t received;
};

struct state_past {
    uint64_t index; /* 0: none */
    uint64_t site;
    int32_t root;
    uint16_t call;
    uint8_t collective;
    uint8_t nonblocking;
};

enum {
    STATE_COMM_FREED = 1 << 0,  /* by this rank */
    STATE_COMM_DOUBT = 1 << 1,  /* a call of all has failed: did it count? */
    STATE_COMM_SHARED = 1 << 2, /* its members stand for another one too */
};

struct state_comm {
    uint64_t id;
    uint64_t handle;
    uint64_t begun; /* collectives */
    uint64_t inits; /* persistent collectives made */
    uint32_t first; /* of its members; first the local group, */
    uint32_t local; /* so many, */
    uint32_t count; /* and then an intercommunicator's remote one: so many in all */
    uint32_t flags;
    struct state_past past[STATE_PAST];
};

struct state {
    uint32_t magic;
    uint32_t size_bytes; /* of the whole */
    int32_t rank;        /* by the launcher; written by the parent */
    int32_t size;
    int32_t pid; /* of the process that has called MPI_Init; 0: none has */
    int32_t tid; /* its thread */

    /* All that a message changes here is in one line of the cache. */
    uint64_t epoch;
    union {
        struct {
            uint32_t now;       /* enum look_state, of LOOK_RUNNING to LOOK_FINALIZED */
            uint16_t call;      /* in it, or the last that was worth noting */
            uint16_t own_count; /* of own; or STATE_OWN_FLOW, STATE_OWN_OP */
        };
        uint64_t doing; /* the three at once */
    };
    uint64_t site;
    uint32_t own_place;
    uint32_t flags; /* STATE_... */

    uint64_t polls;     /* tests and probes that found nothing */
    uint64_t fruitless; /* changes of the epoch that these alone have made */
    uint64_t waits;     /* counts calls that block; what awaits is marked with it */
    uint64_t order;     /* of the operation posted last */
    uint32_t comm_count;
    uint32_t member_count;
    uint32_t flow_count;
    uint32_t op_places; /* all that are under way are before this place in ops */
    struct state_op own[STATE_OWN]; /* what the call itself does, and awaits */

    struct state_op ops[STATE_OPS];
    struct state_flow flows[STATE_FLOWS];
    struct state_comm comms[STATE_COMMS];
    int32_t members[STATE_MEMBERS];

    /* What the parent asks for by a signal, and the answer (preload/answer.c). */
    uint32_t asked;    /* bits: STATE_ASK_... */
    uint32_t answered; /* those done */
    uint32_t trace_bytes;
    uint32_t stack_count;
    uint64_t stack[STATE_STACK]; /* return addresses, the innermost first */
    char trace[STATE_TRACE];
};

enum {
    STATE_ASK_TRACE = 1 << 0, /* the stack into `stack`, Python's into `trace` */
    STATE_ASK_FLUSH = 1 << 1, /* standard output and error */
    STATE_ASK_STAY = 1 << 2,  /* never go on: what comes now is the end */
};

#endif
