/* test_commands.c - execute/commands: commands as tasks, in batches
 *
 * Memory is refused when the test says so (the linker's --wrap, CMakeLists.txt).
 */
#include "refused.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "execute/commands.h"
#include "execute/parcel.h"

/* ---- what the tests are made of ---------------------------------------------- */

enum {
    PATIENCE_MS = 10000,
};

static struct executor *make_with_parts(int slots, size_t part_bytes)
{
    struct execute_options options = {.slots = slots, .part_bytes = part_bytes};
    struct executor *x;
    assert_int_equal(executor_commands_open(&options, &x, NULL), 0);
    assert_int_equal(x->slots, slots);
    assert_int_equal(x->held, 0);
    return x;
}

static struct executor *make(int slots)
{
    return make_with_parts(slots, SIZE_MAX);
}

static void add(struct task_bytes *b, const void *data, size_t size)
{
    struct parcel_task t = {.data = data, .size = size};
    assert_int_equal(task_bytes_reserve(b, parcel_task_bytes(&t)), 0);
    parcel_write_task(b->data + b->size, &t);
    b->size += parcel_task_bytes(&t);
}

static int give_records(struct executor *x, uint64_t lease, uint64_t first,
                        uint32_t count, struct task_bytes *b)
{
    struct executor_batch batch = {
        .lease = lease,
        .first = first,
        .count = count,
        .attempt = 1,
        .records = b->data,
        .bytes = b->size,
    };
    int rc = x->ops->give(x, &batch);
    memset(b->data, 0xee, b->size); /* it has been copied */
    return rc;
}

/* A batch of shell scripts, numbered from `first` on. */
static int give_scripts(struct executor *x, uint64_t lease, uint64_t first,
                        char *const *scripts)
{
    static char sh[] = "sh", c[] = "-c";
    struct task_bytes records = {0}, words = {0};
    uint32_t count = 0;
    long refuse = fail_at;
    fail_at = 0; /* it is the executor that memory is refused to */
    for (; scripts[count] != NULL; count++) {
        char *argv[] = {sh, c, scripts[count], NULL};
        struct commands_spec spec = {.argv = argv};
        assert_int_equal(commands_pack(&spec, &words), 0);
        add(&records, words.data, words.size);
    }
    fail_at = refuse;
    int rc = give_records(x, lease, first, count, &records);
    free(words.data);
    free(records.data);
    return rc;
}

#define SCRIPTS(...) ((char *[]){__VA_ARGS__, NULL})

static void give(struct executor *x, uint64_t lease, uint64_t first,
                 char *const *scripts)
{
    assert_int_equal(give_scripts(x, lease, first, scripts), 0);
}

/* What a report says of its one task. */
struct told {
    struct executor_report report;
    struct parcel_result record;
    struct execute_result command;
};

static struct executor_report next_report(struct executor *x)
{
    struct executor_report r;
    int64_t until_ns = clock_now_ns() + PATIENCE_MS * NS_PER_MS;
    int rc;
    while ((rc = x->ops->take(x, &r)) != 0 && clock_now_ns() < until_ns)
        x->ops->wait(x, NS_PER_MS);
    assert_int_equal(rc, 0);
    assert_int_equal(r.count, 1);
    return r;
}

static struct told next(struct executor *x)
{
    struct told t = {.report = next_report(x)};
    size_t bytes = 0;
    assert_false(t.report.part);
    assert_int_equal(
        parcel_read_result(t.report.records, t.report.bytes, &t.record, &bytes), 0);
    assert_int_equal(bytes, t.report.bytes);
    assert_int_equal(commands_result(t.record.data, t.record.size, &t.command), 0);
    return t;
}

static void next_is(struct executor *x, uint64_t lease, uint64_t task, const char *out)
{
    struct told t = next(x);
    assert_int_equal(t.report.lease, lease);
    assert_int_equal(t.report.first, task);
    assert_int_equal(t.command.out.size, strlen(out));
    assert_memory_equal(t.command.out.data, out, strlen(out));
}

static void nothing(struct executor *x)
{
    struct executor_report r;
    assert_int_equal(x->ops->take(x, &r), ROTA_E_TIMEOUT);
}

static void done(struct executor *x)
{
    nothing(x);
    assert_int_equal(x->held, 0);
    executor_close(x);
}

/* ---- how commands end -------------------------------------------------------- */

