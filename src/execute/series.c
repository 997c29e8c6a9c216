/* series.c - tasks that are run in this process, one behind the other
 *
 * A value is written where it stays if it goes on with the row before it, and else
 * ROW_RESULT_BYTES further, so that the row's first value moves as rarely as the next.
 * What turns out otherwise (another size, a failure, tasks with the result) is moved
 * by the length of the head that it needs: there is room, TASK_BEHIND_BYTES.
 */
#include "execute/series.h"

#include <stdlib.h>

#include "base/clock.h"
#include "execute/row.h"

#define GROUP_LEAST_NS INT64_C(1000)
#define GROUP_MOST_NS  INT64_C(2000)

enum {
    TICKS_A_GROUP =
        8, /* looks at the tick, while a group has as many tasks as wanted */
    FIRST_ROOM = 4096,
    QUICK_ROOM = ROW_RESULT_BYTES + TASK_SPARE_BYTES, /* before a task is called */
};

void series_init(struct series *s, const struct rota_function *functions, int count)
{
    *s = (struct series){.functions = functions, .count = count};
}

void series_done(struct series *s)
{
    free(s->results.data);
    s->results = (struct task_bytes){0};
}

static long look_at_tick(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return t.tv_nsec;
}

void series_begin(struct series *s)
{
    s->results.size = 0;
    s->busy_ns = 0;
    s->open = false;
    s->heads_count = 0;
    s->tasks = 0;
    s->tick = look_at_tick();
    s->now_ns = clock_now_ns();
}

/* ---- groups ------------------------------------------------------------------ */

static void close_row(struct series *s)
{
    if (s->open)
        parcel_put64(s->results.data + s->heads[s->heads_count - 1] +
                         PARCEL_RESULT_BYTES,
                     s->inside);
    s->open = false;
}

/* The last task took much longer than those before it: a row of its own. False: there
 * are too many. */
static bool part_last(struct series *s)
{
    size_t each = parcel_padded(s->size);
    if (!s->open || s->inside == 1)
        return true;
    if (s->heads_count == SERIES_GROUP_MOST)
        return false;
    size_t at = s->results.size - each;
    unsigned char *value = s->results.data + at;
    s->inside--;
    close_row(s);
    memmove(value + ROW_RESULT_BYTES, value, each);
    row_write_results(value, s->size, 0, 1);
    s->results.size += ROW_RESULT_BYTES;
    s->heads[s->heads_count++] = at;
    return true;
}

static void adapt(struct series *s, int64_t took_ns)
{
    if (took_ns < GROUP_LEAST_NS && s->tasks >= s->wanted)
        s->wanted = s->tasks * 2 < SERIES_GROUP_MOST ? s->tasks * 2 : SERIES_GROUP_MOST;
    else if (took_ns > GROUP_MOST_NS)
        s->wanted = (unsigned)(s->tasks * GROUP_MOST_NS / took_ns);
}

static void end_group(struct series *s, long tick)
{
    int64_t now_ns = clock_now_ns();
    int64_t took_ns = now_ns - s->now_ns;
    int64_t mean_ns = took_ns / s->tasks;
    int64_t each_ns = mean_ns;
    int64_t last_ns = mean_ns;
    if (tick != s->tick && s->mean_ns > 0 && s->mean_ns < mean_ns && part_last(s)) {
        each_ns = s->mean_ns;
        last_ns = took_ns - each_ns * (s->tasks - 1);
    }
    s->mean_ns = mean_ns;
    close_row(s);
    for (unsigned i = 0; i < s->heads_count; i++)
        task_set_took(s->results.data + s->heads[i],
                      i + 1 < s->heads_count ? each_ns : last_ns);
    adapt(s, took_ns);
    s->busy_ns += took_ns;
    s->now_ns = now_ns;
    s->tick = tick;
    s->tasks = 0;
    s->heads_count = 0;
}

void series_end(struct series *s)
{
    if (s->tasks > 0)
        end_group(s, look_at_tick());
}

/* ---- results ----------------------------------------------------------------- */

