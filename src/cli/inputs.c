/* inputs.c - the words that say where arguments come from, for argp */
#include "cli/inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/option_kinds.h"
#include "cli/split.h"

enum {
    KEY_COLSEP = 0x2000,
    KEY_HEADER,
    KEY_LINK,
    KEY_TRIM,
    KEY_XARGS,
    LINE_MAX_BYTES = 131071, /* the longest word that the kernel takes, as sh -c's */
    ROWS_MAX = 1000000000,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, OPTION_OF_TASKS, "Arguments:", 20},
    {"arg-file", 'a', "FILE", OPTION_OF_TASKS,
     "arguments from FILE, one a line; - is standard input. Given again: one more "
     "source, and all combinations",
     0},
    {"null", '0', NULL, OPTION_OF_TASKS, "arguments that are read end with a NUL byte",
     0},
    {"delimiter", 'd', "BYTE", OPTION_OF_TASKS,
     "they end with BYTE; \\t, \\n and \\0 mean what they do in C", 0},
    {"colsep", KEY_COLSEP, "REGEX", OPTION_OF_TASKS,
     "arguments have columns: {1}, {2}, ...; REGEX (extended) is what separates them",
     0},
    {NULL, 'C', NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 0},
    {"header", KEY_HEADER, ":", OPTION_OF_TASKS,
     "the first argument of each source is its name: {name}. With --pipe: what each "
     "block begins with: ':' is the first line, a number so many, or a regular "
     "expression",
     0},
    {"link", KEY_LINK, NULL, OPTION_OF_TASKS,
     "sources go along instead of all combinations; the shorter begin again", 0},
    {"xapply", 0, NULL, OPTION_ALIAS | OPTION_HIDDEN, NULL, 0},
    {"max-args", 'N', "N", OPTION_OF_TASKS,
     "N arguments for each command: {1} to {N}; with --pipe N records", 0},
    {"max-replace-args", 0, NULL, OPTION_ALIAS, NULL, 0},
    {NULL, 'm', NULL, OPTION_OF_TASKS,
     "as many arguments in each command line as it takes, or where the list is short, "
     "a share of them for each slot",
     0},
    {NULL, 'X', NULL, OPTION_OF_TASKS,
     "so too, and a word with {} in it is repeated: x{}y is xay xby", 0},
    {"xargs", KEY_XARGS, NULL, OPTION_OF_TASKS,
     "as -m, but a short list is one command line", 0},
    {"max-chars", 's', "N", OPTION_OF_TASKS,
     "a command line must be shorter than N bytes (131071)", 0},
    {"trim", KEY_TRIM, "n|l|r|lr", OPTION_OF_TASKS,
     "cut blanks off arguments: nowhere (without --colsep), left, right, both", 0},
    {"no-run-if-empty", 'r', NULL, OPTION_OF_TASKS, "no command for a blank argument",
     0},
    {0},
};

int inputs_add(struct inputs *in, struct source_spec spec)
{
    size_t size = ((size_t)in->count + 1) * sizeof(spec);
    struct source_spec *specs = realloc(in->specs, size);
    if (specs == NULL)
        return ROTA_E_NOMEM;
    in->specs = specs;
    in->specs[in->count++] = spec;
    if (spec.file != NULL && strcmp(spec.file, "-") == 0)
        in->standard++;
    return 0;
}

static void add_spec(struct inputs *in, struct argp_state *state,
                     struct source_spec spec)
{
    if (inputs_add(in, spec) != 0)
        argp_failure(state, 2, ENOMEM, "cannot take the arguments");
    if (in->standard > 1)
        argp_error(state, "standard input ('-') is given twice as a source");
}

static void parse_rows(struct inputs *in, struct argp_state *state, const char *arg)
{
    char *end;
    errno = 0;
    long n = strtol(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || n < 1 || n > ROWS_MAX)
        argp_error(state, "-N '%s': not a number of arguments", arg);
    in->options.rows = (int)n;
}

static void parse_delimiter(struct inputs *in, struct argp_state *state, char *arg)
{
    rota_auto(heap) char *text = strdup(arg);
    size_t size = 0;
    if (text == NULL)
        argp_failure(state, 2, ENOMEM, "cannot take the delimiter");
    else
        split_unescape(text, &size);
    if (text == NULL || size != 1)
        argp_error(state, "-d '%s': not one byte, as ',' or '\\t'", arg);
    else
        in->options.delimiter = text[0];
    in->options.delimited = true;
}

