/* past.c - what a joblog says was done before: --resume and its kin */
#include "cli/past.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

enum {
    COLUMNS = 9, /* record.h */
    EXIT = 6,
    SIGNAL = 7,
    COMMAND = 8,
};

/* Far beyond any list: a number above this is none of a log's. */
#define NUMBER_MAX (UINT64_C(1) << 40)

struct failure {
    uint64_t number;
    char *command;
};

/* Numbers from `first` to `last`. */
struct stretch {
    uint64_t first;
    uint64_t last;
};

struct past {
    enum past_mode mode;
    struct stretch *done; /* by lines, then by numbers: a log has gaps, but few, and one
                             line of it may name any number */
    size_t done_count;
    size_t done_cap;
    struct failure *failed; /* PAST_RETRY_FAILED: by lines, then by numbers */
    size_t count;
    size_t cap;
    size_t next;
};

static int nothing_left(struct rota_error *err)
{
    return error_set(err, ROTA_E_NOMEM, "out of memory for the joblog");
}

/* ---- what is done ------------------------------------------------------------ */

static int set_done(struct past *p, uint64_t number)
{
    struct stretch *last = p->done_count > 0 ? &p->done[p->done_count - 1] : NULL;
    if (last != NULL && last->last + 1 == number) {
        last->last = number;
        return 0;
    }
    if (p->done_count == p->done_cap) {
        size_t cap = p->done_cap * 2 + 64;
        struct stretch *done = realloc(p->done, cap * sizeof(*done));
        if (done == NULL)
            return ROTA_E_NOMEM;
        p->done = done;
        p->done_cap = cap;
    }
    p->done[p->done_count++] = (struct stretch){number, number};
    return 0;
}

