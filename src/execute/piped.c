/* piped.c - start a process whose three standard descriptors are given */
#include "execute/piped.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "base/fault.h"

static int prepare_actions(posix_spawn_file_actions_t *a, const struct piped *s)
{
    int rc = s->in < 0
                 ? posix_spawn_file_actions_addopen(a, 0, "/dev/null", O_RDONLY, 0)
                 : posix_spawn_file_actions_adddup2(a, s->in, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, s->out, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(a, s->err, 2);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(a, 3);
    if (rc == 0 && s->folder != NULL)
        rc = posix_spawn_file_actions_addchdir_np(a, s->folder);
    return rc;
}

/* A group of its own, no signal blocked, and those at their default that a rank
 * may ignore; what the user made us ignore (nohup) stays so. */
static int prepare_attr(posix_spawnattr_t *attr)
{
    sigset_t none, normal;
    sigemptyset(&none);
    sigemptyset(&normal);
    sigaddset(&normal, SIGPIPE);
    sigaddset(&normal, SIGCHLD);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &normal);
    posix_spawnattr_setpgroup(attr, 0);
    return posix_spawnattr_setflags(
        attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

int piped_start(const struct piped *s, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    pid_t started;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc == 0)
        rc = prepare_attr(&attr);
    if (rc == 0)
        rc = prepare_actions(&actions, s);
    if (rc == 0)
        rc = fault(FAULT_SPAWN)
                 ? errno
                 : posix_spawnp(&started, s->argv[0], &actions, &attr, s->argv, s->env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    if (rc == 0)
        *pid = started;
    return rc;
}

int piped_make(int *ours, int *theirs, bool we_read)
{
    int fds[2];
    *ours = *theirs = -1;
    if (fault(FAULT_PIPE) || pipe2(fds, O_CLOEXEC) != 0)
        return errno;
    *ours = fds[we_read ? 0 : 1];
    *theirs = fds[we_read ? 1 : 0];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}
