/* main.c - rota: words in, words out */
#include <argp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "cli/doctor.h"
#include "cli/exec.h"
#include "cli/guard.h"
#include "cli/report.h"
#include "cli/report_file.h"
#include "cli/resume.h"
#include "cli/run.h"
#include "cli/status.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what; /* NULL: not for people */
};

static const struct command commands[] = {
    {"run", cli_run, "run a command for each of many arguments, several at a time"},
    {"resume", cli_resume, "go on with a run that was cut off, from its run file"},
    {"status", cli_status, "show how the run in a run file stands"},
    {"report", cli_report, "print what became of each task in a run file"},
    {"exec", cli_exec, "start an MPI program on N ranks"},
    {"guard", cli_guard, "start an MPI program; say why, and end it, if it hangs"},
    {"doctor", cli_doctor, "see what protects a run on this machine, by trying it"},
    {"run-rank", cli_run_rank, NULL},
    {"guard-rank", cli_guard_rank, NULL},
    {"doctor-rank", cli_doctor_rank, NULL},
};

/* For argp, which gives each command a --version. The C library must see it. */
__attribute__((visibility("default"))) const char *argp_program_version =
    "rota " ROTA_VERSION;

enum {
    COMMANDS = sizeof(commands) / sizeof(commands[0]),
};

static const char usage[] = "Usage: rota COMMAND [OPTION...]\n"
                            "  or:  rota --version\n"
                            "Message-passing work that always ends, with its results "
                            "or with a reason.\n"
                            "\n";

static const char examples[] =
    "\n"
    "  rota run sha256sum ::: *.iso        on this machine, one for each CPU\n"
    "  rota run -n 16 sha256sum < list     on 16 ranks, which may die\n"
    "  rota exec -n 4 ./program            a program of your own\n"
    "\n"
    "'rota COMMAND --help' says more of each, 'man rota' all there is to know.\n";

static void print_usage(FILE *f)
{
    fputs(usage, f);
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].what != NULL)
            fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].what);
    fputs(examples, f);
}

static int show_version(void)
{
    puts(argp_program_version);
    return fflush(stdout) == 0 ? STATUS_SUCCESS : STATUS_INCOMPLETE;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    fprintf(stderr, "rota: there is no command '%s'; there is", name);
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].what != NULL)
            fprintf(stderr, " '%s'", commands[i].name);
    fprintf(stderr, "; 'rota --help' says more\n");
    return STATUS_USAGE;
}

static int help(int argc, char **argv)
{
    static char word[] = "--help";
    if (argc < 2 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return fflush(stdout) == 0 ? STATUS_SUCCESS : STATUS_INCOMPLETE;
    }
    const struct command *c = find(argv[1]);
    if (c == NULL)
        return unknown(argv[1]);
    char *words[] = {argv[1], word, NULL};
    return c->run(2, words);
}

/* Descriptors 0 to 2 must be somebody's, or the next file would become standard
 * output. What is opened here can't be written to, which is then an error. */
static void hold_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    signal(SIGCHLD,
           SIG_DFL); /* whoever started us may ignore it: no end would be told */
    signal(SIGXFSZ, SIG_IGN); /* a write that finds no room fails, and is told of */
    if (argc < 2) {
        print_usage(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return show_version();
    const struct command *c = find(argv[1]);
    if (c == NULL)
        return unknown(argv[1]);
    struct rota_error err;
    if (c->what != NULL && fault_arm("front", &err) != 0) { /* ranks arm themselves */
        fprintf(stderr, "rota: %s\n", err.text);
        return STATUS_USAGE;
    }
    return c->run(argc - 1, argv + 1);
}
