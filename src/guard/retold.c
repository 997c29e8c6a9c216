/* retold.c - what report_json() has written, to be told again
 *
 * report_json.c has the form. Numbers are held to what they may be (places and ranks to
 * what there is), so that the reports need not ask; what is left out is as it was when
 * it was left out. The first thing that is wrong is named.
 */
#include "guard/retold.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "guard/words.h"

#define MS_MAX (INT64_C(1000000000) * 1000)

struct retold {
    json_t *root; /* has all texts */
    struct look *look;
    struct verdict *verdict;
    const char **stacks;
    struct told told;
    const char *wrong; /* the first key that is; or NULL */
    bool no_memory;
};

/* --- values ----------------------------------------------------------------------- */

static void complain(struct retold *r, const char *key)
{
    if (r->wrong == NULL)
        r->wrong = key;
}

/* Of `least` to `most`; `without` where it is left out. */
static int64_t number(struct retold *r, const json_t *o, const char *key, int64_t least,
                      int64_t most, int64_t without)
{
    const json_t *value = json_object_get(o, key);
    if (value == NULL)
        return without;
    if (json_is_integer(value) && json_integer_value(value) >= least &&
        json_integer_value(value) <= most)
        return json_integer_value(value);
    complain(r, key);
    return without;
}

static int small(struct retold *r, const json_t *o, const char *key, int least,
                 int without)
{
    return (int)number(r, o, key, least, INT32_MAX, without);
}

/* A number from 0 on, or "any". */
static int or_any(struct retold *r, const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    if (text != NULL && strcmp(text, "any") == 0)
        return LOOK_ANY;
    return small(r, o, key, INT32_MIN, LOOK_ANY);
}

static const char *text(struct retold *r, const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    if (value != NULL && !json_is_string(value))
        complain(r, key);
    return json_string_value(value);
}

static bool truth(struct retold *r, const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    if (value != NULL && !json_is_boolean(value))
        complain(r, key);
    return json_is_true(value);
}

static const json_t *list(struct retold *r, const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    if (!json_is_array(value))
        complain(r, key);
    return value;
}

/* Which of `count` names it is. */
#define NAME_OF(type, words, last)                                                     \
    static type words##_of(struct retold *r, const json_t *o, const char *key)         \
    {                                                                                  \
        const char *name = text(r, o, key);                                            \
        for (int i = 0; name != NULL && i <= (int)(last); i++)                         \
            if (strcmp(words((type)i), name) == 0)                                     \
                return (type)i;                                                        \
        complain(r, key);                                                              \
        return (type)0;                                                                \
    }

NAME_OF(enum look_state, words_state, LOOK_GONE)
NAME_OF(enum look_kind, words_kind, LOOK_FREE)
NAME_OF(enum verdict_what, words_what, VERDICT_QUIET)
NAME_OF(enum told_why, words_why, TOLD_DEATH)

/* A list of ranks that there are; the caller's. */
static int *ranks(struct retold *r, const json_t *o, const char *key, size_t *count)
{
    const json_t *given = list(r, o, key);
    size_t n = json_array_size(given);
    int *all = calloc(n + 1, sizeof(*all));
    *count = 0;
    if (all == NULL) {
        r->no_memory = true;
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(given, i);
        json_int_t rank = json_integer_value(one);
        if (!json_is_integer(one) || rank < 0 || rank >= r->look->size)
            complain(r, key);
        else
            all[(*count)++] = (int)rank;
    }
    return all;
}

static int rank(struct retold *r, const json_t *o, const char *key)
{
    int found = (int)number(r, o, key, 0, r->look->size - 1, -1);
    if (found < 0)
        complain(r, key);
    return found < 0 ? 0 : found;
}

/* A communicator's id is its place in the list, from 1. */
static uint64_t comm(struct retold *r, const json_t *o)
{
    return (uint64_t)(number(r, o, "comm", 0, (int64_t)r->look->comm_count - 1, -1) +
                      1);
}

/* --- ranks ------------------------------------------------------------------------ */

static void read_op(struct retold *r, const json_t *o, struct look_op *op)
{
    *op = (struct look_op){
        .kind = words_kind_of(r, o, "kind"),
        .awaited = truth(r, o, "awaited"),
        .comm = comm(r, o),
        .peer = or_any(r, o, "peer"),
        .tag = or_any(r, o, "tag"),
        .index = (uint64_t)number(r, o, "number", 0, INT64_MAX, 0),
        .root = small(r, o, "root", 0, LOOK_NONE),
        .size_bytes = number(r, o, "size_bytes", 0, INT64_MAX, -1),
        .call = text(r, o, "call"),
        .site.text = text(r, o, "site"),
    };
    if (op->call == NULL) {
        complain(r, "call");
        op->call = "";
    }
}

