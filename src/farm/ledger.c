/* ledger.c - the records of tasks that have not ended, by their number
 *
 * Invariants
 *  1. Task i stands in chunk i / CHUNK_TASKS, at the place that its offset says: in the
 *     chunk's block, or, where its record is long, in a block of its own.
 *  2. A chunk is freed when all its CHUNK_TASKS have come and been forgotten.
 *  3. The directory begins with the first chunk that is still there, so that a run of
 *     a billion tasks holds what is under way.
 */
#include "farm/ledger.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    CHUNK_TASKS = 1024,
    BLOCK_BYTES = 4096, /* of a chunk, to begin with */
    LONG_BYTES = 4096,  /* a record of so many has a block of its own */
    UNIT = 8,           /* offsets count these */
};

#define LONG UINT32_C(0x80000000) /* flag of an offset: which of the long ones */

struct chunk {
    unsigned char *block;
    size_t size;
    size_t cap;
    unsigned char **longs;
    uint32_t long_count;
    uint32_t long_cap;
    uint32_t count;     /* tasks that have come */
    uint32_t forgotten; /* and those that are forgotten */
    bool plain;         /* no record holds more than its payload: no tag is set */
    uint32_t offsets[CHUNK_TASKS];
};

struct ledger {
    uint64_t count;
    uint64_t base; /* number of the directory's first chunk */
    size_t here;   /* chunks in the directory */
    size_t cap;
    struct chunk **chunks;
};

int ledger_new(struct ledger **out)
{
    struct ledger *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return ROTA_E_NOMEM;
    *out = l;
    return 0;
}

static void chunk_free(struct chunk *c)
{
    if (c == NULL)
        return;
    for (uint32_t i = 0; i < c->long_count; i++)
        free(c->longs[i]);
    free(c->longs);
    free(c->block);
    free(c);
}

void ledger_free(struct ledger *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->here; i++)
        chunk_free(l->chunks[i]);
    free(l->chunks);
    free(l);
}

static inline struct chunk *chunk_of(const struct ledger *l, uint64_t task)
{
    return l->chunks[task / CHUNK_TASKS - l->base];
}

/* ---- adding ------------------------------------------------------------------ */

/* Drop the chunks from the directory's front that have gone. */
static void close_up(struct ledger *l)
{
    size_t gone = 0;
    while (gone < l->here && l->chunks[gone] == NULL)
        gone++;
    if (gone < l->here / 2 + 1)
        return;
    memmove(l->chunks, l->chunks + gone, (l->here - gone) * sizeof(struct chunk *));
    l->here -= gone;
    l->base += gone;
}

static int chunk_add(struct ledger *l)
{
    close_up(l);
    if (l->here == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        struct chunk **chunks = realloc(l->chunks, cap * sizeof(struct chunk *));
        if (chunks == NULL)
            return ROTA_E_NOMEM;
        l->chunks = chunks;
        l->cap = cap;
    }
    struct chunk *c = malloc(sizeof(*c));
    if (c == NULL)
        return ROTA_E_NOMEM;
    memset(c, 0, offsetof(struct chunk, offsets));
    c->plain = true;
    l->chunks[l->here++] = c;
    return 0;
}

static int block_reserve(struct chunk *c, size_t bytes)
{
    if (c->cap - c->size >= bytes)
        return 0;
    size_t cap = c->cap ? c->cap * 2 : BLOCK_BYTES;
    unsigned char *block = realloc(c->block, cap);
    if (block == NULL)
        return ROTA_E_NOMEM;
    c->block = block;
    c->cap = cap;
    return 0;
}

static int longs_reserve(struct chunk *c)
{
    if (c->long_count < c->long_cap)
        return 0;
    uint32_t cap = c->long_cap ? c->long_cap * 2 : 4;
    unsigned char **longs = realloc(c->longs, cap * sizeof(unsigned char *));
    if (longs == NULL)
        return ROTA_E_NOMEM;
    c->longs = longs;
    c->long_cap = cap;
    return 0;
}

