/* test_programs.c - execute/programs: tasks for persistent programs
 *
 * The program is a shell that runs each task's argument, in which $n is the task's
 * number, $t the attempt, and ok and no answer it. Memory is refused when the test says
 * so (the linker's --wrap, CMakeLists.txt).
 */
#include "refused.h"
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "execute/commands.h"
#include "execute/parcel.h"
#include "execute/programs.h"

/* ---- what the tests are made of ---------------------------------------------- */

enum {
    PATIENCE_MS = 20000,
    SAID_BYTES = 100000,
};

static char said[SAID_BYTES]; /* all lines */
static char folder[] = "/tmp/rota-test-XXXXXX";

static void hear(void *ctx, const char *name, const char *text, size_t size)
{
    (void)ctx;
    size_t at = strlen(said);
    if (at + size + 100 < SAID_BYTES)
        snprintf(said + at, SAID_BYTES - at, "%s: %.*s\n", name ? name : "-", (int)size,
                 text);
}

static void heard(const char *text)
{
    if (strstr(said, text) == NULL)
        fail_msg("it was not said that '%s', but:\n%s", text, said);
}

static char sh[] = "/bin/sh", c[] = "-c";
static char script[] =
    "ok() { echo \"{\\\"task\\\":$n,\\\"result\\\":\\\"$*\\\"}\"; }\n"
    "no() { echo \"{\\\"task\\\":$n,\\\"error\\\":\\\"$*\\\"}\"; }\n"
    "while IFS= read -r l; do\n"
    "    n=${l#*:} n=${n%%,*} t=${l#*:*:} t=${t%%,*} a=${l#*[} a=${a#?} a=${a%???}\n"
    "    eval \"$a\"\n"
    "done; cd \"$DIR\" && touch farewell\n";
static char *const shell[] = {sh, c, script, NULL};

static struct programs_options options_of(int slots)
{
    return (struct programs_options){
        .argv = shell,
        .argc = 3,
        .slots = slots,
        .rank = -1,
        .back_off_ns = NS_PER_MS,
        .say = hear,
    };
}

static struct executor *make_by(const struct programs_options *options)
{
    struct executor *x;
    said[0] = '\0';
    assert_int_equal(executor_programs_open(options, &x, NULL), 0);
    assert_int_equal(x->slots, options->slots);
    return x;
}

static struct executor *make(int slots)
{
    struct programs_options options = options_of(slots);
    return make_by(&options);
}

static int give_limited(struct executor *x, uint64_t lease, uint64_t first,
                        uint32_t limit_ms, char *const *tasks)
{
    struct task_bytes records = {0}, words = {0};
    uint32_t count = 0;
    long refuse = fail_at;
    fail_at = 0; /* it is the executor that memory is refused to */
    for (; tasks[count] != NULL; count++) {
        char *argv[] = {tasks[count], NULL};
        const struct commands_spec spec = {.argv = argv};
        assert_int_equal(commands_pack(&spec, &words), 0);
        struct parcel_task t = {
            .data = words.data, .size = words.size, .time_limit_ms = limit_ms};
        assert_int_equal(task_bytes_reserve(&records, parcel_task_bytes(&t)), 0);
        parcel_write_task(records.data + records.size, &t);
        records.size += parcel_task_bytes(&t);
    }
    fail_at = refuse;
    int rc = x->ops->give(x, &(struct executor_batch){.lease = lease,
                                                      .first = first,
                                                      .count = count,
                                                      .attempt = 1,
                                                      .records = records.data,
                                                      .bytes = records.size});
    free(words.data);
    free(records.data);
    return rc;
}

#define TASKS(...) ((char *[]){__VA_ARGS__, NULL})

static void give(struct executor *x, uint64_t lease, uint64_t first, char *const *tasks)
{
    assert_int_equal(give_limited(x, lease, first, 0, tasks), 0);
}

/* Results come one or several in a report; here, one by one. */
struct told {
    uint64_t lease;
    uint64_t task;
    struct parcel_result record;
    struct execute_result value;
};

