/* wire.h - what the manager and its workers say to each other (version 3)
 *
 * Messages under two tags, WIRE_TO_WORKER and WIRE_TO_MANAGER. Each begins with a head
 * of 32 bytes; all integers are little-endian:
 *
 *    0   1  version
 *    1   1  kind
 *    2   2  0
 *    4   4  count
 *    8   8  lease
 *   16   8  first
 *   24   8  more
 *
 *   kind      count        lease         first       more       behind the head
 *   TASKS     of tasks     its number    task number attempt    task records
 *   DROP      of tasks     its number    task number 0          -
 *   FINISH    0            0             0           0          -
 *   HELLO     slots        functions'    0           0          its host's name
 *                          fingerprint
 *   RESULTS   of results   its number    task number ns in sum  result records
 *   RECALL    of tasks     its number    task number 0          -
 *   RETURNED  of tasks     its number    task number 0          -
 *   PART      1            its number    task number 0          bytes
 *   END       1            its number    task number 0          -
 *   SHUT      0            0             0           1, or 0    -
 *   LIMIT     0            0             0           ns         -
 *   INPUT     1            its number    task number 1, or 0    bytes
 *
 * DROP's tasks are not wanted; who has begun them may report them. RECALL asks for
 * tasks back: RETURNED are those that had not begun, and won't. No answer: there were
 * none. PART is what a task that goes on has to say before its result, in its kind's
 * own form; END asks to end such a task, as that can't be kept. By SHUT a worker wants
 * nothing more, until it says 0. LIMIT is how long a task may run that has no limit of
 * its own, those that run already too. INPUT is more for a task that goes on to read,
 * and with 1 the last of it.
 *
 * Records are those of execute/parcel.h; a row (execute/row.h) may stand for many.
 */
#ifndef ROTA_FARM_WIRE_H
#define ROTA_FARM_WIRE_H

#include "execute/parcel.h"

enum {
    WIRE_VERSION = 3,
    WIRE_HEAD_BYTES = 32,
    WIRE_TO_WORKER = 1, /* tags */
    WIRE_TO_MANAGER = 2,
    WIRE_SLOTS_MAX = 1 << 20,
    WIRE_HOST_MAX = 255,
};

enum wire_kind {
    WIRE_TASKS = 1,
    WIRE_DROP,
    WIRE_FINISH,
    WIRE_HELLO,
    WIRE_RESULTS,
    WIRE_RECALL,
    WIRE_RETURNED,
    WIRE_PART,
    WIRE_END,
    WIRE_SHUT,
    WIRE_LIMIT,
    WIRE_INPUT,
    WIRE_KINDS,
};

struct wire_head {
    enum wire_kind kind;
    uint32_t count;
    uint64_t lease;
    uint64_t first;
    uint64_t more;
};

static inline void wire_write(unsigned char out[WIRE_HEAD_BYTES],
                              const struct wire_head *h)
{
    out[0] = WIRE_VERSION;
    out[1] = (unsigned char)h->kind;
    parcel_put16(out + 2, 0);
    parcel_put32(out + 4, h->count);
    parcel_put64(out + 8, h->lease);
    parcel_put64(out + 16, h->first);
    parcel_put64(out + 24, h->more);
}

/* Read the head of a message of `size` bytes. Fails with ROTA_E_FORMAT where it has
 * none, or counts past the last number there is. */
static inline int wire_read(const unsigned char *in, size_t size, struct wire_head *out)
{
    if (size < WIRE_HEAD_BYTES || in[0] != WIRE_VERSION || in[1] == 0 ||
        in[1] >= WIRE_KINDS || parcel_get16(in + 2) != 0)
        return ROTA_E_FORMAT;
    struct wire_head h = {
        .kind = (enum wire_kind)in[1],
        .count = parcel_get32(in + 4),
        .lease = parcel_get64(in + 8),
        .first = parcel_get64(in + 16),
        .more = parcel_get64(in + 24),
    };
    if (h.first > UINT64_MAX - h.count)
        return ROTA_E_FORMAT;
    *out = h;
    return 0;
}

#endif
