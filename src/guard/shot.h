/* shot.h - what a rank's parent tells of it when asked, as bytes (version 1)
 *
 * Written by the parent from the memory that it shares with its rank (state.h), read by
 * the monitor. Parents and monitor are the same program, on machines of one kind: the
 * numbers are as the machine has them, and a shot from another kind is refused by its
 * magic. All parts are multiples of 8 bytes long.
 *
 *     head       struct shot_head
 *     ops        head.ops times struct state_op, in the order of their posting;
 *                `awaited` is 1 or 0
 *     flows      head.flows times struct state_flow
 *     comms      head.comms times struct state_comm, `first` counting from the first
 *                of the members that follow
 *     members    head.members times int32, and 4 zero bytes where that is odd
 *
 * Pure, but for shot_take(), which reads memory that another process writes.
 */
#ifndef ROTA_GUARD_SHOT_H
#define ROTA_GUARD_SHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/look.h"
#include "guard/state.h"

#define SHOT_MAGIC UINT32_C(0x31544853) /* "SHT1" */

enum {
    SHOT_HOST_BYTES = 64,
    SHOT_MAX_BYTES = 4 << 20,
};

/* What the parent knows besides the memory. */
struct shot_head {
    uint32_t magic;
    int32_t rank;
    uint64_t look; /* the number of the look that asked */
    uint64_t epoch;
    uint32_t now;   /* enum look_state */
    uint32_t flags; /* STATE_... */
    int32_t how;    /* enum look_how, where the rank has gone */
    int32_t how_code;
    int32_t pid;
    uint32_t call;
    uint64_t site;
    int64_t since_ns;    /* ago, when it came into this state */
    int64_t progress_ns; /* ago, when it last got on */
    uint32_t ops;
    uint32_t flows;
    uint32_t comms;
    uint32_t members;
    char host[SHOT_HOST_BYTES]; /* ends with a NUL */
};

/* Write a shot of `s`, with what `head` says besides; in `head` are to be set: rank,
 * look, how, how_code, host, the times, and `now` where it is LOOK_GONE. On success
 * *out is the caller's, to be freed. Fails with ROTA_E_NOMEM. */
int shot_take(const struct state *s, const struct shot_head *head, unsigned char **out,
              size_t *size);

/* The head alone: epochs are wanted, nothing else. */
void shot_glance(const struct state *s, struct shot_head *head);

/* Read the shot in `size` bytes, which must be aligned for 8-byte numbers: *head is in
 * it. Fails with ROTA_E_FORMAT where it is none, or none of a run of `ranks`. */
int shot_check(const void *bytes, size_t size, int ranks,
               const struct shot_head **head);

/* Put a shot that was checked into `look`, at its rank. `coarse[r]` says whose flows
 * are without tags: they are then without tags at the other end too. `now_ns` is the
 * moment that the shot's times count back from. The shot must live as long as the look.
 */
int shot_put(const struct shot_head *shot, const bool *coarse, int64_t now_ns,
             struct look *look);

#endif
