/* clock.h - the clocks, in nanoseconds
 *
 * Parts that decide take the time as an argument; those that wait ask here.
 */
#ifndef ROTA_BASE_CLOCK_H
#define ROTA_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_SEC INT64_C(1000000000)

/* Nanoseconds since some moment before the program's start; never goes back, and
 * stands still while the machine sleeps. */
static inline int64_t clock_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

/* Nanoseconds since 1970 by the wall clock, which may be set: for reports alone. */
static inline int64_t clock_wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

/* The moment `timeout_ms` milliseconds from now; INT64_MAX (none) where that is below
 * 0, or further away than can be said. */
static inline int64_t clock_deadline_ns(int64_t timeout_ms)
{
    int64_t ns;
    if (timeout_ms < 0 || __builtin_mul_overflow(timeout_ms, NS_PER_MS, &ns) ||
        __builtin_add_overflow(ns, clock_now_ns(), &ns))
        return INT64_MAX;
    return ns;
}

/* Sleep until that moment, unless a signal comes. */
static inline void clock_sleep_until(int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / NS_PER_SEC,
                             .tv_nsec = deadline_ns % NS_PER_SEC};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* Milliseconds to wait until `deadline_ns`, for poll(): rounded up, 0 if it has
 * passed, -1 (for ever) where the deadline is INT64_MAX. */
static inline int clock_poll_ms(int64_t deadline_ns, int64_t now_ns)
{
    if (deadline_ns == INT64_MAX)
        return -1;
    if (deadline_ns <= now_ns)
        return 0;
    int64_t ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return ms > 3600000 ? 3600000 : (int)ms;
}

/* The sum of two lengths of time, which may be anybody's: INT64_MAX where it is more.
 */
static inline int64_t clock_sum_ns(int64_t a_ns, int64_t b_ns)
{
    int64_t sum_ns;
    return __builtin_add_overflow(a_ns, b_ns, &sum_ns) ? INT64_MAX : sum_ns;
}

#endif
