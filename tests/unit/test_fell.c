/* test_fell.c - base/fell: a tree is ended, and the shared memory that it left */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fell.h"
#include "base/scratch.h"
#include "base/tree.h"

static char name[64];
static char path[96];

static int name_it(void **state)
{
    (void)state;
    snprintf(name, sizeof(name), "/rota-test-fell-%d", (int)getpid());
    snprintf(path, sizeof(path), "/dev/shm%s", name);
    return tree_adopt();
}

static int open_it(void)
{
    int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        _exit(1);
    return fd;
}

static void map_it(void)
{
    int fd = open_it();
    if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
        _exit(1);
    close(fd);
}

/* A child that has the file mapped, or only open, when this returns. */
static void start_holder(bool maps)
{
    int ready[2];
    assert_return_code(pipe(ready), 0);
    if (fork() == 0) {
        if (maps)
            map_it();
        else
            open_it();
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
}

static void what_only_the_tree_holds_goes_with_it(void **state)
{
    (void)state;
    for (int maps = 0; maps <= 1; maps++) {
        start_holder(maps);
        assert_return_code(access(path, F_OK), 0);
        assert_int_equal(tree_fell(clock_now_ns() + 10 * NS_PER_SEC), 0);
        assert_int_equal(access(path, F_OK), -1);
    }
}

/* No descriptor more than there are. Returns what to go back to. */
static struct rlimit spend(int but)
{
    struct rlimit before;
    int next = dup(0); /* the lowest that is free */
    assert_return_code(next, 0);
    close(next);
    assert_return_code(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit spent = {(rlim_t)(next + but), before.rlim_max};
    assert_return_code(setrlimit(RLIMIT_NOFILE, &spent), 0);
    return before;
}

static void give_back(struct rlimit before)
{
    assert_return_code(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void all_goes_with_no_descriptor_to_spare(void **state)
{
    (void)state;
    char left[96];
    snprintf(left, sizeof(left), "/dev/shm/mpich_shar_tmp-rota-%d", (int)getpid());
    close(open(left, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    start_holder(true);
    struct rlimit before = spend(0);
    struct rlimit now;
    assert_int_equal(tree_fell(clock_now_ns() + 10 * NS_PER_SEC), 0);
    fell_orphans(clock_wall_ns() - NS_PER_SEC);
    assert_return_code(getrlimit(RLIMIT_NOFILE, &now), 0);
    give_back(before);
    assert_true(now.rlim_cur < before.rlim_cur);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(left, F_OK), -1);
}

static void what_another_process_has_mapped_stays(void **state)
{
    (void)state;
    start_holder(true);
    map_it();
    assert_int_equal(tree_fell(clock_now_ns() + 10 * NS_PER_SEC), 0);
    assert_return_code(access(path, F_OK), 0);
    shm_unlink(name);
}

static void what_a_killed_rank_has_left_is_removed(void **state)
{
    (void)state;
    char left[96];
    int64_t now_ns = clock_wall_ns();
    snprintf(left, sizeof(left), "/dev/shm/mpich_shar_tmp-rota-%d", (int)getpid());
    int fd = open(left, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_return_code(fd, 0);
    fell_orphans(now_ns); /* held */
    assert_return_code(access(left, F_OK), 0);
    close(fd);
    fell_orphans(now_ns + 10 * NS_PER_SEC); /* older */
    assert_return_code(access(left, F_OK), 0);
    fell_orphans(now_ns);
    assert_int_equal(access(left, F_OK), -1);

    char host[65] = "";
    char folder[300];
    char *scratch;
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    assert_int_equal(waitpid(dead, NULL, 0), dead);
    assert_int_equal(scratch_make(&scratch), 0);
    gethostname(host, sizeof(host) - 1);
    snprintf(folder, sizeof(folder), "%s/ompi.%s.%u", scratch, host,
             (unsigned)geteuid());
    assert_return_code(mkdir(folder, 0700), 0);
    size_t end = strlen(folder);
    snprintf(folder + end, sizeof(folder) - end, "/pid.%d", (int)getpid());
    assert_return_code(mkdir(folder, 0700), 0);
    fell_orphans(now_ns); /* its process lives */
    assert_return_code(rmdir(folder), 0);
    snprintf(folder + end, sizeof(folder) - end, "/pid.%d", (int)dead);
    assert_return_code(mkdir(folder, 0700), 0);
    fell_orphans(now_ns);
    folder[end] = '\0';
    assert_int_equal(access(folder, F_OK), -1);
    scratch_remove(scratch, NULL);

    close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600)); /* not an MPI's */
    fell_orphans(now_ns);
    assert_return_code(unlink(path), 0);
}

/* Open MPI's folders are several deep. */
static void a_deep_folder_is_removed_with_one_descriptor_to_spare(void **state)
{
    (void)state;
    char *scratch;
    char below[300];
    char above[300] = "/tmp";
    if (getenv("TMPDIR") != NULL)
        snprintf(above, sizeof(above), "%s", getenv("TMPDIR"));
    assert_int_equal(scratch_make(&scratch), 0);
    assert_return_code(setenv("TMPDIR", above, 1), 0);
    size_t end = (size_t)snprintf(below, sizeof(below), "%s", scratch);
    for (int depth = 0; depth < 4; depth++, end += 2) {
        snprintf(below + end, sizeof(below) - end, "/0");
        assert_return_code(mkdir(below, 0700), 0);
    }
    below[strlen(scratch)] = '\0';
    struct rlimit before = spend(1);
    scratch_remove(scratch, NULL);
    give_back(before);
    assert_int_equal(access(below, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deep_folder_is_removed_with_one_descriptor_to_spare),
        cmocka_unit_test(all_goes_with_no_descriptor_to_spare),
        cmocka_unit_test(what_only_the_tree_holds_goes_with_it),
        cmocka_unit_test(what_another_process_has_mapped_stays),
        cmocka_unit_test(what_a_killed_rank_has_left_is_removed),
    };
    return cmocka_run_group_tests(tests, name_it, NULL);
}
