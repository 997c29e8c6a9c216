/* quote.c - values in a shell's command line, whatever they hold */
#include "cli/quote.h"

#include <string.h>

/* ---- where a place is -------------------------------------------------------- */

static enum quote_in quote_in(const struct quote *q)
{
    return (enum quote_in)q->in[q->depth];
}

static const char here_document[] = "a here-document ('<<')";

static void lose(struct quote *q, const char *where)
{
    if (q->lost == NULL)
        q->lost = where;
}

static void push(struct quote *q, enum quote_in in)
{
    if (q->depth + 1 == QUOTE_DEPTH)
        lose(q, "a command nested so deep");
    else
        q->in[++q->depth] = (unsigned char)in;
}

static void pop(struct quote *q)
{
    if (q->depth > 0)
        q->depth--;
}

/* The innermost ` that is open: its depth, or 0. */
static int back_depth(const struct quote *q)
{
    for (int i = q->depth; i > 0; i--)
        if (q->in[i] == IN_BACK)
            return i;
    return 0;
}

static void step_back(struct quote *q)
{
    int depth = back_depth(q);
    if (depth > 0)
        q->depth = depth - 1;
    else
        push(q, IN_BACK);
}

/* Whether quotes mean there what they mean elsewhere: within $(...) and `...` they do,
 * whatever is around those. */
static bool takes_quotes(const struct quote *q)
{
    bool brace = false;
    for (int i = q->depth; i > 0; i--) {
        enum quote_in in = (enum quote_in)q->in[i];
        if (in == IN_PAREN || in == IN_COMMAND || in == IN_BACK)
            return true;
        if (in == IN_ARITHMETIC || (in == IN_DOUBLE && brace))
            return false;
        brace = brace || in == IN_BRACE;
    }
    return true;
}

/* What begins by $, ` and " wherever these are read. Whether `c` was such a byte. */
static bool step_expansion(struct quote *q, char c)
{
    if (c == '(' && q->before == '$')
        push(q, IN_COMMAND);
    else if (c == '{' && q->before == '$')
        push(q, IN_BRACE);
    else if (c == '`')
        step_back(q);
    else if (c == '"' && quote_in(q) == IN_DOUBLE)
        pop(q);
    else if (c == '"')
        push(q, IN_DOUBLE);
    else
        return false;
    return true;
}

/* Shells don't agree on what a ' in there is. */
static void step_single(struct quote *q, char c)
{
    if (c == '\'' && takes_quotes(q))
        push(q, q->before == '$' ? IN_ANSI : IN_SINGLE);
    else if (c == '\'')
        lose(q, "a ' in \"${...}\" or $((...))");
}

static void step_brace(struct quote *q, char c)
{
    if (c == '}')
        pop(q);
    else
        step_single(q, c);
}

static void step_arithmetic(struct quote *q, char c)
{
    if (c == '(')
        push(q, IN_ARITHMETIC);
    else if (c == ')')
        pop(q);
    else
        step_single(q, c);
}

static bool begins_word(const struct quote *q)
{
    return q->before == '\0' || strchr(" \t\n;&|(<>`", q->before) != NULL;
}

static bool is_in_parentheses(const struct quote *q)
{
    return quote_in(q) == IN_PAREN || quote_in(q) == IN_COMMAND;
}

/* The ) of a pattern, as in `case x in a)`, ends no (...): it can't be told apart. */
static void look_for_case(struct quote *q, char c)
{
    static const char word[] = "case ";
    if (begins_word(q))
        q->matching = 0;
    if (q->matching < sizeof(word) - 1 &&
        word[q->matching] == (c == '\t' || c == '\n' ? ' ' : c))
        q->matching++;
    else
        q->matching = sizeof(word);
    if (q->matching == sizeof(word) - 1 && is_in_parentheses(q))
        lose(q, "'case' in (...)");
}

/* The second ( of ((. */
static void begin_arithmetic(struct quote *q)
{
    q->in[q->depth] = IN_ARITHMETIC;
    push(q, IN_ARITHMETIC);
}

static void step_plain(struct quote *q, char c)
{
    look_for_case(q, c);
    if (c == '\'')
        push(q, q->before == '$' ? IN_ANSI : IN_SINGLE);
    else if (c == '(' && q->before == '(' && is_in_parentheses(q))
        begin_arithmetic(q);
    else if (c == '(')
        push(q, IN_PAREN);
    else if (c == ')' && is_in_parentheses(q))
        pop(q);
    else if (c == '#' && q->before == ')')
        lose(q, "')#'");
    else if (c == '#' && begins_word(q))
        push(q, IN_COMMENT);
    else if (c == '<' && q->before == '<')
        q->document = true;
}

