/* spawn.c - a command's process, and the near ends of its pipes */
#include "execute/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

/* A pipe whose read end is ours, and does not block. Returns an errno. */
static int make_pipe(int *read_end, int *write_end)
{
    int fds[2];
    if (fault(FAULT_PIPE) || pipe2(fds, O_CLOEXEC) != 0)
        return errno;
    *read_end = fds[0];
    *write_end = fds[1];
    return fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

/* A file in memory instead of a pipe: nobody has to feed it. Returns an errno. */
static int make_input(const struct spawn_spec *s, int *fd)
{
    const char *data = s->input;
    size_t left = s->input_bytes;
    if (data == NULL)
        return 0;
    *fd = fault(FAULT_SHARED) ? -1 : memfd_create("rota-input", MFD_CLOEXEC);
    if (*fd < 0)
        return errno;
    while (left > 0) {
        ssize_t n = write(*fd, data, left);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0) {
            data += n;
            left -= (size_t)n;
        }
    }
    return lseek(*fd, 0, SEEK_SET) == 0 ? 0 : errno;
}

/* The far ends. */
struct ends {
    int in; /* -1: nothing to read */
    int out;
    int err;
};

static int prepare_actions(posix_spawn_file_actions_t *a, const char *folder,
                           const struct ends *ends)
{
    int rc = ends->in >= 0
                 ? posix_spawn_file_actions_adddup2(a, ends->in, 0)
                 : posix_spawn_file_actions_addopen(a, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, ends->out, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, ends->err, 2);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(a, 3);
    if (rc == 0 && folder != NULL)
        rc = posix_spawn_file_actions_addchdir_np(a, folder);
    return rc;
}

/* A group of its own, no signal blocked, and those at their default that a rank
 * or `rota` may ignore; what the user made us ignore (nohup) stays so. */
static int prepare_attr(posix_spawnattr_t *attr)
{
    sigset_t none, normal;
    sigemptyset(&none);
    sigemptyset(&normal);
    sigaddset(&normal, SIGPIPE);
    sigaddset(&normal, SIGCHLD);
    sigaddset(&normal, SIGTTOU);
    sigaddset(&normal, SIGXFSZ);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &normal);
    posix_spawnattr_setpgroup(attr, 0);
    return posix_spawnattr_setflags(
        attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* Returns an errno. */
static int spawn(const struct spawn_spec *s, const struct ends *ends, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc == 0)
        rc = prepare_attr(&attr);
    if (rc == 0)
        rc = prepare_actions(&actions, s->folder, ends);
    if (rc == 0)
        rc = fault(FAULT_SPAWN)
                 ? errno
                 : posix_spawnp(pid, s->argv[0], &actions, &attr, s->argv, s->env);
    if (rc != 0)
        *pid = 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return rc;
}

int spawn_start(const struct spawn_spec *s, struct spawned *out)
{
    rota_auto(fd) int far_in = -1;
    rota_auto(fd) int far_out = -1;
    rota_auto(fd) int far_err = -1;
    *out = (struct spawned){.process = -1, .out = -1, .err = -1};
    int rc = make_pipe(&out->out, &far_out);
    if (rc == 0)
        rc = make_pipe(&out->err, &far_err);
    if (rc == 0)
        rc = make_input(s, &far_in);
    if (rc == 0)
        rc = spawn(s, &(struct ends){far_in, far_out, far_err}, &out->pid);
    if (rc != 0)
        return rc;
    out->process = pidfd_open(out->pid, 0);
    return out->process >= 0 ? 0 : errno;
}
