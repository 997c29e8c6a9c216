/* job.c - one command: its process, the pipes to it, what it reads and what it wrote */
#include "execute/job.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

enum {
    TERM_MS = 1000, /* from SIGTERM to SIGKILL */
    STATUS_TERMINATED = 128 + SIGTERM,
    READ_BYTES = 65536,
    BYTES_LEAST = 256,
    DRAIN_READS = 17, /* what the largest pipe holds (1 MiB), and its end */
};

static const size_t output_max_default = (size_t)1 << 30;

/* --- bytes ---------------------------------------------------------------- */

/* Room for so many. */
static int bytes_reserve(struct execute_bytes *b, size_t size)
{
    size_t cap = b->cap ? b->cap : BYTES_LEAST;
    while (cap < size)
        cap *= 2;
    if (cap == b->cap)
        return 0;
    char *data = realloc(b->data, cap);
    if (data == NULL)
        return ROTA_E_NOMEM;
    b->data = data;
    b->cap = cap;
    return 0;
}

/* There is room for some; where more came, the rest of it is in `more`. */
static int bytes_add(struct execute_bytes *b, size_t size, const char *more)
{
    size_t room = b->cap - b->size;
    if (size <= room) {
        b->size += size;
        return 0;
    }
    if (bytes_reserve(b, b->size + size) != 0)
        return ROTA_E_NOMEM;
    memcpy(b->data + b->size + room, more, size - room);
    b->size += size;
    return 0;
}

static void bytes_trim(struct execute_bytes *b)
{
    if (b->size == b->cap)
        return;
    char *data = b->size > 0 ? realloc(b->data, b->size) : NULL;
    if (b->size == 0) {
        free(b->data);
        *b = (struct execute_bytes){0};
    } else if (data != NULL) {
        b->data = data;
        b->cap = b->size;
    }
}

/* --- descriptors ---------------------------------------------------------- */

static int watch_for(int epoll, struct job_watch *w, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = w};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, w->fd, &e) == 0 ? 0 : errno;
}

static int watch_add(const struct job *j, struct job_watch *w)
{
    return watch_for(j->common->epoll, w, EPOLLIN);
}

static void close_far(struct job_watch *w)
{
    if (w->far >= 0)
        close(w->far);
    w->far = -1;
}

/* What another process holds open stays in the set: take it out by hand. */
static void watch_close(const struct job *j, struct job_watch *w)
{
    close_far(w);
    if (w->fd < 0)
        return;
    epoll_ctl(j->common->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    close(w->fd);
    w->fd = -1;
}

/* What is written to is watched while it is full, and no longer; the descriptor is the
 * input's, which may have closed it. */
static void watch_input(struct job *j)
{
    bool wanted = j->input.blocked;
    if (wanted == (j->in.fd >= 0))
        return;
    if (!wanted) {
        if (j->in.fd == j->input.near)
            epoll_ctl(j->common->epoll, EPOLL_CTL_DEL, j->in.fd, NULL);
        j->in.fd = -1;
        return;
    }
    j->in.fd = j->input.near;
    if (watch_for(j->common->epoll, &j->in, EPOLLOUT) != 0) {
        j->in.fd = -1;
        input_end(&j->input); /* it could only wait for ever */
    }
}

static void close_all(struct job *j)
{
    input_end(&j->input);
    watch_input(j);
    watch_close(j, &j->process);
    watch_close(j, &j->out);
    watch_close(j, &j->err);
}

/* --- its begin ------------------------------------------------------------ */

int job_common_init(struct job_common *c, const struct execute_options *options,
                    bool holds, struct rota_error *err)
{
    *c = (struct job_common){
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .output_max = options->output_max ? options->output_max : output_max_default,
        .folder = options->folder,
        .holds = holds,
        .inputs = {.notify = -1},
    };
    if (c->epoll < 0)
        return error_set(err, ROTA_E_IO, "cannot watch commands: %s", strerror(errno));
    c->buffer = malloc(READ_BYTES);
    int rc = c->buffer != NULL ? starter_init(&c->starter) : ROTA_E_NOMEM;
    if (rc == ROTA_E_IO)
        return error_set(err, rc, "cannot open /dev/null: %s", strerror(errno));
    if (rc != 0)
        return error_set(err, rc, "out of memory");
    rc = inputs_open(&c->inputs, options->input, options->reads_on, err);
    c->opened.fd = c->inputs.notify;
    if (rc == 0 && c->opened.fd >= 0 && watch_for(c->epoll, &c->opened, EPOLLIN) != 0)
        return error_set(err, ROTA_E_IO, "cannot watch named pipes: %s",
                         strerror(errno));
    return rc;
}

void job_common_done(struct job_common *c)
{
    starter_done(&c->starter);
    inputs_close(&c->inputs);
    free(c->buffer);
    if (c->epoll >= 0)
        close(c->epoll);
}

struct job *job_new(struct job_common *common, const struct execute_command *c)
{
    struct job *j = calloc(1, sizeof(*j));
    if (j == NULL)
        return NULL;
    j->common = common;
    j->result.task = c->task;
    j->result.attempt = c->attempt;
    j->process = (struct job_watch){.job = j, .fd = -1, .far = -1};
    j->out = (struct job_watch){.job = j, .fd = -1, .far = -1, .bytes = &j->result.out};
    j->err = (struct job_watch){.job = j, .fd = -1, .far = -1, .bytes = &j->result.err};
    j->in = (struct job_watch){.job = j, .fd = -1, .far = -1};
    input_init(&j->input, &common->inputs);
    j->start_ns = clock_now_ns();
    j->limited = c->limit_ns > 0;
    j->limit_ns = j->limited ? j->start_ns + c->limit_ns : INT64_MAX;
    return j;
}

void job_free(struct job *j)
{
    close_all(j);
    execute_result_done(&j->result);
    free(j);
}

int job_prepare(struct job *j, const struct execute_command *c)
{
    return input_begin(&j->input, c->input, c->input_bytes);
}

void job_feed(struct job *j)
{
    input_write(&j->input);
    watch_input(j);
}

int job_start(struct job *j, const struct execute_command *c, char *const *env)
{
    int rc = starter_pipe(&j->out.fd, &j->out.far, true);
    if (rc == 0)
        rc = starter_pipe(&j->err.fd, &j->err.far, true);
    struct starter_spec spec = {
        .argv = c->argv,
        .env = env,
        .folder = j->common->folder,
        .in = j->input.far,
        .out = j->out.far,
        .err = j->err.far,
    };
    if (rc == 0)
        rc = starter_start(&j->common->starter, &spec, &j->pid, &j->process.fd);
    if (!j->common->holds) {
        close_far(&j->out);
        close_far(&j->err);
    }
    if (rc == 0)
        rc = watch_add(j, &j->process);
    if (rc == 0)
        rc = watch_add(j, &j->out);
    if (rc == 0)
        rc = watch_add(j, &j->err);
    if (rc == 0) {
        input_started(&j->input);
        watch_input(j);
    }
    return rc;
}

/* --- what it writes ------------------------------------------------------- */

bool job_read(struct job *j, struct job_watch *w)
{
    struct execute_bytes *b = w->bytes;
    if (w->fd < 0)
        return false;
    if (b->size > j->common->output_max) {
        job_overflow(j, 0);
        return false;
    }
    struct iovec to[] = {
        {.iov_base = b->data + b->size, .iov_len = b->cap - b->size},
        {.iov_base = j->common->buffer, .iov_len = READ_BYTES},
    };
    ssize_t n = to[0].iov_len > 0 ? readv(w->fd, to, 2)
                                  : read(w->fd, j->common->buffer, READ_BYTES);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        watch_close(j, w);
        return false;
    }
    if (n < 0)
        return errno == EINTR;
    if (!j->common->discards && bytes_add(b, (size_t)n, j->common->buffer) != 0) {
        job_overflow(j, ENOMEM);
        return false;
    }
    return true;
}

