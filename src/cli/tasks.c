/* tasks.c - the tasks of a run: their commands, and what is to be known at their end */
#include "cli/tasks.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

struct tasks {
    const struct run_options *o;
    struct sources *sources;
    struct template *command; /* made when there is a row: then names are known */
    struct template *tag;
    uint64_t given;
    bool tickets; /* are wanted */
    char **kept;  /* the tickets of tasks from `first` on, NULL where taken */
    uint64_t first;
    size_t count;
    size_t cap;
    size_t taken; /* at the begin of `kept` */
};

static int nothing_left(struct rota_error *err)
{
    return error_set(err, ROTA_E_NOMEM, "out of memory for tasks");
}

int tasks_open(const struct run_options *o, struct tasks **out, struct rota_error *err)
{
    rota_auto(tasks) struct tasks *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return nothing_left(err);
    t->o = o;
    t->tickets =
        o->tag != NULL || o->joblog != NULL || o->results != NULL || o->verbose;
    int rc = sources_open(o->inputs.specs, o->inputs.count, &o->inputs.options,
                          &t->sources, err);
    if (rc != 0)
        return rc;
    *out = rota_steal(t);
    return 0;
}

void tasks_close(struct tasks *t)
{
    if (t == NULL)
        return;
    sources_close(t->sources);
    template_free(t->command);
    template_free(t->tag);
    for (size_t i = t->taken; i < t->count; i++)
        free(t->kept[i]);
    free(t->kept);
    free(t);
}

/* ---- tickets: three strings, each with its 0 byte ------------------------------ */

/* A value as a file's name: / is \_, \ is \\, and . and .. are \. and \.. */
static int put_name(struct blob *to, const char *value)
{
    int rc = 0;
    if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
        rc = blob_put(to, "\\", 1);
    for (; *value != '\0' && rc == 0; value++) {
        if (*value == '/')
            rc = blob_put(to, "\\_", 2);
        else
            rc = blob_put(to, "\\\\", *value == '\\' ? 2 : 0);
        if (rc == 0 && *value != '/' && *value != '\\')
            rc = blob_put(to, value, 1);
    }
    return rc ? rc : blob_put(to, "/", 1);
}

static int put_folder(const struct tasks *t, struct row row, struct blob *to)
{
    struct row names = sources_names(t->sources);
    int rc = blob_put(to, t->o->results, strlen(t->o->results));
    if (rc == 0)
        rc = blob_put(to, "/", 1);
    for (int i = 0; i < row.count && rc == 0; i++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", i + 1);
        rc = put_name(to, i < names.count ? names.values[i] : number);
        if (rc == 0)
            rc = put_name(to, row.values[i]);
    }
    return rc;
}

/* Arguments as a person would read them: no shell's quotes. */
static int put_tag(struct tasks *t, struct row row, struct blob *to)
{
    rota_auto(heap) char **words = NULL;
    int rc = template_apply(t->tag, row, t->given + 1, &words);
    for (int i = 0; rc == 0 && words[i] != NULL; i++) {
        rc = i > 0 ? blob_put(to, " ", 1) : 0;
        if (rc == 0)
            rc = blob_put(to, words[i], strlen(words[i]));
    }
    return rc;
}

static int write_ticket(struct tasks *t, struct row row, struct blob *to)
{
    int rc = t->tag ? put_tag(t, row, to) : 0;
    if (rc == 0)
        rc = blob_put(to, "", 1);
    if (rc == 0)
        rc = template_line(t->command, row, t->given + 1, to);
    if (rc == 0)
        rc = blob_put(to, "", 1);
    if (rc == 0 && t->o->results != NULL)
        rc = put_folder(t, row, to);
    return rc ? rc : blob_put(to, "", 1);
}

static int reserve(struct tasks *t)
{
    if (t->taken > t->count / 2) {
        memmove(t->kept, t->kept + t->taken, (t->count - t->taken) * sizeof(char *));
        t->first += t->taken;
        t->count -= t->taken;
        t->taken = 0;
    }
    if (t->count < t->cap)
        return 0;
    size_t cap = t->cap * 2 + 64;
    char **kept = realloc(t->kept, cap * sizeof(char *));
    if (kept == NULL)
        return ROTA_E_NOMEM;
    t->kept = kept;
    t->cap = cap;
    return 0;
}

