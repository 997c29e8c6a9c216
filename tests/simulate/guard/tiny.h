/* tiny.h - a tiny MPI: what a standard-conforming one may do, step by step
 *
 * Ranks play short programs. Whatever may happen in one order or another is a move of
 * its own: a rank enters a call (and writes down what it is about to do), the call
 * takes effect, is completed, the rank leaves it (and writes that down); a message
 * arrives, is buffered; a rank is killed. All state is in one struct without pointers,
 * which can be copied, so that every continuation of a moment can be tried.
 */
#ifndef ROTA_TESTS_SIMULATE_GUARD_TINY_H
#define ROTA_TESTS_SIMULATE_GUARD_TINY_H

#include <stdbool.h>
#include <stdint.h>

#include "guard/look.h"

enum {
    RANKS_MOST = 4,
    STEPS_MOST = 16,
    REQUESTS_MOST = STEPS_MOST,
    MESSAGES_MOST = RANKS_MOST * STEPS_MOST,
    COMMS = 3, /* 0 is MPI_COMM_WORLD */
    TAGS = 3,
    MOVES_MOST = RANKS_MOST * 2 + MESSAGES_MOST * 3,
};

enum act {
    ACT_COMPUTE,
    ACT_SEND, /* blocking, and then the same without blocking */
    ACT_SSEND,
    ACT_RECV,
    ACT_COLLECTIVE,
    ACT_OTHER, /* an operation that ends when it likes */
    ACT_ISEND,
    ACT_ISSEND,
    ACT_IRECV,
    ACT_ICOLLECTIVE,
    ACT_IOTHER,
    ACT_PROBE,
    ACT_WAITALL, /* for all requests that are active */
    ACT_WAITANY,
    ACT_POLL_PROBE, /* MPI_Iprobe until it finds something */
    ACT_POLL_TEST,  /* MPI_Testany until something has ended */
    ACT_FINALIZE,
    ACT_EXIT,
};

struct step {
    enum act act;
    int peer; /* or LOOK_ANY */
    int comm;
    int tag; /* or LOOK_ANY */
    enum look_collective collective;
    int root;
    bool loose;
};

struct program {
    int ranks;
    bool members[COMMS][RANKS_MOST];
    struct step steps[RANKS_MOST][STEPS_MOST]; /* end with ACT_EXIT */
    bool mortal;                               /* ranks may be killed */
    bool stingy;    /* this MPI buffers nothing, and MPI_Finalize waits for all, */
    bool closed;    /* and its collectives need everybody */
    bool wildcards; /* LOOK_ANY occurs */
    bool polls;
};

enum phase {
    OUTSIDE,
    ENTERED, /* has written down that it enters the call */
    INSIDE,  /* the call has taken effect */
    LEAVING, /* it has been completed, which has not been written down */
};

struct request {
    enum look_kind kind;
    int comm;
    int peer;
    int tag;
    enum look_collective collective;
    int root;
    bool loose;
    bool nonblocking;
    bool awaited;
    uint64_t index;
    bool posted; /* not only written down */
    int message; /* what was sent, or has been received; -1: none yet */
    bool ended;  /* completed by the call that is being left */
};

enum where {
    NOT_SENT,
    TRANSIT,
    ARRIVED, /* and meets no receive */
    TAKEN,
    LOST,
};

struct message {
    int from;
    int to;
    int comm;
    int tag;
    enum where where;
    bool synchronous;
    bool buffered;
    int arrival; /* the how-manieth to arrive */
};

struct process {
    enum phase phase;
    int pc;
    enum look_state state; /* as it is written down */
    bool any;
    bool finalized;
    bool killed;
    int requests;
    struct request request[REQUESTS_MOST];
};

/* What decides about the future. */
struct mpi {
    struct process process[RANKS_MOST];
    int messages;
    struct message message[MESSAGES_MOST];
    int arrivals;
    int entered[COMMS][RANKS_MOST]; /* collectives that have taken effect */
    /* As it is written down. */
    int begun[COMMS][RANKS_MOST];
    int sent[RANKS_MOST][RANKS_MOST][COMMS][TAGS];     /* from, to */
    int received[RANKS_MOST][RANKS_MOST][COMMS][TAGS]; /* by, from */
};

enum move_kind {
    MOVE_RANK,   /* one phase further */
    MOVE_KILL,   /* rank */
    MOVE_ARRIVE, /* message */
    MOVE_BUFFER, /* message */
    MOVE_LOSE,   /* message, of a killed rank */
};

struct move {
    enum move_kind kind;
    int which;
};

void mpi_start(struct mpi *m, const struct program *p);

/* All that may happen next. A rank that polls for what is not there has no move. */
int mpi_moves(const struct mpi *m, const struct program *p, struct move *moves);

void mpi_make(struct mpi *m, const struct program *p, struct move move);

/* Is it a move by which the rank completes the call that it is in, or one that it can't
 * make within a call? */
bool mpi_completes(const struct mpi *m, const struct program *p, struct move move,
                   int rank);

static inline const struct step *mpi_step(const struct mpi *m, const struct program *p,
                                          int rank)
{
    return &p->steps[rank][m->process[rank].pc];
}

/* A random program: mostly one that would end, with some mistakes. */
struct dice;
void program_draw(struct program *p, struct dice *d);

/* The one of a seed, as it can be played by a real MPI: all come to MPI_Finalize. */
void program_of_seed(struct program *p, uint64_t seed);

#endif
