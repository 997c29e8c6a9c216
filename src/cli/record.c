/* record.c - what a run leaves in files: --joblog and --results */
#include "cli/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"

/* ---- the joblog -------------------------------------------------------------- */

/* Two runs would lose each other's lines. 0, or the process that has the file. A lock
 * that forked children do not have, and which ends with this process; where there are
 * none (some network file systems), it goes without. */
static pid_t take_alone(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &lock) == 0 || (errno != EACCES && errno != EAGAIN))
        return 0;
    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

int joblog_open(const char *path, bool append, FILE **out, struct rota_error *err)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int rc = fd < 0 || fstat(fd, &st) != 0 ? -1 : 0;
    bool is_file = rc == 0 && S_ISREG(st.st_mode);
    pid_t holder = is_file ? take_alone(fd) : 0;
    if (rc == 0 && holder == 0 && is_file && !append)
        rc = ftruncate(fd, 0);
    FILE *f = rc == 0 && holder == 0 ? fdopen(fd, "a") : NULL;
    if (f == NULL && fd >= 0)
        close(fd);
    if (holder != 0)
        return error_set(err, ROTA_E_STATE,
                         "joblog '%s' is another run's, process %d: give this one its "
                         "own",
                         path, (int)holder);
    if (f == NULL)
        return error_set(err, ROTA_E_IO, "cannot write joblog '%s': %s", path,
                         strerror(errno));
    if (!append || st.st_size == 0)
        fputs("Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tComman"
              "d\n",
              f);
    fflush(f); /* where it fails, joblog_add() says so */
    *out = f;
    return 0;
}

/* The time of day, so many seconds since 1970. */
static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / (double)NS_PER_SEC;
}

struct verdict {
    int exit;
    int signal;
};

static struct verdict judge(const struct crew_end *end)
{
    const struct execute_result *r = end->result;
    if (r == NULL)
        return (struct verdict){.exit = -1};
    switch (r->how) {
    case EXECUTE_EXITED:
        return (struct verdict){.exit = r->code};
    case EXECUTE_KILLED:
        return (struct verdict){.signal = r->code};
    case EXECUTE_NOT_STARTED:
        return (struct verdict){.exit = r->code == ENOENT ? 127 : 126};
    case EXECUTE_REFUSED:
        return (struct verdict){.exit = r->code};
    case EXECUTE_UNANSWERED:
    case EXECUTE_EARLY:
        return (struct verdict){.exit = -1};
    case EXECUTE_OVERTIME:
    case EXECUTE_STARVED:
        return (struct verdict){.exit = -1, .signal = 15};
    case EXECUTE_OVERFLOWED:
    case EXECUTE_HOWS:
    default:
        return (struct verdict){.exit = -1, .signal = 9};
    }
}

static void put_command(FILE *f, const char *command)
{
    for (; *command != '\0'; command++)
        putc(*command == '\n' ? '\0' : *command, f);
    putc('\n', f);
}

int joblog_add(FILE *f, const struct crew_end *end, const struct ticket *k,
               struct rota_error *err)
{
    struct verdict v = judge(end);
    double took = (double)end->took_ns / (double)NS_PER_SEC;
    char host[32] = ":";
    if (end->worker > 0)
        snprintf(host, sizeof(host), "rank %d", end->worker);
    fprintf(f, "%" PRIu64 "\t%s\t%.3f\t%10.3f\t0\t%" PRIu64 "\t%d\t%d\t", end->task + 1,
            host, now_s() - took, took, end->wrote, v.exit, v.signal);
    put_command(f, k->command);
    if (fault(FAULT_JOBLOG) || fflush(f) != 0 || ferror(f))
        return error_set(err, ROTA_E_IO, "cannot write the joblog: %s",
                         strerror(errno));
    return 0;
}

/* ---- results ----------------------------------------------------------------- */

/* Outputs may hold anything: what is made for them is its owner's alone, whatever the
 * umask; what is there already stays as it is. */

/* Make every folder of a path that ends with a slash. Returns an errno. */
static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
        *slash = '/';
        if (rc != 0)
            return rc;
    }
    return 0;
}

static FILE *open_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL && fd >= 0)
        close(fd);
    return f;
}

static int put(void *ctx, const char *data, size_t size, struct rota_error *err)
{
    (void)err;
    if (fault(FAULT_RESULTS))
        return ROTA_E_IO;
    return size == 0 || fwrite(data, size, 1, ctx) == 1 ? 0 : ROTA_E_IO;
}

static int write_file(const char *folder, const char *name,
                      const struct spool_text *text, struct rota_error *err)
{
    rota_auto(heap) char *path = NULL;
    if (asprintf(&path, "%s%s", folder, name) < 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory for results");
    struct rota_error why = {.text = ""};
    FILE *f = open_private(path);
    int rc = f != NULL ? spool_text_walk(text, 0, put, f, &why) : ROTA_E_IO;
    if (f != NULL && fclose(f) != 0 && rc == 0)
        rc = ROTA_E_IO;
    if (rc == 0)
        return 0;
    return error_set(err, rc, "cannot write result '%s': %s", path,
                     why.text[0] != '\0' ? why.text : strerror(errno));
}

int results_add(const struct crew_end *end, const struct ticket *k,
                struct rota_error *err)
{
    char seq[24];
    rota_auto(heap) char *folder = strdup(k->folder);
    if (folder == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory for results");
    int failed = make_folders(folder);
    if (failed != 0)
        return error_set(err, ROTA_E_IO, "cannot make folder '%s': %s", folder,
                         strerror(failed));
    int n = snprintf(seq, sizeof(seq), "%" PRIu64, end->task + 1);
    struct spool_text number = {.rest = seq, .rest_bytes = (size_t)n};
    int rc = write_file(folder, "stdout", &end->out, err);
    if (rc == 0)
        rc = write_file(folder, "stderr", &end->err, err);
    return rc ? rc : write_file(folder, "seq", &number, err);
}
