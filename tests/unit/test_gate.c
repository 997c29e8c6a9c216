/* test_gate.c - execute/gate: whether there is room for one more command */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "execute/commands.h"

#define GIB (INT64_C(1) << 30)

/* ---- what decides ---------------------------------------------------------------- */

static const struct gate_reading unknown = {-1, -1, -1, -1};

static void less_memory_shuts_and_half_of_it_is_a_crowd(void **state)
{
    (void)state;
    struct gate_limits l = {.memory_bytes = 2 * GIB};
    struct gate_reading r = unknown;
    assert_int_equal(gate_decide(&l, &r), GATE_OPEN);
    r.memory_bytes = 2 * GIB;
    assert_int_equal(gate_decide(&l, &r), GATE_OPEN);
    r.memory_bytes = 2 * GIB - 1;
    assert_int_equal(gate_decide(&l, &r), GATE_SHUT);
    r.memory_bytes = GIB;
    assert_int_equal(gate_decide(&l, &r), GATE_SHUT);
    r.memory_bytes = GIB - 1;
    assert_int_equal(gate_decide(&l, &r), GATE_CROWDED);
    r.memory_bytes = 0;
    assert_int_equal(gate_decide(&l, &r), GATE_CROWDED);
    l.memory_bytes = 0;
    assert_int_equal(gate_decide(&l, &r), GATE_OPEN);
}

static void so_does_load(void **state)
{
    (void)state;
    struct gate_limits l = {.load = 2};
    struct gate_reading r = unknown;
    assert_int_equal(gate_decide(&l, &r), GATE_OPEN);
    r.busy = 1;
    assert_int_equal(gate_decide(&l, &r), GATE_OPEN);
    r.busy = 2;
    assert_int_equal(gate_decide(&l, &r), GATE_SHUT);
}

static void swapping_is_in_and_out(void **state)
{
    (void)state;
    struct gate_limits l = {.noswap = true};
    struct gate_reading r = unknown;
    r.swapped_in = 9;
    r.swapped_out = 0;
    assert_int_equal(gate_decide(&l, &r), GATE_OPEN);
    r.swapped_out = 9;
    assert_int_equal(gate_decide(&l, &r), GATE_SHUT);
    r.swapped_in = 0;
    assert_int_equal(gate_decide(&l, &r), GATE_OPEN);
}

/* ---- a machine of our own -------------------------------------------------------- */

struct machine {
    char folder[64];
    struct gate_limits limits;
};

static void set(const struct machine *m, const char *file, const char *text)
{
    char path[128];
    char fresh[128];
    snprintf(path, sizeof(path), "%s/%s", m->folder, file);
    snprintf(fresh, sizeof(fresh), "%s/fresh", m->folder);
    FILE *f = fopen(fresh, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, strlen(text), 1, f), 1);
    assert_int_equal(fclose(f), 0);
    assert_return_code(rename(fresh, path), 0);
}

static void set_memory(const struct machine *m, long mib)
{
    char text[128];
    snprintf(text, sizeof(text), "MemTotal: 99999999 kB\nMemAvailable: %8ld kB\n",
             mib * 1024);
    set(m, "meminfo", text);
}

static int make_machine(void **state)
{
    static struct machine m;
    const char *dir = getenv("TMPDIR");
    snprintf(m.folder, sizeof(m.folder), "%.40s/rota-gate.XXXXXX", dir ? dir : "/tmp");
    assert_non_null(mkdtemp(m.folder));
    m.limits = (struct gate_limits){.proc = m.folder};
    *state = &m;
    return 0;
}

static int remove_machine(void **state)
{
    static const char *const files[] = {"meminfo", "stat", "vmstat"};
    const struct machine *m = *state;
    char path[128];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", m->folder, files[i]);
        unlink(path);
    }
    return rmdir(m->folder);
}

