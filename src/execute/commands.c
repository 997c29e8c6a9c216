/* commands.c - commands as tasks: an executor whose slots run processes
 *
 * Each batch runs one command at a time, its tasks in their order; as many batches run
 * as there are slots, the others wait. So the slots that execute.h counts are the
 * batches at the head of the list, and a command is found by its batch's lease.
 *
 * What execute.h has told, of a command that has ended or written much, is *over* until
 * it is taken: until there is memory for its record, nothing else is asked of it.
 *
 * A command that runs is never ended for its not being wanted any more: it may have had
 * its effect already, or half of it.
 */
#include "execute/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "execute/batch.h"

enum {
    PAYLOAD_HEAD_BYTES = 8,
    VALUE_HEAD_BYTES = 16,
    RECORD_KEPT = 4 << 20,  /* a buffer of so many bytes is used again */
    PARTS_BYTES = 64 << 20, /* of all slots */
    PART_LEAST_BYTES = 1 << 16,
};

/* wait's longest: more than anyone wants, and no overflow */
#define WAIT_MOST_MS 1000000

#define GATE_NS   (100 * NS_PER_MS) /* between two looks, while nothing begins, */
#define RELIEF_NS NS_PER_SEC /* and after a command was ended, which takes its time */

/* A batch, and where it stands. */
struct job {
    TAILQ_ENTRY(job) link;
    struct batch *batch;
    uint32_t index; /* the task that runs, or is the next to run */
    size_t at;      /* where its record begins */
    bool running;
};

TAILQ_HEAD(job_list, job);

struct commands {
    struct executor base;
    struct execute *execute;
    struct job_list jobs;
    bool over; /* `result` is of `ended`'s task, and was not taken yet */
    struct gate gate;
    int64_t look_ns; /* when the gate is to be looked at again */
    struct job *ended;
    struct execute_result result;
    struct task_bytes record; /* what was taken last */
};

/* ---- words and values -------------------------------------------------------- */

static size_t strings_size(char *const *strings)
{
    size_t size = 0;
    for (; strings != NULL && *strings != NULL; strings++)
        size += strlen(*strings) + 1;
    return size;
}

static unsigned char *put_strings(unsigned char *to, char *const *strings)
{
    for (; strings != NULL && *strings != NULL; strings++)
        to = (unsigned char *)stpcpy((char *)to, *strings) + 1;
    return to;
}

int commands_pack(const struct commands_spec *c, struct task_bytes *out)
{
    size_t words = strings_size(c->argv);
    size_t variables = strings_size(c->env);
    size_t input = c->input != NULL ? c->input_bytes : 0;
    size_t size = PAYLOAD_HEAD_BYTES + words + variables + input;
    out->size = 0;
    if (size > PARCEL_SIZE_MAX || task_bytes_reserve(out, size) != 0)
        return ROTA_E_NOMEM;
    parcel_put32(out->data, (uint32_t)words);
    parcel_put32(out->data + 4, (uint32_t)variables);
    unsigned char *to = put_strings(out->data + PAYLOAD_HEAD_BYTES, c->argv);
    to = put_strings(to, c->env);
    if (input > 0)
        memcpy(to, c->input, input);
    out->size = size;
    return 0;
}

static size_t count_strings(const char *data, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += data[i] == '\0';
    return count;
}

/* Let `array` point at strings at *text, which moves behind them; NULL at the end. */
static char **point(char **array, size_t count, char **text)
{
    for (; count > 0; count--) {
        *array++ = *text;
        *text += strlen(*text) + 1;
    }
    *array++ = NULL;
    return array;
}

int commands_unpack(const void *data, size_t size, struct commands_spec *out)
{
    const unsigned char *head = data;
    if (size < PAYLOAD_HEAD_BYTES)
        return ROTA_E_FORMAT;
    const char *text = (const char *)data + PAYLOAD_HEAD_BYTES;
    size_t words = parcel_get32(head);
    size_t variables = parcel_get32(head + 4);
    size -= PAYLOAD_HEAD_BYTES;
    if (words == 0 || words > size || variables > size - words ||
        text[words - 1] != '\0' || text[words + variables - 1] != '\0')
        return ROTA_E_FORMAT;
    size_t argc = count_strings(text, words);
    size_t envc = count_strings(text + words, variables);
    char **argv = malloc((argc + envc + 2) * sizeof(char *) + words + variables);
    if (argv == NULL)
        return ROTA_E_NOMEM;
    char *at = memcpy(argv + argc + envc + 2, text, words + variables);
    char **env = point(argv, argc, &at);
    point(env, envc, &at);
    size_t input = size - words - variables;
    *out = (struct commands_spec){
        .argv = argv,
        .env = envc > 0 ? env : NULL,
        .input = input > 0 ? text + words + variables : NULL,
        .input_bytes = input,
    };
    return 0;
}

