/* execute.c - commands, several at once, each with its output and its end
 *
 * One epoll set watches three descriptors a command (job.h): a pidfd and two pipes; and
 * a fourth one while what it reads by is full.
 *
 *                pidfd readable          both pipes at their end
 *     RUNNING -------------------> ENDED -------------------------> FINISHED
 *                                    |   or LINGER_MS have passed      ^
 *                                    +---------------------------------+
 *
 * Who ends a whole run may strike its commands before us: Slurm, at an allocation's
 * time limit, sends SIGTERM to all that runs there. That must not pass for a failure of
 * the commands. So one that was ended by SIGTERM stays ENDED for LINGER_MS: time enough
 * for us to be struck, too, and to stop.
 *
 * Invariants
 *  1. An ended process is reaped last, after its group was killed: until then its
 *     number can't be given away, and the kill reaches nobody else.
 *  2. Only our own children are waited for, each by its number: this process may
 *     have others.
 *  3. A pipe is read to its end, or, where someone keeps it open beyond LINGER_MS,
 *     until it is empty: what the command wrote before its end is always there.
 */
#include "execute/execute.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "execute/environ.h"
#include "execute/job.h"

enum {
    LINGER_MS = 1000, /* for those who hold an ended command's pipes */
    TERM_MS = 1000,   /* from SIGTERM to SIGKILL, at the end of it all */
    KILL_MS = 5000,   /* for the kernel to end what was killed */
    FDS_PER_JOB = 3,  /* a pidfd and two pipes: the least that we can do with */
    FDS_SPARE = 64,   /* for everything else in this process */
    EVENTS = 64,
    VARIABLE_BYTES = 48, /* of PARALLEL_SEQ and PARALLEL_JOBSLOT */
    NAME_BYTES = 32,     /* of PARALLEL_TMP, without its folder */
};

struct execute {
    struct execute_options options;
    char **env; /* of commands; the strings are environ's and these: */
    char seq[VARIABLE_BYTES];
    char slot[VARIABLE_BYTES];
    char *name;              /* so too: PARALLEL_TMP=, and room; or NULL */
    size_t name_bytes;       /* of `name` */
    bool *taken;             /* which slots are */
    int64_t limit_ns;        /* no job's time is over before this */
    int64_t common_limit_ns; /* of those that have no limit of their own; 0: none */
    struct job_common common;
    int count; /* in all three lists */
    struct job_list running;
    struct job_list ended; /* the first to be given up stands first */
    struct job_list finished;
    struct job_list full; /* what they wrote so far is to be told */
};

/* --- the end of a command ------------------------------------------------- */

static void leave_full(struct execute *x, struct job *j)
{
    if (j->full)
        TAILQ_REMOVE(&x->full, j, full_link);
    j->full = false;
}

static bool is_job(const struct job_list *jobs, pid_t pid)
{
    const struct job *j;
    TAILQ_FOREACH (j, jobs, link)
        if (j->pid == pid)
            return true;
    return false;
}

/* Reap who was left behind by a command, and then by life. A command's own end is
 * left for its pidfd; who stands behind it comes the next time. */
static void reap_orphans(const struct execute *x)
{
    siginfo_t info;
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid == 0 || is_job(&x->running, info.si_pid) ||
            is_job(&x->ended, info.si_pid))
            return;
        waitpid(info.si_pid, NULL, WNOHANG);
    }
}

static void finish(struct execute *x, struct job *j)
{
    job_finish(j);
    leave_full(x, j);
    x->taken[j->slot] = false;
    TAILQ_REMOVE(&x->ended, j, link);
    TAILQ_INSERT_TAIL(&x->finished, j, link);
    if (x->options.adopts)
        reap_orphans(x);
}

/* Whether it has written so much that this is told before its end. */
static void see_if_full(struct execute *x, struct job *j)
{
    size_t part = x->options.part_bytes;
    if (j->full || part == 0 || j->result.out.size + j->result.err.size < part)
        return;
    j->full = true;
    TAILQ_INSERT_TAIL(&x->full, j, full_link);
}

/* A process has ended; who holds its pipes has a while yet. */
static void see_end(struct execute *x, struct job *j)
{
    int64_t now_ns = clock_now_ns();
    j->give_up_ns = now_ns + LINGER_MS * NS_PER_MS;
    TAILQ_REMOVE(&x->running, j, link);
    TAILQ_INSERT_TAIL(&x->ended, j, link);
    job_ended(j, now_ns);
    j->struck = !x->common.discards && job_was_struck(j);
}

static void give_up_lingerers(struct execute *x)
{
    int64_t now_ns = clock_now_ns();
    struct job *j;
    while ((j = TAILQ_FIRST(&x->ended)) != NULL && j->give_up_ns <= now_ns) {
        kill(-j->pid, SIGKILL);
        job_drain(j);
        finish(x, j);
    }
}

