/* slot.c - what a child writes to the memory that it shares with its rank:
 * execute/cell.h, read by slot.c
 *
 * The child's part of a cell, its counters, trays and ring, is written by the bytes,
 * between the steps of the rank. Each task is told at most once, in order, none that
 * was not given; and once the child has ended, what is left goes to the next one, which
 * does it soundly, and so all come to an end.
 */
#include "fuzz.h"

#include <signal.h>

#include "execute/row.h"
#include "execute/slot.h"

enum {
    TASKS = 5,
    MOST_BATCHES = 4,
};

struct world {
    struct cells cells;
    struct slot slot;
    int held;
    uint64_t given; /* tasks */
    uint64_t told;  /* so too: without a gap, but for those dropped */
    uint64_t dropped;
};

static void give(struct world *w)
{
    unsigned char records[TASKS * 64];
    struct executor_batch b = {.lease = w->given / TASKS,
                               .first = w->given,
                               .count = TASKS,
                               .attempt = 1,
                               .records = records};
    for (int i = 0; i < TASKS; i++) {
        const struct parcel_task t = {.data = (const unsigned char *)"payload",
                                      .size = (size_t)i,
                                      .time_limit_ms = (uint32_t)i * 1000};
        parcel_write_task(records + b.bytes, &t);
        b.bytes += parcel_task_bytes(&t);
    }
    struct batch *copy = batch_new(&b);
    must(copy != NULL);
    slot_add(&w->slot, copy);
    slot_feed(&w->slot);
    w->held++;
    w->given += TASKS;
}

static void check_report(struct world *w, const struct executor_report *r)
{
    struct row_walk walk = {.at = r->records, .left = r->bytes};
    struct parcel_result result;
    must(r->count > 0 && r->first + r->count <= w->given);
    must(r->first >= w->told && r->first - w->told <= w->dropped);
    must(r->first / TASKS == (r->first + r->count - 1) / TASKS);
    must(r->lease == r->first / TASKS);
    for (uint32_t i = 0; i < r->count; i++) {
        must(row_next_result(&walk, &result) == 0);
        must(result.outcome < ROTA_POISON);
    }
    must(walk.left == 0 && walk.more == 0);
    w->told = r->first + r->count;
}

static void tell(struct world *w)
{
    struct executor_report r;
    while (slot_tell(&w->slot, &r, &w->held) == 0)
        check_report(w, &r);
    must(w->held == w->slot.count && w->held >= 0);
}

/* As isolated.c visits a slot. */
static void visit(struct world *w, bool ended, int status)
{
    bool all;
    uint64_t task;
    struct slot *s = &w->slot;
    tell(w);
    if (!s->broken && (slot_has_news(s, &all) || ended))
        must(slot_collect(s, all || ended) == 0);
    tell(w);
    if (ended) {
        must(slot_bury(s, &(struct slot_end){.status = status, .ended_ns = 5}) == 0);
        tell(w);
    }
    slot_is_overdue(s, INT64_MAX / 2, &task);
    slot_is_unwanted(s, &task);
    must(slot_patience_ns(s, 1) >= 0);
    slot_feed(s);
}

/* Anything, where the child may write. */
static void write_anywhere(struct world *w, struct fuzz_bytes *b)
{
    struct cell *c = w->slot.cell;
    unsigned char *own = (unsigned char *)c + offsetof(struct cell, asleep);
    size_t room = sizeof(*c) - offsetof(struct cell, asleep);
    size_t at = fuzz_take16(b) % room;
    size_t size = fuzz_take8(b) % 32;
    if (at + size <= room)
        fuzz_take(b, own + at, size);
}

/* Nearly as it should be. */
static void write_counters(struct world *w, struct fuzz_bytes *b)
{
    struct cell *c = w->slot.cell;
    uint64_t tasks = fuzz_take8(b);
    uint64_t bytes = fuzz_take8(b) * 8U;
    atomic_store(&c->begun, w->slot.tasks + tasks + fuzz_take8(b) % 2);
    atomic_store(&c->done, w->slot.tasks + tasks);
    atomic_store(&c->timed, w->slot.tasks + tasks);
    atomic_store(&c->written, w->slot.bytes + bytes);
    atomic_store(&c->timed_bytes, w->slot.bytes + bytes);
    atomic_fetch_add(&c->rung, 1);
}

