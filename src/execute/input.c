/* input.c - what a command reads, and how that comes to it */
#include "execute/input.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fault.h"
#include "base/fell.h"
#include "base/io.h"
#include "base/scratch.h"
#include "execute/starter.h"

enum {
    PIPE_BYTES = 1 << 20, /* as large as anyone may have it */
    KEPT_BYTES = 1 << 20, /* a buffer of so many bytes is used again */
};

/* ---- what they have in common ------------------------------------------------ */

int inputs_open(struct inputs *all, enum execute_input way, bool reads_on,
                struct rota_error *err)
{
    *all = (struct inputs){.way = way, .reads_on = reads_on, .notify = -1};
    if (way == EXECUTE_FILE && reads_on)
        return error_set(err, ROTA_E_ARG,
                         "a file is whole before its command starts: nothing more can "
                         "come");
    if (way == EXECUTE_FIFO || reads_on)
        signal(SIGPIPE, SIG_IGN); /* that nobody reads is an error of write() */
    if (way == EXECUTE_STANDARD)
        return 0;
    const char *base = scratch_above();
    if (asprintf(&all->folder, "%s/" FELL_INPUTS "%d-XXXXXX", base, (int)getpid()) <
        0) {
        all->folder = NULL;
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    }
    if (mkdtemp(all->folder) == NULL) {
        int error = errno;
        free(all->folder);
        all->folder = NULL;
        return error_set(err, ROTA_E_IO,
                         "cannot make a folder for what commands read in '%s': %s; let "
                         "TMPDIR name another one",
                         base, strerror(error));
    }
    if (way != EXECUTE_FIFO)
        return 0;
    all->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (all->notify < 0)
        return error_set(err, ROTA_E_IO, "cannot watch named pipes: %s",
                         strerror(errno));
    return 0;
}

void inputs_close(struct inputs *all)
{
    if (all->notify >= 0)
        close(all->notify);
    if (all->folder != NULL)
        rmdir(all->folder); /* what was in it went with its commands */
    free(all->folder);
    *all = (struct inputs){.notify = -1};
}

bool inputs_next_opened(const struct inputs *all, int *watch)
{
    struct inotify_event event; /* of a file and no folder: without a name */
    while (read(all->notify, &event, sizeof(event)) == (ssize_t)sizeof(event))
        if (event.mask & IN_OPEN) {
            *watch = event.wd;
            return true;
        }
    return false;
}

/* ---- its begin --------------------------------------------------------------- */

void input_init(struct input *in, struct inputs *all)
{
    *in = (struct input){.common = all, .near = -1, .far = -1, .watch = -1};
}

static int begin_memory(struct input *in, const void *data, size_t size)
{
    if (data == NULL)
        return 0;
    in->far = fault(FAULT_SHARED) ? -1 : memfd_create("rota-input", MFD_CLOEXEC);
    if (in->far < 0)
        return errno;
    int rc = io_write_all(in->far, data, size);
    return rc != 0 || lseek(in->far, 0, SEEK_SET) == 0 ? rc : errno;
}

/* The pipe is to hold much, so that its command need not wait while more is fetched. */
static int begin_pipe(struct input *in, const void *data, size_t size)
{
    int rc = starter_pipe(&in->near, &in->far, false);
    if (rc != 0)
        return rc;
    fcntl(in->near, F_SETPIPE_SZ, PIPE_BYTES);
    return input_add(in, data, size, false) == 0 ? 0 : ENOMEM;
}

static int name(struct input *in)
{
    struct inputs *all = in->common;
    if (fault(FAULT_SHARED))
        return errno;
    if (asprintf(&in->path, "%s/%u", all->folder, ++all->made) < 0) {
        in->path = NULL;
        return ENOMEM;
    }
    return 0;
}

static int begin_file(struct input *in, const void *data, size_t size)
{
    int rc = name(in);
    if (rc != 0)
        return rc;
    rota_auto(fd) int fd =
        open(in->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 ? io_write_all(fd, data, size) : errno;
}

static int begin_fifo(struct input *in, const void *data, size_t size)
{
    int rc = name(in);
    if (rc != 0)
        return rc;
    if (mkfifo(in->path, 0600) != 0)
        return errno;
    in->near = open(in->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (in->near < 0)
        return errno;
    in->watch = inotify_add_watch(in->common->notify, in->path, IN_OPEN | IN_ONESHOT);
    if (in->watch < 0)
        return errno;
    fcntl(in->near, F_SETPIPE_SZ, PIPE_BYTES);
    return input_add(in, data, size, !in->common->reads_on) == 0 ? 0 : ENOMEM;
}

int input_begin(struct input *in, const void *data, size_t size)
{
    switch (in->common->way) {
    case EXECUTE_FILE:
        return begin_file(in, data, size);
    case EXECUTE_FIFO:
        return begin_fifo(in, data, size);
    case EXECUTE_STANDARD:
    default:
        return in->common->reads_on ? begin_pipe(in, data, size)
                                    : begin_memory(in, data, size);
    }
}

static void close_far(struct input *in)
{
    if (in->far >= 0)
        close(in->far);
    in->far = -1;
}

void input_started(struct input *in)
{
    close_far(in);
    input_write(in);
}

/* From here on our end is one that only writes: so that it shows when all readers have
 * gone. They may have by now. */
void input_opened(struct input *in)
{
    in->watch = -1;
    if (in->near < 0)
        return;
    int end = open(in->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    close(in->near);
    in->near = end;
    input_write(in);
}

/* ---- what is written --------------------------------------------------------- */

static void remove_name(struct input *in)
{
    if (in->path != NULL)
        unlink(in->path);
    free(in->path);
    in->path = NULL;
}

/* Nothing more is written. First the name: see the top of input.h. */
static void finish(struct input *in)
{
    remove_name(in);
    if (in->near >= 0)
        close(in->near);
    in->near = -1;
    in->blocked = false;
    free(in->data);
    in->data = NULL;
    in->size = in->at = in->cap = 0;
}

int input_add(struct input *in, const void *data, size_t size, bool last)
{
    if (in->near < 0)
        return 0;
    if (in->at == in->size)
        in->at = in->size = 0;
    if (in->size + size > in->cap) {
        char *room = realloc(in->data, in->size + size);
        if (room == NULL)
            return ROTA_E_NOMEM;
        in->data = room;
        in->cap = in->size + size;
    }
    if (size > 0)
        memcpy(in->data + in->size, data, size);
    in->size += size;
    in->last = in->last || last;
    return 0;
}

/* What was written last is not wanted any more. */
static void drop_written(struct input *in)
{
    if (in->cap <= KEPT_BYTES)
        return;
    free(in->data);
    in->data = NULL;
    in->size = in->at = in->cap = 0;
}

void input_write(struct input *in)
{
    in->blocked = false;
    if (in->near < 0 || in->watch >= 0)
        return;
    while (in->at < in->size) {
        ssize_t n = write(in->near, in->data + in->at, in->size - in->at);
        if (n >= 0) {
            in->at += (size_t)n;
        } else if (errno == EAGAIN) {
            in->blocked = true;
            return;
        } else if (errno != EINTR) {
            finish(in); /* nobody reads any more, which is theirs to decide */
            return;
        }
    }
    if (in->last)
        finish(in);
    else
        drop_written(in);
}

bool input_is_hungry(const struct input *in)
{
    return in->near >= 0 && in->watch < 0 && !in->last && in->at == in->size;
}

void input_end(struct input *in)
{
    if (in->watch >= 0)
        inotify_rm_watch(in->common->notify, in->watch);
    in->watch = -1;
    finish(in);
    close_far(in);
}
