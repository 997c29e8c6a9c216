/* frame.c - what one MPI message of Rota's holds */
#include "message/frame.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "rota.h"

enum {
    MAGIC = 0x52,
    VERSION = 1,
};

/* The layout of frame.h: no padding, since every member is aligned as it stands. */
struct wire {
    uint8_t magic;
    uint8_t version_kind;
    uint16_t credit;
    uint32_t sequence;
    uint32_t tag;
};

_Static_assert(sizeof(struct wire) == FRAME_HEADER_BYTES, "the header has no padding");

void frame_write(unsigned char *out, const struct frame *f)
{
    struct wire w = {
        .magic = MAGIC,
        .version_kind = (uint8_t)(VERSION << 4 | (int)f->kind),
        .credit = htole16(f->credit),
        .sequence = htole32(f->sequence),
        .tag = htole32((uint32_t)f->tag),
    };
    memcpy(out, &w, sizeof(w));
}

static bool is_sound(const struct frame *f, size_t data)
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

int frame_read(const unsigned char *in, size_t size, struct frame *out)
{
    struct wire w;
    if (size < sizeof(w) || size > FRAME_BYTES)
        return ROTA_E_FORMAT;
    memcpy(&w, in, sizeof(w));
    struct frame f = {
        .kind = (enum frame_kind)(w.version_kind & 0xf),
        .credit = le16toh(w.credit),
        .sequence = le32toh(w.sequence),
        .tag = (int32_t)le32toh(w.tag),
    };
    if (w.magic != MAGIC || w.version_kind >> 4 != VERSION ||
        !is_sound(&f, size - sizeof(w)))
        return ROTA_E_FORMAT;
    *out = f;
    return 0;
}

void frame_write_size(unsigned char out[FRAME_SIZE_BYTES], uint64_t message_size)
{
    message_size = htole64(message_size);
    memcpy(out, &message_size, sizeof(message_size));
}

uint64_t frame_read_size(const unsigned char in[FRAME_SIZE_BYTES])
{
    uint64_t size;
    memcpy(&size, in, sizeof(size));
    return le64toh(size);
}