static void parse_bytes(struct inputs *in, struct argp_state *state, const char *arg)
{
    char *end;
    errno = 0;
    long n = strtol(arg, &end, 10);
    if (errno != 0 || end == arg || *end != '\0' || n < 1 || n > LINE_MAX_BYTES)
        argp_error(state, "-s '%s': not a length of a command line, 1 to %d", arg,
                   LINE_MAX_BYTES);
    in->many.bytes = (size_t)n;
}

static void parse_trim(struct inputs *in, struct argp_state *state, const char *arg)
{
    static const struct {
        const char *word;
        enum sources_trim trim;
    } words[] = {{"n", TRIM_NONE},
                 {"l", TRIM_LEFT},
                 {"r", TRIM_RIGHT},
                 {"lr", TRIM_BOTH},
                 {"rl", TRIM_BOTH}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(arg, words[i].word) == 0) {
            in->options.trim = words[i].trim;
            return;
        }
    argp_error(state, "--trim '%s': there is n, l, r and lr", arg);
}

static error_t parse_many(int key, const char *arg, struct inputs *in,
                          struct argp_state *state)
{
    switch (key) {
    case 'X':
        in->many.context = true;
        in->many.wanted = true;
        return 0;
    case 'm':
        in->many.wanted = true;
        return 0;
    case KEY_XARGS:
        in->many.wanted = in->many.together = true;
        return 0;
    case 's':
        parse_bytes(in, state, arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct inputs *in = state->input;
    switch (key) {
    case 'a':
        add_spec(in, state, (struct source_spec){.file = arg});
        return 0;
    case '0':
        in->options.delimited = true;
        in->options.delimiter = '\0';
        return 0;
    case 'd':
        parse_delimiter(in, state, arg);
        return 0;
    case KEY_COLSEP:
    case 'C':
        in->options.colsep = arg;
        return 0;
    case KEY_HEADER:
        in->options.header = arg;
        return 0;
    case KEY_LINK:
        in->options.link_all = true;
        return 0;
    case 'N':
        parse_rows(in, state, arg);
        return 0;
    case KEY_TRIM:
        parse_trim(in, state, arg);
        return 0;
    case 'r':
        in->options.skip_empty = true;
        return 0;
    default:
        return parse_many(key, arg, in, state);
    }
}

const struct argp inputs_argp = {.options = options, .parser = parse};

/* ---- behind the command ------------------------------------------------------ */

struct separator {
    const char *word;
    bool files;
    bool linked;
};

static const struct separator *separator(const char *word)
{
    static const struct separator all[] = {
        {":::", false, false},
        {":::+", false, true},
        {"::::", true, false},
        {"::::+", true, true},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(word, all[i].word) == 0)
            return &all[i];
    return NULL;
}

static int count_until_separator(char **words, int count)
{
    int i = 0;
    while (i < count && separator(words[i]) == NULL)
        i++;
    return i;
}

static void add_sources(struct inputs *in, struct argp_state *state,
                        const struct separator *s, char **words, int count)
{
    if (s->linked && in->count == 0)
        argp_error(state, "'%s' links to the source before it, and there is none",
                   s->word);
    if (!s->files)
        add_spec(
            in, state,
            (struct source_spec){.list = words, .count = count, .linked = s->linked});
    for (int i = 0; s->files && i < count; i++)
        add_spec(in, state,
                 (struct source_spec){.file = words[i], .linked = s->linked});
}

int inputs_words(struct inputs *in, struct argp_state *state, char **words, int count)
{
    int command = count_until_separator(words, count);
    for (int at = command; at < count;) {
        const struct separator *s = separator(words[at++]);
        int n = count_until_separator(words + at, count - at);
        add_sources(in, state, s, words + at, n);
        at += n;
    }
    return command;
}

void inputs_finish(struct inputs *in, struct argp_state *state)
{
    struct inputs_many *many = &in->many;
    bool alone = !many->wanted && many->bytes > 0; /* -s: just a limit */
    if (!many->wanted)
        many->context = in->options.rows > 1;
    many->wanted = many->wanted || alone;
    if (!many->wanted)
        return;
    if (many->bytes == 0)
        many->bytes = LINE_MAX_BYTES;
    many->most = alone && in->options.rows == 0 ? 1 : in->options.rows;
    many->together = many->together || alone;
    in->options.rows = 0;
    if (in->options.whole)
        argp_error(state,
                   "with -m, -X, --xargs and -s it is not known at first how many "
                   "commands there will be: there is no --bar, --eta, or --halt "
                   "with a percentage");
}

void inputs_done(struct inputs *in)
{
    free(in->specs);
    in->specs = NULL;
}