static void end_overdue(struct execute *x)
{
    struct job *j;
    int64_t now_ns = clock_now_ns();
    if (now_ns < x->limit_ns)
        return;
    x->limit_ns = INT64_MAX;
    TAILQ_FOREACH (j, &x->running, link) {
        if (j->limit_ns <= now_ns)
            job_end(j, now_ns, EXECUTE_OVERTIME);
        if (j->limit_ns < x->limit_ns)
            x->limit_ns = j->limit_ns;
    }
}

/* --- starting ------------------------------------------------------------- */

/* Returns an errno; what was begun is undone by execute_start. */
static int start(struct execute *x, struct job *j, const struct execute_command *c)
{
    rota_auto(heap) char **env = NULL;
    int rc = job_prepare(j, c);
    if (rc != 0)
        return rc;
    if (x->name != NULL)
        snprintf(x->name, x->name_bytes, "PARALLEL_TMP=%s", j->input.path);
    if (c->env != NULL && environ_make(x->env, c->env, false, &env) != 0)
        return ENOMEM;
    return job_start(j, c, env != NULL ? env : x->env);
}

/* The first slot that is free: there is one. */
static int take_slot(struct execute *x, uint64_t number)
{
    int slot = 0;
    while (x->taken[slot])
        slot++;
    x->taken[slot] = true;
    snprintf(x->seq, VARIABLE_BYTES, "PARALLEL_SEQ=%ju", (uintmax_t)number);
    snprintf(x->slot, VARIABLE_BYTES, "PARALLEL_JOBSLOT=%d", slot + 1);
    return slot;
}

/* --- opening -------------------------------------------------------------- */

/* Descriptors that each command takes of ours at least, or `most`. */
static rlim_t fds_of_job(const struct execute_options *o, rlim_t most)
{
    return most + (o->input == EXECUTE_FIFO || o->reads_on);
}

/* The environment of all commands: ours, and what changes with each. */
static int make_env(struct execute *x)
{
    char *own[] = {x->seq, x->slot, NULL, NULL};
    snprintf(x->seq, VARIABLE_BYTES, "PARALLEL_SEQ=");
    snprintf(x->slot, VARIABLE_BYTES, "PARALLEL_JOBSLOT=");
    if (x->common.inputs.folder != NULL) {
        x->name_bytes = strlen(x->common.inputs.folder) + NAME_BYTES;
        x->name = malloc(x->name_bytes);
        if (x->name == NULL)
            return ROTA_E_NOMEM;
        snprintf(x->name, x->name_bytes, "PARALLEL_TMP=");
        own[2] = x->name;
    }
    return environ_make(environ, own, x->options.in_rank, &x->env);
}

/* --- public --------------------------------------------------------------- */

int execute_open(const struct execute_options *options, struct execute **out,
                 struct rota_error *err)
{
    struct rlimit files;
    if (options->slots < 1)
        return error_set(err, ROTA_E_ARG, "cannot run %d commands at once",
                         options->slots);
    rlim_t jobs = (rlim_t)options->slots;
    rlim_t need = jobs * fds_of_job(options, FDS_PER_JOB) + FDS_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return error_set(err, ROTA_E_IO, "cannot see how many files may be open: %s",
                         strerror(errno));
    if (files.rlim_max < need)
        return error_set(err, ROTA_E_ARG,
                         "cannot run %d commands at once: that takes %ju open files, "
                         "and %ju are allowed; raise the limit with 'ulimit -n'",
                         options->slots, (uintmax_t)need, (uintmax_t)files.rlim_max);
    if (options->folder != NULL && access(options->folder, X_OK) != 0)
        return error_set(err, ROTA_E_ARG, "cannot work in '%s': %s", options->folder,
                         strerror(errno));

