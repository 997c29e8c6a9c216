/* tasks.c - the tasks of a run: their commands, and what is to be known at their end */
#include "cli/tasks.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/list.h"

struct kept {
    uint64_t number;
    char *block; /* NULL: taken */
};

struct tasks {
    const struct run_options *o;
    struct sources *sources; /* NULL: there is nothing to read */
    struct list *list;       /* what is recorded of them, or NULL */
    char **names;            /* of a run that is resumed, or NULL */
    int name_count;          /* so too */
    char trouble[512];       /* why there are no sources, though they had more; or "" */
    struct template *command; /* made when there is a row: then names are known */
    struct template *tag;
    uint64_t given;
    bool tickets;      /* are wanted */
    struct kept *kept; /* by their numbers */
    size_t count;
    size_t cap;
    size_t taken; /* at the begin of `kept` */
};

static int nothing_left(struct rota_error *err)
{
    return error_set(err, ROTA_E_NOMEM, "out of memory for tasks");
}

static int read_row(void *ctx, struct row *row, struct rota_error *err);

static struct row names_of(const struct tasks *t)
{
    if (t->names != NULL)
        return (struct row){.values = (const char *const *)t->names,
                            .count = t->name_count};
    return t->sources ? sources_names(t->sources) : (struct row){.count = 0};
}

static int open_sources(struct tasks *t, struct rota_error *err)
{
    const struct inputs *in = &t->o->inputs;
    return sources_open(in->specs, in->count, &in->options, &t->sources, err);
}

/* What a run that is resumed has not read of its list is read now, if it can be. */
static int open_rest(struct tasks *t, struct store *store, struct rota_error *err)
{
    struct rota_error why;
    int rc = 0;
    if (store_tasks(store) > 0)
        rc = store_names(store, &t->names, &t->name_count, err);
    if (rc != 0 || store_is_listed(store))
        return rc;
    if (t->o->inputs.standard > 0 && !t->o->again.reread)
        error_set(&why, ROTA_E_STATE, "it came on standard input");
    else
        rc = open_sources(t, &why);
    if (t->sources == NULL)
        snprintf(t->trouble, sizeof(t->trouble), "%s", why.text);
    return rc == ROTA_E_NOMEM ? error_set(err, rc, "%s", why.text) : 0;
}

static struct row names_for_list(void *ctx)
{
    return names_of(ctx);
}

int tasks_open(const struct run_options *o, struct tasks **out, struct rota_error *err)
{
    rota_auto(tasks) struct tasks *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return nothing_left(err);
    t->o = o;
    t->tickets =
        o->tag != NULL || o->joblog != NULL || o->results != NULL || o->verbose;
    int rc = o->again.why != NULL ? 0 : open_sources(t, err);
    if (rc != 0)
        return rc;
    *out = rota_steal(t);
    return 0;
}

int tasks_record(struct tasks *t, struct store *store, struct rota_error *err)
{
    int rc = t->o->again.why != NULL ? open_rest(t, store, err) : 0;
    struct list_options options = {
        .store = store,
        .read = t->sources ? read_row : NULL,
        .names = names_for_list,
        .ctx = t,
    };
    return rc ? rc : list_open(&options, &t->list, err);
}

