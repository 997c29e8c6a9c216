/* least.c - a process, and nothing else (bench/commands)
 *
 * Without a library to load and to begin, it costs what the kernel takes to start and
 * end a process. What is then left of a run's time is the work of whoever starts it.
 */
#include <unistd.h>

void _start(void) __attribute__((noreturn));

void _start(void)
{
    _exit(0);
}
