/* screen.c - a line that changes, below whatever else is written to a terminal */
#include "cli/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define QUIET_NS (500 * NS_PER_MS) /* a run that is over by then needs no line */
#define DRAW_NS  (150 * NS_PER_MS)
#define PIPE_NS  (1000 * NS_PER_MS) /* so often where nobody sees it change */

enum {
    COLUMNS_DEFAULT = 80,
};

static const char erase[] = "\r\033[K";

/* A terminal that can take a line away. */
static bool is_capable(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

void screen_init(struct screen *s, int fd, enum progress_form wanted, int64_t now_ns)
{
    struct stat st;
    *s = (struct screen){.form = wanted, .fd = fd, .next_ns = now_ns};
    s->terminal = is_capable(fd) && fstat(fd, &st) == 0;
    if (s->terminal)
        s->device = st.st_rdev;
    if (wanted != PROGRESS_AUTO)
        return;
    s->form = s->terminal ? PROGRESS_LINE : PROGRESS_NONE;
    s->next_ns += QUIET_NS;
}

/* One less than there are: in the last one the cursor would stand nowhere. */
static int columns(const struct screen *s)
{
    struct winsize size;
    const char *env = getenv("COLUMNS");
    int n = env != NULL ? atoi(env) : 0;
    if (s->terminal && ioctl(s->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        n = size.ws_col;
    return (n > 1 ? n : COLUMNS_DEFAULT) - 1;
}

/* What can't be written is no loss. */
static void put(const struct screen *s, const char *data, size_t size)
{
    ssize_t ignored = write(s->fd, data, size);
    (void)ignored;
}

bool screen_is_due(const struct screen *s, int64_t now_ns)
{
    return s->form != PROGRESS_NONE && now_ns >= s->next_ns;
}

void screen_draw(struct screen *s, const struct progress *p, int64_t now_ns)
{
    char line[SCREEN_LINE_BYTES];
    const char *before = s->terminal ? erase : "\r";
    size_t size = strlen(before);
    s->next_ns = now_ns + (s->terminal ? DRAW_NS : PIPE_NS);
    if (s->begun)
        return;
    memcpy(line, before, size);
    if (s->form == PROGRESS_BAR && !s->terminal)
        size += progress_zenity(p, line + size, sizeof(line) - size);
    else
        size += progress_text(p, s->form, columns(s), line + size, sizeof(line) - size);
    if (s->shown && strcmp(line, s->line) == 0)
        return;
    put(s, line, size);
    memcpy(s->line, line, size + 1);
    s->shown = true;
}

static bool is_here(const struct screen *s, int fd)
{
    struct stat st;
    if (s == NULL || s->form == PROGRESS_NONE || !s->terminal)
        return false;
    return fd == s->fd ||
           (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == s->device);
}

void screen_make_way(struct screen *s, int fd)
{
    if (s == NULL || !s->shown || !is_here(s, fd))
        return;
    put(s, erase, sizeof(erase) - 1);
    s->shown = false;
}

void screen_wrote(struct screen *s, int fd, const char *data, size_t size)
{
    if (size > 0 && is_here(s, fd))
        s->begun = data[size - 1] != '\n';
}

void screen_typed(struct screen *s)
{
    s->shown = s->form != PROGRESS_NONE && s->terminal && !s->begun;
    s->line[0] = '\0';
}

void screen_done(struct screen *s, const struct progress *last)
{
    if (s->form == PROGRESS_NONE)
        return;
    if (s->terminal) {
        screen_make_way(s, s->fd);
    } else {
        screen_draw(s, last, 0);
        put(s, "\n", 1);
    }
    s->form = PROGRESS_NONE;
}
