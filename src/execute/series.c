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
        32, /* looks at the tick, while a group has as many tasks as wanted */
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

/* A value that does not go on with a row: it begins one. */
static void begin_row(struct series *s, struct rota_task *t)
{
    if (s->open)
        move(t, ROW_RESULT_BYTES);
    close_row(s);
    size_t head = t->begin - ROW_RESULT_BYTES;
    row_write_results(s->results.data + head, t->size, 0, 1);
    s->heads[s->heads_count++] = head;
    s->open = true;
    s->size = t->size;
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

/* Run tasks, at most `most`, as long as each returns a number, or each nothing, as the
 * row has it that grows, and there is room: a shorter way. Returns how many; the last
 * may have done otherwise. */
static uint32_t run_quickly(struct series *s, struct run *r, uint32_t most)
{
    struct task_bytes *out = &s->results;
    struct rota_task *t = &r->task;
    size_t size = s->size;
    size_t room = out->cap < r->enough ? out->cap : r->enough;
    uint32_t done = 0;
    if (!s->open || r->function == NULL || room < out->size + QUICK_ROOM ||
        (size != 0 && size != 8))
        return 0;
    rota_run *run = r->function->run;
    void *context = r->function->context;
    unsigned char *place = out->data + out->size;
    const unsigned char *last = out->data + room - QUICK_ROOM;
    int rc = 0;
    while (done < most && place <= last) {
        t->place = place;
        t->size = 0;
        done++;
        rc = run(t, context);
        if (rc != 0 || task_is_odd(t) || t->place == NULL || t->size != size) {
            s->inside += done - 1;
            tell(s, t, rc);
            step(r);
            return done;
        }
        place += size;
        step(r);
    }
    s->inside += done;
    out->size = (size_t)(place - out->data);
    return done;
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
        uint32_t quick = run_quickly(s, r, most - i);
        i += quick;
        if (quick > 0)
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
