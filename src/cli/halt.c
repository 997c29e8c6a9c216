/* halt.c - --halt: when enough have failed, succeeded, or ended */
#include "cli/halt.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MOST 1e15

/* If `*text` begins with `word`, step over it. */
static bool take(const char **text, const char *word)
{
    size_t size = strlen(word);
    if (strncmp(*text, word, size) != 0)
        return false;
    *text += size;
    return true;
}

/* N or P%; a number of tasks is whole, and at least one. */
static bool take_limit(const char *text, struct halt *h)
{
    char *end;
    if (!isdigit((unsigned char)*text))
        return false;
    h->limit = strtod(text, &end);
    h->percent = *end == '%';
    end += h->percent;
    bool whole = strspn(text, "0123456789") == (size_t)(end - text);
    bool sound = h->percent ? h->limit <= 100 : whole && h->limit >= 1;
    return *end == '\0' && sound && h->limit <= LIMIT_MOST;
}

/* What earlier versions of GNU parallel had. */
static const char *in_full(const char *text)
{
    static const char *const forms[][2] = {
        {"0", "never"},           {"1", "soon,fail=1"},    {"2", "now,fail=1"},
        {"-1", "soon,success=1"}, {"-2", "now,success=1"},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(text, forms[i][0]) == 0)
            return forms[i][1];
    return text;
}

bool halt_parse(const char *text, struct halt *out)
{
    struct halt h = {.when = HALT_SOON, .what = HALT_FAIL};
    text = in_full(text);
    if (strcmp(text, "never") == 0) {
        *out = (struct halt){.when = HALT_NEVER};
        return true;
    }
    if (take_limit(text, &h) && h.percent) { /* P%: soon,fail=P% */
        *out = h;
        return true;
    }
    if (take(&text, "now,"))
        h.when = HALT_NOW;
    else if (!take(&text, "soon,"))
        return false;
    if (take(&text, "success="))
        h.what = HALT_SUCCESS;
    else if (take(&text, "done="))
        h.what = HALT_DONE;
    else if (!take(&text, "fail="))
        return false;
    if (!take_limit(text, &h))
        return false;
    *out = h;
    return true;
}

bool halt_is_due(const struct halt *h, uint64_t succeeded, uint64_t failed,
                 int64_t total)
{
    uint64_t count = h->what == HALT_FAIL      ? failed
                     : h->what == HALT_SUCCESS ? succeeded
                                               : succeeded + failed;
    if (h->when == HALT_NEVER || count == 0)
        return false;
    if (!h->percent)
        return (double)count >= h->limit;
    return total >= 0 && (double)count * 100 >= h->limit * (double)total;
}
