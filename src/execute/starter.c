/* starter.c - start processes, one after another, for as little as that can cost
 *
 * The new process shares our memory until it has executed its program, and this thread
 * stands still so long: so nothing is copied, and what went wrong is written where it
 * is read. It has a stack of its own, all signals blocked, and does nothing but system
 * calls; but for `outcome` and `found` it writes to nothing that is ours.
 *
 * Signals. A handler of ours that ran there would run in our memory, on behalf of a
 * signal that was not sent to us. So before it lets signals through, the process has no
 * handler left. What the user made us ignore (nohup) stays ignored, and what we ignore
 * for ourselves does not.
 */
#include "execute/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "rota.h"

enum {
    STACK_BYTES = 1 << 16,
    SIGNALS = 32, /* those below have names; the others are nobody's to send */
    NO_STATUS = 127,
    HEAD_BYTES = 128, /* of a file that may be a script */
};

/* What runs in our memory beside us is nothing that a sanitizer should follow: it ends
 * in the middle of a function. */
#define BESIDE __attribute__((no_sanitize("address", "thread", "undefined")))

/* What the new process is told, and tells. */
struct start {
    const struct starter_spec *spec;
    const struct starter *starter;
    char *const *argv;
    char *const *tries;   /* paths, of which the first that can be is executed, ... */
    size_t *found;        /* ... and this is it */
    volatile int outcome; /* an errno; 0: its program runs */
};

/* ---- where a program is ------------------------------------------------------ */

static size_t count_folders(const char *path)
{
    size_t count = 1;
    for (; *path != '\0'; path++)
        count += *path == ':';
    return count;
}

/* Keep PATH, and have room for FOLDER/NAME for each folder in it. */
static int keep_path(struct starter *s)
{
    const char *path = getenv("PATH");
    s->path = strdup(path != NULL ? path : "/bin:/usr/bin");
    if (s->path == NULL)
        return ROTA_E_NOMEM;
    size_t count = count_folders(s->path);
    s->tries =
        malloc((count + 1) * sizeof(char *) + strlen(s->path) + count * (NAME_MAX + 2));
    return s->tries != NULL ? 0 : ROTA_E_NOMEM;
}

/* Have s->tries say where `name`, which is no path, may be. Returns an errno. */
static int look_for(struct starter *s, const char *name)
{
    const char *path = s->path;
    size_t count = count_folders(path);
    char *to = (char *)(s->tries + count + 1);
    if (strcmp(s->name, name) == 0)
        return 0;
    if (strlen(name) > NAME_MAX)
        return ENAMETOOLONG;
    strcpy(s->name, name);
    s->found = 0;
    for (size_t i = 0; i < count; i++) {
        size_t folder = strcspn(path, ":");
        s->tries[i] = to;
        to = mempcpy(to, path, folder);
        if (folder > 0) /* an empty one is where the process runs */
            *to++ = '/';
        to = stpcpy(to, name) + 1;
        path += folder + 1;
    }
    s->tries[count] = NULL;
    return 0;
}

/* ---- in the new process ------------------------------------------------------ */

/* Whether it is worth while to look further in PATH. */
BESIDE static bool is_elsewhere(int error)
{
    return error == ENOENT || error == ENOTDIR || error == EACCES || error == ESTALE ||
           error == ENODEV || error == ETIMEDOUT || error == ENAMETOOLONG ||
           error == ELOOP;
}

/* Execute the first that can be; first of all what was found the last time. */
BESIDE static int execute(const struct start *t)
{
    int worst = ENOENT;
    execve(t->tries[*t->found], t->argv, t->spec->env);
    if (!is_elsewhere(errno) || t->tries[1] == NULL)
        return errno;
    for (size_t i = 0; t->tries[i] != NULL; i++) {
        *t->found = i;
        execve(t->tries[i], t->argv, t->spec->env);
        if (!is_elsewhere(errno))
            return errno;
        if (errno == EACCES)
            worst = EACCES; /* it is there, and says more than that others are not */
    }
    *t->found = 0;
    return worst;
}

BESIDE static void reset_signals(void)
{
    struct sigaction normal = {.sa_handler = SIG_DFL};
    for (int i = 1; i < SIGNALS; i++) {
        struct sigaction now;
        bool ours = i == SIGPIPE || i == SIGCHLD || i == SIGTTOU || i == SIGXFSZ;
        if (!ours && (sigaction(i, NULL, &now) != 0 || now.sa_handler == SIG_DFL ||
                      now.sa_handler == SIG_IGN))
            continue;
        sigaction(i, &normal, NULL);
    }
}

