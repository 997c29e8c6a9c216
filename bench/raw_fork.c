/* raw_fork.c - how soon a plain parent has its next child at work after a crash
 *
 * Prints milliseconds from a child's SIGSEGV to the first thing that the next child
 * does, where the parent does nothing else but wait and fork: the median of 21.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sorted.h"

enum {
    CRASHES = 21,
};

static int64_t *crashed_ns; /* shared with the children */

static void crash(void)
{
    *crashed_ns = clock_now_ns();
    raise(SIGSEGV);
}

static void come_back(void)
{
    *crashed_ns = clock_now_ns() - *crashed_ns;
}

static int child(void (*does)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        does();
        _exit(0);
    }
    return pid < 0 || waitpid(pid, NULL, 0) < 0 ? -1 : 0;
}

int main(void)
{
    double ms[CRASHES];
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    crashed_ns = mmap(NULL, sizeof(*crashed_ns), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (crashed_ns == MAP_FAILED)
        return 1;
    for (int i = 0; i < CRASHES; i++) {
        if (child(crash) != 0 || child(come_back) != 0) {
            perror("raw_fork");
            return 1;
        }
        ms[i] = (double)*crashed_ns / 1e6;
    }
    printf("%.3f\n", median(ms, CRASHES));
    return 0;
}