static struct {
    struct executor_report report;
    uint32_t index;
    size_t at;
} rest;

static int take(struct executor *x)
{
    int64_t until_ns = clock_now_ns() + PATIENCE_MS * NS_PER_MS;
    int rc = 0;
    if (rest.index < rest.report.count)
        return 0;
    while ((rc = x->ops->take(x, &rest.report)) != 0 && rc != ROTA_E_IO &&
           clock_now_ns() < until_ns)
        x->ops->wait(x, 100 * NS_PER_MS);
    rest.index = 0;
    rest.at = 0;
    if (rc != 0)
        rest.report.count = 0;
    return rc;
}

static struct told next(struct executor *x)
{
    struct told t = {0};
    size_t bytes = 0;
    assert_int_equal(take(x), 0);
    t.lease = rest.report.lease;
    t.task = rest.report.first + rest.index++;
    assert_int_equal(parcel_read_result(rest.report.records + rest.at,
                                        rest.report.bytes - rest.at, &t.record, &bytes),
                     0);
    rest.at += bytes;
    if (rest.index == rest.report.count)
        assert_int_equal(rest.at, rest.report.bytes);
    assert_int_equal(commands_result(t.record.data, t.record.size, &t.value), 0);
    return t;
}

static void next_is(struct executor *x, uint64_t lease, uint64_t task, const char *out)
{
    struct told t = next(x);
    assert_int_equal(t.lease, lease);
    assert_int_equal(t.task, task);
    assert_int_equal(t.value.out.size, strlen(out));
    assert_memory_equal(t.value.out.data, out, strlen(out));
    assert_int_equal(t.record.outcome, ROTA_DONE);
}

static void done(struct executor *x)
{
    struct executor_report r;
    assert_int_equal(x->ops->take(x, &r), ROTA_E_TIMEOUT);
    assert_int_equal(x->held, 0);
    executor_close(x);
}

/* A file in the test's folder, removed. */
static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static bool take_file(const char *name)
{
    return unlink(path_of(name)) == 0;
}

/* ---- answers ----------------------------------------------------------------- */

static char ok[] = "ok $n", ok_pid[] = "ok $$", ok_try[] = "ok $t";

static void an_answer_is_what_it_shows(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char word[] = "echo hello >&2; ok out", error[] = "no why", odd[] = "ok x; :";
    give(x, 7, 3, TASKS(word, error, odd));
    next_is(x, 7, 3, "out\n");
    struct told t = next(x);
    assert_int_equal(t.record.outcome, ROTA_FAILED);
    assert_int_equal(t.record.code, 1);
    assert_int_equal(t.value.how, EXECUTE_REFUSED);
    assert_int_equal(t.value.out.size, 0);
    assert_int_equal(t.value.err.size, 4);
    assert_memory_equal(t.value.err.data, "why\n", 4);
    next_is(x, 7, 5, "x\n");
    done(x);
    heard("sh[1]: hello\n");
}

static void one_program_does_many_tasks(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char first[32];
    give(x, 1, 0, TASKS(ok_pid));
    struct told t = next(x);
    snprintf(first, sizeof(first), "%.*s", (int)t.value.out.size, t.value.out.data);
    give(x, 2, 10, TASKS(ok_pid, ok_pid));
    give(x, 3, 20, TASKS(ok_pid));
    next_is(x, 2, 10, first);
    next_is(x, 2, 11, first);
    next_is(x, 3, 20, first);
    done(x);
    assert_string_equal(said, "");
}

static void so_many_programs_run_as_there_are_slots(void **state)
{
    (void)state;
    struct executor *x = make(2);
    char wait[] = "until [ -e $DIR/go ]; do sleep 0.01; done; ok $PARALLEL_JOBSLOT",
         go[] = "touch $DIR/go; ok $PARALLEL_JOBSLOT$ROTA_WORKER_VERSION";
    give(x, 1, 0, TASKS(wait, ok));
    give(x, 2, 10, TASKS(go));
    assert_int_equal(x->held, 2);
    struct told t[3] = {next(x), next(x), next(x)};
    assert_true(t[0].lease + t[1].lease + t[2].lease == 4);
    assert_true(take_file("go"));
    done(x);
}