static void write_ring(struct world *w, struct fuzz_bytes *b)
{
    size_t size;
    unsigned char *bytes = fuzz_cut(b, fuzz_take8(b), &size);
    memcpy(cell_ring(w->slot.cell) + cell_ring_at(w->slot.bytes), bytes, size);
    free(bytes);
}

static void play_op(struct world *w, struct fuzz_bytes *b)
{
    switch (fuzz_take8(b) % 9) {
    case 0:
        write_anywhere(w, b);
        break;
    case 1:
        write_counters(w, b);
        break;
    case 2:
        write_ring(w, b);
        break;
    case 3:
        if (w->given < (uint64_t)TASKS * MOST_BATCHES)
            give(w);
        break;
    case 4: {
        uint32_t count = fuzz_take8(b) % TASKS + 1U;
        uint64_t first = fuzz_take8(b) % (w->given + 1);
        slot_drop(&w->slot, first / TASKS, first, count, &w->held);
        w->dropped += count;
        break;
    }
    case 5:
        visit(w, true, fuzz_take8(b) % 2 ? SIGSEGV : 3 << 8);
        break;
    case 6:
        slot_check(&w->slot);
        break;
    case 7: { /* trays, as the child takes them */
        struct cell *c = w->slot.cell;
        atomic_store(&c->trays[fuzz_take8(b) % CELL_TRAYS].state, fuzz_take8(b) % 4);
        break;
    }
    default:
        visit(w, false, 0);
    }
}

/* A child that does all there is. */
static void work_soundly(struct world *w)
{
    struct slot *s = &w->slot;
    struct cell *c = s->cell;
    for (int rounds = 0; s->count > 0; rounds++) {
        must(rounds < 100);
        slot_feed(s);
        uint64_t fed = s->fed;
        size_t size = 0;
        for (uint64_t i = s->tasks; i < fed; i++) {
            const struct parcel_result done = {.data = (const unsigned char *)"",
                                               .size = 0};
            parcel_write_result(cell_ring(c) + cell_ring_at(s->bytes + size), &done);
            size += parcel_result_bytes(&done);
        }
        atomic_store(&c->begun, fed);
        atomic_store(&c->written, s->bytes + size);
        atomic_store(&c->timed_bytes, s->bytes + size);
        for (unsigned i = 0; i < CELL_TRAYS; i++)
            atomic_store(&c->trays[i].state, TRAY_EMPTY);
        atomic_store(&c->done, fed);
        atomic_store(&c->timed, fed);
        atomic_fetch_add(&c->rung, 1);
        visit(w, false, 0);
        must(!s->broken);
    }
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    struct rota_error err;
    struct world w = {.held = 0};
    must(cells_map(&w.cells, 1, &err) == 0);
    slot_init(&w.slot, cells_at(&w.cells, 0));
    give(&w);
    for (int ops = 0; b.left > 0 && ops < 300; ops++)
        play_op(&w, &b);
    visit(&w, true, SIGKILL);
    work_soundly(&w);
    must(w.held == 0 && w.told + w.dropped >= w.given);
    slot_done(&w.slot);
    cells_unmap(&w.cells);
}

void fuzz_seeds(void)
{
    unsigned char record[64];
    unsigned char out[256];
    const struct parcel_result r = {.data = (const unsigned char *)"value", .size = 5};
    size_t size = parcel_result_bytes(&r);
    parcel_write_result(record, &r);
    size_t n = 0;
    out[n++] = 2; /* the ring */
    out[n++] = (unsigned char)(2 * size);
    memcpy(out + n, record, size);
    memcpy(out + n + size, record, size);
    n += 2 * size;
    out[n++] = 1; /* the counters */
    out[n++] = 2;
    out[n++] = (unsigned char)(2 * size / 8);
    out[n++] = 1;
    out[n++] = 8; /* a visit */
    out[n++] = 5; /* its end, by a signal */
    out[n++] = 1;
    fuzz_seed("values", out, n);
    fuzz_seed("too-many", "\1\xff\xff\1\x08\x05\0", 7);
    fuzz_seed("trays", "\7\0\0\6\x08\3\7\1\3\6\x08", 11);
    fuzz_seed("dropped", "\3\4\1\6\x08\4\4\0\x08\5\1", 11);
    fuzz_seed("anywhere",
              "\0\0\0\x1f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x08", 17);
}
