/* letter.h - what the manager and its workers say to each other
 *
 * Each letter is one message under LETTER_TAG: a MessagePack array that begins with
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
#ifndef ROTA_FARM_LETTER_H
#define ROTA_FARM_LETTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "execute/execute.h"

enum {
    LETTER_TAG = 1,
    LETTER_SLOTS_MAX = 1 << 20,
};

enum letter_kind {
    LETTER_HELLO = 1,
    LETTER_START = 2,
    LETTER_ENDED = 3,
    LETTER_FINISH = 4,
};

struct letter {
    enum letter_kind kind;
    int slots;                    /* HELLO */
    uint64_t task;                /* START */
    uint32_t attempt;             /* START */
    char *const *argv;            /* START: one block, NULL at the end */
    struct execute_result result; /* ENDED */
};

struct letter_bytes {
    void *data; /* the caller's: free() */
    size_t size;
};

/* Fails with ROTA_E_NOMEM. */
int letter_write(const struct letter *f, struct letter_bytes *out);

/* Read `size` bytes that came from a peer, who may send anything. *out is the
 * caller's: letter_done(). Fails with ROTA_E_FORMAT or ROTA_E_NOMEM. */
int letter_read(const void *data, size_t size, struct letter *out);

/* Free what `f` holds. NULL is accepted. */
void letter_done(struct letter *f);

static inline void letter_auto_(struct letter *f)
{
    letter_done(f);
}

static inline void letter_bytes_auto_(struct letter_bytes *b)
{
    free(b->data);
}

#endif
