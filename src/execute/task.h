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

/* One attempt, under way: what a function sees as struct rota_task. Its value, and what
 * it submits, grow at the end of `out`. */
struct rota_task {
    const struct rota_function *functions;
    int count;
    uint32_t attempt;
    uint64_t id;
    const unsigned char *payload;
    size_t payload_size;
    struct task_bytes *out;
    unsigned char *place; /* while nothing has been said, or one number: where it
                             stands, and then `begin`, `end` and the bytes of `out` are
                             yet to be set (task_catch_up). Else NULL */
    size_t begin;         /* of the value, in `out` */
    size_t end;           /* what it submitted begins there */
    size_t size;          /* of the value; before it is filled up */
    uint32_t submitted;
    bool said;    /* the value is what rota_task_fail said */
    bool starved; /* there was no memory for the last value */
};

enum {
    TASK_SPARE_BYTES = 96, /* to be reserved behind `begin` before a function is called:
                              for the reason of an attempt that finds no memory, and */
    TASK_BEHIND_BYTES = 32, /* to be found behind its result, whatever that holds: what
                               is to be said of it, and a longer head */
};

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

/* Whether it has said anything but a value. */
static inline bool task_is_odd(const struct rota_task *t)
{
    return t->submitted > 0 || t->said || t->starved;
}

/* Set what is yet to be set while there is a `place`. */
static inline void task_catch_up(struct rota_task *t)
{
    if (t->place == NULL)
        return;
    t->begin = (size_t)(t->place - t->out->data);
    t->out->size = t->end = t->begin + t->size;
    t->place = NULL;
}

/* Call the function that has this place: what it returns. */
int task_call(struct rota_task *t, uint16_t function);

/* The function has returned `rc`. Write a record around what of all that it said is the
 * result: its head to the PARCEL_RESULT_BYTES before `begin`. Can't fail. */
void task_finish(struct rota_task *t, int rc);

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
