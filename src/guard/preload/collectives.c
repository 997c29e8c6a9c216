/* collectives.c - wrappers of the collective calls: at once, later (I...), persistent
 */
#include "guard/preload/wrap.h"

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
        record_leave();                                                                \
        return rc;                                                                     \
    }

/* Persistent ones are told as what may end at any time: they are matched by the order
 * of their making, and begun in any. */
#define PERSISTENT(function, Name, params, args)                                       \
    WRAP(function, params, MPI_Info info, MPI_Request *request)                        \
    {                                                                                  \
        REAL(function);                                                                \
        if (!record_enter())                                                           \
            return real(args, info, request);                                          \
        record_post_free(CALL_##Name, SITE, STATE_OP_PERSISTENT);                      \
        int rc = real(args, info, request);                                            \
        record_posted(given(rc, request));                                             \
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

#if MPI_VERSION >= 4
PERSISTENT(Barrier_init, Barrier_init, MPI_Comm comm, comm)
#define COLLECTIVE(Name, name, kind, root, loose, params, args)                        \
    PERSISTENT(Name##_init, Name##_init, P(params), P(args))
#include "guard/preload/collectives.inc"
#undef COLLECTIVE

#undef COUNT
#undef DISPL
#define COUNT MPI_Count
#define DISPL MPI_Aint
#define COLLECTIVE(Name, name, kind, root, loose, params, args)                        \
    BLOCKING(Name##_c, Name, kind, root, loose, P(params), P(args))                    \
    NONBLOCKING(I##name##_c, I##name, kind, root, loose, P(params), P(args))           \
    PERSISTENT(Name##_init_c, Name##_init, P(params), P(args))
#include "guard/preload/collectives.inc"
#endif
