/* template.c - the command a person wrote once, and its arguments
 *
 * A shell is needed for its metacharacters, for an assignment before the command,
 * and for the commands that it has built in and nobody else has. `{}` is ours, any
 * other brace the shell's.
 */
#include "cli/template.h"

#include <stdlib.h>
#include <string.h>

#include "rota.h"

struct template
{
    char *text; /* with at least one {} in it, where it is not empty */
    bool shell; /* text needs one */
};

static const char metacharacters[] = "|&;<>()$`\\\"'*?[]#~!{}\n\t";

static const char *const builtins[] = {
    ".",    ":",        "alias",  "bg",    "cd",      "command", "eval",
    "exec", "exit",     "export", "fg",    "getopts", "hash",    "jobs",
    "read", "readonly", "set",    "shift", "source",  "times",   "trap",
    "type", "ulimit",   "umask",  "unset", "wait",
};

static bool is_builtin(const char *text)
{
    size_t length = strcspn(text, " ");
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
        if (strlen(builtins[i]) == length && strncmp(text, builtins[i], length) == 0)
            return true;
    return false;
}

static bool needs_shell(const char *text)
{
    text += strspn(text, " ");
    if (memchr(text, '=', strcspn(text, " ")) != NULL)
        return true;
    for (const char *c = text; *c != '\0'; c++) {
        if (c[0] == '{' && c[1] == '}')
            c++;
        else if (strchr(metacharacters, *c) != NULL)
            return true;
    }
    return is_builtin(text);
}

/* --- words: an array and what it points to, in one block ------------------ */

struct words {
    char **argv;
    size_t count;
    char *end; /* where the next byte goes */
};

static int words_init(struct words *w, size_t count, size_t bytes)
{
    w->argv = calloc(1, (count + 1) * sizeof(char *) + bytes);
    w->end = (char *)(w->argv + count + 1);
    w->count = 0;
    return w->argv ? 0 : ROTA_E_NOMEM;
}

static void word_begin(struct words *w)
{
    w->argv[w->count++] = w->end;
}

static void word_put(struct words *w, const char *text, size_t length)
{
    memcpy(w->end, text, length);
    w->end += length;
}

static void word_end(struct words *w)
{
    *w->end++ = '\0';
}

static void word_add(struct words *w, const char *text)
{
    word_begin(w);
    word_put(w, text, strlen(text));
    word_end(w);
}

/* In single quotes, where only they are special: ' becomes '\'' . */
static void word_put_quoted(struct words *w, const char *text)
{
    word_put(w, "'", 1);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\'')
            word_put(w, "'\\''", 4);
        else
            word_put(w, c, 1);
    }
    word_put(w, "'", 1);
}

/* `text` up to `length`, with the argument for each {}. */
static void word_put_filled(struct words *w, const char *text, size_t length,
                            const char *argument, bool quoted)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '{' || i + 1 == length || text[i + 1] != '}') {
            word_put(w, text + i, 1);
            continue;
        }
        i++;
        if (quoted)
            word_put_quoted(w, argument);
        else
            word_put(w, argument, strlen(argument));
    }
}

static size_t count_fields(const char *text)
{
    size_t count = 0;
    for (const char *c = strstr(text, "{}"); c != NULL; c = strstr(c + 2, "{}"))
        count++;
    return count;
}

/* sh -c TEXT, which is filled with the quoted argument, or stands as it is. */
static int shell_words(const char *text, const char *argument, char ***out)
{
    struct words w;
    size_t quoted = argument ? 4 * strlen(argument) + 2 : 0;
    int rc = words_init(&w, 3, strlen(text) + count_fields(text) * quoted + 8);
    if (rc != 0)
        return rc;
    word_add(&w, "sh");
    word_add(&w, "-c");
    if (argument == NULL) {
        word_add(&w, text);
    } else {
        word_begin(&w);
        word_put_filled(&w, text, strlen(text), argument, true);
        word_end(&w);
    }
    *out = w.argv;
    return 0;
}

static int plain_words(const char *text, const char *argument, char ***out)
{
    struct words w;
    size_t length = strlen(text);
    size_t each = argument ? strlen(argument) : 0;
    int rc = words_init(&w, length / 2 + 1, length + 1 + count_fields(text) * each);
    if (rc != 0)
        return rc;
    for (const char *c = text + strspn(text, " "); *c != '\0'; c += strspn(c, " ")) {
        size_t n = strcspn(c, " ");
        word_begin(&w);
        if (argument == NULL)
            word_put(&w, c, n);
        else
            word_put_filled(&w, c, n, argument, false);
        word_end(&w);
        c += n;
    }
    *out = w.argv;
    return 0;
}

int template_new(char *const *words, int count, struct template **out)
{
    static const char place[] = " {}";
    size_t size = sizeof(place);
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    rota_auto(template) struct template *t = calloc(1, sizeof(*t));
    if (t == NULL || (t->text = calloc(1, size)) == NULL)
        return ROTA_E_NOMEM;

    char *end = t->text;
    for (int i = 0; i < count; i++) {
        if (i > 0)
            *end++ = ' ';
        end = stpcpy(end, words[i]);
    }
    if (count > 0 && strstr(t->text, "{}") == NULL)
        memcpy(end, place, sizeof(place));
    t->shell = needs_shell(t->text);
    *out = rota_steal(t);
    return 0;
}

void template_free(struct template *t)
{
    if (t == NULL)
        return;
    free(t->text);
    free(t);
}

bool template_is_empty(const struct template *t)
{
    return t->text[0] == '\0';
}

int template_apply(const struct template *t, const char *argument, char ***out)
{
    if (template_is_empty(t))
        return needs_shell(argument) ? shell_words(argument, NULL, out)
                                     : plain_words(argument, NULL, out);
    return t->shell ? shell_words(t->text, argument, out)
                    : plain_words(t->text, argument, out);
}
