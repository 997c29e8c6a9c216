/* collectives.c - wrappers of the collective calls: at once, later (I...), persistent
 */
#include "guard/preload/wrap.h"

/* Open MPI 4 has the persistent ones under a name of its own. */
#if MPI_VERSION >= 4
#define PERSISTENT_AS MPI_
#elif defined(OPEN_MPI)
#include <mpi-ext.h>
#ifdef OMPI_HAVE_MPI_EXT_PCOLLREQ
#define PERSISTENT_AS MPIX_
#endif
#endif

#define P(...) __VA_ARGS__

#define BLOCKING(function, Name, kind, root, loose, params, args)                      \
    WRAP(function, params)                                                             \
    {                                                                                  \
        REAL(function);                                                                \
        if (!record_enter())                                                           \
            return real(args);                                                         \
        record_collective(CALL_##Name, SITE, HANDLE(comm), root, kind, loose);         \
        int rc = real(args);                                                           \
        record_done();                                                                 \
        doubtful(rc, HANDLE(comm));                                                    \
        record_leave();                                                                \
        return rc;                                                                     \
    }

#define NONBLOCKING(function, Name, kind, root, loose, params, args)                   \
    WRAP(function, params, MPI_Request *request)                                       \
    {                                                                                  \
        REAL(function);                                                                \
        if (!record_enter())                                                           \
            return real(args, request);                                                \
        record_post_collective(CALL_##Name, SITE, HANDLE(comm), root, kind, loose);    \
        int rc = real(args, request);                                                  \
        record_posted(given(rc, request));                                             \
        doubtful(rc, HANDLE(comm));                                                    \
        record_leave();                                                                \
        return rc;                                                                     \
    }

/* They are matched by the order of their making, and begun in any. */
#define PERSISTENT(function, Name, kind, root, loose, params, args)                    \
    WRAP_AS(PERSISTENT_AS, function, params, MPI_Info info, MPI_Request *request)      \
    {                                                                                  \
        REAL_AS(PERSISTENT_AS, function, SITE);                                        \
        if (!record_enter())                                                           \
            return real(args, info, request);                                          \
        record_post_prepared(CALL_##Name, SITE, HANDLE(comm), root, kind, loose);      \
        int rc = real(args, info, request);                                            \
        record_posted(given(rc, request));                                             \
        doubtful(rc, HANDLE(comm));                                                    \
        record_leave();                                                                \
        return rc;                                                                     \
    }

BLOCKING(Barrier, Barrier, LOOK_BARRIER, LOOK_NONE, false, MPI_Comm comm, comm)
NONBLOCKING(Ibarrier, Ibarrier, LOOK_BARRIER, LOOK_NONE, false, MPI_Comm comm, comm)

#define COUNT int
#define DISPL int
#define COLLECTIVE(Name, name, kind, root, loose, params, args)                        \
    BLOCKING(Name, Name, kind, root, loose, P(params), P(args))                        \
    NONBLOCKING(I##name, I##name, kind, root, loose, P(params), P(args))
#include "guard/preload/collectives.inc"
#undef COLLECTIVE

#ifdef PERSISTENT_AS
PERSISTENT(Barrier_init, Barrier_init, LOOK_BARRIER, LOOK_NONE, false, MPI_Comm comm,
           comm)
#define COLLECTIVE(Name, name, kind, root, loose, params, args)                        \
    PERSISTENT(Name##_init, Name##_init, kind, root, loose, P(params), P(args))
#include "guard/preload/collectives.inc"
#undef COLLECTIVE
#endif

#if MPI_VERSION >= 4
#undef COUNT
#undef DISPL
#define COUNT MPI_Count
#define DISPL MPI_Aint
#define COLLECTIVE(Name, name, kind, root, loose, params, args)                        \
    BLOCKING(Name##_c, Name, kind, root, loose, P(params), P(args))                    \
    NONBLOCKING(I##name##_c, I##name, kind, root, loose, P(params), P(args))           \
    PERSISTENT(Name##_init_c, Name##_init, kind, root, loose, P(params), P(args))
#include "guard/preload/collectives.inc"
#endif
