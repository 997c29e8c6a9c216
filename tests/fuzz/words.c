/* words.c - arguments and the commands they go into: cli/sources.h, template.h, quote.h
 *
 * Lists are of the bytes; the options and the templates are of a list. Whatever an
 * argument holds, it reaches the command as it was: in the words where there is no
 * shell, and else in the shell's line, which is taken apart here as a shell would.
 */
#include "fuzz.h"

#include <unistd.h>

#include "cli/blob.h"
#include "cli/sources.h"
#include "cli/template.h"

enum {
    MOST_ROWS = 2000,
};

static const char *const columns[] = {NULL, "\t", ",", "[[:space:]]+", "x*"};
static const char *const templates[] = {
    "echo",
    "echo {}",
    "cp {} {.}.bak {/} {//} {/.}",
    "e '{}' \"{1}\" {2} {-1}",
    "e {#} {%}",
    "{}",
    "e $(e {}) `e {}` # {}",
    "e {name} {name.} {2/.}",
    "e {} | e",
    "a\\{} {}b{}",
};

enum {
    COLUMNS = sizeof(columns) / sizeof(columns[0]),
    TEMPLATES = sizeof(templates) / sizeof(templates[0]),
};

/* Take a word off a shell's line, in which all is plain, or in quotes, within which no
 * quote stands. Returns what is behind it. */
static const char *unquote(const char *line, const char *end, char *out)
{
    char quote = '\0';
    for (; line < end && (quote != '\0' || *line != ' '); line++) {
        bool plain = quote == '\0';
        if (plain && (*line == '\'' || *line == '"'))
            quote = *line;
        else if (!plain && *line == quote)
            quote = '\0';
        else
            *out++ = *line;
        must(!plain || quote != '\0' ||
             strchr("\\$`&|;<>()*?[#~\n\t!{", *line) == NULL);
        must(quote != '"' || strchr("\\$`", *line) == NULL);
    }
    must(quote == '\0');
    *out = '\0';
    return line;
}

/* In `echo`, with the arguments behind it, each is one word of a shell's line. */
static void check_line(const struct blob *line, struct row row)
{
    const char *end = (const char *)line->data + line->size;
    const char *at = (const char *)line->data + strlen("echo");
    for (int i = 0; i < row.count; i++) {
        char *word = malloc((size_t)(end - at) + 1);
        must(word != NULL && at < end && *at == ' ');
        at = unquote(at + 1, end, word);
        must(strcmp(word, row.values[i]) == 0);
        free(word);
    }
    must(at == end);
}

static void check_words(char **words, struct row row)
{
    must(strcmp(words[0], "echo") == 0);
    for (int i = 0; i < row.count; i++)
        must(strcmp(words[1 + i], row.values[i]) == 0);
    must(words[1 + row.count] == NULL);
}

static void apply(const struct template *t, struct row row, uint64_t task, bool plain)
{
    char **words;
    struct blob line = {0};
    must(template_apply(t, row, task, &words) == 0);
    must(words != NULL);
    must(template_line(t, row, task, &line) == 0);
    if (plain) {
        check_words(words, row);
        check_line(&line, row);
    }
    free(words);
    free(line.data);
}

static void read_rows(struct sources *s, const char *text, bool quote)
{
    struct row row;
    struct rota_error err = {0};
    struct template *t = NULL;
    char word[64];
    char *words[] = {word, NULL};
    uint64_t rows = 0;
    int rc;
    snprintf(word, sizeof(word), "%s", text);
    int64_t left = sources_left(s);
    while (rows < MOST_ROWS && (rc = sources_next(s, &row, &err)) == 0) {
        struct template_options o = {.names = sources_names(s), .quote = quote};
        must(row.count > 0);
        if (t == NULL && template_new(words, 1, &o, &t, &err) != 0)
            return;
        apply(t, row, ++rows, strcmp(text, "echo") == 0);
    }
    template_free(t);
    if (rows == MOST_ROWS)
        return;
    must(rc == ROTA_E_NOTFOUND || (rc == ROTA_E_FORMAT && err.text[0] != '\0') ||
         rc == ROTA_E_ARG);
    must(rc != ROTA_E_NOTFOUND || left < 0 || (uint64_t)left == rows);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    struct sources *s;
    struct rota_error err = {0};
    char paths[2][64];
    char first[] = "a b.c";
    char second[] = "d'e";
    char *const list[] = {first, second};
    uint8_t how = fuzz_take8(&b);
    uint8_t with = fuzz_take8(&b);
    struct sources_options o = {
        .delimited = how & 1,
        .link_all = how & 2,
        .header = how & 4 ? ":" : NULL,
        .skip_empty = how & 8,
        .whole = how & 16,
        .rows = how & 32 ? 3 : 0,
        .colsep = columns[with % COLUMNS],
        .trim = (enum sources_trim)(how / 64),
    };
    const char *text = templates[with / COLUMNS % TEMPLATES];
    size_t half = b.left / 2;
    int one = fuzz_file(b.at, with & 128 ? half : b.left);
    int two = fuzz_file(b.at + half, b.left - half);
    snprintf(paths[0], sizeof(paths[0]), "/proc/self/fd/%d", one);
    snprintf(paths[1], sizeof(paths[1]), "/proc/self/fd/%d", two);
    struct source_spec specs[3] = {
        {.file = paths[0]},
        {.file = paths[1], .linked = how & 1},
        {.list = list, .count = 2},
    };
    int count = with & 128 ? 3 : 1;
    int rc = sources_open(specs, count, &o, &s, &err);
    must(rc == 0 || err.text[0] != '\0');
    if (rc == 0) {
        read_rows(s, text, how & 4);
        sources_close(s);
    }
    close(one);
    close(two);
}

static void seed(const char *name, int how, int with, const char *text)
{
    char out[512] = {(char)how, (char)with};
    strcpy(out + 2, text);
    fuzz_seed(name, out, 2 + strlen(text));
}

void fuzz_seeds(void)
{
    seed("lines", 0, 0,
         "one\ntwo words\n'quoted' \"too\"\n$(rm -rf ~) `x`; & | > <\n\n\\");
    seed("columns", 4, 3 * COLUMNS + 2, "name,age\nAda,36\nAlan,41,more\n");
    seed("parts", 0, 2 * COLUMNS, "/a/b.c.d\n.\n..\n/\na/.b\nc.\n");
    seed("sources", 16, 128 + 3 * COLUMNS, "a\nb\nc\nd\n");
    seed("linked", 3, 128 + COLUMNS, "a\nb\nc\nd\n");
    seed("blanks", 8 + 64, 3, "  one \t two\n   \nthree\n");
    seed("shell", 32, 6 * COLUMNS, "it's\n-n\n\x80\xff\n");
    seed("delimited", 1, 1, "a\n\tb");
}
