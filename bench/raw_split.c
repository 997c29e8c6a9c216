/* raw_split.c - the same work with no runtime at all: a process a core, its share dealt
 *
 *     raw_split PER_US CORES LOAD...      (load.h)
 *
 * The i-th task is the (i modulo CORES)-th process's. Nobody asks for tasks and nobody
 * hands them out: for tasks of equal length nothing can be faster.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "load.h"

enum {
    CORES_MAX = 1024,
};

/* What all the processes see. */
struct shared {
    int ready;
    int go;
    int64_t ended_ns[CORES_MAX];
    uint64_t values[];
};

static void stop_if(int failed, const char *what)
{
    if (failed) {
        perror(what);
        exit(1);
    }
}

static void work(const struct load *l, struct shared *s, int me, int cores)
{
    load_function *function = load_functions[l->function];
    __atomic_fetch_add(&s->ready, 1, __ATOMIC_ACQ_REL);
    while (!__atomic_load_n(&s->go, __ATOMIC_ACQUIRE))
        sched_yield();
    for (uint64_t i = (uint64_t)me; i < l->count; i += (uint64_t)cores)
        s->values[i] = function(load_payload(l, i));
    s->ended_ns[me] = clock_now_ns();
    _exit(0);
}

static double split(struct load *l, void *context)
{
    int cores = *(int *)context;
    size_t size = sizeof(struct shared) + l->count * sizeof(uint64_t);
    struct shared *s = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    stop_if(s == MAP_FAILED, "mmap");
    for (int i = 0; i < cores; i++) {
        pid_t pid = fork();
        stop_if(pid < 0, "fork");
        if (pid == 0)
            work(l, s, i, cores);
    }
    while (__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE) < cores)
        usleep(1000);
    int64_t began = clock_now_ns();
    int64_t ended = began;
    __atomic_store_n(&s->go, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < cores; i++)
        stop_if(wait(NULL) < 0, "wait");
    for (int i = 0; i < cores; i++)
        ended = s->ended_ns[i] > ended ? s->ended_ns[i] : ended;
    for (uint64_t i = 0; i < l->count; i++)
        l->values[i] = s->values[i];
    munmap(s, size);
    return (double)(ended - began) / 1e9;
}

int main(int argc, char **argv)
{
    int cores = argc > 3 ? atoi(argv[2]) : 0;
    if (cores < 1 || cores > CORES_MAX) {
        fprintf(stderr, "raw_split: wants a spin rate, cores, loads\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        load_measure(argv[i], strtod(argv[1], NULL), cores, split, &cores);
    return 0;
}
