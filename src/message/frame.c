/* frame.c - what one MPI message of Rota's holds */
#include "message/frame.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "rota.h"

enum {
    MAGIC = 0x5274,
    VERSION = 1,
};

/* The layout of frame.h: no padding, since every member is aligned as it stands. */
struct wire {
    uint16_t magic;
    uint8_t version;
    uint8_t kind;
    uint32_t sequence;
    uint32_t credit;
    uint32_t tag;
    uint64_t message_size;
};

_Static_assert(sizeof(struct wire) == FRAME_HEADER_BYTES, "the header has no padding");

void frame_write(unsigned char *out, const struct frame *f)
{
    struct wire w = {
        .magic = htole16(MAGIC),
        .version = VERSION,
        .kind = (uint8_t)f->kind,
        .sequence = htole32(f->sequence),
        .credit = htole32(f->credit),
        .tag = htole32((uint32_t)f->tag),
        .message_size = htole64(f->message_size),
    };
    memcpy(out, &w, sizeof(w));
}

static bool is_sound(const struct wire *w, size_t size)
{
    if (le16toh(w->magic) != MAGIC || w->version != VERSION || size > FRAME_BYTES)
        return false;
    size_t data = size - FRAME_HEADER_BYTES;
    switch (w->kind) {
    case FRAME_FIRST:
        return (int32_t)le32toh(w->tag) >= 0 && data <= le64toh(w->message_size) &&
               le64toh(w->message_size) < SIZE_MAX;
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
    if (size < sizeof(w))
        return ROTA_E_FORMAT;
    memcpy(&w, in, sizeof(w));
    if (!is_sound(&w, size))
        return ROTA_E_FORMAT;
    *out = (struct frame){
        .kind = (enum frame_kind)w.kind,
        .sequence = le32toh(w.sequence),
        .credit = le32toh(w.credit),
        .tag = (int32_t)le32toh(w.tag),
        .message_size = le64toh(w.message_size),
    };
    return 0;
}
