/* test_execute.c - execute: commands, their output, and how they ended */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "execute/environ.h"
#include "execute/execute.h"

enum {
    WAIT_MS = 20000,
};

static struct execute *make(int slots)
{
    struct execute *x;
    struct execute_options options = {.slots = slots};
    assert_int_equal(execute_open(&options, &x, NULL), 0);
    return x;
}

static int start_it(struct execute *x, uint64_t task, char *const *argv)
{
    struct execute_command c = {
        .task = task, .attempt = 1, .number = task, .argv = argv};
    return execute_start(x, &c);
}

static void start(struct execute *x, uint64_t task, const char *script)
{
    char *text = strdup(script);
    char sh[] = "sh", c[] = "-c";
    char *argv[] = {sh, c, text, NULL};
    assert_int_equal(start_it(x, task, argv), 0);
    free(text);
}

static struct execute_result run(const char *script)
{
    rota_auto(execute) struct execute *x = make(1);
    struct execute_result r;
    start(x, 7, script);
    assert_int_equal(execute_wait(x, WAIT_MS, &r), 0);
    assert_int_equal(r.task, 7);
    assert_int_equal(r.attempt, 1);
    assert_int_equal(execute_running(x), 0);
    return r;
}

static void the_exit_status_of_a_command_is_told(void **state)
{
    (void)state;
    struct execute_result r = run("exit 3");
    assert_int_equal(r.how, EXECUTE_EXITED);
    assert_int_equal(r.code, 3);
    assert_null(r.out.data);
    assert_int_equal(r.out.size, 0);
    execute_result_done(&r);
}

static void a_command_killed_by_a_signal_is_told_apart(void **state)
{
    (void)state;
    char text[128];
    struct execute_result r = run("kill -9 $$");
    assert_int_equal(r.how, EXECUTE_KILLED);
    assert_int_equal(r.code, SIGKILL);
    assert_string_equal(execute_text(r.how, r.code, text, sizeof(text)),
                        "was killed by signal 9 (SIGKILL)");
    execute_result_done(&r);
}

static void what_sigterm_has_ended_is_told_a_little_later(void **state)
{
    (void)state;
    const int least_ms = 300;
    struct execute_result r;
    rota_auto(execute) struct execute *x = make(3);
    start(x, 1, "kill $$");
    start(x, 2, "trap 'exit 143' TERM; kill $$");
    start(x, 3, "kill -INT $$");
    assert_int_equal(execute_wait(x, WAIT_MS, &r), 0);
    assert_int_equal(r.task, 3);
    execute_result_done(&r);
    assert_int_equal(execute_wait(x, least_ms, &r), ROTA_E_TIMEOUT);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(execute_wait(x, WAIT_MS, &r), 0);
        assert_int_equal(r.how, r.task == 1 ? EXECUTE_KILLED : EXECUTE_EXITED);
        assert_int_equal(r.code, r.task == 1 ? SIGTERM : 143);
        execute_result_done(&r);
    }
}

static void a_command_that_is_not_there_could_not_be_started(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = make(1);
    struct execute_result r;
    char none[] = "no-such-command-here";
    char *argv[] = {none, NULL};
    assert_int_equal(start_it(x, 0, argv), 0);
    assert_int_equal(execute_wait(x, WAIT_MS, &r), 0);
    assert_int_equal(r.how, EXECUTE_NOT_STARTED);
    assert_int_equal(r.code, ENOENT);
    assert_int_equal(execute_wait(x, 0, &r), ROTA_E_TIMEOUT);
}

static void both_streams_come_whole_and_apart(void **state)
{
    (void)state;
    struct execute_result r = run("printf 'a\\0b\\377'; echo oops >&2; printf c");
    assert_int_equal(r.out.size, 5);
    assert_memory_equal(r.out.data, "a\0b\377c", 5);
    assert_int_equal(r.err.size, 5);
    assert_memory_equal(r.err.data, "oops\n", 5);
    execute_result_done(&r);
}

static void output_larger_than_any_pipe_comes_whole(void **state)
{
    (void)state;
    struct execute_result r = run("head -c 5000000 /dev/zero; echo end");
    assert_int_equal(r.out.size, 5000004);
    assert_memory_equal(r.out.data + 5000000, "end\n", 4);
    execute_result_done(&r);
}

static void a_command_that_writes_without_end_is_ended(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x;
    struct execute_options options = {.slots = 1, .output_max = 100000};
    struct execute_result r;
    assert_int_equal(execute_open(&options, &x, NULL), 0);
    start(x, 0, "yes");
    assert_int_equal(execute_wait(x, WAIT_MS, &r), 0);
    assert_int_equal(r.how, EXECUTE_OVERFLOWED);
    execute_result_done(&r);
}

