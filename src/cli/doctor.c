/* doctor.c - rota doctor: what protects a run here, found out by trying it
 *
 * Nothing is concluded from names and versions where it can be tried: four ranks are
 * started, one kills itself, and what the others see is the answer; a file is locked
 * and synced where a run file would be.
 */
#include "cli/doctor.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/self.h"
#include "cli/launch_options.h"
#include "cli/probe.h"
#include "launch/launch.h"
#include "launch/place.h"
#include "launch/slurm.h"
#include "store/lock.h"

enum {
    DOCTOR_ALL_HOLDS = 0,
    DOCTOR_NOT_ALL = 1,
    DOCTOR_USAGE = 2,
    PROBE_LIMIT_S = 60,
    SYNCS = 9,
    LEAST_SHM_MIB = 64,
};

struct doctor {
    struct launch_options launch;
    struct place place; /* where 'rota run' would have its ranks, or do without */
    const char *folder;
    int wrong; /* so many things do not hold */
};

/* ---- telling -----------------------------------------------------------------------
 */

enum verdict {
    HOLDS,
    NOTE, /* neither good nor bad */
    FAILS,
};

__attribute__((format(printf, 4, 5))) static void
tell(struct doctor *d, enum verdict verdict, const char *what, const char *format, ...)
{
    static const char *const marks[] = {"ok", "", "NO"};
    va_list args;
    va_start(args, format);
    printf("%-10s  %-2s  ", what, marks[verdict]);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
    d->wrong += verdict == FAILS;
}

/* ---- the machine -------------------------------------------------------------------
 */

static void see_processors(struct doctor *d)
{
    cpu_set_t set;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    long own = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : online;
    if (d->place.where == PLACE_NODES)
        tell(d, NOTE, "slots",
             "'rota run' starts a rank on each of %d nodes, and runs as many commands "
             "there as that has CPUs for it",
             d->place.nodes);
    else
        tell(d, NOTE, "slots",
             "'rota run' runs %ld commands at once: %ld of %ld processors are for this "
             "process",
             own, own, online);
}

/* As 'rota run' would without a word about it. */
static void see_place(struct doctor *d)
{
    struct slurm slurm = slurm_read(environ);
    struct place_wish wish = {0};
    struct rota_error err;
    const struct launch_options *l = &d->launch;
    if (l->mpiexec != NULL || l->hosts != NULL || l->hostfile != NULL)
        return;
    if (place_choose(&slurm, &wish, &d->place, &err) != 0)
        tell(d, FAILS, "slots", "%s", err.text);
}

/* Where it is full, MPI's ranks die by SIGBUS, which names nothing. */
static void see_shared_memory(struct doctor *d)
{
    struct statvfs v;
    if (statvfs("/dev/shm", &v) != 0) {
        tell(d, FAILS, "memory", "/dev/shm: %s; MPI's ranks on one host meet there",
             strerror(errno));
        return;
    }
    uint64_t free_mib = (uint64_t)v.f_bavail * v.f_frsize >> 20;
    bool enough = free_mib >= LEAST_SHM_MIB;
    tell(d, enough ? HOLDS : FAILS, "memory", "/dev/shm has %" PRIu64 " MiB free%s",
         free_mib,
         enough ? "" : "; ranks of one host meet there, and die where it is full");
}

/* ---- the ranks ------------------------------------------------------------------ */

/* A probe that hangs is what this is here to find: at the limit the launcher is asked
 * to end, and killed when it doesn't (launch_wait). */
static int start_timer(timer_t *timer)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    const struct itimerspec limit = {.it_value.tv_sec = PROBE_LIMIT_S};
    if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0)
        return ROTA_E_IO;
    return timer_settime(*timer, 0, &limit, NULL) == 0 ? 0 : ROTA_E_IO;
}

/* Fill in where its ranks are to be: on nodes, no more of them than can have one
 * besides rank 0. */
static void place_probe(const struct doctor *d, struct launch_spec *spec)
{
    const struct place *p = &d->place;
    if (p->where != PLACE_NODES)
        return;
    spec->nodes = p->nodes < PROBE_RANKS - 1 ? p->nodes : PROBE_RANKS - 1;
    spec->slurm = p->slurm;
    spec->overlap = p->overlap;
}

/* Run it to its end, or to the limit. */
static int run_probe(const struct launch_spec *spec, int *status,
                     struct rota_error *err)
{
    struct launch *l;
    timer_t timer;
    int rc = launch_start(spec, &l, err);
    if (rc != 0)
        return rc;
    bool timed = start_timer(&timer) == 0;
    rc = launch_wait(l, status, err);
    if (timed)
        timer_delete(timer);
    return rc;
}

/* What rank 0 says goes to `to`, wherever it is: launchers bring it here. *asked: the
 * signal that ended it, or 0. */