static int add_long(struct chunk *c, const struct parcel_task *t, size_t bytes)
{
    if (longs_reserve(c) != 0)
        return ROTA_E_NOMEM;
    unsigned char *record = malloc(bytes);
    if (record == NULL)
        return ROTA_E_NOMEM;
    parcel_write_task(record, t);
    c->offsets[c->count] = LONG | c->long_count;
    c->longs[c->long_count++] = record;
    return 0;
}

static int add_short(struct chunk *c, const struct parcel_task *t, size_t bytes)
{
    if (block_reserve(c, bytes) != 0)
        return ROTA_E_NOMEM;
    parcel_write_task(c->block + c->size, t);
    c->offsets[c->count] = (uint32_t)(c->size / UNIT);
    c->size += bytes;
    return 0;
}

/* The chunk that the next task belongs to; NULL without memory. */
static inline struct chunk *last_chunk(struct ledger *l)
{
    if (l->count / CHUNK_TASKS - l->base == l->here && chunk_add(l) != 0)
        return NULL;
    return chunk_of(l, l->count);
}

int ledger_add(struct ledger *l, const struct parcel_task *t)
{
    struct chunk *c = last_chunk(l);
    if (c == NULL)
        return ROTA_E_NOMEM;
    size_t bytes = parcel_task_bytes(t);
    int rc = bytes >= LONG_BYTES ? add_long(c, t, bytes) : add_short(c, t, bytes);
    if (rc != 0)
        return rc;
    if (!parcel_task_is_plain(t))
        c->plain = false;
    c->count++;
    l->count++;
    return 0;
}

int ledger_add_plain(struct ledger *l, uint16_t function, const void *data, size_t size)
{
    struct chunk *c = last_chunk(l);
    size_t bytes = PARCEL_TASK_BYTES + parcel_padded(size);
    if (c == NULL || bytes >= LONG_BYTES || c->cap - c->size < bytes) {
        struct parcel_task t = {.data = data, .size = size, .function = function};
        return ledger_add(l, &t);
    }
    parcel_write_plain(c->block + c->size, function, data, size);
    c->offsets[c->count++] = (uint32_t)(c->size / UNIT);
    c->size += bytes;
    l->count++;
    return 0;
}

uint64_t ledger_count(const struct ledger *l)
{
    return l->count;
}

/* ---- reading ----------------------------------------------------------------- */

static const unsigned char *record_of(const struct chunk *c, uint32_t i)
{
    uint32_t at = c->offsets[i];
    return at & LONG ? c->longs[at & ~LONG] : c->block + (size_t)at * UNIT;
}

/* How many of the tasks from `i` on, at most `count`, stand one behind the other in
 * the chunk's block; 0: the first is a long one. */
static uint32_t in_block(const struct chunk *c, uint32_t i, uint64_t count)
{
    uint32_t end = count < c->count - i ? i + (uint32_t)count : c->count;
    if (c->long_count == 0)
        return end - i;
    uint32_t at = i;
    while (at < end && !(c->offsets[at] & LONG))
        at++;
    return at - i;
}

/* Where in the block the tasks before `i`, the first of which is not a long one,
 * end. */
static size_t block_end(const struct chunk *c, uint32_t i)
{
    while (i < c->count && c->offsets[i] & LONG)
        i++;
    return i < c->count ? (size_t)c->offsets[i] * UNIT : c->size;
}

uint64_t ledger_piece(const struct ledger *l, uint64_t first, uint64_t count,
                      const unsigned char **records, size_t *bytes)
{
    const struct chunk *c = chunk_of(l, first);
    uint32_t i = (uint32_t)(first % CHUNK_TASKS);
    uint32_t n = in_block(c, i, count);
    *records = record_of(c, i);
    if (n == 0) {
        *bytes = parcel_record_bytes(*records);
        return 1;
    }
    *bytes = block_end(c, i + n) - (size_t)c->offsets[i] * UNIT;
    return n;
}

