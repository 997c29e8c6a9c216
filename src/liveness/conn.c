/* conn.c - one end of a liveness line: frames over a non-blocking socket */
#include "liveness/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"

static int buffer_reserve(struct conn_buffer *b, size_t more)
{
    if (b->start == b->end)
        b->start = b->end = 0;
    if (b->cap - b->end >= more)
        return 0;
    size_t held = b->end - b->start;
    if (b->start > 0) {
        memmove(b->bytes, b->bytes + b->start, held);
        b->start = 0;
        b->end = held;
    }
    if (b->cap - held >= more)
        return 0;
    size_t cap = (held + more) * 2;
    unsigned char *bytes = realloc(b->bytes, cap);
    if (bytes == NULL)
        return ROTA_E_NOMEM;
    b->bytes = bytes;
    b->cap = cap;
    return 0;
}

static void buffer_append(struct conn_buffer *b, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(b->bytes + b->end, bytes, size);
    b->end += size;
}

void conn_init(struct conn *c, int fd, size_t max_payload, int64_t now_ns)
{
    *c = (struct conn){.fd = fd, .max_payload = max_payload, .heard_ns = now_ns};
}

void conn_done(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->in.bytes);
    free(c->out.bytes);
    *c = (struct conn){.fd = -1, .ended = true};
}

int conn_send(struct conn *c, enum line_kind kind, const void *payload, size_t size)
{
    if (c->ended || c->deaf)
        return 0;
    unsigned char header[LINE_HEADER_BYTES];
    line_put_header(header, kind, size);
    if (buffer_reserve(&c->out, sizeof(header) + size) != 0)
        return ROTA_E_NOMEM;
    buffer_append(&c->out, header, sizeof(header));
    buffer_append(&c->out, payload, size);
    conn_flush(c);
    return 0;
}

void conn_flush(struct conn *c)
{
    struct conn_buffer *b = &c->out;
    while (b->start < b->end && !c->ended && !c->deaf) {
        ssize_t n = fault(FAULT_LINE) ? -1
                                      : send(c->fd, b->bytes + b->start,
                                             b->end - b->start, MSG_NOSIGNAL);
        if (n >= 0)
            b->start += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        else if (errno != EINTR)
            c->deaf = true;
    }
    if (c->deaf)
        b->start = b->end;
}

short conn_events(const struct conn *c)
{
    return (short)(POLLIN | (c->out.start < c->out.end ? POLLOUT : 0));
}

int conn_read(struct conn *c, int64_t now_ns)
{
    enum {
        CHUNK = 16384
    };
    while (!c->ended) {
        if (buffer_reserve(&c->in, CHUNK) != 0)
            return ROTA_E_NOMEM;
        ssize_t n = recv(c->fd, c->in.bytes + c->in.end, CHUNK, 0);
        if (n > 0) {
            c->in.end += (size_t)n;
            c->heard_ns = now_ns;
            if (n < CHUNK || c->in.end - c->in.start > c->max_payload + CHUNK)
                return 0;
        } else if (n == 0) {
            c->ended = true;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        } else if (errno != EINTR) {
            c->ended = true;
        }
    }
    return 0;
}

int conn_next(struct conn *c, struct line_frame *out)
{
    size_t held = c->in.end - c->in.start;
    if (held == 0)
        return 0;
    long used = line_parse(c->in.bytes + c->in.start, held, c->max_payload, out);
    if (used <= 0)
        return (int)used;
    c->in.start += (size_t)used;
    return 1;
}
