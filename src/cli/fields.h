/* fields.h - replacement strings, as GNU parallel has them
 *
 *     {}       the argument (all of them, where there are several sources)
 *     {.}      without its extension
 *     {/}      without its folders
 *     {//}     its folder
 *     {/.}     without folders and extension
 *     {2}      the second source's; {-1} the last one's
 *     {2.} {2/} {2//} {2/.}
 *     {name} {name.} ...   the source's of that name
 *     {#}      the task's number
 *     {%}      the slot's number
 */
#ifndef ROTA_CLI_FIELDS_H
#define ROTA_CLI_FIELDS_H

#include <stddef.h>

#include "cli/sources.h"

enum field_kind {
    FIELD_VALUE,
    FIELD_TASK,
    FIELD_SLOT,
};

enum field_part {
    PART_WHOLE,
    PART_STEM,      /* . */
    PART_BASE,      /* / */
    PART_FOLDER,    /* // */
    PART_BASE_STEM, /* /. */
};

struct field {
    enum field_kind kind;
    enum field_part part;
    int position; /* from 1; below 0: from the end; 0: all */
};

/* Bytes that are somebody else's. */
struct slice {
    const char *data;
    size_t size;
};

/* Whether a replacement string stands at the begin of `text`: its length, or 0. What is
 * {} is called `place` instead, unless that is NULL, and then there is no {2}: as with
 * GNU parallel's -I. */
size_t field_parse(const char *text, const char *place, struct row names,
                   struct field *out);

/* The row's value that is meant, from 0, or -1: there is none. Not for position 0. */
int field_index(const struct field *f, int count);

struct slice field_part(enum field_part part, const char *value);

#endif
