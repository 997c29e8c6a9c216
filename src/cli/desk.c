/* desk.c - what rank 0 gets from the front directly, past the launcher */
#include "cli/desk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/fault.h"
#include "cli/pump.h"

struct desk {
    pthread_t thread;
    int listener;
    struct desk_lent lent;
    int closing[2]; /* a pipe: its end of file ends the thread */
    pthread_mutex_t lock;
    int visitor; /* rank 0's connection while it is there, or -1: under `lock` */
    bool came;   /* the thread's, until it is joined; so too: */
    int status;
};

/* Returns the address's length. */
static socklen_t address(const char *name, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path + 1, name, strlen(name));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static bool same_user(int connection)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == geteuid();
}

/* --- the descriptors ------------------------------------------------------ */

enum {
    FDS_MAX = 3,
};

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

static struct msghdr message(struct iovec *part, union control *control, size_t size)
{
    return (struct msghdr){
        .msg_iov = part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = size,
    };
}

static bool lend(const struct desk *d, int connection)
{
    char byte = 'r';
    int fds[FDS_MAX] = {d->lent.output, STDERR_FILENO, d->lent.input};
    size_t size = (d->lent.input >= 0 ? 3 : 2) * sizeof(int);
    union control control = {0};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr m = message(&part, &control, CMSG_SPACE(size));
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(&control.header), fds, size);
    return sendmsg(connection, &m, MSG_NOSIGNAL) == 1;
}

static bool borrow(int connection)
{
    static const int places[FDS_MAX] = {STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO};
    char byte;
    int fds[FDS_MAX] = {-1, -1, -1};
    union control control = {0};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr m = message(&part, &control, sizeof(control));
    if (recvmsg(connection, &m, MSG_CMSG_CLOEXEC) != 1 ||
        control.header.cmsg_type != SCM_RIGHTS ||
        control.header.cmsg_len < CMSG_LEN(2 * sizeof(int)) ||
        control.header.cmsg_len > CMSG_LEN(sizeof(fds)))
        return false;
    size_t size = control.header.cmsg_len - CMSG_LEN(0);
    memcpy(fds, CMSG_DATA(&control.header), size);
    bool ok = true;
    for (size_t i = 0; i < size / sizeof(int); i++) {
        ok = dup2(fds[i], places[i]) >= 0 && ok;
        close(fds[i]);
    }
    return ok;
}

/* --- the thread ----------------------------------------------------------- */

/* Without memory or a thread for that, it is tried again. */
static void leave_input_to_launcher(struct desk_lent *lent)
{
    if (pump_begin(lent->input, lent->launcher) == 0)
        lent->input = lent->launcher = -1;
}

/* Wait for something to read; false where the desk is being closed first. */
static bool wait_readable(struct desk *d, int fd)
{
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
                          {.fd = d->closing[0], .events = POLLIN}};
    int n;
    while ((n = poll(p, 2, d->lent.launcher >= 0 ? d->lent.patience_ms : -1)) <= 0)
        if (n == 0)
            leave_input_to_launcher(&d->lent);
    return p[0].revents != 0;
}

static void set_visitor(struct desk *d, int connection)
{
    pthread_mutex_lock(&d->lock);
    d->visitor = connection;
    pthread_mutex_unlock(&d->lock);
}

static void attend(struct desk *d, int connection)
{
    unsigned char byte;
    d->came = lend(d, connection);
    if (d->came && d->lent.launcher >= 0) {
        close(d->lent.launcher);
        d->lent.launcher = -1;
    }
    set_visitor(d, d->came ? connection : -1);
    if (d->came && wait_readable(d, connection) && read(connection, &byte, 1) == 1)
        d->status = byte;
    set_visitor(d, -1);
}

static void *serve(void *arg)
{
    struct desk *d = arg;
    while (!d->came && wait_readable(d, d->listener)) {
        rota_auto(fd) int connection = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection >= 0 && same_user(connection))
            attend(d, connection);
    }
    return NULL;
}

static int begin_thread(struct desk *d)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are for the thread that waits for the launcher */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = fault(FAULT_THREAD) ? errno : pthread_create(&d->thread, NULL, serve, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* Returns an errno. */
static int open_listener(struct desk *d, char name[DESK_NAME_SIZE])
{
    uint64_t chance[2];
    struct sockaddr_un where;
    if (getrandom(chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
        return errno;
    snprintf(name, DESK_NAME_SIZE, "rota-%016jx%016jx", (uintmax_t)chance[0],
             (uintmax_t)chance[1]);
    socklen_t length = address(name, &where);
    d->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->listener < 0 || bind(d->listener, (struct sockaddr *)&where, length) != 0 ||
        fault(FAULT_LISTEN) || listen(d->listener, 4) != 0 ||
        pipe2(d->closing, O_CLOEXEC) != 0)
        return errno;
    return 0;
}

static void desk_free(struct desk *d)
{
    if (d == NULL)
        return;
    int fds[] = {d->listener, d->lent.input, d->lent.launcher, d->closing[0],
                 d->closing[1]};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

ROTA_AUTO_DEFINE(desk, struct desk *, desk_free);

/* --- public --------------------------------------------------------------- */

int desk_open(const struct desk_lent *lent, char name[DESK_NAME_SIZE],
              struct desk **out, struct rota_error *err)
{
    rota_auto(desk) struct desk *d = malloc(sizeof(*d));
    if (d == NULL) {
        if (lent->input >= 0)
            close(lent->input);
        if (lent->launcher >= 0)
            close(lent->launcher);
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    }
    *d = (struct desk){.listener = -1,
                       .lent = *lent,
                       .closing = {-1, -1},
                       .visitor = -1,
                       .status = -1};
    pthread_mutex_init(&d->lock, NULL);
    int rc = open_listener(d, name);
    if (rc == 0)
        rc = begin_thread(d);
    if (rc != 0)
        return error_set(err, ROTA_E_IO, "cannot wait for rank 0: %s", strerror(rc));
    *out = rota_steal(d);
    return 0;
}

bool desk_pass_on(struct desk *d, int signal)
{
    unsigned char byte = (unsigned char)signal;
    pthread_mutex_lock(&d->lock);
    bool heard =
        d->visitor >= 0 && send(d->visitor, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
    pthread_mutex_unlock(&d->lock);
    return heard;
}

bool desk_close(struct desk *d, int *status)
{
    close(d->closing[1]);
    d->closing[1] = -1;
    pthread_join(d->thread, NULL);
    bool came = d->came;
    *status = d->status;
    desk_free(d);
    return came;
}

int desk_come(const char *name)
{
    struct sockaddr_un where;
    if (strlen(name) >= DESK_NAME_SIZE)
        return -1;
    socklen_t length = address(name, &where);
    rota_auto(fd) int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || connect(connection, (struct sockaddr *)&where, length) != 0 ||
        !same_user(connection) || !borrow(connection))
        return -1;
    return fd_steal(&connection);
}

int desk_listen(int connection)
{
    unsigned char byte;
    return recv(connection, &byte, 1, MSG_DONTWAIT) == 1 ? byte : 0;
}

void desk_leave(int connection, int status)
{
    unsigned char byte = (unsigned char)status;
    if (connection < 0)
        return;
    send(connection, &byte, 1, MSG_NOSIGNAL);
    close(connection);
}
