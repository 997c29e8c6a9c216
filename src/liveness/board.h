/* board.h - the memory that a rank shares with its parent
 *
 * What the rank must know at every poll, and the parent after the rank's death,
 * costs neither of them a system call: the parent writes the fates of the other
 * ranks, the rank writes how many frames it has sent to each of them, and that it
 * would like to know what the others have sent to it.
 *
 * Invariants:
 *   1. `sent` of a peer is raised after the frame has been handed to MPI, never
 *      before, so that a dead rank's count promises no frame that cannot arrive.
 *   2. `due` of a peer stands before its `fate` does, and that before `epoch`
 *      changes: who has seen the new epoch sees the news.
 *   3. The parent alone writes epoch, fate and due; the rank alone sent, left and
 *      asked.
 *   4. `left` of a peer counts frames that are not there yet for no fault of this
 *      rank's: they have left it, or it has tried to have them leave for a second, and
 *      goes on trying.
 *
 * The memory is a memfd: nothing is left of it when both have ended.
 */
#ifndef ROTA_LIVENESS_BOARD_H
#define ROTA_LIVENESS_BOARD_H

#include <stdint.h>

#include "rota.h"

#define BOARD_DUE_UNKNOWN UINT64_MAX

struct board_peer {
    uint64_t fate; /* enum rota_how, and above it the code: read and written at once */
    uint64_t due;  /* frames that the peer, now gone, had sent to this rank; of one that
                      is there, those that had left it when it was asked */
    uint64_t sent; /* frames that this rank has sent to the peer */
    uint64_t left; /* those of them that have left it */
};

struct board {
    uint32_t epoch; /* changes with each piece of news; a futex */
    uint32_t size;
    uint32_t asked; /* how often the rank has asked what has left the others for it */
    struct board_peer peers[];
};

/* A descriptor (not closed at exec) for a board whose size is not known yet. */
int board_create(int *fd);

/* Map the board of `size` peers behind `fd`; where `fd` is -1, one that nobody
 * shares. Both sides give the same size; it grows the memory where needed.
 * Returns 0 and *out (board_unmap), or ROTA_E_IO. */
int board_map(int fd, int size, struct board **out);
void board_unmap(struct board *b);

/* The parent's side: tell the rank how `peer` is, and wake it. */
void board_post(struct board *b, int peer, struct rota_fate fate, uint64_t due);

/* The rank's side. */
static inline uint32_t board_epoch(const struct board *b)
{
    return __atomic_load_n(&b->epoch, __ATOMIC_ACQUIRE);
}

static inline struct rota_fate board_fate(const struct board *b, int peer)
{
    uint64_t fate = __atomic_load_n(&b->peers[peer].fate, __ATOMIC_ACQUIRE);
    return (struct rota_fate){.how = (enum rota_how)(uint32_t)fate,
                              .code = (int32_t)(fate >> 32)};
}

static inline uint64_t board_due(const struct board *b, int peer)
{
    return __atomic_load_n(&b->peers[peer].due, __ATOMIC_RELAXED);
}

static inline void board_count_sent(struct board *b, int peer)
{
    uint64_t sent = __atomic_load_n(&b->peers[peer].sent, __ATOMIC_RELAXED);
    __atomic_store_n(&b->peers[peer].sent, sent + 1, __ATOMIC_RELEASE);
}

/* All frames to the peer so far have left this rank, as far as it goes. */
static inline void board_count_left(struct board *b, int peer)
{
    uint64_t sent = __atomic_load_n(&b->peers[peer].sent, __ATOMIC_RELAXED);
    __atomic_store_n(&b->peers[peer].left, sent, __ATOMIC_RELEASE);
}

static inline uint64_t board_left(const struct board *b, int peer)
{
    return __atomic_load_n(&b->peers[peer].left, __ATOMIC_ACQUIRE);
}

/* Ask what has left the others for this rank. The parent sees it within a second, and
 * the answers come as news, by `due`. */
static inline void board_ask(struct board *b)
{
    __atomic_fetch_add(&b->asked, 1, __ATOMIC_RELEASE);
}

static inline uint32_t board_asked(const struct board *b)
{
    return __atomic_load_n(&b->asked, __ATOMIC_ACQUIRE);
}

/* Sleep until the epoch is no longer `seen`, or `timeout_ns` have passed. */
void board_sleep(const struct board *b, uint32_t seen, int64_t timeout_ns);

#endif
