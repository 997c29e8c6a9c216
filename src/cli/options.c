/* options.c - the words of rota run */
#include "cli/options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/foreign.h"
#include "cli/option_kinds.h"
#include "cli/report.h"
#include "cli/run_dir.h"
#include "launch/slurm.h"

enum {
    KEY_TAGSTRING = 0x100,
    KEY_TAG,
    KEY_LINES,
    KEY_GROUP,
    KEY_DRY,
    KEY_RETRIES,
    KEY_JOBLOG,
    KEY_RESUME,
    KEY_RESUME_FAILED,
    KEY_TRY_FAILED_AGAIN,
    KEY_RUN_FILE,
    KEY_RESULTS,
    KEY_FOLDER,
    KEY_NICE,
    KEY_ENV,
    KEY_RECORD_ENV,
    KEY_SUMMARY,
    KEY_WORKER,
    KEY_RESTARTS,
    KEY_AGAIN, /* what rota itself adds: */
    KEY_RETRY_FAILED,
    KEY_REREAD,
    COUNT_MAX = 1000000,
    ROWS_MAX = 100000, /* of -N */
    RETRIES_MAX = 1000,
    RESTARTS_MAX = 1000000,
    NICE_MAX = 19,
    FILES_PER_COMMAND = 3, /* what a command takes of this process's (execute.c), */
    FILES_TO_READ = 4,     /* and one to which its input is written */
    FILES_SPARE = 64,
};

static const struct argp_option options[] = {
    {"jobs", 'j', "J", 0,
     "how many commands run at once on each machine (100%), or with -n on each worker "
     "(1). J is a number, or P% of the CPUs, +N or -N with them, or 0: as many as "
     "possible",
     1},
    {"max-procs", 'P', NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 0},
    {"keep-order", 'k', NULL, 0, "outputs come in the order of the arguments", 0},
    {"keeporder", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 0},
    {"tag", KEY_TAG, NULL, 0, "each line of output begins with the arguments", 0},
    {"tagstring", KEY_TAGSTRING, "STR", 0, "or with STR, {} and all in it replaced", 0},
    {"line-buffer", KEY_LINES, NULL, 0,
     "show each line of output as soon as it is whole, not each command's output when "
     "it ends",
     0},
    {"linebuffer", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"lb", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"ungroup", 'u', NULL, 0, "show output as it comes, lines mixed", 0},
    {"group", KEY_GROUP, NULL, 0, "show each command's output when it ends (default)",
     0},
    {"dry-run", KEY_DRY, NULL, OPTION_OF_BEGIN, "show the commands, and run none", 0},
    {"dryrun", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"verbose", 'v', NULL, 0, "show each command before its output", 0},
    {"quote", 'q', NULL, OPTION_OF_TASKS,
     "COMMAND's words stand as they are, for no shell", 0},
    {"replace", 'I', "STR", OPTION_OF_TASKS,
     "STR stands for the argument, instead of {}", 0},
    {"worker", KEY_WORKER, NULL, OPTION_OF_TASKS,
     "COMMAND is a program that does many tasks: it is started once a slot, reads its "
     "tasks and writes its answers, a line of JSON each",
     0},
    {"retries", KEY_RETRIES, "N", 0, "try a command that fails up to N times", 0},
    {"joblog", KEY_JOBLOG, "FILE", 0, "a line for each command that ended", 0},
    {"jl", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 0},
    {"resume", KEY_RESUME, NULL, OPTION_OF_BEGIN,
     "leave out what stands in the joblog, and add to it", 0},
    {"resume-failed", KEY_RESUME_FAILED, NULL, OPTION_OF_BEGIN,
     "leave out what succeeded by the joblog, and add to it", 0},
    {"retry-failed", KEY_TRY_FAILED_AGAIN, NULL, OPTION_OF_BEGIN,
     "run the commands that failed by the joblog, and add to it: COMMAND and arguments "
     "are not looked at",
     0},
    {"run", KEY_RUN_FILE, "FILE", OPTION_OF_BEGIN,
     "write down every command, how it ended and what it wrote: for 'rota status FILE' "
     "and 'rota report FILE'; should the run be cut off, 'rota resume FILE' goes on",
     0},
    {"restarts", KEY_RESTARTS, "N", 0,
     "should the manager or the launcher die, go on from the run file, up to N times",
     0},
    {"again", KEY_AGAIN, "WHY", OPTION_HIDDEN, NULL, 0},
    {"again-retry-failed", KEY_RETRY_FAILED, NULL, OPTION_HIDDEN, NULL, 0},
    {"again-reread", KEY_REREAD, NULL, OPTION_HIDDEN, NULL, 0},
    {"results", KEY_RESULTS, "DIR", 0, "outputs go to files of DIR, and are not shown",
     0},
    {"res", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 0},
    {"wd", KEY_FOLDER, "DIR", OPTION_OF_TASKS, "run commands in DIR", 0},
    {"workdir", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"env", KEY_ENV, "NAME", 0,
     "pass the environment variable NAME on to commands, wherever they run; several, "
     "with commas between them or with --env given again. _ stands for all but those "
     "that --record-env has recorded",
     0},
    {"record-env", KEY_RECORD_ENV, NULL, OPTION_OF_BEGIN,
     "write the names of all variables to ~/.parallel/ignored_vars, and end", 0},
    {"nice", KEY_NICE, "N", 0, "let other processes go first: 1 to 19", 0},
    {"summary", KEY_SUMMARY, NULL, 0,
     "end with a line on standard error that counts tasks and workers, even if all "
     "went well",
     0},
    {0},
};

