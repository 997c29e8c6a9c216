/* groups.c - who is in a communicator, a window or a file, and what each is called */
#include "guard/preload/groups.h"

#include <errno.h>
#include <stdlib.h>

#include "guard/preload/wrap.h"

/* The members of a communicator, local and remote, in one piece of memory. */
struct members {
    int *ranks;
    int local;
    int count;
    int lowest;
};

static int *translate(MPI_Group group, int *size)
{
    MPI_Group world;
    if (PLAIN(Group_size, group, size) != MPI_SUCCESS || *size < 1 ||
        PLAIN(Comm_group, MPI_COMM_WORLD, &world) != MPI_SUCCESS)
        return NULL;
    int *from = calloc((size_t)*size, 2 * sizeof(*from));
    int *to = from != NULL ? from + *size : NULL;
    bool good = from != NULL;
    for (int i = 0; good && i < *size; i++)
        from[i] = i;
    good = good &&
           PLAIN(Group_translate_ranks, group, *size, from, world, to) == MPI_SUCCESS;
    for (int i = 0; good && i < *size; i++) {
        from[i] = to[i];
        good = to[i] >= 0; /* MPI_UNDEFINED: of another world (MPI_Comm_spawn) */
    }
    PLAIN(Group_free, &world);
    if (good)
        return from;
    free(from);
    return NULL;
}

static int *members_of(MPI_Comm comm, int *size, bool remote)
{
    MPI_Group group;
    int rc = remote ? PLAIN(Comm_remote_group, comm, &group)
                    : PLAIN(Comm_group, comm, &group);
    if (rc != MPI_SUCCESS)
        return NULL;
    int *ranks = translate(group, size);
    PLAIN(Group_free, &group);
    return ranks;
}

static bool get_members(MPI_Comm comm, struct members *out)
{
    int inter = 0;
    int more = 0;
    *out = (struct members){.lowest = 0};
    if (PLAIN(Comm_test_inter, comm, &inter) != MPI_SUCCESS)
        return false;
    out->ranks = members_of(comm, &out->local, false);
    if (out->ranks == NULL)
        return false;
    out->count = out->local;
    int *remote = inter ? members_of(comm, &more, true) : NULL;
    if (inter) {
        int *both =
            remote == NULL
                ? NULL
                : realloc(out->ranks, (size_t)(out->local + more) * sizeof(*both));
        if (both == NULL) {
            free(remote);
            free(out->ranks);
            return false;
        }
        out->ranks = both;
        for (int i = 0; i < more; i++)
            out->ranks[out->count++] = remote[i];
        free(remote);
    }
    out->lowest = out->ranks[0];
    for (int i = 1; i < out->count; i++)
        if (out->ranks[i] < out->lowest)
            out->lowest = out->ranks[i];
    return true;
}

static void know(MPI_Comm made, uint64_t id, const struct members *m)
{
    record_comm(HANDLE(made), id, m->ranks, (size_t)m->local, m->ranks + m->local,
                (size_t)(m->count - m->local));
}

void groups_child(MPI_Comm made, MPI_Comm parent)
{
    int kept = errno;
    struct members m;
    if (made == MPI_COMM_NULL)
        return;
    if (get_members(made, &m)) {
        know(made, record_child_id(HANDLE(parent), m.lowest), &m);
        free(m.ranks);
    } else {
        record_comm(HANDLE(made), LOOK_UNKNOWN, NULL, 0, NULL, 0);
    }
    errno = kept;
}

void groups_twin(uint64_t handle, uint64_t parent)
{
    const int *members;
    size_t local;
    size_t count = record_comm_members(parent, &members, &local);
    if (count == 0) {
        record_comm(handle, LOOK_UNKNOWN, NULL, 0, NULL, 0);
        return;
    }
    int lowest = members[0];
    for (size_t i = 1; i < count; i++)
        if (members[i] < lowest)
            lowest = members[i];
    record_comm(handle, record_child_id(parent, lowest), members, local,
                members + local, count - local);
}

static uint64_t hash_ranks(const int *ranks, int count)
{
    uint64_t h = (uint64_t)count;
    for (int i = 0; i < count; i++)
        h = record_mix(h, (uint64_t)ranks[i]);
    return h;
}

/* The two groups of an intercommunicator are each other's first at the two ends. */
void groups_own(MPI_Comm made, int tag)
{
    int kept = errno;
    struct members m;
    if (made != MPI_COMM_NULL && get_members(made, &m)) {
        uint64_t a = hash_ranks(m.ranks, m.local);
        uint64_t b = hash_ranks(m.ranks + m.local, m.count - m.local);
        uint64_t key = record_mix(a < b ? a : b, a < b ? b : a);
        know(made, record_group_id(record_mix(key, (uint64_t)tag)), &m);
        free(m.ranks);
    } else {
        record_comm(HANDLE(made), LOOK_UNKNOWN, NULL, 0, NULL, 0);
    }
    errno = kept;
}

uint64_t groups_of_group(MPI_Group group, int tag)
{
    int kept = errno;
    int size;
    uint64_t handle = 0;
    int *ranks = translate(group, &size);
    if (ranks != NULL) {
        uint64_t key = record_mix(hash_ranks(ranks, size), (uint64_t)tag);
        handle = (UINT64_C(0xfffffffd) << 32) + (key & UINT32_MAX);
        record_comm(handle, record_group_id(key), ranks, (size_t)size, NULL, 0);
        free(ranks);
    }
    errno = kept;
    return handle;
}

int groups_world(MPI_Group group, int *ranks, int cap)
{
    int kept = errno;
    int size;
    int *all = translate(group, &size);
    for (int i = 0; all != NULL && i < size && i < cap; i++)
        ranks[i] = all[i];
    bool good = all != NULL;
    free(all);
    errno = kept;
    return good ? size : 0;
}