static void what_is_no_list_of_arguments_is_refused(void **state)
{
    (void)state;
    struct executor *x = make(1);
    struct parcel_task t = {.data = (const unsigned char *)"x", .size = 1};
    struct task_bytes records = {0};
    assert_int_equal(task_bytes_reserve(&records, parcel_task_bytes(&t)), 0);
    parcel_write_task(records.data, &t);
    struct executor_batch b = {.lease = 1,
                               .count = 1,
                               .attempt = 1,
                               .records = records.data,
                               .bytes = parcel_task_bytes(&t)};
    assert_int_equal(x->ops->give(x, &b), 0);
    struct told told = next(x);
    assert_int_equal(told.value.how, EXECUTE_NOT_STARTED);
    free(records.data);
    done(x);
}

static void many_tiny_tasks_are_told_ahead_and_answered_in_order(void **state)
{
    (void)state;
    enum {
        COUNT = 3000,
    };
    struct executor *x = make(1);
    char *tasks[COUNT + 1];
    uint32_t reports = 0;
    for (int i = 0; i < COUNT; i++)
        tasks[i] = ok;
    tasks[COUNT] = NULL;
    give(x, 1, 0, tasks);
    for (uint64_t i = 0; i < COUNT; i++) {
        char text[16];
        reports += rest.index == rest.report.count;
        snprintf(text, sizeof(text), "%ju\n", (uintmax_t)i + 1);
        next_is(x, 1, i, text);
        x->ops->wait(x, 0);
        if (i == COUNT / 2)
            assert_true(x->ops->unbegun(x, 1) > i + 2);
    }
    assert_true(reports <= COUNT);
    done(x);
}

static void a_long_task_has_none_behind_it(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char brief[] = "sleep 0.02; ok";
    give(x, 1, 0, TASKS(brief, brief, brief, brief));
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(x->ops->unbegun(x, 1), i + 1);
        next(x);
    }
    next(x);
    done(x);
}

/* ---- the end of a program ---------------------------------------------------- */

/* The first time that it is done, the rest of the task is left to `end`. */
static char *once(char *buf, const char *end)
{
    sprintf(buf, "if [ -e $DIR/once ]; then ok $t; else touch $DIR/once; %s; fi", end);
    return buf;
}

static void the_task_that_a_dead_program_held_is_tried_again(void **state)
{
    (void)state;
    static const struct {
        const char *end;
        const char *text;
    } ends[] = {
        {"kill -9 $$", "sh[1] was killed by signal 9 (SIGKILL); it held task 2, which"},
        {"exit 3", "sh[1] exited with status 3; it held task 2, which is tried again"},
        {"echo out of my; kill -9 $$", "SIGKILL"},
        {"exec >&-; sleep 100", "closed its standard output, and was ended; it held"},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct executor *x = make(1);
        char task[200];
        once(task, ends[i].end);
        give(x, 1, 0, TASKS(ok_try, task, ok_try));
        next_is(x, 1, 0, "1\n");
        next_is(x, 1, 1, "2\n");
        next_is(x, 1, 2, "1\n");
        done(x);
        heard(i == 2 ? "which is no answer: not JSON" : ends[i].text);
        assert_true(take_file("once"));
    }
}

static void answers_before_the_end_count(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char last[] = "ok last; kill -9 $$";
    give(x, 1, 0, TASKS(last, ok, last, ok));
    next_is(x, 1, 0, "last\n");
    next_is(x, 1, 1, "2\n");
    next_is(x, 1, 2, "last\n");
    next_is(x, 1, 3, "4\n");
    done(x);
}

static void an_end_with_status_0_is_held_against_nobody(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char last[] = "ok $t; exit 0";
    give(x, 1, 0, TASKS(last, last, last, last, last, last));
    for (uint64_t i = 0; i < 6; i++)
        next_is(x, 1, i, "1\n");
    done(x);
    assert_string_equal(said, "");
}

