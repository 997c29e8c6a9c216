/* sources.c - where the arguments of commands come from, and how they combine
 *
 * Sources that are linked form a *group*; a group gives *tuples*, a record of each of
 * its sources. The rows are the product of the groups: the first group's tuple stands
 * while an odometer goes through the tuples of the others, which are held.
 *
 * A record or a tuple is its strings, one behind the other, each with its 0 byte: so
 * putting some together is copying them.
 */
#include "cli/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/arguments.h"
#include "cli/blob.h"
#include "cli/split.h"

/* Things of several strings, held. */
struct shelf {
    struct blob bytes;
    struct blob ends; /* size_t each: where in `bytes` each ends */
};

struct source {
    struct arguments in;
    bool linked;
    bool header; /* its first record is still to come, and is names */
    bool ended;
    bool has;           /* `record` was read, and is not used yet */
    struct blob record; /* the next one */
    struct shelf shelf; /* link_all: all records so far */
    size_t at;          /* in shelf, once ended */
    bool file;          /* in.fd is ours to close */
};

struct group {
    int first;
    int count;          /* of sources */
    struct shelf shelf; /* its tuples, unless it is the first group */
    bool held;          /* all of them */
    size_t at;
};

struct sources {
    struct sources_options options;
    regex_t colsep;
    bool has_colsep;
    int count;
    struct source *all;
    int groups;
    struct group *group;
    bool has_tuple;
    struct blob tuple; /* the first group's */
    struct blob text;  /* of the row */
    int rows;          /* that are in it */
    struct blob values;
    struct blob names_text;
    struct blob names;
};

/* ---- shelves ----------------------------------------------------------------- */

static size_t shelf_count(const struct shelf *s)
{
    return s->ends.size / sizeof(size_t);
}

static int shelf_add(struct shelf *s, const struct blob *b)
{
    int rc = blob_put(&s->bytes, b->data, b->size);
    size_t end = s->bytes.size;
    if (rc == 0)
        rc = blob_put(&s->ends, (const char *)&end, sizeof(end));
    return rc;
}

static int shelf_copy(const struct shelf *s, size_t i, struct blob *to)
{
    const size_t *ends = (const void *)s->ends.data;
    size_t from = i > 0 ? ends[i - 1] : 0;
    return blob_put(to, s->bytes.data + from, ends[i] - from);
}

static void shelf_done(struct shelf *s)
{
    blob_done(&s->bytes);
    blob_done(&s->ends);
}

/* ---- records ----------------------------------------------------------------- */

static enum sources_trim trim_of(const struct sources *s)
{
    if (s->options.trim != TRIM_DEFAULT)
        return s->options.trim;
    return s->has_colsep ? TRIM_BOTH : TRIM_NONE;
}

static int put_column(struct sources *s, struct blob *record, const char *text,
                      size_t size)
{
    static const char blanks[] = " \t\n";
    enum sources_trim trim = trim_of(s);
    if (trim == TRIM_LEFT || trim == TRIM_BOTH)
        for (; size > 0 && strchr(blanks, *text) != NULL; size--)
            text++;
    if (trim == TRIM_RIGHT || trim == TRIM_BOTH)
        while (size > 0 && strchr(blanks, text[size - 1]) != NULL)
            size--;
    int rc = blob_put(record, text, size);
    return rc ? rc : blob_put(record, "", 1);
}

static int put_columns(struct sources *s, struct blob *record, const char *text)
{
    regmatch_t m;
    int flags = 0;
    record->size = 0;
    while (s->has_colsep && regexec(&s->colsep, text, 1, &m, flags) == 0 &&
           m.rm_eo > 0) {
        int rc = put_column(s, record, text, (size_t)m.rm_so);
        if (rc != 0)
            return rc;
        text += m.rm_eo;
        flags = REG_NOTBOL;
    }
    return put_column(s, record, text, strlen(text));
}