static const char doc[] =
    "Run COMMAND once for each ARG, several at a time."
    "\v"
    "One gzip for each file:\n"
    "  rota run gzip -9 ::: *.log\n"
    "Arguments from standard input, one a line:\n"
    "  ls *.png | rota run convert {} {.}.jpg\n"
    "All combinations of two lists, as columns of what they gave:\n"
    "  rota run -k --tag ./simulate {1} {2} ::: 0.1 0.2 :::: seeds.txt\n"
    "Lists that belong together:\n"
    "  rota run mv {1} {2} ::: a b :::+ c d\n"
    "A table with a line of names:\n"
    "  rota run --colsep , --header : ./train --rate {rate} --n {n} :::: table.csv\n"
    "With a shell, where the command needs one:\n"
    "  rota run 'sort {} | uniq -c > {/.}.count' ::: logs/*.txt\n"
    "A long table in pieces of about 10 MiB, on standard input:\n"
    "  rota run -k --pipe --block 10M --header : ./clean < table.csv > clean.csv\n"
    "What a joblog says is not done yet:\n"
    "  rota run --joblog log --resume ./simulate :::: parameters\n"
    "Whole commands, one a line:\n"
    "  rota run < commands.txt\n"
    "What may fail: three tries of a minute each, and a list of how all went:\n"
    "  rota run --retries 3 --timeout 60 --joblog log curl -sfO :::: urls\n"
    "Tiny tasks, thousands a second: for a program that is started once a slot, gets\n"
    "{\"task\":1,\"attempt\":1,\"args\":[\"7\"]} and answers "
    "{\"task\":1,\"result\":49}:\n"
    "  seq 1000000 | rota run -k --worker ./square.py\n"
    "In a Slurm allocation, on all its nodes and CPUs:\n"
    "  salloc -N4 rota run ./simulate :::: parameters.txt\n"
    "On record, so that it can be cut off and go on:\n"
    "  rota run --run sweep.db ./simulate {1} {2} ::: 0.1 0.2 :::: seeds.txt\n"
    "  rota resume sweep.db\n"
    "On 16 ranks of two hosts:\n"
    "  find . -type f -print0 | rota run -0 -n 16 --hosts a:8,b:8 sha256sum\n"
    "\n"
    "In COMMAND {} stands for the argument, {.} for it without its extension, {/} "
    "without its folders, {//} for its folder, {/.} without folders and extension; "
    "{2}, "
    "{2.}, ... for the second source's; {name} for that of this name; {#} for the "
    "task's number, {%} for its slot's. Without any of these the arguments come last. "
    "An argument is passed on as it is: a file named '; rm -rf ~' is a file's name. "
    "(Only where there is no COMMAND is it read by a shell.) Commands read nothing "
    "from standard input, but for --pipe.\n"
    "\n"
    "What a command writes is shown when it ends, whole; it may be more than memory "
    "holds, and waits in a file below TMPDIR. A command that fails is named "
    "on standard error, and the others go on. A worker that dies is named too, and "
    "what "
    "it ran runs elsewhere; a command that takes three workers with it is given up. "
    "Whatever a command leaves running in its process group ends with it.\n"
    "\n"
    "Ctrl-C lets those that run end, and begins no more; a second one ends them too, "
    "everywhere, and leaves nothing behind. So does SIGTERM at once.\n"
    "\n"
    "The exit status is 0 if every command succeeded, 1 if some failed, 2 for wrong "
    "words or where nothing could be started, 3 where commands were left undone or "
    "output could not be written, 128 + N where signal N asked to stop.";

