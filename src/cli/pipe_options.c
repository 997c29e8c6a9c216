/* pipe_options.c - the words of --pipe, for argp */
#include "cli/pipe_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option_kinds.h"

enum {
    KEY_PIPE = 0x5000,
    KEY_PIPEPART,
    KEY_BLOCK,
    KEY_RECSTART,
    KEY_RECEND,
    KEY_REGEXP,
    KEY_STRIP,
    KEY_CAT,
    KEY_FIFO,
    KEY_ROUND,
    LINES_MAX = 1000000000,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, OPTION_OF_TASKS, "Standard input for commands:", 30},
    {"pipe", KEY_PIPE, NULL, OPTION_OF_TASKS,
     "cut standard input (or -a FILE) into blocks of records, lines as a rule, and "
     "give "
     "each to a COMMAND on its standard input; -N says how many records, else as many "
     "as are in --block bytes",
     0},
    {"spreadstdin", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"pipepart", KEY_PIPEPART, NULL, OPTION_OF_TASKS, "the same of -a FILE", 0},
    {"pipe-part", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"cat", KEY_CAT, NULL, OPTION_OF_TASKS,
     "as --pipe, but {} in COMMAND is the name of a temporary file with the block", 0},
    {"fifo", KEY_FIFO, NULL, OPTION_OF_TASKS,
     "as --pipe, but {} is the name of a pipe, to be read once", 0},
    {"round-robin", KEY_ROUND, NULL, OPTION_OF_TASKS,
     " as --pipe, but with no more than -j commands in all: what has read its block "
     "gets "
     "the next one, up to the end of the input",
     0},
    {"round", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"block", KEY_BLOCK, "SIZE", OPTION_OF_TASKS,
     "about so many bytes in each block (1M); K, M and G are powers of 1024, k, m and "
     "g "
     "of 1000",
     0},
    {"block-size", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"recend", KEY_RECEND, "STR", OPTION_OF_TASKS, "a record ends with STR (\\n)", 0},
    {"recstart", KEY_RECSTART, "STR", OPTION_OF_TASKS,
     "a record begins with STR; with --recend too, it is cut between the two", 0},
    {"regexp", KEY_REGEXP, NULL, OPTION_OF_TASKS,
     "both are extended regular expressions", 0},
    {"remove-rec-sep", KEY_STRIP, NULL, OPTION_OF_TASKS, "take them out of the blocks",
     0},
    {"removerecsep", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"rrs", 0, NULL, OPTION_ALIAS, NULL, 0},
    {"max-lines", 'L', "N", OPTION_OF_TASKS, "a record is N lines", 0},
    {0},
};

/* A number, perhaps with a letter behind it, or two: 10, 3k, 1M, 2Gi. */
static size_t parse_size(struct argp_state *state, const char *arg)
{
    static const char letters[] = "KMG";
    char *end;
    errno = 0;
    double size = strtod(arg, &end);
    bool number = errno == 0 && end > arg && strspn(arg, "0123456789.") > 0;
    if (number && *end != '\0') {
        char upper = (char)(*end & ~0x20);
        const char *letter = strchr(letters, upper);
        bool binary = *end == upper || end[1] == 'i';
        number = letter != NULL && *letter != '\0';
        for (long i = 0; number && i <= letter - letters; i++)
            size *= binary ? 1024 : 1000;
        end += end[1] == 'i' ? 2 : 1;
    }
    if (!number || *end != '\0' || !(size >= 1) || size > (double)BLOCKS_MOST_BYTES)
        argp_error(state,
                   "--block '%s': not a number of bytes from 1 to 1G, as 100k or 10M",
                   arg);
    return (size_t)size;
}

static size_t parse_lines(struct argp_state *state, const char *arg)
{
    char *end;
    errno = 0;
    long n = strtol(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || n < 1 || n > LINES_MAX)
        argp_error(state, "-L '%s': not a number of lines", arg);
    return (size_t)n;
}

static error_t parse_record(int key, char *arg, struct argp_state *state,
                            struct pipe_options *o)
{
    o->said = true;
    switch (key) {
    case KEY_BLOCK:
        o->blocks.block_bytes = parse_size(state, arg);
        return 0;
    case KEY_RECSTART:
        o->blocks.recstart = arg;
        return 0;
    case KEY_RECEND:
        o->blocks.recend = arg;
        return 0;
    case KEY_REGEXP:
        o->blocks.regex = true;
        return 0;
    case KEY_STRIP:
        o->blocks.strip = true;
        return 0;
    case 'L':
    default:
        o->blocks.lines = parse_lines(state, arg);
        return 0;
    }
}

static void parse_input(struct argp_state *state, enum execute_input input,
                        struct pipe_options *o)
{
    if (o->input != EXECUTE_STANDARD && o->input != input)
        argp_error(state, "--cat and --fifo: a command reads by the one or the other");
    o->input = input;
    o->wanted = true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct pipe_options *o = state->input;
    switch (key) {
    case KEY_CAT:
        parse_input(state, EXECUTE_FILE, o);
        return 0;
    case KEY_FIFO:
        parse_input(state, EXECUTE_FIFO, o);
        return 0;
    case KEY_ROUND:
        o->round_robin = o->wanted = true;
        return 0;
    case ARGP_KEY_INIT:
        o->blocks.block_bytes = 1 << 20;
        return 0;
    case KEY_PIPEPART:
        o->by_part = true;
        o->wanted = true;
        return 0;
    case KEY_PIPE:
        o->wanted = true;
        return 0;
    case KEY_BLOCK:
    case KEY_RECSTART:
    case KEY_RECEND:
    case KEY_REGEXP:
    case KEY_STRIP:
    case 'L':
        return parse_record(key, arg, state, o);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp pipe_options_argp = {.options = options, .parser = parse};
