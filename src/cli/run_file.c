/* run_file.c - what rota run --run FILE writes down, in the store's terms */
#include "cli/run_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/blob.h"
#include "store/store.h"

struct run_file {
    struct store *store;
    struct blob words; /* of a command, for the moment */
    bool told;         /* that it can't be written */
    bool incomplete;   /* an output was not recorded */
};

/* The words, one behind another, with `between` between them and a 0 at the end. */
static int join(struct blob *b, char *const *words, int count, char between)
{
    b->size = 0;
    for (int i = 0; i < count; i++) {
        if ((i > 0 && blob_put(b, &between, 1) != 0) ||
            blob_put(b, words[i], strlen(words[i])) != 0)
            return ROTA_E_NOMEM;
    }
    return blob_put(b, "", 1);
}

int run_file_open(const char *path, char *const *words, int count,
                  struct run_file **out, struct rota_error *err)
{
    struct run_file *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    int rc = join(&f->words, words, count, ' ');
    if (rc != 0)
        error_set(err, rc, "out of memory");
    struct store_start start = {.version = ROTA_VERSION,
                                .command = f->words.data,
                                .words = words,
                                .word_count = count};
    if (rc == 0)
        rc = store_create(path, &start, &f->store, err);
    if (rc == 0)
        *out = f;
    else
        run_file_close(f, 0, NULL);
    return rc;
}

/* A record that the store has taken is not lost because it can't be written yet. */
static int heed(struct run_file *f, int rc, const struct rota_error *err)
{
    if (rc == 0 || rc == ROTA_E_NOMEM)
        return rc;
    if (!f->told)
        fprintf(stderr, "rota: %s; it is tried again\n", err->text);
    f->told = true;
    return 0;
}

int run_file_task(struct run_file *f, char *const *argv, struct rota_error *err)
{
    uint64_t task;
    int count = 0;
    while (argv[count] != NULL)
        count++;
    if (join(&f->words, argv, count, '\0') != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory for the run file");
    int rc = store_add_task(f->store, f->words.data, f->words.size, &task, err);
    return heed(f, rc, err);
}

void run_file_listed(struct run_file *f)
{
    struct rota_error err;
    heed(f, store_listed(f->store, &err), &err);
}

/* A long output on its way to the store. */
struct passage {
    struct run_file *file;
    uint64_t task;
    int stream;
    int64_t parts; /* that were taken */
    bool lost;     /* no further one is */
    struct blob part;
};

/* The file may lag behind, but memory does not hold what is long: what finds no room is
 * not recorded. */
static int pass(struct passage *p, struct rota_error *err)
{
    int rc = p->lost ? 0
                     : store_add_output(p->file->store, p->task, p->stream,
                                        p->parts + 1, p->part.data, p->part.size, err);
    p->part.size = 0;
    if (rc == ROTA_E_STATE)
        p->lost = p->file->incomplete = true;
    else
        p->parts++;
    return heed(p->file, rc, err);
}

static int pass_piece(void *ctx, const char *data, size_t size, struct rota_error *err)
{
    struct passage *p = ctx;
    while (size > 0) {
        size_t n = STORE_PART_BYTES - p->part.size;
        n = size < n ? size : n;
        if (blob_put(&p->part, data, n) != 0)
            return error_set(err, ROTA_E_NOMEM, "out of memory for the run file");
        data += n;
        size -= n;
        int rc = p->part.size == STORE_PART_BYTES ? pass(p, err) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* What stands on disk goes there in parts, now; the result will have the rest. */
static int pass_output(struct passage *p, const struct spool_text *text,
                       const void **rest, size_t *rest_bytes, int64_t *parts,
                       struct rota_error *err)
{
    *rest = text->rest;
    *rest_bytes = text->rest_bytes;
    if (text->kept == NULL || text->kept->size == 0)
        return 0;
    int rc = spool_text_walk(text, 0, pass_piece, p, err);
    *rest = p->part.data;
    *rest_bytes = p->lost ? 0 : p->part.size;
    *parts = p->parts;
    return rc;
}

int run_file_ended(struct run_file *f, const struct crew_end *end,
                   struct rota_error *err)
{
    const struct execute_result *r = end->result;
    char reason[160];
    if (end->outcome == ROTA_UNTRIED)
        return 0; /* it is left to do */
    rota_outcome_text(end->outcome, r ? r->code : end->killed, reason, sizeof(reason));
    struct store_result result = {
        .task = end->task + 1,
        .outcome = end->outcome,
        .code = r ? r->code : end->killed,
        .reason = end->outcome == ROTA_DONE ? NULL : reason,
        .rank = end->worker,
        .took_ns = end->took_ns,
    };
    if (r != NULL)
        execute_text(r->how, r->code, reason, sizeof(reason));
    struct passage out = {.file = f, .task = result.task, .stream = 1};
    struct passage other = {.file = f, .task = result.task, .stream = 2};
    int rc = pass_output(&out, &end->out, &result.out, &result.out_bytes,
                         &result.out_parts, err);
    if (rc == 0)
        rc = pass_output(&other, &end->err, &result.err, &result.err_bytes,
                         &result.err_parts, err);
    if (rc == 0)
        rc = heed(f, store_add_result(f->store, &result, err), err);
    blob_done(&out.part);
    blob_done(&other.part);
    return rc;
}

void run_file_tick(struct run_file *f)
{
    struct rota_error err;
    heed(f, store_tick(f->store, clock_now_ns(), &err), &err);
}

int run_file_close(struct run_file *f, int status, struct rota_error *err)
{
    if (f == NULL)
        return 0;
    int rc = 0;
    if (f->store != NULL)
        rc =
            store_end(f->store, status, status == 0 ? "all was done" : "it ended", err);
    if (rc == 0 && f->incomplete)
        rc = error_set(err, ROTA_E_IO,
                       "an output was too long to wait for the run file, which could "
                       "not be written meanwhile: it stands there in part");
    store_close(f->store);
    blob_done(&f->words);
    free(f);
    return rc;
}
