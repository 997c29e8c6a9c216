/* test_nursery.c - the processes of the isolated executor: they come, and all go
 *
 * fork and the allocations are wrapped (--wrap), so that they fail where a test wants
 * it. This program adopts orphans: whoever is left over would be seen below it.
 */
#include "runner.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "execute/row.h"
#include <unistd.h>

#include "base/clock.h"
#include "base/tree.h"

/* Memory that all processes share. */
struct shared {
    atomic_int refused_forks; /* so many more are */
    atomic_int nursery;
    atomic_int child;
    atomic_int grandchild;
    atomic_int detached; /* a grandchild that left its group, and its parent */
};

static struct shared *shared;
static struct runner_result results[1000];

/* --- what fails ----------------------------------------------------------- */

static long allocations_left = -1; /* in this process; -1: no limit */
static pid_t self;

static bool may_allocate(void)
{
    if (allocations_left < 0 || getpid() != self)
        return true;
    if (allocations_left > 0)
        allocations_left--;
    return allocations_left != 0;
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

pid_t __wrap_fork(void)
{
    if (atomic_load(&shared->refused_forks) == 0)
        return __real_fork();
    atomic_fetch_sub(&shared->refused_forks, 1);
    errno = EAGAIN;
    return -1;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *p, size_t size)
{
    return may_allocate() ? __real_realloc(p, size) : NULL;
}

/* --- functions ------------------------------------------------------------ */

enum {
    NOTHING,
    HANG,
    BREED,
    BREED_AND_CRASH,
    CRASH,
    BLOB,
    FUNCTIONS,
};

static _Noreturn void sleep_for_ever(void)
{
    for (;;)
        pause();
}

static int nothing(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_store(&shared->nursery, getppid());
    return 0;
}

static int hang(struct rota_task *task, void *context)
{
    nothing(task, context);
    atomic_store(&shared->child, getpid());
    sleep_for_ever();
}

/* Leave a process in this one's group, and one in a session of its own. */
static void breed(void)
{
    pid_t pid = __real_fork();
    if (pid == 0)
        sleep_for_ever();
    pid_t between = __real_fork();
    if (between == 0) {
        pid_t daemon = __real_fork();
        if (daemon == 0) {
            setsid();
            atomic_store(&shared->detached, getpid());
            sleep_for_ever();
        }
        _exit(0);
    }
    waitpid(between, NULL, 0);
    while (atomic_load(&shared->detached) == 0)
        usleep(1000);
    atomic_store(&shared->grandchild, pid);
}

static int breed_and_hang(struct rota_task *task, void *context)
{
    breed();
    return hang(task, context);
}

static int breed_and_crash(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    breed();
    return raise(SIGKILL);
}

static int crash(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return raise(SIGKILL);
}

static int give_blob(struct rota_task *task, void *context)
{
    (void)context;
    static char blob[3000000];
    return rota_task_return(task, blob, sizeof(blob));
}

static const struct rota_function functions[FUNCTIONS] = {
    [NOTHING] = {.name = "nothing", .run = nothing},
    [HANG] = {.name = "hang", .run = hang},
    [BREED] = {.name = "breed", .run = breed_and_hang},
    [BREED_AND_CRASH] = {.name = "breed and crash", .run = breed_and_crash},
    [CRASH] = {.name = "crash", .run = crash},
    [BLOB] = {.name = "blob", .run = give_blob},
};

/* --- helpers -------------------------------------------------------------- */

static int open_some(int slots, struct executor **x)
{
    struct executor_options options = {
        .functions = functions, .count = FUNCTIONS, .slots = slots};
    memset(results, 0, sizeof(results));
    return executor_isolated_open(&options, x, NULL);
}

static struct executor *make(int slots)
{
    struct executor *x = NULL;
    memset(shared, 0, sizeof(*shared));
    assert_int_equal(open_some(slots, &x), 0);
    return x;
}

static void assert_nobody_is_left(void)
{
    pid_t pid;
    assert_int_equal(tree_list(0, &pid, 1), 0);
}

/* It takes a moment; should it never come, the alarm ends this. */
static void await_nobody(void)
{
    pid_t pid;
    do {
        usleep(1000);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
    } while (tree_list(0, &pid, 1) != 0);
}

static void await_end(int pid)
{
    while (kill(pid, 0) == 0)
        usleep(1000);
    assert_int_equal(errno, ESRCH);
}

static void await(struct executor *x, atomic_int *pid)
{
    while (atomic_load(pid) == 0)
        assert_int_equal(runner_take(x, results, NS_PER_MS), ROTA_E_TIMEOUT);
}

/* A rank with two slots, in each of which functions have bred; then `end`. */
static pid_t fork_rank(void (*end)(struct executor *x))
{
    memset(shared, 0, sizeof(*shared));
    pid_t rank = __real_fork();
    if (rank != 0)
        return rank;
    struct executor *x;
    if (open_some(2, &x) != 0)
        _exit(1);
    runner_give_alike(x, 0, 1, BREED, 0);
    runner_give_alike(x, 1, 1, HANG, 0);
    while (atomic_load(&shared->child) == 0 || atomic_load(&shared->grandchild) == 0)
        runner_take(x, results, NS_PER_MS);
    end(x);
    _exit(0);
}

static void end_at_once(struct executor *x)
{
    (void)x;
}

static void end_by_kill(struct executor *x)
{
    (void)x;
    raise(SIGKILL);
}

static void end_by_kill_with_heirs(struct executor *x)
{
    /* Someone else has our descriptors, and lives on for a while. */
    if (__real_fork() == 0) {
        while (getppid() != 1 && kill(atomic_load(&shared->nursery), 0) == 0)
            usleep(1000);
        _exit(0);
    }
    end_by_kill(x);
}

/* --- tests ---------------------------------------------------------------- */

static void closing_leaves_nobody(void **state)
{
    (void)state;
    struct executor *x = make(3);
    runner_give_alike(x, 0, 1, BREED, 0);
    runner_give_alike(x, 1, 1, HANG, 0);
    await(x, &shared->grandchild);
    executor_close(x);
    assert_nobody_is_left();
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);

    x = make(1); /* at once, before anything has begun */
    executor_close(x);
    assert_nobody_is_left();
}

