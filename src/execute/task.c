/* task.c - one attempt at a task: its function is called, its result is recorded
 *
 * The result grows at the end of `out` while the function runs: a head, the value, the
 * tasks submitted. The value has its place before the tasks, so a value that comes
 * after them moves them along. Nothing is allocated for one task alone.
 */
#include "execute/task.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CAP_MIN = 4096,
};

/* --- bytes ---------------------------------------------------------------- */

int task_bytes_grow(struct task_bytes *b, size_t size)
{
    size_t cap = b->cap ? b->cap : CAP_MIN;
    while (cap - b->size < size) {
        if (cap > SIZE_MAX / 2)
            return ROTA_E_NOMEM;
        cap *= 2;
    }
    unsigned char *data = realloc(b->data, cap);
    if (data == NULL)
        return ROTA_E_NOMEM;
    b->data = data;
    b->cap = cap;
    return 0;
}

/* --- what a function may ask and say -------------------------------------- */

const void *rota_task_data(const struct rota_task *task, size_t *size_bytes)
{
    if (size_bytes != NULL)
        *size_bytes = task->payload_size;
    return task->payload;
}

uint64_t rota_task_id(const struct rota_task *task)
{
    return task->id;
}

int rota_task_attempt(const struct rota_task *task)
{
    return (int)task->attempt;
}

/* Make the value `size` bytes long. Returns where it stands, and keeps room for
 * TASK_BEHIND_BYTES behind it all; NULL: no memory, and nothing has changed. */
static inline unsigned char *resize_value(struct rota_task *t, size_t size)
{
    struct task_bytes *out = t->out;
    size_t end = t->begin + parcel_padded(size);
    size_t tail = out->size - t->end;
    size_t more = end > t->end ? end - t->end : 0;
    if (task_bytes_reserve(out, more + TASK_BEHIND_BYTES) != 0)
        return NULL;
    unsigned char *value = out->data + t->begin;
    if (tail > 0 && end != t->end)
        memmove(out->data + end, out->data + t->end, tail);
    if (size % 8 != 0)
        memset(out->data + end - 8, 0, 8);
    out->size = end + tail;
    t->end = end;
    t->size = size;
    return value;
}

/* Out of the way of the quick ones. */
__attribute__((noinline)) static int set_value(struct rota_task *t, const void *data,
                                               size_t size)
{
    if (size > PARCEL_SIZE_MAX || (data == NULL && size > 0))
        return ROTA_E_ARG;
    task_catch_up(t);
    unsigned char *value = resize_value(t, size);
    t->starved = value == NULL;
    if (value == NULL)
        return ROTA_E_NOMEM;
    parcel_copy(value, data, size);
    t->said = false;
    return 0;
}

/* Most values are one number, of a task that says nothing else. */
int rota_task_return(struct rota_task *task, const void *data, size_t size_bytes)
{
    unsigned char *place = task->place;
    if (size_bytes != 8 || place == NULL || data == NULL)
        return set_value(task, data, size_bytes);
    memcpy(place, data, 8);
    task->size = 8;
    return 0;
}

int rota_task_fail(struct rota_task *task, const char *format, ...)
{
    int error = errno; /* for both passes: the format may have a %m */
    va_list args, again;
    task_catch_up(task);
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    unsigned char *value = size >= 0 ? resize_value(task, (size_t)size) : NULL;
    if (value != NULL) {
        unsigned char behind = value[size]; /* where vsnprintf puts its 0 */
        errno = error;
        vsnprintf((char *)value, (size_t)size + 1, format, again);
        value[size] = behind;
        task->said = true;
        task->starved = false;
    }
    va_end(again);
    va_end(args);
    return -1;
}

int task_function(const struct rota_function *functions, int count, const char *name)
{
    if (name == NULL)
        return count > 0 ? 0 : ROTA_E_NOTFOUND;
    for (int i = 0; i < count; i++)
        if (functions[i].name == name || strcmp(functions[i].name, name) == 0)
            return i;
    return ROTA_E_NOTFOUND;
}

