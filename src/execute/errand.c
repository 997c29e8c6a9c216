/* errand.c - a batch of tasks, as a persistent program is told it */
#include "execute/errand.h"

#include "execute/commands.h"

void errand_step(const struct errand *e, struct place *p)
{
    p->at += parcel_record_bytes(e->batch->records + p->at);
    p->index++;
}

bool errand_is_behind(const struct errand *e, struct place p)
{
    return p.index >= e->batch->count;
}

uint32_t errand_count_told(const struct errand *e)
{
    return e->told.index - e->begin.index;
}

uint64_t errand_number(const struct errand *e, struct place p)
{
    struct parcel_task t;
    size_t bytes;
    int rc =
        parcel_read_task(e->batch->records + p.at, e->batch->bytes - p.at, &t, &bytes);
    return rc == 0 && t.tag != 0 ? t.tag : e->batch->first + p.index + 1;
}

void errand_settle(struct errand *e)
{
    while (!errand_is_behind(e, e->told) && errand_count_told(e) == 0 &&
           e->records.size == 0 && batch_is_dropped(e->batch->records + e->told.at)) {
        errand_step(e, &e->begin);
        e->told = e->begin;
        e->deaths = 0;
    }
}

bool errand_is_over(const struct errand *e)
{
    return errand_is_behind(e, e->begin) && e->records.size == 0;
}

int errand_end_task(struct errand *e, struct execute_result *r)
{
    int rc = commands_append(&e->records, r);
    if (rc != 0)
        return rc;
    if (e->first == UINT32_MAX)
        e->first = e->begin.index;
    e->busy_ns += r->took_ns;
    errand_step(e, &e->begin);
    if (e->told.index < e->begin.index)
        e->told = e->begin;
    e->deaths = 0;
    return 0;
}