/* Move what the task has said by `bytes`. */
static void move(struct rota_task *t, ptrdiff_t bytes)
{
    struct task_bytes *out = t->out;
    unsigned char *value = out->data + t->begin;
    if (out->size > t->begin)
        memmove(value + bytes, value, out->size - t->begin);
    t->begin += (size_t)bytes;
    t->end += (size_t)bytes;
    out->size += (size_t)bytes;
}

/* A row begins at `head`, of values of `size` bytes each: none so far. */
static void open_row(struct series *s, size_t head, size_t size)
{
    close_row(s);
    row_write_results(s->results.data + head, size, 0, 0);
    s->heads[s->heads_count++] = head;
    s->open = true;
    s->size = size;
    s->inside = 0;
}

/* A value that does not go on with a row: it begins one. */
static void begin_row(struct series *s, struct rota_task *t)
{
    if (s->open)
        move(t, ROW_RESULT_BYTES);
    open_row(s, t->begin - ROW_RESULT_BYTES, t->size);
    s->inside = 1;
}

/* A result that is more, or less, than a value. */
static void record(struct series *s, struct rota_task *t, int rc)
{
    move(t, s->open ? PARCEL_RESULT_BYTES : PARCEL_RESULT_BYTES - ROW_RESULT_BYTES);
    close_row(s);
    s->heads[s->heads_count++] = t->begin - PARCEL_RESULT_BYTES;
    task_finish(t, rc);
    t->submitted = 0;
    t->said = t->starved = false;
}

/* ---- running ----------------------------------------------------------------- */

static int make_room(struct series *s)
{
    size_t room = s->results.cap == 0 ? FIRST_ROOM : TASK_SPARE_BYTES;
    return task_bytes_reserve(&s->results, ROW_RESULT_BYTES + room);
}

/* The task has ended, with `rc`: its result. */
static inline void tell(struct series *s, struct rota_task *t, int rc)
{
    task_catch_up(t);
    if (rc != 0 || task_is_odd(t))
        record(s, t, rc);
    else if (s->open && t->size == s->size)
        s->inside++;
    else
        begin_row(s, t);
}

/* Tasks alike that are being run. */
struct run {
    struct rota_task task;
    const struct rota_function *function; /* NULL: there is none */
    uint16_t number;                      /* of it */
    size_t apart;                         /* payloads are */
    size_t enough;                        /* bytes of results */
};

static inline void step(struct run *r)
{
    r->task.id++;
    r->task.payload += r->apart;
}

/* Run the next task. */
static int run_one(struct series *s, struct run *r)
{
    struct task_bytes *out = &s->results;
    struct rota_task *t = &r->task;
    if (make_room(s) != 0)
        return ROTA_E_NOMEM;
    t->place = out->data + out->size + (s->open ? 0 : ROW_RESULT_BYTES);
    t->size = 0;
    tell(s, t,
         r->function != NULL ? r->function->run(t, r->function->context)
                             : task_call(t, r->number));
    step(r);
    return 0;
}

/* How many of `most` tasks surely find room for a value of `size` bytes each. */
static uint32_t quick_room(const struct series *s, const struct run *r, uint32_t most,
                           size_t size)
{
    const struct task_bytes *out = &s->results;
    size_t cap = out->cap < r->enough ? out->cap : r->enough;
    if (cap < out->size + QUICK_ROOM)
        return 0;
    size_t fit = size > 0 ? (cap - out->size - QUICK_ROOM) / size + 1 : most;
    return fit < most ? (uint32_t)fit : most;
}

/* Run tasks, at most `most`, as long as each returns a number, or each nothing, as the
 * row has it that grows, and there is room: a shorter way. Returns how many; the last
 * may have done otherwise. Who says anything else leaves no `place` behind. */
