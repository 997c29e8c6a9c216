/* outlet.c - has a launcher written all that its ranks have printed?
 *
 * A launcher that has something to write and may do so uses the processor. One that may
 * not, since a pipe is full, leaves the pipe full; the pipe is ours as well.
 */
#include "cli/outlet.h"

#include <poll.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    LOOKS = 3, /* at which nothing must have changed */
};

#define BETWEEN_NS (10 * NS_PER_MS)

/* -1: there is no such process. */
static int64_t used_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return -1;
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

/* One whose reader has gone takes anything. */
static bool takes_more(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) != 0;
}

void outlet_await(pid_t launcher, int64_t patience_ns, bool slowly, const int *asked)
{
    int64_t deadline_ns = clock_now_ns() + patience_ns;
    int64_t before = -1;
    int quiet = 0;
    while (quiet < LOOKS && __atomic_load_n(asked, __ATOMIC_ACQUIRE) == 0) {
        bool late = clock_now_ns() >= deadline_ns;
        if (late && !slowly)
            return;
        int64_t used = used_ns(launcher);
        bool idle = used == before || late; /* one that is never idle only polls */
        idle = idle && takes_more(STDOUT_FILENO) && takes_more(STDERR_FILENO);
        quiet = idle ? quiet + 1 : 0;
        before = used;
        nanosleep(&(struct timespec){.tv_nsec = BETWEEN_NS}, NULL);
    }
}
