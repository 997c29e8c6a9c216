/* front.c - what a person started, where the run is one of ranks
 *
 * A rank gets the name of the front's desk (desk.h), where standard input is to be
 * had, and the user's words behind a '=' each, as launchers take a lone ':' for a
 * separator, and may take other words for their own.
 */
#include "cli/front.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/self.h"
#include "cli/desk.h"
#include "cli/pump.h"
#include "cli/report.h"
#include "cli/steer.h"
#include "cli/words.h"
#include "launch/launch.h"

enum {
    PATIENCE_MS = 3000, /* for rank 0, which may be elsewhere */
};

/* Where rank 0 finds standard input. */
static char at_desk[] = FRONT_AT_DESK;
static char at_launcher[] = "input:launcher";

/* rota run-rank DESK INPUT =WORD...: one block behind the array. */
static char **rank_words(char *self, char *desk, char *input, char *const *given,
                         int given_count)
{
    static char word[] = "run-rank";
    char *first[] = {self, word, desk, input};
    enum {
        FIRST = sizeof(first) / sizeof(first[0]),
    };
    size_t bytes = 0;
    for (int i = 0; i < given_count; i++)
        bytes += strlen(given[i]) + 2;
    size_t count = (size_t)given_count + FIRST + 1;
    char **words = calloc(1, count * sizeof(char *) + bytes);
    if (words == NULL)
        return NULL;
    memcpy(words, first, sizeof(first));
    char *end = (char *)(words + count);
    for (int i = 0; i < given_count; i++) {
        words[FIRST + i] = end;
        *end++ = '=';
        end = stpcpy(end, given[i]) + 1;
    }
    return words;
}

/* Whether ranks may be elsewhere. */
static bool is_spread(const struct run_options *o)
{
    return o->launch.hosts != NULL || o->launch.hostfile != NULL || o->where.slurm;
}

/* Keep the launcher from standard input, and give it to the desk, where rank 0 can
 * fetch it; if that may be elsewhere, the launcher gets a pipe, for the desk to fill if
 * nobody comes. A terminal is read here and passed on, as neither of them is in the
 * foreground; and left to whoever else may read it, if nobody wants it. */
