/* tree.c - a process tree, ended as a whole
 *
 * Descent is read from /proc/PID/stat (state and parent), which every kernel has,
 * in one pass over /proc; the tree is then walked over that table. A process may
 * fork between the pass and the kill, so tree_kill passes again until a pass
 * finds nobody: a killed process forks no more, and its orphans come to us.
 *
 * A process whose first thread has ended shows as a zombie, though others of it go on:
 * it is one only when it has none.
 * */
#include "base/tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/spare.h"
#include "rota.h"

struct process {
    pid_t pid;
    pid_t parent;
    bool dead;  /* it awaits only its reaper */
    bool below; /* a descendant of the root */
};

struct table {
    struct process *rows;
    size_t count;
    size_t cap;
};

static void table_done(struct table *t)
{
    free(t->rows);
}

/* "PID (COMMAND) STATE PPID ...": the command may hold spaces and brackets, so
 * the last bracket ends it. The 18th word behind it is how many threads there are. */
static bool parse_stat(const char *line, struct process *out)
{
    const char *end = strrchr(line, ')');
    int parent;
    char state;
    int threads;
    if (end == NULL ||
        sscanf(end + 1,
               " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
               &state, &parent, &threads) != 3)
        return false;
    bool dead = state == 'X' || (state == 'Z' && threads <= 1);
    *out = (struct process){.pid = atoi(line), .parent = parent, .dead = dead};
    return true;
}

/* 1; 0 where it ended meanwhile; or ROTA_E_IO, with the cause in errno. */
static int read_process(const char *name, struct process *out)
{
    char path[64];
    char line[512];
    snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? ROTA_E_IO : 0;
    size_t n = fread(line, 1, sizeof(line) - 1, f);
    fclose(f);
    line[n] = '\0';
    return parse_stat(line, out);
}

static int table_add(struct table *t, const struct process *p)
{
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        struct process *rows = realloc(t->rows, cap * sizeof(*rows));
        if (rows == NULL)
            return ROTA_E_NOMEM;
        t->rows = rows;
        t->cap = cap;
    }
    t->rows[t->count++] = *p;
    return 0;
}

static int read_all(struct table *t)
{
    DIR *dir = opendir("/proc");
    if (dir == NULL)
        return ROTA_E_IO;
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(dir)) != NULL;) {
        struct process p;
        int found =
            isdigit((unsigned char)e->d_name[0]) ? read_process(e->d_name, &p) : 0;
        rc = found > 0 ? table_add(t, &p) : found;
    }
    int cause = errno;
    closedir(dir);
    errno = cause;
    return rc;
}

static int table_read(struct table *t)
{
    struct rlimit before;
    int rc = read_all(t);
    if (rc != ROTA_E_IO || errno != EMFILE || !spare_take(&before))
        return rc;
    t->count = 0;
    rc = read_all(t);
    spare_return(&before);
    return rc;
}

/* Mark everyone whose line of parents leads to `root`. */
static void table_mark(struct table *t, pid_t root)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < t->count; i++) {
            struct process *p = &t->rows[i];
            bool below = p->parent == root;
            for (size_t j = 0; !below && !p->below && j < t->count; j++)
                below = t->rows[j].below && t->rows[j].pid == p->parent;
            if (below && !p->below)
                p->below = more = true;
        }
    }
}

int tree_adopt(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 ? 0 : ROTA_E_IO;
}

int tree_list(pid_t root, pid_t *pids, int cap)
{
    struct table t = {0};
    int rc = table_read(&t);
    if (rc == 0)
        table_mark(&t, root ? root : getpid());
    int found = 0;
    for (size_t i = 0; rc == 0 && i < t.count; i++) {
        if (!t.rows[i].below || t.rows[i].dead)
            continue;
        if (found < cap)
            pids[found] = t.rows[i].pid;
        found++;
    }
    table_done(&t);
    return rc ? rc : found;
}

int tree_kill(int64_t deadline_ns)
{
    enum {
        BATCH = 1024
    };
    pid_t pids[BATCH];
    for (;;) {
        int n = tree_list(0, pids, BATCH);
        if (n < 0)
            return n;
        for (int i = 0; i < n && i < BATCH; i++)
            kill(pids[i], SIGKILL);
        pid_t reaped;
        while ((reaped = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        /* 0: one is a zombie that can't be had yet; to others it is still there. */
        if (n == 0 && reaped != 0)
            return 0;
        if (clock_now_ns() >= deadline_ns)
            return n == 0 ? 0 : ROTA_E_TIMEOUT;
        nanosleep(&(struct timespec){.tv_nsec = 2 * NS_PER_MS}, NULL);
    }
}
