/* point_to_point.c - wrappers of sends, receives and probes */
#include "guard/preload/fast.h"
#include "guard/preload/wrap.h"

HOT(Send);
HOT(Recv);
HOT(Isend);
HOT(Irecv);

#define COUNT       int
#define LARGE(name) name
#include "guard/preload/point_to_point.inc"
#undef COUNT
#undef LARGE

#if MPI_VERSION >= 4
#define COUNT       MPI_Count
#define LARGE(name) name##_c
#include "guard/preload/point_to_point.inc"
#undef COUNT
#undef LARGE
#endif

WRAP(Probe, int source, int tag, MPI_Comm comm, MPI_Status *status)
{
    REAL(Probe);
    if (!record_enter())
        return real(source, tag, comm, status);
    record_recv(CALL_Probe, SITE, HANDLE(comm), peer_of(source), tag_of(tag),
                LOOK_PROBE);
    int rc = real(source, tag, comm, status);
    record_done();
    record_leave();
    return rc;
}

WRAP(Iprobe, int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
    REAL(Iprobe);
    if (!record_enter())
        return real(source, tag, comm, flag, status);
    int rc = real(source, tag, comm, flag, status);
    if (rc == MPI_SUCCESS && !*flag)
        record_poll_probe(CALL_Iprobe, SITE, HANDLE(comm), peer_of(source),
                          tag_of(tag));
    else
        record_progress(CALL_Iprobe, SITE);
    record_leave();
    return rc;
}

WRAP(Mprobe, int source, int tag, MPI_Comm comm, MPI_Message *message,
     MPI_Status *status)
{
    REAL(Mprobe);
    MPI_Status own;
    if (!record_enter())
        return real(source, tag, comm, message, status);
    record_recv(CALL_Mprobe, SITE, HANDLE(comm), peer_of(source), tag_of(tag),
                LOOK_PROBE);
    MPI_Status *s = status == MPI_STATUS_IGNORE ? &own : status;
    int rc = real(source, tag, comm, message, s);
    if (rc == MPI_SUCCESS && *message != MPI_MESSAGE_NO_PROC)
        record_received(s->MPI_SOURCE, s->MPI_TAG);
    else
        record_done();
    uncertain(rc);
    record_leave();
    return rc;
}

WRAP(Improbe, int source, int tag, MPI_Comm comm, int *flag, MPI_Message *message,
     MPI_Status *status)
{
    REAL(Improbe);
    MPI_Status own;
    if (!record_enter())
        return real(source, tag, comm, flag, message, status);
    MPI_Status *s = status == MPI_STATUS_IGNORE ? &own : status;
    int rc = real(source, tag, comm, flag, message, s);
    if (rc == MPI_SUCCESS && !*flag) {
        record_poll_probe(CALL_Improbe, SITE, HANDLE(comm), peer_of(source),
                          tag_of(tag));
    } else {
        if (rc == MPI_SUCCESS && *message != MPI_MESSAGE_NO_PROC)
            record_took(HANDLE(comm), s->MPI_SOURCE, s->MPI_TAG);
        record_progress(CALL_Improbe, SITE);
    }
    record_leave();
    return rc;
}

#if MPI_VERSION >= 4
WRAP(Psend_init, const void *buf, int partitions, MPI_Count count, MPI_Datatype type,
     int dest, int tag, MPI_Comm comm, MPI_Info info, MPI_Request *request)
{
    REAL(Psend_init);
    if (!record_enter())
        return real(buf, partitions, count, type, dest, tag, comm, info, request);
    record_post_parts(CALL_Psend_init, SITE, HANDLE(comm), peer_of(dest), tag,
                      partitions);
    int rc = real(buf, partitions, count, type, dest, tag, comm, info, request);
    record_posted(given(rc, request));
    uncertain(rc);
    record_leave();
    return rc;
}

WRAP(Precv_init, void *buf, int partitions, MPI_Count count, MPI_Datatype type,
     int source, int tag, MPI_Comm comm, MPI_Info info, MPI_Request *request)
{
    REAL(Precv_init);
    if (!record_enter())
        return real(buf, partitions, count, type, source, tag, comm, info, request);
    record_post_parts(CALL_Precv_init, SITE, HANDLE(comm), peer_of(source), tag,
                      partitions);
    int rc = real(buf, partitions, count, type, source, tag, comm, info, request);
    record_posted(given(rc, request));
    uncertain(rc);
    record_leave();
    return rc;
}

/* `parts` more are ready. */
#define READY(name, parts, params, args)                                               \
    WRAP(name, params, MPI_Request request)                                            \
    {                                                                                  \
        REAL(name);                                                                    \
        if (!record_enter())                                                           \
            return real(args, request);                                                \
        record_ready(HANDLE(request), parts);                                          \
        int rc = real(args, request);                                                  \
        uncertain(rc);                                                                 \
        record_leave();                                                                \
        return rc;                                                                     \
    }

#if defined(MPICH) && MPICH_NUMVERSION < 40100000 /* not yet const */
#define LISTED int
#else
#define LISTED const int
#endif
#define P(...) __VA_ARGS__
READY(Pready, 1, int partition, partition)
READY(Pready_range, high - low + 1, P(int low, int high), P(low, high))
READY(Pready_list, length, P(int length, LISTED partitions[]), P(length, partitions))

WRAP(Parrived, MPI_Request request, int partition, int *flag)
{
    REAL(Parrived);
    if (!record_enter())
        return real(request, partition, flag);
    int rc = real(request, partition, flag);
    uint64_t handle = HANDLE(request);
    if (rc == MPI_SUCCESS && !*flag)
        record_poll(CALL_Parrived, SITE, &handle, 1);
    else
        record_progress(CALL_Parrived, SITE);
    record_leave();
    return rc;
}
#endif
