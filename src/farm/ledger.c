/* ledger.c - what is known of tasks that have not ended, by their number
 *
 * Invariants
 *  1. Task i stands in chunk i / CHUNK_TASKS. A chunk is *even* as long as all its
 * tasks share all but their payloads: `head` says what they are, and the block holds
 * the payloads, `apart` bytes each. The first task that differs makes it uneven: then
 *     each has a record, at the place that its offset says: in the block, or, where the
 *     record is long, in one of its own.
 *  2. A chunk is freed when all its CHUNK_TASKS have come and been forgotten.
 *  3. The directory begins with the first chunk that is still there, so that a run of
 *     a billion tasks holds what is under way.
 */
#include "farm/ledger.h"

#include <stdbool.h>
#include <stdlib.h>

#include "execute/row.h"

enum {
    CHUNK_TASKS = 1024,
    BLOCK_BYTES = 1024, /* of a chunk, to begin with; */
    AT_ONCE_APART = 64, /* where payloads are no larger, and tasks many, all of it */
    LONG_BYTES = 4096,  /* a record of so many has a block of its own */
    UNIT = 8,           /* offsets count these */
};

#define LONG      UINT32_C(0x80000000) /* flag of an offset: which of the long ones */
#define NOT_PLAIN UINT64_MAX

struct chunk {
    unsigned char *block;
    size_t size;
    size_t cap;
    uint32_t count;          /* tasks that have come */
    uint32_t forgotten;      /* and those that are forgotten */
    struct parcel_task head; /* of all, while even; but for its data */
    size_t apart;
    uint32_t *offsets; /* NULL: it is even */
    unsigned char **longs;
    uint32_t long_count;
    uint32_t long_cap;
    bool tagged; /* uneven: some have tags */
};

struct ledger {
    struct chunk
        *last;      /* while `plain` is not NOT_PLAIN: the one that is not full, and */
    uint64_t plain; /* what its tasks are, if nothing more is said of them */
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
    l->plain = NOT_PLAIN;
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
    free(c->offsets);
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
    struct chunk *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return ROTA_E_NOMEM;
    l->chunks[l->here++] = c;
    return 0;
}

/* The chunk that the next task belongs to; NULL without memory. */
static inline struct chunk *last_chunk(struct ledger *l)
{
    if (l->count / CHUNK_TASKS - l->base == l->here && chunk_add(l) != 0)
        return NULL;
    return chunk_of(l, l->count);
}

