/* restart.c - a run that dies begins again from its run file
 *
 * What was left of the old run on this machine has been ended when its death is told.
 * Ranks on other machines end by themselves: at once if their line to the manager's
 * parent breaks, or when it has been silent for ROTA_SILENCE_MS; that is waited for.
 *
 * Standard input may have been read further than the run file knows. Where it is a file
 * the new run reads it again from where it began; where it is not (a pipe), what had
 * been read and was not recorded is lost, which the new run says.
 */
#include "cli/restart.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/patience.h"
#include "cli/report.h"

enum {
    ENDING_MS = 2000, /* for what was silent to be ended */
};

/* Standard input, as it was at the beginning. */
struct input {
    int fd;
    off_t at; /* -1: it can't be read again */
};

static void input_init(struct input *in)
{
    struct stat st;
    in->fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
    in->at = fstat(0, &st) == 0 && S_ISREG(st.st_mode) ? lseek(0, 0, SEEK_CUR) : -1;
}

/* Whether it can be read from its beginning. */
static bool input_rewind(const struct input *in)
{
    if (in->fd < 0 || dup2(in->fd, 0) < 0)
        return false;
    return in->at >= 0 && lseek(0, in->at, SEEK_SET) == in->at;
}

/* A run that died before it had one has left an empty one, or none. */
static bool has_run_file(const struct run_options *o)
{
    struct stat st;
    return o->run_file != NULL && stat(o->run_file, &st) == 0 && st.st_size > 0;
}

static void await_others(const struct run_options *o)
{
    if (o->launch.hosts == NULL && o->launch.hostfile == NULL &&
        getenv("SLURM_JOB_ID") == NULL)
        return;
    int64_t silence_ms = patience_from_env().silence_ns / NS_PER_MS;
    clock_sleep_until(clock_deadline_ns(silence_ms + ENDING_MS));
}

static int give_up(const struct run_options *o, const struct ending *e)
{
    fprintf(stderr, "rota: the run could not be completed: %s\n", e->died);
    if (has_run_file(o))
        fprintf(stderr, "rota: 'rota resume %s' goes on\n", o->run_file);
    return e->status;
}

int restart_run(struct run_options *o,
                void (*once)(struct run_options *o, struct ending *e))
{
    struct input in;
    char why[sizeof(((struct ending *)0)->died) + 64];
    int status;
    input_init(&in);
    for (int n = 0;; n++) {
        struct ending e = {0};
        once(o, &e);
        status = e.status;
        if (e.died[0] == '\0')
            break;
        if (n >= o->restarts || e.asked != 0) {
            status = give_up(o, &e);
            break;
        }
        fprintf(stderr, "rota: %s; starting again from run file '%s' (%d of %d)\n",
                e.died, o->run_file, n + 1, o->restarts);
        await_others(o);
        snprintf(why, sizeof(why), "restarted (%s)", e.died);
        o->again = (struct again){.reread = input_rewind(&in)};
        if (has_run_file(o))
            o->again.why = why;
    }
    o->again.why = NULL;
    if (in.fd >= 0)
        close(in.fd);
    return status;
}
