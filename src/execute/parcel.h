/* parcel.h - tasks and results as bytes, many at once
 *
 * A task's record is made once, when it is submitted, and then copied as it is: from
 * the manager's memory to a message, from there to the process that runs it. All
 * integers are little-endian; every record, and every payload in it, begins at a
 * multiple of 8 bytes from the first record's beginning, and is filled up with zeros
 * to such a multiple.
 *
 *   task:    0   4  payload size in bytes
 *            4   2  function: its place in the table that all ranks share
 *            6   2  flags
 *            8   8  user tag                        } only with PARCEL_EXTRA
 *           16   4  time limit of an attempt in ms  }
 *           20   2  retries                         }
 *           22   2  near: ROTA_NEAR(rank), 0: none  }
 *           24   4  priority, signed                }
 *           28   4  0                               }
 *            -   -  payload
 *
 *   result:  0   2  outcome: enum rota_outcome
 *            2   2  flags
 *            4   4  value size in bytes
 *            8   8  how long it ran, in ns
 *            -   -  value
 *            0   4  code, signed                    } only with PARCEL_MORE
 *            4   4  how many tasks it submitted     }
 *            -   -  these tasks: records as above   }
 *
 * Readers trust nothing: what does not fit in the bytes there are is ROTA_E_FORMAT.
 */
#ifndef ROTA_EXECUTE_PARCEL_H
#define ROTA_EXECUTE_PARCEL_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rota.h"

enum {
    PARCEL_TASK_BYTES = 8,
    PARCEL_EXTRA_BYTES = 24,
    PARCEL_RESULT_BYTES = 16,
    PARCEL_MORE_BYTES = 8,
    PARCEL_EXTRA = 1, /* flag of a task */
    PARCEL_MORE = 1,  /* flag of a result */
    PARCEL_ROW = 2,   /* flag of either: no record, but a row (row.h) */
    PARCEL_RETRIES_MAX = 1000,
};

#define PARCEL_SIZE_MAX UINT32_MAX /* of a payload or a value */

/* A task's record, read. `data` borrows. */
struct parcel_task {
    const unsigned char *data;
    size_t size;
    uint64_t tag;
    uint32_t time_limit_ms;
    int priority;
    uint16_t function;
    uint16_t retries;
    uint16_t near;
};

/* A result's record, read. `data` and `tasks` borrow; `tasks_bytes` bytes of task
 * records, `tasks_count` of them. */
struct parcel_result {
    const unsigned char *data;
    size_t size;
    enum rota_outcome outcome;
    int code;
    int64_t took_ns;
    const unsigned char *tasks;
    size_t tasks_bytes;
    uint32_t tasks_count;
};

static inline size_t parcel_padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static inline bool parcel_task_is_plain(const struct parcel_task *t)
{
    return t->tag == 0 && t->time_limit_ms == 0 && t->priority == 0 &&
           t->retries == 0 && t->near == 0;
}

/* How many bytes the record of `t` takes. */
static inline size_t parcel_task_bytes(const struct parcel_task *t)
{
    size_t head = PARCEL_TASK_BYTES;
    if (!parcel_task_is_plain(t))
        head += PARCEL_EXTRA_BYTES;
    return head + parcel_padded(t->size);
}

static inline void parcel_put16(unsigned char *out, uint16_t value)
{
    value = htole16(value);
    memcpy(out, &value, sizeof(value));
}

static inline void parcel_put32(unsigned char *out, uint32_t value)
{
    value = htole32(value);
    memcpy(out, &value, sizeof(value));
}

static inline void parcel_put64(unsigned char *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof(value));
}

static inline uint16_t parcel_get16(const unsigned char *in)
{
    uint16_t value;
    memcpy(&value, in, sizeof(value));
    return le16toh(value);
}

static inline uint32_t parcel_get32(const unsigned char *in)
{
    uint32_t value;
    memcpy(&value, in, sizeof(value));
    return le32toh(value);
}

static inline uint64_t parcel_get64(const unsigned char *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof(value));
    return le64toh(value);
}

/* Copy a payload; most are a number, for which a call of memcpy is long. */
static inline void parcel_copy(unsigned char *out, const void *data, size_t size)
{
    if (size == 8)
        memcpy(out, data, 8);
    else if (size > 0)
        memcpy(out, data, size);
}

