/* parcels.c - tasks and results as bytes: execute/parcel.h, row.h, and commands in them
 *
 * What is read, and then written and read again, is the same.
 */
#include "fuzz.h"

#include "execute/commands.h"
#include "execute/row.h"
#include "farm/wire.h"

static bool is_same_task(const struct parcel_task *a, const struct parcel_task *b)
{
    return a->size == b->size && a->tag == b->tag && a->function == b->function &&
           a->time_limit_ms == b->time_limit_ms && a->priority == b->priority &&
           a->retries == b->retries && a->near == b->near &&
           (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static void check_task(const struct parcel_task *t)
{
    size_t bytes = parcel_task_bytes(t);
    unsigned char *out = malloc(bytes);
    struct parcel_task again;
    size_t taken;
    must(out != NULL);
    parcel_write_task(out, t);
    must(parcel_read_task(out, bytes, &again, &taken) == 0);
    must(taken == bytes && parcel_record_bytes(out) == bytes);
    must(is_same_task(t, &again));
    free(out);
}

static void read_tasks(const unsigned char *data, size_t size)
{
    struct row_walk w = {.at = data, .left = size};
    struct parcel_task t;
    for (int most = 1000; most > 0 && row_next_task(&w, &t) == 0; most--) {
        must(t.data >= data && t.size <= size && t.data + t.size <= data + size);
        check_task(&t);
    }
}

static void check_command(const struct parcel_result *r)
{
    struct execute_result e;
    struct task_bytes out = {0};
    struct parcel_result record;
    struct execute_result again;
    size_t bytes;
    commands_part(r->data, r->size, &e);
    if (commands_result(r->data, r->size, &e) != 0)
        return;
    must(commands_append(&out, &e) == 0);
    must(parcel_read_result(out.data, out.size, &record, &bytes) == 0);
    must(bytes == out.size);
    must(commands_result(record.data, record.size, &again) == 0);
    must(again.how == e.how && again.code == e.code && again.out.size == e.out.size &&
         again.err.size == e.err.size);
    must(e.out.size == 0 || memcmp(again.out.data, e.out.data, e.out.size) == 0);
    free(out.data);
}

static void read_results(const unsigned char *data, size_t size)
{
    struct row_walk w = {.at = data, .left = size};
    struct row_walk again;
    struct parcel_result r;
    struct parcel_result s;
    /* A row of one is longer than a record. */
    unsigned char *out = malloc(size + size / 2 + ROW_RESULT_BYTES);
    struct row_writer to = {.out = out};
    must(out != NULL);
    while (row_next_result(&w, &r) == 0 && to.size + ROW_RESULT_BYTES < size) {
        must(r.data >= data && r.data + r.size <= data + size);
        must(r.tasks_bytes <= size);
        check_command(&r);
        row_write_result(&to, &r);
    }
    row_end(&to);
    again = (struct row_walk){.at = out, .left = to.size};
    w = (struct row_walk){.at = data, .left = size};
    while (again.left > 0 || again.more > 0) {
        must(row_next_result(&again, &r) == 0);
        must(row_next_result(&w, &s) == 0);
        must(r.outcome == s.outcome && r.code == s.code && r.took_ns == s.took_ns);
        must(r.size == s.size && r.tasks_count == s.tasks_count);
        must(r.size == 0 || memcmp(r.data, s.data, r.size) == 0);
    }
    free(out);
}

static void read_command(const unsigned char *data, size_t size)
{
    struct commands_spec c;
    struct task_bytes out = {0};
    const char *words;
    size_t bytes;
    if (commands_words(data, size, &words, &bytes) == 0)
        must(bytes <= size);
    if (commands_unpack(data, size, &c) != 0)
        return;
    must(commands_pack(&c, &out) == 0);
    must(out.size == size && memcmp(out.data, data, size) == 0);
    free(out.data);
    free(c.argv);
}

static void read_head(const unsigned char *data, size_t size)
{
    struct wire_head h;
    unsigned char out[WIRE_HEAD_BYTES];
    if (wire_read(data, size, &h) != 0)
        return;
    wire_write(out, &h);
    must(memcmp(out, data, sizeof(out)) == 0);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    read_tasks(data, size);
    read_results(data, size);
    read_command(data, size);
    read_head(data, size);
}

static void seed_tasks(void)
{
    unsigned char out[256];
    const struct parcel_task plain = {.data = (const unsigned char *)"abc", .size = 3};
    const struct parcel_task odd = {.data = (const unsigned char *)"defghijkl",
                                    .size = 9,
                                    .function = 2,
                                    .tag = 77,
                                    .priority = -5,
                                    .retries = 3,
                                    .near = 1,
                                    .time_limit_ms = 1000};
    parcel_write_task(out, &plain);
    size_t n = parcel_task_bytes(&plain);
    parcel_write_task(out + n, &odd);
    n += parcel_task_bytes(&odd);
    fuzz_seed("tasks", out, n);
    row_write_head(out, &plain, 2);
    n = row_head_bytes(&plain);
    memcpy(out + n, "abc\0\0\0\0\0def\0\0\0\0\0", 16);
    fuzz_seed("row", out, n + 16);
}

static void seed_results(void)
{
    unsigned char out[512];
    unsigned char task[64];
    struct row_writer w = {.out = out};
    const struct parcel_task t = {.data = (const unsigned char *)"child", .size = 5};
    parcel_write_task(task, &t);
    struct parcel_result r = {.data = (const unsigned char *)"value", .size = 5};
    row_write_result(&w, &r);
    row_write_result(&w, &r);
    r.tasks = task;
    r.tasks_bytes = parcel_task_bytes(&t);
    r.tasks_count = 1;
    row_write_result(&w, &r);
    r = (struct parcel_result){.data = (const unsigned char *)"no",
                               .size = 2,
                               .outcome = ROTA_FAILED,
                               .code = -3,
                               .took_ns = 12345};
    row_write_result(&w, &r);
    row_end(&w);
    fuzz_seed("results", out, w.size);
}

void fuzz_seeds(void)
{
    struct task_bytes out = {0};
    char word[] = "echo";
    char value[] = "A=1";
    char *argv[] = {word, NULL};
    char *env[] = {value, NULL};
    struct commands_spec c = {
        .argv = argv, .env = env, .input = "in", .input_bytes = 2};
    must(commands_pack(&c, &out) == 0);
    fuzz_seed("command", out.data, out.size);
    struct execute_result r = {.how = EXECUTE_EXITED, .code = 1};
    r.out.data = word;
    r.out.size = 4;
    out.size = 0;
    must(commands_append(&out, &r) == 0);
    fuzz_seed("ended", out.data, out.size);
    free(out.data);
    unsigned char head[WIRE_HEAD_BYTES];
    struct wire_head h = {.kind = WIRE_RESULTS, .count = 1, .lease = 2, .first = 3};
    wire_write(head, &h);
    fuzz_seed("head", head, sizeof(head));
    seed_tasks();
    seed_results();
}
