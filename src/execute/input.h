/* input.h - what a command reads, and how that comes to it
 *
 *     EXECUTE_STANDARD  as its standard input: a file in memory, which nobody has to
 *                       feed; or a pipe, where more may come
 *     EXECUTE_FILE      by name: a file that is whole before the command starts
 *     EXECUTE_FIFO      by name: a named pipe, written to as it is read
 *
 * What has a name stands in a folder that is this process's alone, and called after it:
 * should it be killed, whoever clears up behind it knows whose it was (base/fell.h).
 *
 * Nobody waits because of a named pipe. As long as no reader has come we hold both its
 * ends, so that opening it does not wait; inotify tells that it was opened, and only
 * then is it written to. Once all was written, or the reader has gone, its name is
 * taken away first and our end closed then: who comes later finds nothing, instead of
 * waiting for a writer for ever.
 */
#ifndef ROTA_EXECUTE_INPUT_H
#define ROTA_EXECUTE_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "execute/execute.h"

/* What the inputs of several commands have in common. */
struct inputs {
    enum execute_input way;
    bool reads_on; /* more may come than a command starts with */
    char *folder;  /* where names are; NULL: there are none */
    unsigned made; /* names */
    int notify;    /* inotify's descriptor, of named pipes; or -1 */
};

/* One command's. */
struct input {
    struct inputs *common;
    int near;   /* the end that we write to; -1: nothing is, or will be, written */
    int far;    /* the other one: its standard input, or what keeps a fifo open; -1 */
    char *path; /* NULL: it has no name, or none any more */
    int watch;  /* inotify's, until the named pipe was opened; or -1 */
    char *data; /* what is to be written, from `at` on */
    size_t size;
    size_t cap;
    size_t at;
    bool last;    /* nothing more will come */
    bool blocked; /* the pipe is full */
};

/* Where commands are written to, the process ignores SIGPIPE from here on. Fails with
 * ROTA_E_ARG, ROTA_E_IO or ROTA_E_NOMEM; inputs_close() all the same. One
 * that is all zero bytes, but for `notify`, may be closed too. */
int inputs_open(struct inputs *all, enum execute_input way, bool reads_on,
                struct rota_error *err);
void inputs_close(struct inputs *all);

/* The watch that has ended as its named pipe was opened: 0, and the next one that
 * inotify tells, or false. */
bool inputs_next_opened(const struct inputs *all, int *watch);

/* One that nothing has been done for. */
void input_init(struct input *in, struct inputs *all);

/* Make it: then in->far is to be the command's standard input (-1: it has none), and
 * in->path the name that it is told, if any. `data` is copied. Returns 0 or an errno;
 * input_end() all the same. */
int input_begin(struct input *in, const void *data, size_t size);

/* The command has been started: what was its alone is closed here. */
void input_started(struct input *in);

/* The named pipe was opened, by whomever. */
void input_opened(struct input *in);

/* `size` bytes more for it to read; `last`: and then no more. ROTA_E_NOMEM: none were
 * taken. Where nobody reads any more, they are dropped. */
int input_add(struct input *in, const void *data, size_t size, bool last);

/* Write what there is room for. */
void input_write(struct input *in);

/* Whether it has taken all that came, and would take more. */
bool input_is_hungry(const struct input *in);

/* Nothing more is written, and nothing of it stays behind. */
void input_end(struct input *in);

#endif
