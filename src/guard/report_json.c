/* report_json.c - a verdict, told to programs
 *
 * One object, on one line:
 *
 *     format    "rota-guard"; version 1
 *     verdict   "going on", "stuck", "mismatch" or "no progress"
 *     proved    true for "stuck" and "mismatch"
 *     doubts    why "no progress" is not proved: "polling", "buffered", "threads",
 * "loose", "lock", "midst" stuck     ranks that can't go on cycle     ranks each of
 * which waits for the next, and the last for the first; or [] waits     [{"rank",
 * "call", "site", "operation": OP, "for_ms", "on": [ranks]}] mismatch  {"rank",
 * "operation": OP, "other", "other_call", "other_site", "other_root"}, or null ranks
 * [{"rank", "state", "call", "site", "host", "pid", "for_ms", "exit_status", "signal",
 * "operations": [OP]}] OP        {"call", "kind", "awaited", "peer", "tag",
 * "communicator", "root", "number", "size_bytes", "site"}
 *
 * What is not known or does not apply is left out; peer and tag are "any" where they
 * are. Ranks and roots are those in MPI_COMM_WORLD.
 */
#include "guard/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "guard/mismatch.h"
#include "guard/words.h"
#include "rota.h"

/* Takes `value`; NULL, that it could not be made, is noted by the object's being short.
 */
static void put(json_t *object, const char *key, json_t *value, bool *failed)
{
    *failed |= json_object_set_new(object, key, value) != 0;
}

/* A file's name need not be UTF-8, which JSON must be. */
static json_t *text_json(const char *text)
{
    json_t *value = json_string(text);
    char *copy = value != NULL ? NULL : strdup(text);
    if (copy == NULL)
        return value;
    for (char *c = copy; *c != '\0'; c++) {
        if ((*c & 0x80) != 0)
            *c = '?';
    }
    value = json_string(copy);
    free(copy);
    return value;
}

static void put_text(json_t *object, const char *key, const char *text, bool *failed)
{
    if (text != NULL)
        put(object, key, text_json(text), failed);
}

/* A number, or "any". */
static void put_number(json_t *object, const char *key, int number, bool *failed)
{
    put(object, key, number == LOOK_ANY ? json_string("any") : json_integer(number),
        failed);
}

static void put_site(json_t *object, const char *key, const struct look_site *site,
                     bool *failed)
{
    if (site->text != NULL)
        put_text(object, key, site->text, failed);
    else if (site->address != 0)
        put(object, key, json_sprintf("0x%llx", (unsigned long long)site->address),
            failed);
}

static json_t *ranks_json(const int *ranks, size_t count, bool *failed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        *failed |= json_array_append_new(list, json_integer(ranks[i])) != 0;
    return list;
}

static void put_ms(json_t *object, const struct look *l, const struct look_rank *r,
                   bool *failed)
{
    put(object, "for_ms", json_integer((l->now_ns - r->since_ns) / NS_PER_MS), failed);
}

static json_t *op_json(const struct look *l, const struct look_op *o, bool *failed)
{
    json_t *op = json_object();
    put_text(op, "call", o->call, failed);
    put_text(op, "kind", words_kind(o->kind), failed);
    put(op, "awaited", json_boolean(o->awaited), failed);
    if (o->kind <= LOOK_SEND || o->kind == LOOK_LOCK)
        put_number(op, "peer", o->peer, failed);
    if (o->kind <= LOOK_SEND)
        put_number(op, "tag", o->tag, failed);
    const struct look_comm *c = look_find_comm(l, o->comm);
    put_text(op, "communicator", c == NULL ? NULL : c->name, failed);
    if (o->kind == LOOK_COLLECTIVE) {
        if (o->root != LOOK_NONE)
            put(op, "root", json_integer(o->root), failed);
        put(op, "number", json_integer((json_int_t)o->index), failed);
    }
    if (o->size_bytes >= 0)
        put(op, "size_bytes", json_integer(o->size_bytes), failed);
    put_site(op, "site", &o->site, failed);
    return op;
}

