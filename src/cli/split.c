/* split.c - where records of a stream end */
#include "cli/split.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct text {
    char *data; /* free() */
    size_t size;
};

struct split {
    struct text start;
    struct text end;
    struct text both; /* end, then start */
    bool is_regex;
    bool has_regex;
    regex_t regex; /* (end)(start) */
    size_t start_group;
};

/* ---- words ------------------------------------------------------------------- */

void split_unescape(char *text, size_t *size)
{
    static const char from[] = "0rnt'\"\\";
    static const char to[] = "\0\r\n\t'\"\\";
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        const char *c = *in == '\\' && in[1] != '\0' ? strchr(from, in[1]) : NULL;
        *out++ = c != NULL ? to[c - from] : *in;
        in += c != NULL;
    }
    *out = '\0';
    *size = (size_t)(out - text);
}

void split_unescape_regex(char *pattern)
{
    for (char *c = pattern; (c = strchr(c, '\\')) != NULL; c++) {
        if (c[1] == 'n' || c[1] == 't' || c[1] == 'r') {
            *c = c[1] == 'n' ? '\n' : c[1] == 't' ? '\t' : '\r';
            memmove(c + 1, c + 2, strlen(c + 2) + 1);
        } else if (c[1] != '\0') {
            c++;
        }
    }
}

static int set_text(struct text *t, const char *word)
{
    t->data = strdup(word != NULL ? word : "");
    if (t->data == NULL)
        return ROTA_E_NOMEM;
    split_unescape(t->data, &t->size);
    return 0;
}

static int join(const struct split *s, struct text *out)
{
    out->size = s->end.size + s->start.size;
    out->data = malloc(out->size + 1);
    if (out->data == NULL)
        return ROTA_E_NOMEM;
    memcpy(out->data, s->end.data, s->end.size);
    memcpy(out->data + s->end.size, s->start.data, s->start.size);
    return 0;
}

static int compile(struct split *s, const char *start, const char *end,
                   struct rota_error *err)
{
    static const char any[] = "(.|\n)";
    rota_auto(heap) char *pattern = NULL;
    regex_t alone;
    char why[160];
    start = start != NULL ? start : "";
    end = end == NULL ? "" : end[0] == '\0' ? any : end;
    if (asprintf(&pattern, "(%s)(%s)", end, start) < 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    split_unescape_regex(pattern);
    int rc = regcomp(&s->regex, pattern, REG_EXTENDED | REG_NEWLINE);
    if (rc != 0) {
        regerror(rc, &s->regex, why, sizeof(why));
        return error_set(err, ROTA_E_ARG,
                         "--recend '%s' and --recstart '%s' are no extended regular "
                         "expressions: %s",
                         end, start, why);
    }
    s->has_regex = true;
    s->start_group = 2;
    if (regcomp(&alone, end, REG_EXTENDED) == 0) {
        s->start_group += alone.re_nsub;
        regfree(&alone);
    }
    return 0;
}

int split_new(const char *start, const char *end, bool regex, struct split **out,
              struct rota_error *err)
{
    rota_auto(split) struct split *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    if (start == NULL && end == NULL)
        end = "\n";
    s->is_regex = regex;
    if (set_text(&s->start, start) != 0 || set_text(&s->end, end) != 0 ||
        join(s, &s->both) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    int rc = regex ? compile(s, start, end, err) : 0;
    if (rc != 0)
        return rc;
    *out = rota_steal(s);
    return 0;
}

void split_free(struct split *s)
{
    if (s == NULL)
        return;
    if (s->has_regex)
        regfree(&s->regex);
    free(s->start.data);
    free(s->end.data);
    free(s->both.data);
    free(s);
}

bool split_is_empty(const struct split *s)
{
    return !s->is_regex && s->both.size == 0;
}

/* ---- places ------------------------------------------------------------------ */

enum {
    GROUPS = 10,
};

/* Bytes may be anything, and the end is where `size` says (REG_STARTEND). */
static bool match(const struct split *s, const char *data, size_t size, size_t from,
                  struct split_place *out)
{
    regmatch_t m[GROUPS];
    m[0] = (regmatch_t){.rm_so = (regoff_t)from, .rm_eo = (regoff_t)size};
    int flags = REG_STARTEND | (from > 0 ? REG_NOTBOL : 0);
    if (regexec(&s->regex, data, GROUPS, m, flags) != 0)
        return false;
    *out = (struct split_place){
        .begin = (size_t)m[0].rm_so,
        .cut = (size_t)m[1].rm_eo,
        .end = (size_t)m[0].rm_eo,
    };
    return true;
}

static bool find(const struct split *s, const char *data, size_t size, size_t from,
                 struct split_place *out)
{
    if (s->is_regex)
        return match(s, data, size, from, out);
    const char *at = memmem(data + from, size - from, s->both.data, s->both.size);
    if (at == NULL)
        return false;
    size_t begin = (size_t)(at - data);
    *out = (struct split_place){
        .begin = begin, .cut = begin + s->end.size, .end = begin + s->both.size};
    return true;
}

bool split_next(const struct split *s, const char *data, size_t size, size_t from,
                struct split_place *out)
{
    struct split_place p;
    for (; from < size && find(s, data, size, from, &p); from = p.begin + 1) {
        if (p.cut > 0) {
            *out = p;
            return true;
        }
    }
    return false;
}

/* Backwards, from one that ends with its last byte to the one before. */
static bool last_text(const struct split *s, const char *data, size_t size, size_t *cut)
{
    size_t length = s->both.size;
    if (length == 0) {
        *cut = size;
        return size > 0;
    }
    unsigned char last = (unsigned char)s->both.data[length - 1];
    while (size >= length) {
        const char *at = memrchr(data + length - 1, last, size - (length - 1));
        if (at == NULL)
            return false;
        const char *begin = at - (length - 1);
        *cut = (size_t)(begin - data) + s->end.size;
        if (*cut > 0 && memcmp(begin, s->both.data, length) == 0)
            return true;
        size = (size_t)(at - data);
    }
    return false;
}

bool split_last(const struct split *s, const char *data, size_t size, size_t *cut)
{
    if (!s->is_regex)
        return last_text(s, data, size, cut);
    struct split_place p;
    size_t from = 0;
    bool found = false;
    while (split_next(s, data, size, from, &p)) {
        *cut = p.cut;
        from = p.end > p.begin ? p.end : p.begin + 1;
        found = true;
    }
    return found;
}

/* ---- without separators ------------------------------------------------------ */

/* A regular expression's own start and end, which stand alone at the begin and the end
 * of the whole, stay: they can't be told. */
size_t split_strip(const struct split *s, char *data, size_t size)
{
    struct split_place p;
    size_t from = 0;
    char *to = data;
    size_t first = s->start.size;
    if (!s->is_regex && first > 0 && size >= first &&
        memcmp(data, s->start.data, first) == 0)
        from = first;
    if (!s->is_regex && s->end.size > 0 && size - from >= s->end.size &&
        memcmp(data + size - s->end.size, s->end.data, s->end.size) == 0)
        size -= s->end.size;
    if (split_is_empty(s))
        return size;
    while (from < size && find(s, data, size, from, &p) && p.end > p.begin) {
        to = (char *)memmove(to, data + from, p.begin - from) + (p.begin - from);
        from = p.end;
    }
    memmove(to, data + from, size - from);
    return (size_t)(to - data) + (size - from);
}