/* ---- numbers ----------------------------------------------------------------- */

/* A number from 1 to `most`. */
static int parse_count(struct argp_state *state, const char *arg, int most,
                       const char *what)
{
    char *end;
    errno = 0;
    long n = strtol(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || n < 1 || n > most)
        argp_error(state, "'%s' is not a number of %s", arg, what);
    return (int)n;
}

/* The CPUs that this process may use: those that it is bound to, or, where Slurm counts
 * but does not bind, fewer. */
static int cpu_count(void)
{
    cpu_set_t set;
    int allocated = slurm_cpus(environ);
    int bound = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return allocated > 0 && allocated < bound ? allocated : bound;
}

/* As many commands as this process may have open files for. */
static int most_slots(int files_each)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > COUNT_MAX)
        return COUNT_MAX / files_each;
    int most = ((int)files.rlim_cur - FILES_SPARE) / files_each;
    return most > 1 ? most : 1;
}

/* N, N%, +N, -N or 0. */
static int parse_slots(struct argp_state *state, const char *arg)
{
    char *end;
    errno = 0;
    double n = strtod(arg, &end);
    bool percent = end > arg && strcmp(end, "%") == 0;
    bool counted = strspn(arg, "+-0123456789") == (size_t)(end - arg) && *end == '\0';
    if (errno != 0 || end == arg || !(percent || counted) || fabs(n) > COUNT_MAX)
        argp_error(state, "'%s' is not a number of commands", arg);
    if (counted && arg[0] != '+' && arg[0] != '-')
        return n > 0 ? (int)n : most_slots(FILES_PER_COMMAND);
    n = percent ? cpu_count() * n / 100 : cpu_count() + n;
    return n > 1 ? (int)n : 1;
}

static void parse_env(struct argp_state *state, const char *arg, struct run_options *o)
{
    int rc = variables_add(&o->variables, arg);
    if (rc == ROTA_E_NOMEM)
        argp_failure(state, STATUS_USAGE, ENOMEM, "cannot take the variables");
    if (rc != 0)
        argp_error(state, "--env '%s': not the name of a variable", arg);
}

/* ---- words ------------------------------------------------------------------- */

/* {= and =} may stand in words of their own. */
static void refuse_perl(struct argp_state *state, const struct run_options *o)
{
    const char *begun = NULL;
    for (int i = 0; i < o->command_count; i++) {
        const char *from = strstr(o->command[i], "{=");
        begun = from ? o->command[i] : begun;
        if (begun != NULL && strstr(from ? from : o->command[i], "=}") != NULL)
            argp_error(state,
                       "'%s': {= ... =} is Perl, which is not understood here; let a "
                       "shell do it: 'x={}; echo \"${x%%%%.*}\"'",
                       begun);
    }
}

/* COMMAND... and where the arguments come from. */
static void parse_words(struct argp_state *state, struct run_options *o)
{
    o->command = state->argv + state->next;
    o->option_count = (state->quoted > 0 ? state->quoted - 1 : state->next) - 1;
    o->command_count =
        inputs_words(&o->inputs, state, o->command, state->argc - state->next);
    refuse_perl(state, o);
}

/* A joblog has the commands that are to be tried again: whatever else is named, nothing
 * is read. */
