/* memo.h - what the manager and its workers say to each other
 *
 * Each memo is one message under MEMO_TAG: a MessagePack array that begins with
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
#ifndef ROTA_FARM_MEMO_H
#define ROTA_FARM_MEMO_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "execute/execute.h"

enum {
    MEMO_TAG = 1,
    MEMO_SLOTS_MAX = 1 << 20,
};

enum memo_kind {
    MEMO_HELLO = 1,
    MEMO_START = 2,
    MEMO_ENDED = 3,
    MEMO_FINISH = 4,
};

struct memo {
    enum memo_kind kind;
    int slots;                    /* HELLO */
    uint64_t task;                /* START */
    uint32_t attempt;             /* START */
    char *const *argv;            /* START: NULL at the end */
    void *block;                  /* where argv was read: it, to be freed */
    struct execute_result result; /* ENDED */
};

struct memo_bytes {
    void *data; /* the caller's: free() */
    size_t size;
};

/* Fails with ROTA_E_NOMEM. */
int memo_write(const struct memo *f, struct memo_bytes *out);

/* Read `size` bytes that came from a peer, who may send anything. *out is the
 * caller's: memo_done(). Fails with ROTA_E_FORMAT or ROTA_E_NOMEM. */
int memo_read(const void *data, size_t size, struct memo *out);

/* Free what `f` holds. NULL is accepted. */
void memo_done(struct memo *f);

static inline void memo_auto_(struct memo *f)
{
    memo_done(f);
}

static inline void memo_bytes_auto_(struct memo_bytes *b)
{
    free(b->data);
}

#endif
