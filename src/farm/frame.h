/* frame.h - what the manager and its workers say to each other
 *
 * Each frame is one message under FRAME_TAG: a MessagePack array that begins with
 * the version, which is 1, and the kind. All numbers are unsigned.
 *
 *     HELLO   worker -> manager   [1, 1, slots]
 *     START   manager -> worker   [1, 2, task, attempt, [word, ...]]
 *     ENDED   worker -> manager   [1, 3, task, attempt, how, code, took_ns, out, err]
 *     FINISH  manager -> worker   [1, 4]
 *
 * Words and output are `bin`: any byte but, in words, 0. `how` is an enum
 * execute_how. A worker says HELLO first, and nothing after FINISH.
 */
#ifndef ROTA_FARM_FRAME_H
#define ROTA_FARM_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "execute/execute.h"

enum {
    FRAME_TAG = 1,
    FRAME_SLOTS_MAX = 1 << 20,
};

enum frame_kind {
    FRAME_HELLO = 1,
    FRAME_START = 2,
    FRAME_ENDED = 3,
    FRAME_FINISH = 4,
};

struct frame {
    enum frame_kind kind;
    int slots;                    /* HELLO */
    uint64_t task;                /* START */
    uint32_t attempt;             /* START */
    char *const *argv;            /* START: one block, NULL at the end */
    struct execute_result result; /* ENDED */
};

struct frame_bytes {
    void *data; /* the caller's: free() */
    size_t size;
};

/* Fails with ROTA_E_NOMEM. */
int frame_write(const struct frame *f, struct frame_bytes *out);

/* Read `size` bytes that came from a peer, who may send anything. *out is the
 * caller's: frame_done(). Fails with ROTA_E_FORMAT or ROTA_E_NOMEM. */
int frame_read(const void *data, size_t size, struct frame *out);

/* Free what `f` holds. NULL is accepted. */
void frame_done(struct frame *f);

static inline void frame_auto_(struct frame *f)
{
    frame_done(f);
}

static inline void frame_bytes_auto_(struct frame_bytes *b)
{
    free(b->data);
}

#endif
