/* batch.c - a batch of tasks that an executor has taken on: its own copy */
#include "execute/batch.h"

#include <stdlib.h>

#include "execute/row.h"

/* How many bytes the tasks take as records, each for itself; and the shortest of their
 * time limits. */
static size_t records_bytes(const struct executor_batch *given, uint32_t *limit_ms)
{
    size_t sum = 0;
    *limit_ms = 0;
    for (size_t at = 0; at < given->bytes;) {
        struct parcel_task t = {0};
        uint32_t count = 0;
        size_t bytes = 0;
        row_read_tasks(given->records + at, given->bytes - at, &t, &count, &bytes);
        sum += count * parcel_task_bytes(&t);
        if (t.time_limit_ms != 0 && (*limit_ms == 0 || t.time_limit_ms < *limit_ms))
            *limit_ms = t.time_limit_ms;
        at += bytes;
    }
    return sum;
}

static unsigned char *write_alike(unsigned char *out, const struct parcel_task *t,
                                  uint32_t count)
{
    size_t size = parcel_padded(t->size);
    const unsigned char *data = t->data;
    unsigned char head[PARCEL_TASK_BYTES + PARCEL_EXTRA_BYTES];
    size_t head_bytes = (size_t)(parcel_write_head(head, t) - head);
    for (; count > 0; count--) {
        parcel_copy(out, head, head_bytes);
        parcel_copy(out + head_bytes, data, size);
        out += head_bytes + size;
        data += size;
    }
    return out;
}

static void write_records(unsigned char *out, const struct executor_batch *given)
{
    for (size_t at = 0; at < given->bytes;) {
        struct parcel_task t = {0};
        uint32_t count = 0;
        size_t bytes = 0;
        row_read_tasks(given->records + at, given->bytes - at, &t, &count, &bytes);
        out = write_alike(out, &t, count);
        at += bytes;
    }
}

struct batch *batch_new(const struct executor_batch *given)
{
    uint32_t limit_ms;
    size_t size = records_bytes(given, &limit_ms);
    struct batch *b = malloc(sizeof(*b) + size);
    if (b == NULL)
        return NULL;
    *b = (struct batch){
        .lease = given->lease,
        .first = given->first,
        .count = given->count,
        .attempt = given->attempt,
        .limit_ms = limit_ms,
        .bytes = size,
    };
    write_records(b->records, given);
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
