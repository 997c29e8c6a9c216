/* frame.h - what one MPI message of Rota's holds (version 2)
 *
 * A frame is at most FRAME_BYTES long: small enough to travel eagerly, that is
 * without a handshake that a dead receiver would never answer, over every
 * transport that was measured. A message is cut into as many as it takes.
 *
 * Its header is the envelope that MPI carries anyway, its tag: the two lowest bits
 * are the frame's kind, those above them a number.
 *
 *     kind       number                 data
 *     0 WHOLE    the message's tag      the message
 *     1 BEGIN    0                      0   8  size of the message
 *                                       8   4  its tag
 *     2 MORE     0                      the next part, of 1 byte or more, of the
 *                                       message that the same sender has begun
 *     3 CREDIT   how many data frames   none
 *                of yours have been
 *                taken since the last
 *
 * Integers are little-endian. A message is WHOLE where it fits one frame and its tag
 * fits above the kind, for which MPI promises 13 bits, and Open MPI has 29, MPICH 26;
 * else it is begun. An empty one is then complete with its BEGIN. CREDIT itself takes
 * no credit.
 *
 * Why nothing before the data, neither magic nor version nor sequence: 8 bytes count.
 * A message as short as that travels a tenth faster in Open MPI than one of 9 to 40
 * bytes, and what a header said is known without one. The communicator is Rota's own,
 * so that all that comes on it is a frame; the ranks have agreed on the version before
 * the first (startup.c); and MPI keeps order, and bounds, between two ranks.
 */
#ifndef ROTA_MESSAGE_FRAME_H
#define ROTA_MESSAGE_FRAME_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    FRAME_VERSION = 2,
    FRAME_BYTES = 4000,
    FRAME_BEGIN_BYTES = 12, /* the data of BEGIN */
    FRAME_KIND_BITS = 2,
};

enum frame_kind {
    FRAME_WHOLE,
    FRAME_BEGIN,
    FRAME_MORE,
    FRAME_CREDIT,
};

/* The envelope of a frame, and what one says that is not negative. */
static inline int frame_envelope(enum frame_kind kind, int number)
{
    return (int)((unsigned)number << FRAME_KIND_BITS | kind);
}

static inline enum frame_kind frame_kind(int envelope)
{
    return (enum frame_kind)(envelope & ((1 << FRAME_KIND_BITS) - 1));
}

static inline int frame_number(int envelope)
{
    return envelope >> FRAME_KIND_BITS;
}

/* The data of BEGIN. */
static inline void frame_write_begin(unsigned char out[FRAME_BEGIN_BYTES],
                                     uint64_t message_size, uint32_t tag)
{
    message_size = htole64(message_size);
    tag = htole32(tag);
    memcpy(out, &message_size, sizeof(message_size));
    memcpy(out + sizeof(message_size), &tag, sizeof(tag));
}

static inline void frame_read_begin(const unsigned char in[FRAME_BEGIN_BYTES],
                                    uint64_t *message_size, uint32_t *tag)
{
    uint64_t size;
    uint32_t number;
    memcpy(&size, in, sizeof(size));
    memcpy(&number, in + sizeof(size), sizeof(number));
    *message_size = le64toh(size);
    *tag = le32toh(number);
}

#endif
