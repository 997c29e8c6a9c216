/* arguments.c - the arguments of a run, from the command line or a descriptor */
#include "cli/arguments.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

enum {
    READ_BYTES = 65536,
};

void arguments_init_list(struct arguments *a, char *const *list, int count)
{
    *a = (struct arguments){.list = list, .count = count, .fd = -1};
}

void arguments_init_fd(struct arguments *a, int fd, char end)
{
    *a = (struct arguments){.fd = fd, .end = end};
}

void arguments_done(struct arguments *a)
{
    free(a->data);
    a->data = NULL;
}

/* Room for READ_BYTES more, and a 0 behind them. */
static int reserve(struct arguments *a, struct rota_error *err)
{
    if (a->from > 0) {
        memmove(a->data, a->data + a->from, a->to - a->from);
        a->to -= a->from;
        a->seen -= a->from;
        a->from = 0;
    }
    if (a->cap - a->to > READ_BYTES)
        return 0;
    size_t cap = a->cap ? a->cap * 2 : (size_t)2 * READ_BYTES;
    char *data = realloc(a->data, cap);
    if (data == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory for arguments");
    a->data = data;
    a->cap = cap;
    return 0;
}

/* Read what is there. Fails with ROTA_E_TIMEOUT where that is nothing. */
static int fill(struct arguments *a, struct rota_error *err)
{
    struct pollfd p = {.fd = a->fd, .events = POLLIN};
    int rc = reserve(a, err);
    if (rc != 0)
        return rc;
    if (poll(&p, 1, 0) == 0)
        return ROTA_E_TIMEOUT;
    ssize_t n = read(a->fd, a->data + a->to, READ_BYTES);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return ROTA_E_TIMEOUT;
    if (n < 0)
        return error_set(err, ROTA_E_IO, "cannot read arguments: %s", strerror(errno));
    a->at_end = n == 0;
    a->to += (size_t)n;
    return 0;
}

/* Give the argument that stands before data[length]. */
static int give(struct arguments *a, size_t end, const char **out,
                struct rota_error *err)
{
    char *text = a->data + a->from;
    a->given++;
    a->data[end] = '\0';
    if (strlen(text) != end - a->from)
        return error_set(err, ROTA_E_FORMAT,
                         "line %ju of the arguments holds a NUL byte; use -0 for a "
                         "list that NUL bytes separate",
                         (uintmax_t)a->given);
    *out = text;
    a->from = a->seen = end < a->to ? end + 1 : end;
    return 0;
}

static int next_read(struct arguments *a, const char **out, struct rota_error *err)
{
    for (;;) {
        char *end =
            a->to > a->seen ? memchr(a->data + a->seen, a->end, a->to - a->seen) : NULL;
        a->seen = a->to;
        if (end != NULL)
            return give(a, (size_t)(end - a->data), out, err);
        if (a->at_end && a->to > a->from)
            return give(a, a->to, out, err);
        if (a->at_end)
            return ROTA_E_NOTFOUND;
        if (a->to - a->from > ARGUMENT_MAX_BYTES)
            return error_set(err, ROTA_E_FORMAT,
                             "line %ju of the arguments is longer than a command may "
                             "be; is it a list, one a line?",
                             (uintmax_t)a->given + 1);
        int rc = fill(a, err);
        if (rc != 0)
            return rc;
    }
}

int arguments_next(struct arguments *a, const char **out, struct rota_error *err)
{
    if (a->list == NULL)
        return next_read(a, out, err);
    if (a->given == (uint64_t)a->count)
        return ROTA_E_NOTFOUND;
    *out = a->list[a->given++];
    return 0;
}

int64_t arguments_left(const struct arguments *a)
{
    if (a->list != NULL)
        return a->count - (int64_t)a->given;
    return a->at_end && a->from == a->to ? 0 : -1;
}