/* How many of the `n` tasks from `i` on, in the chunk's block, fit in `left` bytes. */
static uint32_t block_fit(const struct chunk *c, uint32_t i, uint32_t n, size_t left)
{
    uint32_t low = 0;
    while (low < n) {
        uint32_t middle = low + (n - low + 1) / 2;
        if (block_end(c, i + middle) - (size_t)c->offsets[i] * UNIT <= left)
            low = middle;
        else
            n = middle - 1;
    }
    return low;
}

uint64_t ledger_fit(const struct ledger *l, uint64_t first, uint64_t count,
                    size_t bytes_max)
{
    uint64_t fit = 0;
    size_t left = bytes_max;
    while (fit < count) {
        const unsigned char *records;
        size_t bytes;
        uint64_t n = ledger_piece(l, first + fit, count - fit, &records, &bytes);
        if (bytes > left) {
            if (n > 1)
                fit += block_fit(chunk_of(l, first + fit),
                                 (uint32_t)((first + fit) % CHUNK_TASKS), (uint32_t)n,
                                 left);
            break;
        }
        left -= bytes;
        fit += n;
    }
    return fit > 0 ? fit : 1;
}

size_t ledger_bytes(const struct ledger *l, uint64_t first, uint64_t count)
{
    size_t sum = 0;
    while (count > 0) {
        const unsigned char *records;
        size_t bytes;
        uint64_t n = ledger_piece(l, first, count, &records, &bytes);
        sum += bytes;
        first += n;
        count -= n;
    }
    return sum;
}

void ledger_copy(const struct ledger *l, uint64_t first, uint64_t count,
                 unsigned char *out)
{
    while (count > 0) {
        const unsigned char *records;
        size_t bytes;
        uint64_t n = ledger_piece(l, first, count, &records, &bytes);
        memcpy(out, records, bytes);
        out += bytes;
        first += n;
        count -= n;
    }
}

struct parcel_task ledger_task(const struct ledger *l, uint64_t task)
{
    const unsigned char *record =
        record_of(chunk_of(l, task), (uint32_t)(task % CHUNK_TASKS));
    struct parcel_task t = {0};
    size_t bytes;
    parcel_read_task(record, parcel_record_bytes(record), &t, &bytes);
    return t;
}

uint64_t ledger_tag(const struct ledger *l, uint64_t task, uint64_t *same_until)
{
    const struct chunk *c = chunk_of(l, task);
    *same_until = c->plain ? task - task % CHUNK_TASKS + c->count : task + 1;
    if (c->plain)
        return 0;
    const unsigned char *record = record_of(c, (uint32_t)(task % CHUNK_TASKS));
    return parcel_get16(record + 6) & PARCEL_EXTRA ? parcel_get64(record + 8) : 0;
}

/* ---- forgetting -------------------------------------------------------------- */

static void forget_longs(struct chunk *c, uint32_t i, uint32_t n)
{
    for (uint32_t end = i + n; i < end; i++) {
        if (!(c->offsets[i] & LONG))
            continue;
        free(c->longs[c->offsets[i] & ~LONG]);
        c->longs[c->offsets[i] & ~LONG] = NULL;
    }
}

void ledger_forget(struct ledger *l, uint64_t first, uint64_t count)
{
    while (count > 0) {
        struct chunk *c = chunk_of(l, first);
        uint32_t i = (uint32_t)(first % CHUNK_TASKS);
        uint32_t n = count < CHUNK_TASKS - i ? (uint32_t)count : CHUNK_TASKS - i;
        if (c->long_count > 0)
            forget_longs(c, i, n);
        c->forgotten += n;
        if (c->forgotten == CHUNK_TASKS) {
            chunk_free(c);
            l->chunks[first / CHUNK_TASKS - l->base] = NULL;
        }
        first += n;
        count -= n;
    }
}
