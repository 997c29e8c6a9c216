/* test_keeper.c - cli/keeper: who outlives the one that does the work */
#include "unit.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tree.h"
#include "cli/keeper.h"

static int keep(int (*work)(void *ctx), void *ctx, struct keeper_end *out)
{
    struct rota_error err;
    int rc = keeper_run(work, ctx, out, &err);
    if (rc != 0)
        fail_msg("%s", err.text);
    return out->status;
}

static int return_it(void *ctx)
{
    return *(int *)ctx;
}

static void the_status_is_what_the_work_returned(void **state)
{
    (void)state;
    struct keeper_end end;
    int wanted[] = {0, 3, 130};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(keep(return_it, &wanted[i], &end), wanted[i]);
        assert_int_equal(end.signal, 0);
        assert_int_equal(end.asked, 0);
    }
}

/* A child that has left its group, and a grandchild. */
static int leave_and_die(void *ctx)
{
    int *pipe_fd = ctx;
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        fork();
        ssize_t n = write(pipe_fd[1], "x", 1);
        (void)n;
        pause();
    }
    char both[2];
    for (int got = 0; got < 2; got++)
        if (read(pipe_fd[0], both, 1) != 1)
            _exit(9);
    raise(SIGKILL);
    return 0;
}

static void of_who_was_killed_nothing_is_left(void **state)
{
    (void)state;
    struct keeper_end end;
    int fds[2];
    pid_t pid;
    assert_int_equal(pipe(fds), 0);
    keep(leave_and_die, fds, &end);
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(tree_list(0, &pid, 1), 0);
    close(fds[0]);
    close(fds[1]);
}

static bool asked_late;

int __real_tree_fell(int64_t deadline_ns);
int __wrap_tree_fell(int64_t deadline_ns);

/* Somebody asks the keeper to stop while it clears away what the dead have left. */
int __wrap_tree_fell(int64_t deadline_ns)
{
    if (asked_late)
        kill(getpid(), SIGTERM);
    return __real_tree_fell(deadline_ns);
}

static int die(void *ctx)
{
    (void)ctx;
    raise(SIGKILL);
    return 0;
}

static void being_asked_to_stop_late_is_no_death_without_a_word(void **state)
{
    (void)state;
    struct keeper_end end;
    asked_late = true;
    keep(die, NULL, &end);
    asked_late = false;
    assert_int_equal(end.signal, SIGKILL);
    assert_int_equal(end.asked, SIGTERM);
}

static volatile sig_atomic_t got;

static void note(int sig)
{
    got = sig;
}

/* The keeper is asked to stop, and passes it on. */
static int have_it_asked(void *ctx)
{
    sigset_t none;
    sigset_t term;
    (void)ctx;
    sigemptyset(&none);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    signal(SIGTERM, note);
    kill(getppid(), SIGTERM);
    while (got == 0)
        sigsuspend(&none);
    return 7;
}

static void being_asked_to_stop_is_passed_on(void **state)
{
    (void)state;
    struct keeper_end end;
    assert_int_equal(keep(have_it_asked, NULL, &end), 7);
    assert_int_equal(end.asked, SIGTERM);
    assert_int_equal(end.signal, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_is_what_the_work_returned),
        cmocka_unit_test(of_who_was_killed_nothing_is_left),
        cmocka_unit_test(being_asked_to_stop_is_passed_on),
        cmocka_unit_test(being_asked_to_stop_late_is_no_death_without_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