/* Write a payload, filled up with zeros. */
static inline void parcel_write_payload(unsigned char *out, const void *data,
                                        size_t size)
{
    if (size % 8 != 0)
        memset(out + parcel_padded(size) - 8, 0, 8);
    parcel_copy(out, data, size);
}

/* Write the record of a task of which nothing but this is said. */
static inline void parcel_write_plain(unsigned char *out, uint16_t function,
                                      const void *data, size_t size)
{
    parcel_put64(out, (uint32_t)size | (uint64_t)function << 32);
    parcel_write_payload(out + PARCEL_TASK_BYTES, data, size);
}

/* Write the record of `t` up to its payload: returns where that belongs. */
static inline unsigned char *parcel_write_head(unsigned char *out,
                                               const struct parcel_task *t)
{
    parcel_put64(out, (uint32_t)t->size | (uint64_t)t->function << 32);
    if (parcel_task_is_plain(t))
        return out + PARCEL_TASK_BYTES;
    parcel_put16(out + 6, PARCEL_EXTRA);
    parcel_put64(out + 8, t->tag);
    parcel_put32(out + 16, t->time_limit_ms);
    parcel_put16(out + 20, t->retries);
    parcel_put16(out + 22, t->near);
    parcel_put32(out + 24, (uint32_t)t->priority);
    parcel_put32(out + 28, 0);
    return out + PARCEL_TASK_BYTES + PARCEL_EXTRA_BYTES;
}

/* Write the record of `t` to the parcel_task_bytes(t) bytes at `out`. */
static inline void parcel_write_task(unsigned char *out, const struct parcel_task *t)
{
    parcel_write_payload(parcel_write_head(out, t), t->data, t->size);
}

/* How many bytes the record of a task takes that is known to be sound; flags in the
 * high byte of its flags may be the reader's own. */
static inline size_t parcel_record_bytes(const unsigned char *record)
{
    size_t head = PARCEL_TASK_BYTES;
    if (record[6] & PARCEL_EXTRA)
        head += PARCEL_EXTRA_BYTES;
    return head + parcel_padded(parcel_get32(record));
}

/* Read the task's record at `in`, of whose bytes there are `left`, up to its payload,
 * which stands, or begins, behind *head bytes. *row: it is none, but a row (row.h).
 * Returns 0 or ROTA_E_FORMAT. */
static inline int parcel_read_head(const unsigned char *in, size_t left,
                                   struct parcel_task *out, size_t *head, bool *row)
{
    if (left < PARCEL_TASK_BYTES)
        return ROTA_E_FORMAT;
    struct parcel_task t = {.size = parcel_get32(in), .function = parcel_get16(in + 4)};
    unsigned flags = parcel_get16(in + 6);
    *head = PARCEL_TASK_BYTES;
    *row = (flags & PARCEL_ROW) != 0;
    if (flags > (PARCEL_EXTRA | PARCEL_ROW))
        return ROTA_E_FORMAT;
    if (flags & PARCEL_EXTRA) {
        if (left < PARCEL_TASK_BYTES + PARCEL_EXTRA_BYTES)
            return ROTA_E_FORMAT;
        t.tag = parcel_get64(in + 8);
        t.time_limit_ms = parcel_get32(in + 16);
        t.retries = parcel_get16(in + 20);
        t.near = parcel_get16(in + 22);
        t.priority = (int)parcel_get32(in + 24);
        *head += PARCEL_EXTRA_BYTES;
    }
    if (t.retries > PARCEL_RETRIES_MAX)
        return ROTA_E_FORMAT;
    *out = t;
    return 0;
}

/* Read the task's record at `in`, of whose bytes there are `left`. *bytes is how many
 * it takes. Returns 0 or ROTA_E_FORMAT. */
static inline int parcel_read_task(const unsigned char *in, size_t left,
                                   struct parcel_task *out, size_t *bytes)
{
    struct parcel_task t = {0};
    size_t head;
    bool row;
    int rc = parcel_read_head(in, left, &t, &head, &row);
    if (rc != 0)
        return rc;
    if (row || parcel_padded(t.size) > left - head)
        return ROTA_E_FORMAT;
    t.data = in + head;
    *bytes = head + parcel_padded(t.size);
    *out = t;
    return 0;
}

static inline bool parcel_result_is_plain(const struct parcel_result *r)
{
    return r->outcome == ROTA_DONE && r->code == 0 && r->tasks_count == 0;
}

