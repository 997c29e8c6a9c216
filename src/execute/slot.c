/* slot.c - the rank's side of a slot: tasks into its cell, results out of it */
#include "execute/slot.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "execute/row.h"

enum {
    KEEP_BYTES = 4 * 1024 * 1024, /* memory for results that is kept */
};

static void let_begin(struct slot *s)
{
    struct cell *c = s->cell;
    for (int i = 0; i < CELL_TRAYS; i++)
        atomic_store(&c->trays[i].state, TRAY_EMPTY);
    atomic_store(&c->taken, 0);
    atomic_store(&c->begun, 0);
    atomic_store(&c->done, 0);
    atomic_store(&c->written, 0);
    atomic_store(&c->timed, 0);
    atomic_store(&c->timed_bytes, 0);
    atomic_store(&c->deadline_ns, 0);
    atomic_store(&c->go, s->life);
    cell_wake(c);
}

void slot_init(struct slot *s, struct cell *cell)
{
    *s = (struct slot){.cell = cell, .life = 1};
    TAILQ_INIT(&s->batches);
    let_begin(s);
}

void slot_done(struct slot *s)
{
    struct batch *b;
    while ((b = TAILQ_FIRST(&s->batches)) != NULL) {
        TAILQ_REMOVE(&s->batches, b, link);
        free(b);
    }
    free(s->results.data);
    free(s->packed.data);
    s->results = s->packed = (struct task_bytes){0};
}

/* --- feeding -------------------------------------------------------------- */

static void go_on(struct slot_cursor *f, uint32_t count, size_t bytes)
{
    f->index += count;
    f->at += bytes;
    f->part = 0;
    if (f->index == f->batch->count)
        *f = (struct slot_cursor){.batch = TAILQ_NEXT(f->batch, link)};
}

/* How many records from the cursor on fit in a tray; *bytes is their size. */
static uint32_t whole_records(const struct slot_cursor *f, size_t *bytes)
{
    const struct batch *b = f->batch;
    uint32_t count = b->count - f->index;
    *bytes = b->bytes - f->at;
    if (*bytes <= CELL_TRAY_BYTES)
        return count;
    *bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t next = parcel_record_bytes(b->records + f->at + *bytes);
        if (next > CELL_TRAY_BYTES - *bytes)
            return i;
        *bytes += next;
    }
    return count;
}

/* A record that is too large for a tray: its next part. */
static void fill_part(struct slot_cursor *f, struct cell_tray *t, unsigned char *to)
{
    const unsigned char *record = f->batch->records + f->at;
    uint64_t whole = parcel_record_bytes(record);
    uint64_t size = whole - f->part;
    if (size > CELL_TRAY_BYTES)
        size = CELL_TRAY_BYTES;
    memcpy(to, record + f->part, size);
    t->count = 0;
    t->bytes = (uint32_t)size;
    t->offset = f->part;
    t->whole = whole;
    f->part += size;
    if (f->part == whole)
        go_on(f, 1, whole);
}

static void fill(struct slot *s, unsigned tray)
{
    struct slot_cursor *f = &s->feed;
    struct cell_tray *t = &s->cell->trays[tray];
    unsigned char *to = cell_tray_bytes(s->cell, tray);
    size_t bytes = 0;
    uint32_t count = f->part == 0 ? whole_records(f, &bytes) : 0;
    s->trays[tray] = (struct slot_tray){.begin = *f, .count = count, .before = s->fed};
    t->first = f->batch->first + f->index;
    t->attempt = f->batch->attempt;
    if (count == 0) {
        fill_part(f, t, to);
    } else {
        memcpy(to, f->batch->records + f->at, bytes);
        t->count = count;
        t->bytes = (uint32_t)bytes;
        go_on(f, count, bytes);
    }
    s->fed += count != 0 ? count : f->part == 0;
    s->trays[tray].fed = s->fed;
    atomic_store_explicit(&t->state, TRAY_FULL, memory_order_release);
    s->filled++;
}

/* Whether the child is through with what was in a tray. It says so only after the tasks
 * are done. */
static bool is_empty(struct slot *s, unsigned tray)
{
    const struct cell *c = s->cell;
    uint32_t state = atomic_load_explicit(&c->trays[tray].state, memory_order_acquire);
    if (state > TRAY_CLAIMED ||
        (state == TRAY_EMPTY && atomic_load(&c->done) < s->trays[tray].fed))
        s->broken = true;
    return state == TRAY_EMPTY && !s->broken;
}

