/* frame.h - what one MPI message of Rota's holds (version 1)
 *
 * A frame is at most FRAME_BYTES long: small enough to travel eagerly, that is
 * without a handshake that a dead receiver would never answer, over every
 * transport that was measured. A message is cut into as many as it takes. All
 * integers are little-endian:
 *
 *     0   2  magic 0x5274
 *     2   1  version
 *     3   1  kind
 *     4   4  sequence number between this pair of ranks, from 0, wrapping
 *     8   4  credit: how many data frames of yours have been taken since the last
 *    12   4  tag (0 where kind is not FIRST)
 *    16   8  size of the whole message in bytes (0 where kind is not FIRST)
 *    24   -  data
 *
 * FIRST begins a message and holds as much of it as fits; MORE holds the next part
 * of the message that the same sender began last; CREDIT holds nothing, and itself
 * takes no credit.
 */
#ifndef ROTA_MESSAGE_FRAME_H
#define ROTA_MESSAGE_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_BYTES = 4000,
    FRAME_HEADER_BYTES = 24,
    FRAME_DATA_BYTES = FRAME_BYTES - FRAME_HEADER_BYTES,
};

enum frame_kind {
    FRAME_FIRST = 1,
    FRAME_MORE,
    FRAME_CREDIT,
};

struct frame {
    enum frame_kind kind;
    uint32_t sequence;
    uint32_t credit;
    int32_t tag;
    uint64_t message_size;
};

/* Write the header of `f` to the FRAME_HEADER_BYTES at `out`. */
void frame_write(unsigned char *out, const struct frame *f);

/* Read the header of the frame of `size` bytes at `in`. Returns 0, or
 * ROTA_E_FORMAT where these bytes are no frame; *out is then untouched. */
int frame_read(const unsigned char *in, size_t size, struct frame *out);

#endif