static void a_task_that_takes_three_programs_along_is_given_up(void **state)
{
    (void)state;
    static const struct {
        const char *end;
        enum execute_how how;
        int code;
        enum rota_outcome outcome;
        const char *text;
    } ends[] = {
        {"kill -9 $$", EXECUTE_KILLED, 9, ROTA_CRASHED, "was killed by signal 9"},
        {"exit 5", EXECUTE_EXITED, 5, ROTA_FAILED, "exited with status 5"},
        {"exit 0", EXECUTE_UNANSWERED, 0, ROTA_FAILED, "exited with status 0"},
        {"echo hm; sleep 100", EXECUTE_UNANSWERED, 0, ROTA_FAILED, "wrote 'hm', which"},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct executor *x = make(1);
        char task[64];
        snprintf(task, sizeof(task), "%s", ends[i].end);
        give(x, 1, 0, TASKS(task, ok, task));
        for (uint64_t k = 0; k < 3; k++) {
            struct told t = next(x);
            assert_int_equal(t.task, k);
            assert_int_equal(t.record.outcome, k == 1 ? ROTA_DONE : ends[i].outcome);
            if (k == 1)
                continue;
            assert_int_equal(t.value.how, ends[i].how);
            assert_int_equal(t.value.code, ends[i].code);
            char err[400];
            snprintf(err, sizeof(err), "%.*s", (int)t.value.err.size, t.value.err.data);
            assert_non_null(strstr(err, "given up, as it took 3 programs along; the"));
            assert_non_null(strstr(err, ends[i].text));
        }
        done(x);
    }
}

static void what_is_no_answer_costs_the_program(void **state)
{
    (void)state;
    static const struct {
        const char *end;
        const char *text;
    } garbage[] = {
        {"echo hello", "wrote 'hello', which is no answer: not JSON"},
        {"echo", "wrote '', which is no answer: not JSON"},
        {"head -c 2 /dev/zero; echo",
         "wrote '\\x00\\x00', which is no answer: not JSON"},
        {"printf %0500d 1", "000000...', which is no answer: it is too long"},
        {"printf %0500d.n 1", "000000...', which is no answer"},
        {"n=77; ok", "which is no answer: task 2 is the one that waits for it"},
        {"n=1; ok", "which is no answer: task 2 is the one that waits for it"},
        {"ok; ok", "which is no answer: "},
        {"echo 7", "wrote '7', which is no answer: not JSON"},
    };
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct programs_options options = options_of(1);
        char task[200];
        options.line_max = 200;
        struct executor *x = make_by(&options);
        once(task, garbage[i].end);
        give(x, 1, 0, TASKS(ok_try, task, ok_try));
        next_is(x, 1, 0, "1\n");
        assert_int_equal(next(x).task, 1);
        next(x);
        done(x);
        heard(garbage[i].text);
        heard(", and was ended; it held ");
        assert_true(take_file("once"));
    }
}

static void an_answer_that_nobody_asked_for_costs_the_program(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char twice[] = "ok a; ok b";
    give(x, 1, 0, TASKS(twice));
    next_is(x, 1, 0, "a\n");
    for (int i = 0; i < 100 && said[0] == '\0'; i++)
        x->ops->wait(x, 100 * NS_PER_MS);
    heard("which is no answer: there is no task that waits for one, and was ended; it");
    heard("it held no task");
    give(x, 2, 5, TASKS(ok));
    next_is(x, 2, 5, "6\n");
    done(x);
}

static void a_task_that_takes_too_long_ends_with_its_program(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char forever[] = "sleep 100; ok", stubborn[] = "trap : TERM; while :; do :; done";
    assert_int_equal(give_limited(x, 1, 0, 200, TASKS(ok, forever, ok)), 0);
    next_is(x, 1, 0, "1\n");
    struct told t = next(x);
    assert_int_equal(t.record.outcome, ROTA_OVERTIME);
    assert_int_equal(t.value.how, EXECUTE_OVERTIME);
    assert_in_range(t.record.took_ns, 200 * NS_PER_MS, PATIENCE_MS * NS_PER_MS);
    next_is(x, 1, 2, "3\n");
    assert_int_equal(give_limited(x, 2, 3, 50, TASKS(stubborn)), 0);
    assert_int_equal(next(x).record.outcome, ROTA_OVERTIME);
    done(x);
}

