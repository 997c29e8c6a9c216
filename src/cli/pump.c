/* pump.c - a terminal's input for who is not in the foreground */
#include "cli/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/io.h"

struct pump {
    int from;
    int to;
};

static void *pump(void *arg)
{
    struct pump *p = arg;
    char data[4096];
    ssize_t n;
    do {
        n = read(p->from, data, sizeof(data));
    } while ((n > 0 && io_write_all(p->to, data, (size_t)n) == 0) ||
             (n < 0 && errno == EINTR));
    close(p->from);
    close(p->to);
    free(p);
    return NULL;
}

/* Every signal, SIGPIPE too, is for others. */
int pump_begin(int from, int to)
{
    struct pump *p = malloc(sizeof(*p));
    if (p == NULL)
        return ENOMEM;
    *p = (struct pump){.from = from, .to = to};
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = fault(FAULT_THREAD) ? errno : pthread_create(&thread, NULL, pump, p);
    if (rc == 0)
        pthread_detach(thread);
    else
        free(p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

int pump_open(int from)
{
    int fds[2] = {-1, -1};
    int rc = pipe2(fds, O_CLOEXEC) == 0 ? pump_begin(from, fds[1]) : errno;
    if (rc == 0)
        return fds[0];
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    close(from);
    errno = rc;
    return -1;
}
