/* clock.c - a preload library that sets the clock of one run
 *
 * CHAOS_CLOCK names a file of 8 bytes, which every process of the run maps: an int64_t,
 * so many seconds are added to the time of day (CLOCK_REALTIME) from the moment on at
 * which it is written. Other clocks stay as they are, as they do when a machine's clock
 * is set. Who waits until a time of day does so by the clock that it reads.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t unset;
static const volatile int64_t *shift_s = &unset;

static void __attribute__((constructor)) begin(void)
{
    const char *path = getenv("CHAOS_CLOCK");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof(*shift_s), PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        shift_s = map;
    close(fd);
}

static int is_set(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

/* Not by way of dlsym: the loader and malloc may ask for the time before it works. */
static int read_clock(clockid_t clock, struct timespec *t)
{
    return (int)syscall(SYS_clock_gettime, clock, t);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
    static int (*real)(clockid_t clock, struct timespec * t);
    if (!is_set(clock)) { /* asked for often: without a system call */
        if (real == NULL)
            *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
        return real != NULL ? real(clock, t) : read_clock(clock, t);
    }
    int rc = read_clock(clock, t);
    if (rc == 0)
        t->tv_sec += *shift_s;
    return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    int rc = clock_gettime(CLOCK_REALTIME, &now);
    if (rc == 0)
        *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return rc;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* The moment `until` by the clock that the kernel waits with. It may be one of
 * CLOCK_MONOTONIC, whose times are those of a machine that has been up for years. */
static struct timespec kernels(const struct timespec *until)
{
    enum {
        DECADES_S = 1000000000,
    };
    struct timespec t = *until;
    if (t.tv_sec > DECADES_S)
        t.tv_sec -= *shift_s;
    return t;
}

#define REAL(name, ...)                                                                \
    static int (*real)(__VA_ARGS__);                                                   \
    if (real == NULL)                                                                  \
    *(void **)&real = dlsym(RTLD_NEXT, name)

int pthread_cond_timedwait(pthread_cond_t *restrict cond,
                           pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    REAL("pthread_cond_timedwait", pthread_cond_t *, pthread_mutex_t *,
         const struct timespec *);
    struct timespec t = kernels(until);
    return real(cond, mutex, &t);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
                            const struct timespec *restrict until)
{
    REAL("pthread_mutex_timedlock", pthread_mutex_t *, const struct timespec *);
    struct timespec t = kernels(until);
    return real(mutex, &t);
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict until)
{
    REAL("sem_timedwait", sem_t *, const struct timespec *);
    struct timespec t = kernels(until);
    return real(sem, &t);
}