static void programs_that_never_answer_end_it_all(void **state)
{
    (void)state;
    char away[] = "exit 7";
    char *const argv[] = {sh, c, away, NULL};
    struct programs_options options = options_of(1);
    options.argv = argv;
    struct executor *x = make_by(&options);
    give(x, 1, 0, TASKS(ok, ok, ok, ok, ok));
    struct told t = {0};
    for (int i = 0; i < 3; i++)
        t = next(x);
    assert_int_equal(t.task, 2);
    assert_int_equal(take(x), ROTA_E_IO);
    heard("ended 10 times in a row without an answer");
    executor_close(x);
}

static void who_dies_again_and_again_is_waited_for_ever_longer(void **state)
{
    (void)state;
    char away[] = "exit 7";
    char *const argv[] = {sh, c, away, NULL};
    struct programs_options options = options_of(1);
    options.argv = argv;
    options.back_off_ns = 10 * NS_PER_MS;
    struct executor *x = make_by(&options);
    int64_t began_ns = clock_now_ns();
    give(x, 1, 0, TASKS(ok, ok));
    next(x);
    next(x); /* six ends: 10 + 20 + 40 + 80 ms between them */
    assert_in_range(clock_now_ns() - began_ns, 150 * NS_PER_MS, 20 * NS_PER_SEC);
    executor_close(x);
}

/* ---- what is not wanted any more --------------------------------------------- */

static void what_was_dropped_is_not_begun(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char brief[] = "sleep 0.02; ok $n", never[] = "touch $DIR/never; ok";
    give(x, 1, 0, TASKS(brief, never, brief, never));
    give(x, 2, 10, TASKS(never, never));
    give(x, 3, 20, TASKS(brief));
    assert_int_equal(x->ops->unbegun(x, 1), 1);
    assert_int_equal(x->ops->unbegun(x, 2), 10);
    assert_true(x->ops->unbegun(x, 99) == UINT64_MAX);
    x->ops->drop(x, 1, 1, 1);
    x->ops->drop(x, 1, 3, 5);
    x->ops->drop(x, 2, 10, 2);
    x->ops->drop(x, 99, 0, 100);
    assert_int_equal(x->held, 2);
    next_is(x, 1, 0, "1\n");
    next_is(x, 1, 2, "3\n");
    next_is(x, 3, 20, "21\n");
    done(x);
    assert_false(take_file("never"));
}

/* ---- the end of it all ------------------------------------------------------- */

static void programs_see_the_end_of_their_tasks(void **state)
{
    (void)state;
    struct executor *x = make(1);
    give(x, 1, 0, TASKS(ok));
    next_is(x, 1, 0, "1\n");
    done(x);
    assert_true(take_file("farewell"));
    assert_string_equal(said, "");
}

static void who_does_not_end_is_ended(void **state)
{
    (void)state;
    struct programs_options options = options_of(1);
    char busy[] = "ok; sleep 100";
    options.farewell_ns = 50 * NS_PER_MS;
    struct executor *x = make_by(&options);
    give(x, 1, 0, TASKS(busy));
    next(x);
    done(x);
    heard("sh[1] did not end with its input, and was ended");
}

static void who_has_a_task_is_not_waited_for(void **state)
{
    (void)state;
    struct executor *x = make(1);
    char busy[] = "sleep 100";
    int64_t began_ns = clock_now_ns();
    give(x, 1, 0, TASKS(busy, ok));
    x->ops->wait(x, NS_PER_MS);
    executor_close(x);
    assert_in_range(clock_now_ns() - began_ns, 0, 4 * NS_PER_SEC);
    assert_false(take_file("farewell"));
}

