/* test_place.c - launch/slurm and launch/place: environments, and where ranks go */
#include "unit.h"

#include <string.h>

#include "launch/place.h"
#include "launch/slurm.h"

#define ENV(...) ((char *const *)(uintptr_t)(const char *const[]){__VA_ARGS__, NULL})

/* ---- what Slurm says --------------------------------------------------------- */

static struct slurm read_env(const char *const *env)
{
    return slurm_read((char *const *)(uintptr_t)env);
}

static void lists_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        int nodes;
    } rows[] = {
        {"1", 1},
        {"2(x3)", 3},
        {"2(x3),1", 4},
        {"8,4(x2),16(x10)", 13},
        {"2,3", 2},
        {"16(x1000)", 1000},
        {"1(x1)", 1},
        {"", 0},
        {",", 0},
        {"2,", 0},
        {"2(x3", 0},
        {"2(x)", 0},
        {"2(x0)", 0},
        {"0", 0},
        {"-1", 0},
        {"a", 0},
        {"2 ", 0},
        {"2(3)", 0},
        {"1(x2147483647),1", 0},
        {"99999999999999999999", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (slurm_count_nodes(rows[i].list) != rows[i].nodes)
            fail_msg("'%s' counts %d", rows[i].list, slurm_count_nodes(rows[i].list));
}

static void environments_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *env[10];
        enum slurm_place place;
        int nodes;
        int tasks;
    } rows[] = {
        {{"HOME=/root", NULL}, SLURM_NONE, 0, 0},
        {{"SLURM_CONF=/etc/slurm.conf", "SLURM_JOB_IDLE=1", NULL}, SLURM_NONE, 0, 0},
        /* salloc on the login node */
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=2", "SLURM_NNODES=2",
          "SLURM_TASKS_PER_NODE=2,4", NULL},
         SLURM_LOGIN,
         2,
         0},
        {{"SLURM_JOBID=1", "SLURM_NNODES=3", NULL}, SLURM_LOGIN, 3, 0},
        {{"SLURM_JOB_ID=1", "SLURM_TASKS_PER_NODE=2(x3),1", NULL}, SLURM_LOGIN, 4, 0},
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=x", "SLURM_JOB_CPUS_PER_NODE=8(x2)",
          NULL},
         SLURM_LOGIN,
         2,
         0},
        {{"SLURM_JOB_ID=1", NULL}, SLURM_LOGIN, 0, 0},
        /* a batch script */
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=2", "SLURMD_NODENAME=n1",
          "SLURM_PROCID=0", NULL},
         SLURM_NODE,
         2,
         0},
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=2", "SLURMD_NODENAME=n1",
          "SLURM_STEP_ID=4294967291", NULL},
         SLURM_NODE,
         2,
         0},
        /* salloc's interactive step */
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=2", "SLURMD_NODENAME=n1",
          "SLURM_STEP_ID=4294967290", "SLURM_STEP_NUM_TASKS=1", "SLURM_PTY_PORT=2",
          NULL},
         SLURM_NODE,
         2,
         0},
        /* srun */
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=2", "SLURMD_NODENAME=n1",
          "SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=4", NULL},
         SLURM_TASK,
         2,
         4},
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=2", "SLURMD_NODENAME=n1",
          "SLURM_STEPID=3", "SLURM_STEP_NUM_TASKS=1", NULL},
         SLURM_TASK,
         2,
         1},
        /* srun --pty bash */
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=2", "SLURMD_NODENAME=n1",
          "SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=2", "SLURM_PTY_PORT=40001", NULL},
         SLURM_PTY,
         2,
         2},
        /* within a shell of salloc's that was begun within a step of another job */
        {{"SLURM_JOB_ID=1", "SLURM_JOB_NUM_NODES=2", "SLURM_STEP_ID=0", NULL},
         SLURM_LOGIN,
         2,
         0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slurm s = read_env(rows[i].env);
        if (s.place != rows[i].place || s.nodes != rows[i].nodes ||
            s.tasks != rows[i].tasks)
            fail_msg("row %zu: place %d, %d nodes, %d tasks", i, s.place, s.nodes,
                     s.tasks);
    }
}

