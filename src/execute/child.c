/* child.c - what the process of a slot does: take tasks, run them, tell the results
 *
 * cell.h says what the two sides agree on. In the loaded case there is no system call
 * for a task, and none for a tray of them but to wake the rank if it sleeps.
 *
 * Output: what functions have written to streams is flushed before the rank is asked
 * to take results, so that a task that was reported has also been heard.
 */
#include "execute/child.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "execute/batch.h"
#include "execute/futex.h"
#include "execute/pace.h"
#include "execute/task.h"
#include "execute/thread_end.h"

#define SPIN_NS  (50 * INT64_C(1000)) /* before sleeping */
#define SLEEP_NS (60 * NS_PER_SEC)    /* and then another look: nothing depends on it */

enum {
    SPINS = 200,                        /* between two looks at the clock */
    RESULT_MIN = 4096,                  /* memory for a result that is always there */
    RESULT_KEEP = 4 * 1024 * 1024,      /* and that is kept for the next */
    RING_QUARTER = CELL_RING_BYTES / 4, /* so much full: ask for it to be taken */
    RING_HALF = CELL_RING_BYTES / 2,
    SHORT_BYTES = 64, /* a short value */
};

struct child {
    struct cell *cell;
    struct cell_front *front;
    const struct executor_options *options;
    unsigned char *ring;
    unsigned tray;    /* the next */
    uint64_t tasks;   /* done */
    uint64_t written; /* bytes in the ring, ever */
    uint64_t group;   /* of these, before the group that is being timed */
    uint64_t rung;    /* and when the rank was last asked to take them */
    int64_t rung_ns;  /* when that was */
    struct pace pace;
    struct task_bytes result; /* of the task that runs */
    unsigned char *large;     /* a task that comes in parts; NULL: no memory for it */
    const unsigned char *own; /* 0 in a fork of this process */
    int statm;                /* /proc/self/statm; -1: no memory limit */
    struct rlimit space;      /* the address space without one */
};

/* --- waiting -------------------------------------------------------------- */

typedef bool condition(const struct child *c, size_t bytes);

static bool may_begin(const struct child *c, size_t life)
{
    return atomic_load_explicit(&c->cell->go, memory_order_acquire) >= life;
}

static bool has_tray(const struct child *c, size_t bytes)
{
    (void)bytes;
    const struct cell_tray *t = &c->cell->trays[c->tray];
    return atomic_load_explicit(&t->state, memory_order_acquire) == TRAY_FULL;
}

static size_t room(const struct child *c)
{
    uint64_t taken = atomic_load_explicit(&c->cell->taken, memory_order_acquire);
    return CELL_RING_BYTES - (size_t)(c->written - taken);
}

static bool has_room(const struct child *c, size_t bytes)
{
    return room(c) >= bytes;
}

static bool spin(const struct child *c, condition *holds, size_t bytes)
{
    for (int64_t end_ns = clock_now_ns() + SPIN_NS;;) {
        for (int i = 0; i < SPINS; i++)
            if (holds(c, bytes))
                return true;
        if (clock_now_ns() >= end_ns)
            return false;
        sched_yield(); /* the rank may want this very processor */
    }
}

static void await(struct child *c, condition *holds, size_t bytes)
{
    if (holds(c, bytes) || spin(c, holds, bytes))
        return;
    struct cell *cell = c->cell;
    do {
        uint32_t seen = atomic_load(&cell->bell);
        atomic_exchange(&cell->asleep, 1);
        if (!holds(c, bytes))
            futex_wait(&cell->bell, seen, SLEEP_NS);
        atomic_store(&cell->asleep, 0);
    } while (!holds(c, bytes));
}

/* --- telling results ------------------------------------------------------ */

static void end_group(struct child *c)
{
    struct cell *cell = c->cell;
    pace_end(&c->pace, c->ring);
    c->group = c->written;
    atomic_store_explicit(&cell->group_ns, c->pace.now_ns, memory_order_relaxed);
    atomic_store_explicit(&cell->timed_bytes, c->written, memory_order_release);
    atomic_store_explicit(&cell->timed, c->tasks, memory_order_release);
}

static void begin_group(struct child *c)
{
    pace_begin(&c->pace);
    atomic_store_explicit(&c->cell->group_ns, c->pace.now_ns, memory_order_relaxed);
}

/* Ask the rank to take what there is. */
static void ring(struct child *c)
{
    fflush(NULL);
    c->rung = c->written;
    c->rung_ns = c->pace.now_ns;
    atomic_fetch_add_explicit(&c->cell->rung, 1, memory_order_release);
    cell_front_wake(c->front);
}

static void write_bytes(struct child *c, const unsigned char *data, size_t size)
{
    memcpy(c->ring + cell_ring_at(c->written), data, size);
    c->written += size;
    atomic_store_explicit(&c->cell->written, c->written, memory_order_release);
}

static void count_task(struct child *c)
{
    c->tasks++;
    atomic_store_explicit(&c->cell->done, c->tasks, memory_order_release);
}