static void commands_run_at_the_same_time(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = make(2);
    struct execute_result r;
    char dir[] = "/tmp/rota-test-XXXXXX";
    char script[200];
    assert_non_null(mkdtemp(dir));
    /* Each waits for the other: one after the other, they would never end. */
    snprintf(script, sizeof(script), "mkfifo %s/f; echo x >%s/f", dir, dir);
    start(x, 0, script);
    snprintf(script, sizeof(script), "until [ -p %s/f ]; do :; done; cat %s/f", dir,
             dir);
    start(x, 1, script);
    char none[] = "true";
    char *argv[] = {none, NULL};
    assert_int_equal(start_it(x, 2, argv), ROTA_E_STATE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(execute_wait(x, WAIT_MS, &r), 0);
        assert_int_equal(r.how, EXECUTE_EXITED);
        assert_int_equal(r.code, 0);
        execute_result_done(&r);
    }
    snprintf(script, sizeof(script), "%s/f", dir);
    unlink(script);
    rmdir(dir);
}

static void a_command_sees_no_descriptor_of_ours_and_an_empty_input(void **state)
{
    (void)state;
    int leak = fcntl(1, F_DUPFD, 50);
    struct execute_result r = run("cat; ls /proc/self/fd | tr '\\n' ' '");
    close(leak);
    assert_memory_equal(r.out.data, "0 1 2 3 ", 8); /* 3 is ls's own */
    assert_int_equal(r.out.size, 8);
    execute_result_done(&r);
}

static void what_a_command_leaves_in_its_group_ends_with_it(void **state)
{
    (void)state;
    struct execute_result r = run("sleep 1000 >/dev/null 2>&1 & echo $!; exit 0");
    assert_int_equal(r.how, EXECUTE_EXITED);
    pid_t left = (pid_t)atoi(r.out.data);
    int64_t deadline_ns = clock_now_ns() + 10 * NS_PER_SEC;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)left);
    char byte;
    for (ssize_t n = 1; n > 0 && clock_now_ns() < deadline_ns;) {
        int fd = open(path, O_RDONLY | O_CLOEXEC); /* a zombie's is empty */
        n = fd < 0 ? 0 : read(fd, &byte, 1);
        if (fd >= 0)
            close(fd);
    }
    assert_true(clock_now_ns() < deadline_ns);
    execute_result_done(&r);
}

static void who_keeps_the_pipes_open_may_finish_but_not_for_ever(void **state)
{
    (void)state;
    struct execute_result r = run("(sleep 0.05; echo late) & echo early");
    assert_int_equal(r.out.size, 11);
    assert_memory_equal(r.out.data, "early\nlate\n", 11);
    execute_result_done(&r);
    r = run("setsid sleep 30 & echo $!"); /* out of the group's reach */
    assert_int_equal(r.how, EXECUTE_EXITED);
    assert_true(r.out.size > 0);
    kill((pid_t)atoi(r.out.data), SIGKILL);
    execute_result_done(&r);
}

static void closing_ends_what_runs_even_if_it_ignores_sigterm(void **state)
{
    (void)state;
    struct execute *x = make(2);
    struct execute_result r;
    char dir[] = "/tmp/rota-test-XXXXXX";
    char script[200];
    assert_non_null(mkdtemp(dir));
    snprintf(script, sizeof(script),
             "trap '' TERM; rmdir %s; while :; do sleep 1000; done", dir);
    start(x, 0, script);
    start(x, 1, "kill -STOP $$");
    while (access(dir, F_OK) == 0) /* until the first is deaf */
        assert_int_equal(execute_wait(x, 1, &r), ROTA_E_TIMEOUT);
    execute_close(x);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    execute_close(NULL);
}

static void children_of_others_are_left_alone(void **state)
{
    (void)state;
    pid_t other = fork();
    if (other == 0)
        _exit(5);
    struct execute_result r = run("exit 0");
    execute_result_done(&r);
    int status;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(WEXITSTATUS(status), 5);
}

static void more_slots_than_open_files_allow_are_refused(void **state)
{
    (void)state;
    struct execute *x = NULL;
    struct rota_error err;
    struct execute_options options = {.slots = 100000000};
    assert_int_equal(execute_open(&options, &x, &err), ROTA_E_ARG);
    assert_null(x);
    assert_non_null(strstr(err.text, "ulimit -n"));
}

