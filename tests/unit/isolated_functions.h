/* isolated_functions.h - functions that do all that functions may do, for what tests
 * the executor whose functions run in children
 */
#ifndef ROTA_TESTS_ISOLATED_FUNCTIONS_H
#define ROTA_TESTS_ISOLATED_FUNCTIONS_H

#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "execute/cell.h"

/* Both break what a sanitizer stands on. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

enum {
    RESULTS_MAX = 200000,
};

static struct runner_result results[RESULTS_MAX];

/* Memory that all processes share: what tests and functions say to each other. */
struct shared {
    atomic_int pid;
    atomic_int gate;
    atomic_int ran;
};

static struct shared *shared;

/* --- functions ------------------------------------------------------------ */

enum {
    NOTHING,
    ECHO,
    ABORT,
    SEGV,
    EXIT_3,
    EXIT_0,
    RAW_EXIT_7,
    KILL_SELF,
    STOP_SELF,
    FAIL,
    HANG,
    SPAWN,
    GROW,
    LOOK_AROUND,
    PRINT,
    WAIT_AT_GATE,
    OPEN_GATE,
    COUNT,
    SCRIBBLE,
    NAP,
    FORK,
    END_THREAD,
    FUNCTIONS,
};

enum {
    EXITED = 42, /* status: by exit() */
};

static inline int nothing(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return 0;
}

static inline int echo(struct rota_task *task, void *context)
{
    (void)context;
    size_t size;
    const void *data = rota_task_data(task, &size);
    return rota_task_return(task, data, size);
}

static inline int call_abort(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    abort();
}

static inline int segv(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    signal(SIGSEGV, SIG_DFL); /* not a sanitizer's */
    return raise(SIGSEGV);
}

static inline int exit_3(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    exit(3);
}

static inline int exit_0(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    exit(0);
}

static inline int raw_exit_7(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    _exit(7);
}

static inline int kill_self(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return raise(SIGKILL);
}

static inline int stop_self(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    return raise(SIGSTOP);
}

static inline int fail_saying(struct rota_task *task, void *context)
{
    (void)context;
    return rota_task_fail(task, "task %llu says no",
                          (unsigned long long)rota_task_id(task));
}

static inline int hang(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_store(&shared->pid, getpid());
    while (pause() != 0)
        continue;
    return 0;
}

static inline int spawn(struct rota_task *task, void *context)
{
    (void)context;
    for (int i = 0; i < 10; i++)
        if (rota_task_submit(task, &(struct rota_spec){.function = "echo",
                                                       .data = &i,
                                                       .size_bytes = sizeof(i)}) != 0)
            return 1;
    return 0;
}

/* Returns how many MiB it may have, at most 200. */
static inline int grow(struct rota_task *task, void *context)
{
    (void)context;
    void *blocks[200];
    int n = 0;
    while (n < 200 && (blocks[n] = malloc((size_t)1 << 20)) != NULL)
        n++;
    for (int i = 0; i < n; i++)
        free(blocks[i]);
    return rota_task_return(task, &n, sizeof(n));
}

/* Returns what is not as a program expects that has just been started. */
static inline int look_around(struct rota_task *task, void *context)
{
    (void)context;
    char byte;
    sigset_t blocked;
    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            return rota_task_fail(task, "descriptor %d is open", fd);
    if (read(0, &byte, 1) != 0)
        return rota_task_fail(task, "standard input is not empty");
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction a;
        if (sigismember(&blocked, i) == 1)
            return rota_task_fail(task, "signal %d is blocked", i);
        if (sigaction(i, NULL, &a) == 0 && a.sa_handler != SIG_DFL && i != SIGHUP)
            return rota_task_fail(task, "signal %d is not at its default", i);
    }
    if (getpgrp() != getpid())
        return rota_task_fail(task, "it has no process group of its own");
    return 0;
}

static inline int print(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    printf("heard\n");
    return 0;
}

static inline int wait_at_gate(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_store(&shared->pid, getpid());
    while (atomic_load(&shared->gate) == 0)
        usleep(1000);
    return 0;
}

static inline int open_gate(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_store(&shared->gate, 1);
    return 0;
}

static inline int count_call(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    atomic_fetch_add(&shared->ran, 1);
    return 0;
}