static inline size_t parcel_result_bytes(const struct parcel_result *r)
{
    size_t bytes = PARCEL_RESULT_BYTES + parcel_padded(r->size);
    return parcel_result_is_plain(r) ? bytes
                                     : bytes + PARCEL_MORE_BYTES + r->tasks_bytes;
}

/* Write the record of `r` to the parcel_result_bytes(r) bytes at `out`, but for the
 * value's bytes: returns where they belong. */
static inline unsigned char *parcel_begin_result(unsigned char *out,
                                                 const struct parcel_result *r)
{
    bool plain = parcel_result_is_plain(r);
    unsigned char *value = out + PARCEL_RESULT_BYTES;
    unsigned char *more = value + parcel_padded(r->size);
    parcel_put16(out, (uint16_t)r->outcome);
    parcel_put16(out + 2, plain ? 0 : PARCEL_MORE);
    parcel_put32(out + 4, (uint32_t)r->size);
    parcel_put64(out + 8, (uint64_t)r->took_ns);
    if (r->size % 8 != 0) /* the padding's bytes: the last eight, before the rest */
        memset(more - 8, 0, 8);
    if (plain)
        return value;
    parcel_put32(more, (uint32_t)r->code);
    parcel_put32(more + 4, r->tasks_count);
    if (r->tasks_bytes > 0)
        memcpy(more + PARCEL_MORE_BYTES, r->tasks, r->tasks_bytes);
    return value;
}

/* The same, with the value. */
static inline void parcel_write_result(unsigned char *out,
                                       const struct parcel_result *r)
{
    parcel_copy(parcel_begin_result(out, r), r->data, r->size);
}

/* How many bytes the result's record at `in` takes, if it is done and holds a value and
 * nothing else, and fits in the `left` bytes there are; 0: look at it more closely. */
static inline size_t parcel_plain_result(const unsigned char *in, size_t left)
{
    if (left < PARCEL_RESULT_BYTES || parcel_get32(in) != ROTA_DONE ||
        parcel_get64(in + 8) > INT64_MAX)
        return 0;
    size_t bytes = PARCEL_RESULT_BYTES + parcel_padded(parcel_get32(in + 4));
    return bytes <= left ? bytes : 0;
}

/* What a result holds behind its value, from in + *at on; *at is moved behind it. */
static inline int parcel_read_more(const unsigned char *in, size_t left, size_t *at,
                                   struct parcel_result *r)
{
    if (left - *at < PARCEL_MORE_BYTES)
        return ROTA_E_FORMAT;
    r->code = (int)parcel_get32(in + *at);
    r->tasks_count = parcel_get32(in + *at + 4);
    *at += PARCEL_MORE_BYTES;
    r->tasks = in + *at;
    for (uint32_t i = 0; i < r->tasks_count; i++) {
        struct parcel_task t;
        size_t taken;
        if (parcel_read_task(in + *at, left - *at, &t, &taken) != 0)
            return ROTA_E_FORMAT;
        *at += taken;
    }
    r->tasks_bytes = (size_t)(in + *at - r->tasks);
    return 0;
}

/* Read the result's record at `in`, of whose bytes there are `left`, with every task
 * in it. *bytes is how many it takes. Returns 0 or ROTA_E_FORMAT. */
static inline int parcel_read_result(const unsigned char *in, size_t left,
                                     struct parcel_result *out, size_t *bytes)
{
    if (left < PARCEL_RESULT_BYTES)
        return ROTA_E_FORMAT;
    unsigned outcome = parcel_get16(in);
    unsigned flags = parcel_get16(in + 2);
    uint32_t size = parcel_get32(in + 4);
    uint64_t took_ns = parcel_get64(in + 8);
    size_t at = PARCEL_RESULT_BYTES + parcel_padded(size);
    struct parcel_result more = {.code = 0};
    if (flags > PARCEL_MORE || outcome >= ROTA_OUTCOMES || took_ns > INT64_MAX ||
        at > left)
        return ROTA_E_FORMAT;
    if (flags != 0 && parcel_read_more(in, left, &at, &more) != 0)
        return ROTA_E_FORMAT;
    *bytes = at;
    /* Field by field: a copy of what has just been written in parts would wait. */
    out->data = in + PARCEL_RESULT_BYTES;
    out->size = size;
    out->outcome = (enum rota_outcome)outcome;
    out->code = more.code;
    out->took_ns = (int64_t)took_ns;
    out->tasks = more.tasks;
    out->tasks_bytes = more.tasks_bytes;
    out->tasks_count = more.tasks_count;
    return 0;
}

#endif
