/* fields.c - replacement strings, as GNU parallel has them */
#include "cli/fields.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char *const suffixes[] = {
    [PART_WHOLE] = "",    [PART_STEM] = ".",       [PART_BASE] = "/",
    [PART_FOLDER] = "//", [PART_BASE_STEM] = "/.",
};

enum {
    PARTS = sizeof(suffixes) / sizeof(suffixes[0]),
};

/* Whether the `size` bytes at `text` are a part's suffix. */
static bool read_part(const char *text, size_t size, struct field *f)
{
    for (int i = 0; i < PARTS; i++)
        if (strlen(suffixes[i]) == size && memcmp(text, suffixes[i], size) == 0) {
            f->part = (enum field_part)i;
            return true;
        }
    return false;
}

static bool read_position(const char *text, size_t size, struct field *f)
{
    size_t sign = size > 0 && text[0] == '-' ? 1 : 0;
    size_t digits = strspn(text + sign, "0123456789");
    if (digits == 0 || digits > 6 || sign + digits > size)
        return false;
    f->position = (int)strtol(text, NULL, 10);
    return f->position != 0 && read_part(text + sign + digits, size - sign - digits, f);
}

static bool read_name(const char *text, size_t size, struct row names, struct field *f)
{
    for (int i = 0; i < names.count; i++) {
        size_t length = strlen(names.values[i]);
        f->position = i + 1;
        if (length > 0 && length <= size &&
            memcmp(text, names.values[i], length) == 0 &&
            read_part(text + length, size - length, f))
            return true;
    }
    return false;
}

size_t field_parse(const char *text, const char *place, struct row names,
                   struct field *out)
{
    struct field f = {.kind = FIELD_VALUE};
    if (place != NULL && strncmp(text, place, strlen(place)) == 0) {
        *out = f;
        return strlen(place);
    }
    const char *end = text[0] == '{' ? strchr(text, '}') : NULL;
    if (end == NULL)
        return 0;
    const char *body = text + 1;
    size_t size = (size_t)(end - body);
    bool found = true;
    if (size == 0 && place != NULL)
        found = false;
    else if (size == 1 && (body[0] == '#' || body[0] == '%'))
        f.kind = body[0] == '#' ? FIELD_TASK : FIELD_SLOT;
    else if (!read_part(body, size, &f))
        found = read_position(body, size, &f) ? place == NULL || f.part != PART_WHOLE
                                              : read_name(body, size, names, &f);
    if (!found)
        return 0;
    *out = f;
    return size + 2;
}

int field_index(const struct field *f, int count)
{
    int index = f->position > 0 ? f->position - 1 : count + f->position;
    return index < count && index >= 0 ? index : -1;
}

/* ---- parts of a path --------------------------------------------------------- */

static struct slice base(const char *value)
{
    const char *slash = strrchr(value, '/');
    const char *from = slash ? slash + 1 : value;
    return (struct slice){.data = from, .size = strlen(from)};
}

/* An extension is the last dot, and what follows it, if that is no slash. */
static struct slice stem(struct slice s)
{
    size_t dot = s.size;
    while (dot > 0 && s.data[dot - 1] != '.' && s.data[dot - 1] != '/')
        dot--;
    if (dot > 0 && s.data[dot - 1] == '.')
        s.size = dot - 1;
    return s;
}

static size_t without_slashes(const char *value, size_t size)
{
    while (size > 0 && value[size - 1] == '/')
        size--;
    return size;
}

static struct slice folder(const char *value)
{
    size_t size = without_slashes(value, strlen(value));
    while (size > 0 && value[size - 1] != '/')
        size--;
    size_t kept = without_slashes(value, size);
    if (kept > 0)
        return (struct slice){.data = value, .size = kept};
    return (struct slice){.data = value[0] == '/' ? "/" : ".", .size = 1};
}

struct slice field_part(enum field_part part, const char *value)
{
    struct slice whole = {.data = value, .size = strlen(value)};
    switch (part) {
    case PART_STEM:
        return stem(whole);
    case PART_BASE:
        return base(value);
    case PART_FOLDER:
        return folder(value);
    case PART_BASE_STEM:
        return stem(base(value));
    case PART_WHOLE:
    default:
        return whole;
    }
}
