/* broker.c - what a manager takes from its workers: farm/wire.h, by farm/broker.c
 *
 * Worker 0 says whatever the bytes say; worker 1 does all that it is given. In the end
 * worker 0 is lost if it is not yet. Whatever it said, each task is told once, none is
 * waited for, and worker 1 is not taken for another.
 */
#include "fuzz.h"

#include "execute/row.h"
#include "farm/broker.h"
#include "farm/wire.h"

enum {
    HOSTILE = 0,
    HONEST = 1,
    WORKERS = 2,
    FUNCTIONS = 2,
    PRINT = 77,
    MOST_TASKS = 4096,
    MOST_ROUNDS = 100000,
};

enum op {
    RAW,    /* any bytes */
    FORGED, /* a head that says nearly what it should, and any bytes behind it */
    WORK,   /* worker 0 does what it was given last */
    SUBMIT,
    CANCEL,
    ACT, /* and worker 1 works */
    FREEZE,
    PASS, /* time */
    OPS,
};

struct message {
    struct message *next;
    size_t size;
    unsigned char *data;
};

struct world {
    struct broker *broker;
    int64_t now_ns;
    struct message *queue; /* for worker 1, the newest first */
    struct wire_head last; /* that worker 0 was given */
    struct row_walk tasks; /* of that one, */
    unsigned char *given;  /* which are here */
    bool in_records;       /* not in rows: who has parts reports so */
    uint64_t parts;
    unsigned char told[MOST_TASKS];
    unsigned char counted[MOST_TASKS];
};

/* ---- the port ---------------------------------------------------------------- */

static int take_message(void *ctx, int worker, void *data, size_t size)
{
    struct world *w = ctx;
    struct wire_head h;
    must(worker == HOSTILE || worker == HONEST);
    must(wire_read(data, size, &h) == 0);
    if (worker == HONEST) {
        struct message *m = malloc(sizeof(*m));
        must(m != NULL);
        *m = (struct message){.next = w->queue, .size = size, .data = data};
        w->queue = m;
        return 0;
    }
    if (h.kind != WIRE_TASKS) {
        free(data);
        return 0;
    }
    free(w->given);
    w->given = data;
    w->last = h;
    w->tasks = (struct row_walk){.at = w->given + WIRE_HEAD_BYTES,
                                 .left = size - WIRE_HEAD_BYTES};
    return 0;
}

static void done(void *ctx, void *data, size_t size)
{
    (void)ctx;
    (void)size;
    free(data);
}

static void lost(void *ctx, int worker, const char *strange, uint64_t again)
{
    (void)ctx;
    (void)again;
    must(worker == HOSTILE);
    must(strange == NULL || strange[0] != '\0');
}

static void came(void *ctx, int worker, int slots, const char *host)
{
    (void)ctx;
    must(worker == HOSTILE || worker == HONEST);
    must(slots > 0 && slots <= WIRE_SLOTS_MAX && strlen(host) <= WIRE_HOST_MAX);
}

static void tried(void *ctx, const struct rota_result *t)
{
    const struct world *w = ctx;
    must(t->task < broker_submitted(w->broker) && t->worker >= HOSTILE + 1);
}

static int part_came(void *ctx, int worker, const struct broker_attempt *a,
                     const void *data, size_t size)
{
    struct world *w = ctx;
    (void)data;
    must(worker == HOSTILE && a->task < broker_submitted(w->broker));
    w->parts++;
    return size % 8 == 7 ? ROTA_E_FORMAT : size % 8 == 6 ? ROTA_E_IO : 0;
}

static bool part_whole(void *ctx, uint64_t lease, uint64_t task)
{
    const struct world *w = ctx;
    (void)lease;
    return w->parts == 0 || task % 4 != 3;
}

static void part_settled(void *ctx, uint64_t lease, uint64_t task, bool counts)
{
    struct world *w = ctx;
    (void)lease;
    if (counts)
        must(task < MOST_TASKS && w->counted[task]++ == 0);
}

static const struct broker_parts parts = {part_came, part_whole, part_settled};

/* ---- worker 1 ---------------------------------------------------------------- */

static void give(struct world *w, int worker, void *data, size_t size)
{
    w->now_ns += 1000;
    must(broker_receive(w->broker, w->now_ns, worker, data, size) == 0);
}

static void hello(struct world *w, int worker, uint32_t slots)
{
    unsigned char *data = malloc(WIRE_HEAD_BYTES);
    struct wire_head h = {.kind = WIRE_HELLO, .count = slots, .lease = PRINT};
    must(data != NULL);
    wire_write(data, &h);
    give(w, worker, data, WIRE_HEAD_BYTES);
}