static int launch_probe(const struct doctor *d, int to, int *status, int *asked,
                        struct rota_error *err)
{
    static char rank[] = "doctor-rank";
    rota_auto(heap) char *self = NULL;
    bool here =
        d->launch.hosts == NULL && d->launch.hostfile == NULL && !d->place.slurm;
    if (self_path(here, &self) != 0)
        return error_set(err, ROTA_E_IO, "cannot find this program: %s",
                         strerror(errno));
    char *argv[] = {self, rank, NULL};
    struct launch_spec spec = {
        .ranks = PROBE_RANKS,
        .mpiexec = d->launch.mpiexec,
        .hosts = d->launch.hosts,
        .hostfile = d->launch.hostfile,
        .argv = argv,
        .asked = asked,
    };
    place_probe(d, &spec);
    fflush(stdout);
    rota_auto(fd) int own = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (own < 0 || dup2(to, STDOUT_FILENO) < 0)
        return error_set(err, ROTA_E_IO, "cannot lead what the ranks say here: %s",
                         strerror(errno));
    int rc = run_probe(&spec, status, err);
    dup2(own, STDOUT_FILENO);
    return rc;
}

static void tell_start(struct doctor *d, const struct findings *f, double seconds)
{
    char hosts[PROBE_RANKS * (PROBE_HOST_SIZE + 1) + 1] = "";
    for (int i = 0; i < f->joined; i++) {
        bool known = false;
        for (int k = 0; k < i; k++)
            known = known || strcmp(f->hosts[k], f->hosts[i]) == 0;
        if (!known)
            strcat(strcat(hosts, " "), f->hosts[i]);
    }
    tell(d, f->joined == PROBE_RANKS ? HOLDS : FAILS, "start",
         "%d of %d ranks met, on%s; the whole trial took %.1f s", f->joined,
         PROBE_RANKS, hosts, seconds);
}

static void tell_survivors(struct doctor *d, const struct findings *f)
{
    char how[128];
    int others = PROBE_RANKS - 2;
    if (!f->told) {
        tell(d, FAILS, "survivors",
             "rank %d killed itself, and rank 0 was not told; a lost worker costs the "
             "run: use 'rota run --run FILE', and 'rota resume FILE' after it",
             PROBE_RANKS - 1);
        return;
    }
    tell(d, f->alive == others ? HOLDS : FAILS, "survivors",
         "rank %d %s; rank 0 knew it %.1f ms after its last words; %d of %d others "
         "went on",
         PROBE_RANKS - 1, rota_fate_text(f->fate, how, sizeof(how)),
         (double)f->after_ns / 1e6, f->alive < 0 ? 0 : f->alive, others);
}

static void tell_end(struct doctor *d, int status, int asked)
{
    if (asked == SIGTERM)
        tell(d, FAILS, "end", "not over after %d s, so everything was ended",
             PROBE_LIMIT_S);
    else if (status == 0)
        tell(d, HOLDS, "end", "the launcher ended well, the dead rank notwithstanding");
    else
        tell(d, FAILS, "end",
             "the launcher ended with status %d; it may take a run down when a rank "
             "dies",
             status);
}

static void try_ranks(struct doctor *d)
{
    struct rota_error err;
    struct findings found = {.alive = -1};
    int status = 0;
    int asked = 0;
    FILE *f = tmpfile();
    if (f == NULL) {
        tell(d, FAILS, "start", "cannot make a temporary file: %s", strerror(errno));
        return;
    }
    int64_t begun_ns = clock_now_ns();
    int rc = launch_probe(d, fileno(f), &status, &asked, &err);
    double seconds = (double)(clock_now_ns() - begun_ns) / 1e9;
    rewind(f);
    probe_read(f, &found);
    fclose(f);
    if (rc != 0 && found.joined == 0) {
        tell(d, FAILS, "start", "%s", err.text);
        return;
    }
    if (found.joined == 0 && asked == 0) {
        tell(d, FAILS, "start",
             "no ranks met, and the launcher ended with status %d; what they said is "
             "on standard error",
             status);
        return;
    }
    tell_start(d, &found, seconds);
    tell_survivors(d, &found);
    if (rc != 0)
        tell(d, FAILS, "end", "%s", err.text);
    else
        tell_end(d, status, asked);
}

static void see_launcher(struct doctor *d)
{
    rota_auto(heap) char *path = NULL;
    rota_auto(heap) char *version = NULL;
    struct rota_error err;
    const char *name = d->place.slurm ? "srun" : d->launch.mpiexec;
    if (launch_find(name, &path, &version, &err) != 0) {
        tell(d, FAILS, "launcher", "%s", err.text);
        return;
    }
    tell(d, HOLDS, "launcher", "%s (%s)", path, version);
    if (getenv("SLURM_JOB_ID") != NULL)
        tell(d, NOTE, "slurm", "allocation %s: %s nodes, tasks per node %s",
             getenv("SLURM_JOB_ID"),
             getenv("SLURM_NNODES") ? getenv("SLURM_NNODES") : "?",
             getenv("SLURM_TASKS_PER_NODE") ? getenv("SLURM_TASKS_PER_NODE") : "?");
    try_ranks(d);
}

