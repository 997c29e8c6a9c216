/* lines.c - the lines of what comes through a pipe, however it is cut up */
#include "execute/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536,  /* what a pipe holds, as a rule */
    KEPT_BYTES = 1 << 20 /* a buffer of so many bytes is used again */
};

/* Room for READ_BYTES more: first where lines were taken, then by growing. */
static int make_room(struct lines *l)
{
    if (l->begin == l->end)
        l->begin = l->scanned = l->end = 0;
    if (l->cap - l->end >= READ_BYTES)
        return 0;
    if (l->begin > 0) {
        memmove(l->data, l->data + l->begin, l->end - l->begin);
        l->scanned -= l->begin;
        l->end -= l->begin;
        l->begin = 0;
    }
    if (l->cap - l->end >= READ_BYTES)
        return 0;
    size_t cap = 2 * l->cap + READ_BYTES;
    char *data = realloc(l->data, cap);
    if (data == NULL)
        return -ENOMEM;
    l->data = data;
    l->cap = cap;
    return 0;
}

ssize_t lines_read(struct lines *l, int fd)
{
    if (make_room(l) != 0)
        return -ENOMEM;
    ssize_t n;
    do
        n = read(fd, l->data + l->end, READ_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    l->end += (size_t)n;
    return n;
}

bool lines_next(struct lines *l, const char **line, size_t *size)
{
    if (l->scanned == l->end)
        return false;
    const char *end = memchr(l->data + l->scanned, '\n', l->end - l->scanned);
    if (end == NULL) {
        l->scanned = l->end;
        return false;
    }
    *line = l->data + l->begin;
    *size = (size_t)(end - *line);
    l->begin += *size + 1;
    l->scanned = l->begin;
    return true;
}

size_t lines_rest(const struct lines *l, const char **line)
{
    *line = l->data ? l->data + l->begin : NULL;
    return l->end - l->begin;
}

void lines_clear(struct lines *l)
{
    l->begin = l->scanned = l->end = 0;
    if (l->cap > KEPT_BYTES)
        lines_done(l);
}

void lines_done(struct lines *l)
{
    free(l->data);
    *l = (struct lines){0};
}
