/* garble.c - what a worker sends that has lost its mind
 *
 * Nothing that could be taken for sense: what follows the first wrong byte must not
 * count, whatever it is.
 */
#include <stdlib.h>
#include <string.h>

#include "farm/wire.h"
#include "memory.h"
#include "world.h"

enum way {
    TOO_SHORT,
    OTHER_VERSION,
    OTHER_KIND,
    NO_KIND,
    NO_COUNT,
    COUNT_TOO_LARGE,
    NUMBERS_PAST_ALL,
    CUT_OFF, /* from here on: not of what has no records */
    ODD_OUTCOME,
    ODD_FLAGS,
    UNKNOWN_FUNCTION,
    WAYS,
};

/* In the place of all records: one with a child of a function that
 * is not. */
static void bear_a_stranger(struct message *m)
{
    unsigned char child[64];
    struct parcel_task t = {.function = FUNCTIONS, .tag = 1};
    struct parcel_result r = {.outcome = ROTA_DONE,
                              .data = child,
                              .size = 8,
                              .tasks = child,
                              .tasks_count = 1};
    r.tasks_bytes = parcel_task_bytes(&t);
    memset(child, 0, sizeof(child));
    parcel_write_task(child, &t);
    m->data = memory_grow(m->data, WIRE_HEAD_BYTES + parcel_result_bytes(&r) + 1);
    parcel_write_result(m->data + WIRE_HEAD_BYTES, &r);
    m->size = WIRE_HEAD_BYTES + parcel_result_bytes(&r);
}

static void garble_records(struct world *w, struct message *m, enum way way)
{
    unsigned char *first = m->data + WIRE_HEAD_BYTES;
    struct dice *d = &w->course.dice;
    if (way == CUT_OFF)
        m->size -= 1 + (size_t)dice_below(d, (int)(m->size - WIRE_HEAD_BYTES));
    else if (way == ODD_OUTCOME)
        parcel_put16(first, (uint16_t)(ROTA_OUTCOMES + dice_below(d, 1000)));
    else if (way == ODD_FLAGS)
        parcel_put16(first + 2, (uint16_t)(2 + dice_below(d, 0xfffd)));
    else
        bear_a_stranger(m);
}

void garble(struct world *w, struct message *m)
{
    struct dice *d = &w->course.dice;
    bool bare = m->data[1] != WIRE_RESULTS; /* no records behind its head */
    enum way way = (enum way)dice_below(d, bare ? CUT_OFF : WAYS);
    say(w, "        garbled, way %d", way);
    m->garbled = true;
    switch (way) {
    case TOO_SHORT:
        m->size = (size_t)dice_below(d, WIRE_HEAD_BYTES);
        break;
    case OTHER_VERSION:
        m->data[0] ^= 0x40;
        break;
    case OTHER_KIND:
        m->data[1] = (unsigned char)(bare ? WIRE_RESULTS : 1 + dice_below(d, 4));
        break;
    case NO_KIND:
        m->data[1] = (unsigned char)(WIRE_KINDS + dice_below(d, 200));
        break;
    case NO_COUNT:
        parcel_put32(m->data + 4, 0);
        break;
    case COUNT_TOO_LARGE:
        parcel_put32(m->data + 4, parcel_get32(m->data + 4) + WIRE_SLOTS_MAX);
        break;
    case NUMBERS_PAST_ALL:
        parcel_put64(m->data + 16, UINT64_MAX);
        if (bare)
            m->size = 0;
        break;
    default:
        garble_records(w, m, way);
    }
    m->data[m->size] = 0; /* as behind every message */
}