void slot_check(struct slot *s)
{
    for (unsigned i = 0; i < CELL_TRAYS; i++)
        is_empty(s, i);
}

void slot_feed(struct slot *s)
{
    bool fed = false;
    while (s->feed.batch != NULL) {
        unsigned tray = s->filled % CELL_TRAYS;
        if (!is_empty(s, tray))
            break;
        fill(s, tray);
        fed = true;
    }
    if (fed)
        cell_wake(s->cell);
}

void slot_add(struct slot *s, struct batch *b)
{
    TAILQ_INSERT_TAIL(&s->batches, b, link);
    s->count++;
    s->limited += b->limit_ms != 0;
    if (s->feed.batch == NULL)
        s->feed = (struct slot_cursor){.batch = b};
}

static void remove_batch(struct slot *s, struct batch *b)
{
    if (s->feed.batch == b)
        s->feed = (struct slot_cursor){.batch = TAILQ_NEXT(b, link)};
    if (b == TAILQ_FIRST(&s->batches)) {
        s->told = 0;
        s->seen = (struct slot_cursor){0};
    }
    TAILQ_REMOVE(&s->batches, b, link);
    s->count--;
    s->limited -= b->limit_ms != 0;
}

static bool has_batch(const struct slot *s, const struct batch *b)
{
    const struct batch *i;
    TAILQ_FOREACH (i, &s->batches, link)
        if (i == b)
            return true;
    return false;
}

/* Take back what was fed and not claimed, the last first. */
static void recall(struct slot *s)
{
    for (int i = 0; i < CELL_TRAYS && s->filled > 0; i++) {
        unsigned tray = (s->filled - 1) % CELL_TRAYS;
        struct slot_tray *t = &s->trays[tray];
        uint32_t full = TRAY_FULL;
        if (!atomic_compare_exchange_strong(&s->cell->trays[tray].state, &full,
                                            TRAY_EMPTY))
            return;
        s->broken = s->broken || !has_batch(s, t->begin.batch);
        if (s->broken)
            return;
        s->feed = t->begin;
        s->filled--;
        s->fed = t->before;
        t->fed = 0; /* it may be empty */
    }
}

/* Whether nothing of `b` was fed, or all of that was taken back. */
static bool is_untouched(const struct slot *s, const struct batch *b)
{
    const struct slot_cursor *f = &s->feed;
    for (const struct batch *i = f->batch; i != NULL; i = TAILQ_NEXT(i, link))
        if (i == b)
            return i != f->batch || (f->index == 0 && f->part == 0);
    return false;
}

struct batch *slot_take_back(struct slot *s)
{
    struct batch *b = TAILQ_LAST(&s->batches, batch_list);
    recall(s);
    if (!is_untouched(s, b))
        b = NULL;
    else
        remove_batch(s, b);
    slot_feed(s);
    return b;
}

/* --- collecting ----------------------------------------------------------- */

bool slot_has_news(const struct slot *s, bool *all)
{
    const struct cell *c = s->cell;
    *all = false;
    if (atomic_load_explicit(&c->rung, memory_order_acquire) != s->rung)
        return true;
    if (atomic_load_explicit(&c->done, memory_order_acquire) == s->tasks)
        return false;
    int64_t late_ns = clock_now_ns() - 2 * EXECUTOR_SLICE_NS;
    *all = atomic_load_explicit(&c->group_ns, memory_order_relaxed) < late_ns;
    return s->collected_ns < late_ns;
}

/* Only what is not whole is left: to the beginning with it. */
static void tidy(struct slot *s)
{
    struct task_bytes *r = &s->results;
    r->size -= s->read;
    if (s->read > 0 && r->size > 0)
        memmove(r->data, r->data + s->read, r->size);
    s->read = 0;
    if (r->size == 0 && r->cap > KEEP_BYTES) {
        free(r->data);
        *r = (struct task_bytes){0};
    }
}

/* How far a counter of the child's has come. One may be behind what was collected: the
 * times of results lag. */
static uint64_t ahead(const _Atomic uint64_t *counter, uint64_t known)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_acquire);
    return now > known ? now - known : 0;
}