/* The results of `count` tasks from the walk: done, each with its own payload. */
static void report(struct world *w, int worker, const struct wire_head *lent,
                   struct row_walk *tasks, uint32_t count)
{
    struct wire_head h = {.kind = WIRE_RESULTS,
                          .count = count,
                          .lease = lent->lease,
                          .first = lent->first,
                          .more = 1000};
    size_t room = WIRE_HEAD_BYTES + 2 * tasks->left + 64 * (size_t)count + 64;
    for (uint32_t i = 0; i < count; i++)
        room += tasks->task.size;
    unsigned char *data = malloc(room);
    struct row_writer to = {.out = data + WIRE_HEAD_BYTES};
    must(data != NULL);
    wire_write(data, &h);
    for (uint32_t i = 0; i < count; i++) {
        struct parcel_task t;
        must(row_next_task(tasks, &t) == 0 && t.function < FUNCTIONS);
        struct parcel_result r = {.data = t.data, .size = t.size < 8 ? t.size : 8};
        if (!w->in_records) {
            row_write_result(&to, &r);
            continue;
        }
        parcel_write_result(to.out + to.size, &r);
        to.size += parcel_result_bytes(&r);
    }
    row_end(&to);
    give(w, worker, data, WIRE_HEAD_BYTES + to.size);
}

static void work_honestly(struct world *w, const struct message *m)
{
    struct wire_head h;
    struct row_walk tasks = {.at = m->data + WIRE_HEAD_BYTES,
                             .left = m->size - WIRE_HEAD_BYTES};
    must(wire_read(m->data, m->size, &h) == 0);
    if (h.kind == WIRE_TASKS)
        report(w, HONEST, &h, &tasks, h.count);
}

static bool work_queue(struct world *w)
{
    struct message *m = w->queue;
    struct message *before = NULL;
    if (m == NULL)
        return false;
    for (; m->next != NULL; m = m->next)
        before = m;
    if (before != NULL)
        before->next = NULL;
    else
        w->queue = NULL;
    work_honestly(w, m);
    free(m->data);
    free(m);
    return true;
}

/* ---- the manager ------------------------------------------------------------- */

static void tell(struct world *w)
{
    struct rota_result r;
    const void *data;
    size_t size;
    while (broker_next(w->broker, &r)) {
        must(r.task < broker_submitted(w->broker));
        must(r.outcome < ROTA_OUTCOMES);
        broker_payload(w->broker, &data, &size);
        must(size == 0 || data != NULL);
        if (r.task < MOST_TASKS)
            must(w->told[r.task]++ == 0);
    }
}

static void act(struct world *w)
{
    w->now_ns += 1000;
    must(broker_act(w->broker, w->now_ns) == 0);
    tell(w);
}

static void submit(struct world *w, uint8_t count, uint8_t how)
{
    unsigned char payload[16] = {how};
    for (unsigned i = 0; i < count; i++) {
        struct parcel_task t = {.data = payload,
                                .size = how % sizeof(payload),
                                .function = (uint16_t)(how % FUNCTIONS),
                                .retries = how / 64,
                                .tag = how % 3,
                                .near = (uint16_t)(how % 5 == 0 ? HOSTILE + 2 : 0),
                                .priority = how % 7 == 0};
        must(broker_submit(w->broker, &t, NULL) == 0);
    }
}

/* ---- worker 0 ---------------------------------------------------------------- */

static void forge(struct world *w, struct fuzz_bytes *b)
{
    struct wire_head h = w->last;
    h.kind = (enum wire_kind)fuzz_take8(b);
    h.count = h.count + fuzz_take8(b) - 1;
    h.lease = h.lease + fuzz_take8(b) - 1;
    h.first = h.first + fuzz_take8(b) - 1;
    h.more = fuzz_take8(b);
    if (h.more == UINT8_MAX)
        h.more = INT64_MAX;
    size_t size;
    unsigned char *body = fuzz_cut(b, fuzz_take8(b), &size);
    unsigned char *data = malloc(WIRE_HEAD_BYTES + size);
    must(data != NULL);
    wire_write(data, &h);
    memcpy(data + WIRE_HEAD_BYTES, body, size);
    free(body);
    give(w, HOSTILE, data, WIRE_HEAD_BYTES + size);
}

static void work_last(struct world *w)
{
    struct row_walk tasks = w->tasks;
    if (w->given != NULL)
        report(w, HOSTILE, &w->last, &tasks, w->last.count);
}