static uint32_t run_quickly(struct series *s, struct run *r, uint32_t most)
{
    struct task_bytes *out = &s->results;
    struct rota_task *t = &r->task;
    size_t size = s->size;
    if (!s->open || r->function == NULL || (size != 0 && size != 8))
        return 0;
    most = quick_room(s, r, most, size);
    rota_run *run = r->function->run;
    void *context = r->function->context;
    unsigned char *place = out->data + out->size;
    const unsigned char *payload = t->payload;
    uint64_t id = t->id;
    uint32_t done = 0;
    int rc = 0;
    while (done < most) {
        t->place = place;
        t->size = 0;
        t->payload = payload;
        t->id = id;
        payload += r->apart;
        id++;
        done++;
        rc = run(t, context);
        if (rc != 0 || t->place != place || t->size != size) {
            s->inside += done - 1;
            tell(s, t, rc);
            step(r);
            return done;
        }
        place += size;
    }
    t->payload = payload;
    t->id = id;
    s->inside += done;
    out->size = (size_t)(place - out->data);
    return done;
}

/* Have the function run many tasks, at most `most`, in one call. Returns how many are
 * done: they are in the row that grows, or in a new one. */
static uint32_t run_alike(struct series *s, struct run *r, uint32_t most)
{
    const struct rota_function *f = r->function;
    struct task_bytes *out = &s->results;
    struct rota_task *t = &r->task;
    if (f == NULL || f->run_alike == NULL)
        return 0;
    size_t size = f->value_bytes;
    bool goes_on = s->open && s->size == size;
    size_t head = goes_on ? 0 : ROW_RESULT_BYTES;
    size_t left = r->enough > out->size ? r->enough - out->size : 0;
    if (size > 0 && left / size + 1 < most)
        most = (uint32_t)(left / size + 1);
    if (task_bytes_reserve(out, head + most * size + TASK_SPARE_BYTES) != 0)
        return 0;
    struct rota_alike tasks = {
        .task = t->id,
        .count = most,
        .attempt = (int)t->attempt,
        .data = t->payload,
        .size_bytes = t->payload_size,
        .values = out->data + out->size + head,
    };
    size_t done = f->run_alike(&tasks, f->context);
    if (done == 0 || done > most)
        return 0;
    if (!goes_on)
        open_row(s, out->size, size);
    s->inside += (uint32_t)done;
    out->size += head + done * size;
    t->id += done;
    t->payload += done * r->apart;
    return (uint32_t)done;
}

/* How many tasks may be run before the next look at the tick: more where the last ones
 * were tiny, but no more than the group wants. */
static uint32_t patience(const struct series *s)
{
    uint32_t most = s->wanted > s->tasks ? s->wanted - s->tasks : 1;
    uint32_t each = s->wanted / TICKS_A_GROUP;
    if (each < 1)
        each = 1;
    return each < most ? each : most;
}

/* Run up to `most` tasks; *done is counted on. */
static int run_some(struct series *s, struct run *r, uint32_t most, uint32_t *done)
{
    int rc = 0;
    uint32_t i = 0;
    while (i < most && s->results.size < r->enough && rc == 0) {
        uint32_t some = run_alike(s, r, most - i);
        if (some == 0 && (r->function == NULL || r->function->run_alike == NULL))
            some = run_quickly(s, r, most - i);
        i += some;
        if (some > 0)
            continue;
        rc = run_one(s, r);
        i += rc == 0;
    }
    s->tasks += i;
    *done += i;
    return rc;
}

int series_run(struct series *s, const struct parcel_task *t, uint32_t count,
               uint64_t id, uint32_t attempt, size_t enough, uint32_t *ran)
{
    bool known = t->function < s->count;
    struct run r = {
        .task = {.functions = s->functions,
                 .count = s->count,
                 .attempt = attempt,
                 .id = id,
                 .payload = t->data,
                 .payload_size = t->size,
                 .out = &s->results},
        .function = known ? &s->functions[t->function] : NULL,
        .number = t->function,
        .apart = parcel_padded(t->size),
        .enough = enough,
    };
    bool over = false;
    int rc = 0;
    uint32_t done = 0;
    while (done < count && s->results.size < enough && rc == 0 && !over) {
        uint32_t most = patience(s);
        rc = run_some(s, &r, count - done < most ? count - done : most, &done);
        long tick = look_at_tick();
        over = s->tasks > 0 && (s->tasks >= s->wanted || tick != s->tick);
        if (over)
            end_group(s, tick);
    }
    *ran = done;
    return rc;
}