int slot_collect(struct slot *s, bool all)
{
    struct cell *c = s->cell;
    uint32_t rung = atomic_load_explicit(&c->rung, memory_order_acquire);
    uint64_t tasks = ahead(all ? &c->done : &c->timed, s->tasks);
    uint64_t bytes = ahead(all ? &c->written : &c->timed_bytes, s->bytes);
    if (bytes > CELL_RING_BYTES) {
        s->broken = true;
        return 0;
    }
    tidy(s);
    if (task_bytes_reserve(&s->results, bytes) != 0)
        return ROTA_E_NOMEM;
    if (bytes > 0)
        memcpy(s->results.data + s->results.size, cell_ring(c) + cell_ring_at(s->bytes),
               bytes);
    s->results.size += bytes;
    s->bytes += bytes;
    s->tasks += tasks;
    s->complete += tasks;
    s->ours = false;
    s->rung = rung;
    s->collected_ns = clock_now_ns();
    atomic_store_explicit(&c->taken, s->bytes, memory_order_release);
    if (bytes > 0)
        cell_wake(c);
    return 0;
}

/* --- telling -------------------------------------------------------------- */

static void finish_first(struct slot *s, int *held)
{
    struct batch *b = TAILQ_FIRST(&s->batches);
    if (s->told < b->count)
        return;
    remove_batch(s, b);
    free(b);
    --*held;
}

/* Whether the first task without a result was fed, in part at least. */
static bool is_due(const struct slot *s)
{
    const struct batch *b = TAILQ_FIRST(&s->batches);
    return b != NULL && (s->feed.batch != b || s->told < s->feed.index ||
                         (s->told == s->feed.index && s->feed.part > 0));
}

/* The record of the next task to be told. It is looked for in one direction only. */
static const unsigned char *next_record(struct slot *s)
{
    struct slot_cursor *c = &s->seen;
    const struct batch *b = TAILQ_FIRST(&s->batches);
    for (; c->index < s->told; c->index++)
        c->at += parcel_record_bytes(b->records + c->at);
    return b->records + c->at;
}

/* Whether the child can say this of the next task. */
static bool is_plausible(struct slot *s, const struct parcel_result *r)
{
    if (r->outcome == ROTA_CANCELLED)
        return batch_is_dropped(next_record(s));
    return r->outcome == ROTA_DONE || r->outcome == ROTA_FAILED || s->ours;
}

/* The next result. False: what is said to be one is none. */
static bool read_next(struct slot *s, struct parcel_result *out, size_t *bytes)
{
    s->broken = s->broken || !is_due(s) ||
                parcel_read_result(s->results.data + s->read, s->results.size - s->read,
                                   out, bytes) != 0 ||
                !is_plausible(s, out);
    if (s->broken)
        s->complete = 0;
    return !s->broken;
}

/* Room for all that may be told at once: a row of one is longer than a record. */
static int reserve_packed(struct slot *s)
{
    size_t most = s->results.size - s->read;
    s->packed.size = 0;
    if (s->packed.cap > KEEP_BYTES) {
        free(s->packed.data);
        s->packed = (struct task_bytes){0};
    }
    return task_bytes_reserve(&s->packed, most + most / 2 + ROW_RESULT_BYTES);
}

/* How many results may be told of the first batch: no more than were fed. */
static uint32_t most_to_tell(const struct slot *s)
{
    const struct batch *b = TAILQ_FIRST(&s->batches);
    uint32_t fed = s->feed.batch == b ? s->feed.index : b->count;
    uint32_t most = fed > s->told ? fed - s->told : 0;
    return most < s->complete ? most : (uint32_t)s->complete;
}

/* Whether a record of `bytes` is a value and nothing behind it: the child may say that
 * there is more, and then have written of nothing. */
static bool is_value(const struct parcel_result *r, size_t bytes)
{
    return parcel_result_is_plain(r) && bytes == parcel_result_bytes(r);
}

/* The last result that was told is a value, its record `bytes` long and right before
 * the next: tell those behind it that are as long and took as long. Returns how many.
 */
static uint32_t tell_alike(struct slot *s, size_t bytes, struct row_writer *w)
{
    const unsigned char *at = s->results.data + s->read;
    size_t size = bytes - PARCEL_RESULT_BYTES;
    uint64_t head = parcel_get64(at - bytes);
    uint64_t took_ns = parcel_get64(at - bytes + 8);
    size_t left = (s->results.size - s->read) / bytes;
    uint32_t most = most_to_tell(s);
    uint32_t count = 0;
    most = left < most ? (uint32_t)left : most;
    for (; count < most && parcel_get64(at) == head && parcel_get64(at + 8) == took_ns;
         count++) {
        row_write_next(w, at + PARCEL_RESULT_BYTES, size);
        at += bytes;
    }
    s->read += count * bytes;
    s->complete -= count;
    s->told += count;
    return count;
}