static void read_ops(struct retold *r, const json_t *o, struct look_rank *to)
{
    const json_t *ops = list(r, o, "operations");
    for (size_t i = 0; i < json_array_size(ops); i++) {
        struct look_op *op = look_add_op(to);
        if (op == NULL) {
            r->no_memory = true;
            return;
        }
        read_op(r, json_array_get(ops, i), op);
    }
}

static void read_rank(struct retold *r, const json_t *o, int at)
{
    struct look_rank *to = &r->look->ranks[at];
    if (number(r, o, "rank", at, at, -1) != at)
        complain(r, "rank");
    to->state = words_state_of(r, o, "state");
    to->steady = true;
    to->any = truth(r, o, "any");
    to->initialized = truth(r, o, "initialized");
    to->finalized = truth(r, o, "finalized");
    to->since_ns = -number(r, o, "for_ms", 0, MS_MAX, 0) * NS_PER_MS;
    to->progress_ns = -number(r, o, "progress_ms", 0, MS_MAX, 0) * NS_PER_MS;
    to->call = text(r, o, "call");
    to->site.text = text(r, o, "site");
    to->host = text(r, o, "host");
    to->pid = small(r, o, "pid", 0, 0);
    to->how = json_object_get(o, "signal") != NULL ? LOOK_KILLED : LOOK_EXITED;
    to->how_code = small(r, o, to->how == LOOK_KILLED ? "signal" : "exit_status", 0, 0);
    r->stacks[at] = text(r, o, "stack");
    read_ops(r, o, to);
}

static void read_comms(struct retold *r)
{
    const json_t *comms = list(r, r->root, "communicators");
    for (size_t i = 0; i < json_array_size(comms); i++) {
        const json_t *o = json_array_get(comms, i);
        size_t size = (size_t)number(r, o, "size", 0, r->look->size, 0);
        rota_auto(heap) int *members = calloc(size + 1, sizeof(*members));
        if (members == NULL ||
            look_add_comm(r->look, i + 1, text(r, o, "name"), members, size, size) != 0)
            r->no_memory = true;
    }
}

/* What hints_each() finds is there to be found again. */
static void read_unreceived(struct retold *r)
{
    const json_t *messages = list(r, r->root, "unreceived");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *o = json_array_get(messages, i);
        struct look_flow *flow = look_add_flow(&r->look->ranks[rank(r, o, "from")]);
        if (flow == NULL) {
            r->no_memory = true;
            return;
        }
        *flow = (struct look_flow){.comm = comm(r, o),
                                   .peer = rank(r, o, "to"),
                                   .tag = small(r, o, "tag", 0, 0),
                                   .sent = 1};
    }
}

static int read_look(struct retold *r)
{
    const json_t *all = list(r, r->root, "ranks");
    size_t count = json_array_size(all);
    if (count < 1 || count > INT32_MAX) {
        complain(r, "ranks");
        return ROTA_E_FORMAT;
    }
    r->stacks = calloc(count, sizeof(*r->stacks));
    if (r->stacks == NULL || look_new((int)count, &r->look) != 0)
        return ROTA_E_NOMEM;
    read_comms(r);
    for (size_t i = 0; i < count && !r->no_memory; i++)
        read_rank(r, json_array_get(all, i), (int)i);
    read_unreceived(r);
    return 0;
}

/* --- the verdict ------------------------------------------------------------------ */

static int place_of_op(struct retold *r, const json_t *o, const char *key, int of)
{
    return (int)number(r, o, key, 0, (int64_t)r->look->ranks[of].op_count - 1, -1);
}

static void read_waits(struct retold *r)
{
    struct verdict *v = r->verdict;
    const json_t *waits = list(r, r->root, "waits");
    size_t count = json_array_size(waits);
    v->waits = calloc(count + 1, sizeof(*v->waits));
    if (v->waits == NULL) {
        r->no_memory = true;
        return;
    }
    for (; v->wait_count < count; v->wait_count++) {
        const json_t *o = json_array_get(waits, v->wait_count);
        struct verdict_wait *w = &v->waits[v->wait_count];
        w->rank = rank(r, o, "rank");
        w->op = place_of_op(r, o, "op", w->rank);
        w->on = ranks(r, o, "on", &w->on_count);
    }
}

