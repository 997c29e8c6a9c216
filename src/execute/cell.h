/* cell.h - the memory that a rank shares with the child of one of its slots
 *
 *     rank --- trays: tasks ----------------> child
 *          <-- ring: results, and how far it is
 *
 * Tasks go in trays, a batch or a part of one in each, which are filled, claimed and
 * emptied in turn:
 *
 *     EMPTY --rank fills--> FULL --child claims--> CLAIMED --child is through--> EMPTY
 *                            |
 *                            +--rank takes it back--> EMPTY
 *
 * A task larger than a tray goes in parts, each in a tray of its own. Results are
 * records of parcel.h in a ring of bytes, mapped twice one behind the other so that
 * none is ever cut in two; one that is larger than the ring flows through it.
 *
 * The child says how far it is by counters that count from its life's beginning. A
 * result counts once `done` says so. Before a task's function is called `begun` is one
 * ahead of `done`: when the child ends, that is the task which it ended in. Results
 * get their times in groups (pace.h); `timed` says how many have them. One that is
 * taken earlier, since the group came to a long task or to an end, has a time of 0.
 *
 * A child has a number, its life. It begins when `go` has reached that number: when
 * the rank has seen to what the life before has left, and has set all of this to 0.
 *
 * Who waits sleeps on a bell. It says so (asleep), looks once more, and then sleeps;
 * the other side changes what is waited for, and then looks whether somebody sleeps.
 *
 * What the child writes may be nonsense, if a function of the user's writes where it
 * should not: the rank believes nothing that it reads here, and keeps its own copy of
 * what it wrote. What the rank and the nursery say to each other, the child can't
 * write.
 */
#ifndef ROTA_EXECUTE_CELL_H
#define ROTA_EXECUTE_CELL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "rota.h"

enum {
    CELL_TRAYS = 4,
    CELL_TRAY_BYTES = 256 * 1024,
    CELL_RING_BYTES = 1024 * 1024,
    CELL_LINE = 64,    /* a cache line: what one side writes does not share it */
    CELL_PAGE = 65536, /* what can be protected alone: the largest page of Linux */
};

enum tray_state {
    TRAY_EMPTY,
    TRAY_FULL,
    TRAY_CLAIMED,
};

struct cell_tray {
    _Alignas(CELL_LINE) _Atomic uint32_t state;
    uint32_t attempt;
    uint64_t first; /* number of the first task in it */
    uint32_t count; /* whole records in it; 0: a part of one */
    uint32_t bytes;
    uint64_t offset; /* of the part in its record */
    uint64_t whole;  /* the record's size */
};

struct cell {
    /* The rank's. */
    _Alignas(CELL_LINE) _Atomic uint32_t go;
    _Atomic uint32_t bell;
    _Atomic uint64_t taken; /* bytes of results */

    /* The nursery's. */
    _Alignas(CELL_LINE) _Atomic uint32_t ended; /* the last life that is over */
    int status;                                 /* as waitpid() tells it */
    int64_t ended_ns;
    _Alignas(CELL_LINE) unsigned char rest[CELL_PAGE - 2 * CELL_LINE];

    /* The child's, which can write nothing above. Who wakes it clears `asleep`. */
    _Alignas(CELL_LINE) _Atomic uint32_t asleep;
    _Alignas(CELL_LINE) _Atomic uint32_t rung; /* so often it wanted results taken */
    _Atomic uint64_t begun;                    /* tasks */
    _Atomic uint64_t done;                     /* tasks */
    _Atomic uint64_t written;                  /* bytes of results */
    _Atomic uint64_t timed;                    /* tasks */
    _Atomic uint64_t timed_bytes;
    _Atomic int64_t group_ns;    /* when the tasks behind `timed` were begun */
    _Atomic int64_t deadline_ns; /* of the task that it is in; 0: none */

    struct cell_tray trays[CELL_TRAYS];
};

/* Where the rank sleeps, one for all slots. */
struct cell_front {
    _Alignas(CELL_LINE) _Atomic uint32_t asleep;
    _Atomic uint32_t bell;
};

/* The memory of all slots. */
struct cells {
    unsigned char *memory;
    size_t bytes;
    int slots;
};

/* Map it. Fails with ROTA_E_IO or ROTA_E_NOMEM. */
int cells_map(struct cells *c, int slots, struct rota_error *err);

/* Unmap it. All zeros are accepted. */
void cells_unmap(struct cells *c);

/* In the child of `slot`: give up what is not the child's. */
void cells_become(const struct cells *c, int slot);

struct cell_front *cells_front(const struct cells *c);
struct cell *cells_at(const struct cells *c, int slot);

/* The bytes of a tray, and those of the ring. */
unsigned char *cell_tray_bytes(struct cell *c, unsigned tray);
unsigned char *cell_ring(struct cell *c);

static inline size_t cell_ring_at(uint64_t position)
{
    return (size_t)(position % CELL_RING_BYTES);
}

/* What was waited for is there: wake the child; the rank. */
void cell_wake(struct cell *c);
void cell_front_wake(struct cell_front *f);

#endif