static void a_rank_that_ends_takes_everyone_along(void **state)
{
    (void)state;
    static void (*const ends[])(struct executor *) = {end_at_once, end_by_kill,
                                                      end_by_kill_with_heirs};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        pid_t rank = fork_rank(ends[i]);
        assert_true(rank > 0);
        assert_int_equal(waitpid(rank, NULL, 0), rank);
        await_nobody();
    }
}

static void what_a_function_has_started_ends_with_its_process(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(2);
    runner_give_alike(x, 0, 1, BREED_AND_CRASH, 0);
    runner_finish(x, results);
    assert_int_equal(results[0].outcome, ROTA_CRASHED);
    await_end(atomic_load(&shared->grandchild));
    await_end(atomic_load(&shared->detached));
}

static void what_a_function_has_started_ends_when_its_time_is_over(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    runner_give_alike(x, 0, 1, BREED, 1000);
    runner_finish(x, results);
    assert_int_equal(results[0].outcome, ROTA_OVERTIME);
    await_end(atomic_load(&shared->child));
    await_end(atomic_load(&shared->grandchild));
    await_end(atomic_load(&shared->detached));
}

static void a_nursery_that_was_killed_ends_the_executor(void **state)
{
    (void)state;
    struct executor *x = make(2);
    runner_give_alike(x, 0, 1, NOTHING, 0);
    runner_finish(x, results);
    runner_give_alike(x, 1, 1, HANG, 0);
    await(x, &shared->child);
    kill(atomic_load(&shared->nursery), SIGKILL);
    int rc;
    while ((rc = runner_take(x, results, 10 * NS_PER_SEC)) == ROTA_E_TIMEOUT)
        continue;
    assert_int_equal(rc, ROTA_E_IO);
    assert_int_equal(runner_take(x, results, NS_PER_SEC), ROTA_E_IO);
    assert_false(results[1].told);
    executor_close(x);
    await_nobody();
}