int commands_words(const void *data, size_t size, const char **words,
                   size_t *words_bytes)
{
    if (size < PAYLOAD_HEAD_BYTES || parcel_get32(data) > size - PAYLOAD_HEAD_BYTES)
        return ROTA_E_FORMAT;
    *words = (const char *)data + PAYLOAD_HEAD_BYTES;
    *words_bytes = parcel_get32(data);
    return 0;
}

static int read_value(const void *data, size_t size, struct execute_result *out)
{
    const unsigned char *in = data;
    if (size < VALUE_HEAD_BYTES || parcel_get32(in) >= EXECUTE_HOWS ||
        parcel_get64(in + 8) > size - VALUE_HEAD_BYTES)
        return ROTA_E_FORMAT;
    char *written = (char *)(uintptr_t)(in + VALUE_HEAD_BYTES);
    size_t out_size = (size_t)parcel_get64(in + 8);
    size_t err_size = size - VALUE_HEAD_BYTES - out_size;
    *out = (struct execute_result){
        .how = (enum execute_how)parcel_get32(in),
        .code = (int)parcel_get32(in + 4),
        .out = {.data = written, .size = out_size},
        .err = {.data = written + out_size, .size = err_size},
    };
    return 0;
}

/* Whether the command goes on. */
static bool is_part(const struct execute_result *r)
{
    return r->how == EXECUTE_RUNNING || r->how == EXECUTE_HUNGRY;
}

int commands_result(const void *data, size_t size, struct execute_result *out)
{
    struct execute_result r;
    int rc = read_value(data, size, &r);
    if (rc != 0 || is_part(&r))
        return ROTA_E_FORMAT;
    *out = r;
    return 0;
}

int commands_part(const void *data, size_t size, struct execute_result *out)
{
    struct execute_result r;
    int rc = read_value(data, size, &r);
    if (rc != 0 || !is_part(&r))
        return ROTA_E_FORMAT;
    *out = r;
    return 0;
}

static enum rota_outcome outcome_of(const struct execute_result *r)
{
    if (r->how == EXECUTE_KILLED)
        return ROTA_CRASHED;
    if (r->how == EXECUTE_OVERTIME)
        return ROTA_OVERTIME;
    return r->how == EXECUTE_EXITED && r->code == 0 ? ROTA_DONE : ROTA_FAILED;
}

static unsigned char *append(unsigned char *to, const struct execute_bytes *b)
{
    if (b->size > 0)
        memcpy(to, b->data, b->size);
    return to + b->size;
}

static void put_value(unsigned char *value, const struct execute_result *r)
{
    parcel_put32(value, (uint32_t)r->how);
    parcel_put32(value + 4, (uint32_t)r->code);
    parcel_put64(value + 8, r->out.size);
    append(append(value + VALUE_HEAD_BYTES, &r->out), &r->err);
}

/* The value is written where the record has it: what a command wrote may be long. */
int commands_append(struct task_bytes *to, const struct execute_result *r)
{
    struct parcel_result head = {
        .size = VALUE_HEAD_BYTES + r->out.size + r->err.size,
        .outcome = outcome_of(r),
        .code = r->code,
        .took_ns = r->took_ns,
    };
    size_t bytes = parcel_result_bytes(&head);
    if (head.size > PARCEL_SIZE_MAX || task_bytes_reserve(to, bytes) != 0)
        return ROTA_E_NOMEM;
    put_value(parcel_begin_result(to->data + to->size, &head), r);
    to->size += bytes;
    return 0;
}

/* Write the record of `r`, or of a part just its value, to x->record. */
static int record(struct commands *x, const struct execute_result *r)
{
    size_t bytes = VALUE_HEAD_BYTES + r->out.size + r->err.size;
    x->record.size = 0;
    if (!is_part(r))
        return commands_append(&x->record, r);
    if (task_bytes_reserve(&x->record, bytes) != 0)
        return ROTA_E_NOMEM;
    put_value(x->record.data, r);
    x->record.size = bytes;
    return 0;
}

/* What was taken last is not looked at any more. */
static void drop_record(struct commands *x)
{
    if (x->record.cap > RECORD_KEPT) {
        free(x->record.data);
        x->record = (struct task_bytes){0};
    }
}

/* ---- batches ----------------------------------------------------------------- */

static void remove_job(struct commands *x, struct job *j)
{
    TAILQ_REMOVE(&x->jobs, j, link);
    free(j->batch);
    free(j);
    x->base.held--;
}

