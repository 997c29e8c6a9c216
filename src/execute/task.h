/* task.h - one attempt at a task: its function is called, its result is recorded */
#ifndef ROTA_EXECUTE_TASK_H
#define ROTA_EXECUTE_TASK_H

#include "execute/parcel.h"

/* Bytes that grow. All zeros: empty. */
struct task_bytes {
    unsigned char *data; /* free() */
    size_t size;
    size_t cap;
};

/* Room for `size` bytes more: 0 or ROTA_E_NOMEM. */
int task_bytes_grow(struct task_bytes *b, size_t size);

static inline int task_bytes_reserve(struct task_bytes *b, size_t size)
{
    return b->cap - b->size >= size ? 0 : task_bytes_grow(b, size);
}

/* The place of the function called `name` (NULL: the first), or ROTA_E_NOTFOUND. */
int task_function(const struct rota_function *functions, int count, const char *name);

/* Run one attempt of task `id` with the function that it names, and append its
 * result's record to `out`, its time (`took_ns`) left 0 for task_set_took(). The record
 * is appended whatever the function does; without memory for what it returned, the
 * attempt has failed and says so. Returns 0, or ROTA_E_NOMEM where there is not even
 * memory for that: nothing was run. */
int task_attempt(const struct rota_function *functions, int count,
                 const struct parcel_task *t, uint64_t id, uint32_t attempt,
                 struct task_bytes *out);

/* What `spec` says, for parcel_write_task(): `data` borrows. Fails as rota_task_submit
 * does. */
int task_from_spec(const struct rota_function *functions, int count,
                   const struct rota_spec *spec, struct parcel_task *out);

/* Set the time of the result whose record begins at `record`. */
static inline void task_set_took(unsigned char *record, int64_t took_ns)
{
    parcel_put64(record + 8, (uint64_t)took_ns);
}

#endif
