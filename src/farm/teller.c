/* teller.c - results, as they are told to who asked for them
 *
 * Behind a value there is a 0, as for text. A short one is copied to where there is
 * room for it. Behind a longer one stands the next, of which the first byte is 0 until
 * the next call; behind a message's last byte stands a 0 anyway.
 */
#include "farm/teller.h"

#include <assert.h>

void teller_init(struct teller *t, struct ledger *ledger, int first_rank, bool in_order,
                 void (*done)(void *ctx, void *data, size_t size), void *ctx)
{
    *t = (struct teller){
        .ledger = ledger, .first_rank = first_rank, .in_order = in_order};
    reports_init(&t->reports, in_order, done, ctx);
}

void teller_done(struct teller *t)
{
    reports_done(&t->reports);
}

/* ---- taking a run ------------------------------------------------------------ */

static void forget_told(struct teller *t, struct report *r)
{
    if (r->told.task > r->forget_from)
        ledger_forget(t->ledger, r->forget_from, r->told.task - r->forget_from);
    r->forget_from = r->told.task;
}

/* These count elsewhere, or not at all. */
static void skip(struct teller *t, struct report *r, uint64_t count)
{
    forget_told(t, r);
    report_pass(r, &r->told, count);
    r->forget_from = r->told.task;
}

/* What stands at `told`: it has been read before, and was sound. */
static struct report_part next_part(const struct report *r)
{
    uint64_t left = r->end - r->told.task;
    struct report_part part = {
        .result = {.outcome = r->how, .code = r->code, .data = r->data},
        .count = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX,
    };
    if (r->data != NULL) {
        int rc = report_read(r, &r->told, &part);
        assert(rc == 0);
        (void)rc;
    }
    return part;
}

/* The first `count` of them, if their tags are one, are the run. */
static void begin_run(struct teller *t, struct report *r,
                      const struct report_part *part, uint64_t count)
{
    uint64_t until;
    t->next = (struct rota_result){
        .task = r->told.task,
        .tag = ledger_tag(t->ledger, r->told.task, &until),
        .outcome = part->result.outcome,
        .code = part->result.code,
        .data = part->result.data,
        .size_bytes = part->result.size,
        .attempts = r->attempts,
        .worker = r->worker < 0 ? -1 : r->worker + t->first_rank,
        .took_ns = part->result.took_ns,
        .ended_ns = r->ended_ns,
    };
    if (count > until - r->told.task)
        count = until - r->told.task;
    report_pass(r, &r->told, count);
    t->apart = parcel_padded(part->result.size);
    t->left = count;
    t->due = t->next.task + count;
    t->told += count;
    t->untold -= count;
    t->ended[part->result.outcome] += count;
}

/* Take the next run. A report forgets its tasks only now: what was told last may still
 * be asked for. */
static bool find_run(struct teller *t)
{
    struct report *r;
    while ((r = reports_head(&t->reports)) != NULL) {
        if (r->told.task == r->end) {
            forget_told(t, r);
            reports_retire_head(&t->reports);
            continue;
        }
        struct report_part part = next_part(r);
        bool refused;
        uint64_t count = report_refused(r, part.count, &refused);
        if (!refused && t->in_order && r->told.task != t->due && !t->gaps)
            return false;
        if (refused)
            skip(t, r, count);
        else
            begin_run(t, r, &part, count);
        reports_move_head(&t->reports);
        if (!refused)
            return true;
    }
    return false;
}

/* ---- telling it -------------------------------------------------------------- */

static inline void restore_behind(struct teller *t)
{
    if (t->behind != NULL)
        *t->behind = t->was_behind;
    t->behind = NULL;
}

/* Have the value of `out`, which may be changed, end with a 0. */
static void end_value(struct teller *t, struct rota_result *out, unsigned char *value)
{
    size_t size = out->size_bytes;
    if (size <= TELLER_COPY_BYTES) {
        if (size > 0)
            memcpy(t->copy, value, size);
        t->copy[size] = 0;
        out->data = t->copy;
    } else if (value[size] != 0) {
        t->behind = value + size;
        t->was_behind = value[size];
        value[size] = 0;
    }
}

bool teller_next(struct teller *t, struct rota_result *out)
{
    restore_behind(t);
    if (t->left == 0 && !find_run(t))
        return false;
    /* Not const: it stands in a message that is ours. */
    unsigned char *value = (unsigned char *)(uintptr_t)t->next.data;
    *out = t->next;
    if (out->size_bytes == 8) {
        memcpy(t->copy, value, 8);
        memset(t->copy + 8, 0, 8);
        out->data = t->copy;
    } else {
        end_value(t, out, value);
    }
    t->next.task++;
    t->next.data = value + t->apart;
    t->left--;
    return true;
}

bool teller_next_run(struct teller *t, size_t most, struct rota_result *out,
                     size_t *count)
{
    restore_behind(t);
    if (t->left == 0 && !find_run(t))
        return false;
    *out = t->next;
    if (out->size_bytes == 0)
        out->data = "";
    *count = t->left < most ? t->left : most;
    t->next.task += *count;
    t->next.data = (const unsigned char *)t->next.data + *count * t->apart;
    t->left -= *count;
    return true;
}
