/* row.h - tasks, or results, that share all but their bytes: one head for many
 *
 * Where records of parcel.h stand one behind the other in a message between ranks, a
 * row may stand in the place of a record: PARCEL_ROW is set in its flags, and its size
 * is that of each payload, or value.
 *
 *   tasks:    the record up to its payload, with PARCEL_EXTRA or without
 *             0   4  how many, 1 to ROW_MOST
 *             4   4  0
 *             -   -  payloads, one behind the other, each filled up with zeros to a
 *                    multiple of 8
 *
 *   results:  the record up to its value: done, and nothing more; the time is that of
 *             each
 *             0   4  how many, 1 to ROW_MOST
 *             4   4  0
 *             -   -  values, as payloads
 *
 * A task of 8 bytes so travels as 8 bytes, and so does its result. Whoever needs
 * records goes through a message task by task: struct row_walk.
 *
 * Readers trust nothing: what does not fit in the bytes there are is ROTA_E_FORMAT.
 */
#ifndef ROTA_EXECUTE_ROW_H
#define ROTA_EXECUTE_ROW_H

#include "execute/parcel.h"

enum {
    ROW_MOST = 1 << 20,
    ROW_COUNT_BYTES = 8, /* what stands behind the head of a record */
    ROW_RESULT_BYTES = PARCEL_RESULT_BYTES + ROW_COUNT_BYTES,
};

/* ---- tasks ------------------------------------------------------------------- */

/* How many bytes stand before the payloads of tasks that are all as `t` says. */
static inline size_t row_head_bytes(const struct parcel_task *t)
{
    return parcel_task_bytes(t) - parcel_padded(t->size) + ROW_COUNT_BYTES;
}

/* Write them, for `count` tasks. */
static inline void row_write_head(unsigned char *out, const struct parcel_task *t,
                                  uint32_t count)
{
    unsigned char *behind = parcel_write_head(out, t);
    parcel_put16(out + 6, (uint16_t)(parcel_get16(out + 6) | PARCEL_ROW));
    parcel_put64(behind, count);
}

/* Read the record, or the row, at `in`, of whose bytes there are `left`: *out is the
 * first task, of *count; the others' payloads follow, parcel_padded(out->size) bytes
 * apart. *bytes is how many all take. Returns 0 or ROTA_E_FORMAT. */
static inline int row_read_tasks(const unsigned char *in, size_t left,
                                 struct parcel_task *out, uint32_t *count,
                                 size_t *bytes)
{
    size_t head;
    bool row;
    int rc = parcel_read_head(in, left, out, &head, &row);
    if (rc != 0)
        return rc;
    uint64_t many = 1;
    if (row) {
        if (left - head < ROW_COUNT_BYTES)
            return ROTA_E_FORMAT;
        many = parcel_get64(in + head);
        head += ROW_COUNT_BYTES;
    }
    if (many == 0 || many > ROW_MOST || many * parcel_padded(out->size) > left - head)
        return ROTA_E_FORMAT;
    out->data = in + head;
    *count = (uint32_t)many;
    *bytes = head + (size_t)many * parcel_padded(out->size);
    return 0;
}

/* ---- results ----------------------------------------------------------------- */

/* Write the head of `count` results of `size` bytes each. */
static inline void row_write_results(unsigned char *out, size_t size, int64_t took_ns,
                                     uint32_t count)
{
    parcel_put32(out, ROTA_DONE | PARCEL_ROW << 16);
    parcel_put32(out + 4, (uint32_t)size);
    parcel_put64(out + 8, (uint64_t)took_ns);
    parcel_put64(out + PARCEL_RESULT_BYTES, count);
}

