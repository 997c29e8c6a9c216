/* tasks.c - the tasks of a run: their commands, and what is to be known at their end */
#include "cli/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/blocks.h"
#include "cli/past.h"

struct kept {
    char *block; /* NULL where it was taken */
    uint64_t number;
};

struct tasks {
    const struct run_options *o;
    struct sources *sources;  /* NULL: of blocks, a task is made */
    struct blocks *blocks;    /* or NULL */
    int file;                 /* of blocks, where it is ours; or -1 */
    struct template *command; /* made when there is a row: then names are known */
    struct template *tag;
    const void *input; /* of the task that was given last, or NULL */
    size_t input_bytes;
    const char *line;  /* so too, where it failed before */
    char **env;        /* of all tasks, or NULL */
    uint64_t number;   /* so too */
    struct past *past; /* what is not to be done again, or NULL */
    bool tickets;      /* are wanted */
    struct kept *kept; /* the tickets of tasks from `first` on */
    uint64_t first;
    size_t count;
    size_t cap;
    size_t taken; /* at the begin of `kept` */
};

static int nothing_left(struct rota_error *err)
{
    return error_set(err, ROTA_E_NOMEM, "out of memory for tasks");
}

static int open_blocks(struct tasks *t, struct rota_error *err)
{
    const char *name = t->o->inputs.specs[0].file;
    if (strcmp(name, "-") != 0) {
        t->file = open(name, O_RDONLY | O_CLOEXEC);
        if (t->file < 0)
            return error_set(err, ROTA_E_IO, "cannot read records from '%s': %s", name,
                             strerror(errno));
    }
    return blocks_open(t->file >= 0 ? t->file : 0, &t->o->pipe.blocks, &t->blocks, err);
}