/* ---- the run file's place ------------------------------------------------------- */

/* What others call it: of those that behave in their own ways. */
static const char *kind_of(const char *folder)
{
    static const struct {
        uint32_t magic;
        const char *name;
    } kinds[] = {
        {0x6969, "NFS"},
        {0x0bd00bd0, "Lustre"},
        {0x47504653, "GPFS"},
        {0x19830326, "BeeGFS"},
        {0x01021994, "tmpfs: in memory, lost with the machine"},
        {0x65735546, "FUSE"},
        {0x00c36400, "Ceph"},
    };
    struct statfs s;
    if (statfs(folder, &s) != 0)
        return "?";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if ((uint32_t)s.f_type == kinds[i].magic)
            return kinds[i].name;
    return "local";
}

/* Whether another process sees that this one holds the lock on the file at `path`. */
static bool is_kept_out(const char *path)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        bool held = false;
        int fd = open(path, O_RDWR | O_CLOEXEC);
        _exit(fd >= 0 && lock_ask(fd, &held) == 0 && held ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* The median of some, or -1 with errno. */
static int64_t time_of_sync(int fd)
{
    static const char page[4096];
    int64_t took_ns[SYNCS];
    for (int i = 0; i < SYNCS; i++) {
        int64_t begun_ns = clock_now_ns();
        if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page) || fsync(fd) != 0)
            return -1;
        took_ns[i] = clock_now_ns() - begun_ns;
    }
    qsort(took_ns, SYNCS, sizeof(took_ns[0]), compare);
    return took_ns[SYNCS / 2];
}

static void try_file(struct doctor *d, int fd, const char *path)
{
    const char *kind = kind_of(d->folder);
    if (lock_take(fd) != 0 || !is_kept_out(path)) {
        tell(d, FAILS, "run file",
             "'%s' (%s) keeps no locks: two runs could write to one run file; keep it "
             "elsewhere",
             d->folder, kind);
        return;
    }
    int64_t sync_ns = time_of_sync(fd);
    if (sync_ns < 0)
        tell(d, FAILS, "run file", "'%s' (%s): cannot write and sync: %s", d->folder,
             kind, strerror(errno));
    else
        tell(d, HOLDS, "run file",
             "'%s' (%s) keeps locks; what is written is safe after %.1f ms", d->folder,
             kind, (double)sync_ns / 1e6);
}

static void see_folder(struct doctor *d)
{
    rota_auto(heap) char *path = NULL;
    if (asprintf(&path, "%s/rota-doctor.XXXXXX", d->folder) < 0) {
        path = NULL;
        tell(d, FAILS, "run file", "out of memory");
        return;
    }
    rota_auto(fd) int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        tell(d, FAILS, "run file", "cannot make a file in '%s': %s", d->folder,
             strerror(errno));
        return;
    }
    try_file(d, fd, path);
    unlink(path);
}

/* ---- words ---------------------------------------------------------------------- */

static const char doc[] =
    "See what protects a run on this machine, by trying it: start four ranks, kill "
    "one, "
    "look whether the others learn it and go on; lock and sync a file where a run file "
    "would be."
    "\v"
    "  rota doctor                      this machine\n"
    "  rota doctor --hosts a:2,b:2      these hosts\n"
    "  rota doctor --folder /scratch    a run file would be kept there\n"
    "\n"
    "Exit status: 0 all holds, 1 something does not, 2 wrong words.";

static const struct argp_option options[] = {
    {"folder", 'f', "FOLDER", 0, "where run files would be (this folder)", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct doctor *d = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &d->launch;
        return 0;
    case 'f':
        d->folder = arg;
        return 0;
    case ARGP_KEY_END:
        if (d->launch.ranks != 0)
            argp_error(state, "-n: it is always %d ranks", PROBE_RANKS);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s': there is nothing to name here", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_doctor(int argc, char **argv)
{
    static char name[] = "rota doctor";
    const struct argp_child children[] = {{&launch_options_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        .options = options, .parser = parse, .doc = doc, .children = children};
    struct doctor d = {.folder = "."};

    argv[0] = name;
    argp_err_exit_status = DOCTOR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &d);
    see_place(&d);
    see_processors(&d);
    see_shared_memory(&d);
    see_folder(&d);
    see_launcher(&d);
    if (ferror(stdout))
        return DOCTOR_NOT_ALL;
    return d.wrong > 0 ? DOCTOR_NOT_ALL : DOCTOR_ALL_HOLDS;
}

int cli_doctor_rank(int argc, char **argv)
{
    (void)argv;
    if (argc != 1) {
        fprintf(stderr, "rota: doctor-rank is what 'rota doctor' starts\n");
        return DOCTOR_USAGE;
    }
    return probe_rank();
}
