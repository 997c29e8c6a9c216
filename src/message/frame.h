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

#include <stddef.h>
#include <stdint.h>

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

/* Write the header of `f` to the FRAME_HEADER_BYTES at `out`. */
void frame_write(unsigned char *out, const struct frame *f);

/* Read the header of the frame of `size` bytes at `in`. Returns 0, or
 * ROTA_E_FORMAT where these bytes are no frame; *out is then untouched. */
int frame_read(const unsigned char *in, size_t size, struct frame *out);

/* The data of BEGIN. */
void frame_write_size(unsigned char out[FRAME_SIZE_BYTES], uint64_t message_size);
uint64_t frame_read_size(const unsigned char in[FRAME_SIZE_BYTES]);

#endif