/* As row_read_tasks. */
static inline int row_read_results(const unsigned char *in, size_t left,
                                   struct parcel_result *out, uint32_t *count,
                                   size_t *bytes)
{
    *count = 1;
    if (left < PARCEL_RESULT_BYTES || !(parcel_get16(in + 2) & PARCEL_ROW))
        return parcel_read_result(in, left, out, bytes);
    struct parcel_result r = {
        .data = in + ROW_RESULT_BYTES,
        .size = parcel_get32(in + 4),
        .took_ns = (int64_t)parcel_get64(in + 8),
    };
    if (left < ROW_RESULT_BYTES || parcel_get32(in) != (ROTA_DONE | PARCEL_ROW << 16) ||
        r.took_ns < 0)
        return ROTA_E_FORMAT;
    uint64_t many = parcel_get64(in + PARCEL_RESULT_BYTES);
    if (many == 0 || many > ROW_MOST ||
        many * parcel_padded(r.size) > left - ROW_RESULT_BYTES)
        return ROTA_E_FORMAT;
    *count = (uint32_t)many;
    *bytes = ROW_RESULT_BYTES + (size_t)many * parcel_padded(r.size);
    *out = r;
    return 0;
}

/* Results written one behind the other: as rows, where they are values. All 0 but for
 * `out`, where there is room for ROW_RESULT_BYTES more than each one's record takes
 * (parcel_result_bytes); row_end() behind the last. */
struct row_writer {
    unsigned char *out;
    size_t size;    /* bytes that were written */
    size_t head;    /* of the row that grows, */
    uint32_t count; /* which has so many values; 0: there is none, */
    size_t value;   /* of so many bytes each, */
    int64_t took_ns;
};

static inline void row_end(struct row_writer *w)
{
    if (w->count > 0)
        parcel_put64(w->out + w->head + PARCEL_RESULT_BYTES, w->count);
    w->count = 0;
}

/* Write a value of as many bytes, filled up, and as much time, as the one before. */
static inline void row_write_next(struct row_writer *w, const unsigned char *value,
                                  size_t bytes)
{
    parcel_copy(w->out + w->size, value, bytes);
    w->size += bytes;
    w->count++;
}

static inline void row_write_result(struct row_writer *w, const struct parcel_result *r)
{
    size_t bytes = parcel_padded(r->size);
    if (!parcel_result_is_plain(r)) {
        row_end(w);
        parcel_write_result(w->out + w->size, r);
        w->size += parcel_result_bytes(r);
        return;
    }
    if (w->count == 0 || w->count == ROW_MOST || w->value != r->size ||
        w->took_ns != r->took_ns) {
        row_end(w);
        w->head = w->size;
        w->value = r->size;
        w->took_ns = r->took_ns;
        row_write_results(w->out + w->size, r->size, r->took_ns, 1);
        w->size += ROW_RESULT_BYTES;
    }
    row_write_next(w, r->data, bytes);
}

/* ---- one by one -------------------------------------------------------------- */

/* A place in what was received: { .at = bytes, .left = how many }. */
struct row_walk {
    const unsigned char *at; /* behind the record, or row, read last */
    size_t left;
    uint32_t more; /* in that row */
    struct parcel_task task;
    struct parcel_result result;
};

/* The next task; or the next result. Fail with ROTA_E_FORMAT. */
static inline int row_next_task(struct row_walk *w, struct parcel_task *out)
{
    size_t bytes;
    if (w->more == 0) {
        int rc = row_read_tasks(w->at, w->left, &w->task, &w->more, &bytes);
        if (rc != 0)
            return rc;
        w->at += bytes;
        w->left -= bytes;
    } else {
        w->task.data += parcel_padded(w->task.size);
    }
    w->more--;
    *out = w->task;
    return 0;
}

static inline int row_next_result(struct row_walk *w, struct parcel_result *out)
{
    size_t bytes;
    if (w->more == 0) {
        int rc = row_read_results(w->at, w->left, &w->result, &w->more, &bytes);
        if (rc != 0)
            return rc;
        w->at += bytes;
        w->left -= bytes;
    } else {
        w->result.data += parcel_padded(w->result.size);
    }
    w->more--;
    *out = w->result;
    return 0;
}

#endif
