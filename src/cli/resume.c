/* resume.c - rota resume: go on with a run that was cut off
 *
 * The run file has the words with which the run was begun. With the options that are
 * given now behind those given then, they are the words of the run that goes on.
 */
#include "cli/resume.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/option_kinds.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/run.h"
#include "cli/run_dir.h"
#include "cli/words.h"
#include "store/read.h"

enum {
    KEY_RETRY_FAILED = 0x4000,
    KEY_FOLDER,
    TABLE_MAX = 128,
};

static const struct argp_option own_options[] = {
    {"retry-failed", KEY_RETRY_FAILED, NULL, 0, "run what failed again too", 1},
    {"arg-file", 'a', "FILE", 0,
     "the list that came on standard input: read from it what had not been read when "
     "the "
     "run was cut off",
     0},
    {"wd", KEY_FOLDER, "DIR", 0,
     "go on in DIR, and not in the folder where the run was begun", 0},
    {NULL, 0, NULL, 0, "As for 'rota run', in place of what was given there:", 2},
};

static const char doc[] =
    "Do what is left of the run in FILE, which was killed, interrupted or halted."
    "\v"
    "FILE is what 'rota run --run FILE' writes; without it, the newest one in the "
    "folder "
    "that ROTA_RUN_DIR names.\n"
    "\n"
    "  rota resume sweep.db                what has no result yet\n"
    "  rota resume --retry-failed sweep.db and what failed\n"
    "  rota resume -j 8 sweep.db           more at once than before\n"
    "\n"
    "The command, its options and its arguments are those of the beginning; the "
    "environment is the present one. The list is in FILE: neither standard input nor "
    "its files are needed again, unless the run was cut off while they were being "
    "read. "
    "The rest of files is then read now, if they begin as they did.\n"
    "\n"
    "A task whose end was recorded is not run again. One that was running when the run "
    "was cut off is: it may have had effects already.\n"
    "\n"
    "The exit status is that of 'rota run', for the run as a whole: 1 if tasks failed, "
    "also before and not retried; 2 where FILE cannot be read or another run writes to "
    "it; 3 where tasks are left undone, or the rest of the list cannot be had.";

struct resume_options {
    const char *path;
    bool retry_failed;
    const char *list;   /* for standard input, or NULL */
    const char *folder; /* or NULL */
    struct argp_option table[TABLE_MAX];
    char **more; /* options of rota run's: one block each */
    int more_count;
};

/* ---- words ------------------------------------------------------------------- */

static int add_options(struct argp_option *table, int count,
                       const struct argp_option *more)
{
    bool may_change = false;
    for (; !option_is_last(more) && count < TABLE_MAX - 1; more++) {
        if (!(more->flags & OPTION_ALIAS))
            may_change = option_may_change(more);
        if (!may_change)
            continue;
        table[count] = *more;
        table[count++].group = 0;
    }
    return count;
}

/* Our own, and of rota run's what may be given anew. */
static void make_table(struct resume_options *o)
{
    const struct argp_option *tables[RUN_OPTIONS_TABLES];
    int count = sizeof(own_options) / sizeof(own_options[0]);
    memcpy(o->table, own_options, sizeof(own_options));
    run_options_tables(tables);
    for (int i = 0; i < RUN_OPTIONS_TABLES; i++)
        count = add_options(o->table, count, tables[i]);
    o->table[count] = (struct argp_option){0};
}

/* An option of rota run's, as it would be given there. */
static int take_option(struct resume_options *o, int key, const char *arg)
{
    char *word = NULL;
    const struct argp_option *option = o->table;
    while (!option_is_last(option) && (option->key != key || option->name == NULL))
        option++;
    if (option_is_last(option))
        return ROTA_E_NOTFOUND;
    char **more = realloc(o->more, ((size_t)o->more_count + 1) * sizeof(char *));
    if (more == NULL)
        return ROTA_E_NOMEM;
    o->more = more;
    int n = arg ? asprintf(&word, "--%s=%s", option->name, arg)
                : asprintf(&word, "--%s", option->name);
    if (n < 0)
        return ROTA_E_NOMEM;
    o->more[o->more_count++] = word;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct resume_options *o = state->input;
    switch (key) {
    case KEY_RETRY_FAILED:
        o->retry_failed = true;
        return 0;
    case 'a':
        o->list = arg;
        return 0;
    case KEY_FOLDER:
        o->folder = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->path != NULL)
            argp_error(state, "'%s': one run file at a time", arg);
        o->path = arg;
        return 0;
    default:
        break;
    }
    int rc = key > 0 ? take_option(o, key, arg) : ROTA_E_NOTFOUND;
    if (rc == ROTA_E_NOMEM)
        argp_failure(state, STATUS_USAGE, ENOMEM, "cannot take the options");
    return rc == 0 ? 0 : ARGP_ERR_UNKNOWN;
}

static void options_done(struct resume_options *o)
{
    for (int i = 0; i < o->more_count; i++)
        free(o->more[i]);
    free(o->more);
}

/* ---- what there is to do ----------------------------------------------------- */

/* The run, as it stands in its file. */
struct old_run {
    struct reader_summary sum;
    uint64_t failed;
    uint64_t left;
    char *folder;
    char **words;
    int word_count;
};

static void old_run_done(struct old_run *r)
{
    free(r->folder);
    free(r->words);
}

