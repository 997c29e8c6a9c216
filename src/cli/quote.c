/* quote.c - values in a shell's command line, whatever they hold */
#include "cli/quote.h"

#include <string.h>

/* ---- where a place is -------------------------------------------------------- */

static enum quote_in quote_in(const struct quote *q)
{
    return (enum quote_in)q->in[q->depth];
}

static void push(struct quote *q, enum quote_in in)
{
    if (q->depth + 1 == QUOTE_DEPTH)
        q->too_deep = true;
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

static void step_double(struct quote *q, char c)
{
    if (c == '"')
        pop(q);
    else if (c == '`')
        step_back(q);
    else if (c == '(' && q->before == '$')
        push(q, IN_PAREN);
}

static bool begins_word(const struct quote *q)
{
    return q->before == '\0' || strchr(" \t\n;&|(`", q->before) != NULL;
}

static void step_plain(struct quote *q, char c)
{
    if (c == '\'')
        push(q, IN_SINGLE);
    else if (c == '"')
        push(q, IN_DOUBLE);
    else if (c == '(')
        push(q, IN_PAREN);
    else if (c == ')' && quote_in(q) == IN_PAREN)
        pop(q);
    else if (c == '`')
        step_back(q);
    else if (c == '#' && begins_word(q))
        push(q, IN_COMMENT);
    else if (c == '<' && q->before == '<')
        q->document = true;
}

static void step(struct quote *q, char c)
{
    enum quote_in in = quote_in(q);
    if (in == IN_SINGLE || in == IN_COMMENT) {
        if (c == (in == IN_SINGLE ? '\'' : '\n'))
            pop(q);
    } else if (q->escaped) {
        q->escaped = false;
        c = 'x'; /* means nothing */
    } else if (c == '\\') {
        q->escaped = true;
    } else if (in == IN_DOUBLE) {
        step_double(q, c);
    } else {
        step_plain(q, c);
    }
    q->before = c;
}

void quote_walk(struct quote *q, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        step(q, text[i]);
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

int quote_put(struct blob *to, const struct quote *at, const char *value, size_t size)
{
    enum quote_in in = quote_in(at);
    const char *around = in == IN_SINGLE ? "'" : in == IN_DOUBLE ? "\"" : "";
    if (in == IN_COMMENT)
        return 0;
    int rc = blob_put(to, around, strlen(around));
    if (rc == 0)
        rc = is_plain(value, size) ? blob_put(to, value, size)
                                   : put_quoted(to, value, size, back_depth(at) > 0);
    return rc ? rc : blob_put(to, around, strlen(around));
}
