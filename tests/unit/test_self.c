/* test_self.c - base/self: this program, whose file is replaced while it runs
 *
 * A child of ours executes a copy of this program, which does what its argument says.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/self.h"

static char folder[] = "/tmp/rota-test-self-XXXXXX";
static char path[64];

/* To a file that is made here, whatever stood at `to`. */
static void copy(const char *from, const char *to)
{
    struct stat st;
    unlink(to);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
    assert_true(in >= 0 && out >= 0);
    assert_return_code(fstat(in, &st), 0);
    for (off_t left = st.st_size; left > 0;) {
        ssize_t n = sendfile(out, in, NULL, (size_t)left);
        assert_true(n > 0);
        left -= n;
    }
    close(in);
    close(out);
}

static int make_copy(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/program", folder);
    copy("/proc/self/exe", path);
    return 0;
}

static int remove_copy(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* The exit status of the copy, which does `what`. */
static int status_of(const char *what)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        execl(path, path, what, path, NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void it_goes_by_its_own_path(void **state)
{
    (void)state;
    assert_int_equal(status_of("as-is"), 0);
}

static void one_that_was_removed_can_still_be_started_here(void **state)
{
    (void)state;
    assert_int_equal(status_of("removed"), 0);
    copy("/proc/self/exe", path);
}

static void one_that_was_replaced_is_not_taken_for_its_successor(void **state)
{
    (void)state;
    assert_int_equal(status_of("replaced"), 0);
    copy("/proc/self/exe", path);
}

static void elsewhere_it_is_known_by_its_path_alone(void **state)
{
    (void)state;
    assert_int_equal(status_of("elsewhere"), 0);
    copy("/proc/self/exe", path);
}

/* In the copy: 0 if all is as it should be. */
static int act(const char *what, const char *own)
{
    rota_auto(heap) char *found = NULL;
    bool here = strcmp(what, "elsewhere") != 0;
    if (strcmp(what, "started") == 0)
        return 0;
    if (strcmp(what, "as-is") != 0 && unlink(own) != 0)
        return 2;
    if (strcmp(what, "replaced") == 0) {
        int fd = open(own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
        if (fd < 0 || close(fd) != 0)
            return 3;
    }
    if (self_path(here, &found) != 0)
        return 4;
    if (strcmp(what, "as-is") == 0 || !here)
        return strcmp(found, own) != 0;
    pid_t child = fork();
    if (child == 0) {
        execl(found, found, "started", own, NULL);
        _exit(5);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 6;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_by_its_own_path),
        cmocka_unit_test(one_that_was_removed_can_still_be_started_here),
        cmocka_unit_test(one_that_was_replaced_is_not_taken_for_its_successor),
        cmocka_unit_test(elsewhere_it_is_known_by_its_path_alone),
    };
    if (argc == 3)
        return act(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, make_copy, remove_copy);
}
