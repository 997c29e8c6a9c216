/* alone.c - run a command as if it had the machine alone, and see what it leaves
 *
 *     alone [--limit SECONDS] [--status N] [--grace SECONDS] -- COMMAND [ARG...]
 *
 * The command gets a TMPDIR of its own and a time limit (60 s unless told), past
 * which its whole process tree is killed. When it has ended, nothing of it may be
 * left: no process (a second, or --grace, is granted for dying), no file in its TMPDIR,
 * no new entry in /dev/shm, no new SysV segment. What is left is named and removed.
 *
 * Exit status: the command's own (128 + N if signal N ended it); 0 if --status N
 * was given and that was it, 1 if it was another; 124 past the time limit; 125 if
 * something was left behind; 126 if the command could not be started.
 *
 * /dev/shm and SysV segments are the whole machine's. What a process outside our
 * tree holds mapped is not counted, nor what is gone within three seconds, so others
 * may work beside us; a leftover of theirs that appears meanwhile would be.
 */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fell.h"
#include "base/scratch.h"
#include "base/tree.h"

enum exit_status {
    EXIT_OTHER = 1,
    EXIT_LATE = 124,
    EXIT_LEFT = 125,
    EXIT_START = 126,
};

#define KILL_NS (10 * NS_PER_SEC)

enum {
    SEGMENTS = 4096,
    LISTED = 64,
};

struct options {
    double limit_s;
    double grace_s;
    int status; /* the one expected, or -1 */
    char **command;
};

/* What the machine holds outside of any process. */
struct machine {
    struct dirent **shm;
    int shm_count;
    int segments[SEGMENTS];
    int segment_count;
};

static void complain(const char *what, const char *name)
{
    fprintf(stderr, "alone: %s: %s\n", what, name);
}

/* --- processes ----------------------------------------------------------------- */

static const char *process_name(pid_t pid, char *buf, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(buf, 1, size - 1, f) : 0;
    if (f != NULL)
        fclose(f);
    for (size_t i = 0; i + 1 < n; i++)
        if (buf[i] == '\0')
            buf[i] = ' ';
    buf[n] = '\0';
    return buf;
}

/* Grant the dying a while; name who is there after it. Returns how many. */
static int processes_left(double grace_s)
{
    pid_t pids[LISTED];
    int64_t grace_end = clock_now_ns() + (int64_t)(grace_s * 1e9);
    int n;
    while ((n = tree_list(0, pids, LISTED)) > 0 && clock_now_ns() < grace_end) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
    }
    for (int i = 0; i < n && i < LISTED; i++) {
        char name[200];
        fprintf(stderr, "alone: left behind: process %d: %s\n", (int)pids[i],
                process_name(pids[i], name, sizeof(name)));
    }
    return n;
}

/* --- shared memory ---------------------------------------------------------------- */

static int no_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* A line of /proc/sysvipc/shm: key, shmid, perms, size, cpid, lpid, nattch. Those
 * attached to count as another's once our own tree has ended. */
static int segments_read(int *ids, bool unattached_only)
{
    FILE *f = fopen("/proc/sysvipc/shm", "re");
    if (f == NULL)
        return 0;
    char line[512];
    int n = 0;
    while (n < SEGMENTS && fgets(line, sizeof(line), f) != NULL) {
        int id;
        unsigned long attached;
        if (sscanf(line, "%*s %d %*s %*s %*s %*s %lu", &id, &attached) != 2)
            continue; /* the heading */
        if (!unattached_only || attached == 0)
            ids[n++] = id;
    }
    fclose(f);
    return n;
}

static void machine_read(struct machine *m, bool unattached_only)
{
    m->shm_count = scandir("/dev/shm", &m->shm, no_dots, alphasort);
    m->segment_count = segments_read(m->segments, unattached_only);
}

static void machine_done(struct machine *m)
{
    for (int i = 0; i < m->shm_count; i++)
        free(m->shm[i]);
    free(m->shm);
}

static bool had_shm(const struct machine *m, const char *name)
{
    for (int i = 0; i < m->shm_count; i++)
        if (strcmp(m->shm[i]->d_name, name) == 0)
            return true;
    return false;
}

static bool had_segment(const struct machine *m, int id)
{
    for (int i = 0; i < m->segment_count; i++)
        if (m->segments[i] == id)
            return true;
    return false;
}

static bool maps_hold(const char *pid, const char *path)
{
    char maps[300];
    char line[1024];
    snprintf(maps, sizeof(maps), "/proc/%s/maps", pid);
    FILE *f = fopen(maps, "re");
    bool held = false;
    while (f != NULL && !held && fgets(line, sizeof(line), f) != NULL)
        held = strstr(line, path) != NULL;
    if (f != NULL)
        fclose(f);
    return held;
}

/* Whether any living process maps `path`: called when none of ours is left. */
static bool held_by_others(const char *path)
{
    DIR *proc = opendir("/proc");
    bool held = false;
    for (struct dirent *e; proc != NULL && !held && (e = readdir(proc)) != NULL;)
        held = e->d_name[0] >= '0' && e->d_name[0] <= '9' && maps_hold(e->d_name, path);
    if (proc != NULL)
        closedir(proc);
    return held;
}

