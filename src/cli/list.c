/* list.c - the list of a run that is recorded: read ahead into its run file
 *
 *         given            front            spilled            back
 *     ------------------|-------------|------------------|--------------|
 *                          in memory     in the file alone   in memory, as it was read
 *
 * Rows are added to the back, and to the run file. Once the front has rows, or rows are
 * spilled, a back of CHUNK_ROWS is forgotten as soon as the file has it: so what the
 * file can't take (the disk is full) is not lost, and no more is read until it can.
 * The front is filled from the file, and when nothing is spilled, by the back.
 */
#include "cli/list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/blob.h"

enum {
    CHUNK_ROWS = 16384,
    CHUNK_BYTES = 4 << 20,
    FILL_ROWS = 1024, /* of the front, from the file */
    READ_ROWS = 64,   /* between two looks at the clock */
};

/* Reading ahead takes at most half of the time, and a quarter where there was time. */
#define SLICE_LEAST_NS NS_PER_MS
#define SLICE_MOST_NS  (25 * NS_PER_MS)
#define REST_NS        (10 * NS_PER_MS)  /* where no row has come */
#define FULL_NS        (500 * NS_PER_MS) /* where the file takes nothing */

/* Rows in memory, first in, first out: of each its number, its size, and its bytes. */
struct queue {
    struct blob bytes;
    size_t at;
    uint64_t count;
    uint64_t first; /* the number of the first, where there is one */
};

struct head {
    uint64_t number;
    uint64_t size;
};

struct list {
    struct list_options o;
    struct queue front;
    struct queue back;
    bool spilled;
    uint64_t filled; /* the last number that came to the front */
    uint64_t skip;   /* rows that the file has already, and are to come again */
    bool ended;      /* nothing more is to be read */
    int failed;      /* as `err` says, with which reading ended; or 0 */
    struct rota_error err;
    bool strange; /* the list is not what it was: err.text says why */
    uint64_t left;
    uint64_t ahead_bytes; /* of rows that were read and not given */
    struct blob row;
    struct blob values;
    int64_t last_ns; /* when reading ahead last ended, and when it goes on */
    int64_t next_ns;
};

/* ---- queues ------------------------------------------------------------------ */

static int queue_put(struct queue *q, uint64_t number, const char *data, size_t size)
{
    struct head h = {number, size};
    size_t before = q->bytes.size;
    if (blob_put(&q->bytes, (const char *)&h, sizeof(h)) != 0 ||
        blob_put(&q->bytes, data, size) != 0) {
        q->bytes.size = before;
        return ROTA_E_NOMEM;
    }
    if (q->count++ == 0)
        q->first = number;
    return 0;
}

/* `data` is valid until the queue changes. */
static struct head queue_take(struct queue *q, const char **data)
{
    struct head h;
    memcpy(&h, q->bytes.data + q->at, sizeof(h));
    *data = q->bytes.data + q->at + sizeof(h);
    q->at += sizeof(h) + h.size;
    q->count--;
    return h;
}

static void queue_clear(struct queue *q)
{
    q->bytes.size = q->at = 0;
    q->count = 0;
    if (q->bytes.cap > (size_t)4 * CHUNK_BYTES)
        blob_done(&q->bytes);
}

/* ---- reading the list -------------------------------------------------------- */

static int out_of_memory(struct rota_error *err)
{
    return error_set(err, ROTA_E_NOMEM, "out of memory for the list");
}

static int join(struct list *l, struct row row)
{
    int rc = 0;
    l->row.size = 0;
    for (int i = 0; i < row.count && rc == 0; i++)
        rc = blob_put_string(&l->row, row.values[i]);
    return rc;
}

/* The list ends here, as it is not what it was. */
static int be_strange(struct list *l)
{
    l->strange = l->ended = true;
    return ROTA_E_NOTFOUND;
}

