/* test_desk.c - cli/desk: what rank 0 gets from the front directly */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/desk.h"

enum {
    STATUS_MUTE = -1, /* what a visitor says who says nothing */
};

static const struct desk_lent nothing = {.output = 1, .input = -1, .launcher = -1};

/* Rank 0: it says `status`, if what it is lent as input holds `wanted`. */
static void visit(const char *name, const char *wanted, int status)
{
    char got[16] = "";
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0) {
        int connection = desk_come(name);
        if (connection < 0 || (wanted != NULL && (read(0, got, sizeof(got) - 1) < 0 ||
                                                  strcmp(got, wanted) != 0)))
            _exit(1);
        if (status != STATUS_MUTE)
            desk_leave(connection, status);
        _exit(0);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

static void rank_0_is_lent_input_and_says_how_it_went(void **state)
{
    (void)state;
    char name[DESK_NAME_SIZE];
    struct desk *d;
    int input[2];
    int status;
    assert_return_code(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(write(input[1], "list", 4), 4);
    close(input[1]);
    struct desk_lent lent = {.output = 1, .input = input[0], .launcher = -1};
    assert_int_equal(desk_open(&lent, name, &d, NULL), 0);
    visit(name, "list", 42);
    assert_true(desk_close(d, &status));
    assert_int_equal(status, 42);
}

/* A desk with "list" as input, which the launcher gets after so long; *launcher is its
 * end. */
static struct desk *open_patient(int patience_ms, char *name, int *launcher)
{
    struct desk *d;
    int input[2];
    int pipe[2];
    assert_return_code(pipe2(input, O_CLOEXEC), 0);
    assert_return_code(pipe2(pipe, O_CLOEXEC), 0);
    assert_int_equal(write(input[1], "list", 4), 4);
    close(input[1]);
    struct desk_lent lent = {.output = 1,
                             .input = input[0],
                             .launcher = pipe[1],
                             .patience_ms = patience_ms};
    assert_int_equal(desk_open(&lent, name, &d, NULL), 0);
    *launcher = pipe[0];
    return d;
}

static void input_goes_to_the_launcher_if_nobody_comes(void **state)
{
    (void)state;
    char name[DESK_NAME_SIZE];
    char got[8] = "";
    int launcher;
    int status;
    struct desk *d = open_patient(1, name, &launcher);
    assert_int_equal(read(launcher, got, sizeof(got)), 4);
    assert_string_equal(got, "list");
    assert_int_equal(read(launcher, got, sizeof(got)), 0);
    visit(name, NULL, 42); /* late, and lent the output alone */
    assert_true(desk_close(d, &status));
    assert_int_equal(status, 42);
    close(launcher);
}

static void the_launcher_gets_no_input_if_rank_0_comes(void **state)
{
    (void)state;
    char name[DESK_NAME_SIZE];
    char got[8] = "";
    int launcher;
    int status;
    struct desk *d = open_patient(60000, name, &launcher);
    visit(name, "list", 42);
    assert_int_equal(read(launcher, got, sizeof(got)), 0);
    assert_true(desk_close(d, &status));
    assert_int_equal(status, 42);
    close(launcher);
    d = open_patient(60000, name, &launcher);
    assert_false(desk_close(d, &status));
    assert_int_equal(read(launcher, got, sizeof(got)), 0);
    close(launcher);
}

static void rank_0_that_dies_has_come_but_said_nothing(void **state)
{
    (void)state;
    char name[DESK_NAME_SIZE];
    struct desk *d;
    int status;
    assert_int_equal(desk_open(&nothing, name, &d, NULL), 0);
    visit(name, NULL, STATUS_MUTE);
    assert_true(desk_close(d, &status));
    assert_int_equal(status, -1);
}

/* Rank 0 comes, says that it is there by closing `ready`, and then what it hears. */
static pid_t listen_there(const char *name, int ready)
{
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child > 0)
        return child;
    int connection = desk_come(name);
    int heard = 0;
    close(ready);
    for (int i = 0; connection >= 0 && heard == 0 && i < 10000; i++) {
        heard = desk_listen(connection);
        usleep(heard == 0 ? 1000 : 0);
    }
    desk_leave(connection, heard);
    _exit(0);
}

static void rank_0_hears_of_signals_while_it_is_there(void **state)
{
    (void)state;
    char name[DESK_NAME_SIZE];
    char byte;
    struct desk *d;
    int ready[2];
    int status;
    assert_int_equal(desk_open(&nothing, name, &d, NULL), 0);
    assert_false(desk_pass_on(d, 15)); /* nobody is there */
    assert_return_code(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = listen_there(name, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 0);
    while (!desk_pass_on(d, 2)) /* the desk may still be lending */
        usleep(1000);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(desk_close(d, &status));
    assert_int_equal(status, 2);
    close(ready[0]);
}

static void a_desk_that_nobody_comes_to_closes_at_once(void **state)
{
    (void)state;
    char name[DESK_NAME_SIZE];
    struct desk *d;
    int status;
    assert_int_equal(desk_open(&nothing, name, &d, NULL), 0);
    assert_false(desk_close(d, &status));
    assert_int_equal(desk_come(name), -1);
}

static void a_desk_that_is_not_there_is_no_harm(void **state)
{
    (void)state;
    assert_int_equal(desk_come("rota-no-such-desk"), -1);
    assert_int_equal(desk_come("a name that is longer than any desk's name can be"),
                     -1);
    desk_leave(-1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rank_0_is_lent_input_and_says_how_it_went),
        cmocka_unit_test(input_goes_to_the_launcher_if_nobody_comes),
        cmocka_unit_test(the_launcher_gets_no_input_if_rank_0_comes),
        cmocka_unit_test(rank_0_that_dies_has_come_but_said_nothing),
        cmocka_unit_test(rank_0_hears_of_signals_while_it_is_there),
        cmocka_unit_test(a_desk_that_nobody_comes_to_closes_at_once),
        cmocka_unit_test(a_desk_that_is_not_there_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