static void take_input(const struct run_options *o, struct desk_lent *lent)
{
    bool wanted = run_options_want_input(o);
    bool typed = isatty(0);
    rota_auto(fd) int input = wanted || !typed ? fcntl(0, F_DUPFD_CLOEXEC, 3) : -1;
    if (wanted && typed && input >= 0)
        input = pump_open(input);
    if (wanted && is_spread(o)) {
        int pipe[2];
        if (input < 0 || pipe2(pipe, O_CLOEXEC) != 0)
            return; /* it stays the launcher's */
        dup2(pipe[0], 0);
        close(pipe[0]);
        lent->launcher = pipe[1];
    } else {
        rota_auto(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        dup2(null, 0);
    }
    lent->input = fd_steal(&input);
}

/* What the launcher itself has to say is no result. So where all that is for standard
 * output comes by the desk, the launcher's is standard error. Returns where standard
 * output is meanwhile. */
static int put_output_aside(const struct run_options *o)
{
    int aside = is_spread(o) ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (aside < 0)
        return STDOUT_FILENO;
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return aside;
}

static void put_output_back(int aside)
{
    if (aside == STDOUT_FILENO)
        return;
    dup2(aside, STDOUT_FILENO);
    close(aside);
}

/* How the run went, as far as the front knows. */
struct outcome {
    struct desk *desk;
    bool came;          /* rank 0 came to it */
    int said;           /* the exit status that it said there, or -1 */
    int launcher;       /* the launcher's */
    struct steer steer; /* by the signals that this process got */
    bool far;           /* it may be on another host, where there is no desk */
};

/* Rank 0, which has the run in hand, hears of it. Where it is not there, everything is
 * to end. */
static enum launch_heard front_heard(void *ctx, int signal, bool typed)
{
    struct outcome *o = ctx;
    if (!steer_signal(&o->steer, clock_now_ns(), signal, typed))
        return LAUNCH_HEARD;
    if (!desk_pass_on(o->desk, signal))
        return LAUNCH_PASS_ON;
    return o->steer.course == CREW_STOP ? LAUNCH_ENDS : LAUNCH_HEARD;
}

static void die(struct ending *e, const char *why, int launcher)
{
    int signal = launcher - STATUS_SIGNAL; /* as shells, launchers say it so */
    char as[48] = "";
    if (sigabbrev_np(signal) != NULL)
        snprintf(as, sizeof(as), ", as after signal %d, SIG%s", signal,
                 error_signal(signal));
    e->status = STATUS_INCOMPLETE;
    snprintf(e->died, sizeof(e->died), "%s (the launcher's status is %d%s)", why,
             launcher, as);
}

/* Whether `launcher`, a launcher's status, is that of a rank which found no desk. */
static bool is_far(int launcher)
{
    return launcher == STATUS_SUCCESS ||
           (launcher > FRONT_FAR && launcher <= FRONT_FAR + STATUS_INCOMPLETE);
}

/* Rank 0's word counts, where there is one. A launcher that is asked to stop may
 * ask its ranks by another signal: the user's counts. One that asks its ranks
 * unasked is aborting the run, and does not end with 0. */
static void judge(const struct outcome *o, struct ending *e)
{
    bool stopped = o->said >= STATUS_SIGNAL;
    e->asked = o->steer.signal;
    if (o->said >= 0 && !stopped)
        e->status = o->said;
    else if (o->steer.signal != 0 && o->came && !stopped)
        die(e, "it was asked to stop, and its manager, rank 0, died", o->launcher);
    else if (o->steer.signal != 0 && !o->came && !o->far)
        die(e, "it was asked to stop before it had begun", o->launcher);
    else if (o->steer.signal != 0)
        e->status = STATUS_SIGNAL + o->steer.signal;
    else if (!o->came && is_far(o->launcher))
        e->status = o->launcher % FRONT_FAR;
    else if (!o->came)
        die(e, "the launcher ended without a word of rank 0", o->launcher);
    else if (!stopped)
        die(e, "its manager, rank 0, died", o->launcher);
    else if (o->launcher != 0)
        die(e, "it was ended", o->launcher);
    else
        e->status = o->said;
    if (o->steer.signal != 0 && e->died[0] != '\0')
        e->status = STATUS_SIGNAL + o->steer.signal;
}

/* False: *e says how it went. */
static bool front_launch(const struct run_options *o, char **words,
                         struct outcome *outcome, struct ending *e)
{
    bool nodes = o->where.where == PLACE_NODES;
    struct launch_spec spec = {
        .ranks = nodes ? o->where.nodes + 1 : o->launch.ranks,
        .nodes = o->where.nodes,
        .slurm = o->where.slurm,
        .overlap = o->where.overlap,
        .mpiexec = o->launch.mpiexec,
        .hosts = o->launch.hosts,
        .hostfile = o->launch.hostfile,
        .argv = words,
        .heard = front_heard,
        .ctx = outcome,
    };
    struct launch *l;
    struct rota_error err;
    if (launch_start(&spec, &l, &err) != 0) {
        e->status = cli_fail(STATUS_USAGE, &err);
        return false;
    }
    int rc = launch_wait(l, &outcome->launcher, &err);
    if (rc == 0)
        return true;
    e->asked = outcome->steer.signal;
    e->status = STATUS_INCOMPLETE;
    if (rc == ROTA_E_LAUNCH)
        snprintf(e->died, sizeof(e->died), "%s", err.text);
    else
        cli_fail(STATUS_INCOMPLETE, &err);
    return false;
}

/* What the ranks are to know, and the user has not said. */
static char **front_words(const struct run_options *o)
{
    enum {
        MORE = 5,
    };
    char *more[MORE];
    int count = 0;
    rota_auto(heap) char *file = NULL;
    rota_auto(heap) char *why = NULL;
    rota_auto(heap) char *names = NULL;
    rota_auto(heap) char *env = NULL;
    static char reread[] = "--again-reread";
    static char retry[] = "--again-retry-failed";
    if (o->run_file != NULL && asprintf(&file, "--run=%s", o->run_file) < 0)
        return NULL;
    if (o->again.why != NULL && asprintf(&why, "--again=%s", o->again.why) < 0)
        return NULL;
    if (o->variables.all && o->variables.count > 0 &&
        (variables_names(&o->variables, &names) != 0 ||
         asprintf(&env, "--env=%s", names) < 0))
        return NULL;
    if (env != NULL)
        more[count++] = env;
    if (file != NULL)
        more[count++] = file;
    if (why != NULL)
        more[count++] = why;
    if (o->again.reread)
        more[count++] = reread;
    if (o->again.retry_failed)
        more[count++] = retry;
    return words_insert(o->words, o->word_count, o->option_count, more, count);
}

void front_run(const struct run_options *o, struct ending *e)
{
    char name[DESK_NAME_SIZE];
    struct rota_error err;
    struct outcome outcome = {.far = is_spread(o)};
    static const struct halt never = {.when = HALT_NEVER};
    steer_init(&outcome.steer, &never);
    struct desk_lent lent = {.input = -1, .launcher = -1, .patience_ms = PATIENCE_MS};
    take_input(o, &lent);
    if (variables_forward(&o->variables) != 0) {
        perror("rota: cannot pass variables on");
        e->status = STATUS_USAGE;
        return;
    }
    char *where = lent.input >= 0 && lent.launcher < 0 ? at_desk : at_launcher;
    lent.output = put_output_aside(o);
    if (desk_open(&lent, name, &outcome.desk, &err) != 0) {
        put_output_back(lent.output);
        e->status = cli_fail(STATUS_USAGE, &err);
        return;
    }
    rota_auto(heap) char *self = NULL;
    if (self_path(!is_spread(o), &self) != 0)
        self = NULL;
    rota_auto(heap) char **given = front_words(o);
    rota_auto(heap) char **words = NULL;
    bool ran = false;
    if (self != NULL && given != NULL)
        words = rank_words(self, name, where, given, words_count(given));
    if (words != NULL) {
        ran = front_launch(o, words, &outcome, e);
    } else {
        perror("rota: cannot name this program");
        e->status = STATUS_USAGE;
    }
    outcome.came = desk_close(outcome.desk, &outcome.said);
    put_output_back(lent.output);
    if (ran)
        judge(&outcome, e);
}
