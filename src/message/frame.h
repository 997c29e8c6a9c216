/* frame.h - what one MPI message of Rota's holds (version 1)
 *
 * A frame is at most FRAME_BYTES long: small enough to travel eagerly, that is
 * without a handshake that a dead receiver would never answer, over every
 * transport that was measured. A message is cut into as many as it takes. All
 * integers are little-endian:
 *
 *     0   1  magic 0x52
 *     1   1  kind, and in its upper half the version
 *     2   2  credit: how many data frames of yours have been taken since the last
 *     4   4  sequence number between this pair of ranks, from 0, wrapping
 *     8   4  tag (0 where kind holds none)
 *    12   -  data
 *
 * WHOLE is a message all of which fits here. BEGIN begins one that doesn't: its data
 * is the size of the whole message, 8 bytes. MORE holds the next part of the message
 * that the same sender has begun. CREDIT holds nothing, and itself takes no credit.
 * The header is as small as it is because a short message with it then travels in
 * one cache line.
 */
#ifndef ROTA_MESSAGE_FRAME_H
#define ROTA_MESSAGE_FRAME_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rota.h"

enum {
    FRAME_BYTES = 4000,
    FRAME_HEADER_BYTES = 12,
    FRAME_SIZE_BYTES = 8, /* the data of BEGIN */
    FRAME_DATA_BYTES = FRAME_BYTES - FRAME_HEADER_BYTES,
};

enum frame_kind {
    FRAME_WHOLE = 1,
    FRAME_BEGIN,
    FRAME_MORE,
    FRAME_CREDIT,
};

struct frame {
    enum frame_kind kind;
    uint16_t credit;
    uint32_t sequence;
    int32_t tag;
};

/* The first eight bytes as one integer, and the next four as another: so they are
 * written and read at a stroke, which on the way of a short message counts. */
enum {
    FRAME_MAGIC = 0x52,
    FRAME_VERSION = 1,
};

/* Write the header of `f` to the FRAME_HEADER_BYTES at `out`. */
static inline void frame_write(unsigned char *out, const struct frame *f)
{
    uint64_t head = FRAME_MAGIC | (uint64_t)(FRAME_VERSION << 4 | (int)f->kind) << 8 |
                    (uint64_t)f->credit << 16 | (uint64_t)f->sequence << 32;
    uint32_t tag = htole32((uint32_t)f->tag);
    head = htole64(head);
    memcpy(out, &head, sizeof(head));
    memcpy(out + sizeof(head), &tag, sizeof(tag));
}

/* Whether a frame of this kind may have this tag and so much data. */
static inline bool frame_is_sound(const struct frame *f, size_t data)
{
    switch (f->kind) {
    case FRAME_WHOLE:
        return f->tag >= 0;
    case FRAME_BEGIN:
        return f->tag >= 0 && data == FRAME_SIZE_BYTES;
    case FRAME_MORE:
        return data > 0;
    case FRAME_CREDIT:
        return data == 0;
    default:
        return false;
    }
}

/* Read the header of the frame of `size` bytes at `in`. Returns 0, or
 * ROTA_E_FORMAT where these bytes are no frame; *out is then untouched. */
static inline int frame_read(const unsigned char *in, size_t size, struct frame *out)
{
    uint64_t head;
    uint32_t tag;
    if (size < FRAME_HEADER_BYTES || size > FRAME_BYTES)
        return ROTA_E_FORMAT;
    memcpy(&head, in, sizeof(head));
    memcpy(&tag, in + sizeof(head), sizeof(tag));
    head = le64toh(head);
    struct frame f = {
        .kind = (enum frame_kind)(head >> 8 & 0xf),
        .credit = (uint16_t)(head >> 16),
        .sequence = (uint32_t)(head >> 32),
        .tag = (int32_t)le32toh(tag),
    };
    if ((head & 0xff) != FRAME_MAGIC || (head >> 12 & 0xf) != FRAME_VERSION ||
        !frame_is_sound(&f, size - FRAME_HEADER_BYTES))
        return ROTA_E_FORMAT;
    *out = f;
    return 0;
}

/* The data of BEGIN. */
static inline void frame_write_size(unsigned char out[FRAME_SIZE_BYTES],
                                    uint64_t message_size)
{
    message_size = htole64(message_size);
    memcpy(out, &message_size, sizeof(message_size));
}

static inline uint64_t frame_read_size(const unsigned char in[FRAME_SIZE_BYTES])
{
    uint64_t size;
    memcpy(&size, in, sizeof(size));
    return le64toh(size);
}

#endif