static int block_reserve(struct chunk *c, size_t bytes)
{
    if (c->cap - c->size >= bytes)
        return 0;
    size_t cap = c->cap ? c->cap : BLOCK_BYTES;
    while (cap - c->size < bytes)
        cap *= 2;
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

/* The task `i` of an even chunk. */
static struct parcel_task even_task(const struct chunk *c, uint32_t i)
{
    struct parcel_task t = c->head;
    t.data = c->block + i * c->apart;
    return t;
}

/* Give each task its record. */
static int make_uneven(struct chunk *c)
{
    struct parcel_task t = c->head;
    size_t bytes = parcel_task_bytes(&t);
    size_t cap = BLOCK_BYTES;
    while (cap < c->count * bytes)
        cap *= 2;
    uint32_t *offsets = malloc(CHUNK_TASKS * sizeof(offsets[0]));
    unsigned char *block = malloc(cap);
    if (offsets == NULL || block == NULL) {
        free(offsets);
        free(block);
        return ROTA_E_NOMEM;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        t = even_task(c, i);
        parcel_write_task(block + i * bytes, &t);
        offsets[i] = (uint32_t)(i * bytes / UNIT);
    }
    free(c->block);
    c->block = block;
    c->cap = cap;
    c->size = c->count * bytes;
    c->offsets = offsets;
    c->tagged = c->count > 0 && c->head.tag != 0;
    return 0;
}

static bool is_alike(const struct parcel_task *a, const struct parcel_task *b)
{
    return a->size == b->size && a->function == b->function && a->tag == b->tag &&
           a->time_limit_ms == b->time_limit_ms && a->priority == b->priority &&
           a->retries == b->retries && a->near == b->near;
}

/* Whether a task such as `t` keeps the chunk even; an empty one becomes so. */
static bool stays_even(struct chunk *c, const struct parcel_task *t)
{
    if (c->offsets != NULL || parcel_padded(t->size) >= LONG_BYTES)
        return false;
    if (c->count == 0) {
        c->head = *t;
        c->head.data = NULL;
        c->apart = parcel_padded(t->size);
    }
    return is_alike(&c->head, t);
}

static int add_uneven(struct chunk *c, const struct parcel_task *t)
{
    size_t bytes = parcel_task_bytes(t);
    if (c->offsets == NULL && make_uneven(c) != 0)
        return ROTA_E_NOMEM;
    int rc = bytes >= LONG_BYTES ? add_long(c, t, bytes) : add_short(c, t, bytes);
    if (rc == 0 && t->tag != 0)
        c->tagged = true;
    return rc;
}

static int even_reserve(const struct ledger *l, struct chunk *c, uint32_t count)
{
    if (c->count == 0 && l->count > 0 && c->apart <= AT_ONCE_APART)
        count = CHUNK_TASKS;
    return block_reserve(c, count * c->apart);
}

static uint64_t plain_of(uint16_t function, size_t size)
{
    return (uint64_t)function << 48 | size;
}

/* `count` tasks have come to the last chunk. */
static inline void count_added(struct ledger *l, struct chunk *c, uint32_t count)
{
    bool plain = c->offsets == NULL && parcel_task_is_plain(&c->head);
    c->count += count;
    l->count += count;
    l->last = c;
    l->plain = plain && c->count < CHUNK_TASKS
                   ? plain_of(c->head.function, c->head.size)
                   : NOT_PLAIN;
}

int ledger_add(struct ledger *l, const struct parcel_task *t)
{
    struct chunk *c = last_chunk(l);
    if (c == NULL)
        return ROTA_E_NOMEM;
    if (!stays_even(c, t)) {
        int rc = add_uneven(c, t);
        if (rc != 0)
            return rc;
    } else {
        if (even_reserve(l, c, 1) != 0)
            return ROTA_E_NOMEM;
        parcel_write_payload(c->block + c->size, t->data, t->size);
        c->size += c->apart;
    }
    count_added(l, c, 1);
    return 0;
}

int ledger_add_plain(struct ledger *l, uint16_t function, const void *data, size_t size)
{
    struct chunk *c = l->last;
    if (l->plain != plain_of(function, size) || c->cap - c->size < c->apart) {
        struct parcel_task t = {.data = data, .size = size, .function = function};
        return ledger_add(l, &t);
    }
    parcel_write_payload(c->block + c->size, data, size);
    c->size += c->apart;
    l->count++;
    if (++c->count == CHUNK_TASKS)
        l->plain = NOT_PLAIN;
    return 0;
}

int ledger_room(struct ledger *l, const struct parcel_task *t, unsigned char **room,
                uint32_t *count)
{
    struct chunk *c = last_chunk(l);
    if (c == NULL)
        return ROTA_E_NOMEM;
    if (!stays_even(c, t)) {
        *count = 0;
        return 0;
    }
    uint32_t most = CHUNK_TASKS - c->count;
    most = *count < most ? *count : most;
    if (even_reserve(l, c, most) != 0)
        return ROTA_E_NOMEM;
    *room = c->block + c->size;
    *count = most;
    return 0;
}

/* From the last on: each goes to where it, or one before it, has stood. */
static void spread(unsigned char *to, size_t size, size_t apart, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        memmove(to + i * apart, to + i * size, size);
        memset(to + i * apart + size, 0, apart - size);
    }
}

