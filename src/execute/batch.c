/* batch.c - a batch of tasks that an executor has taken on: its own copy */
#include "execute/batch.h"

#include <stdlib.h>

static uint32_t shortest_limit(const struct batch *b)
{
    uint32_t shortest = 0;
    const unsigned char *record = b->records;
    for (uint32_t i = 0; i < b->count; i++) {
        if (record[6] & PARCEL_EXTRA) {
            uint32_t limit = parcel_get32(record + 16);
            if (limit != 0 && (shortest == 0 || limit < shortest))
                shortest = limit;
        }
        record += parcel_record_bytes(record);
    }
    return shortest;
}

struct batch *batch_new(const struct executor_batch *given)
{
    struct batch *b = malloc(sizeof(*b) + given->bytes);
    if (b == NULL)
        return NULL;
    *b = (struct batch){
        .lease = given->lease,
        .first = given->first,
        .count = given->count,
        .attempt = given->attempt,
        .bytes = given->bytes,
    };
    if (given->bytes > 0)
        memcpy(b->records, given->records, given->bytes);
    b->limit_ms = shortest_limit(b);
    return b;
}

void batch_drop(struct batch *b, uint32_t index, size_t at, uint64_t first,
                uint32_t count)
{
    uint64_t end = b->first + b->count;
    if (first >= end || (first < b->first && b->first - first >= count))
        return;
    for (; index < b->count; index++) {
        unsigned char *record = b->records + at;
        uint64_t task = b->first + index;
        if (task >= first && task - first < count && !batch_is_dropped(record)) {
            record[7] |= BATCH_DROPPED;
            b->dropped++;
        }
        at += parcel_record_bytes(record);
    }
}

size_t batch_at(const struct batch *b, uint32_t index)
{
    size_t at = 0;
    for (uint32_t i = 0; i < index; i++)
        at += parcel_record_bytes(b->records + at);
    return at;
}