static void cpus_are_the_nodes_own(void **state)
{
    (void)state;
    assert_int_equal(slurm_cpus(ENV("SLURM_CPUS_ON_NODE=3", "SLURMD_NODENAME=a")), 3);
    assert_int_equal(slurm_cpus(ENV("SLURM_CPUS_ON_NODE=3")), 0);
    assert_int_equal(slurm_cpus(ENV("SLURM_CPUS_ON_NODE=3x", "SLURMD_NODENAME=a")), 0);
    assert_int_equal(slurm_cpus(ENV("SLURM_CPUS_ON_NODE=", "SLURMD_NODENAME=a")), 0);
    assert_int_equal(slurm_cpus(ENV("SLURMD_NODENAME=a")), 0);
}

static void each_mpi_gets_what_it_understands(void **state)
{
    (void)state;
    static const char debian[] =
        "MPI plugin types are...\n\tpmix\n\tnone\n\tcray_shasta\n"
        "\tpmi2\nspecific pmix plugin versions available: "
        "pmix_v4\n";
    static const char old[] = "srun: MPI types are...\nsrun: none\nsrun: pmi2\n";
    static const char only_v4[] = "MPI plugin types are...\n\tnone\n\tpmix_v4\n";
    assert_string_equal(slurm_mpi(debian, true), "pmix");
    assert_string_equal(slurm_mpi(debian, false), "pmi2");
    assert_null(slurm_mpi(old, true));
    assert_string_equal(slurm_mpi(old, false), "pmi2");
    assert_null(slurm_mpi(only_v4, true));
    assert_null(slurm_mpi(only_v4, false));
    assert_string_equal(slurm_mpi("pmix", false), "pmix");
    assert_null(slurm_mpi("", true));
}

/* ---- where ranks go ---------------------------------------------------------- */