static void a_success_is_done_with_what_it_wrote(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char script[] = "echo out; echo err >&2; sleep 0.01";
    give(x, 7, 3, SCRIPTS(script));
    assert_int_equal(x->held, 1);
    struct told t = next(x);
    assert_int_equal(t.report.lease, 7);
    assert_int_equal(t.report.first, 3);
    assert_int_equal(t.record.outcome, ROTA_DONE);
    assert_int_equal(t.command.how, EXECUTE_EXITED);
    assert_int_equal(t.command.code, 0);
    assert_memory_equal(t.command.out.data, "out\n", 4);
    assert_memory_equal(t.command.err.data, "err\n", 4);
    assert_int_equal(t.record.took_ns, t.report.busy_ns);
    assert_in_range(t.record.took_ns, 10 * NS_PER_MS, PATIENCE_MS * NS_PER_MS);
    done(x);
}

static void a_failure_says_its_status_and_what_it_wrote(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char script[] = "echo half; exit 5";
    give(x, 1, 0, SCRIPTS(script));
    struct told t = next(x);
    assert_int_equal(t.record.outcome, ROTA_FAILED);
    assert_int_equal(t.record.code, 5);
    assert_int_equal(t.command.how, EXECUTE_EXITED);
    assert_int_equal(t.command.code, 5);
    assert_memory_equal(t.command.out.data, "half\n", 5);
    done(x);
}

static void a_signal_is_told_apart_from_a_status(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char script[] = "kill -9 $$";
    give(x, 1, 0, SCRIPTS(script));
    struct told t = next(x);
    assert_int_equal(t.record.outcome, ROTA_CRASHED);
    assert_int_equal(t.record.code, 9);
    assert_int_equal(t.command.how, EXECUTE_KILLED);
    assert_int_equal(t.command.code, 9);
    done(x);
}

static void give_words(struct executor *x, uint64_t lease, char **argv)
{
    struct task_bytes words = {0}, records = {0};
    struct commands_spec c = {.argv = argv};
    assert_int_equal(commands_pack(&c, &words), 0);
    add(&records, words.data, words.size);
    assert_int_equal(give_records(x, lease, 0, 1, &records), 0);
    free(words.data);
    free(records.data);
}

static void what_is_not_there_could_not_be_started(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char word[] = "no-such-command-here";
    give_words(x, 1, (char *[]){word, NULL});
    struct told t = next(x);
    assert_int_equal(t.record.outcome, ROTA_FAILED);
    assert_int_equal(t.record.code, ENOENT);
    assert_int_equal(t.command.how, EXECUTE_NOT_STARTED);
    assert_int_equal(t.command.code, ENOENT);
    done(x);
}

static void what_is_no_command_could_not_be_started_either(void **state)
{
    (void)state;
    struct executor *x = make(2);
    struct task_bytes records = {0}, words = {0};
    char word[] = "true", variable[] = "A=1";
    struct commands_spec spec = {.argv = (char *[]){word, NULL},
                                 .env = (char *[]){variable, NULL}};
    assert_int_equal(commands_pack(&spec, &words), 0);
    enum {
        WORDS_END = 8 + sizeof(word),
    };
    add(&records, "", 0);
    add(&records, words.data, 7);
    add(&records, words.data, words.size - 1); /* less than it says */
    words.data[words.size - 1] = '=';          /* its last variable has no end, */
    add(&records, words.data, words.size);
    words.data[words.size - 1] = '\0';
    words.data[WORDS_END - 1] = '='; /* its last word has none */
    add(&records, words.data, words.size);
    words.data[WORDS_END - 1] = '\0';
    add(&records, words.data, words.size);
    assert_int_equal(give_records(x, 1, 0, 6, &records), 0);
    free(records.data);
    free(words.data);
    for (uint64_t i = 0; i < 6; i++) {
        struct told t = next(x);
        assert_int_equal(t.report.first, i);
        assert_int_equal(t.record.outcome, i < 5 ? ROTA_FAILED : ROTA_DONE);
        assert_int_equal(t.command.how, i < 5 ? EXECUTE_NOT_STARTED : EXECUTE_EXITED);
    }
    done(x);
}

static void words_may_hold_anything(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char printf_[] = "printf", format[] = "[%s]", space[] = "a b\n", none[] = "",
         star[] = "*";
    give_words(x, 1, (char *[]){printf_, format, space, none, star, NULL});
    next_is(x, 1, 0, "[a b\n][][*]");
    done(x);
}

static void output_of_any_size_comes_whole(void **state)
{
    (void)state;
    struct executor *x = make(1);
    static const size_t sizes[] = {0, 1, 7, 8, 9, 65535, 65536, 65537, 3000000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char script[128];
        snprintf(script, sizeof(script),
                 "head -c %zu /dev/zero; printf x; head -c %zu /dev/zero >&2", sizes[i],
                 sizes[i]);
        give(x, i, 0, SCRIPTS(script));
        struct told t = next(x);
        assert_int_equal(t.command.out.size, sizes[i] + 1);
        assert_int_equal(t.command.out.data[sizes[i]], 'x');
        assert_int_equal(t.command.err.size, sizes[i]);
    }
    done(x);
}

