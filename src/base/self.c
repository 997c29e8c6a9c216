/* self.c - this very program, as others can start it */
#include "base/self.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rota.h"

static const char exe[] = "/proc/self/exe";

/* What Linux puts behind the name of a file that has none any more. */
static const char gone[] = " (deleted)";

static bool is_this(const char *path)
{
    struct stat own;
    struct stat named;
    return stat(exe, &own) == 0 && stat(path, &named) == 0 &&
           own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

int self_path(bool here, char **out)
{
    char path[PATH_MAX];
    char *found = NULL;
    ssize_t n = readlink(exe, path, sizeof(path) - 1);
    if (n < 0)
        return ROTA_E_IO;
    path[n] = '\0';
    bool same = is_this(path);
    size_t tail = sizeof(gone) - 1;
    if (!same && here) {
        if (asprintf(&found, "/proc/%d/exe", (int)getpid()) < 0)
            found = NULL;
    } else {
        bool cut = !same && (size_t)n > tail && strcmp(path + n - tail, gone) == 0;
        found = strndup(path, cut ? (size_t)n - tail : (size_t)n);
    }
    if (found == NULL)
        return ROTA_E_NOMEM;
    *out = found;
    return 0;
}