static void finish_past(struct argp_state *state, struct run_options *o)
{
    static char *const nothing[] = {NULL};
    static const struct source_spec none = {.list = nothing};
    struct inputs *in = &o->inputs;
    if (o->past != PAST_NONE && o->joblog == NULL)
        argp_error(state, "--resume, --resume-failed and --retry-failed need --joblog "
                          "FILE, which says what was done");
    if (o->past != PAST_NONE && o->run_file != NULL)
        argp_error(state, "--resume, --resume-failed and --retry-failed go by the "
                          "joblog, and 'rota resume FILE' by the run file: one of the "
                          "two");
    if (o->past != PAST_RETRY_FAILED)
        return;
    o->command_count = 0;
    o->pipe = (struct pipe_options){.wanted = false};
    in->options = (struct sources_options){.header = NULL};
    in->count = in->standard = 0;
    if (inputs_add(in, none) != 0)
        argp_failure(state, STATUS_USAGE, ENOMEM, "cannot take the arguments");
}

/* What --pipe takes from the words of arguments, and what it can't have. */
static void finish_pipe(struct argp_state *state, struct run_options *o)
{
    struct inputs *in = &o->inputs;
    struct pipe_options *p = &o->pipe;
    if (!p->wanted && p->said)
        argp_error(state, "--block, --recstart, --recend, --regexp, --rrs and -L are "
                          "for --pipe; -N takes N arguments for each command");
    if (!p->wanted && in->options.header != NULL &&
        strcmp(in->options.header, ":") != 0)
        argp_error(state, "--header '%s': there is ':', the first line",
                   in->options.header);
    if (!p->wanted && in->options.rows > ROWS_MAX)
        argp_error(state, "-N '%d': no command takes so many arguments",
                   in->options.rows);
    if (!p->wanted)
        return;
    if (o->command_count == 0)
        argp_error(state, "--pipe needs a COMMAND, which reads the blocks");
    if (in->count > 1 || (in->count == 1 && in->specs[0].file == NULL))
        argp_error(state, "--pipe reads standard input, or one file: it has no "
                          "arguments behind ':::'");
    if (o->restarts > 0)
        argp_error(state, "--restarts can't go on with --pipe: what commands have read "
                          "from standard input is gone");
    if (p->by_part && (in->count == 0 || in->standard > 0))
        argp_error(state, "--pipepart needs a file: -a FILE");
    if (in->options.colsep != NULL || in->options.delimited || in->options.link_all)
        argp_error(state, "--pipe has no arguments, for --colsep, -0, -d or --link");
    if (in->many.wanted || in->many.bytes > 0)
        argp_error(state, "--pipe has no arguments, for -m, -X, --xargs or -s");
    if (p->round_robin && p->input == EXECUTE_FILE)
        argp_error(state, "--round-robin, --cat: a file is whole before its command "
                          "starts, and these read on to the end; --fifo can do that");
    if (p->round_robin && (o->retries > 0 || o->past != PAST_NONE))
        argp_error(state, "--round-robin: what a command has read is gone: there is no "
                          "--retries, --resume or --resume-failed");
    p->blocks.records = (size_t)in->options.rows;
    p->blocks.header = in->options.header;
}

/* Outputs in one table, or under names of one's own, are GNU parallel's alone: a folder
 * by such a name is what nobody wants. */
static void check_results(struct argp_state *state, const struct run_options *o)
{
    static const char *const tables[] = {".csv", ".tsv", ".json", ".CSV", ".TSV"};
    size_t length = o->results ? strlen(o->results) : 0;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        size_t n = strlen(tables[i]);
        if (length >= n && strcmp(o->results + length - n, tables[i]) == 0)
            argp_error(
                state,
                "--results '%s': outputs go to files of a folder; for a table "
                "use --run FILE, and then 'rota report FILE' with --csv or --json",
                o->results);
    }
    if (length > 0 && strchr(o->results, '{') != NULL)
        argp_error(state,
                   "--results '%s': the folder is one for all, and has files for each "
                   "argument by itself; to name files write '%s > FILE'",
                   o->results, o->command_count > 0 ? "COMMAND {}" : "COMMAND");
}

