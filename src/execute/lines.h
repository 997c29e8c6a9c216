/* lines.h - the lines of what comes through a pipe, however it is cut up */
#ifndef ROTA_EXECUTE_LINES_H
#define ROTA_EXECUTE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All zeros: empty. What was taken may be overwritten by the next lines_read. */
struct lines {
    char *data;
    size_t cap;
    size_t begin;   /* of what was not taken */
    size_t scanned; /* up to here there is no line end in it */
    size_t end;
};

/* Read what there is in `fd`, once. Returns how many bytes that was, 0 at the end of
 * the file, or a negative errno (-EAGAIN: nothing is there yet; -ENOMEM). */
ssize_t lines_read(struct lines *l, int fd);

/* The next whole line, without its line end; borrowed. False: there is none. */
bool lines_next(struct lines *l, const char **line, size_t *size);

/* What is there of a line without its end. *line may be NULL where that is nothing. */
size_t lines_rest(const struct lines *l, const char **line);

/* Forget all; the buffer is kept unless it is large. */
void lines_clear(struct lines *l);

void lines_done(struct lines *l);

#endif
