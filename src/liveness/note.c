/* note.c - what a rank and its parent say to each other on their socket pair */
#include "liveness/note.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union fd_room {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static struct msghdr message_of(struct iovec *part, union fd_room *room)
{
    memset(room, 0, sizeof(*room));
    return (struct msghdr){.msg_iov = part,
                           .msg_iovlen = 1,
                           .msg_control = room->bytes,
                           .msg_controllen = sizeof(room->bytes)};
}

int note_send(int socket, const struct note *n, int fd)
{
    struct note copy = *n;
    struct iovec part = {.iov_base = &copy, .iov_len = sizeof(copy)};
    union fd_room room;
    struct msghdr m = message_of(&part, &room);
    if (fd < 0) {
        m.msg_control = NULL;
        m.msg_controllen = 0;
    } else {
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof(*n) ? 0 : ROTA_E_IO;
}

int note_receive(int socket, struct note *out, int *fd)
{
    struct iovec part = {.iov_base = out, .iov_len = sizeof(*out)};
    union fd_room room;
    struct msghdr m = message_of(&part, &room);
    ssize_t got;
    do
        got = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (got != (ssize_t)sizeof(*out))
        return ROTA_E_IO;
    *fd = -1;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(c), sizeof(int));
    return 1;
}
