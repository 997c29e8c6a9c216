/* test_command.c - launch/command: which launcher it is, and its command line */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "launch/command.h"

static char prog[] = "./prog";
static char arg[] = "an arg";
static char colon[] = ":";
static char *const plain[] = {prog, arg, NULL};

static const char *mpi; /* srun's */

/* The words joined by '|', in `buf`; the error's text where there are none. */
static const char *line(const struct launch_spec *spec, enum command_family family,
                        char *buf, size_t size)
{
    char **words;
    struct rota_error err;
    if (command_build(spec, family, "/bin/m", mpi, &words, &err) != 0) {
        snprintf(buf, size, "%s", err.text);
        return buf;
    }
    buf[0] = '\0';
    for (char **word = words; *word != NULL; word++) {
        size_t len = strlen(buf);
        snprintf(buf + len, size - len, "%s%s", len ? "|" : "", *word);
    }
    command_free(words);
    return buf;
}

static void launchers_are_told_by_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum command_family family;
    } rows[] = {
        {"mpiexec.openmpi (OpenRTE) 4.1.4\n\nReport bugs to", COMMAND_OPENMPI},
        {"mpirun (Open MPI) 4.1.2\n", COMMAND_OPENMPI},
        {"mpirun (Open MPI) 5.0.7\n", COMMAND_PRRTE},
        {"prterun (PRRTE) 3.0.8\n", COMMAND_PRRTE},
        {"HYDRA build details:\n    Version:    4.0.2\n", COMMAND_HYDRA},
        {"slurm 22.05.8\n", COMMAND_SRUN},
        {"slurm-wlm 22.05.8\n", COMMAND_SRUN}, /* Debian's */
        {"Intel(R) MPI Library for Linux* OS, Version 2021.10", COMMAND_UNKNOWN},
        {"usage: something else", COMMAND_UNKNOWN},
        {"", COMMAND_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(command_family(rows[i].text), rows[i].family);
}

static void each_launcher_gets_its_own_flags(void **state)
{
    (void)state;
    char buf[512];
    const struct launch_spec spec = {.ranks = 10, .argv = plain};
    assert_string_equal(
        line(&spec, COMMAND_OPENMPI, buf, sizeof(buf)),
        "/bin/m|--bind-to|none|--oversubscribe|--quiet|-n|10|./prog|an arg");
    assert_string_equal(
        line(&spec, COMMAND_PRRTE, buf, sizeof(buf)),
        "/bin/m|--bind-to|none|--map-by|:OVERSUBSCRIBE|-n|10|./prog|an arg");
    assert_string_equal(line(&spec, COMMAND_HYDRA, buf, sizeof(buf)),
                        "/bin/m|-disable-auto-cleanup|-n|10|./prog|an arg");
    assert_string_equal(
        line(&spec, COMMAND_SRUN, buf, sizeof(buf)),
        "/bin/m|--no-kill|--kill-on-bad-exit=0|--input=0|--disable-status|-n|10|./"
        "prog|an arg");
    assert_string_equal(line(&spec, COMMAND_UNKNOWN, buf, sizeof(buf)),
                        "/bin/m|-n|10|./prog|an arg");
}

static void a_program_may_be_bound_as_without_us(void **state)
{
    (void)state;
    char buf[512];
    const struct launch_spec spec = {.ranks = 2, .bound = true, .argv = plain};
    assert_string_equal(line(&spec, COMMAND_OPENMPI, buf, sizeof(buf)),
                        "/bin/m|--oversubscribe|--quiet|-n|2|./prog|an arg");
    assert_string_equal(line(&spec, COMMAND_PRRTE, buf, sizeof(buf)),
                        "/bin/m|--map-by|:OVERSUBSCRIBE|-n|2|./prog|an arg");
}

static void a_rank_a_node_is_said_as_each_wants_it(void **state)
{
    (void)state;
    char buf[512];
    struct launch_spec spec = {.ranks = 4, .nodes = 3, .slurm = true, .argv = plain};
    const struct launch_spec far = {
        .ranks = 3, .nodes = 2, .hosts = "a,b.c", .argv = plain};
    assert_string_equal(
        line(&far, COMMAND_OPENMPI, buf, sizeof(buf)),
        "/bin/m|--bind-to|none|--map-by|node|--host|a:2,b.c:2|-n|3|./prog|an arg");
    assert_string_equal(
        line(&far, COMMAND_PRRTE, buf, sizeof(buf)),
        "/bin/m|--bind-to|none|--map-by|node|--host|a:2,b.c:2|-n|3|./prog|an arg");
    assert_string_equal(
        line(&far, COMMAND_HYDRA, buf, sizeof(buf)),
        "/bin/m|-disable-auto-cleanup|-ppn|1|-hosts|a,b.c|-n|3|./prog|an arg");
    mpi = "pmix";
    assert_string_equal(
        line(&spec, COMMAND_SRUN, buf, sizeof(buf)),
        "/bin/m|--no-kill|--kill-on-bad-exit=0|--input=0|--disable-status|--mpi=pmix|"
        "--nodes=3|--distribution=cyclic|--overcommit|--cpu-bind=none|-n|4|./prog|an "
        "arg");
    spec.overlap = true;
    spec.hosts = "a,b,c";
    mpi = NULL;
    assert_string_equal(
        line(&spec, COMMAND_SRUN, buf, sizeof(buf)),
        "/bin/m|--no-kill|--kill-on-bad-exit=0|--input=0|--disable-status|--nodes=3|"
        "--overlap|--distribution=cyclic|--overcommit|--cpu-bind=none|--nodelist|a,b,c|"
        "-n|4|./prog|an arg");
    spec.nodes = 0;
    spec.hosts = NULL;
    assert_string_equal(line(&spec, COMMAND_SRUN, buf, sizeof(buf)),
                        "/bin/m|--no-kill|--kill-on-bad-exit=0|--input=0|"
                        "--disable-status|--overlap|-n|4|./prog|an arg");
}

static void hosts_are_passed_as_each_wants_them(void **state)
{
    (void)state;
    char buf[512];
    const struct launch_spec spec = {.ranks = 4, .hosts = "a:2,b:2", .argv = plain};
    assert_string_equal(line(&spec, COMMAND_OPENMPI, buf, sizeof(buf)),
                        "/bin/m|--bind-to|none|--host|a:2,b:2|-n|4|./prog|an arg");
    assert_string_equal(
        line(&spec, COMMAND_HYDRA, buf, sizeof(buf)),
        "/bin/m|-disable-auto-cleanup|-hosts|a:2,b:2|-n|4|./prog|an arg");
    assert_string_equal(line(&spec, COMMAND_SRUN, buf, sizeof(buf)),
                        "/bin/"
                        "m|--no-kill|--kill-on-bad-exit=0|--input=0|--disable-status|--"
                        "nodelist|a,b|-n|4|./prog|an arg");
}

static void a_host_file_is_passed_as_each_wants_it(void **state)
{
    (void)state;
    char buf[512];
    const struct launch_spec spec = {.ranks = 4, .hostfile = "hosts", .argv = plain};
    assert_string_equal(line(&spec, COMMAND_PRRTE, buf, sizeof(buf)),
                        "/bin/m|--bind-to|none|--hostfile|hosts|-n|4|./prog|an arg");
    assert_string_equal(line(&spec, COMMAND_HYDRA, buf, sizeof(buf)),
                        "/bin/m|-disable-auto-cleanup|-f|hosts|-n|4|./prog|an arg");
    assert_string_equal(
        line(&spec, COMMAND_SRUN, buf, sizeof(buf)),
        "/bin/m|--no-kill|--kill-on-bad-exit=0|--input=0|--disable-status|--nodelist|./"
        "hosts|-n|4|./prog|an arg");
}

static void what_no_launcher_could_run_is_refused(void **state)
{
    (void)state;
    char **words = NULL;
    char dash[] = "-x";
    char *const separated[] = {prog, colon, prog, NULL};
    char *const option[] = {dash, NULL};
    char *const nothing[] = {NULL};
    const struct launch_spec rows[] = {
        {.ranks = 0, .argv = plain},
        {.ranks = -1, .argv = plain},
        {.ranks = 2, .argv = NULL},
        {.ranks = 2, .argv = nothing},
        {.ranks = 2, .argv = option},
        {.ranks = 2, .argv = separated},
        {.ranks = 2, .argv = plain, .hosts = "a", .hostfile = "b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rota_error err = {0};
        assert_int_equal(
            command_build(&rows[i], COMMAND_HYDRA, "m", NULL, &words, &err),
            ROTA_E_ARG);
        assert_int_equal(err.code, ROTA_E_ARG);
        assert_true(err.text[0] != '\0');
        assert_null(words);
    }
}

static void hosts_are_not_guessed_for_a_stranger(void **state)
{
    (void)state;
    char **words = NULL;
    struct rota_error err;
    const struct launch_spec spec = {.ranks = 2, .hosts = "a:2", .argv = plain};
    assert_int_equal(
        command_build(&spec, COMMAND_UNKNOWN, "/bin/m", NULL, &words, &err),
        ROTA_E_ARG);
    assert_non_null(strstr(err.text, "'/bin/m'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launchers_are_told_by_what_they_say),
        cmocka_unit_test(each_launcher_gets_its_own_flags),
        cmocka_unit_test(a_program_may_be_bound_as_without_us),
        cmocka_unit_test(a_rank_a_node_is_said_as_each_wants_it),
        cmocka_unit_test(hosts_are_passed_as_each_wants_them),
        cmocka_unit_test(a_host_file_is_passed_as_each_wants_it),
        cmocka_unit_test(what_no_launcher_could_run_is_refused),
        cmocka_unit_test(hosts_are_not_guessed_for_a_stranger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