/* The next record comes into source->record. */
static int read_record(struct sources *s, struct source *in, struct rota_error *err)
{
    const char *text;
    int rc;
    do {
        rc = arguments_next(&in->in, &text, err);
    } while (rc == 0 && s->options.skip_empty && text[strspn(text, " \t")] == '\0');
    if (rc != 0)
        return rc;
    if (put_columns(s, &in->record, text) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory for arguments");
    return 0;
}

/* Once it has ended, a source of link_all begins again. */
static int repeat_record(struct sources *s, struct source *in)
{
    size_t count = shelf_count(&in->shelf);
    in->record.size = 0;
    if (count == 0)
        return put_column(s, &in->record, "", 0);
    return shelf_copy(&in->shelf, in->at++ % count, &in->record);
}

static int end_source(struct sources *s, struct source *in)
{
    uint64_t names = s->options.header != NULL ? 1 : 0;
    bool empty = !in->ended && in->in.given <= names && s->count > 1;
    in->ended = true;
    if (s->options.link_all && s->count > 1)
        return repeat_record(s, in);
    in->record.size = 0;
    return empty ? put_column(s, &in->record, "", 0) : ROTA_E_NOTFOUND;
}

/* Have in->record hold the next one. */
static int want_record(struct sources *s, struct source *in, struct rota_error *err)
{
    if (in->has)
        return 0;
    int rc = in->ended ? ROTA_E_NOTFOUND : read_record(s, in, err);
    if (rc == 0 && s->options.link_all)
        rc = shelf_add(&in->shelf, &in->record);
    if (rc == ROTA_E_NOTFOUND)
        rc = end_source(s, in);
    if (rc == ROTA_E_NOMEM)
        error_set(err, rc, "out of memory for arguments");
    in->has = rc == 0;
    return rc;
}

/* ---- names ------------------------------------------------------------------- */

/* Point `values` at the strings in `text`. */
static int point(const struct blob *text, struct blob *values)
{
    values->size = 0;
    for (size_t at = 0; at < text->size; at += strlen(text->data + at) + 1) {
        const char *value = text->data + at;
        if (blob_put(values, (const char *)&value, sizeof(value)) != 0)
            return ROTA_E_NOMEM;
    }
    return 0;
}

static struct row row_of(const struct blob *values)
{
    return (struct row){.values = (const void *)values->data,
                        .count = (int)(values->size / sizeof(char *))};
}

/* Take the sources' first records as names, in the sources' order. */
static int read_names(struct sources *s, struct rota_error *err)
{
    if (s->options.header == NULL)
        return 0;
    for (int i = 0; i < s->count; i++) {
        struct source *in = &s->all[i];
        if (!in->header)
            continue;
        int rc = read_record(s, in, err);
        if (rc != 0 && rc != ROTA_E_NOTFOUND)
            return rc;
        if (rc == 0 && blob_put(&s->names_text, in->record.data, in->record.size) != 0)
            return error_set(err, ROTA_E_NOMEM, "out of memory for arguments");
        in->header = false;
    }
    return point(&s->names_text, &s->names);
}

struct row sources_names(const struct sources *s)
{
    return row_of(&s->names);
}

/* ---- tuples ------------------------------------------------------------------ */

static bool all_ended(const struct sources *s, const struct group *g)
{
    for (int i = g->first; i < g->first + g->count; i++)
        if (!s->all[i].ended)
            return false;
    return true;
}

/* The group's next tuple, in place of what `out` holds. */
static int read_tuple(struct sources *s, const struct group *g, struct blob *out,
                      struct rota_error *err)
{
    for (int i = g->first; i < g->first + g->count; i++) {
        int rc = want_record(s, &s->all[i], err);
        if (rc != 0)
            return rc;
    }
    if (s->options.link_all && all_ended(s, g))
        return ROTA_E_NOTFOUND;
    out->size = 0;
    for (int i = g->first; i < g->first + g->count; i++) {
        struct source *in = &s->all[i];
        if (blob_put(out, in->record.data, in->record.size) != 0)
            return error_set(err, ROTA_E_NOMEM, "out of memory for arguments");
        in->has = false;
    }
    return 0;
}

/* Read all that must be held. */
static int hold(struct sources *s, struct rota_error *err)
{
    struct blob tuple = {0};
    int rc = 0;
    for (int i = 1; i < s->groups; i++) {
        struct group *g = &s->group[i];
        while (!g->held && (rc = read_tuple(s, g, &tuple, err)) == 0)
            if ((rc = shelf_add(&g->shelf, &tuple)) != 0)
                break;
        if (rc != 0 && rc != ROTA_E_NOTFOUND)
            break;
        g->held = true;
        rc = 0;
    }
    blob_done(&tuple);
    return rc;
}

/* To the next combination of the groups behind the first; false: that was the last. */
static bool turn(struct sources *s)
{
    for (int i = s->groups - 1; i > 0; i--) {
        struct group *g = &s->group[i];
        if (++g->at < shelf_count(&g->shelf))
            return true;
        g->at = 0;
    }
    return false;
}

/* ---- rows -------------------------------------------------------------------- */

/* Whether no source had anything: then the empty arguments are none. */
static bool nothing_came(const struct sources *s)
{
    uint64_t names = s->options.header != NULL ? 1 : 0;
    for (int i = 0; i < s->count; i++)
        if (s->all[i].in.given > names)
            return false;
    return true;
}

/* Put one more record of each source into the row. */
static int add_row(struct sources *s, struct rota_error *err)
{
    int rc = s->has_tuple ? 0 : read_tuple(s, &s->group[0], &s->tuple, err);
    if (rc == 0 && nothing_came(s))
        rc = ROTA_E_NOTFOUND;
    if (rc != 0)
        return rc;
    s->has_tuple = true;
    rc = blob_put(&s->text, s->tuple.data, s->tuple.size);
    for (int i = 1; i < s->groups && rc == 0; i++)
        rc = shelf_copy(&s->group[i].shelf, s->group[i].at, &s->text);
    if (rc != 0)
        return error_set(err, rc, "out of memory for arguments");
    s->has_tuple = turn(s);
    s->rows++;
    return 0;
}

int sources_next(struct sources *s, struct row *out, struct rota_error *err)
{
    int rows = s->options.rows > 0 ? s->options.rows : 1;
    int rc = read_names(s, err);
    if (rc == 0)
        rc = hold(s, err);
    if (s->rows == rows) { /* those of the last call */
        s->rows = 0;
        s->text.size = 0;
    }
    for (int i = 1; i < s->groups && rc == 0; i++)
        if (shelf_count(&s->group[i].shelf) == 0)
            rc = ROTA_E_NOTFOUND;
    while (rc == 0 && s->rows < rows)
        rc = add_row(s, err);
    if (rc == ROTA_E_NOTFOUND && s->rows > 0)
        rc = 0;
    if (rc == 0)
        rc = point(&s->text, &s->values);
    if (rc != 0)
        return rc;
    s->rows = rows; /* the last one may be short */
    *out = row_of(&s->values);
    return 0;
}

/* Of the first group's tuples. */
static int64_t tuples_left(const struct sources *s)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < s->group[0].count; i++) {
        const struct source *in = &s->all[i];
        int64_t left = arguments_left(&in->in);
        if (left < 0)
            return -1;
        left += (in->has ? 1 : 0) - (in->header && left > 0 ? 1 : 0);
        least = left < least ? left : least;
    }
    return least;
}