int task_from_spec(const struct rota_function *functions, int count,
                   const struct rota_spec *spec, struct parcel_task *out)
{
    if (spec->size_bytes > PARCEL_SIZE_MAX ||
        (spec->data == NULL && spec->size_bytes > 0) || spec->retries < 0 ||
        spec->retries > PARCEL_RETRIES_MAX || spec->near < 0 ||
        spec->near > UINT16_MAX || spec->time_limit_ms < 0 ||
        spec->time_limit_ms > UINT32_MAX)
        return ROTA_E_ARG;
    int function = task_function(functions, count, spec->function);
    if (function < 0)
        return function;
    *out = (struct parcel_task){
        .data = spec->data,
        .size = spec->size_bytes,
        .tag = spec->tag,
        .time_limit_ms = (uint32_t)spec->time_limit_ms,
        .priority = spec->priority,
        .function = (uint16_t)function,
        .retries = (uint16_t)spec->retries,
        .near = (uint16_t)spec->near,
    };
    return 0;
}

int rota_task_submit(struct rota_task *task, const struct rota_spec *spec)
{
    struct parcel_task t;
    struct task_bytes *out = task->out;
    task_catch_up(task);
    int rc = task_from_spec(task->functions, task->count, spec, &t);
    if (rc != 0)
        return rc;
    size_t bytes = parcel_task_bytes(&t);
    if (task->submitted == UINT32_MAX ||
        task_bytes_reserve(out, PARCEL_MORE_BYTES + bytes) != 0)
        return ROTA_E_NOMEM;
    if (task->submitted++ == 0)
        out->size += PARCEL_MORE_BYTES; /* written at the end */
    parcel_write_task(out->data + out->size, &t);
    out->size += bytes;
    return 0;
}

/* --- the attempt ---------------------------------------------------------- */

/* In the place that was reserved before the function ran: this can't fail. */
static void say(struct rota_task *t, const char *text)
{
    task_catch_up(t);
    unsigned char *value = resize_value(t, strlen(text));
    memcpy(value, text, strlen(text) + 1);
    t->said = true;
}

void task_finish(struct rota_task *t, int rc)
{
    struct task_bytes *out = t->out;
    task_catch_up(t);
    if (rc == 0 && t->starved)
        rc = ROTA_E_NOMEM;
    if (rc != 0) {
        out->size = t->end;
        t->submitted = 0;
    }
    if (rc != 0 && t->starved)
        say(t, "out of memory for the task's value");
    else if (t->said != (rc != 0))
        resize_value(t, 0);

    bool plain = rc == 0 && t->submitted == 0;
    unsigned char *record = out->data + t->begin - PARCEL_RESULT_BYTES;
    parcel_put16(record, rc == 0 ? ROTA_DONE : ROTA_FAILED);
    parcel_put16(record + 2, plain ? 0 : PARCEL_MORE);
    parcel_put32(record + 4, (uint32_t)t->size);
    parcel_put64(record + 8, 0);
    if (plain)
        return;
    parcel_put32(out->data + t->end, (uint32_t)rc);
    parcel_put32(out->data + t->end + 4, t->submitted);
    if (t->submitted == 0)
        out->size += PARCEL_MORE_BYTES;
}

int task_call(struct rota_task *t, uint16_t function)
{
    if (function < t->count)
        return t->functions[function].run(t, t->functions[function].context);
    say(t, "this rank has no such function");
    return ROTA_E_NOTFOUND;
}

int task_attempt(const struct rota_function *functions, int count,
                 const struct parcel_task *t, uint64_t id, uint32_t attempt,
                 struct task_bytes *out)
{
    if (task_bytes_reserve(out, PARCEL_RESULT_BYTES + TASK_SPARE_BYTES) != 0)
        return ROTA_E_NOMEM;
    out->size += PARCEL_RESULT_BYTES;
    struct rota_task task = {
        .functions = functions,
        .count = count,
        .payload = t->data,
        .payload_size = t->size,
        .id = id,
        .attempt = attempt,
        .out = out,
        .place = out->data + out->size,
    };
    task_finish(&task, task_call(&task, t->function));
    return 0;
}
