/* fault.c - the points, their counts, and the words of ROTA_FAULT */
#include "base/fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/origin.h"

enum {
    PLACE_SIZE = 32,
};

struct point {
    const char *name;
    int own_error;
    _Atomic int64_t left; /* calls until it strikes, and below 0 since; see `set` */
    bool set;
    bool stays;
    bool silent;
    bool tells;      /* where each call comes from; none fails */
    uint32_t origin; /* calls from there count; 0: all */
    int error;
};

bool fault_armed;

static char own_place[PLACE_SIZE];

static struct point points[FAULT_COUNT] = {
#define FAULT_POINT(id, word, errno_, what)                                            \
    [FAULT_##id] = {.name = word, .own_error = errno_},
    FAULT_POINTS(FAULT_POINT)
#undef FAULT_POINT
};

/* --- striking ---------------------------------------------------------------- */

/* In one write, and without memory: this may be in malloc(), or between fork() and
 * what follows. */
static void say(const struct point *p)
{
    char line[160];
    int n = snprintf(line, sizeof(line), "rota: fault %s in %s: %s\n", p->name,
                     own_place, strerrorname_np(p->error));
    ssize_t ignored = write(STDERR_FILENO, line, (size_t)n);
    (void)ignored;
}

static void tell_origin(const struct point *p, uint32_t origin)
{
    char line[160];
    int n = snprintf(line, sizeof(line), "rota: fault %s in %s: from %08" PRIx32 "\n",
                     p->name, own_place, origin);
    ssize_t ignored = write(STDERR_FILENO, line, (size_t)n);
    (void)ignored;
}

/* Whether a call from `origin` does not count. What stays has begun somewhere, and goes
 * on everywhere. */
static bool is_elsewhere(const struct point *p, uint32_t origin)
{
    bool goes_on = p->stays && p->left <= 0;
    return p->origin != 0 && p->origin != origin && !goes_on;
}

bool fault_strike(enum fault_point point)
{
    struct point *p = &points[point];
    uint32_t origin = p->tells || p->origin != 0 ? origin_of_call() : 0;
    if (p->tells)
        tell_origin(p, origin);
    if (!p->set || is_elsewhere(p, origin))
        return false;
    int64_t left = --p->left;
    if (left > 0 || (left < 0 && !p->stays))
        return false;
    if (left == 0 && !p->silent)
        say(p);
    errno = p->error;
    return true;
}

static void set(struct point *p, int64_t n, bool stays, int error)
{
    p->left = n;
    p->stays = stays;
    p->error = error;
    p->set = n > 0;
    p->tells = false;
    p->origin = 0;
    fault_armed = fault_armed || p->set;
}

void fault_set(enum fault_point point, int64_t n, bool stays, int error)
{
    points[point].silent = true;
    set(&points[point], n, stays, error);
}

bool fault_has_struck(enum fault_point point)
{
    return points[point].set && points[point].left <= 0;
}

/* --- words --------------------------------------------------------------------- */

static struct point *find(const char *name, size_t size)
{
    for (size_t i = 0; i < FAULT_COUNT; i++)
        if (strlen(points[i].name) == size && memcmp(points[i].name, name, size) == 0)
            return &points[i];
    return NULL;
}

/* The number of an errno's name, of `size` bytes; 0 where there is none. */
static int errno_of(const char *name, size_t size)
{
    enum {
        LAST = 133, /* EHWPOISON, Linux's last */
    };
    for (int i = 1; i <= LAST; i++) {
        const char *one = strerrorname_np(i);
        if (one != NULL && strlen(one) == size && memcmp(one, name, size) == 0)
            return i;
    }
    return 0;
}

/* [@PLACE], to its end; *here is whether that is this one. */
static bool read_place(const char *at, const char *end, bool *here)
{
    *here = true;
    if (at == end)
        return true;
    size_t length = (size_t)(end - at - 1);
    *here = strlen(own_place) == length && memcmp(own_place, at + 1, length) == 0;
    return *at == '@' && length > 0;
}

/* ?[@PLACE]: calls that say where they come from. */
static bool read_question(const char *at, const char *end, struct point *p)
{
    bool here;
    if (!read_place(at + 1, end, &here))
        return false;
    if (here)
        p->tells = fault_armed = true;
    return true;
}

/* [/ORIGIN], hexadecimal. Where it ends; NULL if it makes no sense. */
static const char *read_origin(const char *at, uint32_t *out)
{
    if (*at != '/')
        return at;
    char *end;
    unsigned long value = strtoul(at + 1, &end, 16);
    if (strspn(at + 1, "0123456789abcdef") != (size_t)(end - at - 1) ||
        value > UINT32_MAX || value == 0)
        return NULL;
    *out = (uint32_t)value;
    return end;
}

/* N[+][/ORIGIN][=ERRNO][@PLACE]: calls that fail. */
static bool read_count(const char *at, const char *end, struct point *p)
{
    if (*at < '1' || *at > '9')
        return false;
    char *behind;
    int64_t n = strtoll(at, &behind, 10);
    bool stays = *behind == '+';
    uint32_t origin = 0;
    at = read_origin(behind + stays, &origin);
    int error = p->own_error;
    if (at != NULL && *at == '=') {
        size_t length = strcspn(at + 1, "@,");
        error = errno_of(at + 1, length);
        at += 1 + length;
    }
    bool here;
    if (at == NULL || error == 0 || !read_place(at, end, &here))
        return false;
    if (here) {
        set(p, n, stays, error);
        p->origin = origin;
    }
    return true;
}

/* Whether a word, of `size` bytes, makes sense. */
static bool read_one(const char *word, size_t size)
{
    const char *colon = memchr(word, ':', size);
    struct point *p = colon != NULL ? find(word, (size_t)(colon - word)) : NULL;
    if (p == NULL)
        return false;
    return colon[1] == '?' ? read_question(colon + 1, word + size, p)
                           : read_count(colon + 1, word + size, p);
}

int fault_arm(const char *place, struct rota_error *err)
{
    const char *words = getenv("ROTA_FAULT");
    if (words == NULL || words[0] == '\0')
        return 0;
    snprintf(own_place, sizeof(own_place), "%s", place);
    for (const char *word = words;; word++) {
        size_t size = strcspn(word, ",");
        if (!read_one(word, size))
            return error_set(
                err, ROTA_E_ARG,
                "ROTA_FAULT: '%.*s' is not POINT:N[+][/ORIGIN][=ERRNO][@PLACE] or "
                "POINT:?[@PLACE] with a point that HACKING.md lists; unset it, or "
                "mend it",
                (int)size, word);
        word += size;
        if (*word == '\0')
            return 0;
    }
}