static json_t *wait_json(const struct look *l, const struct verdict_wait *w,
                         bool *failed)
{
    const struct look_rank *r = &l->ranks[w->rank];
    json_t *wait = json_object();
    put(wait, "rank", json_integer(w->rank), failed);
    put_text(wait, "call", r->call, failed);
    put_site(wait, "site", &r->site, failed);
    if (w->op >= 0)
        put(wait, "operation", op_json(l, &r->ops[w->op], failed), failed);
    put_ms(wait, l, r, failed);
    put(wait, "on", ranks_json(w->on, w->on_count, failed), failed);
    return wait;
}

static json_t *mismatch_json(const struct look *l, const struct verdict_mismatch *m,
                             bool *failed)
{
    struct mismatch_side other = mismatch_other(l, m);
    json_t *mismatch = json_object();
    put(mismatch, "rank", json_integer(m->rank), failed);
    put(mismatch, "operation", op_json(l, &l->ranks[m->rank].ops[m->op], failed),
        failed);
    put(mismatch, "other", json_integer(m->other), failed);
    put_text(mismatch, "other_call", other.call, failed);
    put_site(mismatch, "other_site", other.site, failed);
    if (other.root != LOOK_NONE)
        put(mismatch, "other_root", json_integer(other.root), failed);
    return mismatch;
}

static json_t *rank_json(const struct look *l, int rank, bool *failed)
{
    const struct look_rank *r = &l->ranks[rank];
    json_t *object = json_object();
    put(object, "rank", json_integer(rank), failed);
    put_text(object, "state", words_state(r->state), failed);
    put_text(object, "call", r->call, failed);
    put_site(object, "site", &r->site, failed);
    put_text(object, "host", r->host, failed);
    if (r->pid != 0)
        put(object, "pid", json_integer(r->pid), failed);
    put_ms(object, l, r, failed);
    if (r->state == LOOK_GONE)
        put(object, r->how == LOOK_KILLED ? "signal" : "exit_status",
            json_integer(r->how_code), failed);
    json_t *ops = json_array();
    for (size_t i = 0; i < r->op_count; i++)
        *failed |= json_array_append_new(ops, op_json(l, &r->ops[i], failed)) != 0;
    put(object, "operations", ops, failed);
    return object;
}

static json_t *doubts_json(unsigned doubts, bool *failed)
{
    json_t *list = json_array();
    for (unsigned bit = 1; bit <= doubts; bit <<= 1) {
        if ((doubts & bit) != 0)
            *failed |= json_array_append_new(list, json_string(words_doubt(bit))) != 0;
    }
    return list;
}

static json_t *verdict_json(const struct look *l, const struct verdict *v, bool *failed)
{
    json_t *root = json_object();
    put_text(root, "format", "rota-guard", failed);
    put(root, "version", json_integer(1), failed);
    put_text(root, "verdict", words_what(v->what), failed);
    put(root, "proved",
        json_boolean(v->what == VERDICT_STUCK || v->what == VERDICT_MISMATCH), failed);
    put(root, "doubts", doubts_json(v->doubts, failed), failed);
    put(root, "stuck", ranks_json(v->stuck, v->stuck_count, failed), failed);
    put(root, "cycle", ranks_json(v->cycle, v->cycle_count, failed), failed);
    json_t *waits = json_array();
    for (size_t i = 0; i < v->wait_count; i++)
        *failed |=
            json_array_append_new(waits, wait_json(l, &v->waits[i], failed)) != 0;
    put(root, "waits", waits, failed);
    put(root, "mismatch",
        v->what == VERDICT_MISMATCH ? mismatch_json(l, &v->mismatch, failed)
                                    : json_null(),
        failed);
    json_t *ranks = json_array();
    for (int i = 0; i < l->size; i++)
        *failed |= json_array_append_new(ranks, rank_json(l, i, failed)) != 0;
    put(root, "ranks", ranks, failed);
    return root;
}

int report_json(FILE *to, const struct look *l, const struct verdict *v)
{
    bool failed = false;
    json_t *root = verdict_json(l, v, &failed);
    int rc = failed ? ROTA_E_NOMEM : 0;
    if (rc == 0 && (json_dumpf(root, to, JSON_COMPACT) != 0 || fputc('\n', to) == EOF ||
                    fflush(to) != 0))
        rc = ROTA_E_IO;
    json_decref(root);
    return rc;
}