/* The last row that the file has comes again: whether it is the same. */
static int check_last(struct list *l, uint64_t number)
{
    const char *data;
    size_t size;
    int rc = store_task(l->o.store, number, &data, &size, &l->err);
    if (rc != 0)
        return rc;
    if (size == l->row.size && memcmp(data, l->row.data, size) == 0)
        return 0;
    error_set(&l->err, ROTA_E_STATE,
              "it has changed: task %" PRIu64 " was '%.200s', and is '%.200s' now",
              number, data, l->row.data);
    return be_strange(l);
}

static int skip_row(struct list *l)
{
    uint64_t number = store_tasks(l->o.store) - --l->skip;
    return l->skip == 0 ? check_last(l, number) : 0;
}

/* A failure of the run file's is told when it is tried again. */
static int add_row(struct list *l)
{
    uint64_t number = 0;
    if (store_tasks(l->o.store) == 0) {
        struct row names = l->o.names(l->o.ctx);
        if (store_add_names(l->o.store, names.values, names.count, NULL) ==
            ROTA_E_NOMEM)
            return out_of_memory(&l->err);
    }
    if (store_add_task(l->o.store, l->row.data, l->row.size, &number, NULL) ==
            ROTA_E_NOMEM ||
        queue_put(&l->back, number, l->row.data, l->row.size) != 0)
        return out_of_memory(&l->err);
    l->left++;
    l->ahead_bytes += l->row.size;
    return 0;
}

static int end_list(struct list *l)
{
    l->ended = true;
    if (l->skip > 0) {
        error_set(&l->err, ROTA_E_STATE, "it has become shorter, by %" PRIu64 " tasks",
                  l->skip);
        return be_strange(l);
    }
    if (store_listed(l->o.store, NULL) == ROTA_E_NOMEM)
        return out_of_memory(&l->err);
    return ROTA_E_NOTFOUND;
}

/* Read a row, if there is one now. Fails as `read` does; all but ROTA_E_TIMEOUT ends
 * the reading. */
static int read_row(struct list *l)
{
    struct row row;
    int rc = l->o.read(l->o.ctx, &row, &l->err);
    if (rc == ROTA_E_TIMEOUT)
        return rc;
    if (rc == 0 && join(l, row) != 0)
        rc = out_of_memory(&l->err);
    if (rc == 0)
        rc = l->skip > 0 ? skip_row(l) : add_row(l);
    else if (rc == ROTA_E_NOTFOUND)
        rc = end_list(l);
    if (rc == 0)
        return 0;
    l->ended = true;
    l->failed = rc == ROTA_E_NOTFOUND ? 0 : rc;
    return rc;
}

/* ---- ahead ------------------------------------------------------------------- */

/* Forget the back, if the file has it. */
static bool spill(struct list *l)
{
    if (store_commit(l->o.store, NULL) != 0 || store_due_ns(l->o.store) != INT64_MAX)
        return false;
    queue_clear(&l->back);
    l->spilled = true;
    return true;
}

static bool is_large(const struct queue *q)
{
    return q->count >= CHUNK_ROWS || q->bytes.size >= CHUNK_BYTES;
}

/* Whether a row more can be read: there is room for it. */
static bool has_room(struct list *l)
{
    if (l->left >= LIST_AHEAD_TASKS || l->ahead_bytes >= LIST_AHEAD_BYTES)
        return false;
    return !is_large(&l->back) || spill(l);
}

void list_tick(struct list *l)
{
    int64_t begun_ns = clock_now_ns();
    int64_t slice_ns = (begun_ns - l->last_ns) / 4;
    int rc = 0;
    bool room = true;
    if (l->ended || begun_ns < l->next_ns)
        return;
    slice_ns = slice_ns < SLICE_LEAST_NS  ? SLICE_LEAST_NS
               : slice_ns > SLICE_MOST_NS ? SLICE_MOST_NS
                                          : slice_ns;
    do {
        for (int i = 0; i < READ_ROWS && rc == 0 && (room = has_room(l)); i++)
            rc = read_row(l);
        l->last_ns = clock_now_ns();
    } while (rc == 0 && room && l->last_ns < begun_ns + slice_ns);
    l->next_ns = l->last_ns + (!room     ? FULL_NS
                               : rc != 0 ? REST_NS
                                         : l->last_ns - begun_ns);
}