static void every_line_for_people_is_passed_on(void **state)
{
    (void)state;
    struct programs_options options = options_of(1);
    char talk[] = "echo one >&2; echo >&2; printf two >&2; ok; exit 0";
    options.rank = 3;
    struct executor *x = make_by(&options);
    give(x, 1, 0, TASKS(talk, ok));
    next(x);
    next(x);
    done(x);
    assert_string_equal(said, "sh[3.1]: one\nsh[3.1]: \nsh[3.1]: two\n");
}

/* ---- its begin, and memory --------------------------------------------------- */

static void what_cannot_be_started_is_said_at_once(void **state)
{
    (void)state;
    char word[] = "/no/such/program";
    char *const argv[] = {word, NULL};
    struct programs_options options = options_of(1);
    struct executor *x = NULL;
    struct rota_error err = {0};
    options.argv = argv;
    options.argc = 1;
    assert_int_equal(executor_programs_open(&options, &x, &err), ROTA_E_ARG);
    assert_string_equal(err.text, "cannot start worker program '/no/such/program': No "
                                  "such file or directory");
    options = options_of(0);
    assert_int_equal(executor_programs_open(&options, &x, &err), ROTA_E_ARG);
    options = options_of(1000000);
    assert_int_equal(executor_programs_open(&options, &x, &err), ROTA_E_ARG);
}

static void an_executor_without_memory_is_none(void **state)
{
    (void)state;
    struct programs_options options = options_of(1);
    struct executor *x = NULL;
    struct rota_error err;
    for (long n = 1; x == NULL; n++) {
        fail_at = n;
        int rc = executor_programs_open(&options, &x, &err);
        assert_true(rc == 0 ? x != NULL : rc == ROTA_E_NOMEM);
    }
    fail_at = 0;
    executor_close(x);
}

static void every_task_is_told_once_whatever_memory_is_refused(void **state)
{
    (void)state;
    char error[] = "no $n";
    bool refused = true;
    for (long n = 1; refused; n++) {
        struct executor *x = make(1);
        fail_at = n;
        while (give_limited(x, 1, 0, 0, TASKS(ok, error, ok)) == ROTA_E_NOMEM)
            continue;
        for (uint64_t i = 0; i < 3; i++) {
            struct told t = next(x);
            assert_int_equal(t.task, i);
            assert_int_equal(t.record.outcome, i == 1 ? ROTA_FAILED : ROTA_DONE);
        }
        refused = fail_at == 0;
        fail_at = 0;
        done(x);
    }
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return mkdtemp(folder) == NULL || setenv("DIR", folder, 1) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    take_file("farewell");
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_what_it_shows),
        cmocka_unit_test(one_program_does_many_tasks),
        cmocka_unit_test(so_many_programs_run_as_there_are_slots),
        cmocka_unit_test(what_is_no_list_of_arguments_is_refused),
        cmocka_unit_test(many_tiny_tasks_are_told_ahead_and_answered_in_order),
        cmocka_unit_test(a_long_task_has_none_behind_it),
        cmocka_unit_test(the_task_that_a_dead_program_held_is_tried_again),
        cmocka_unit_test(answers_before_the_end_count),
        cmocka_unit_test(an_end_with_status_0_is_held_against_nobody),
        cmocka_unit_test(a_task_that_takes_three_programs_along_is_given_up),
        cmocka_unit_test(what_is_no_answer_costs_the_program),
        cmocka_unit_test(an_answer_that_nobody_asked_for_costs_the_program),
        cmocka_unit_test(a_task_that_takes_too_long_ends_with_its_program),
        cmocka_unit_test(programs_that_never_answer_end_it_all),
        cmocka_unit_test(who_dies_again_and_again_is_waited_for_ever_longer),
        cmocka_unit_test(what_was_dropped_is_not_begun),
        cmocka_unit_test(programs_see_the_end_of_their_tasks),
        cmocka_unit_test(who_does_not_end_is_ended),
        cmocka_unit_test(who_has_a_task_is_not_waited_for),
        cmocka_unit_test(every_line_for_people_is_passed_on),
        cmocka_unit_test(what_cannot_be_started_is_said_at_once),
        cmocka_unit_test(an_executor_without_memory_is_none),
        cmocka_unit_test(every_task_is_told_once_whatever_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