static int read_run(const char *path, struct old_run *out, struct rota_error *err)
{
    rota_auto(reader) struct reader *r = NULL;
    int rc = reader_open(path, &r, err);
    if (rc == 0)
        rc = reader_summarize(r, INT64_MAX, &out->sum, err);
    if (rc == 0 && out->sum.written)
        return error_set(err, ROTA_E_STATE,
                         "cannot resume run file '%s': a run writes to it (process "
                         "%" PRId64 " on %s); let that end, 'rota status %s' shows it",
                         path, out->sum.last.pid, out->sum.last.host, path);
    if (rc == 0)
        rc = reader_start(r, &out->folder, &out->words, &out->word_count, err);
    if (rc != 0)
        return rc;
    uint64_t ended = 0;
    for (int i = 0; i < ROTA_OUTCOMES; i++)
        ended += out->sum.ended[i];
    out->failed = ended - out->sum.ended[ROTA_DONE];
    out->left = out->sum.tasks - ended;
    return 0;
}

static int say_nothing_left(const struct old_run *r, const char *path)
{
    fprintf(stderr, "rota: nothing is left to do: %" PRIu64 " done, %" PRIu64 " failed",
            r->sum.ended[ROTA_DONE], r->failed);
    if (r->failed > 0)
        fprintf(stderr, "; 'rota resume --retry-failed %s' runs what failed again",
                path);
    fputc('\n', stderr);
    return r->failed > 0 ? STATUS_FAILED : STATUS_SUCCESS;
}

/* ---- going on ---------------------------------------------------------------- */

/* The list comes on standard input again. */
static int give_list(const char *path, struct rota_error *err)
{
    rota_auto(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && dup2(fd, 0) == 0)
        return 0;
    return error_set(err, ROTA_E_IO, "cannot read the list from '%s': %s", path,
                     strerror(errno));
}

static int go_to(const struct resume_options *o, const struct old_run *r,
                 struct rota_error *err)
{
    const char *folder = o->folder ? o->folder : r->folder;
    if (chdir(folder) == 0)
        return 0;
    return error_set(err, ROTA_E_IO, "cannot go to '%s'%s: %s; --wd names another",
                     folder, o->folder ? "" : ", where the run was begun",
                     strerror(errno));
}

/* The words that say all of this: argv of cli_run. NULL without memory. */
static char **new_words(const struct resume_options *o, const struct old_run *r,
                        const char *path)
{
    static char again[] = "--again=resumed";
    static char retry[] = "--again-retry-failed";
    static char reread[] = "--again-reread";
    static char name[] = "rota resume";
    char *first[] = {name};
    struct run_options old;
    rota_auto(heap) char *file = NULL;
    rota_auto(heap) char **own = NULL;
    char *last[4] = {again};
    int count = 1;
    if (asprintf(&file, "--run=%s", path) < 0)
        return NULL;
    last[count++] = file;
    if (o->retry_failed)
        last[count++] = retry;
    if (o->list != NULL)
        last[count++] = reread;
    rota_auto(heap) char **argv = words_insert(r->words, r->word_count, 0, first, 1);
    own = words_insert(o->more, o->more_count, o->more_count, last, count);
    if (argv == NULL || own == NULL)
        return NULL;
    run_options_parse(r->word_count + 1, argv, &old);
    int at = old.option_count + 1;
    run_options_done(&old);
    return words_insert(argv, r->word_count + 1, at, own, words_count(own));
}

static int go_on(const struct resume_options *o, const struct old_run *r,
                 const char *path, struct rota_error *err)
{
    struct run_options run;
    rota_auto(heap) char *whole = realpath(path, NULL);
    int rc = o->list != NULL ? give_list(o->list, err) : 0;
    if (rc == 0 && whole == NULL)
        rc = error_set(err, ROTA_E_IO, "cannot find run file '%s': %s", path,
                       strerror(errno));
    if (rc == 0)
        rc = go_to(o, r, err);
    if (rc != 0)
        return rc;
    rota_auto(heap) char **words = new_words(o, r, whole);
    if (words == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    run_options_parse(words_count(words), words, &run);
    int status = cli_run_options(&run);
    run_options_done(&run);
    return status;
}

/* The exit status, or an error's code. */
static int resume(const struct resume_options *o, struct rota_error *err)
{
    struct old_run r = {.left = 0};
    rota_auto(heap) char *newest = NULL;
    const char *path = o->path;
    if (path == NULL) {
        int rc = run_dir_newest(&newest, err);
        if (rc != 0)
            return rc;
        path = newest;
    }
    int rc = read_run(path, &r, err);
    bool nothing = r.left == 0 && r.sum.listed && !(o->retry_failed && r.failed > 0);
    if (rc == 0)
        rc = nothing ? say_nothing_left(&r, path) : go_on(o, &r, path, err);
    old_run_done(&r);
    return rc;
}

int cli_resume(int argc, char **argv)
{
    static char name[] = "rota resume";
    struct resume_options o = {.path = NULL};
    struct argp argp = {
        .options = o.table, .parser = parse, .args_doc = "[FILE]", .doc = doc};
    struct rota_error err;

    argv[0] = name;
    argp_err_exit_status = STATUS_USAGE;
    make_table(&o);
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    int status = resume(&o, &err);
    options_done(&o);
    if (status >= 0)
        return status;
    fprintf(stderr, "rota: %s\n", err.text);
    return STATUS_USAGE;
}
