/* fell.c - end a process tree together with the shared memory that it leaves
 *
 * The tree is stopped before its maps are read, so that nobody maps or opens
 * another file, or is started, between the look and the kill.
 */
#include "base/fell.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/scratch.h"
#include "base/spare.h"
#include "base/tree.h"

#define SHM_DIR "/dev/shm/"

enum {
    FILES = 1024, /* more than these are left where they are */
    PIDS = 1024,
};

struct files {
    char *paths[FILES];
    int count;
};

/* The path below /dev/shm that a line of /proc/PID/maps names, or NULL. */
static const char *shm_path(char *line)
{
    char *path = strstr(line, SHM_DIR);
    if (path == NULL || strstr(path, " (deleted)") != NULL)
        return NULL;
    path[strcspn(path, "\n")] = '\0';
    return path;
}

static int files_find(const struct files *f, const char *path)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->paths[i], path) == 0)
            return i;
    return -1;
}

static void files_add(struct files *f, const char *path)
{
    if (f->count == FILES || files_find(f, path) >= 0)
        return;
    f->paths[f->count] = strdup(path);
    if (f->paths[f->count] != NULL)
        f->count++;
}

static void files_drop(struct files *f, const char *path)
{
    int i = files_find(f, path);
    if (i < 0)
        return;
    free(f->paths[i]);
    f->paths[i] = f->paths[--f->count];
}

/* Do `verb` with every file below /dev/shm that process `pid` has open: it may not have
 * mapped it yet. */
static void each_open(struct files *f, int pid,
                      void (*verb)(struct files *f, const char *path))
{
    char name[64];
    char path[PATH_MAX];
    snprintf(name, sizeof(name), "/proc/%d/fd", pid);
    DIR *fds = opendir(name);
    if (fds == NULL)
        return;
    for (struct dirent *e; (e = readdir(fds)) != NULL;) {
        ssize_t n = readlinkat(dirfd(fds), e->d_name, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = '\0';
        if (strncmp(path, SHM_DIR, strlen(SHM_DIR)) == 0 && shm_path(path) != NULL)
            verb(f, path);
    }
    closedir(fds);
}

/* Do `verb` with every one that it has mapped. */
static void each_mapped(struct files *f, int pid,
                        void (*verb)(struct files *f, const char *path))
{
    char name[64];
    rota_auto(heap) char *line = NULL;
    size_t size = 0;
    snprintf(name, sizeof(name), "/proc/%d/maps", pid);
    FILE *maps = fopen(name, "re");
    if (maps == NULL)
        return; /* it has ended, or is not ours to look at */
    while (getline(&line, &size, maps) > 0) {
        const char *path = shm_path(line);
        if (path != NULL)
            verb(f, path);
    }
    fclose(maps);
}

static void each_held(struct files *f, int pid,
                      void (*verb)(struct files *f, const char *path))
{
    each_open(f, pid, verb);
    each_mapped(f, pid, verb);
}

static void note_tree(struct files *f)
{
    static pid_t pids[PIDS];
    int n = tree_list(0, pids, PIDS);
    for (int i = 0; i < n && i < PIDS; i++)
        kill(pids[i], SIGSTOP);
    for (int i = 0; i < n && i < PIDS; i++)
        each_held(f, pids[i], files_add);
}

static void spare_others(struct files *f)
{
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc != NULL && (e = readdir(proc)) != NULL;)
        if (isdigit((unsigned char)e->d_name[0]))
            each_held(f, atoi(e->d_name), files_drop);
    if (proc != NULL)
        closedir(proc);
}

static bool is_mpi_file(const char *name)
{
    static const char *const beginnings[] = {"mpich_shar_tmp", "ucx_shm_posix_",
                                             "vader_segment."};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static bool is_ours_since(const char *path, int64_t since_ns)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_uid == geteuid() &&
           st.st_ctim.tv_sec * NS_PER_SEC + st.st_ctim.tv_nsec >= since_ns;
}

static bool is_dead(int pid)
{
    return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

/* Whether `name` is "pid." and the number of a process that is no more. */
static bool is_session_of_dead(const char *name)
{
    int pid;
    char end;
    return sscanf(name, "pid.%d%c", &pid, &end) == 1 && is_dead(pid);
}

static bool is_inputs_of_dead(const char *name)
{
    int pid;
    return sscanf(name, FELL_INPUTS "%d-", &pid) == 1 && is_dead(pid);
}

/* Remove what stands in the folder `above`, has a name that `is_left`, and is ours. */
static void remove_left(const char *above, bool (*is_left)(const char *name),
                        int64_t since_ns)
{
    DIR *d = opendir(above);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char *path;
        if (!is_left(e->d_name) || asprintf(&path, "%s/%s", above, e->d_name) < 0)
            continue;
        if (is_ours_since(path, since_ns))
            scratch_remove(path, NULL);
        else
            free(path);
    }
    if (d != NULL)
        closedir(d);
}

/* Open MPI's TMPDIR/ompi.HOST.UID/pid.PID, and what is above it if that was all. */
static void remove_sessions(const char *tmp, int64_t since_ns)
{
    char above[PATH_MAX];
    char host[65] = "";
    gethostname(host, sizeof(host) - 1);
    snprintf(above, sizeof(above), "%s/ompi.%s.%u", tmp, host, (unsigned)geteuid());
    remove_left(above, is_session_of_dead, since_ns);
    rmdir(above);
}

static void remove_shared_memory(int64_t since_ns)
{
    struct files f = {.count = 0};
    DIR *d = opendir(SHM_DIR);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        char path[sizeof(SHM_DIR) + sizeof(e->d_name)];
        snprintf(path, sizeof(path), SHM_DIR "%s", e->d_name);
        if (is_mpi_file(e->d_name) && is_ours_since(path, since_ns))
            files_add(&f, path);
    }
    if (d != NULL)
        closedir(d);
    if (f.count > 0)
        spare_others(&f);
    for (int i = 0; i < f.count; i++) {
        unlink(f.paths[i]);
        free(f.paths[i]);
    }
}

void fell_orphans(int64_t since_ns)
{
    since_ns -= NS_PER_SEC; /* a file's time lags behind by some milliseconds */
    struct rlimit before;
    bool more = spare_take(&before);
    remove_shared_memory(since_ns);
    const char *tmp = scratch_above();
    remove_sessions(tmp, since_ns);
    remove_left(tmp, is_inputs_of_dead, since_ns);
    if (more)
        spare_return(&before);
}

int tree_fell(int64_t deadline_ns)
{
    struct files f = {.count = 0};
    struct rlimit before;
    bool more = spare_take(&before);
    note_tree(&f);
    int rc = tree_kill(deadline_ns);
    if (rc == 0)
        spare_others(&f);
    for (int i = 0; i < f.count; i++) {
        if (rc == 0)
            unlink(f.paths[i]);
        free(f.paths[i]);
    }
    if (more)
        spare_return(&before);
    return rc;
}