void ledger_fill(struct ledger *l, uint32_t count)
{
    struct chunk *c = chunk_of(l, l->count);
    if (c->apart != c->head.size)
        spread(c->block + c->size, c->head.size, c->apart, count);
    c->size += count * c->apart;
    count_added(l, c, count);
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

/* Tasks of a chunk as they stand one behind the other. */
struct piece {
    uint32_t count;
    const unsigned char *bytes;
    size_t size;
    const struct parcel_task *head; /* these are payloads of tasks as this one; or NULL:
                                       records */
};

/* How many of the tasks from `i` on, at most `count`, stand one behind the other in
 * the chunk's block; 0: the first is a long one. */
static uint32_t in_block(const struct chunk *c, uint32_t i, uint32_t count)
{
    uint32_t at = i;
    if (c->long_count == 0)
        return count;
    while (at < i + count && !(c->offsets[at] & LONG))
        at++;
    return at - i;
}

/* Where in the block the tasks before `i`, the first of which is not a long one,
 * end. */
static size_t block_end(const struct chunk *c, uint32_t i)
{
    if (c->offsets == NULL)
        return i * c->apart;
    while (i < c->count && c->offsets[i] & LONG)
        i++;
    return i < c->count ? (size_t)c->offsets[i] * UNIT : c->size;
}

/* Those from `first` on, at most `count` (1 or more). */
static struct piece piece_of(const struct ledger *l, uint64_t first, uint64_t count)
{
    const struct chunk *c = chunk_of(l, first);
    uint32_t i = (uint32_t)(first % CHUNK_TASKS);
    uint32_t n = count < c->count - i ? (uint32_t)count : c->count - i;
    if (c->offsets == NULL)
        return (struct piece){n, c->block + i * c->apart, n * c->apart, &c->head};
    n = in_block(c, i, n);
    const unsigned char *record = record_of(c, i);
    if (n == 0)
        return (struct piece){1, record, parcel_record_bytes(record), NULL};
    size_t size = block_end(c, i + n) - (size_t)c->offsets[i] * UNIT;
    return (struct piece){n, record, size, NULL};
}

/* How many bytes it takes in a message: a single task has a record. */
static size_t piece_bytes(const struct piece *p)
{
    if (p->head == NULL)
        return p->size;
    return p->size + row_head_bytes(p->head) - (p->count == 1 ? ROW_COUNT_BYTES : 0);
}

static unsigned char *write_piece(unsigned char *out, const struct piece *p)
{
    if (p->head != NULL && p->count == 1) {
        out = parcel_write_head(out, p->head);
    } else if (p->head != NULL) {
        row_write_head(out, p->head, p->count);
        out += row_head_bytes(p->head);
    }
    if (p->size > 0)
        memcpy(out, p->bytes, p->size);
    return out + p->size;
}

/* How many of the piece's tasks, from `first` on, take at most `left` bytes. An empty
 * payload counts too: what is to be done with it takes memory elsewhere. */
static uint32_t piece_fit(const struct ledger *l, uint64_t first, const struct piece *p,
                          size_t left)
{
    const struct chunk *c = chunk_of(l, first);
    uint32_t i = (uint32_t)(first % CHUNK_TASKS);
    uint32_t low = 0;
    uint32_t high = p->count;
    if (p->head != NULL) {
        size_t head = row_head_bytes(p->head);
        size_t each = c->apart > 0 ? c->apart : UNIT;
        size_t fit = left > head ? (left - head) / each : 0;
        return fit < high ? (uint32_t)fit : high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (block_end(c, i + middle) - (size_t)c->offsets[i] * UNIT <= left)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

uint64_t ledger_fit(const struct ledger *l, uint64_t first, uint64_t count,
                    size_t bytes_max)
{
    uint64_t fit = 0;
    size_t left = bytes_max;
    while (fit < count) {
        struct piece p = piece_of(l, first + fit, count - fit);
        size_t bytes = piece_bytes(&p);
        uint32_t n = bytes <= left && p.size > 0 ? p.count : 0;
        if (n == 0 && (p.head != NULL || p.count > 1))
            n = piece_fit(l, first + fit, &p, left);
        fit += n;
        if (n < p.count)
            break;
        left -= p.size > 0 ? bytes : row_head_bytes(p.head) + (size_t)n * UNIT;
    }
    return fit > 0 ? fit : 1;
}

size_t ledger_bytes(const struct ledger *l, uint64_t first, uint64_t count)
{
    size_t sum = 0;
    while (count > 0) {
        struct piece p = piece_of(l, first, count);
        sum += piece_bytes(&p);
        first += p.count;
        count -= p.count;
    }
    return sum;
}

void ledger_copy(const struct ledger *l, uint64_t first, uint64_t count,
                 unsigned char *out)
{
    while (count > 0) {
        struct piece p = piece_of(l, first, count);
        out = write_piece(out, &p);
        first += p.count;
        count -= p.count;
    }
}

struct parcel_task ledger_task(const struct ledger *l, uint64_t task)
{
    const struct chunk *c = chunk_of(l, task);
    uint32_t i = (uint32_t)(task % CHUNK_TASKS);
    if (c->offsets == NULL)
        return even_task(c, i);
    const unsigned char *record = record_of(c, i);
    struct parcel_task t = {0};
    size_t bytes;
    parcel_read_task(record, parcel_record_bytes(record), &t, &bytes);
    return t;
}

uint64_t ledger_tag(const struct ledger *l, uint64_t task, uint64_t *same_until)
{
    const struct chunk *c = chunk_of(l, task);
    bool same = c->offsets == NULL || !c->tagged;
    *same_until = same ? task - task % CHUNK_TASKS + c->count : task + 1;
    if (c->offsets == NULL)
        return c->head.tag;
    return c->tagged ? ledger_task(l, task).tag : 0;
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
