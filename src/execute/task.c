/* task.c - one attempt at a task: its function is called, its result is recorded
 *
 * The result grows at the end of `out` while the function runs: a header, the value,
 * the tasks submitted. The value has its place before the tasks, so a value that comes
 * after them moves them along. Nothing is allocated for one task alone.
 */
#include "execute/task.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SPARE_BYTES = 64, /* for the value of an attempt that finds no memory: its reason */
    CAP_MIN = 4096,
};

struct rota_task {
    const struct rota_function *functions;
    int count;
    const struct parcel_task *task;
    uint64_t id;
    uint32_t attempt;
    struct task_bytes *out;
    size_t record; /* where in `out` its result begins */
    size_t size;   /* of the value */
    uint32_t submitted;
    bool said;    /* the value is what rota_task_fail said */
    bool starved; /* there was no memory for the last value */
};

/* --- bytes ---------------------------------------------------------------- */

static int grow(struct task_bytes *b, size_t size)
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

int task_bytes_reserve(struct task_bytes *b, size_t size)
{
    return b->cap - b->size >= size ? 0 : grow(b, size);
}

/* --- what a function may ask and say -------------------------------------- */

const void *rota_task_data(const struct rota_task *task, size_t *size_bytes)
{
    if (size_bytes != NULL)
        *size_bytes = task->task->size;
    return task->task->data;
}

uint64_t rota_task_id(const struct rota_task *task)
{
    return task->id;
}

int rota_task_attempt(const struct rota_task *task)
{
    return (int)task->attempt;
}

/* Make the value `size` bytes long. Returns where it stands, with a 0 byte behind it
 * already; NULL: no memory, and nothing has changed. */
static unsigned char *resize_value(struct rota_task *t, size_t size)
{
    struct task_bytes *out = t->out;
    size_t old_bytes = parcel_value_bytes(t->size);
    size_t new_bytes = parcel_value_bytes(size);
    if (new_bytes > old_bytes && task_bytes_reserve(out, new_bytes - old_bytes) != 0)
        return NULL;
    size_t at = t->record + PARCEL_RESULT_BYTES;
    unsigned char *value = out->data + at;
    size_t tail = out->size - at - old_bytes;
    if (tail > 0 && new_bytes != old_bytes)
        memmove(value + new_bytes, value + old_bytes, tail);
    memset(value + new_bytes - 8, 0, 8);
    out->size = at + new_bytes + tail;
    t->size = size;
    return value;
}

int rota_task_return(struct rota_task *task, const void *data, size_t size_bytes)
{
    if (size_bytes > PARCEL_SIZE_MAX || (data == NULL && size_bytes > 0))
        return ROTA_E_ARG;
    unsigned char *value = resize_value(task, size_bytes);
    task->starved = value == NULL;
    if (value == NULL)
        return ROTA_E_NOMEM;
    if (size_bytes > 0)
        memcpy(value, data, size_bytes);
    task->said = false;
    return 0;
}

int rota_task_fail(struct rota_task *task, const char *format, ...)
{
    int error = errno; /* for both passes: the format may have a %m */
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    unsigned char *value = size >= 0 ? resize_value(task, (size_t)size) : NULL;
    if (value != NULL) {
        errno = error;
        vsnprintf((char *)value, (size_t)size + 1, format, again);
        task->said = true;
        task->starved = false;
    }
    va_end(again);
    va_end(args);
    return -1;
}

static int find_function(const struct rota_function *functions, int count,
                         const char *name)
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
    int function = find_function(functions, count, spec->function);
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
    int rc = task_from_spec(task->functions, task->count, spec, &t);
    if (rc != 0)
        return rc;
    size_t bytes = parcel_task_bytes(&t);
    if (task->submitted == UINT32_MAX || task_bytes_reserve(task->out, bytes) != 0)
        return ROTA_E_NOMEM;
    parcel_write_task(task->out->data + task->out->size, &t);
    task->out->size += bytes;
    task->submitted++;
    return 0;
}

/* --- the attempt ---------------------------------------------------------- */

/* In the place that was reserved before the function ran: this can't fail. */
static void say(struct rota_task *t, const char *text)
{
    unsigned char *value = resize_value(t, strlen(text));
    memcpy(value, text, strlen(text) + 1);
    t->said = true;
}

/* The function is over, with `rc`: what of all that it said is the result? */
static void finish(struct rota_task *t, int rc)
{
    struct task_bytes *out = t->out;
    if (rc == 0 && t->starved)
        rc = ROTA_E_NOMEM;
    if (rc != 0) {
        out->size = t->record + PARCEL_RESULT_BYTES + parcel_value_bytes(t->size);
        t->submitted = 0;
    }
    if (rc != 0 && t->starved)
        say(t, "out of memory for the task's value");
    else if (t->said != (rc != 0))
        resize_value(t, 0);

    unsigned char *record = out->data + t->record;
    parcel_put32(record, (uint32_t)t->size);
    parcel_put16(record + 4, rc == 0 ? ROTA_DONE : ROTA_FAILED);
    parcel_put16(record + 6, 0);
    parcel_put32(record + 8, (uint32_t)rc);
    parcel_put32(record + 12, t->submitted);
    parcel_put64(record + 16, 0);
}

int task_attempt(const struct rota_function *functions, int count,
                 const struct parcel_task *t, uint64_t id, uint32_t attempt,
                 struct task_bytes *out)
{
    if (task_bytes_reserve(out, PARCEL_RESULT_BYTES + SPARE_BYTES) != 0)
        return ROTA_E_NOMEM;
    struct rota_task task = {
        .functions = functions,
        .count = count,
        .task = t,
        .id = id,
        .attempt = attempt,
        .out = out,
        .record = out->size,
    };
    memset(out->data + out->size + PARCEL_RESULT_BYTES, 0, parcel_value_bytes(0));
    out->size += PARCEL_RESULT_BYTES + parcel_value_bytes(0);

    int rc = ROTA_E_NOTFOUND;
    if (t->function < count)
        rc = functions[t->function].run(&task, functions[t->function].context);
    else
        say(&task, "this rank has no such function");
    finish(&task, rc);
    return 0;
}

void task_set_took(unsigned char *record, int64_t took_ns)
{
    parcel_put64(record + 16, (uint64_t)took_ns);
}