void job_drain(struct job *j)
{
    for (int i = 0; i < DRAIN_READS && job_read(j, &j->out); i++)
        continue;
    for (int i = 0; i < DRAIN_READS && job_read(j, &j->err); i++)
        continue;
}

bool job_is_silent(const struct job *j)
{
    return j->out.fd < 0 && j->err.fd < 0;
}

/* --- its end -------------------------------------------------------------- */

void job_overflow(struct job *j, int cause)
{
    j->result.how = EXECUTE_OVERFLOWED;
    j->result.code = cause;
    kill(-j->pid, SIGKILL);
    watch_close(j, &j->out);
    watch_close(j, &j->err);
}

bool job_is_ending(const struct job *j)
{
    return j->result.how == EXECUTE_OVERTIME || j->result.how == EXECUTE_STARVED;
}

void job_end(struct job *j, int64_t now_ns, enum execute_how why)
{
    bool asked = job_is_ending(j);
    kill(-j->pid, asked ? SIGKILL : SIGTERM);
    kill(-j->pid, SIGCONT);
    j->limit_ns = asked ? INT64_MAX : now_ns + TERM_MS * NS_PER_MS;
    if (j->result.how == EXECUTE_EXITED)
        j->result.how = why;
}

void job_ended(struct job *j, int64_t now_ns)
{
    j->result.took_ns = now_ns - j->start_ns;
    j->state = JOB_ENDED;
    watch_close(j, &j->process);
    close_far(&j->out);
    close_far(&j->err);
    job_drain(j);
}

bool job_was_struck(const struct job *j)
{
    siginfo_t info = {0};
    if (j->result.how != EXECUTE_EXITED ||
        waitid(P_PID, (id_t)j->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid != j->pid)
        return false;
    return info.si_status == (info.si_code == CLD_EXITED ? STATUS_TERMINATED : SIGTERM);
}

/* How it ended, unless it is known better. */
static void note_status(struct execute_result *r, int status)
{
    if (r->how != EXECUTE_EXITED)
        return;
    r->how = WIFSIGNALED(status) ? EXECUTE_KILLED : EXECUTE_EXITED;
    r->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

void job_finish(struct job *j)
{
    int status;
    if (j->pid > 0) {
        kill(-j->pid, SIGKILL);
        if (waitpid(j->pid, &status, 0) == j->pid && j->state == JOB_ENDED)
            note_status(&j->result, status); /* it has ended: this does not wait */
    }
    close_all(j);
    bytes_trim(&j->result.out);
    bytes_trim(&j->result.err);
    j->state = JOB_FINISHED;
}
