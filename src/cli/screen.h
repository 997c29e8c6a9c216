/* screen.h - a line that changes, below whatever else is written to a terminal
 *
 * Who writes to standard output or error first asks for room (screen_make_way), and
 * then says what was written last (screen_wrote): if that is this terminal, the line is
 * gone meanwhile, and comes again only below a finished line.
 *
 * Where standard error is no terminal there is a line only if it is asked for; it is
 * then written behind a carriage return each time, and nothing is taken away.
 */
#ifndef ROTA_CLI_SCREEN_H
#define ROTA_CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/progress.h"

enum {
    SCREEN_LINE_BYTES = 600,
};

struct screen {
    enum progress_form form; /* PROGRESS_NONE: none is shown; else never AUTO */
    int fd;
    bool terminal;
    dev_t device;                 /* of the terminal */
    bool shown;                   /* the line is there */
    bool begun;                   /* there is an unfinished line of somebody else's */
    int64_t next_ns;              /* when it may be drawn again */
    char line[SCREEN_LINE_BYTES]; /* as it was drawn */
};

/* Decide by `wanted` and by what `fd` is whether there is a line. */
void screen_init(struct screen *s, int fd, enum progress_form wanted, int64_t now_ns);

/* Whether it is time to draw the line anew. */
bool screen_is_due(const struct screen *s, int64_t now_ns);
void screen_draw(struct screen *s, const struct progress *p, int64_t now_ns);

/* Something is about to be written to `fd`; it was, and this was its end. NULL is
 * accepted as the screen. */
void screen_make_way(struct screen *s, int fd);
void screen_wrote(struct screen *s, int fd, const char *data, size_t size);

/* Something was typed, and shows where the line stands or would ("^C"). */
void screen_typed(struct screen *s);

/* The line is not needed any more. */
void screen_done(struct screen *s, const struct progress *last);

#endif
