/* tasks.c - the tasks of a run: their commands, and what is to be known at their end */
#include "cli/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/blocks.h"
#include "cli/gather.h"
#include "cli/list.h"
#include "cli/past.h"

struct kept {
    uint64_t number;
    char *block; /* NULL: taken */
};

struct tasks {
    const struct run_options *o;
    struct sources *sources; /* NULL: there is nothing to read */
    struct gather *gather;   /* what puts together what they give, or NULL */
    struct blob line;        /* of a command, to be measured */
    struct list *list;       /* what is recorded of them, or NULL */
    struct blocks *blocks;   /* of which tasks are made, instead of rows; or NULL */
    int file;                /* of blocks, where it is ours; or -1 */
    struct store *store;     /* of blocks, where they are recorded; or NULL */
    struct past *past;       /* what is not to be done again, or NULL */
    const char *failed_line; /* a command that failed before, for the moment */
    const void *input;       /* of the task that was given last, or NULL */
    size_t input_bytes;
    char **env;        /* of all tasks, or NULL */
    char **names;      /* of a run that is resumed, or NULL */
    int name_count;    /* so too */
    char trouble[512]; /* why there are no sources, though they had more; or "" */
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
static int read_source(void *ctx, struct row *row, struct rota_error *err);
static int measure_line(void *ctx, struct row row, size_t *bytes);

static struct row names_of(const struct tasks *t)
{
    if (t->names != NULL)
        return (struct row){.values = (const char *const *)t->names,
                            .count = t->name_count};
    return t->sources ? sources_names(t->sources) : (struct row){.count = 0};
}

static int open_blocks(struct tasks *t, struct rota_error *err)
{
    const char *name = t->o->inputs.specs[0].file;
    if (t->o->again.why != NULL)
        return error_set(err, ROTA_E_STATE,
                         "a run with --pipe can't go on: the blocks that its commands "
                         "read are not recorded; begin it anew");
    if (strcmp(name, "-") != 0) {
        t->file = open(name, O_RDONLY | O_CLOEXEC);
        if (t->file < 0)
            return error_set(err, ROTA_E_IO, "cannot read records from '%s': %s", name,
                             strerror(errno));
    }
    return blocks_open(t->file >= 0 ? t->file : 0, &t->o->pipe.blocks, &t->blocks, err);
}

static int open_sources(struct tasks *t, struct rota_error *err)
{
    const struct inputs *in = &t->o->inputs;
    int ranks = t->o->launch.ranks;
    struct gather_options options = {
        .bytes = in->many.bytes,
        .most = in->many.most,
        .spread = in->many.together ? 1 : t->o->slots * (ranks > 0 ? ranks : 1),
        .read = read_source,
        .measure = measure_line,
        .ctx = t,
    };
    int rc = sources_open(in->specs, in->count, &in->options, &t->sources, err);
    if (rc == 0 && in->many.wanted && gather_new(&options, &t->gather) != 0)
        return nothing_left(err);
    return rc;
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
    t->file = -1;
    if (o->variables.count > 0 && variables_values(&o->variables, &t->env) != 0)
        return nothing_left(err);
    int rc = 0;
    if (o->past != PAST_NONE)
        rc = past_read(o->joblog, o->past, &t->past, err);
    if (rc == 0 && o->pipe.wanted)
        rc = open_blocks(t, err);
    else if (rc == 0 && o->again.why == NULL)
        rc = open_sources(t, err);
    if (rc != 0)
        return rc;
    *out = rota_steal(t);
    return 0;
}

int tasks_record(struct tasks *t, struct store *store, struct rota_error *err)
{
    t->store = store;
    if (t->blocks != NULL)
        return 0;
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
    gather_free(t->gather);
    blob_done(&t->line);
    list_close(t->list);
    blocks_close(t->blocks);
    past_free(t->past);
    free(t->env);
    if (t->file >= 0)
        close(t->file);
    free(t->names);
    template_free(t->command);
    template_free(t->tag);
    for (size_t i = t->taken; i < t->count; i++)
        free(t->kept[i].block);
    free(t->kept);
    free(t);
}

/* ---- tickets: three strings, each with its 0 byte ------------------------------ */

/* A name that is too long for a folder ends with \ and the task's number, as no other
 * does: so tasks whose arguments begin alike stay apart. */
static int cut_name(struct blob *to, size_t from, uint64_t number)
{
    char tail[24];
    if (to->size - from <= NAME_MAX)
        return 0;
    size_t n = (size_t)snprintf(tail, sizeof(tail), "\\%" PRIu64, number);
    size_t end = from + NAME_MAX - n;
    size_t escapes = 0;
    while (end - escapes > from && to->data[end - escapes - 1] == '\\')
        escapes++;
    to->size = end - escapes % 2; /* half of a pair stays behind */
    return blob_put(to, tail, n);
}

/* A value as a file's name: / is \_, \ is \\, and . and .. are \. and \.. */
static int put_name(struct blob *to, const char *value, uint64_t number)
{
    int rc = 0;
    size_t from = to->size;
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
    if (rc == 0)
        rc = cut_name(to, from, number);
    return rc ? rc : blob_put(to, "/", 1);
}

static int put_folder(const struct tasks *t, struct row row, uint64_t number,
                      struct blob *to)
{
    struct row names = names_of(t);
    int rc = blob_put(to, t->o->results, strlen(t->o->results));
    if (rc == 0)
        rc = blob_put(to, "/", 1);
    if (rc == 0 && t->blocks != NULL) { /* its argument is its number, as it were */
        char place[32];
        int n = snprintf(place, sizeof(place), "1/%ju/", (uintmax_t)number);
        rc = blob_put(to, place, (size_t)n);
    }
    for (int i = 0; i < row.count && rc == 0; i++) {
        char place[16];
        snprintf(place, sizeof(place), "%d", i + 1);
        rc = put_name(to, i < names.count ? names.values[i] : place, number);
        if (rc == 0)
            rc = put_name(to, row.values[i], number);
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
        rc = put_folder(t, row, number, to);
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

static struct kept *find_kept(const struct tasks *t, uint64_t number)
{
    if (t->count == 0)
        return NULL;
    return bsearch(&number, t->kept, t->count, sizeof(t->kept[0]), by_number);
}

static struct ticket ticket_of(const struct tasks *t, const struct kept *kept)
{
    struct ticket k = {0};
    if (kept == NULL || kept->block == NULL)
        return k;
    k.block = kept->block;
    const char *command = k.block + strlen(k.block) + 1;
    const char *folder = command + strlen(command) + 1;
    k.tag = t->tag ? k.block : NULL;
    k.command = command;
    k.folder = t->o->results ? folder : NULL;
    return k;
}

struct ticket tasks_ticket(const struct tasks *t, uint64_t number)
{
    return ticket_of(t, find_kept(t, number));
}

struct ticket tasks_take_ticket(struct tasks *t, uint64_t number)
{
    struct kept *kept = find_kept(t, number);
    struct ticket k = ticket_of(t, kept);
    if (kept == NULL || k.block == NULL)
        return k;
    kept->block = NULL;
    while (t->taken < t->count && t->kept[t->taken].block == NULL)
        t->taken++;
    return k;
}

/* ---- commands ---------------------------------------------------------------- */

static int make_templates(struct tasks *t, struct rota_error *err)
{
    struct template_options options = {
        .place = t->o->place,
        .shell = t->o->shell,
        .names = names_of(t),
        .quote = t->o->quote,
        .bare = t->blocks != NULL && t->o->pipe.input == EXECUTE_STANDARD,
        .named = t->blocks != NULL && t->o->pipe.input != EXECUTE_STANDARD,
        .context = t->o->inputs.many.context,
    };
    int rc =
        template_new(t->o->command, t->o->command_count, &options, &t->command, err);
    if (rc != 0 || t->o->tag == NULL)
        return rc;
    char *tag = strdup(t->o->tag);
    if (tag == NULL)
        return nothing_left(err);
    options.quote = options.bare = true;
    options.named = false;
    rc = template_new(&tag, 1, &options, &t->tag, err);
    free(tag);
    return rc;
}

/* A blank command line is none. */
static bool is_blank(const struct tasks *t, const struct row *row)
{
    bool blank = t->o->command_count == 0;
    for (int i = 0; i < row->count && blank; i++)
        blank = row->values[i][strspn(row->values[i], " \t")] == '\0';
    return blank;
}

/* The sources' next row. */
static int read_source(void *ctx, struct row *row, struct rota_error *err)
{
    struct tasks *t = ctx;
    int rc;
    do {
        rc = sources_next(t->sources, row, err);
        if (rc == 0 && t->command == NULL)
            rc = make_templates(t, err);
    } while (rc == 0 && is_blank(t, row));
    return rc;
}

/* How long the command line is with the arguments of `row`. */
static int measure_line(void *ctx, struct row row, size_t *bytes)
{
    struct tasks *t = ctx;
    t->line.size = 0;
    int rc = template_line(t->command, row, t->given + 1, &t->line);
    *bytes = t->line.size;
    return rc;
}

/* The next row of arguments for a command. */
static int read_row(void *ctx, struct row *row, struct rota_error *err)
{
    struct tasks *t = ctx;
    return t->gather ? gather_next(t->gather, row, err) : read_source(t, row, err);
}

/* That there is a block, or no further one, is recorded, but not what it holds. */
static int record_block(struct tasks *t, bool is_one, size_t size, uint64_t *number)
{
    char what[64];
    if (t->store == NULL)
        return 0;
    int n = t->o->pipe.round_robin
                ? snprintf(what, sizeof(what), "blocks, the first of %zu bytes", size)
                : snprintf(what, sizeof(what), "block %ju, %zu bytes",
                           is_one ? (uintmax_t)*number : 0, size);
    int rc = is_one ? store_add_task(t->store, what, (size_t)n + 1, number, NULL)
                    : store_listed(t->store, NULL);
    return rc == ROTA_E_NOMEM ? rc : 0; /* what can't be written is tried again */
}

int tasks_more(struct tasks *t, struct commands_spec *out, struct rota_error *err)
{
    const char *data;
    size_t size;
    blocks_with_header(t->blocks, false);
    int rc = blocks_next(t->blocks, &data, &size, err);
    blocks_with_header(t->blocks, true);
    if (rc == 0)
        *out = (struct commands_spec){.input = data, .input_bytes = size};
    if (rc == ROTA_E_NOTFOUND && record_block(t, false, 0, NULL) != 0)
        return nothing_left(err);
    return rc;
}

/* A block goes to the command without a row. */
static int next_block(struct tasks *t, struct row *row, uint64_t *number,
                      struct rota_error *err)
{
    const char *data;
    size_t size = 0;
    int rc = blocks_next(t->blocks, &data, &size, err);
    if (rc != 0 && rc != ROTA_E_NOTFOUND)
        return rc;
    if (record_block(t, rc == 0, size, number) != 0)
        return nothing_left(err);
    if (rc != 0)
        return rc;
    t->input = data;
    t->input_bytes = size;
    *row = (struct row){.count = 0};
    return 0;
}

/* A command that has failed before. */
static int next_failed(struct tasks *t, struct row *row, uint64_t *number)
{
    if (!past_next(t->past, number, &t->failed_line))
        return ROTA_E_NOTFOUND;
    *row = (struct row){.values = &t->failed_line, .count = 1};
    return 0;
}

static int next_of_all(struct tasks *t, struct row *row, uint64_t *number,
                       struct rota_error *err)
{
    int rc;
    *number = t->given + 1;
    if (t->blocks != NULL)
        rc = next_block(t, row, number, err);
    else
        rc = t->list ? list_next(t->list, row, number, err) : read_row(t, row, err);
    t->given += rc == 0;
    return rc;
}

/* The next row that is not done already. */
static int next_row(struct tasks *t, struct row *row, uint64_t *number,
                    struct rota_error *err)
{
    int rc;
    if (t->o->past == PAST_RETRY_FAILED)
        rc = next_failed(t, row, number);
    else
        do
            rc = next_of_all(t, row, number, err);
        while (rc == 0 && t->past != NULL && past_has(t->past, *number));
    if (rc == 0 && t->command == NULL)
        rc = make_templates(t, err);
    return rc ? rc : template_check(t->command, *row, err);
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

int tasks_next(struct tasks *t, struct commands_spec *out, struct rota_error *err)
{
    struct row row;
    rota_auto(heap) char **words = NULL;
    uint64_t number;
    int rc = next_row(t, &row, &number, err);
    if (rc != 0)
        return rc;
    rc = t->o->worker ? copy_row(row, &words)
                      : template_apply(t->command, row, number, &words);
    if (rc != 0 || keep_ticket(t, row, number) != 0)
        return nothing_left(err);
    *out = (struct commands_spec){
        .number = number,
        .argv = rota_steal(words),
        .env = t->env,
        .input = t->input,
        .input_bytes = t->input_bytes,
    };
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
    return 0;
}

int64_t tasks_left(const struct tasks *t)
{
    if (t->o->past == PAST_RETRY_FAILED)
        return (int64_t)past_left(t->past);
    if (t->list != NULL)
        return list_left(t->list);
    return t->sources != NULL && t->gather == NULL ? sources_left(t->sources) : -1;
}