static void read_mismatch(struct retold *r)
{
    const json_t *o = json_object_get(r->root, "mismatch");
    struct verdict_mismatch *m = &r->verdict->mismatch;
    m->rank = rank(r, o, "rank");
    m->op = place_of_op(r, o, "op", m->rank);
    m->other = rank(r, o, "other");
    m->root = truth(r, o, "by_root");
    m->other_op = place_of_op(r, o, "other_op", m->other);
    m->other_past = -1;
    if (m->op < 0)
        complain(r, "op");
    if (m->other_op >= 0)
        return;
    struct look_past *past = look_add_past(&r->look->ranks[m->other]);
    if (past == NULL) {
        r->no_memory = true;
        return;
    }
    m->other_past = 0;
    *past = (struct look_past){.root = small(r, o, "other_root", 0, LOOK_NONE),
                               .call = text(r, o, "other_call"),
                               .site.text = text(r, o, "other_site")};
    if (past->call == NULL)
        complain(r, "other_call");
}

static void read_doubts(struct retold *r)
{
    const json_t *doubts = list(r, r->root, "doubts");
    for (size_t i = 0; i < json_array_size(doubts); i++) {
        const char *name = json_string_value(json_array_get(doubts, i));
        unsigned bit = 1;
        while (bit <= VERDICT_ENDING &&
               (name == NULL || strcmp(words_doubt(bit), name) != 0))
            bit <<= 1;
        if (bit > VERDICT_ENDING)
            complain(r, "doubts");
        r->verdict->doubts |= bit;
    }
}

static int read_verdict(struct retold *r)
{
    struct verdict *v = r->verdict = calloc(1, sizeof(*v));
    if (v == NULL)
        return ROTA_E_NOMEM;
    v->what = words_what_of(r, r->root, "verdict");
    read_doubts(r);
    v->stuck = ranks(r, r->root, "stuck", &v->stuck_count);
    v->cycle = ranks(r, r->root, "cycle", &v->cycle_count);
    read_waits(r);
    if (v->what == VERDICT_MISMATCH)
        read_mismatch(r);
    return 0;
}

/* --- the whole -------------------------------------------------------------------- */

static int read_all(struct retold *r, const char *name, struct rota_error *err)
{
    const char *format = json_string_value(json_object_get(r->root, "format"));
    if (format == NULL || strcmp(format, "rota-guard") != 0)
        return error_set(err, ROTA_E_FORMAT, "'%s' is no report of rota guard", name);
    if (json_integer_value(json_object_get(r->root, "version")) != 1)
        return error_set(err, ROTA_E_FORMAT,
                         "'%s' is a report of another version of rota guard", name);
    int rc = read_look(r);
    if (rc == 0)
        rc = read_verdict(r);
    if (rc == 0) {
        r->told = (struct told){.why = words_why_of(r, r->root, "why"),
                                .look = r->look,
                                .verdict = r->verdict,
                                .ran_ns = number(r, r->root, "after_ms", 0, MS_MAX, 0) *
                                          NS_PER_MS,
                                .stacks = r->stacks};
        if (r->told.why == TOLD_DEATH)
            r->told.dead = rank(r, r->root, "dead");
    }
    if (rc == ROTA_E_NOMEM || r->no_memory)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    if (r->wrong != NULL)
        return error_set(err, ROTA_E_FORMAT,
                         "cannot read the report '%s': its \"%s\" is missing or wrong",
                         name, r->wrong);
    return 0;
}

int retold_read(FILE *from, const char *name, struct retold **out,
                struct rota_error *err)
{
    rota_auto(retold) struct retold *r = calloc(1, sizeof(*r));
    json_error_t wrong;
    if (r == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    errno = 0;
    r->root = json_loadf(from, JSON_REJECT_DUPLICATES, &wrong);
    if (r->root == NULL && ferror(from))
        return error_set(err, ROTA_E_IO, "cannot read '%s': %s", name, strerror(errno));
    if (r->root == NULL)
        return error_set(err, ROTA_E_FORMAT,
                         "cannot read the report '%s': line %d, column %d: %s", name,
                         wrong.line, wrong.column, wrong.text);
    int rc = read_all(r, name, err);
    if (rc == 0)
        *out = rota_steal(r);
    return rc;
}

void retold_free(struct retold *r)
{
    if (r == NULL)
        return;
    verdict_free(r->verdict);
    look_free(r->look);
    free(r->stacks);
    json_decref(r->root);
    free(r);
}

const struct told *retold_told(const struct retold *r)
{
    return &r->told;
}