/* How many new entries and segments nobody holds; `removing` names and removes them. */
static int shared_memory_look(const struct machine *before, bool removing)
{
    static struct machine after;
    machine_read(&after, true);
    int found = 0;
    for (int i = 0; i < after.shm_count; i++) {
        char path[300];
        snprintf(path, sizeof(path), "/dev/shm/%s", after.shm[i]->d_name);
        if (had_shm(before, after.shm[i]->d_name) || held_by_others(path) ||
            access(path, F_OK) != 0)
            continue;
        found++;
        if (removing) {
            complain("left behind: shared memory", path);
            unlink(path);
        }
    }
    for (int i = 0; i < after.segment_count; i++) {
        if (had_segment(before, after.segments[i]))
            continue;
        found++;
        if (removing) {
            fprintf(stderr, "alone: left behind: SysV segment %d\n", after.segments[i]);
            shmctl(after.segments[i], IPC_RMID, NULL);
        }
    }
    machine_done(&after);
    return found;
}

/* Others who begin or end just now have files that they have not mapped yet, or not
 * removed yet: what is there for a while, and nobody's, is ours. */
static int shared_memory_left(const struct machine *before)
{
    int64_t grace_end = clock_now_ns() + 3 * NS_PER_SEC;
    while (clock_now_ns() < grace_end) {
        if (shared_memory_look(before, false) == 0)
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
    }
    return shared_memory_look(before, true);
}

/* --- the command ------------------------------------------------------------------ */

static sigset_t watched(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

static int start(char **command, pid_t *out)
{
    posix_spawnattr_t attr;
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawnp(out, command[0], NULL, &attr, command, environ);
    posix_spawnattr_destroy(&attr);
    return rc;
}

/* Reap whoever ended. Returns whether `child` did, with its status. */
static bool reap(pid_t child, int *status)
{
    bool ended = false;
    int st;
    for (pid_t p; (p = waitpid(-1, &st, WNOHANG)) > 0;) {
        if (p != child)
            continue;
        *status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
        ended = true;
    }
    return ended;
}

/* The command's status; EXIT_LATE past the limit, or 128 + signal when somebody
 * ends us. */
static int await(pid_t child, double limit_s)
{
    int64_t deadline = clock_now_ns() + (int64_t)(limit_s * 1e9);
    sigset_t set = watched();
    int status;
    while (!reap(child, &status)) {
        int64_t left = deadline - clock_now_ns();
        if (left <= 0) {
            fprintf(stderr, "alone: killed: not done within %g s\n", limit_s);
            return EXIT_LATE;
        }
        struct timespec wait = {left / NS_PER_SEC, left % NS_PER_SEC};
        int sig = sigtimedwait(&set, NULL, &wait);
        if (sig == SIGINT || sig == SIGTERM)
            return 128 + sig;
    }
    return status;
}

static int judge(const struct options *o, int status, int left)
{
    if (left > 0)
        return EXIT_LEFT;
    if (o->status < 0)
        return status;
    if (status == o->status)
        return 0;
    fprintf(stderr, "alone: exit status %d, where %d was expected\n", status,
            o->status);
    return EXIT_OTHER;
}

static void complain_of_file(const char *path)
{
    complain("left behind: temporary file", path);
}

/* Takes `scratch`. */
static int run(const struct options *o, char *scratch)
{
    static struct machine before;
    machine_read(&before, false);
    sigset_t set = watched();
    sigprocmask(SIG_BLOCK, &set, NULL);

    pid_t child;
    int rc = start(o->command, &child);
    if (rc != 0) {
        fprintf(stderr, "alone: cannot start '%s': %s\n", o->command[0], strerror(rc));
        scratch_remove(scratch, NULL);
        return EXIT_START;
    }
    int status = await(child, o->limit_s);
    if (status == EXIT_LATE) { /* what a killed command leaves is no fault of its own */
        tree_fell(clock_now_ns() + KILL_NS);
        scratch_remove(scratch, NULL);
        return status;
    }
    int left = processes_left(o->grace_s);
    tree_kill(clock_now_ns() + KILL_NS);
    left += scratch_remove(scratch, complain_of_file);
    left += shared_memory_left(&before);
    machine_done(&before);
    return judge(o, status, left);
}

/* --- options ---------------------------------------------------------------------- */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'l':
        o->limit_s = strtod(arg, NULL);
        return 0;
    case 's':
        o->status = atoi(arg);
        return 0;
    case 'g':
        o->grace_s = strtod(arg, NULL);
        return 0;
    case ARGP_KEY_ARGS:
        o->command = state->argv + state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_usage(state);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Open MPI refuses more ranks than cores, and root, unless told; test machines have
 * few cores, and are often root's. */
static void permit_much(void)
{
    setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1);
    if (geteuid() != 0)
        return;
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
}

int main(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"limit", 'l', "SECONDS", 0, "kill the command past this (60)", 0},
        {"grace", 'g', "SECONDS", 0, "for its processes to end after it (1)", 0},
        {"status", 's', "N", 0, "the exit status to expect", 0},
        {0},
    };
    const struct argp argp = {table,
                              parse,
                              "-- COMMAND [ARG...]",
                              "Run a command; fail if it leaves anything behind.",
                              NULL,
                              NULL,
                              NULL};
    struct options o = {.limit_s = 60, .grace_s = 1, .status = -1};
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
    char *scratch;
    permit_much();
    if (tree_adopt() != 0 || scratch_make(&scratch) != 0) {
        complain("cannot set up", strerror(errno));
        return EXIT_START;
    }
    return run(&o, scratch);
}
