/* program.c - one persistent program: its process, and the three pipes to it */
#include "execute/program.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    QUEUE_KEPT = 1 << 20, /* a buffer of so many bytes is used again */
};

void program_init(struct program *p, int epoll, uint64_t name)
{
    *p = (struct program){
        .epoll = epoll, .name = name, .process = -1, .in = -1, .out = -1, .err = -1};
}

/* ---- descriptors ------------------------------------------------------------- */

static int watch(const struct program *p, int op, int fd, enum program_event what)
{
    struct epoll_event e = {.events = what == PROGRAM_IN ? EPOLLOUT : EPOLLIN,
                            .data.u64 = p->name * PROGRAM_EVENTS + what};
    return epoll_ctl(p->epoll, op, fd, &e) == 0 ? 0 : errno;
}

static void close_fd(const struct program *p, int *fd)
{
    if (*fd < 0)
        return;
    epoll_ctl(p->epoll, EPOLL_CTL_DEL, *fd, NULL); /* a pidfd may be held elsewhere */
    close(*fd);
    *fd = -1;
}

void program_close_in(struct program *p)
{
    close_fd(p, &p->in);
    p->blocked = false;
}

static void close_all(struct program *p)
{
    program_close_in(p);
    close_fd(p, &p->process);
    close_fd(p, &p->out);
    close_fd(p, &p->err);
}

/* ---- its life ---------------------------------------------------------------- */

/* Returns an errno. */
static int start(struct program *p, struct starter *starter,
                 const struct starter_spec *spec)
{
    struct starter_spec s = *spec;
    rota_auto(fd) int in = -1;
    rota_auto(fd) int out = -1;
    rota_auto(fd) int err = -1;
    int rc = starter_pipe(&p->in, &in, false);
    if (rc == 0)
        rc = starter_pipe(&p->out, &out, true);
    if (rc == 0)
        rc = starter_pipe(&p->err, &err, true);
    s.in = in;
    s.out = out;
    s.err = err;
    if (rc == 0)
        rc = starter_start(starter, &s, &p->pid, &p->process);
    if (rc == 0)
        rc = watch(p, EPOLL_CTL_ADD, p->process, PROGRAM_ENDED);
    if (rc == 0)
        rc = watch(p, EPOLL_CTL_ADD, p->out, PROGRAM_OUT);
    if (rc == 0)
        rc = watch(p, EPOLL_CTL_ADD, p->err, PROGRAM_ERR);
    return rc;
}

int program_start(struct program *p, struct starter *starter,
                  const struct starter_spec *spec)
{
    int rc = start(p, starter, spec);
    if (rc != 0)
        program_reap(p);
    return rc;
}

void program_signal(const struct program *p, int signal)
{
    if (p->pid > 0)
        kill(-p->pid, signal);
}

/* It stays a zombie, so that its number can't be given away before its group is killed.
 */
bool program_how(const struct program *p, enum execute_how *how, int *code)
{
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)p->process, &info, WEXITED | WNOWAIT | WNOHANG) != 0 ||
        info.si_pid == 0)
        return false;
    *how = info.si_code == CLD_EXITED ? EXECUTE_EXITED : EXECUTE_KILLED;
    *code = info.si_status;
    return true;
}

void program_reap(struct program *p)
{
    if (p->pid > 0) {
        program_signal(p, SIGKILL);
        waitpid(p->pid, NULL, WNOHANG); /* nothing can hold us up here */
        p->pid = 0;
    }
    close_all(p);
    p->queue.size = p->sent = 0;
    lines_clear(&p->out_lines);
    lines_clear(&p->err_lines);
}

void program_done(struct program *p)
{
    program_reap(p);
    free(p->queue.data);
    lines_done(&p->out_lines);
    lines_done(&p->err_lines);
}

/* ---- to and fro -------------------------------------------------------------- */

static void wait_for_room(struct program *p)
{
    if (p->blocked || watch(p, EPOLL_CTL_ADD, p->in, PROGRAM_IN) != 0)
        return;
    p->blocked = true;
}

static void sent_all(struct program *p)
{
    p->queue.size = p->sent = 0;
    if (p->queue.cap > QUEUE_KEPT) {
        free(p->queue.data);
        p->queue = (struct task_bytes){0};
    }
    if (p->blocked)
        epoll_ctl(p->epoll, EPOLL_CTL_DEL, p->in, NULL);
    p->blocked = false;
}

/* One that reads no more (EPIPE) is judged by how it ends. */
void program_flush(struct program *p)
{
    while (p->in >= 0 && p->sent < p->queue.size) {
        ssize_t n = write(p->in, p->queue.data + p->sent, p->queue.size - p->sent);
        if (n >= 0)
            p->sent += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            program_close_in(p);
    }
    if (p->in < 0 || p->sent == p->queue.size)
        sent_all(p);
    else
        wait_for_room(p);
}

static bool read_lines(struct program *p, int *fd, struct lines *l)
{
    if (*fd < 0)
        return false;
    ssize_t n = lines_read(l, *fd);
    if (n == 0 || (n < 0 && n != -EAGAIN))
        close_fd(p, fd);
    return n > 0;
}

bool program_read_out(struct program *p)
{
    return read_lines(p, &p->out, &p->out_lines);
}

bool program_read_err(struct program *p)
{
    return read_lines(p, &p->err, &p->err_lines);
}