/* Out of the way of those that are put in place. */
BESIDE static int above(int fd)
{
    return fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

BESIDE static bool place(const struct start *t)
{
    const struct starter_spec *spec = t->spec;
    int in = above(spec->in >= 0 ? spec->in : t->starter->null);
    int out = above(spec->out);
    int err = above(spec->err);
    if (in < 0 || out < 0 || err < 0 || dup2(in, STDIN_FILENO) < 0 ||
        dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
        return false;
    closefrom(STDERR_FILENO + 1);
    if (t->starter->raised && setrlimit(RLIMIT_NOFILE, &t->starter->files) != 0)
        return false;
    return spec->folder == NULL || chdir(spec->folder) == 0;
}

BESIDE static int become(void *arg)
{
    struct start *t = arg;
    sigset_t none;
    sigemptyset(&none);
    reset_signals();
    if (setpgid(0, 0) == 0 && place(t) && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        t->outcome = execute(t);
    else
        t->outcome = errno;
    _exit(NO_STATUS);
}

/* ---- and beside it ----------------------------------------------------------- */

/* Returns an errno. */
static int start(struct start *t, pid_t *pid, int *process)
{
    sigset_t all;
    sigset_t before;
    int pidfd = -1;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t child =
        fault(FAULT_SPAWN)
            ? -1
            : clone(become, t->starter->stack + STACK_BYTES,
                    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, t, &pidfd);
    int error = child < 0 ? errno : t->outcome;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        *pid = child;
        *process = pidfd;
        return 0;
    }
    if (child > 0)
        waitpid(child, NULL, 0); /* it has ended: this does not wait */
    if (pidfd >= 0)
        close(pidfd);
    return error;
}

/* Whether the file is one that a shell could read: there is no 0 byte in its first
 * line, or what we read of it. */
static bool is_text(const struct starter_spec *spec, const char *path)
{
    char head[HEAD_BYTES];
    const char *folder = spec->folder != NULL ? spec->folder : ".";
    rota_auto(fd) int where = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    rota_auto(fd) int file = openat(where, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = file >= 0 ? read(file, head, sizeof(head)) : -1;
    const char *end = n > 0 ? memchr(head, '\n', (size_t)n) : NULL;
    size_t size = end != NULL ? (size_t)(end - head) : n > 0 ? (size_t)n : 0;
    return n >= 0 && memchr(head, '\0', size) == NULL;
}

/* It is a file that the kernel can't execute: a shell reads it. */
static int start_script(struct start *t, pid_t *pid, int *process)
{
    static char shell[] = "/bin/sh";
    char *script = t->tries[*t->found];
    if (!is_text(t->spec, script))
        return ENOEXEC;
    char *const *words = t->argv;
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    rota_auto(heap) char **argv = calloc(count + 2, sizeof(char *));
    if (argv == NULL)
        return ENOMEM;
    argv[0] = shell;
    argv[1] = script;
    memcpy(argv + 2, words + 1, count * sizeof(char *));
    char *only[] = {shell, NULL};
    size_t first = 0;
    struct start again = {.spec = t->spec, .starter = t->starter, .argv = argv};
    again.tries = only;
    again.found = &first;
    return start(&again, pid, process);
}

int starter_start(struct starter *s, const struct starter_spec *spec, pid_t *pid,
                  int *process)
{
    char *name = spec->argv[0];
    char *path[] = {name, NULL};
    size_t first = 0;
    struct start t = {.spec = spec, .starter = s, .argv = spec->argv};
    t.tries = path;
    t.found = &first;
    if (name[0] == '\0')
        return ENOENT;
    if (strchr(name, '/') == NULL) {
        int rc = look_for(s, name);
        if (rc != 0)
            return rc;
        t.tries = s->tries;
        t.found = &s->found;
    }
    int rc = start(&t, pid, process);
    return rc == ENOEXEC ? start_script(&t, pid, process) : rc;
}

int starter_pipe(int *ours, int *theirs, bool we_read)
{
    int fds[2];
    *ours = *theirs = -1;
    if (fault(FAULT_PIPE) || pipe2(fds, O_CLOEXEC) != 0)
        return errno;
    *ours = fds[we_read ? 0 : 1];
    *theirs = fds[we_read ? 1 : 0];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

int starter_init(struct starter *s)
{
    *s = (struct starter){.null = open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (s->null < 0 || getrlimit(RLIMIT_NOFILE, &s->files) != 0)
        return ROTA_E_IO;
    void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    s->stack = stack != MAP_FAILED ? stack : NULL;
    return s->stack != NULL ? keep_path(s) : ROTA_E_NOMEM;
}

int starter_reserve(struct starter *s, rlim_t files)
{
    struct rlimit more = s->files;
    if (more.rlim_cur >= files)
        return 0;
    more.rlim_cur = files;
    if (setrlimit(RLIMIT_NOFILE, &more) != 0)
        return errno;
    s->raised = true;
    return 0;
}

void starter_done(struct starter *s)
{
    if (s->stack != NULL)
        munmap(s->stack, STACK_BYTES);
    if (s->null > STDIN_FILENO)
        close(s->null);
    free(s->path);
    free(s->tries);
    *s = (struct starter){0};
}