static int compare_stretches(const void *a, const void *b)
{
    const struct stretch *x = a;
    const struct stretch *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* By their numbers, and none that touches another. */
static void settle_done(struct past *p)
{
    size_t kept = 0;
    if (p->done_count > 0)
        qsort(p->done, p->done_count, sizeof(p->done[0]), compare_stretches);
    for (size_t i = 0; i < p->done_count; i++) {
        struct stretch next = p->done[i];
        struct stretch *last = kept > 0 ? &p->done[kept - 1] : NULL;
        if (last == NULL || next.first > last->last + 1)
            p->done[kept++] = next;
        else if (next.last > last->last)
            last->last = next.last;
    }
    p->done_count = kept;
}

static int compare_number(const void *number, const void *stretch)
{
    const uint64_t *n = number;
    const struct stretch *s = stretch;
    return *n < s->first ? -1 : *n > s->last;
}

/* Once they are settled. */
static bool is_done(const struct past *p, uint64_t number)
{
    return p->done_count > 0 && bsearch(&number, p->done, p->done_count,
                                        sizeof(p->done[0]), compare_number) != NULL;
}

static int add_failure(struct past *p, uint64_t number, const char *command,
                       size_t size)
{
    if (p->count == p->cap) {
        size_t cap = p->cap * 2 + 64;
        struct failure *failed = realloc(p->failed, cap * sizeof(*failed));
        if (failed == NULL)
            return ROTA_E_NOMEM;
        p->failed = failed;
        p->cap = cap;
    }
    char *copy = malloc(size + 1);
    if (copy == NULL)
        return ROTA_E_NOMEM;
    for (size_t i = 0; i < size; i++) /* a line end is a 0 byte there */
        copy[i] = command[i] == '\0' ? '\n' : command[i];
    copy[size] = '\0';
    p->failed[p->count++] = (struct failure){.number = number, .command = copy};
    return 0;
}

/* By their numbers. Of one the lines have the same command. */
static int compare(const void *a, const void *b)
{
    const struct failure *x = a;
    const struct failure *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return 0;
}

/* Each once, and none that has succeeded. */
static void settle_failures(struct past *p)
{
    size_t kept = 0;
    if (p->count > 0)
        qsort(p->failed, p->count, sizeof(p->failed[0]), compare);
    for (size_t i = 0; i < p->count; i++) {
        struct failure *f = &p->failed[i];
        bool again = kept > 0 && p->failed[kept - 1].number == f->number;
        if (again || is_done(p, f->number))
            free(f->command);
        else
            p->failed[kept++] = *f;
    }
    p->count = kept;
}

/* ---- lines ------------------------------------------------------------------- */

/* Cut a line of `size` bytes in columns; the last has the rest. */
static bool cut(char *line, char *columns[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        columns[i] = line;
        if (i == COLUMNS - 1)
            return true;
        line = strchr(line, '\t');
        if (line == NULL)
            return false;
        *line++ = '\0';
    }
    return false;
}

static bool read_number(const char *text, uint64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *out > 0 && *out < NUMBER_MAX;
}

static bool is_whole(const char *text)
{
    char *end;
    strtol(text, &end, 10);
    return end > text && *end == '\0';
}

/* A line without its end; `size` is with what follows a 0 byte in the command. */
static int take_line(struct past *p, char *line, size_t size)
{
    char *columns[COLUMNS];
    uint64_t number;
    char *end = line + size;
    if (!cut(line, columns) || !read_number(columns[0], &number) ||
        !is_whole(columns[EXIT]) || !is_whole(columns[SIGNAL]))
        return ROTA_E_FORMAT;
    bool well = strcmp(columns[EXIT], "0") == 0 && strcmp(columns[SIGNAL], "0") == 0;
    if (well || p->mode == PAST_RESUME)
        return set_done(p, number);
    if (p->mode != PAST_RETRY_FAILED)
        return 0;
    return add_failure(p, number, columns[COMMAND], (size_t)(end - columns[COMMAND]));
}

static int read_lines(struct past *p, FILE *f, const char *path, off_t *whole,
                      struct rota_error *err)
{
    rota_auto(heap) char *line = NULL;
    size_t cap = 0;
    ssize_t size;
    int rc = 0;
    for (uint64_t n = 1; rc == 0 && (size = getline(&line, &cap, f)) > 0; n++) {
        if (line[size - 1] != '\n')
            return 0; /* who wrote it died */
        *whole += size;
        line[size - 1] = '\0';
        rc = n == 1 && strncmp(line, "Seq\t", 4) == 0
                 ? 0
                 : take_line(p, line, (size_t)size - 1);
        if (rc == ROTA_E_FORMAT)
            return error_set(err, rc, "line %ju of '%s' is none of a joblog",
                             (uintmax_t)n, path);
    }
    if (rc == 0 && ferror(f))
        return error_set(err, ROTA_E_IO, "cannot read joblog '%s': %s", path,
                         strerror(errno));
    return rc ? nothing_left(err) : 0;
}

static int read_log(struct past *p, const char *path, struct rota_error *err)
{
    off_t whole = 0;
    FILE *f = fopen(path, "r+e");
    if (f == NULL && errno == ENOENT)
        return 0;
    if (f == NULL)
        return error_set(err, ROTA_E_IO, "cannot read joblog '%s': %s", path,
                         strerror(errno));
    int rc = read_lines(p, f, path, &whole, err);
    if (rc == 0 && ftell(f) > whole && ftruncate(fileno(f), whole) != 0)
        rc = error_set(err, ROTA_E_IO,
                       "cannot cut the half line off the end of joblog '%s': %s", path,
                       strerror(errno));
    fclose(f);
    return rc;
}

/* ---- public ------------------------------------------------------------------ */

int past_read(const char *path, enum past_mode mode, struct past **out,
              struct rota_error *err)
{
    rota_auto(past) struct past *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return nothing_left(err);
    p->mode = mode;
    int rc = read_log(p, path, err);
    if (rc != 0)
        return rc;
    settle_done(p);
    settle_failures(p);
    *out = rota_steal(p);
    return 0;
}

void past_free(struct past *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->count; i++)
        free(p->failed[i].command);
    free(p->failed);
    free(p->done);
    free(p);
}

bool past_has(const struct past *p, uint64_t number)
{
    return is_done(p, number);
}

bool past_next(struct past *p, uint64_t *number, const char **command)
{
    if (p->next == p->count)
        return false;
    *number = p->failed[p->next].number;
    *command = p->failed[p->next].command;
    p->next++;
    return true;
}

uint64_t past_left(const struct past *p)
{
    return p->count - p->next;
}