/* ---- giving ------------------------------------------------------------------ */

/* From the file to the front, up to where the back begins. */
static int fill_front(struct list *l, struct rota_error *err)
{
    while (l->front.count < FILL_ROWS && l->front.bytes.size < CHUNK_BYTES) {
        uint64_t number = 0;
        const char *data;
        size_t size;
        int rc = store_next_left(l->o.store, l->filled, &number, &data, &size, err);
        if (rc == ROTA_E_NOTFOUND ||
            (rc == 0 && l->back.count > 0 && number >= l->back.first)) {
            l->spilled = false;
            return 0;
        }
        if (rc != 0)
            return l->front.count > 0 ? 0 : rc;
        if (queue_put(&l->front, number, data, size) != 0)
            return out_of_memory(err);
        l->filled = number;
    }
    return 0;
}

/* Have a row at the front: 0, or as list_next. */
static int want_front(struct list *l, struct rota_error *err)
{
    if (l->front.count > 0)
        return 0;
    queue_clear(&l->front);
    int rc = l->spilled ? fill_front(l, err) : 0;
    if (rc != 0 || l->front.count > 0)
        return rc;
    for (int i = 0; i < READ_ROWS && rc == 0 && !l->ended && l->back.count == 0; i++)
        rc = read_row(l);
    struct queue empty = l->front;
    l->front = l->back;
    l->back = empty;
    if (l->front.count > 0)
        return 0;
    if (l->failed != 0)
        *err = l->err;
    return l->failed ? l->failed : l->ended ? ROTA_E_NOTFOUND : ROTA_E_TIMEOUT;
}

int list_next(struct list *l, struct row *out, uint64_t *number, struct rota_error *err)
{
    const char *data;
    int rc = want_front(l, err);
    if (rc != 0)
        return rc;
    struct head h = queue_take(&l->front, &data);
    l->values.size = 0;
    for (size_t at = 0; at < h.size; at += strlen(data + at) + 1) {
        const char *value = data + at;
        if (blob_put(&l->values, (const char *)&value, sizeof(value)) != 0)
            return out_of_memory(err);
    }
    if (h.number > l->filled)
        l->filled = h.number;
    l->left--;
    l->ahead_bytes -= l->ahead_bytes < h.size ? l->ahead_bytes : h.size;
    *number = h.number;
    *out = (struct row){.values = (const void *)l->values.data,
                        .count = (int)(l->values.size / sizeof(char *))};
    return 0;
}

/* ---- the whole --------------------------------------------------------------- */

int list_open(const struct list_options *options, struct list **out,
              struct rota_error *err)
{
    uint64_t failed;
    rota_auto(list) struct list *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return out_of_memory(err);
    l->o = *options;
    int rc = store_count(l->o.store, &l->left, &failed, err);
    if (rc != 0)
        return rc;
    l->spilled = l->left > 0;
    l->ended = store_is_listed(l->o.store) || l->o.read == NULL;
    l->skip = store_tasks(l->o.store);
    l->last_ns = clock_now_ns();
    *out = rota_steal(l);
    return 0;
}

void list_close(struct list *l)
{
    if (l == NULL)
        return;
    struct blob *blobs[] = {&l->front.bytes, &l->back.bytes, &l->row, &l->values};
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
        blob_done(blobs[i]);
    free(l);
}

bool list_is_whole(const struct list *l)
{
    return store_is_listed(l->o.store);
}

const char *list_trouble(const struct list *l)
{
    return l->strange ? l->err.text : NULL;
}

int64_t list_left(const struct list *l)
{
    return list_is_whole(l) ? (int64_t)l->left : -1;
}
