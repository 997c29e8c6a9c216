/* look.c - what is seen of all ranks of an MPI program at one moment */
#include "guard/look.h"

#include <stdlib.h>
#include <string.h>

#include "rota.h"

/* The lists' capacity follows from their count: it doubles at powers of two, so that
 * the structs need no field for it. */
static bool is_full(size_t count)
{
    return count == 0 || (count >= 4 && (count & (count - 1)) == 0);
}

/* One more item of `size` bytes for *list, zeroed; NULL: memory is short. */
static void *add(void *list, size_t *count, size_t size)
{
    void *items;
    memcpy(&items, list, sizeof(items));
    if (is_full(*count)) {
        items = reallocarray(items, *count == 0 ? 4 : 2 * *count, size);
        if (items == NULL)
            return NULL;
        memcpy(list, &items, sizeof(items));
    }
    void *item = (char *)items + *count * size;
    memset(item, 0, size);
    ++*count;
    return item;
}

int look_new(int size, struct look **out)
{
    if (size < 1)
        return ROTA_E_ARG;
    rota_auto(look) struct look *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return ROTA_E_NOMEM;
    l->ranks = calloc((size_t)size, sizeof(*l->ranks));
    if (l->ranks == NULL)
        return ROTA_E_NOMEM;
    l->size = size;
    *out = rota_steal(l);
    return 0;
}

static void rank_clear(struct look_rank *r)
{
    free(r->ops);
    free(r->flows);
    free(r->calls);
    free(r->past);
    *r = (struct look_rank){0};
}

void look_clear(struct look *l)
{
    for (int i = 0; i < l->size; i++)
        rank_clear(&l->ranks[i]);
    for (size_t i = 0; i < l->comm_count; i++)
        free(l->comms[i].members);
    free(l->comms);
    l->comms = NULL;
    l->comm_count = 0;
}

void look_free(struct look *l)
{
    if (l == NULL)
        return;
    look_clear(l);
    free(l->ranks);
    free(l);
}

struct look_op *look_add_op(struct look_rank *r)
{
    return add(&r->ops, &r->op_count, sizeof(*r->ops));
}

struct look_flow *look_add_flow(struct look_rank *r)
{
    return add(&r->flows, &r->flow_count, sizeof(*r->flows));
}

struct look_calls *look_add_calls(struct look_rank *r)
{
    return add(&r->calls, &r->calls_count, sizeof(*r->calls));
}

struct look_past *look_add_past(struct look_rank *r)
{
    return add(&r->past, &r->past_count, sizeof(*r->past));
}

int look_add_comm(struct look *l, uint64_t id, const char *name, const int *members,
                  size_t count, size_t local_count)
{
    rota_auto(heap) int *copy = malloc((count == 0 ? 1 : count) * sizeof(*copy));
    if (copy == NULL)
        return ROTA_E_NOMEM;
    if (count > 0)
        memcpy(copy, members, count * sizeof(*copy));
    struct look_comm *c = add(&l->comms, &l->comm_count, sizeof(*l->comms));
    if (c == NULL)
        return ROTA_E_NOMEM;
    *c = (struct look_comm){.id = id,
                            .name = name,
                            .members = rota_steal(copy),
                            .member_count = count,
                            .local_count = local_count};
    return 0;
}

const struct look_comm *look_find_comm(const struct look *l, uint64_t id)
{
    for (size_t i = 0; id != LOOK_UNKNOWN && i < l->comm_count; i++) {
        if (l->comms[i].id == id)
            return &l->comms[i];
    }
    return NULL;
}
