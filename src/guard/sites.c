/* sites.c - where a rank is in its source, from its parent's words into the look */
#include "guard/sites.h"

#include <stdlib.h>
#include <string.h>

enum {
    DIGITS = 16
};

static void put(struct look_site *site, uint64_t address, const char *text)
{
    if (site->address == address && site->text == NULL)
        site->text = text;
}

/* What Python calls, it calls from the same place of its own module: the text of the
 * Python line is for the call that the rank is in, and its operations. */
static void put_line(struct look_rank *r, uint64_t address, const char *text)
{
    uint64_t from = address == 0 ? r->site.address : address;
    if (from == 0)
        return;
    put(&r->site, from, text);
    for (size_t i = 0; i < r->op_count; i++)
        put(&r->ops[i].site, from, text);
}

void sites_put(char *words, struct look_rank *rank)
{
    char *rest = words;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *end;
        uint64_t address = strtoull(line, &end, 16);
        if (end != line + DIGITS || *end != ' ')
            continue;
        put_line(rank, address, end + 1);
    }
}