/* The result has no room in the ring now, or at all: tell it as room comes. What has
 * been told of it may be gone before the rest is, so it has its time from the start. */
static void tell_slowly(struct child *c)
{
    int64_t took_ns;
    pace_end_beyond(&c->pace, c->ring, &took_ns);
    task_set_took(c->result.data, took_ns);
    for (size_t at = 0; at < c->result.size;) {
        size_t size = c->result.size - at;
        if (size > RING_QUARTER)
            size = RING_QUARTER;
        if (!has_room(c, size)) {
            end_group(c);
            ring(c);
            await(c, has_room, size);
        }
        write_bytes(c, c->result.data + at, size);
        at += size;
    }
    count_task(c);
    end_group(c);
    ring(c);
    begin_group(c);
}

/* A result, whose record begins at `at`, is in the ring. */
static void count_result(struct child *c, size_t at)
{
    count_task(c);
    if (!pace_add(&c->pace, at) && c->written - c->group < RING_QUARTER)
        return;
    end_group(c);
    if (c->written - c->rung >= RING_QUARTER ||
        c->pace.now_ns - c->rung_ns >= EXECUTOR_SLICE_NS)
        ring(c);
}

static void tell(struct child *c)
{
    /* A group never fills the ring: else its times would go to places written anew. */
    if (c->result.size > RING_HALF || !has_room(c, c->result.size)) {
        tell_slowly(c);
        return;
    }
    size_t at = cell_ring_at(c->written);
    write_bytes(c, c->result.data, c->result.size);
    count_result(c, at);
}

/* A short value, as most results are: it becomes a record in the ring itself. False:
 * there is no room. */
static bool tell_value(struct child *c, const unsigned char *value, size_t size)
{
    size_t bytes = PARCEL_RESULT_BYTES + parcel_padded(size);
    if (!has_room(c, bytes))
        return false;
    size_t at = cell_ring_at(c->written);
    unsigned char *out = c->ring + at;
    parcel_put64(out, ROTA_DONE | (uint64_t)size << 32);
    parcel_put64(out + 8, 0);
    parcel_copy(out + PARCEL_RESULT_BYTES, value, parcel_padded(size));
    c->written += bytes;
    atomic_store_explicit(&c->cell->written, c->written, memory_order_release);
    count_result(c, at);
    return true;
}

/* A result that no function has made. */
static void tell_result(struct child *c, const struct parcel_result *r)
{
    c->result.size = parcel_result_bytes(r);
    parcel_write_result(c->result.data, r);
    tell(c);
}

static void tell_dropped(struct child *c)
{
    tell_result(c, &(struct parcel_result){.outcome = ROTA_CANCELLED});
}

/* --- running -------------------------------------------------------------- */

