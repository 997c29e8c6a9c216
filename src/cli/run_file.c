/* run_file.c - what rota run --run FILE writes down, in the store's terms */
#include "cli/run_file.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/blob.h"
#include "cli/report.h"

enum {
    EVENT_BYTES = 256,
};

struct run_file {
    struct store *store;
    uint64_t failed_before;
    bool told;       /* that it can't be written */
    bool incomplete; /* an output was not recorded */
};

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

/* ---- beginning --------------------------------------------------------------- */

/* The command with its arguments' places, as a person wrote it. */
static int put_command(const struct run_options *o, struct blob *b)
{
    for (int i = 0; i < o->command_count; i++) {
        if ((i > 0 && blob_put(b, " ", 1) != 0) ||
            blob_put(b, o->command[i], strlen(o->command[i])) != 0)
            return ROTA_E_NOMEM;
    }
    return blob_put(b, "", 1);
}

static int create(struct run_file *f, const struct run_options *o,
                  struct rota_error *err)
{
    struct blob command = {0};
    rota_auto(heap) char *folder = getcwd(NULL, 0);
    int rc = put_command(o, &command);
    if (rc != 0) {
        error_set(err, rc, "out of memory");
    } else {
        struct store_start start = {
            .version = ROTA_VERSION,
            .command = command.data,
            .folder = folder ? folder : "",
            .words = o->words,
            .word_count = o->word_count,
        };
        rc = store_create(o->run_file, &start, &f->store, err);
    }
    blob_done(&command);
    return rc;
}

/* That it goes on is its first event. */
static int go_on(struct run_file *f, const struct run_options *o,
                 struct rota_error *err)
{
    struct store_start start = {.version = ROTA_VERSION};
    char what[EVENT_BYTES];
    uint64_t left;
    uint64_t retried = 0;
    int rc = store_resume(o->run_file, &start, &f->store, err);
    if (rc == 0 && o->again.retry_failed)
        rc = store_retry_failed(f->store, &retried, err);
    if (rc == 0)
        rc = store_count(f->store, &left, &f->failed_before, err);
    if (rc != 0)
        return rc;
    int n = snprintf(what, sizeof(what), "%s: %" PRIu64 " left", o->again.why, left);
    if (retried > 0 && n < (int)sizeof(what))
        snprintf(what + n, sizeof(what) - (size_t)n,
                 ", %" PRIu64 " of them failed before", retried);
    run_file_event(f, what);
    return 0;
}

int run_file_open(const struct run_options *o, struct run_file **out,
                  struct rota_error *err)
{
    struct run_file *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    int rc = o->again.why != NULL ? go_on(f, o, err) : create(f, o, err);
    if (rc == 0) {
        *out = f;
        return 0;
    }
    store_close(f->store);
    free(f);
    return rc;
}

struct store *run_file_store(struct run_file *f)
{
    return f->store;
}

uint64_t run_file_failed_before(const struct run_file *f)
{
    return f->failed_before;
}

/* ---- what happens ------------------------------------------------------------ */

static struct store_result result_of(const struct crew_end *end)
{
    const struct execute_result *r = end->result;
    struct store_result result = {
        .task = end->task + 1,
        .outcome = end->outcome,
        .code = r ? r->code : end->killed,
        .attempts = end->attempts,
        .rank = end->worker,
        .took_ns = end->took_ns,
    };
    return result;
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
    struct store_result result = result_of(end);
    char reason[160];
    if (end->outcome == ROTA_UNTRIED)
        return 0; /* it is left to do */
    rota_outcome_text(end->outcome, result.code, reason, sizeof(reason));
    if (r != NULL)
        execute_text(r->how, r->code, reason, sizeof(reason));
    result.reason = end->outcome == ROTA_DONE ? NULL : reason;
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

void run_file_tried(struct run_file *f, const struct crew_end *end)
{
    struct rota_error err;
    struct store_result result = result_of(end);
    heed(f, store_add_try(f->store, &result, &err), &err);
}

void run_file_came(struct run_file *f, int rank, int slots, const char *host)
{
    struct rota_error err;
    heed(f, store_worker_came(f->store, rank, host, slots, &err), &err);
}

void run_file_lost(struct run_file *f, int rank, const struct rota_fate *fate,
                   const char *strange, uint64_t again)
{
    struct rota_error err;
    char how[224];
    char what[EVENT_BYTES];
    if (fate != NULL)
        rota_fate_text(*fate, how, sizeof(how));
    else
        snprintf(how, sizeof(how), "%s, and was cut off", strange);
    heed(f, store_worker_went(f->store, rank, how, &err), &err);
    snprintf(what, sizeof(what), "rank %d %s; %" PRIu64 " task%s again", rank, how,
             again, again == 1 ? " runs" : "s run");
    run_file_event(f, what);
}

void run_file_event(struct run_file *f, const char *what)
{
    struct rota_error err;
    heed(f, store_event(f->store, what, &err), &err);
}

void run_file_tick(struct run_file *f)
{
    struct rota_error err;
    heed(f, store_tick(f->store, clock_now_ns(), &err), &err);
}

/* ---- the end ----------------------------------------------------------------- */

static const char *how_it_ended(int status, char buf[64])
{
    if (status == STATUS_SUCCESS)
        return "all was done";
    if (status == STATUS_FAILED)
        return "some tasks failed";
    if (status <= STATUS_SIGNAL)
        return "some tasks were left undone";
    snprintf(buf, 64, "it was asked to stop by signal %d (SIG%s)",
             status - STATUS_SIGNAL, error_signal(status - STATUS_SIGNAL));
    return buf;
}

int run_file_close(struct run_file *f, int status, struct rota_error *err)
{
    char buf[64];
    if (f == NULL)
        return 0;
    int rc = store_end(f->store, status, how_it_ended(status, buf), err);
    if (rc == 0 && f->incomplete)
        rc = error_set(err, ROTA_E_IO,
                       "an output was too long to wait for the run file, which could "
                       "not be written meanwhile: it stands there in part");
    store_close(f->store);
    free(f);
    return rc;
}
