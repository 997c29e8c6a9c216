/* spools.c - what commands write before they end, kept until it is known to count
 *
 * Found by the task: few have more than one attempt that wrote much.
 */
#include "farm/spools.h"

#include <stdlib.h>
#include <sys/queue.h>

enum {
    BUCKETS = 256,
};

struct attempt {
    LIST_ENTRY(attempt) link;
    uint64_t task;
    int worker;
    bool counts; /* its result has come, and does */
    struct spooled kept;
};

LIST_HEAD(bucket, attempt);

struct spools {
    struct spool_file *file;
    size_t count;
    struct bucket buckets[BUCKETS];
};

int spools_new(struct spools **out)
{
    rota_auto(spools) struct spools *s = calloc(1, sizeof(*s));
    if (s == NULL || spool_file_new(&s->file) != 0)
        return ROTA_E_NOMEM;
    *out = rota_steal(s);
    return 0;
}

static void forget(struct spools *s, struct attempt *a)
{
    LIST_REMOVE(a, link);
    spool_drop(s->file, &a->kept.out);
    spool_drop(s->file, &a->kept.err);
    free(a);
    s->count--;
}

void spools_free(struct spools *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < BUCKETS; i++)
        while (!LIST_EMPTY(&s->buckets[i]))
            forget(s, LIST_FIRST(&s->buckets[i]));
    spool_file_free(s->file);
    free(s);
}

struct spool_file *spools_file(const struct spools *s)
{
    return s->file;
}

static struct attempt *find(const struct spools *s, uint64_t lease, uint64_t task)
{
    struct attempt *a;
    if (s->count == 0)
        return NULL;
    LIST_FOREACH (a, &s->buckets[task % BUCKETS], link)
        if (a->task == task && a->kept.lease == lease)
            return a;
    return NULL;
}

static struct attempt *add(struct spools *s, int worker, uint64_t lease, uint64_t task)
{
    struct attempt *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return NULL;
    a->worker = worker;
    a->kept.lease = lease;
    a->task = task;
    LIST_INSERT_HEAD(&s->buckets[task % BUCKETS], a, link);
    s->count++;
    return a;
}

static int count_part(struct attempt *a, const struct execute_result *part)
{
    a->kept.wrote += part->out.size;
    return 0;
}

int spools_put(struct spools *s, int worker, uint64_t lease, uint64_t task,
               const struct execute_result *part, bool keep, bool *first,
               struct rota_error *err)
{
    struct attempt *a = find(s, lease, task);
    *first = false;
    if (a == NULL && (a = add(s, worker, lease, task)) == NULL)
        return ROTA_E_NOMEM;
    if (a->kept.broken)
        return ROTA_E_IO;
    uint64_t before = a->kept.out.size;
    if (!keep)
        return count_part(a, part);
    int rc = spool_put(s->file, &a->kept.out, part->out.data, part->out.size, err);
    if (rc == 0)
        rc = spool_put(s->file, &a->kept.err, part->err.data, part->err.size, err);
    if (rc == ROTA_E_NOMEM)
        a->kept.out.size = before; /* the same part comes again */
    if (rc == 0)
        return count_part(a, part);
    if (rc == ROTA_E_NOMEM)
        return rc;
    a->kept.broken = *first = true;
    spool_drop(s->file, &a->kept.out);
    spool_drop(s->file, &a->kept.err);
    return rc;
}

bool spools_are_whole(const struct spools *s, uint64_t lease, uint64_t task)
{
    const struct attempt *a = find(s, lease, task);
    return a == NULL || !a->kept.broken;
}

void spools_settle(struct spools *s, uint64_t lease, uint64_t task, bool counts)
{
    struct attempt *a = find(s, lease, task);
    if (a != NULL && counts)
        a->counts = true;
    else if (a != NULL)
        forget(s, a);
}

void spools_lose(struct spools *s, int worker)
{
    for (int i = 0; i < BUCKETS && s->count > 0; i++) {
        struct attempt *next;
        for (struct attempt *a = LIST_FIRST(&s->buckets[i]); a != NULL; a = next) {
            next = LIST_NEXT(a, link);
            if (a->worker == worker && !a->counts)
                forget(s, a);
        }
    }
}

const struct spooled *spools_attempt(const struct spools *s, uint64_t lease,
                                     uint64_t task)
{
    const struct attempt *a = find(s, lease, task);
    return a != NULL ? &a->kept : NULL;
}

static struct attempt *find_counting(const struct spools *s, uint64_t task)
{
    struct attempt *a;
    if (s->count == 0)
        return NULL;
    LIST_FOREACH (a, &s->buckets[task % BUCKETS], link)
        if (a->task == task && a->counts)
            return a;
    return NULL;
}

const struct spooled *spools_find(const struct spools *s, uint64_t task)
{
    const struct attempt *a = find_counting(s, task);
    return a != NULL ? &a->kept : NULL;
}

void spools_forget(struct spools *s, uint64_t task)
{
    struct attempt *a = find_counting(s, task);
    if (a != NULL)
        forget(s, a);
}