static void the_environment_forgets_the_launcher_alone(void **state)
{
    (void)state;
    char pmi[] = "PMI_RANK=1", pmix[] = "PMIX_RANK=1", mca[] = "OMPI_MCA_ess=pmi";
    char local[] = "MPI_LOCALRANKID=0", line[] = "ROTA_RANK=3,4,5",
         path[] = "PATH=/bin";
    char root[] = "OMPI_ALLOW_RUN_AS_ROOT=1", mpiexec[] = "ROTA_MPIEXEC=/x";
    char seq[] = "PARALLEL_SEQ=1", outer[] = "PARALLEL_SEQ=99";
    char *env[] = {pmi, path, pmix, mca, root, local, line, mpiexec, outer, NULL};
    char *own[] = {seq, NULL};
    char **out;
    assert_int_equal(environ_make(env, own, true, &out), 0);
    assert_ptr_equal(out[0], seq);
    assert_ptr_equal(out[1], path);
    assert_ptr_equal(out[2], root);
    assert_ptr_equal(out[3], mpiexec);
    assert_null(out[4]);
    free(out);
}

static void a_command_that_runs_out_of_time_is_ended(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = make(2);
    char sh[] = "sh", c[] = "-c", soft[] = "echo a; sleep 100",
         hard[] = "trap '' TERM; echo a; sleep 100; sleep 100";
    char *scripts[] = {soft, hard};
    for (uint64_t i = 0; i < 2; i++) {
        char *argv[] = {sh, c, scripts[i], NULL};
        const struct execute_command command = {
            .task = i, .limit_ns = 300 * NS_PER_MS, .argv = argv};
        assert_int_equal(execute_start(x, &command), 0);
    }
    for (uint64_t i = 0; i < 2; i++) {
        struct execute_result r;
        assert_int_equal(execute_wait(x, 10000, &r), 0);
        assert_int_equal(r.task, i); /* who ignores SIGTERM has a second more */
        assert_int_equal(r.how, EXECUTE_OVERTIME);
        assert_memory_equal(r.out.data, "a\n", 2);
        execute_result_done(&r);
    }
}

static void a_command_knows_its_number_and_its_slot(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = make(2);
    struct execute_result r;
    start(x, 5, "echo $PARALLEL_SEQ $PARALLEL_JOBSLOT");
    start(x, 6, "echo $PARALLEL_SEQ $PARALLEL_JOBSLOT");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(execute_wait(x, 10000, &r), 0);
        assert_int_equal(r.out.size, 4);
        assert_memory_equal(r.out.data, r.task == 5 ? "5 1\n" : "6 2\n", 4);
        execute_result_done(&r);
    }
    start(x, 7, "echo $PARALLEL_SEQ $PARALLEL_JOBSLOT"); /* the first that is free */
    assert_int_equal(execute_wait(x, 10000, &r), 0);
    assert_memory_equal(r.out.data, "7 1\n", 4);
    execute_result_done(&r);
}

static void commands_run_in_the_folder_that_is_named(void **state)
{
    (void)state;
    rota_auto(execute) struct execute *x = NULL;
    struct execute_result r;
    struct rota_error err;
    struct execute_options options = {.slots = 1, .folder = "/"};
    assert_int_equal(execute_open(&options, &x, NULL), 0);
    start(x, 1, "pwd");
    assert_int_equal(execute_wait(x, 10000, &r), 0);
    assert_int_equal(r.out.size, 2);
    assert_memory_equal(r.out.data, "/\n", 2);
    execute_result_done(&r);
    struct execute *none = NULL;
    options.folder = "/no/such/folder";
    assert_int_equal(execute_open(&options, &none, &err), ROTA_E_ARG);
    assert_non_null(strstr(err.text, "'/no/such/folder'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_status_of_a_command_is_told),
        cmocka_unit_test(a_command_killed_by_a_signal_is_told_apart),
        cmocka_unit_test(what_sigterm_has_ended_is_told_a_little_later),
        cmocka_unit_test(a_command_that_is_not_there_could_not_be_started),
        cmocka_unit_test(both_streams_come_whole_and_apart),
        cmocka_unit_test(output_larger_than_any_pipe_comes_whole),
        cmocka_unit_test(a_command_that_writes_without_end_is_ended),
        cmocka_unit_test(commands_run_at_the_same_time),
        cmocka_unit_test(a_command_sees_no_descriptor_of_ours_and_an_empty_input),
        cmocka_unit_test(what_a_command_leaves_in_its_group_ends_with_it),
        cmocka_unit_test(who_keeps_the_pipes_open_may_finish_but_not_for_ever),
        cmocka_unit_test(closing_ends_what_runs_even_if_it_ignores_sigterm),
        cmocka_unit_test(children_of_others_are_left_alone),
        cmocka_unit_test(more_slots_than_open_files_allow_are_refused),
        cmocka_unit_test(the_environment_forgets_the_launcher_alone),
        cmocka_unit_test(a_command_that_runs_out_of_time_is_ended),
        cmocka_unit_test(a_command_knows_its_number_and_its_slot),
        cmocka_unit_test(commands_run_in_the_folder_that_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
