/* communicators.c - wrappers of the calls that make and free communicators */
#include "guard/preload/construct.h"

#define MAKE(name, params, args)                                                       \
    CONSTRUCT(name, name, P(params), P(args), groups_child(*made, comm))

MAKE(Comm_dup, P(MPI_Comm comm, MPI_Comm *made), P(comm, made))
MAKE(Comm_dup_with_info, P(MPI_Comm comm, MPI_Info info, MPI_Comm *made),
     P(comm, info, made))
MAKE(Comm_create, P(MPI_Comm comm, MPI_Group group, MPI_Comm *made),
     P(comm, group, made))
MAKE(Comm_split, P(MPI_Comm comm, int color, int key, MPI_Comm *made),
     P(comm, color, key, made))
MAKE(Comm_split_type,
     P(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *made),
     P(comm, type, key, info, made))
MAKE(Intercomm_merge, P(MPI_Comm comm, int high, MPI_Comm *made), P(comm, high, made))
MAKE(Cart_create,
     P(MPI_Comm comm, int ndims, const int dims[], const int periods[], int reorder,
       MPI_Comm *made),
     P(comm, ndims, dims, periods, reorder, made))
MAKE(Cart_sub, P(MPI_Comm comm, const int dims[], MPI_Comm *made), P(comm, dims, made))
MAKE(Graph_create,
     P(MPI_Comm comm, int nodes, const int index[], const int edges[], int reorder,
       MPI_Comm *made),
     P(comm, nodes, index, edges, reorder, made))
MAKE(Dist_graph_create,
     P(MPI_Comm comm, int n, const int sources[], const int degrees[],
       const int destinations[], const int weights[], MPI_Info info, int reorder,
       MPI_Comm *made),
     P(comm, n, sources, degrees, destinations, weights, info, reorder, made))
MAKE(Dist_graph_create_adjacent,
     P(MPI_Comm comm, int in, const int sources[], const int sourceweights[], int out,
       const int destinations[], const int destweights[], MPI_Info info, int reorder,
       MPI_Comm *made),
     P(comm, in, sources, sourceweights, out, destinations, destweights, info, reorder,
       made))

WRAP(Comm_idup, MPI_Comm comm, MPI_Comm *made, MPI_Request *request)
{
    REAL(Comm_idup);
    if (!record_enter())
        return real(comm, made, request);
    record_post_collective(CALL_Comm_idup, SITE, HANDLE(comm), LOOK_NONE,
                           LOOK_CONSTRUCT, false);
    int rc = real(comm, made, request);
    record_posted(given(rc, request));
    doubtful(rc, HANDLE(comm));
    if (rc == MPI_SUCCESS)
        groups_twin(HANDLE(*made), HANDLE(comm));
    record_leave();
    return rc;
}

#if MPI_VERSION >= 4
WRAP(Comm_idup_with_info, MPI_Comm comm, MPI_Info info, MPI_Comm *made,
     MPI_Request *request)
{
    REAL(Comm_idup_with_info);
    if (!record_enter())
        return real(comm, info, made, request);
    record_post_collective(CALL_Comm_idup_with_info, SITE, HANDLE(comm), LOOK_NONE,
                           LOOK_CONSTRUCT, false);
    int rc = real(comm, info, made, request);
    record_posted(given(rc, request));
    doubtful(rc, HANDLE(comm));
    if (rc == MPI_SUCCESS)
        groups_twin(HANDLE(*made), HANDLE(comm));
    record_leave();
    return rc;
}
#endif

/* Only the members of `group` take part. */
WRAP(Comm_create_group, MPI_Comm comm, MPI_Group group, int tag, MPI_Comm *made)
{
    REAL(Comm_create_group);
    if (!record_enter())
        return real(comm, group, tag, made);
    uint64_t circle = groups_of_group(group, tag);
    if (circle != 0)
        record_collective(CALL_Comm_create_group, SITE, circle, LOOK_NONE,
                          LOOK_CONSTRUCT, false);
    else
        record_free(CALL_Comm_create_group, SITE);
    int rc = real(comm, group, tag, made);
    record_done();
    if (rc == MPI_SUCCESS && *made != MPI_COMM_NULL)
        groups_twin(HANDLE(*made), circle);
    if (circle != 0)
        record_comm_freed(circle);
    record_leave();
    return rc;
}

WRAP(Intercomm_create, MPI_Comm comm, int leader, MPI_Comm peers, int remote_leader,
     int tag, MPI_Comm *made)
{
    REAL(Intercomm_create);
    if (!record_enter())
        return real(comm, leader, peers, remote_leader, tag, made);
    record_collective(CALL_Intercomm_create, SITE, HANDLE(comm), LOOK_NONE,
                      LOOK_CONSTRUCT, false);
    int rc = real(comm, leader, peers, remote_leader, tag, made);
    record_done();
    doubtful(rc, HANDLE(comm));
    if (rc == MPI_SUCCESS)
        groups_own(*made, tag);
    record_leave();
    return rc;
}

#define RELEASE(name)                                                                  \
    WRAP(name, MPI_Comm *comm)                                                         \
    {                                                                                  \
        REAL(name);                                                                    \
        if (!record_enter())                                                           \
            return real(comm);                                                         \
        uint64_t handle = HANDLE(*comm);                                               \
        record_collective(CALL_##name, SITE, handle, LOOK_NONE, LOOK_RELEASE, true);   \
        int rc = real(comm);                                                           \
        record_done();                                                                 \
        doubtful(rc, handle);                                                          \
        if (rc == MPI_SUCCESS)                                                         \
            record_comm_freed(handle);                                                 \
        record_leave();                                                                \
        return rc;                                                                     \
    }

RELEASE(Comm_free)
RELEASE(Comm_disconnect)

/* Processes of another world come in: nothing is known of them. */
#define OPEN(name, params, args)                                                       \
    WRAP(name, params)                                                                 \
    {                                                                                  \
        REAL(name);                                                                    \
        if (!record_enter())                                                           \
            return real(args);                                                         \
        record_free(CALL_##name, SITE);                                                \
        int rc = real(args);                                                           \
        record_done();                                                                 \
        if (rc == MPI_SUCCESS)                                                         \
            record_comm(HANDLE(*made), LOOK_UNKNOWN, NULL, 0, NULL, 0);                \
        record_leave();                                                                \
        return rc;                                                                     \
    }

OPEN(Comm_spawn,
     P(const char *command, char *argv[], int maxprocs, MPI_Info info, int root,
       MPI_Comm comm, MPI_Comm *made, int errcodes[]),
     P(command, argv, maxprocs, info, root, comm, made, errcodes))
OPEN(Comm_spawn_multiple,
     P(int count, char *commands[], char **argvs[], const int maxprocs[],
       const MPI_Info infos[], int root, MPI_Comm comm, MPI_Comm *made, int errcodes[]),
     P(count, commands, argvs, maxprocs, infos, root, comm, made, errcodes))
OPEN(Comm_accept,
     P(const char *port, MPI_Info info, int root, MPI_Comm comm, MPI_Comm *made),
     P(port, info, root, comm, made))
OPEN(Comm_connect,
     P(const char *port, MPI_Info info, int root, MPI_Comm comm, MPI_Comm *made),
     P(port, info, root, comm, made))
OPEN(Comm_join, P(int fd, MPI_Comm *made), P(fd, made))