static void what_the_kernel_says_is_read(void **state)
{
    struct machine *m = *state;
    struct gate g;
    m->limits.memory_bytes = GIB;
    m->limits.load = 3;
    m->limits.noswap = true;
    gate_init(&g, &m->limits);
    assert_true(gate_is_wanted(&g));
    assert_int_equal(gate_look(&g, NS_PER_SEC), GATE_OPEN); /* nothing is known */
    set_memory(m, 1023);
    assert_int_equal(gate_look(&g, NS_PER_SEC), GATE_SHUT);
    set_memory(m, 511);
    assert_int_equal(gate_look(&g, NS_PER_SEC), GATE_CROWDED);
    set_memory(m, 1024);
    assert_int_equal(gate_look(&g, NS_PER_SEC), GATE_OPEN);
    set(m, "stat", "cpu 1 2\nprocs_running 3\nprocs_blocked 0\n");
    assert_int_equal(gate_look(&g, NS_PER_SEC), GATE_OPEN); /* one of them is us */
    set(m, "stat", "cpu 1 2\nprocs_running 3\nprocs_blocked 1\n");
    assert_int_equal(gate_look(&g, NS_PER_SEC), GATE_SHUT);
    set(m, "stat", "cpu 1 2\nprocs_running 1\nprocs_blocked 0\n");
    set(m, "vmstat", "pgpgin 7\npswpin 100\npswpout 100\n");
    assert_int_equal(gate_look(&g, 3 * NS_PER_SEC), GATE_OPEN);
    set(m, "vmstat", "pgpgin 7\npswpin 101\npswpout 102\n");
    assert_int_equal(gate_look(&g, 5 * NS_PER_SEC), GATE_SHUT);
    assert_int_equal(gate_look(&g, 7 * NS_PER_SEC), GATE_OPEN);
}

static void without_limits_nothing_is_wanted(void **state)
{
    (void)state;
    struct gate g;
    gate_init(&g, &(struct gate_limits){.memory_bytes = 0});
    assert_false(gate_is_wanted(&g));
}

/* ---- and its commands ------------------------------------------------------------ */

static void give(struct executor *x, uint64_t lease, char *script)
{
    static char sh[] = "sh", c[] = "-c";
    char *argv[] = {sh, c, script, NULL};
    struct task_bytes words = {0};
    unsigned char record[256];
    struct commands_spec spec = {.argv = argv};
    assert_int_equal(commands_pack(&spec, &words), 0);
    struct parcel_task t = {.data = words.data, .size = words.size};
    parcel_write_task(record, &t);
    struct executor_batch batch = {.lease = lease,
                                   .first = lease,
                                   .count = 1,
                                   .attempt = 1,
                                   .records = record,
                                   .bytes = parcel_task_bytes(&t)};
    assert_int_equal(x->ops->give(x, &batch), 0);
    free(words.data);
}

/* The next result, within a while; its lease. */
static uint64_t next(struct executor *x, struct execute_result *out)
{
    struct executor_report r;
    struct parcel_result record = {0};
    size_t bytes;
    int64_t until_ns = clock_now_ns() + 10 * NS_PER_SEC;
    int rc;
    while ((rc = x->ops->take(x, &r)) != 0 && clock_now_ns() < until_ns)
        x->ops->wait(x, NS_PER_MS);
    assert_int_equal(rc, 0);
    assert_int_equal(parcel_read_result(r.records, r.bytes, &record, &bytes), 0);
    assert_int_equal(commands_result(record.data, record.size, out), 0);
    return r.lease;
}

static void nothing_begins_without_room_and_the_youngest_is_ended(void **state)
{
    struct machine *m = *state;
    char forever[] = "sleep 1000", brief[] = "exit 7";
    struct execute_result r;
    struct executor_report report;
    struct executor *x;
    m->limits = (struct gate_limits){.proc = m->folder, .memory_bytes = GIB};
    set_memory(m, 2000);
    struct execute_options options = {.slots = 3, .gate = m->limits};
    assert_int_equal(executor_commands_open(&options, &x, NULL), 0);
    give(x, 1, forever);
    give(x, 2, forever);
    assert_false(x->shut);
    set_memory(m, 900);
    give(x, 3, brief);
    assert_true(x->shut);
    assert_int_equal(x->ops->unbegun(x, 3), 3);
    assert_int_equal(x->ops->take(x, &report), ROTA_E_TIMEOUT);
    set_memory(m, 100);
    assert_int_equal(next(x, &r), 2);
    assert_int_equal(r.how, EXECUTE_STARVED);
    set_memory(m, 2000); /* before the other one is ended too */
    assert_int_equal(next(x, &r), 3);
    assert_int_equal(r.code, 7);
    assert_false(x->shut);
    x->ops->limit(x, 50 * NS_PER_MS);
    assert_int_equal(next(x, &r), 1);
    assert_int_equal(r.how, EXECUTE_OVERTIME);
    executor_close(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(less_memory_shuts_and_half_of_it_is_a_crowd),
        cmocka_unit_test(so_does_load),
        cmocka_unit_test(swapping_is_in_and_out),
        cmocka_unit_test_setup_teardown(what_the_kernel_says_is_read, make_machine,
                                        remove_machine),
        cmocka_unit_test(without_limits_nothing_is_wanted),
        cmocka_unit_test_setup_teardown(
            nothing_begins_without_room_and_the_youngest_is_ended, make_machine,
            remove_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
