/* objects.c - communicators, windows and files, by handle */
#include <string.h>

#include "guard/preload/inner.h"

static unsigned handle_hash(uint64_t handle)
{
    return (unsigned)(record_mix(handle, 0) & (HANDLES - 1));
}

/* Where the handle stands in `places`, or the empty place where it would. */
static unsigned handle_place(uint64_t handle)
{
    unsigned i = handle_hash(handle);
    while (mine.comms[i] != 0 && mine.m->comms[mine.comms[i] - 1].handle != handle)
        i = (i + 1) & (HANDLES - 1);
    return i;
}

struct state_comm *objects_find_slowly(uint64_t handle)
{
    uint16_t place = mine.comms[handle_place(handle)];
    if (place == 0)
        return NULL;
    mine.last_handle = handle;
    mine.last = &mine.m->comms[place - 1];
    return mine.last;
}

static void forget_handle(uint64_t handle)
{
    unsigned i = handle_place(handle);
    if (mine.comms[i] == 0)
        return;
    mine.comms[i] = 0;
    mine.last = NULL;
    for (unsigned j = (i + 1) & (HANDLES - 1); mine.comms[j] != 0;
         j = (j + 1) & (HANDLES - 1)) {
        uint16_t place = mine.comms[j];
        mine.comms[j] = 0;
        mine.comms[handle_place(mine.m->comms[place - 1].handle)] = place;
    }
}

/* A place in comms with room for `count` members: a new one, or that of one freed. */
static struct state_comm *new_comm(size_t count)
{
    struct state *m = mine.m;
    if (m->comm_count < STATE_COMMS && count <= STATE_MEMBERS - m->member_count) {
        struct state_comm *c = &m->comms[m->comm_count];
        c->first = m->member_count;
        m->member_count += (uint32_t)count;
        m->comm_count++;
        return c;
    }
    for (uint32_t n = 0; n < m->comm_count; n++) {
        struct state_comm *c = &m->comms[mine.oldest++ % m->comm_count];
        size_t room = c->flags & STATE_COMM_SHARED ? 0 : c->count;
        if ((c->flags & STATE_COMM_FREED) == 0 || room < count)
            continue;
        set_flags(STATE_CALLS_LOST, 0);
        __atomic_store_n(&c->id, LOOK_UNKNOWN, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_RELEASE);
        *c = (struct state_comm){.first = c->first};
        return c;
    }
    return NULL;
}

void record_comm(uint64_t handle, uint64_t id, const int *local, size_t local_count,
                 const int *remote, size_t remote_count)
{
    begin();
    forget_handle(handle);
    flows_unlearn();
    struct state_comm *c =
        id == LOOK_UNKNOWN ? NULL : new_comm(local_count + remote_count);
    if (c != NULL) {
        int32_t *members = mine.m->members + c->first;
        for (size_t i = 0; i < local_count; i++)
            members[i] = local[i];
        for (size_t i = 0; i < remote_count; i++)
            members[local_count + i] = remote[i];
        c->local = (uint32_t)local_count;
        c->count = (uint32_t)(local_count + remote_count);
        c->handle = handle;
        __atomic_store_n(&c->id, id, __ATOMIC_RELEASE);
        mine.comms[handle_place(handle)] = (uint16_t)(c - mine.m->comms + 1);
    }
    end();
}

void record_comm_freed(uint64_t handle)
{
    begin();
    struct state_comm *c = find_comm(handle);
    if (c != NULL) {
        c->flags |= STATE_COMM_FREED;
        forget_handle(handle);
        flows_unlearn();
    }
    end();
}

void record_comm_doubt(uint64_t handle)
{
    begin();
    struct state_comm *c = find_comm(handle);
    if (c != NULL) {
        c->flags |= STATE_COMM_DOUBT;
        memset(c->past, 0, sizeof(c->past));
    }
    set_flags(STATE_CALLS_LOST, 0);
    end();
}

/* Each persistent collective is a communicator of its own, on which only itself is
 * begun: its starts have no order among the calls on the one that it was made on. It
 * needs no handle. */
struct state_comm *objects_prepare(struct state_comm *of)
{
    if (of == NULL || (of->flags & STATE_COMM_DOUBT) != 0)
        return NULL;
    uint64_t id = record_mix(of->id ^ UINT64_C(0x70657273697374), ++of->inits);
    const struct state_comm from = *of;
    struct state_comm *c = new_comm(0);
    if (c == NULL || id == LOOK_UNKNOWN)
        return NULL;
    c->first = from.first;
    c->local = from.local;
    c->count = from.count;
    c->flags = STATE_COMM_SHARED;
    __atomic_store_n(&c->id, id, __ATOMIC_RELEASE);
    return c;
}

uint64_t record_comm_id(uint64_t handle)
{
    lock();
    const struct state_comm *c = find_comm(handle);
    uint64_t id = c != NULL ? c->id : LOOK_UNKNOWN;
    unlock();
    return id;
}

size_t record_comm_members(uint64_t handle, const int **members, size_t *local_count)
{
    const struct state_comm *c = find_comm(handle);
    if (c == NULL)
        return 0;
    *members = mine.m->members + c->first;
    *local_count = c->local;
    return c->count;
}

uint64_t record_child_id(uint64_t parent, int first)
{
    const struct state_comm *c = find_comm(parent);
    if (c == NULL || (c->flags & STATE_COMM_DOUBT) != 0)
        return LOOK_UNKNOWN;
    uint64_t id = record_mix(record_mix(c->id, c->begun), (uint64_t)first);
    return id == LOOK_UNKNOWN ? 1 : id;
}

uint64_t record_group_id(uint64_t key)
{
    for (unsigned n = 0, i = key % KEYS; n < KEYS; n++, i = (i + 1) % KEYS) {
        if (mine.keys[i].count != 0 && mine.keys[i].key != key)
            continue;
        mine.keys[i].key = key;
        uint64_t id = record_mix(key, ++mine.keys[i].count);
        return id == LOOK_UNKNOWN ? 1 : id;
    }
    return LOOK_UNKNOWN;
}