int slot_tell(struct slot *s, struct executor_report *out, int *held)
{
    struct executor_report r = {0};
    if (s->complete == 0)
        return ROTA_E_TIMEOUT;
    if (reserve_packed(s) != 0)
        return ROTA_E_NOMEM;
    struct row_writer w = {.out = s->packed.data};
    while (s->complete > 0) {
        const struct batch *b = TAILQ_FIRST(&s->batches);
        struct parcel_result result;
        size_t bytes;
        if (!read_next(s, &result, &bytes))
            break;
        bool dropped = result.outcome == ROTA_CANCELLED;
        if (dropped && r.count > 0)
            break;
        if (r.count == 0 && !dropped) {
            r.lease = b->lease;
            r.first = b->first + s->told;
        }
        s->read += bytes;
        s->complete--;
        s->told++;
        if (!dropped) {
            uint32_t count = 1;
            row_write_result(&w, &result);
            if (is_value(&result, bytes))
                count += tell_alike(s, bytes, &w);
            r.count += count;
            int64_t took_ns; /* the child says so, and may say anything */
            if (__builtin_mul_overflow(result.took_ns, (int64_t)count, &took_ns))
                took_ns = INT64_MAX;
            r.busy_ns = clock_sum_ns(r.busy_ns, took_ns);
        }
        bool last = s->told == b->count;
        finish_first(s, held);
        if (last && r.count > 0)
            break;
    }
    if (r.count == 0)
        return ROTA_E_TIMEOUT;
    row_end(&w);
    r.records = w.out;
    r.bytes = w.size;
    *out = r;
    return 0;
}

/* --- dropping ------------------------------------------------------------- */

/* Mark in the tray what is marked in the batch: the child may still heed it. */
static void mark_in_tray(struct slot *s, unsigned tray, const struct batch *b)
{
    size_t begin = s->trays[tray].begin.at;
    size_t at = begin;
    unsigned char *bytes = cell_tray_bytes(s->cell, tray);
    for (unsigned i = 0; i < s->trays[tray].count && at < b->bytes; i++) {
        const unsigned char *record = b->records + at;
        if (batch_is_dropped(record))
            __atomic_store_n(bytes + (at - begin) + 7, record[7], __ATOMIC_RELAXED);
        at += parcel_record_bytes(record);
    }
}

static void mark_in_trays(struct slot *s, const struct batch *b)
{
    for (unsigned i = 0; i < CELL_TRAYS && i < s->filled; i++)
        if (s->trays[i].begin.batch == b &&
            atomic_load(&s->cell->trays[i].state) == TRAY_CLAIMED)
            mark_in_tray(s, i, b);
}

static void drop_from(struct slot *s, struct batch *b, uint64_t first, uint32_t count,
                      int *held)
{
    bool begun = b == TAILQ_FIRST(&s->batches);
    if (begun)
        next_record(s);
    batch_drop(b, begun ? s->told : 0, begun ? s->seen.at : 0, first, count);
    if (b->dropped == b->count && is_untouched(s, b)) {
        remove_batch(s, b);
        free(b);
        --*held;
    } else {
        mark_in_trays(s, b);
    }
}

/* The record of the task that the child is in, its `begun`-th; NULL: it is in none. */
static const unsigned char *running_record(const struct slot *s, uint64_t begun)
{
    const struct cell *c = s->cell;
    if (atomic_load_explicit(&c->done, memory_order_acquire) >= begun ||
        begun <= s->tasks)
        return NULL;
    uint64_t index = s->told + s->complete + (begun - 1 - s->tasks);
    const struct batch *b;
    TAILQ_FOREACH (b, &s->batches, link) {
        if (index < b->count)
            return b->records + batch_at(b, (uint32_t)index);
        index -= b->count;
    }
    return NULL;
}

static void find_unwanted(struct slot *s)
{
    uint64_t begun = atomic_load_explicit(&s->cell->begun, memory_order_acquire);
    const unsigned char *record = running_record(s, begun);
    if (record != NULL && batch_is_dropped(record))
        s->unwanted = begun;
}

bool slot_is_unwanted(const struct slot *s, uint64_t *task)
{
    if (s->unwanted == 0 || atomic_load(&s->cell->begun) != s->unwanted ||
        atomic_load(&s->cell->done) >= s->unwanted)
        return false;
    *task = s->unwanted;
    return true;
}

