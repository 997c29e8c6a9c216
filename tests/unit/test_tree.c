/* test_tree.c - base/tree: a process tree, ended as a whole */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tree.h"

/* A child that leaves its session, whose own child does so too and outlives it:
 * what launchers do. Returns when the grandchild stands. */
static void start_detached_family(void)
{
    int ready[2];
    assert_return_code(pipe(ready), 0);
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0) {
        setsid();
        if (fork() == 0) {
            setsid();
            if (write(ready[1], "x", 1) != 1)
                _exit(1);
            for (;;)
                pause();
        }
        _exit(0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_family_that_left_its_session_is_still_below_its_reaper(void **state)
{
    (void)state;
    pid_t pids[4];
    assert_int_equal(tree_adopt(), 0);
    start_detached_family();
    assert_int_equal(tree_list(0, pids, 4), 1);
    assert_int_equal(tree_kill(clock_now_ns() + 10 * NS_PER_SEC), 0);
    assert_int_equal(tree_list(0, pids, 4), 0);
}

static void who_has_no_descriptor_to_spare_finds_them_all_the_same(void **state)
{
    (void)state;
    pid_t pids[4];
    struct rlimit before;
    struct rlimit spent;
    assert_int_equal(tree_adopt(), 0);
    start_detached_family();
    int next = dup(0); /* the lowest that is free */
    assert_return_code(next, errno);
    close(next);
    assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
    for (rlim_t room = 0; room < 3; room++) {
        spent = (struct rlimit){(rlim_t)next + room, before.rlim_max};
        assert_return_code(setrlimit(RLIMIT_NOFILE, &spent), errno);
        assert_int_equal(tree_list(0, pids, 4), 1);
    }
    assert_int_equal(tree_kill(clock_now_ns() + 10 * NS_PER_SEC), 0);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
    assert_int_equal(tree_list(0, pids, 4), 0);
}

static void *doze(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

/* A process whose first thread has ended, and another goes on. */
static pid_t start_headless(void)
{
    int ready[2];
    char byte;
    assert_return_code(pipe(ready), 0);
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, doze, NULL) != 0 ||
            write(ready[1], "x", 1) != 1)
            _exit(1);
        pthread_exit(NULL);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

/* Whether the first thread of `pid` shows as a zombie, within a second. */
static bool is_headless(pid_t pid)
{
    char path[64];
    char line[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    for (int i = 0; i < 1000; i++) {
        FILE *f = fopen(path, "re");
        bool found = f != NULL && fgets(line, sizeof(line), f) != NULL &&
                     strstr(line, ") Z ") != NULL;
        if (f != NULL)
            fclose(f);
        if (found)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
    return false;
}

static void a_process_without_its_first_thread_is_ended_too(void **state)
{
    (void)state;
    pid_t pids[1] = {0};
    assert_int_equal(tree_adopt(), 0);
    pid_t child = start_headless();
    assert_true(is_headless(child));
    assert_int_equal(tree_list(0, pids, 1), 1);
    assert_int_equal(pids[0], child);
    assert_int_equal(tree_kill(clock_now_ns() + 10 * NS_PER_SEC), 0);
    assert_int_equal(kill(child, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void a_tree_of_nobody_is_ended_at_once(void **state)
{
    (void)state;
    assert_int_equal(tree_adopt(), 0);
    assert_int_equal(tree_kill(0), 0);
}

static void more_descendants_than_room_are_counted_all_the_same(void **state)
{
    (void)state;
    pid_t pids[1];
    assert_int_equal(tree_adopt(), 0);
    start_detached_family();
    start_detached_family();
    assert_int_equal(tree_list(0, pids, 1), 2);
    assert_int_equal(tree_kill(clock_now_ns() + 10 * NS_PER_SEC), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_that_left_its_session_is_still_below_its_reaper),
        cmocka_unit_test(who_has_no_descriptor_to_spare_finds_them_all_the_same),
        cmocka_unit_test(a_process_without_its_first_thread_is_ended_too),
        cmocka_unit_test(a_tree_of_nobody_is_ended_at_once),
        cmocka_unit_test(more_descendants_than_room_are_counted_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
