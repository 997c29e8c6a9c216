/* options.c - the words of rota run */
#include "cli/options.h"

#include <argp.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

enum {
    KEY_MPIEXEC = 0x100,
    KEY_HOSTS,
    KEY_HOSTFILE,
    KEY_SUMMARY,
    COUNT_MAX = 1000000,
};

static const struct argp_option options[] = {
    {"jobs", 'j', "J", 0,
     "how many commands run at once: on this machine (as many as it has CPUs), with -n "
     "on each worker (1)",
     0},
    {"ranks", 'n', "N", 0,
     "start N ranks with mpiexec: rank 0 hands out the tasks, the others work", 0},
    {"mpiexec", KEY_MPIEXEC, "LAUNCHER", 0,
     "with -n: the launcher, a path or a name in PATH; without it ROTA_MPIEXEC names "
     "it, "
     "else it is the one of the MPI that Rota was built with",
     0},
    {"hosts", KEY_HOSTS, "HOST:N,...", 0, "with -n: where the ranks are started", 0},
    {"hostfile", KEY_HOSTFILE, "FILE", 0,
     "with -n: the same from a file, as the launcher reads it", 0},
    {"null", '0', NULL, 0, "arguments on standard input end with a NUL byte", 0},
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
    "  ls *.png | rota run convert {} {}.jpg\n"
    "With a shell, where the command needs one:\n"
    "  rota run 'sort {} | uniq -c > {}.count' ::: a b c\n"
    "Whole commands, one a line:\n"
    "  rota run < commands.txt\n"
    "On 16 ranks of two hosts:\n"
    "  find . -type f -print0 | rota run -0 -n 16 --hosts a:8,b:8 sha256sum\n"
    "\n"
    "Each {} in COMMAND stands for the argument; without one it comes last. An "
    "argument is passed on as it is: a file named '; rm -rf ~' is a file's name. (Only "
    "where there is no COMMAND is it read by a shell.) Commands read nothing from "
    "standard input.\n"
    "\n"
    "What a command writes is shown when it ends, whole. A command that fails is named "
    "on standard error, and the others go on. A worker that dies is named too, and "
    "what "
    "it ran runs elsewhere; a command that takes three workers with it is given up. "
    "Whatever a command leaves running in its process group ends with it. Ctrl-C ends "
    "everything, and leaves nothing behind.\n"
    "\n"
    "The exit status is 0 if every command succeeded, 1 if some failed, 2 for wrong "
    "words or where nothing could be started, 3 where commands were left undone or "
    "output could not be written, 128 + N where signal N asked to stop.";

static int parse_count(struct argp_state *state, const char *arg, const char *what)
{
    char *end;
    errno = 0;
    long n = strtol(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || n < 1 || n > COUNT_MAX)
        argp_error(state, "'%s' is not a number of %s", arg, what);
    return (int)n;
}

/* COMMAND... ::: ARG..., or COMMAND... alone. */
static void parse_words(struct argp_state *state, char **words, int count)
{
    struct run_options *o = state->input;
    o->command = words;
    for (o->command_count = 0; o->command_count < count; o->command_count++)
        if (strcmp(words[o->command_count], ":::") == 0)
            break;
    if (o->command_count == count)
        return;
    o->arguments = words + o->command_count + 1;
    o->argument_count = count - o->command_count - 1;
    for (int i = 0; i < o->argument_count; i++)
        if (strcmp(o->arguments[i], ":::") == 0)
            argp_error(state, "':::' stands twice: one list of arguments is all that "
                              "is understood");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct run_options *o = state->input;
    switch (key) {
    case 'j':
        o->slots = parse_count(state, arg, "commands");
        return 0;
    case 'n':
        o->ranks = parse_count(state, arg, "ranks");
        return 0;
    case KEY_MPIEXEC:
        o->mpiexec = arg;
        return 0;
    case KEY_HOSTS:
        o->hosts = arg;
        return 0;
    case KEY_HOSTFILE:
        o->hostfile = arg;
        return 0;
    case '0':
        o->null = true;
        return 0;
    case KEY_SUMMARY:
        o->summary = true;
        return 0;
    case ARGP_KEY_ARGS:
        parse_words(state, state->argv + state->next, state->argc - state->next);
        return 0;
    case ARGP_KEY_END:
        if (o->ranks == 0 && (o->mpiexec || o->hosts || o->hostfile))
            argp_error(state, "--mpiexec, --hosts and --hostfile need -n: how many "
                              "ranks are to be started?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The CPUs that this process may use. */
static int cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return CPU_COUNT(&set);
}

void run_options_parse(int argc, char **argv, struct run_options *out)
{
    static char name[] = "rota run";
    const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "COMMAND... ::: ARG...\nCOMMAND... < LIST",
        .doc = doc,
    };
    *out = (struct run_options){0};
    argv[0] = name;
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, out);
    if (out->slots == 0)
        out->slots = out->ranks > 0 ? 1 : cpu_count();
}