int tasks_open(const struct run_options *o, struct tasks **out, struct rota_error *err)
{
    rota_auto(tasks) struct tasks *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return nothing_left(err);
    t->o = o;
    t->tickets =
        o->tag != NULL || o->joblog != NULL || o->results != NULL || o->verbose;
    t->file = -1;
    if (o->variables.count > 0 && variables_values(&o->variables, &t->env) != 0)
        return nothing_left(err);
    int rc = 0;
    if (o->past != PAST_NONE)
        rc = past_read(o->joblog, o->past, &t->past, err);
    if (rc == 0)
        rc = o->pipe.wanted ? open_blocks(t, err)
                            : sources_open(o->inputs.specs, o->inputs.count,
                                           &o->inputs.options, &t->sources, err);
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
    blocks_close(t->blocks);
    past_free(t->past);
    free(t->env);
    if (t->file >= 0)
        close(t->file);
    template_free(t->command);
    template_free(t->tag);
    for (size_t i = t->taken; i < t->count; i++)
        free(t->kept[i].block);
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

static struct row names_of(const struct tasks *t)
{
    return t->sources != NULL ? sources_names(t->sources) : (struct row){.count = 0};
}

static int put_folder(const struct tasks *t, struct row row, struct blob *to)
{
    struct row names = names_of(t);
    int rc = blob_put(to, t->o->results, strlen(t->o->results));
    if (rc == 0)
        rc = blob_put(to, "/", 1);
    if (rc == 0 && t->blocks != NULL) { /* its argument is its number, as it were */
        char number[24];
        snprintf(number, sizeof(number), "1/%ju/", (uintmax_t)t->number);
        rc = blob_put(to, number, strlen(number));
    }
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
    int rc = template_apply(t->tag, row, t->number, &words);
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
        rc = template_line(t->command, row, t->number, to);
    if (rc == 0)
        rc = blob_put(to, "", 1);
    if (rc == 0 && t->o->results != NULL)
        rc = put_folder(t, row, to);
    return rc ? rc : blob_put(to, "", 1);
}

static int reserve(struct tasks *t)
{
    if (t->taken > t->count / 2) {
        memmove(t->kept, t->kept + t->taken,
                (t->count - t->taken) * sizeof(t->kept[0]));
        t->first += t->taken;
        t->count -= t->taken;
        t->taken = 0;
    }
    if (t->count < t->cap)
        return 0;
    size_t cap = t->cap * 2 + 64;
    struct kept *kept = realloc(t->kept, cap * sizeof(*kept));
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
        t->kept[t->count++] = (struct kept){.block = text.data, .number = t->number};
    else
        blob_done(&text);
    return rc;
}

struct ticket tasks_ticket(const struct tasks *t, uint64_t task)
{
    struct ticket k = {0};
    if (!t->tickets || task < t->first || task - t->first >= t->count)
        return k;
    k.block = t->kept[task - t->first].block;
    k.number = t->kept[task - t->first].number;
    const char *command = k.block + strlen(k.block) + 1;
    const char *folder = command + strlen(command) + 1;
    k.tag = t->tag ? k.block : NULL;
    k.command = command;
    k.folder = t->o->results ? folder : NULL;
    return k;
}

struct ticket tasks_take_ticket(struct tasks *t, uint64_t task)
{
    struct ticket k = tasks_ticket(t, task);
    if (k.block == NULL)
        return k;
    t->kept[task - t->first].block = NULL;
    while (t->taken < t->count && t->kept[t->taken].block == NULL)
        t->taken++;
    return k;
}

/* ---- commands ---------------------------------------------------------------- */

static int make_templates(struct tasks *t, struct rota_error *err)
{
    struct template_options options = {
        .place = t->o->place,
        .names = names_of(t),
        .quote = t->o->quote,
        .bare = t->blocks != NULL,
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

/* A block goes to the command without a row. */
static int next_block(struct tasks *t, struct row *row, struct rota_error *err)
{
    const char *data;
    size_t size;
    int rc = blocks_next(t->blocks, &data, &size, err);
    if (rc != 0)
        return rc;
    t->input = data;
    t->input_bytes = size;
    *row = (struct row){.count = 0};
    t->number++;
    return 0;
}

/* A command that has failed before. */
static int next_failed(struct tasks *t, struct row *row)
{
    if (!past_next(t->past, &t->number, &t->line))
        return ROTA_E_NOTFOUND;
    *row = (struct row){.values = &t->line, .count = 1};
    return 0;
}

/* A blank command line is none. */
static bool is_blank(const struct tasks *t, struct row row)
{
    if (t->o->command_count > 0)
        return false;
    for (int i = 0; i < row.count; i++)
        if (row.values[i][strspn(row.values[i], " \t")] != '\0')
            return false;
    return true;
}

static int next_argument_row(struct tasks *t, struct row *row, struct rota_error *err)
{
    int rc;
    do
        rc = sources_next(t->sources, row, err);
    while (rc == 0 && is_blank(t, *row));
    t->number += rc == 0;
    return rc;
}

/* The next row that is not done already. */
static int next_row(struct tasks *t, struct row *row, struct rota_error *err)
{
    int rc;
    if (t->o->past == PAST_RETRY_FAILED)
        rc = next_failed(t, row);
    else
        do
            rc = t->blocks != NULL ? next_block(t, row, err)
                                   : next_argument_row(t, row, err);
        while (rc == 0 && t->past != NULL && past_has(t->past, t->number));
    if (rc == 0 && t->command == NULL)
        rc = make_templates(t, err);
    return rc;
}

int tasks_next(struct tasks *t, struct commands_spec *out, struct rota_error *err)
{
    struct row row;
    rota_auto(heap) char **words = NULL;
    int rc = next_row(t, &row, err);
    if (rc != 0)
        return rc;
    if (template_apply(t->command, row, t->number, &words) != 0 ||
        keep_ticket(t, row) != 0)
        return nothing_left(err);
    *out = (struct commands_spec){
        .number = t->number,
        .argv = rota_steal(words),
        .env = t->env,
        .input = t->input,
        .input_bytes = t->input_bytes,
    };
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
        rc = template_line(t->command, row, t->number, line);
    if (rc != 0 || blob_put(line, "", 1) != 0)
        return nothing_left(err);
    return 0;
}

int64_t tasks_left(const struct tasks *t)
{
    if (t->o->past == PAST_RETRY_FAILED)
        return (int64_t)past_left(t->past);
    return t->sources != NULL ? sources_left(t->sources) : -1;
}