static void a_value_that_is_none_is_refused(void **state)
{
    (void)state;
    struct execute_result r;
    unsigned char value[24] = {0};
    assert_int_equal(commands_result(value, 15, &r), ROTA_E_FORMAT);
    parcel_put64(value + 8, 9);
    assert_int_equal(commands_result(value, 24, &r), ROTA_E_FORMAT);
    parcel_put64(value + 8, 8);
    assert_int_equal(commands_result(value, 24, &r), 0);
    assert_int_equal(r.out.size, 8);
    assert_int_equal(r.err.size, 0);
    assert_int_equal(commands_part(value, 24, &r), ROTA_E_FORMAT);
    parcel_put32(value, EXECUTE_RUNNING);
    assert_int_equal(commands_result(value, 24, &r), ROTA_E_FORMAT);
    assert_int_equal(commands_part(value, 24, &r), 0);
    parcel_put32(value, EXECUTE_HOWS);
    assert_int_equal(commands_result(value, 24, &r), ROTA_E_FORMAT);
    assert_int_equal(commands_part(value, 24, &r), ROTA_E_FORMAT);
}

/* ---- what is said before the end --------------------------------------------- */

/* What a command says in parts and in its result, in sum; returns the parts. */
static int add_up(struct executor *x, size_t *out, size_t *err)
{
    struct execute_result r;
    *out = *err = 0;
    for (int parts = 0;; parts++) {
        struct executor_report report = next_report(x);
        if (report.part) {
            assert_int_equal(commands_part(report.records, report.bytes, &r), 0);
        } else {
            struct parcel_result record;
            size_t bytes;
            assert_int_equal(
                parcel_read_result(report.records, report.bytes, &record, &bytes), 0);
            assert_int_equal(commands_result(record.data, record.size, &r), 0);
        }
        for (size_t i = 0; i < r.out.size; i++)
            assert_int_equal(r.out.data[i], 'o');
        *out += r.out.size;
        *err += r.err.size;
        if (!report.part)
            return parts;
    }
}

static void much_output_comes_in_parts(void **state)
{
    (void)state;
    struct executor *x = make_with_parts(1, 100000);
    size_t out, err;
    char script[] =
        "head -c 3000000 /dev/zero | tr '\\0' o; head -c 500000 /dev/zero >&2";
    give(x, 7, 3, SCRIPTS(script));
    assert_in_range(add_up(x, &out, &err), 8, 35);
    assert_int_equal(out, 3000000);
    assert_int_equal(err, 500000);
    done(x);
}

static void what_was_written_is_told_at_once_where_that_is_wanted(void **state)
{
    (void)state;
    struct executor *x = make_with_parts(1, 1);
    struct execute_result r;
    char script[] = "printf a; sleep 1000";
    give(x, 1, 0, SCRIPTS(script));
    struct executor_report report = next_report(x);
    assert_true(report.part);
    assert_int_equal(report.lease, 1);
    assert_int_equal(commands_part(report.records, report.bytes, &r), 0);
    assert_int_equal(r.out.size, 1);
    nothing(x);
    assert_int_equal(x->held, 1);
    executor_close(x);
}

static void nothing_is_read_while_a_part_is_not_taken(void **state)
{
    (void)state;
    struct executor *x = make_with_parts(1, 1);
    struct execute_result r;
    char script[] = "head -c 10000000 /dev/zero";
    give(x, 1, 0, SCRIPTS(script));
    for (int i = 0; i < 100; i++)
        x->ops->wait(x, NS_PER_MS);
    struct executor_report report = next_report(x);
    assert_int_equal(commands_part(report.records, report.bytes, &r), 0);
    assert_in_range(r.out.size, 1, 65536);
    executor_close(x);
}

static void what_cannot_be_kept_is_ended(void **state)
{
    (void)state;
    struct executor *x = make_with_parts(1, 1);
    char script[] = "echo a; sleep 1000", other[] = "echo b";
    give(x, 9, 5, SCRIPTS(script, other));
    assert_true(next_report(x).part);
    x->ops->end(x, 9, 6); /* has not begun */
    x->ops->end(x, 8, 5);
    x->ops->end(x, 9, 5);
    struct told t = next(x);
    assert_int_equal(t.report.first, 5);
    assert_int_equal(t.record.outcome, ROTA_FAILED);
    assert_int_equal(t.command.how, EXECUTE_OVERFLOWED);
    struct executor_report part = next_report(x);
    while (part.part)
        part = next_report(x);
    assert_int_equal(part.first, 6);
    done(x);
}