void slot_drop(struct slot *s, uint64_t lease, uint64_t first, uint32_t count,
               int *held)
{
    struct batch *next;
    bool recalled = false;
    for (struct batch *b = TAILQ_FIRST(&s->batches); b != NULL; b = next) {
        next = TAILQ_NEXT(b, link);
        if (b->lease != lease)
            continue;
        if (!recalled)
            recall(s);
        recalled = true;
        drop_from(s, b, first, count, held);
    }
    if (recalled)
        find_unwanted(s);
    slot_feed(s);
}

/* --- the child's end ------------------------------------------------------ */

/* Whether it was killed by us for a task that took too long, or was dropped. */
static bool is_doomed(const struct slot *s, const struct slot_end *end)
{
    return s->doomed != 0 && WIFSIGNALED(end->status) &&
           WTERMSIG(end->status) == SIGKILL;
}

static struct parcel_result obituary(const struct slot *s, const struct slot_end *end)
{
    int64_t began_ns = atomic_load(&s->cell->group_ns);
    struct parcel_result r = {.outcome = ROTA_CRASHED, .code = SIGKILL};
    if (began_ns > 0 && began_ns < end->ended_ns)
        r.took_ns = end->ended_ns - began_ns;
    if (is_doomed(s, end)) {
        r.outcome = s->doomed == s->unwanted ? ROTA_CANCELLED : ROTA_OVERTIME;
        r.code = 0;
    } else if (!s->broken && WIFEXITED(end->status)) {
        r.outcome = ROTA_QUIT;
        r.code = WEXITSTATUS(end->status);
    } else if (!s->broken) {
        r.code = WTERMSIG(end->status);
    }
    return r;
}

/* Whether the child ended in a task. Where it was killed for a task that it was
 * already through with, the task it was in instead is not to blame. */
static bool is_to_blame(const struct slot *s, const struct slot_end *end)
{
    uint64_t begun = atomic_load(&s->cell->begun);
    if (s->broken)
        return is_due(s);
    return is_due(s) && begun == s->tasks + 1 &&
           (!is_doomed(s, end) || begun == s->doomed);
}

/* To the first task without a result. */
static void rewind_feed(struct slot *s)
{
    struct batch *b = TAILQ_FIRST(&s->batches);
    s->feed = (struct slot_cursor){.batch = b};
    if (b != NULL && s->told + s->complete > 0)
        go_on(&s->feed, s->told + (uint32_t)s->complete,
              batch_at(b, s->told + (uint32_t)s->complete));
}

int slot_bury(struct slot *s, const struct slot_end *end)
{
    struct parcel_result r = obituary(s, end);
    size_t bytes = parcel_result_bytes(&r);
    s->results.size = s->read = 0; /* what is left is not whole, and never will be */
    if (task_bytes_reserve(&s->results, bytes) != 0)
        return ROTA_E_NOMEM;
    if (is_to_blame(s, end)) {
        parcel_write_result(s->results.data, &r);
        s->results.size = bytes;
        s->complete = 1;
        s->ours = true;
    }
    rewind_feed(s);
    s->filled = 0;
    s->fed = 0;
    memset(s->trays, 0, sizeof(s->trays));
    s->tasks = s->bytes = 0;
    s->unwanted = s->doomed = 0;
    s->broken = s->condemned = false;
    s->life++;
    let_begin(s);
    return 0;
}

/* --- time limits ---------------------------------------------------------- */

bool slot_is_overdue(const struct slot *s, int64_t now_ns, uint64_t *task)
{
    const struct cell *c = s->cell;
    int64_t deadline_ns = atomic_load(&c->deadline_ns);
    if (deadline_ns == 0 || deadline_ns > now_ns)
        return false;
    *task = atomic_load(&c->begun);
    return atomic_load(&c->deadline_ns) == deadline_ns;
}

int64_t slot_patience_ns(const struct slot *s, int64_t now_ns)
{
    if (s->limited == 0)
        return INT64_MAX;
    int64_t deadline_ns = atomic_load(&s->cell->deadline_ns);
    if (deadline_ns != 0)
        return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    /* None is running: one that begins now has at least this long. */
    int64_t shortest_ns = INT64_MAX;
    const struct batch *b;
    TAILQ_FOREACH (b, &s->batches, link)
        if (b->limit_ms != 0 && b->limit_ms * NS_PER_MS < shortest_ns)
            shortest_ns = b->limit_ms * NS_PER_MS;
    return shortest_ns;
}