static void a_nursery_that_was_stopped_does_not_hold_up_the_end(void **state)
{
    (void)state;
    struct executor *x = make(1);
    runner_give_alike(x, 0, 1, NOTHING, 0);
    runner_finish(x, results);
    kill(atomic_load(&shared->nursery), SIGSTOP);
    executor_close(x);
    await_nobody();
}

static void a_refused_fork_is_tried_again(void **state)
{
    (void)state;
    rota_auto(executor) struct executor *x = make(1);
    atomic_store(&shared->refused_forks, 4);
    runner_give_alike(x, 0, 1, CRASH, 0);
    runner_give_alike(x, 1, 10, NOTHING, 0);
    runner_finish(x, results);
    assert_int_equal(atomic_load(&shared->refused_forks), 0);
    assert_int_equal(results[0].outcome, ROTA_CRASHED);
    for (int i = 1; i < 11; i++)
        assert_int_equal(results[i].outcome, ROTA_DONE);
}

static void the_first_refused_fork_is_told(void **state)
{
    (void)state;
    struct executor *x = NULL;
    atomic_store(&shared->refused_forks, 1);
    assert_int_equal(open_some(1, &x), ROTA_E_IO);
    assert_null(x);
    assert_nobody_is_left();
}

/* All of it, with `allocations` allocations in the rank, then without a limit. 0 if
 * there was no need of that. */
static int play(long allocations)
{
    rota_auto(executor) struct executor *x = NULL;
    const struct executor_batch batch = {
        .count = 3,
        .records = (const unsigned char[24]){[4] = BLOB, [12] = CRASH, [20] = BLOB},
        .bytes = 24,
    };
    static const enum rota_outcome expected[] = {ROTA_DONE, ROTA_CRASHED, ROTA_DONE};
    uint32_t told = 0;
    int failed = 0;
    allocations_left = allocations;
    int rc = open_some(1, &x);
    if (rc == 0)
        rc = x->ops->give(x, &batch);
    while (rc == 0 && x->held > 0) {
        struct executor_report r = {0};
        int took = x->ops->take(x, &r);
        if (took == ROTA_E_NOMEM) {
            failed = took;
            allocations_left = -1;
        } else if (took == ROTA_E_TIMEOUT) {
            x->ops->wait(x, NS_PER_SEC);
        }
        struct row_walk walk = {.at = r.records, .left = r.bytes};
        for (uint32_t i = 0; i < r.count; i++) {
            struct parcel_result result = {0};
            assert_int_equal(r.first + i, told);
            assert_int_equal(row_next_result(&walk, &result), 0);
            assert_int_equal(result.outcome, expected[told++]);
        }
    }
    allocations_left = -1;
    assert_int_equal(told, rc == 0 ? 3 : 0);
    return rc ? rc : failed;
}

static void whichever_allocation_fails_nothing_is_lost(void **state)
{
    (void)state;
    long n = 0;
    int rc;
    while ((rc = play(n)) != 0) {
        assert_int_equal(rc, ROTA_E_NOMEM);
        n++;
    }
    assert_true(n >= 4);
}

int main(void)
{
    alarm(55);
    self = getpid();
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    tree_adopt();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_leaves_nobody),
        cmocka_unit_test(a_rank_that_ends_takes_everyone_along),
        cmocka_unit_test(what_a_function_has_started_ends_with_its_process),
        cmocka_unit_test(what_a_function_has_started_ends_when_its_time_is_over),
        cmocka_unit_test(a_nursery_that_was_killed_ends_the_executor),
        cmocka_unit_test(a_nursery_that_was_stopped_does_not_hold_up_the_end),
        cmocka_unit_test(a_refused_fork_is_tried_again),
        cmocka_unit_test(the_first_refused_fork_is_told),
        cmocka_unit_test(whichever_allocation_fails_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