static int keep_ticket(struct tasks *t, struct row row)
{
    struct blob text = {0};
    if (!t->tickets)
        return 0;
    int rc = reserve(t);
    if (rc == 0)
        rc = write_ticket(t, row, &text);
    if (rc == 0)
        t->kept[t->count++] = text.data;
    else
        blob_done(&text);
    return rc;
}

struct ticket tasks_take_ticket(struct tasks *t, uint64_t task)
{
    struct ticket k = {0};
    if (!t->tickets || task < t->first || task - t->first >= t->count)
        return k;
    char **kept = &t->kept[task - t->first];
    k.block = *kept;
    *kept = NULL;
    while (t->taken < t->count && t->kept[t->taken] == NULL)
        t->taken++;
    const char *command = k.block + strlen(k.block) + 1;
    const char *folder = command + strlen(command) + 1;
    k.tag = t->tag ? k.block : NULL;
    k.command = command;
    k.folder = t->o->results ? folder : NULL;
    return k;
}

/* ---- commands ---------------------------------------------------------------- */

static int make_templates(struct tasks *t, struct rota_error *err)
{
    struct template_options options = {
        .place = t->o->place,
        .names = sources_names(t->sources),
        .quote = t->o->quote,
    };
    int rc =
        template_new(t->o->command, t->o->command_count, &options, &t->command, err);
    if (rc != 0 || t->o->tag == NULL)
        return rc;
    char *tag = strdup(t->o->tag);
    if (tag == NULL)
        return nothing_left(err);
    options.quote = options.bare = true;
    rc = template_new(&tag, 1, &options, &t->tag, err);
    free(tag);
    return rc;
}

/* The next row; a blank command line is none. */
static int next_row(struct tasks *t, struct row *row, struct rota_error *err)
{
    for (;;) {
        int rc = sources_next(t->sources, row, err);
        if (rc == 0 && t->command == NULL)
            rc = make_templates(t, err);
        if (rc != 0)
            return rc;
        bool blank = template_is_empty(t->command);
        for (int i = 0; i < row->count && blank; i++)
            blank = row->values[i][strspn(row->values[i], " \t")] == '\0';
        if (!blank)
            return 0;
    }
}

/* The values of a row, one block. */
static int copy_row(struct row row, char ***out)
{
    size_t size = 0;
    for (int i = 0; i < row.count; i++)
        size += strlen(row.values[i]) + 1;
    char **words = malloc(((size_t)row.count + 1) * sizeof(char *) + size);
    if (words == NULL)
        return ROTA_E_NOMEM;
    char *to = (char *)(words + row.count + 1);
    for (int i = 0; i < row.count; i++) {
        words[i] = to;
        to = stpcpy(to, row.values[i]) + 1;
    }
    words[row.count] = NULL;
    *out = words;
    return 0;
}

int tasks_next(struct tasks *t, char ***argv, struct rota_error *err)
{
    struct row row;
    rota_auto(heap) char **words = NULL;
    int rc = next_row(t, &row, err);
    if (rc != 0)
        return rc;
    rc = t->o->worker ? copy_row(row, &words)
                      : template_apply(t->command, row, t->given + 1, &words);
    if (rc != 0 || keep_ticket(t, row) != 0)
        return nothing_left(err);
    t->given++;
    *argv = rota_steal(words);
    return 0;
}

int tasks_next_line(struct tasks *t, struct blob *line, struct rota_error *err)
{
    struct row row;
    int rc = next_row(t, &row, err);
    if (rc != 0)
        return rc;
    line->size = 0;
    rc = t->tag ? put_tag(t, row, line) : 0;
    if (rc == 0 && t->tag != NULL)
        rc = blob_put(line, "\t", 1);
    if (rc == 0)
        rc = template_line(t->command, row, t->given + 1, line);
    if (rc != 0 || blob_put(line, "", 1) != 0)
        return nothing_left(err);
    t->given++;
    return 0;
}

int64_t tasks_left(const struct tasks *t)
{
    return sources_left(t->sources);
}