/* What this process may have in address space from now on. */
static void limit_memory(const struct child *c)
{
    char text[64];
    ssize_t n = pread(c->statm, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return;
    text[n] = '\0';
    struct rlimit limit = c->space;
    rlim_t used = strtoull(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
    rlim_t allowed = used + c->options->memory_limit_bytes;
    if (allowed >= used && allowed < limit.rlim_cur)
        limit.rlim_cur = allowed;
    setrlimit(RLIMIT_AS, &limit);
}

static void begin(struct child *c, uint32_t limit_ms)
{
    if (limit_ms != 0)
        end_group(c);
    atomic_store_explicit(&c->cell->begun, c->tasks + 1, memory_order_release);
    if (limit_ms == 0)
        return;
    begin_group(c);
    atomic_store_explicit(&c->cell->deadline_ns, c->pace.now_ns + limit_ms * NS_PER_MS,
                          memory_order_release);
}

/* The function has returned: was it in this process that it began? */
static void check_own(const struct child *c)
{
    if (*c->own == 0)
        _exit(0); /* it has forked, and come back twice */
}

static void keep_little(struct child *c)
{
    if (c->result.cap <= RESULT_KEEP)
        return;
    free(c->result.data);
    c->result = (struct task_bytes){0};
    if (task_bytes_reserve(&c->result, RESULT_MIN) != 0)
        abort();
}

static void run(struct child *c, const struct parcel_task *t, uint64_t id,
                uint32_t attempt)
{
    begin(c, t->time_limit_ms);
    c->result.size = 0;
    if (c->statm >= 0)
        limit_memory(c);
    task_attempt(c->options->functions, c->options->count, t, id, attempt, &c->result);
    check_own(c);
    if (c->statm >= 0)
        setrlimit(RLIMIT_AS, &c->space);
    if (t->time_limit_ms != 0)
        atomic_store_explicit(&c->cell->deadline_ns, 0, memory_order_relaxed);
    tell(c);
    if (t->time_limit_ms != 0)
        end_group(c);
    keep_little(c);
}

/* The same for a task of which nothing but its function and payload is said, by a
 * shorter way: `t` is used again for the next. */
static void run_plain(struct child *c, struct rota_task *t,
                      const struct rota_function *f)
{
    begin(c, 0);
    t->place = c->result.data + PARCEL_RESULT_BYTES;
    t->size = 0;
    int rc = f->run(t, f->context);
    check_own(c);
    if (rc == 0 && !task_is_odd(t) && t->size <= SHORT_BYTES &&
        tell_value(c, c->result.data + PARCEL_RESULT_BYTES, t->size))
        return;
    task_finish(t, rc);
    t->submitted = 0;
    t->said = t->starved = false;
    tell(c);
    keep_little(c);
}

static void run_record(struct child *c, const unsigned char *record, size_t left,
                       uint64_t id, uint32_t attempt, size_t *bytes)
{
    struct parcel_task t;
    if (batch_is_dropped(record)) {
        *bytes = parcel_record_bytes(record);
        tell_dropped(c);
        return;
    }
    if (parcel_read_task(record, left, &t, bytes) != 0)
        abort(); /* it was sound when it came: some function has written here */
    run(c, &t, id, attempt);
}

/* Whether the record at `in` is of a task for run_plain(): then `t` is told of it. */
static bool is_plain(const struct child *c, const unsigned char *in, size_t left,
                     struct rota_task *t, const struct rota_function **f, size_t *bytes)
{
    uint64_t head = parcel_get64(in);
    size_t size = (uint32_t)head;
    uint64_t function = head >> 32; /* and flags above it */
    if (function >= (uint64_t)c->options->count || c->statm >= 0 ||
        left < PARCEL_TASK_BYTES + parcel_padded(size))
        return false;
    t->payload = in + PARCEL_TASK_BYTES;
    t->payload_size = size;
    *f = &c->options->functions[function];
    *bytes = PARCEL_TASK_BYTES + parcel_padded(size);
    return true;
}

static void run_tray(struct child *c, const struct cell_tray *t)
{
    const unsigned char *bytes = cell_tray_bytes(c->cell, c->tray);
    struct rota_task task = {.functions = c->options->functions,
                             .count = c->options->count,
                             .attempt = t->attempt,
                             .out = &c->result};
    const struct rota_function *f;
    size_t at = 0;
    begin_group(c);
    for (uint32_t i = 0; i < t->count; i++) {
        size_t taken;
        task.id = t->first + i;
        if (is_plain(c, bytes + at, t->bytes - at, &task, &f, &taken))
            run_plain(c, &task, f);
        else
            run_record(c, bytes + at, t->bytes - at, task.id, t->attempt, &taken);
        at += taken;
    }
}

static void run_large(struct child *c, const struct cell_tray *t)
{
    size_t taken;
    begin_group(c);
    if (c->large != NULL) {
        run_record(c, c->large, t->whole, t->first, t->attempt, &taken);
    } else {
        static const char text[] = "out of memory for the task's payload";
        tell_result(c, &(struct parcel_result){.outcome = ROTA_FAILED,
                                               .code = ROTA_E_NOMEM,
                                               .data = (const unsigned char *)text,
                                               .size = sizeof(text) - 1});
    }
    free(rota_steal(c->large));
}

/* Put the parts of a task together, and run it. */
static void take_part(struct child *c, const struct cell_tray *t)
{
    if (t->offset == 0) {
        begin(c, 0); /* so that it is to blame, if there is too little memory for it */
        free(c->large);
        c->large = malloc(t->whole);
    }
    if (c->large != NULL)
        memcpy(c->large + t->offset, cell_tray_bytes(c->cell, c->tray), t->bytes);
    if (t->offset + t->bytes == t->whole)
        run_large(c, t);
}

static void work(struct child *c)
{
    for (;;) {
        struct cell_tray *t = &c->cell->trays[c->tray];
        uint32_t full = TRAY_FULL;
        await(c, has_tray, 0);
        if (!atomic_compare_exchange_strong(&t->state, &full, TRAY_CLAIMED))
            continue; /* it was taken back */
        if (t->count == 0)
            take_part(c, t);
        else
            run_tray(c, t);
        end_group(c);
        atomic_store_explicit(&t->state, TRAY_EMPTY, memory_order_release);
        c->tray = (c->tray + 1) % CELL_TRAYS;
        ring(c);
    }
}

/* A byte that is 1, but 0 in whatever is forked from here. */
static const unsigned char *make_own(void)
{
    void *p = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || madvise(p, (size_t)sysconf(_SC_PAGESIZE), MADV_WIPEONFORK))
        abort(); /* the nursery tries again */
    return memset(p, 1, 1);
}

_Noreturn void child_run(struct cell *cell, struct cell_front *front,
                         const struct executor_options *options, uint32_t life)
{
    struct child c = {
        .cell = cell,
        .front = front,
        .options = options,
        .ring = cell_ring(cell),
        .own = make_own(),
        .statm = -1,
    };
    if (options->memory_limit_bytes != 0)
        c.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if ((options->memory_limit_bytes != 0 && c.statm < 0) ||
        getrlimit(RLIMIT_AS, &c.space) != 0 ||
        task_bytes_reserve(&c.result, RESULT_MIN) != 0)
        abort();
    struct thread_end end;
    if (thread_end_init(&end) != 0 || thread_end_watch(&end, true) != 0)
        abort();
    await(&c, may_begin, life);
    work(&c);
    abort();
}