static void who_writes_for_ever_is_ended_with_the_executor(void **state)
{
    (void)state;
    struct executor *x = make_with_parts(1, 1);
    char script[] = "trap '' TERM; while :; do echo y; done";
    give(x, 1, 0, SCRIPTS(script));
    assert_true(next_report(x).part);
    int64_t began_ns = clock_now_ns();
    executor_close(x);
    assert_in_range(clock_now_ns() - began_ns, 0, 6 * NS_PER_SEC);
}

/* ---- what commands are given ------------------------------------------------- */

static void a_command_reads_its_input_and_sees_its_variables(void **state)
{
    (void)state;
    struct executor *x = make(1);
    struct task_bytes payload = {0}, records = {0};
    char sh[] = "sh", c[] = "-c", variable[] = "HOME=x y", other[] = "ROTA_TEST=1";
    char script[] = "wc -c; echo \"$PARALLEL_SEQ $HOME $ROTA_TEST\"";
    static char input[200000];
    struct commands_spec spec = {
        .argv = (char *[]){sh, c, script, NULL},
        .env = (char *[]){variable, other, NULL},
        .input = input,
        .input_bytes = sizeof(input),
    };
    assert_int_equal(commands_pack(&spec, &payload), 0);
    add(&records, payload.data, payload.size);
    assert_int_equal(give_records(x, 1, 0, 1, &records), 0);
    next_is(x, 1, 0, "200000\n1 x y 1\n");
    free(payload.data);
    free(records.data);
    done(x);
}

/* ---- batches and slots ------------------------------------------------------- */

static void the_commands_of_a_batch_run_one_by_one_in_order(void **state)
{
    (void)state;
    struct executor *x = make(4);
    char dir[] = "/tmp/rota-test-XXXXXX";
    char slow[64], quick[64];
    assert_non_null(mkdtemp(dir));
    snprintf(slow, sizeof(slow), "sleep 0.05; mkdir %s/first; echo 1", dir);
    snprintf(quick, sizeof(quick), "rmdir %s/first && echo 2", dir);
    give(x, 1, 0, SCRIPTS(slow, quick, slow, quick));
    for (uint64_t i = 0; i < 4; i++)
        next_is(x, 1, i, i % 2 ? "2\n" : "1\n");
    done(x);
    assert_int_equal(rmdir(dir), 0);
}

static void so_many_batches_run_at_once_as_there_are_slots(void **state)
{
    (void)state;
    struct executor *x = make(2);
    char forever[] = "sleep 1000", quick[] = "echo quick";
    give(x, 1, 0, SCRIPTS(forever, quick));
    give(x, 2, 10, SCRIPTS(quick, quick));
    give(x, 3, 20, SCRIPTS(quick));
    assert_int_equal(x->held, 3);
    next_is(x, 2, 10, "quick\n");
    next_is(x, 2, 11, "quick\n");
    next_is(x, 3, 20, "quick\n");
    nothing(x);
    assert_int_equal(x->held, 1);
    executor_close(x); /* does not wait a thousand seconds */
}

static void what_was_dropped_is_not_begun(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char brief[] = "sleep 0.05; echo brief", never[] = "echo never";
    give(x, 1, 0, SCRIPTS(brief, never, brief, never));
    give(x, 2, 10, SCRIPTS(never, never));
    give(x, 3, 20, SCRIPTS(brief));
    x->ops->drop(x, 1, 1, 1);
    x->ops->drop(x, 1, 3, 5);
    x->ops->drop(x, 2, 10, 2);
    assert_int_equal(x->held, 2);
    x->ops->drop(x, 2, 10, 2);   /* it is gone */
    x->ops->drop(x, 99, 0, 100); /* it never was */
    next_is(x, 1, 0, "brief\n");
    next_is(x, 1, 2, "brief\n");
    next_is(x, 3, 20, "brief\n");
    done(x);
}

static void what_runs_is_not_dropped(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char brief[] = "sleep 0.05; echo brief";
    give(x, 1, 0, SCRIPTS(brief, brief));
    x->ops->drop(x, 1, 0, 2);
    assert_int_equal(x->held, 1);
    next_is(x, 1, 0, "brief\n");
    done(x);
}