int64_t sources_left(const struct sources *s)
{
    int64_t left = tuples_left(s);
    int64_t each = 1;
    int64_t turned = 0;
    if (left < 0 || (s->options.link_all && s->count > 1))
        return -1;
    for (int i = 1; i < s->groups; i++) {
        if (!s->group[i].held)
            return -1;
        int64_t count = (int64_t)shelf_count(&s->group[i].shelf);
        turned = turned * count + (int64_t)s->group[i].at;
        each *= count;
    }
    left = left * each + (s->has_tuple ? each - turned : 0);
    int64_t rows = s->options.rows > 0 ? s->options.rows : 1;
    return (left + rows - 1) / rows;
}

/* ---- opening ----------------------------------------------------------------- */

static int open_source(struct source *in, const struct source_spec *spec, char end,
                       struct rota_error *err)
{
    in->linked = spec->linked;
    if (spec->file == NULL) {
        arguments_init_list(&in->in, spec->list, spec->count);
        return 0;
    }
    in->file = strcmp(spec->file, "-") != 0;
    int fd = in->file ? open(spec->file, O_RDONLY | O_CLOEXEC) : 0;
    if (fd < 0)
        return error_set(err, ROTA_E_IO, "cannot read arguments from '%s': %s",
                         spec->file, strerror(errno));
    arguments_init_fd(&in->in, fd, end);
    return 0;
}

static int compile_colsep(struct sources *s, struct rota_error *err)
{
    char why[200];
    if (s->options.colsep == NULL || s->options.colsep[0] == '\0')
        return 0;
    rota_auto(heap) char *colsep = strdup(s->options.colsep);
    if (colsep == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory for arguments");
    split_unescape_regex(colsep);
    int rc = regcomp(&s->colsep, colsep, REG_EXTENDED);
    if (rc != 0) {
        regerror(rc, &s->colsep, why, sizeof(why));
        return error_set(err, ROTA_E_ARG,
                         "--colsep '%s' is no extended regular expression: %s",
                         s->options.colsep, why);
    }
    s->has_colsep = true;
    return 0;
}

static void make_groups(struct sources *s)
{
    for (int i = 0; i < s->count; i++) {
        s->all[i].header = s->options.header != NULL;
        if (i == 0 || (!s->all[i].linked && !s->options.link_all))
            s->group[s->groups++].first = i;
        s->group[s->groups - 1].count++;
    }
}

int sources_open(const struct source_spec *specs, int count,
                 const struct sources_options *options, struct sources **out,
                 struct rota_error *err)
{
    rota_auto(sources) struct sources *s = calloc(1, sizeof(*s));
    if (s == NULL || (s->all = calloc((size_t)count, sizeof(*s->all))) == NULL ||
        (s->group = calloc((size_t)count, sizeof(*s->group))) == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory for arguments");
    s->options = *options;
    char end = '\n';
    if (options->delimited)
        end = options->delimiter;
    int rc = compile_colsep(s, err);
    for (; rc == 0 && s->count < count; s->count++)
        rc = open_source(&s->all[s->count], &specs[s->count], end, err);
    if (rc != 0)
        return rc;
    make_groups(s);
    *out = rota_steal(s);
    return 0;
}

static void source_done(struct source *in)
{
    if (in->file && in->in.fd >= 0)
        close(in->in.fd);
    arguments_done(&in->in);
    blob_done(&in->record);
    shelf_done(&in->shelf);
}

void sources_close(struct sources *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < s->count; i++)
        source_done(&s->all[i]);
    for (int i = 0; i < s->groups; i++)
        shelf_done(&s->group[i].shelf);
    if (s->has_colsep)
        regfree(&s->colsep);
    struct blob *blobs[] = {&s->tuple, &s->text, &s->values, &s->names_text, &s->names};
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
        blob_done(blobs[i]);
    free(s->group);
    free(s->all);
    free(s);
}