static void step(struct job *j)
{
    j->at += parcel_record_bytes(j->batch->records + j->at);
    j->index++;
    j->running = false;
}

/* To the job's next task that is wanted. False: it has none. */
static bool settle(struct job *j)
{
    while (j->index < j->batch->count && batch_is_dropped(j->batch->records + j->at))
        step(j);
    return j->index < j->batch->count;
}

/* What can't be a command ends at once, as one that could not be started. */
static void refuse(struct commands *x, struct job *j)
{
    x->over = true;
    x->ended = j;
    x->result = (struct execute_result){.how = EXECUTE_NOT_STARTED, .code = ENOEXEC};
}

/* Start the job's next task. */
static int start(struct commands *x, struct job *j)
{
    struct parcel_task t = {0};
    size_t bytes;
    struct commands_spec c = {0};
    rota_auto(heap) char **argv = NULL;
    int rc = parcel_read_task(j->batch->records + j->at, j->batch->bytes - j->at, &t,
                              &bytes);
    if (rc == 0)
        rc = commands_unpack(t.data, t.size, &c);
    argv = c.argv;
    if (rc == 0)
        rc = execute_start(x->execute,
                           &(struct execute_command){
                               .task = j->batch->lease,
                               .attempt = j->batch->attempt,
                               .number = t.tag ? t.tag : j->batch->first + j->index + 1,
                               .limit_ns = t.time_limit_ms * NS_PER_MS,
                               .argv = c.argv,
                               .env = c.env,
                               .input = c.input,
                               .input_bytes = c.input_bytes,
                           });
    if (rc == ROTA_E_FORMAT)
        refuse(x, j);
    if (rc != 0 && rc != ROTA_E_FORMAT)
        return rc;
    j->running = true;
    return 0;
}

/* Whether there is room for one more. */
static bool has_room(struct commands *x)
{
    if (!gate_is_wanted(&x->gate))
        return true;
    if (!x->base.shut)
        x->base.shut = gate_look(&x->gate, clock_now_ns()) != GATE_OPEN;
    return !x->base.shut;
}

/* While there is no room, or commands may take it, look now and then. */
static void watch_gate(struct commands *x)
{
    int64_t now_ns = clock_now_ns();
    bool some = x->base.shut || execute_running(x->execute) > 0;
    if (!gate_is_wanted(&x->gate) || !some || now_ns < x->look_ns)
        return;
    x->look_ns = now_ns + GATE_NS;
    enum gate_state state = gate_look(&x->gate, now_ns);
    x->base.shut = state != GATE_OPEN;
    if (state == GATE_CROWDED) {
        execute_end_youngest(x->execute);
        x->look_ns = now_ns + RELIEF_NS;
    }
}

/* Let the jobs at the head of the list run, as many as there are slots, and as there is
 * room for. */
static int fill_slots(struct commands *x)
{
    struct job *next;
    int slots = x->base.slots;
    for (struct job *j = TAILQ_FIRST(&x->jobs); j != NULL && slots > 0 && !x->over;
         j = next) {
        next = TAILQ_NEXT(j, link);
        if (!j->running && !settle(j)) {
            remove_job(x, j);
            continue;
        }
        if (!j->running && !has_room(x))
            return 0;
        int rc = j->running ? 0 : start(x, j);
        if (rc != 0)
            return rc;
        slots--;
    }
    return 0;
}

static int commands_give(struct executor *base, const struct executor_batch *given)
{
    struct commands *x = (struct commands *)base;
    rota_auto(heap) struct job *j = calloc(1, sizeof(*j));
    if (j == NULL)
        return ROTA_E_NOMEM;
    j->batch = batch_new(given);
    if (j->batch == NULL)
        return ROTA_E_NOMEM;
    TAILQ_INSERT_TAIL(&x->jobs, j, link);
    j = NULL;
    x->base.held++;
    fill_slots(x); /* without memory, in take */
    return 0;
}

static struct job *job_of(const struct commands *x, uint64_t lease)
{
    struct job *j;
    TAILQ_FOREACH (j, &x->jobs, link)
        if (j->batch->lease == lease)
            return j;
    return NULL;
}

/* See whether a command has ended, or written much, waiting at most `timeout_ms`. */
static int look(struct commands *x, int timeout_ms)
{
    if (x->over)
        return 0;
    int rc = execute_wait(x->execute, timeout_ms, &x->result);
    if (rc != 0)
        return rc;
    x->ended = job_of(x, x->result.task);
    x->over = true;
    return 0;
}