/* Overwrite all of the cell that can be written. */
static inline int scribble(struct rota_task *task, void *context)
{
    (void)context;
    unsigned char byte = *(const unsigned char *)rota_task_data(task, NULL);
    FILE *f = fopen("/proc/self/maps", "re");
    char line[512];
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        unsigned long begin, end;
        char writable;
        if (strstr(line, "memfd:rota-tasks") != NULL &&
            sscanf(line, "%lx-%lx r%c", &begin, &end, &writable) == 3 &&
            writable == 'w')
            memset((void *)begin, byte, end - begin); // NOLINT
    }
    if (f != NULL)
        fclose(f);
    return 0;
}

static inline int nap(struct rota_task *task, void *context)
{
    (void)task;
    (void)context;
    usleep(3000);
    return 0;
}

/* Forgets that it is two now. */
static inline int fork_and_return(struct rota_task *task, void *context)
{
    (void)context;
    pid_t pid = fork();
    return rota_task_return(task, &pid, sizeof(pid));
}

static inline void *stay(void *arg)
{
    for (;;)
        pause();
    return arg;
}

/* As the last of exit(): before LeakSanitizer looks at a stack that has gone. */
static inline void say_exited(void)
{
    _exit(EXITED);
}

/* Another thread of the process stays. */
static inline int end_thread(struct rota_task *task, void *context)
{
    pthread_t other;
    (void)task;
    if (atexit(say_exited) == 0 && pthread_create(&other, NULL, stay, context) == 0)
        pthread_exit(NULL);
    return -1;
}

static const struct rota_function functions[FUNCTIONS] = {
    [NOTHING] = {.name = "nothing", .run = nothing},
    [ECHO] = {.name = "echo", .run = echo},
    [ABORT] = {.name = "abort", .run = call_abort},
    [SEGV] = {.name = "segv", .run = segv},
    [EXIT_3] = {.name = "exit 3", .run = exit_3},
    [EXIT_0] = {.name = "exit 0", .run = exit_0},
    [RAW_EXIT_7] = {.name = "_exit 7", .run = raw_exit_7},
    [KILL_SELF] = {.name = "kill", .run = kill_self},
    [STOP_SELF] = {.name = "stop", .run = stop_self},
    [FAIL] = {.name = "fail", .run = fail_saying},
    [HANG] = {.name = "hang", .run = hang},
    [SPAWN] = {.name = "spawn", .run = spawn},
    [GROW] = {.name = "grow", .run = grow},
    [LOOK_AROUND] = {.name = "look around", .run = look_around},
    [PRINT] = {.name = "print", .run = print},
    [WAIT_AT_GATE] = {.name = "wait at gate", .run = wait_at_gate},
    [OPEN_GATE] = {.name = "open gate", .run = open_gate},
    [COUNT] = {.name = "count", .run = count_call},
    [SCRIBBLE] = {.name = "scribble", .run = scribble},
    [NAP] = {.name = "nap", .run = nap},
    [FORK] = {.name = "fork", .run = fork_and_return},
    [END_THREAD] = {.name = "end thread", .run = end_thread},
};

/* --- helpers -------------------------------------------------------------- */

static inline struct executor *make_limited(int slots, size_t memory_limit_bytes)
{
    struct executor_options options = {
        .functions = functions,
        .count = FUNCTIONS,
        .slots = slots,
        .memory_limit_bytes = memory_limit_bytes,
    };
    struct executor *x;
    struct rota_error err = {0};
    memset(results, 0, sizeof(results));
    memset(shared, 0, sizeof(*shared));
    if (executor_isolated_open(&options, &x, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(x->slots, slots);
    assert_int_equal(x->held, 0);
    return x;
}

static inline struct executor *make(int slots)
{
    return make_limited(slots, 0);
}

static inline void assert_ended(uint64_t task, enum rota_outcome outcome, int code)
{
    assert_true(results[task].told);
    assert_int_equal(results[task].outcome, outcome);
    assert_int_equal(results[task].code, code);
}

static inline void assert_done(uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        assert_ended(i, ROTA_DONE, 0);
}

/* 200 tasks, the 100th of which is `function`. */
static inline void give_amid(struct executor *x, int function, uint32_t limit_ms)
{
    struct runner_task tasks[200] = {{0}};
    tasks[100] = (struct runner_task){.function = function, .limit_ms = limit_ms};
    assert_int_equal(runner_give(x, 0, 200, tasks), 0);
}

static inline void assert_amid(enum rota_outcome outcome, int code)
{
    assert_done(0, 100);
    assert_ended(100, outcome, code);
    assert_done(101, 200);
}

static inline void await_pid(struct executor *x)
{
    while (atomic_load(&shared->pid) == 0)
        assert_int_equal(runner_take(x, results, NS_PER_MS), ROTA_E_TIMEOUT);
}

#endif
