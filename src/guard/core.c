/* core.c - a rank's core dump, under a name of its own
 *
 * By SIGTRAP: for SIGABRT the MPIs have handlers, which print pages; and SIGQUIT is
 * ignored in what a shell has started in the background.
 */
#include "guard/core.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The first line of a small file. Whether there is one. */
static int read_line(const char *path, char *buf, int size)
{
    FILE *from = fopen(path, "re");
    int got = from != NULL && fgets(buf, size, from) != NULL;
    if (from != NULL)
        fclose(from);
    buf[got ? strcspn(buf, "\n") : 0] = '\0';
    return got;
}

/* core(5) has the rules. NULL: they are told apart. */
static char *find_path(pid_t pid)
{
    char pattern[256];
    char uses_pid[8];
    char link[32];
    char folder[4096];
    char *path = NULL;
    if (!read_line("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern)) ||
        !read_line("/proc/sys/kernel/core_uses_pid", uses_pid, sizeof(uses_pid)) ||
        strpbrk(pattern, "%|") != NULL || strcmp(uses_pid, "0") != 0)
        return NULL;
    if (pattern[0] == '/')
        return strdup(pattern);
    snprintf(link, sizeof(link), "/proc/%d/cwd", (int)pid);
    ssize_t n = readlink(link, folder, sizeof(folder) - 1);
    if (n <= 0)
        return NULL;
    folder[n] = '\0';
    return asprintf(&path, "%s/%s", folder, pattern) < 0 ? NULL : path;
}

void core_ask(pid_t pid, pid_t tid, char **path)
{
    *path = find_path(pid);
    syscall(SYS_tgkill, pid, tid, SIGTRAP);
    kill(pid, SIGCONT);
}

void core_name(char *path, pid_t pid)
{
    rota_auto(heap) char *from = path;
    rota_auto(heap) char *to = NULL;
    if (path != NULL && asprintf(&to, "%s.%d", path, (int)pid) >= 0)
        rename(from, to); /* if it can't be, it is there under the other */
}
