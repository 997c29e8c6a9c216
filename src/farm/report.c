/* report.c - what a worker's message, or the manager itself, says of successive tasks
 */
#include "farm/report.h"

#include <stdlib.h>

#include "execute/row.h"

enum {
    FURTHER = 4, /* room for so many refusals, to begin with */
};

void report_free(struct report *r)
{
    if (r != NULL)
        free(r->refusals);
    free(r);
}

/* ---- reading ----------------------------------------------------------------- */

int report_read(const struct report *r, const struct cursor *c, struct report_part *out)
{
    size_t bytes;
    int rc = row_read_results(r->data + c->at, r->size - c->at, &out->result,
                              &out->count, &bytes);
    if (rc != 0)
        return rc;
    out->result.data += c->into * parcel_padded(out->result.size);
    out->count -= c->into;
    return out->count > r->end - c->task ? ROTA_E_FORMAT : 0;
}

/* How many results stand in the record or row at `at`, and how many bytes it takes, if
 * it is sound and holds values and nothing else; 0: look at it more closely. */
static uint32_t values_at(const struct report *r, size_t at, size_t *bytes)
{
    struct parcel_result result;
    uint32_t count;
    *bytes = parcel_plain_result(r->data + at, r->size - at);
    if (*bytes > 0)
        return 1;
    if (row_read_results(r->data + at, r->size - at, &result, &count, bytes) != 0 ||
        !parcel_result_is_plain(&result))
        return 0;
    return count;
}

uint64_t report_values(const struct report *r, struct cursor *end)
{
    struct cursor c = r->seen;
    size_t bytes;
    uint32_t count;
    while (c.task < r->end && (count = values_at(r, c.at, &bytes)) > 0 &&
           count - c.into <= r->end - c.task) {
        c.at += bytes;
        c.task += count - c.into;
        c.into = 0;
    }
    *end = c;
    return c.task - r->seen.task;
}

void report_pass(const struct report *r, struct cursor *c, uint64_t count)
{
    c->task += count;
    while (count > 0 && r->data != NULL) {
        struct parcel_result result;
        uint32_t inside = 0;
        size_t bytes = 0;
        row_read_results(r->data + c->at, r->size - c->at, &result, &inside, &bytes);
        if (count < inside - c->into) {
            c->into += (uint32_t)count;
            return;
        }
        count -= inside - c->into;
        c->at += bytes;
        c->into = 0;
    }
}

/* ---- refusals ---------------------------------------------------------------- */

static struct refusal *refusal_at(struct report *r, size_t i)
{
    return i == 0 ? &r->first_refusal : &r->refusals[i - 1];
}

int report_reserve(struct report *r)
{
    if (r->refusals_count <= r->refusals_room)
        return 0;
    size_t room = r->refusals_room ? r->refusals_room * 2 : FURTHER;
    struct refusal *further = realloc(r->refusals, room * sizeof(*further));
    if (further == NULL)
        return ROTA_E_NOMEM;
    r->refusals = further;
    r->refusals_room = room;
    return 0;
}

void report_refuse(struct report *r, uint64_t first, uint64_t count)
{
    if (r->refusals_count > 0) {
        struct refusal *last = refusal_at(r, r->refusals_count - 1);
        if (last->first + last->count == first) {
            last->count += count;
            return;
        }
    }
    *refusal_at(r, r->refusals_count++) = (struct refusal){first, count};
}

uint64_t report_refused(struct report *r, uint64_t count, bool *refused)
{
    *refused = false;
    while (r->refusals_told < r->refusals_count) {
        const struct refusal *next = refusal_at(r, r->refusals_told);
        uint64_t end = next->first + next->count;
        if (end > r->told.task) {
            *refused = next->first <= r->told.task;
            uint64_t same = (*refused ? end : next->first) - r->told.task;
            return same < count ? same : count;
        }
        r->refusals_told++;
    }
    return count;
}
