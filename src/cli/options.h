/* options.h - the words of rota run */
#ifndef ROTA_CLI_OPTIONS_H
#define ROTA_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/control_options.h"
#include "cli/inputs.h"
#include "cli/launch_options.h"
#include "cli/past.h"
#include "cli/pipe_options.h"
#include "cli/show.h"
#include "cli/variables.h"
#include "launch/place.h"

/* What a run that is begun again has in place of a beginning. */
struct again {
    const char *why;   /* for its record; NULL: it is a new run, and no more of this */
    bool retry_failed; /* what failed is left to do too */
    bool reread;       /* standard input is there again, from its beginning */
};

struct run_options {
    struct launch_options launch; /* as was said; */
    struct place where;           /* and what follows: set by cli_run_options */
    struct inputs inputs;         /* one at least */
    struct control_options control;
    struct variables variables; /* that commands see */
    struct pipe_options pipe;   /* inputs has one: what is read */
    int slots;                  /* commands at once, on each worker */
    int retries;                /* further tries of one that fails */
    int nice;                   /* how much nicer than this process they are */
    const char *place;          /* what stands for {}; NULL: that does */
    const char *shell;          /* PARALLEL_SHELL, which reads every command; or NULL */
    const char *tag;            /* a template, or NULL */
    const char *joblog;         /* files, or NULL */
    enum past_mode past;
    const char *run_file;
    int restarts; /* how often it may begin again if its manager dies */
    struct again again;
    const char *results; /* a folder, or NULL */
    const char *folder;  /* where commands run, or NULL */
    enum show_mode show;
    bool in_order;
    bool worker;     /* the command is a persistent program (programs.h) */
    bool quote;      /* the command's words stand as they are */
    bool verbose;    /* each command is shown before its output */
    bool dry;        /* and nothing else done */
    bool summary;    /* wanted even if all went well */
    bool record_env; /* nothing but that: variables_record */
    char **command;
    int command_count;
    char **words; /* all of them, without the program's name; */
    int word_count;
    int option_count; /* so many come before COMMAND, or the -- before that */
};

/* Borrows argv; run_options_done(). Wrong words end the process with STATUS_USAGE,
 * --help with 0. */
void run_options_parse(int argc, char **argv, struct run_options *out);

void run_options_done(struct run_options *o);

/* Whether standard input is a source that is to be read. */
bool run_options_want_input(const struct run_options *o);

enum {
    RUN_OPTIONS_TABLES = 5,
};

/* All tables of options: each entry says what it is about (option_kinds.h). */
void run_options_tables(const struct argp_option *out[RUN_OPTIONS_TABLES]);

#endif