/* A program is started before there is an argument. */
static void check_worker(struct argp_state *state, const struct run_options *o)
{
    const char *place = o->place ? o->place : "{}";
    if (o->worker && o->command_count == 0)
        argp_error(state, "--worker: name the program");
    if (o->worker && o->pipe.wanted)
        argp_error(state,
                   "--worker: tasks come to the program as lines of JSON, and not "
                   "by --pipe");
    if (o->worker && (o->variables.count > 0 || o->variables.all))
        argp_error(state,
                   "--worker: --env is for commands; the program is started once, "
                   "where its worker is, in that environment");
    if (o->worker &&
        (o->control.memory_bytes > 0 || o->control.load > 0 || o->control.noswap))
        argp_error(state, "--worker: the programs run all the time: there is no "
                          "--memfree, --load or --noswap");
    if (o->worker && o->show != SHOW_GROUPS)
        argp_error(state, "--worker: an answer is shown when it is there: there is no "
                          "--line-buffer or --ungroup");
    for (int i = 0; o->worker && i < o->command_count; i++)
        if (strstr(o->command[i], place) != NULL)
            argp_error(state,
                       "'%s': a program that --worker starts gets its arguments by its "
                       "standard input; leave out the '%s'",
                       o->command[i], place);
}

/* The one that reads commands, as GNU parallel has it: all quoting here is for those
 * that read as sh does. */
static void find_shell(struct argp_state *state, struct run_options *o)
{
    static const char *const known[] = {"sh",  "ash",  "bash", "dash",
                                        "ksh", "mksh", "zsh"};
    const char *shell = getenv("PARALLEL_SHELL");
    if (shell == NULL || shell[0] == '\0')
        return;
    const char *name = strrchr(shell, '/') ? strrchr(shell, '/') + 1 : shell;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i]) == 0)
            o->shell = shell;
    if (o->shell == NULL)
        argp_error(state,
                   "PARALLEL_SHELL '%s': arguments can't be made safe from that shell; "
                   "name one that reads as sh does, as bash or zsh",
                   shell);
}

static void finish(struct argp_state *state, struct run_options *o)
{
    static const struct source_spec standard = {.file = "-"};
    if (o->place != NULL && o->place[0] == '\0')
        argp_error(state, "-I '': name what stands for the argument");
    find_shell(state, o);
    finish_past(state, o);
    finish_pipe(state, o);
    check_worker(state, o);
    check_results(state, o);
    if (o->inputs.count == 0 && inputs_add(&o->inputs, standard) != 0)
        argp_failure(state, STATUS_USAGE, ENOMEM, "cannot take the arguments");
    o->inputs.options.whole = control_needs_total(&o->control);
    inputs_finish(&o->inputs, state);
    if (o->inputs.many.wanted && o->command_count == 0)
        argp_error(state,
                   "-m, -X, --xargs and -s need a COMMAND, which gets the arguments");
    if (o->restarts > 0 && o->run_file == NULL && !run_dir_is_set())
        argp_error(state, "--restarts goes on from a run file: name one with --run, or "
                          "a folder for them with ROTA_RUN_DIR");
    if (o->option_count < 0)
        o->option_count = (state->quoted > 0 ? state->quoted - 1 : state->argc) - 1;
    if ((o->pipe.input == EXECUTE_FIFO || o->pipe.round_robin) &&
        o->slots == most_slots(FILES_PER_COMMAND)) /* -j 0 */
        o->slots = most_slots(FILES_TO_READ);
    if (o->slots == 0)
        o->slots = o->launch.ranks > 0 ? 1 : cpu_count();
}