static void what_has_not_begun_is_known(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char brief[] = "echo brief";
    assert_true(x->ops->unbegun(x, 1) == UINT64_MAX);
    give(x, 1, 5, SCRIPTS(brief, brief, brief));
    give(x, 2, 10, SCRIPTS(brief, brief));
    assert_int_equal(x->ops->unbegun(x, 1), 6);
    assert_int_equal(x->ops->unbegun(x, 2), 10);
    next_is(x, 1, 5, "brief\n");
    assert_int_equal(x->ops->unbegun(x, 1), 6); /* not before the report is sent */
    x->ops->wait(x, 0);
    assert_int_equal(x->ops->unbegun(x, 1), 7);
    next_is(x, 1, 6, "brief\n");
    x->ops->wait(x, 0);
    assert_true(x->ops->unbegun(x, 1) == UINT64_MAX);
    next_is(x, 1, 7, "brief\n");
    assert_int_equal(x->ops->unbegun(x, 2), 10);
    next_is(x, 2, 10, "brief\n");
    next_is(x, 2, 11, "brief\n");
    done(x);
}

static void waiting_ends_with_a_command_or_with_its_time(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char brief[] = "exit 3";
    int64_t began_ns = clock_now_ns();
    give(x, 1, 0, SCRIPTS(brief));
    x->ops->wait(x, INT64_MAX);
    next(x);
    x->ops->wait(x, 1);
    x->ops->wait(x, 0);
    x->ops->wait(x, -1);
    assert_in_range(clock_now_ns() - began_ns, 0, PATIENCE_MS * NS_PER_MS);
    done(x);
}

/* ---- memory ------------------------------------------------------------------ */

static void every_command_is_told_once_whatever_memory_is_refused(void **state)
{
    (void)state;
    char first[] = "echo 1", second[] = "exit 2", third[] = "echo 3";
    bool refused = true;
    for (long n = 1; refused; n++) {
        struct executor *x = make(1);
        fail_at = n;
        while (give_scripts(x, 1, 0, SCRIPTS(first, second, third)) == ROTA_E_NOMEM)
            continue;
        for (uint64_t i = 0; i < 3; i++) {
            struct told t = next(x);
            assert_int_equal(t.report.first, i);
            assert_true(
                t.record.code == (i == 1 ? 2 : 0) ||
                (t.command.how == EXECUTE_OVERFLOWED && t.command.code == ENOMEM));
        }
        refused = fail_at == 0;
        fail_at = 0;
        done(x);
    }
}

static void an_executor_without_memory_is_none(void **state)
{
    (void)state;
    struct execute_options options = {.slots = 1};
    struct executor *x = NULL;
    struct rota_error err;
    for (long n = 1; x == NULL; n++) {
        fail_at = n;
        int rc = executor_commands_open(&options, &x, &err);
        assert_int_equal(rc, x != NULL ? 0 : ROTA_E_NOMEM);
        assert_true(rc == 0 || err.code == rc);
    }
    fail_at = 0;
    executor_close(x);
    options.slots = 0;
    assert_int_equal(executor_commands_open(&options, &x, &err), ROTA_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_success_is_done_with_what_it_wrote),
        cmocka_unit_test(a_failure_says_its_status_and_what_it_wrote),
        cmocka_unit_test(a_signal_is_told_apart_from_a_status),
        cmocka_unit_test(what_is_not_there_could_not_be_started),
        cmocka_unit_test(what_is_no_command_could_not_be_started_either),
        cmocka_unit_test(words_may_hold_anything),
        cmocka_unit_test(output_of_any_size_comes_whole),
        cmocka_unit_test(a_value_that_is_none_is_refused),
        cmocka_unit_test(much_output_comes_in_parts),
        cmocka_unit_test(what_was_written_is_told_at_once_where_that_is_wanted),
        cmocka_unit_test(nothing_is_read_while_a_part_is_not_taken),
        cmocka_unit_test(what_cannot_be_kept_is_ended),
        cmocka_unit_test(who_writes_for_ever_is_ended_with_the_executor),
        cmocka_unit_test(a_command_reads_its_input_and_sees_its_variables),
        cmocka_unit_test(the_commands_of_a_batch_run_one_by_one_in_order),
        cmocka_unit_test(so_many_batches_run_at_once_as_there_are_slots),
        cmocka_unit_test(what_was_dropped_is_not_begun),
        cmocka_unit_test(what_runs_is_not_dropped),
        cmocka_unit_test(what_has_not_begun_is_known),
        cmocka_unit_test(waiting_ends_with_a_command_or_with_its_time),
        cmocka_unit_test(every_command_is_told_once_whatever_memory_is_refused),
        cmocka_unit_test(an_executor_without_memory_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