void tasks_close(struct tasks *t)
{
    if (t == NULL)
        return;
    sources_close(t->sources);
    list_close(t->list);
    free(t->names);
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

static int put_folder(const struct tasks *t, struct row row, struct blob *to)
{
    struct row names = names_of(t);
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
static int put_tag(const struct tasks *t, struct row row, uint64_t number,
                   struct blob *to)
{
    rota_auto(heap) char **words = NULL;
    int rc = template_apply(t->tag, row, number, &words);
    for (int i = 0; rc == 0 && words[i] != NULL; i++) {
        rc = i > 0 ? blob_put(to, " ", 1) : 0;
        if (rc == 0)
            rc = blob_put(to, words[i], strlen(words[i]));
    }
    return rc;
}

static int write_ticket(const struct tasks *t, struct row row, uint64_t number,
                        struct blob *to)
{
    int rc = t->tag ? put_tag(t, row, number, to) : 0;
    if (rc == 0)
        rc = blob_put(to, "", 1);
    if (rc == 0)
        rc = template_line(t->command, row, number, to);
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
        t->count -= t->taken;
        t->taken = 0;
    }
    if (t->count < t->cap)
        return 0;
    size_t cap = t->cap * 2 + 64;
    struct kept *kept = realloc(t->kept, cap * sizeof(kept[0]));
    if (kept == NULL)
        return ROTA_E_NOMEM;
    t->kept = kept;
    t->cap = cap;
    return 0;
}

static int keep_ticket(struct tasks *t, struct row row, uint64_t number)
{
    struct blob text = {0};
    if (!t->tickets)
        return 0;
    int rc = reserve(t);
    if (rc == 0)
        rc = write_ticket(t, row, number, &text);
    if (rc == 0)
        t->kept[t->count++] = (struct kept){number, text.data};
    else
        blob_done(&text);
    return rc;
}

static int by_number(const void *key, const void *element)
{
    uint64_t number = *(const uint64_t *)key;
    const struct kept *kept = element;
    return number < kept->number ? -1 : number > kept->number;
}

struct ticket tasks_take_ticket(struct tasks *t, uint64_t number)
{
    struct ticket k = {0};
    struct kept *kept = t->count > 0 ? bsearch(&number, t->kept, t->count,
                                               sizeof(t->kept[0]), by_number)
                                     : NULL;
    if (kept == NULL || kept->block == NULL)
        return k;
    k.block = kept->block;
    kept->block = NULL;
    while (t->taken < t->count && t->kept[t->taken].block == NULL)
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
        .names = names_of(t),
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

/* The sources' next row; a blank command line is none. */
static int read_row(void *ctx, struct row *row, struct rota_error *err)
{
    struct tasks *t = ctx;
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

static int next_row(struct tasks *t, struct row *row, uint64_t *number,
                    struct rota_error *err)
{
    *number = t->given + 1;
    int rc = t->list ? list_next(t->list, row, number, err) : read_row(t, row, err);
    if (rc == 0 && t->command == NULL)
        rc = make_templates(t, err);
    return rc;
}

int tasks_next(struct tasks *t, char ***argv, uint64_t *number, struct rota_error *err)
{
    struct row row;
    rota_auto(heap) char **words = NULL;
    int rc = next_row(t, &row, number, err);
    if (rc != 0)
        return rc;
    if (template_apply(t->command, row, *number, &words) != 0 ||
        keep_ticket(t, row, *number) != 0)
        return nothing_left(err);
    t->given++;
    *argv = rota_steal(words);
    return 0;
}

void tasks_tick(struct tasks *t)
{
    if (t->list != NULL)
        list_tick(t->list);
}

const char *tasks_trouble(const struct tasks *t)
{
    if (t->list == NULL || list_is_whole(t->list))
        return NULL;
    return t->trouble[0] != '\0' ? t->trouble : list_trouble(t->list);
}

int tasks_next_line(struct tasks *t, struct blob *line, struct rota_error *err)
{
    struct row row;
    uint64_t number;
    int rc = next_row(t, &row, &number, err);
    if (rc != 0)
        return rc;
    line->size = 0;
    rc = t->tag ? put_tag(t, row, number, line) : 0;
    if (rc == 0 && t->tag != NULL)
        rc = blob_put(line, "\t", 1);
    if (rc == 0)
        rc = template_line(t->command, row, number, line);
    if (rc != 0 || blob_put(line, "", 1) != 0)
        return nothing_left(err);
    t->given++;
    return 0;
}

int64_t tasks_left(const struct tasks *t)
{
    return t->list ? list_left(t->list) : sources_left(t->sources);
}
