/* test_launch.c - launch: with launchers that are small shell scripts */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tree.h"
#include "launch/launch.h"

static char dir[] = "/tmp/rota-test-launch.XXXXXX";
static char path[64];

static int make_dir(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/mpiexec", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* A launcher that says `version` and then does `body` ($2 is N, $3... the program). */
static void make_launcher(const char *version, const char *body)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n[ \"$1\" = --version ] && { echo '%s'; exit; }\n%s\n",
            version, body);
    fclose(f);
    assert_return_code(chmod(path, 0755), 0);
}

static char sh[] = "/bin/sh";
static char *const program[] = {sh, NULL};

static int run(const char *mpiexec, int *status, struct rota_error *err)
{
    const struct launch_spec spec = {.ranks = 3, .mpiexec = mpiexec, .argv = program};
    struct launch *l;
    int rc = launch_start(&spec, &l, err);
    return rc ? rc : launch_wait(l, status, err);
}

static void the_exit_status_is_the_launchers(void **state)
{
    (void)state;
    int status = -1;
    make_launcher("some", "[ \"$1 $2 $3\" = \"-n 3 /bin/sh\" ] && exit 7");
    assert_int_equal(run(path, &status, NULL), 0);
    assert_int_equal(status, 7);
    make_launcher("some", "kill -9 $$");
    assert_int_equal(run(path, &status, NULL), 0);
    assert_int_equal(status, 128 + SIGKILL);
}

static void rank_0_may_tell_its_own_status(void **state)
{
    (void)state;
    int status = -1;
    make_launcher("some", "echo 6 >>${ROTA_STATUS_FILE%:*}; exit 0");
    assert_int_equal(run(path, &status, NULL), 0);
    assert_int_equal(status, 6);
}

static void what_the_launcher_leaves_is_ended(void **state)
{
    (void)state;
    int status = -1;
    pid_t pid;
    make_launcher("some", "setsid sleep 1000 & exit 0");
    assert_int_equal(run(path, &status, NULL), 0);
    assert_int_equal(status, 0);
    assert_int_equal(tree_list(0, &pid, 1), 0);
}

static void a_signal_is_passed_on(void **state)
{
    (void)state;
    int status = -1;
    make_launcher("some", "trap 'exit 5' TERM; kill -TERM $PPID; "
                          "while :; do sleep 0.05; done");
    assert_int_equal(run(path, &status, NULL), 0);
    assert_int_equal(status, 5);
}

static void the_third_signal_kills(void **state)
{
    (void)state;
    int status = -1;
    make_launcher("some",
                  "trap '' TERM; for i in 1 2 3; do kill -TERM $PPID; sleep 0.1; "
                  "done; while :; do sleep 1; done");
    assert_int_equal(run(path, &status, NULL), 0);
    assert_int_equal(status, 128 + SIGKILL);
}

static void a_launcher_that_hangs_when_all_is_over_is_ended(void **state)
{
    (void)state;
    int status = -1;
    struct rota_error err = {0};
    make_launcher("HYDRA", "sleep 0.5; exec sleep 1000");
    assert_int_equal(run(path, &status, &err), ROTA_E_LAUNCH);
    assert_non_null(strstr(err.text, "hung"));
    assert_int_equal(status, -1);
}

static void a_launcher_that_starts_nothing_is_ended(void **state)
{
    (void)state;
    int status = -1;
    struct rota_error err = {0};
    setenv("ROTA_JOIN_MS", "300", 1);
    make_launcher("(Open MPI) 4", "exec sleep 1000");
    assert_int_equal(run(path, &status, &err), ROTA_E_LAUNCH);
    assert_non_null(strstr(err.text, "started nothing"));
    make_launcher("HYDRA", /* a process of such a name, without a process more */
                  "ln -s /bin/sleep ${0%/*}/hydra_pmi_proxy; "
                  "(exec ${0%/*}/hydra_pmi_proxy 999) & exec sleep 1000");
    assert_int_equal(run(path, &status, &err), ROTA_E_LAUNCH);
    assert_non_null(strstr(err.text, "started nothing"));
    char daemon[80];
    snprintf(daemon, sizeof(daemon), "%s/hydra_pmi_proxy", dir);
    assert_return_code(unlink(daemon), 0);
    unsetenv("ROTA_JOIN_MS");
    assert_int_equal(status, -1);
}

static void a_launcher_that_is_not_there_is_named(void **state)
{
    (void)state;
    int status;
    struct rota_error err = {0};
    assert_int_equal(run("no-such-mpiexec", &status, &err), ROTA_E_LAUNCH);
    assert_non_null(strstr(err.text, "'no-such-mpiexec': not found in PATH"));
    assert_int_equal(run("/etc/passwd", &status, &err), ROTA_E_LAUNCH);
    assert_non_null(strstr(err.text, "'/etc/passwd': not an executable file"));
    assert_int_equal(run("/nowhere/mpiexec", &status, &err), ROTA_E_LAUNCH);
    assert_non_null(strstr(err.text, "No such file or directory"));
}

static void the_environment_names_a_launcher(void **state)
{
    (void)state;
    int status = -1;
    make_launcher("some", "exit 9");
    setenv("ROTA_MPIEXEC", path, 1);
    assert_int_equal(run(NULL, &status, NULL), 0);
    assert_int_equal(status, 9);
    unsetenv("ROTA_MPIEXEC");
}

static void a_program_that_is_not_there_is_named(void **state)
{
    (void)state;
    char missing[] = "./no-such-program";
    char *const argv[] = {missing, NULL};
    const struct launch_spec spec = {.ranks = 1, .mpiexec = path, .argv = argv};
    struct launch *l = NULL;
    struct rota_error err = {0};
    make_launcher("some", "exit 0");
    assert_int_equal(launch_start(&spec, &l, &err), ROTA_E_ARG);
    assert_non_null(strstr(err.text, "'./no-such-program': No such file"));
    assert_null(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_status_is_the_launchers),
        cmocka_unit_test(rank_0_may_tell_its_own_status),
        cmocka_unit_test(what_the_launcher_leaves_is_ended),
        cmocka_unit_test(a_signal_is_passed_on),
        cmocka_unit_test(the_third_signal_kills),
        cmocka_unit_test(a_launcher_that_hangs_when_all_is_over_is_ended),
        cmocka_unit_test(a_launcher_that_starts_nothing_is_ended),
        cmocka_unit_test(a_launcher_that_is_not_there_is_named),
        cmocka_unit_test(the_environment_names_a_launcher),
        cmocka_unit_test(a_program_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