/* The record in x->record is told. */
static void tell(struct commands *x, struct executor_report *out)
{
    struct job *j = x->ended;
    bool part = is_part(&x->result);
    *out = (struct executor_report){
        .lease = j->batch->lease,
        .first = j->batch->first + j->index,
        .count = 1,
        .busy_ns = x->result.took_ns,
        .part = part,
        .records = x->record.data,
        .bytes = x->record.size,
    };
    execute_result_done(&x->result);
    x->over = false;
    if (part)
        return;
    step(j);
    if (!settle(j))
        remove_job(x, j);
}

/* What has ended is told even while there is no memory to start anything. The next
 * command starts in the next call, when this one's result has been sent on: should it
 * kill the rank, the result must not be lost with it, nor this one be blamed. */
static int commands_take(struct executor *base, struct executor_report *out)
{
    struct commands *x = (struct commands *)base;
    drop_record(x);
    watch_gate(x);
    int filled = fill_slots(x);
    int rc = look(x, 0);
    if (rc == ROTA_E_TIMEOUT && filled != 0)
        return filled;
    if (rc == 0)
        rc = record(x, &x->result);
    if (rc != 0)
        return rc;
    tell(x, out);
    return 0;
}

static void commands_drop(struct executor *base, uint64_t lease, uint64_t first,
                          uint32_t count)
{
    struct commands *x = (struct commands *)base;
    struct job *j = job_of(x, lease);
    if (j == NULL)
        return;
    size_t at = j->at;
    uint32_t index = j->index;
    if (j->running) {
        at += parcel_record_bytes(j->batch->records + at);
        index++;
    }
    batch_drop(j->batch, index, at, first, count);
    if (!j->running && !settle(j))
        remove_job(x, j);
}

static uint64_t commands_unbegun(const struct executor *base, uint64_t lease)
{
    const struct job *j = job_of((const struct commands *)base, lease);
    if (j == NULL)
        return UINT64_MAX;
    uint32_t index = j->index + (j->running ? 1 : 0);
    return index < j->batch->count ? j->batch->first + index : UINT64_MAX;
}

static void commands_limit(struct executor *base, int64_t limit_ns)
{
    execute_limit(((struct commands *)base)->execute, limit_ns);
}

static void commands_end(struct executor *base, uint64_t lease, uint64_t task)
{
    struct commands *x = (struct commands *)base;
    const struct job *j = job_of(x, lease);
    if (j != NULL && j->running && j->batch->first + j->index == task)
        execute_end(x->execute, lease);
}

static int commands_feed(struct executor *base, uint64_t lease, uint64_t task,
                         const void *data, size_t size, bool last)
{
    struct commands *x = (struct commands *)base;
    const struct job *j = job_of(x, lease);
    if (j == NULL || !j->running || j->batch->first + j->index != task)
        return 0;
    return execute_feed(x->execute, lease, data, size, last);
}

static void commands_wait(struct executor *base, int64_t timeout_ns)
{
    struct commands *x = (struct commands *)base;
    int64_t ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS > 0 ? 1 : 0);
    fill_slots(x);
    if (ms > 0)
        look(x, ms < WAIT_MOST_MS ? (int)ms : WAIT_MOST_MS);
}

static void commands_close(struct executor *base)
{
    struct commands *x = (struct commands *)base;
    if (x->over)
        execute_result_done(&x->result);
    while (!TAILQ_EMPTY(&x->jobs))
        remove_job(x, TAILQ_FIRST(&x->jobs));
    execute_close(x->execute);
    free(x->record.data);
    free(x);
}

static const struct executor_ops commands_ops = {
    .give = commands_give,
    .take = commands_take,
    .drop = commands_drop,
    .unbegun = commands_unbegun,
    .limit = commands_limit,
    .end = commands_end,
    .feed = commands_feed,
    .wait = commands_wait,
    .close = commands_close,
};

/* Few slots have much room each. */
static size_t part_bytes(int slots)
{
    size_t bytes = PARTS_BYTES / (size_t)(slots > 0 ? slots : 1);
    if (bytes > COMMANDS_PART_BYTES)
        return COMMANDS_PART_BYTES;
    return bytes > PART_LEAST_BYTES ? bytes : PART_LEAST_BYTES;
}

int executor_commands_open(const struct execute_options *options, struct executor **out,
                           struct rota_error *err)
{
    rota_auto(heap) struct commands *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    struct execute_options own = *options;
    if (own.part_bytes == 0)
        own.part_bytes = part_bytes(options->slots);
    int rc = execute_open(&own, &x->execute, err);
    if (rc != 0)
        return rc;
    x->base = (struct executor){.ops = &commands_ops, .slots = options->slots};
    TAILQ_INIT(&x->jobs);
    gate_init(&x->gate, &options->gate);
    *out = &rota_steal(x)->base;
    return 0;
}
