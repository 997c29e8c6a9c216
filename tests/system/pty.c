/* pty.c - run a command on a terminal, type at it, and see what the terminal shows
 *
 *     pty [--columns N] [--screen FILE] [--await TEXT [--type TEXT]]... -- COMMAND
 * [ARG...]
 *
 * The command has a terminal of N columns (80) as its standard input, output and error.
 * What it writes goes to our standard output, byte by byte; what the terminal would
 * show in the end, to FILE. Each TEXT that is awaited must come, one behind the other,
 * before what follows it is typed, or that file made.
 *
 * Exit status: the command's own (128 + N if signal N ended it); 1 if it ended before
 * all that was awaited had come; 2 for wrong words.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CUES_MOST = 16,
    LINE_BYTES = 4096,
    EXIT_UNSEEN = 1,
    EXIT_USAGE = 2,
};

struct cue {
    const char *await;
    const char *type;  /* or NULL; so too: */
    const char *touch; /* a file */
};

struct options {
    int columns;
    const char *screen;
    struct cue cues[CUES_MOST];
    int count;
};

/* ---- a terminal, as far as it is used here: lines are never overwritten once left --
 */

struct screen {
    FILE *file; /* or NULL */
    int columns;
    char line[LINE_BYTES];
    size_t size;
    size_t at; /* the cursor */
    bool escape;
    char sequence[32];
    size_t sequence_size;
};

static void finish_line(struct screen *s)
{
    while (s->size > 0 && s->line[s->size - 1] == ' ')
        s->size--;
    fprintf(s->file, "%.*s\n", (int)s->size, s->line);
    s->size = s->at = 0;
}

/* ESC [ ... LETTER: K erases to the line's end, m is a colour. */
static void follow_escape(struct screen *s, char c)
{
    if (s->sequence_size < sizeof(s->sequence))
        s->sequence[s->sequence_size++] = c;
    if (s->sequence_size == 1 || c < '@' || c > '~')
        return;
    if (c == 'K')
        s->size = s->at;
    s->escape = false;
}

static void show_char(struct screen *s, char c)
{
    if (s->at == (size_t)s->columns) /* it would go on in the next line */
        finish_line(s);
    while (s->size <= s->at)
        s->line[s->size++] = ' ';
    s->line[s->at++] = c;
}

static void show(struct screen *s, const char *data, size_t size)
{
    for (size_t i = 0; i < size && s->file != NULL; i++) {
        char c = data[i];
        if (s->escape) {
            follow_escape(s, c);
        } else if (c == '\033') {
            s->escape = true;
            s->sequence_size = 0;
        } else if (c == '\r') {
            s->at = 0;
        } else if (c == '\n') {
            finish_line(s);
        } else {
            show_char(s, c);
        }
    }
}

/* ---- what is awaited, and typed -------------------------------------------------- */

struct wait {
    const struct options *o;
    int next;   /* cue */
    char *seen; /* since the last one came */
    size_t size;
};

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        perror(path);
    else
        close(fd);
}

static void look_for_cues(struct wait *w, int terminal, const char *data, size_t size)
{
    w->seen = realloc(w->seen, w->size + size + 1);
    if (w->seen == NULL)
        abort();
    memcpy(w->seen + w->size, data, size);
    w->size += size;
    w->seen[w->size] = '\0';
    while (w->next < w->o->count) {
        const struct cue *c = &w->o->cues[w->next];
        char *found = memmem(w->seen, w->size, c->await, strlen(c->await));
        if (found == NULL)
            return;
        char *rest = found + strlen(c->await);
        w->size -= (size_t)(rest - w->seen);
        memmove(w->seen, rest, w->size);
        if (c->type != NULL && write(terminal, c->type, strlen(c->type)) < 0)
            perror("pty: cannot type");
        if (c->touch != NULL)
            touch(c->touch);
        w->next++;
    }
}

/* ---- the whole ------------------------------------------------------------------- */

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        {"columns", required_argument, NULL, 'c'},
        {"screen", required_argument, NULL, 's'},
        {"await", required_argument, NULL, 'a'},
        {"type", required_argument, NULL, 't'},
        {"touch", required_argument, NULL, 'f'},
        {0},
    };
    int key;
    *o = (struct options){.columns = 80};
    while ((key = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (key == 'c')
            o->columns = atoi(optarg);
        else if (key == 's')
            o->screen = optarg;
        else if (key == 'a' && o->count < CUES_MOST)
            o->cues[o->count++].await = optarg;
        else if (key == 't' && o->count > 0)
            o->cues[o->count - 1].type = optarg;
        else if (key == 'f' && o->count > 0)
            o->cues[o->count - 1].touch = optarg;
        else
            return false;
    }
    return optind < argc && o->columns > 0 && o->columns < LINE_BYTES;
}

static void follow(const struct options *o, int terminal, struct wait *w)
{
    char data[4096];
    struct screen s = {.columns = o->columns};
    if (o->screen != NULL && (s.file = fopen(o->screen, "w")) == NULL)
        perror("pty: cannot write the screen");
    for (;;) {
        ssize_t n = read(terminal, data, sizeof(data));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* EIO: nobody has the terminal any more */
            break;
        fwrite(data, (size_t)n, 1, stdout);
        show(&s, data, (size_t)n);
        look_for_cues(w, terminal, data, (size_t)n);
    }
    if (s.file != NULL && s.size > 0)
        finish_line(&s);
    if (s.file != NULL)
        fclose(s.file);
}

int main(int argc, char **argv)
{
    struct options o;
    if (!parse(argc, argv, &o)) {
        fputs("usage: pty [--columns N] [--screen FILE] [--await TEXT [--type TEXT | "
              "--touch FILE]]... "
              "-- COMMAND [ARG...]\n",
              stderr);
        return EXIT_USAGE;
    }
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)o.columns};
    int terminal;
    int status;
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    if (child == 0) {
        execvp(argv[optind], argv + optind);
        perror(argv[optind]);
        _exit(127);
    }
    if (child < 0) {
        perror("pty: cannot have a terminal");
        return EXIT_USAGE;
    }
    struct wait w = {.o = &o};
    follow(&o, terminal, &w);
    waitpid(child, &status, 0);
    free(w.seen);
    if (w.next < o.count) {
        fprintf(stderr, "pty: '%s' never came\n", o.cues[w.next].await);
        return EXIT_UNSEEN;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