    rota_auto(execute) struct execute *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    TAILQ_INIT(&x->running);
    TAILQ_INIT(&x->ended);
    TAILQ_INIT(&x->finished);
    TAILQ_INIT(&x->full);
    x->options = *options;
    rlim_t most = jobs * fds_of_job(options, JOB_FDS) + FDS_SPARE;
    int rc = job_common_init(&x->common, options, files.rlim_cur >= most, err);
    if (rc != 0)
        return rc;
    if (starter_reserve(&x->common.starter, need) != 0)
        return error_set(err, ROTA_E_IO, "cannot raise the limit on open files: %s",
                         strerror(errno));
    x->limit_ns = INT64_MAX;
    x->taken = calloc((size_t)options->slots, sizeof(*x->taken));
    if (x->taken == NULL || make_env(x) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    *out = rota_steal(x);
    return 0;
}

int execute_start(struct execute *x, const struct execute_command *command)
{
    if (x->count >= x->options.slots)
        return ROTA_E_STATE;
    struct job *j = job_new(&x->common, command);
    if (j == NULL)
        return ROTA_E_NOMEM;
    x->count++;
    j->slot = take_slot(x, command->number);
    if (!j->limited && x->common_limit_ns > 0)
        j->limit_ns = j->start_ns + x->common_limit_ns;
    int rc = command->argv[0] != NULL ? start(x, j, command) : ENOENT;
    if (rc == 0) {
        if (j->limit_ns < x->limit_ns)
            x->limit_ns = j->limit_ns;
        TAILQ_INSERT_TAIL(&x->running, j, link);
        return 0;
    }
    if (j->pid > 0)
        kill(-j->pid, SIGKILL);
    j->result.how = EXECUTE_NOT_STARTED;
    j->result.code = rc;
    TAILQ_INSERT_TAIL(&x->ended, j, link);
    finish(x, j);
    return 0;
}

/* Somebody has opened named pipes: see whose. */
static void see_opened(struct execute *x)
{
    int watch;
    struct job *j;
    while (inputs_next_opened(&x->common.inputs, &watch)) {
        TAILQ_FOREACH (j, &x->running, link)
            if (j->input.watch == watch)
                break;
        if (j == NULL)
            continue; /* it has ended meanwhile */
        input_opened(&j->input);
        job_feed(j);
    }
}

static void take_event(struct execute *x, struct job_watch *w)
{
    struct job *j = w->job;
    if (j == NULL) {
        see_opened(x);
        return;
    }
    if (w == &j->in)
        job_feed(j);
    else if (w->bytes == NULL && j->state == JOB_RUNNING)
        see_end(x, j);
    else if (w->bytes != NULL && job_read(j, w))
        see_if_full(x, j);
    if (j->state == JOB_ENDED && job_is_silent(j) && !j->struck)
        finish(x, j);
}

/* Wait for events until `deadline_ns` and take them. An event may name a job that
 * an earlier one finished, but none that is freed: execute_wait alone frees. */
static int pump(struct execute *x, int64_t deadline_ns)
{
    struct epoll_event events[EVENTS];
    const struct job *first = TAILQ_FIRST(&x->ended);
    if (first != NULL && first->give_up_ns < deadline_ns)
        deadline_ns = first->give_up_ns;
    if (x->limit_ns < deadline_ns)
        deadline_ns = x->limit_ns;
    int ms = clock_poll_ms(deadline_ns, clock_now_ns());
    int n = epoll_wait(x->common.epoll, events, EVENTS, ms);
    if (n < 0 && errno != EINTR)
        return ROTA_E_IO;

    for (int i = 0; i < n; i++)
        take_event(x, events[i].data.ptr);
    give_up_lingerers(x);
    end_overdue(x);
    return 0;
}

/* The next one that wants more to read, and has not been told to. */
static bool next_hungry(struct execute *x, struct execute_result *out)
{
    struct job *j;
    if (!x->options.reads_on)
        return false;
    TAILQ_FOREACH (j, &x->running, link)
        if (!j->told && input_is_hungry(&j->input))
            break;
    if (j == NULL)
        return false;
    j->told = true;
    *out = (struct execute_result){
        .task = j->result.task, .attempt = j->result.attempt, .how = EXECUTE_HUNGRY};
    return true;
}

/* What has ended first, and then what goes on: nothing is read meanwhile, so that who
 * writes faster than this is taken has to wait. */
static bool next_result(struct execute *x, struct execute_result *out)
{
    struct job *j = TAILQ_FIRST(&x->finished);
    if (j != NULL) {
        TAILQ_REMOVE(&x->finished, j, link);
        x->count--;
        *out = j->result;
        j->result = (struct execute_result){0};
        job_free(j);
        return true;
    }
    j = TAILQ_FIRST(&x->full);
    if (j == NULL)
        return next_hungry(x, out);
    leave_full(x, j);
    *out = (struct execute_result){
        .task = j->result.task,
        .attempt = j->result.attempt,
        .how = EXECUTE_RUNNING,
        .out = j->result.out,
        .err = j->result.err,
    };
    j->result.out = j->result.err = (struct execute_bytes){0};
    return true;
}

int execute_wait(struct execute *x, int timeout_ms, struct execute_result *out)
{
    int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
    bool late = false;
    while (!next_result(x, out)) {
        if (late)
            return ROTA_E_TIMEOUT;
        int rc = pump(x, deadline_ns);
        if (rc != 0)
            return rc;
        late = clock_now_ns() >= deadline_ns;
    }
    return 0;
}

/* The earliest end of anyone's time may have come nearer. */
static void note_limit(struct execute *x, const struct job *j)
{
    if (j->limit_ns < x->limit_ns)
        x->limit_ns = j->limit_ns;
}

void execute_limit(struct execute *x, int64_t limit_ns)
{
    struct job *j;
    x->common_limit_ns = limit_ns;
    TAILQ_FOREACH (j, &x->running, link) {
        if (j->limited || job_is_ending(j))
            continue;
        j->limit_ns = j->start_ns + limit_ns;
        note_limit(x, j);
    }
}

void execute_end_youngest(struct execute *x)
{
    struct job *j;
    TAILQ_FOREACH (j, &x->running, link)
        if (job_is_ending(j))
            return;
    j = TAILQ_LAST(&x->running, job_list);
    if (j == NULL)
        return;
    job_end(j, clock_now_ns(), EXECUTE_STARVED);
    note_limit(x, j);
}

void execute_end(struct execute *x, uint64_t task)
{
    struct job *j;
    TAILQ_FOREACH (j, &x->running, link) {
        if (j->result.task == task) {
            job_overflow(j, 0);
            return;
        }
    }
}

int execute_feed(struct execute *x, uint64_t task, const void *data, size_t size,
                 bool last)
{
    struct job *j;
    TAILQ_FOREACH (j, &x->running, link)
        if (j->result.task == task)
            break;
    if (j == NULL)
        return 0;
    if (input_add(&j->input, data, size, last) != 0)
        return ROTA_E_NOMEM;
    j->told = false;
    job_feed(j);
    return 0;
}

int execute_running(const struct execute *x)
{
    return x->count;
}

static void signal_all(const struct job_list *jobs, int signal)
{
    const struct job *j;
    TAILQ_FOREACH (j, jobs, link)
        kill(-j->pid, signal);
}

/* Throw away the ends of commands, until none runs or `wait_ms` have passed. */
static void discard(struct execute *x, int64_t wait_ms)
{
    int64_t deadline_ns = clock_now_ns() + wait_ms * NS_PER_MS;
    struct execute_result r;
    x->common.discards = true;
    while (x->count > 0) {
        int ms = clock_poll_ms(deadline_ns, clock_now_ns());
        if (execute_wait(x, ms, &r) != 0)
            return;
        execute_result_done(&r);
    }
}

static void free_all(struct job_list *jobs)
{
    struct job *j;
    while ((j = TAILQ_FIRST(jobs)) != NULL) {
        TAILQ_REMOVE(jobs, j, link);
        job_free(j);
    }
}

void execute_close(struct execute *x)
{
    if (x == NULL)
        return;
    signal_all(&x->running, SIGTERM);
    signal_all(&x->running, SIGCONT);
    discard(x, TERM_MS);
    signal_all(&x->running, SIGKILL);
    signal_all(&x->ended, SIGKILL);
    discard(x, KILL_MS);
    free_all(&x->running);
    free_all(&x->ended);
    free_all(&x->finished);
    job_common_done(&x->common);
    free(x->taken);
    free(x->name);
    free(x->env);
    free(x);
}

const char *execute_text(enum execute_how how, int code, char *buf, size_t size)
{
    switch (how) {
    case EXECUTE_EXITED:
        snprintf(buf, size, "exited with status %d", code);
        break;
    case EXECUTE_KILLED:
        snprintf(buf, size, "was killed by signal %d (SIG%s)", code,
                 error_signal(code));
        break;
    case EXECUTE_NOT_STARTED:
        snprintf(buf, size, "could not be started: %s", strerror(code));
        break;
    case EXECUTE_OVERFLOWED:
        snprintf(buf, size, "%s, and was ended",
                 code == ENOMEM ? "wrote output for which there was no memory"
                                : "wrote more output than can be kept");
        break;
    case EXECUTE_OVERTIME:
        snprintf(buf, size, "ran out of time, and was ended");
        break;
    case EXECUTE_STARVED:
        snprintf(buf, size, "was ended, as memory was short");
        break;
    case EXECUTE_EARLY:
        snprintf(buf, size, "ended before its input did");
        break;
    case EXECUTE_RUNNING:
    case EXECUTE_HUNGRY:
        snprintf(buf, size, "still runs");
        break;
    case EXECUTE_REFUSED:
        snprintf(buf, size, "was answered with an error");
        break;
    case EXECUTE_UNANSWERED:
        snprintf(buf, size, "got no answer");
        break;
    case EXECUTE_HOWS:
    default:
        snprintf(buf, size, "ended in an unknown way");
        break;
    }
    return buf;
}

void execute_result_done(struct execute_result *r)
{
    if (r == NULL)
        return;
    free(r->out.data);
    free(r->err.data);
    r->out = r->err = (struct execute_bytes){0};
}