static void ranks_go_where_they_belong(void **state)
{
    (void)state;
    static const struct {
        struct slurm slurm;
        struct place_wish wish;
        struct place place;
    } rows[] = {
        {{SLURM_NONE, 0, 0}, {0}, {.where = PLACE_HERE}},
        {{SLURM_NONE, 0, 0}, {.ranks = 4}, {.where = PLACE_RANKS}},
        {{SLURM_NONE, 0, 0}, {.ranks = 4, .hosts = "a:2"}, {.where = PLACE_RANKS}},
        {{SLURM_NONE, 0, 0}, {.hosts = "a"}, {.where = PLACE_NODES, .nodes = 1}},
        {{SLURM_NONE, 0, 0}, {.hosts = "a,b,c"}, {.where = PLACE_NODES, .nodes = 3}},
        {{SLURM_NONE, 0, 0}, {.hosts = ":"}, {.where = PLACE_HERE}},
        {{SLURM_NODE, 1, 0}, {0}, {.where = PLACE_HERE}},
        {{SLURM_LOGIN, 1, 0}, {0}, {.where = PLACE_NODES, .nodes = 1, .slurm = true}},
        {{SLURM_LOGIN, 3, 0}, {0}, {.where = PLACE_NODES, .nodes = 3, .slurm = true}},
        {{SLURM_NODE, 3, 0}, {0}, {.where = PLACE_NODES, .nodes = 3, .slurm = true}},
        {{SLURM_NODE, 3, 0}, {.ranks = 5}, {.where = PLACE_RANKS}},
        {{SLURM_NODE, 3, 0},
         {.hosts = "a,b"},
         {.where = PLACE_NODES, .nodes = 2, .slurm = true}},
        {{SLURM_NODE, 3, 0}, {.hosts = ":"}, {.where = PLACE_HERE}},
        {{SLURM_TASK, 3, 1}, {0}, {.where = PLACE_HERE}},
        {{SLURM_PTY, 1, 1}, {0}, {.where = PLACE_HERE}},
        {{SLURM_PTY, 2, 2},
         {0},
         {.where = PLACE_NODES, .nodes = 2, .slurm = true, .overlap = true}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct place p;
        struct rota_error err = {0};
        if (place_choose(&rows[i].slurm, &rows[i].wish, &p, &err) != 0)
            fail_msg("row %zu: %s", i, err.text);
        const struct place *wanted = &rows[i].place;
        if (p.where != wanted->where || p.nodes != wanted->nodes ||
            p.slurm != wanted->slurm || p.overlap != wanted->overlap)
            fail_msg("row %zu: where %d, %d nodes, slurm %d, overlap %d", i, p.where,
                     p.nodes, p.slurm, p.overlap);
    }
}

static void what_cannot_be_is_said(void **state)
{
    (void)state;
    static const struct {
        struct slurm slurm;
        struct place_wish wish;
        const char *text;
    } rows[] = {
        {{SLURM_TASK, 2, 4},
         {0},
         "srun has started this as 4 processes, each of which"},
        {{SLURM_LOGIN, 0, 0}, {0}, "does not say how many nodes"},
        {{SLURM_NODE, 0, 0}, {0}, "does not say how many nodes"},
        {{SLURM_NONE, 0, 0}, {.hostfile = "f"}, "--hostfile need -n"},
        {{SLURM_NONE, 0, 0}, {.mpiexec = "srun"}, "--mpiexec and"},
        {{SLURM_NONE, 0, 0}, {.ranks = 2, .hosts = ":"}, "without ranks"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct place p;
        struct rota_error err = {0};
        assert_int_equal(place_choose(&rows[i].slurm, &rows[i].wish, &p, &err),
                         ROTA_E_ARG);
        if (strstr(err.text, rows[i].text) == NULL)
            fail_msg("'%s' does not say '%s'", err.text, rows[i].text);
    }
}

static void hosts_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hosts;
        const char *text;
    } rows[] = {
        {"a:2,b", "a count needs -n"}, {"a,:", "a count needs -n"},
        {"", "has no name"},           {"a,", "has no name"},
        {",a", "has no name"},         {"a,,b", "has no name"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slurm nowhere = {.place = SLURM_NONE};
        struct place_wish wish = {.hosts = rows[i].hosts};
        struct place p;
        struct rota_error err = {0};
        assert_int_equal(place_choose(&nowhere, &wish, &p, &err), ROTA_E_ARG);
        assert_non_null(strstr(err.text, rows[i].text));
    }
}

static void srun_starts_what_is_counted_in_an_allocation(void **state)
{
    (void)state;
    static const struct {
        struct slurm slurm;
        int rc;
        bool srun;
        bool overlap;
    } rows[] = {
        {{.place = SLURM_NONE}, 0, false, false},
        {{.place = SLURM_LOGIN, .nodes = 2}, 0, true, false},
        {{.place = SLURM_NODE, .nodes = 1}, 0, true, false},
        {{.place = SLURM_PTY, .nodes = 2, .tasks = 1}, 0, true, true},
        {{.place = SLURM_TASK, .nodes = 2, .tasks = 1}, 0, false, false},
        {{.place = SLURM_TASK, .nodes = 2, .tasks = 4}, ROTA_E_ARG, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct place p = {0};
        struct rota_error err = {0};
        assert_int_equal(place_ranks(&rows[i].slurm, &p, &err), rows[i].rc);
        assert_int_equal(p.slurm, rows[i].srun);
        assert_int_equal(p.overlap, rows[i].overlap);
        if (rows[i].rc != 0)
            assert_non_null(strstr(err.text, "as 4 processes"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_counted),
        cmocka_unit_test(environments_are_told_apart),
        cmocka_unit_test(cpus_are_the_nodes_own),
        cmocka_unit_test(each_mpi_gets_what_it_understands),
        cmocka_unit_test(ranks_go_where_they_belong),
        cmocka_unit_test(what_cannot_be_is_said),
        cmocka_unit_test(hosts_that_are_none_are_refused),
        cmocka_unit_test(srun_starts_what_is_counted_in_an_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