static error_t parse_again(int key, char *arg, struct run_options *o)
{
    switch (key) {
    case KEY_AGAIN:
        o->again.why = arg;
        return 0;
    case KEY_RETRY_FAILED:
        o->again.retry_failed = true;
        return 0;
    case KEY_REREAD:
        o->again.reread = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_file(int key, char *arg, struct run_options *o)
{
    switch (key) {
    case KEY_JOBLOG:
        o->joblog = arg;
        return 0;
    case KEY_RESUME:
        o->past = PAST_RESUME;
        return 0;
    case KEY_RESUME_FAILED:
        o->past = PAST_RESUME_FAILED;
        return 0;
    case KEY_TRY_FAILED_AGAIN:
        o->past = PAST_RETRY_FAILED;
        return 0;
    case KEY_RUN_FILE:
        o->run_file = arg;
        return 0;
    case KEY_RESULTS:
        o->results = arg;
        return 0;
    case KEY_FOLDER:
        o->folder = arg;
        return 0;
    default:
        return parse_again(key, arg, o);
    }
}

/* How what commands do is shown. */
static error_t parse_look(int key, char *arg, struct run_options *o)
{
    switch (key) {
    case 'k':
        o->in_order = true;
        return 0;
    case KEY_LINES:
        o->show = SHOW_LINES;
        return 0;
    case 'u':
        o->show = SHOW_BYTES;
        return 0;
    case KEY_GROUP:
        o->show = SHOW_GROUPS;
        return 0;
    case KEY_TAG:
        o->tag = o->tag ? o->tag : "{}";
        return 0;
    case KEY_TAGSTRING:
        o->tag = arg;
        return 0;
    case KEY_DRY:
        o->dry = true;
        return 0;
    case 'v':
        o->verbose = true;
        return 0;
    case KEY_SUMMARY:
        o->summary = true;
        return 0;
    default:
        return parse_file(key, arg, o);
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct run_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->inputs;
        state->child_inputs[1] = &o->launch;
        state->child_inputs[2] = &o->control;
        state->child_inputs[3] = &o->pipe;
        return 0;
    case 'j':
    case 'P':
        o->slots = parse_slots(state, arg);
        return 0;
    case 'q':
        o->quote = true;
        return 0;
    case KEY_WORKER:
        o->worker = o->quote = true;
        return 0;
    case 'I':
        o->place = arg;
        return 0;
    case KEY_RETRIES:
        o->retries = parse_count(state, arg, RETRIES_MAX, "tries") - 1;
        return 0;
    case KEY_NICE:
        o->nice = parse_count(state, arg, NICE_MAX, "steps of niceness");
        return 0;
    case KEY_ENV:
        parse_env(state, arg, o);
        return 0;
    case KEY_RECORD_ENV:
        o->record_env = true;
        return 0;
    case KEY_RESTARTS:
        o->restarts = parse_count(state, arg, RESTARTS_MAX, "restarts");
        return 0;
    case ARGP_KEY_ARGS:
        parse_words(state, o);
        return 0;
    case ARGP_KEY_END:
        finish(state, o);
        return 0;
    default:
        return parse_look(key, arg, o);
    }
}

void run_options_parse(int argc, char **argv, struct run_options *out)
{
    static char name[] = "rota run";
    struct argp_option not_here[FOREIGN_MOST];
    const struct argp foreign = {.options = not_here, .parser = foreign_parse};
    const struct argp_child children[] = {
        {&inputs_argp, 0, NULL, 1},
        {&launch_options_argp, 0, NULL, 2},
        {&control_options_argp, 0, NULL, 3},
        {&pipe_options_argp, 0, NULL, 4},
        {&foreign, 0, NULL, 0},
        {0},
    };
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "COMMAND... ::: ARG...\nCOMMAND... :::: FILE...\nCOMMAND... < LIST",
        .doc = doc,
        .children = children,
    };
    *out = (struct run_options){
        .words = argv + 1, .word_count = argc - 1, .option_count = -1};
    argv[0] = name;
    foreign_options(not_here);
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, out);
}

void run_options_done(struct run_options *o)
{
    inputs_done(&o->inputs);
    variables_done(&o->variables);
}

bool run_options_want_input(const struct run_options *o)
{
    return o->inputs.standard > 0 && (o->again.why == NULL || o->again.reread);
}

void run_options_tables(const struct argp_option *out[RUN_OPTIONS_TABLES])
{
    const struct argp_option *all[] = {
        options,
        control_options_argp.options,
        launch_options_argp.options,
        inputs_argp.options,
        pipe_options_argp.options,
    };
    _Static_assert(sizeof(all) == RUN_OPTIONS_TABLES * sizeof(all[0]), "all of them");
    memcpy(out, all, sizeof(all));
}
