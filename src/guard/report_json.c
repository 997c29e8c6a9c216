/* report_json.c - what there is to tell, told to programs
 *
 * One object, on one line:
 *
 *     format      "rota-guard"
 *     version     1
 *     why         "hang", "time limit" or "death"
 *     after_ms    since the start
 *     dead        the rank, at a "death"
 *     verdict     "going on", "stuck", "mismatch" or "no progress"
 *     proved      true for "stuck" and "mismatch"
 *     doubts      why "no progress" is not proved: "polling", "buffered", "threads",
 *                 "loose", "lock", "midst", "ending"
 *     stuck       ranks that can't go on
 *     cycle       ranks each of which waits for the next, and the last for the first
 *     waits       [{"rank", "call", "site", "op", "operation": OP, "for_ms",
 *                   "on": [ranks]}]
 *     mismatch    {"rank", "op", "operation": OP, "other", "other_call", "other_site",
 *                  "other_root", "other_op", "past", "by_root"}, or null
 *     unreceived  [{"from", "to", "tag", "comm"}]: messages that stuck ranks could mean
 *     ranks       [{"rank", "state", "call", "site", "host", "pid", "for_ms",
 *                   "progress_ms", "any", "initialized", "finalized", "exit_status",
 *                   "signal", "operations": [OP], "stack"}]
 *     communicators  [{"name", "size"}]
 *     OP          {"call", "kind", "awaited", "peer", "tag", "communicator", "comm",
 *                  "root", "number", "size_bytes", "site"}
 *
 * What is not known or does not apply is left out; peer and tag are "any" where they
 * are. Ranks and roots are those in MPI_COMM_WORLD; "op" is a place in the rank's
 * operations, "comm" one in the communicators, "other_op" one in the other's operations
 * ("past": it has come back from that call). retold.c reads all of it again.
 */
#include "guard/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "guard/hints.h"
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

static void put_comm(json_t *object, const struct look *l, uint64_t id, bool *failed)
{
    const struct look_comm *c = look_find_comm(l, id);
    if (c != NULL)
        put(object, "comm", json_integer(c - l->comms), failed);
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
    put_comm(op, l, o->comm, failed);
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
    if (w->op >= 0) {
        put(wait, "op", json_integer(w->op), failed);
        put(wait, "operation", op_json(l, &r->ops[w->op], failed), failed);
    }
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
    put(mismatch, "op", json_integer(m->op), failed);
    put(mismatch, "other", json_integer(m->other), failed);
    if (!other.past)
        put(mismatch, "other_op", json_integer(m->other_op), failed);
    put(mismatch, "past", json_boolean(other.past), failed);
    put(mismatch, "by_root", json_boolean(m->root), failed);
    put_text(mismatch, "other_call", other.call, failed);
    put_site(mismatch, "other_site", other.site, failed);
    if (other.root != LOOK_NONE)
        put(mismatch, "other_root", json_integer(other.root), failed);
    return mismatch;
}

static void put_if(json_t *object, const char *key, bool is, bool *failed)
{
    if (is)
        put(object, key, json_true(), failed);
}

static json_t *rank_json(const struct told *t, int rank, bool *failed)
{
    const struct look *l = t->look;
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
    put(object, "progress_ms", json_integer((l->now_ns - r->progress_ns) / NS_PER_MS),
        failed);
    put_if(object, "any", r->any, failed);
    put_if(object, "initialized", r->initialized, failed);
    put_if(object, "finalized", r->finalized, failed);
    if (r->state == LOOK_GONE)
        put(object, r->how == LOOK_KILLED ? "signal" : "exit_status",
            json_integer(r->how_code), failed);
    json_t *ops = json_array();
    for (size_t i = 0; i < r->op_count; i++)
        *failed |= json_array_append_new(ops, op_json(l, &r->ops[i], failed)) != 0;
    put(object, "operations", ops, failed);
    put_text(object, "stack", t->stacks != NULL ? t->stacks[rank] : NULL, failed);
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

struct unreceived {
    const struct look *l;
    json_t *list;
    bool *failed;
};

static void add_unreceived(void *context, int from, const struct look_flow *f)
{
    const struct unreceived *u = context;
    json_t *message = json_object();
    put(message, "from", json_integer(from), u->failed);
    put(message, "to", json_integer(f->peer), u->failed);
    put(message, "tag", json_integer(f->tag), u->failed);
    put_comm(message, u->l, f->comm, u->failed);
    *u->failed |= json_array_append_new(u->list, message) != 0;
}

static void put_verdict(json_t *root, const struct look *l, const struct verdict *v,
                        bool *failed)
{
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
    struct unreceived u = {l, json_array(), failed};
    hints_each(l, v, add_unreceived, &u);
    put(root, "unreceived", u.list, failed);
}

static json_t *comms_json(const struct look *l, bool *failed)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->comm_count; i++) {
        json_t *comm = json_object();
        put_text(comm, "name", l->comms[i].name, failed);
        put(comm, "size", json_integer((json_int_t)l->comms[i].member_count), failed);
        *failed |= json_array_append_new(list, comm) != 0;
    }
    return list;
}

static json_t *told_json(const struct told *t, bool *failed)
{
    json_t *root = json_object();
    put_text(root, "format", "rota-guard", failed);
    put(root, "version", json_integer(1), failed);
    put_text(root, "why", words_why(t->why), failed);
    put(root, "after_ms", json_integer(t->ran_ns / NS_PER_MS), failed);
    if (t->why == TOLD_DEATH)
        put(root, "dead", json_integer(t->dead), failed);
    put_verdict(root, t->look, t->verdict, failed);
    json_t *ranks = json_array();
    for (int i = 0; i < t->look->size; i++)
        *failed |= json_array_append_new(ranks, rank_json(t, i, failed)) != 0;
    put(root, "ranks", ranks, failed);
    put(root, "communicators", comms_json(t->look, failed), failed);
    return root;
}

int report_json(FILE *to, const struct told *t)
{
    bool failed = false;
    json_t *root = told_json(t, &failed);
    int rc = failed ? ROTA_E_NOMEM : 0;
    if (rc == 0 && (json_dumpf(root, to, JSON_COMPACT) != 0 || fputc('\n', to) == EOF ||
                    fflush(to) != 0))
        rc = ROTA_E_IO;
    json_decref(root);
    return rc;
}
