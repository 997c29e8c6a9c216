/* alike.c - tasks that share all but their payloads: given as an array, or filled in
 *
 * Their payloads go to the ledger as one piece, where there is room for several with
 * what stands there; large ones, and those between tasks of other sorts, one by one.
 */
#include <stdlib.h>

#include "execute/task.h"
#include "farm/inner.h"

enum {
    AT_ONCE = 1 << 20,
};

/* What is said of all of them. */
static int read_spec(const struct rota_farm *f, const struct rota_spec *spec,
                     struct parcel_task *out)
{
    struct rota_spec s = *spec;
    struct parcel_task t;
    s.data = ""; /* never looked at */
    int rc = task_from_spec(f->functions, f->count, &s, &t);
    if (rc == 0 && t.near > f->link->size)
        rc = ROTA_E_ARG;
    if (rc == 0)
        *out = t;
    return rc;
}

/* Submit some of `count` tasks, and *added to that. */
static int submit_some(struct rota_farm *f, struct parcel_task *t,
                       const unsigned char *data, size_t count, size_t *added)
{
    unsigned char *room;
    uint32_t some = count < AT_ONCE ? (uint32_t)count : AT_ONCE;
    int rc = broker_room(f->broker, t, &room, &some);
    if (rc != 0)
        return rc;
    t->data = data;
    if (some == 0) {
        rc = broker_submit(f->broker, t, NULL);
        *added += rc == 0;
        return rc;
    }
    if (t->size > 0)
        memcpy(room, data, some * t->size);
    broker_fill(f->broker, some);
    *added += some;
    return 0;
}

int rota_submit_alike(struct rota_farm *farm, const struct rota_spec *spec,
                      size_t count, uint64_t *first, size_t *submitted)
{
    struct parcel_task t;
    int rc = farm_check_submit(farm);
    if (rc == 0 &&
        (spec == NULL || (spec->data == NULL && spec->size_bytes > 0 && count > 0)))
        rc = ROTA_E_ARG;
    if (rc == 0)
        rc = read_spec(farm, spec, &t);
    if (rc != 0)
        return rc;
    size_t added = 0;
    uint64_t number = broker_submitted(farm->broker);
    const unsigned char *data = spec->data;
    while (rc == 0 && added < count)
        rc = submit_some(farm, &t, t.size > 0 ? data + added * t.size : data,
                         count - added, &added);
    farm_progress_at_times(farm, added);
    if (first != NULL && added > 0)
        *first = number;
    if (submitted != NULL)
        *submitted = added;
    return rc;
}

/* ---- filled in --------------------------------------------------------------- */

int rota_generate_alike(struct rota_farm *farm, const struct rota_spec *spec,
                        rota_filler *filler, void *context)
{
    struct parcel_task t;
    int rc = farm_check_submit(farm);
    if (rc == 0 && (spec == NULL || filler == NULL))
        rc = ROTA_E_ARG;
    if (rc == 0)
        rc = read_spec(farm, spec, &t);
    if (rc != 0)
        return rc;
    unsigned char *one = malloc(parcel_padded(t.size) + 8);
    if (one == NULL)
        return ROTA_E_NOMEM;
    farm->alike =
        (struct alike){.filler = filler, .context = context, .task = t, .one = one};
    return 0;
}

void alike_end(struct alike *a)
{
    free(a->one);
    *a = (struct alike){0};
}

/* Have `most` payloads filled in at `room`: *count is how many were. */
static int ask(struct alike *a, void *room, size_t most, size_t *count)
{
    *count = a->filler(a->context, room, most);
    if (*count > 0 && *count <= most)
        return 0;
    int rc = *count > most ? ROTA_E_ARG : 0;
    *count = 0;
    alike_end(a);
    return rc;
}

/* The payload in `one` is the next task's. */
static int feed_single(struct rota_farm *f)
{
    struct alike *a = &f->alike;
    size_t count = 1;
    int rc = a->has_one ? 0 : ask(a, a->one, 1, &count);
    if (rc != 0 || count == 0)
        return rc;
    a->task.data = a->one;
    rc = broker_submit(f->broker, &a->task, NULL);
    a->has_one = rc == ROTA_E_NOMEM;
    return rc;
}

int alike_feed(struct rota_farm *f, uint32_t most)
{
    struct alike *a = &f->alike;
    unsigned char *room;
    size_t count;
    if (a->has_one)
        return feed_single(f);
    int rc = broker_room(f->broker, &a->task, &room, &most);
    if (rc != 0)
        return rc;
    if (most == 0)
        return feed_single(f);
    rc = ask(a, a->task.size > 0 ? room : a->one, most, &count);
    if (rc == 0 && count > 0)
        broker_fill(f->broker, (uint32_t)count);
    return rc;
}