static void play_op(struct world *w, struct fuzz_bytes *b)
{
    size_t size;
    unsigned char *data;
    switch ((enum op)(fuzz_take8(b) % OPS)) {
    case RAW:
        data = fuzz_cut(b, fuzz_take16(b), &size);
        give(w, HOSTILE, data, size);
        break;
    case FORGED:
        forge(w, b);
        break;
    case WORK:
        work_last(w);
        break;
    case SUBMIT:
        if (broker_submitted(w->broker) < MOST_TASKS / 2)
            submit(w, fuzz_take8(b), fuzz_take8(b));
        break;
    case CANCEL: {
        int rc = broker_cancel(w->broker, w->now_ns, fuzz_take8(b));
        must(rc == 0 || rc == ROTA_E_STATE || rc == ROTA_E_ARG ||
             rc == ROTA_E_NOTFOUND);
        break;
    }
    case FREEZE:
        broker_freeze(w->broker, w->now_ns, HOSTILE, fuzz_take8(b) % 2 == 1);
        break;
    case PASS:
        w->now_ns += (int64_t)fuzz_take16(b) * 1000000;
        break;
    default:
        act(w);
        work_queue(w);
    }
}

/* Without worker 0: it comes to its end. */
static void finish(struct world *w)
{
    must(broker_lost(w->broker, w->now_ns, HOSTILE, false) == 0);
    for (int round = 0; !broker_is_over(w->broker); round++) {
        must(round < MOST_ROUNDS);
        act(w);
        if (work_queue(w) || broker_is_over(w->broker))
            continue;
        act(w);
        int64_t wake_ns = broker_wake_ns(w->broker);
        if (w->queue == NULL && !broker_is_over(w->broker)) {
            must(wake_ns != INT64_MAX);
            w->now_ns = wake_ns > w->now_ns ? wake_ns : w->now_ns;
        }
    }
    for (uint64_t i = 0; i < broker_submitted(w->broker) && i < MOST_TASKS; i++)
        must(w->told[i] == 1);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    static struct world w;
    uint8_t how = fuzz_take8(&b);
    struct broker_port port = {.send = take_message,
                               .done = done,
                               .lost = lost,
                               .came = came,
                               .tried = tried,
                               .parts = how & 4 ? &parts : NULL,
                               .ctx = &w};
    struct broker_options options = {.workers = WORKERS,
                                     .first_rank = 1,
                                     .functions = FUNCTIONS,
                                     .fingerprint = PRINT,
                                     .in_order = how & 1,
                                     .once = how & 2,
                                     .prompt = how & 8};
    w = (struct world){.now_ns = 1000, .in_records = how & 4};
    must(broker_new(&options, &port, &w.broker) == 0);
    hello(&w, HONEST, 1);
    if (how & 16)
        hello(&w, HOSTILE, how / 32 + 1);
    submit(&w, 20, how);
    act(&w);
    for (int ops = 0; b.left > 0 && ops < 500; ops++)
        play_op(&w, &b);
    finish(&w);
    broker_free(w.broker);
    free(w.given);
    while (w.queue != NULL) {
        struct message *m = w.queue;
        w.queue = m->next;
        free(m->data);
        free(m);
    }
}

static size_t put_raw(unsigned char *out, struct wire_head h, const void *body,
                      size_t size)
{
    out[0] = RAW;
    uint16_t whole = (uint16_t)(WIRE_HEAD_BYTES + size);
    memcpy(out + 1, &whole, 2);
    wire_write(out + 3, &h);
    memcpy(out + 3 + WIRE_HEAD_BYTES, body, size);
    return 3 + (size_t)whole;
}

void fuzz_seeds(void)
{
    unsigned char out[512];
    unsigned char body[128];
    struct parcel_result r = {.data = (const unsigned char *)"value", .size = 5};
    const unsigned char work[] = {16, WORK, ACT, WORK, SUBMIT, 9, 200, ACT, WORK, ACT};
    fuzz_seed("work", work, sizeof(work));
    const unsigned char parted[] = {31, FORGED, WIRE_PART, 1,   1,      1,   0,
                                    3,  'a',    'b',       'c', WORK,   ACT, FREEZE,
                                    1,  PASS,   10,        0,   CANCEL, 3};
    fuzz_seed("parts", parted, sizeof(parted));
    const unsigned char back[] = {18, FORGED, WIRE_RETURNED, 1, 1, 1, 0, 0, ACT, ACT};
    fuzz_seed("returned", back, sizeof(back));
    parcel_write_result(body, &r);
    out[0] = 16;
    size_t n =
        1 + put_raw(out + 1,
                    (struct wire_head){.kind = WIRE_RESULTS, .count = 1, .lease = 1},
                    body, parcel_result_bytes(&r));
    fuzz_seed("results", out, n);
    out[0] = 0;
    n = 1 + put_raw(out + 1,
                    (struct wire_head){.kind = WIRE_HELLO, .count = 2, .lease = PRINT},
                    "host", 4);
    n += put_raw(out + n, (struct wire_head){.kind = WIRE_SHUT, .more = 1}, "", 0);
    n += put_raw(out + n, (struct wire_head){.kind = WIRE_FINISH}, "", 0);
    fuzz_seed("hello", out, n);
}