/* A byte that the shell reads, and does not merely take along. */
static void step_read(struct quote *q, char c)
{
    enum quote_in in = quote_in(q);
    bool expansion = step_expansion(q, c);
    if (expansion || in == IN_DOUBLE)
        return;
    if (in == IN_BRACE)
        step_brace(q, c);
    else if (in == IN_ARITHMETIC)
        step_arithmetic(q, c);
    else
        step_plain(q, c);
}

static void step_taken(struct quote *q, char c)
{
    enum quote_in in = quote_in(q);
    if (in == IN_ANSI && c == '\\')
        lose(q, "a \\ in $'...'");
    if (c == '`' && back_depth(q) > 0) /* there it ends those, in quotes too */
        lose(q, "a ` within `...`");
    if (c == (in == IN_COMMENT ? '\n' : '\''))
        pop(q);
}

/* Within `...` a backslash is read twice, and each time in another way. */
static void step_escaped(struct quote *q, char c)
{
    q->escaped = false;
    if (back_depth(q) > 0 && strchr("\"'`\\$", c) != NULL)
        lose(q, "a backslash in `...`");
}

/* Behind <<: with a third < it is a word that follows, quoted as any. */
static void step_document(struct quote *q, char c)
{
    if (c != '<')
        lose(q, here_document);
    q->document = false;
    q->before = 'x';
}

static void step(struct quote *q, char c)
{
    enum quote_in in = quote_in(q);
    int depth = q->depth;
    if (q->document)
        step_document(q, c);
    if (in == IN_SINGLE || in == IN_ANSI || in == IN_COMMENT) {
        step_taken(q, c);
    } else if (q->escaped) {
        step_escaped(q, c);
        c = c == '\n' ? q->before : 'x'; /* a line that goes on; or it means nothing */
    } else if (c == '\\') {
        q->escaped = true;
        return;
    } else {
        step_read(q, c);
    }
    if (in == IN_COMMAND && q->depth < depth)
        c = 'x'; /* behind $(...) the word goes on */
    q->before = c == '$' && q->before == '$' ? 'x' : c; /* $$ is a whole */
}

void quote_walk(struct quote *q, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        step(q, text[i]);
}

/* Whether a shell reads every byte there. */
static bool is_bare(const struct quote *q)
{
    enum quote_in in = quote_in(q);
    return in != IN_SINGLE && in != IN_ANSI && in != IN_DOUBLE && in != IN_COMMENT;
}

const char *quote_lost(const struct quote *q)
{
    if (q->document)
        return here_document;
    if (q->escaped)
        return "a backslash";
    return q->before == '$' && is_bare(q) ? "a '$'" : q->lost;
}

/* ---- the value there --------------------------------------------------------- */

static bool is_plain(const char *value, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_.+/";
    for (size_t i = 0; i < size; i++)
        if (memchr(plain, value[i], sizeof(plain) - 1) == NULL)
            return false;
    return size > 0;
}

/* Within `...` a backslash and a ` are read once more than elsewhere. */
static int put_byte(struct blob *to, char c, bool back)
{
    int rc = back && (c == '\\' || c == '`') ? blob_put(to, "\\", 1) : 0;
    return rc ? rc : blob_put(to, &c, 1);
}

/* In single quotes, where only they are special: ' becomes '"'"' . */
static int put_quoted(struct blob *to, const char *value, size_t size, bool back)
{
    int rc = blob_put(to, "'", 1);
    for (size_t i = 0; i < size && rc == 0; i++)
        rc = value[i] == '\'' ? blob_put(to, "'\"'\"'", 5)
                              : put_byte(to, value[i], back);
    return rc ? rc : blob_put(to, "'", 1);
}

bool quote_takes(const struct quote *at, const char *value, size_t size)
{
    return takes_quotes(at) || size == 0 || is_plain(value, size);
}

/* What ends the quotes around a place, and begins them again. */
static const char *around(const struct quote *at)
{
    switch (quote_in(at)) {
    case IN_SINGLE:
    case IN_ANSI:
        return "'";
    case IN_DOUBLE:
        return "\"";
    default:
        return "";
    }
}

int quote_put(struct blob *to, const struct quote *at, const char *value, size_t size)
{
    if (quote_in(at) == IN_COMMENT)
        return 0;
    if (!takes_quotes(at))
        return blob_put(to, value, size);
    const char *quotes = around(at);
    int rc = blob_put(to, quotes, strlen(quotes));
    if (rc == 0)
        rc = is_plain(value, size) ? blob_put(to, value, size)
                                   : put_quoted(to, value, size, back_depth(at) > 0);
    return rc ? rc : blob_put(to, quotes, strlen(quotes));
}
