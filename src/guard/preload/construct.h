/* construct.h - wrappers of the calls by which all of a communicator make something
 *
 * A communicator, a window or a file: they differ in what is known of it then.
 */
#ifndef ROTA_GUARD_PRELOAD_CONSTRUCT_H
#define ROTA_GUARD_PRELOAD_CONSTRUCT_H

#include "guard/preload/groups.h"
#include "guard/preload/wrap.h"

#define P(...) __VA_ARGS__

/* Collective over `comm`; `know` is done once it has succeeded. */
#define CONSTRUCT(function, name, params, args, know)                                  \
    WRAP(function, params)                                                             \
    {                                                                                  \
        REAL(function);                                                                \
        if (!record_enter())                                                           \
            return real(args);                                                         \
        record_collective(CALL_##name, SITE, HANDLE(comm), LOOK_NONE, LOOK_CONSTRUCT,  \
                          false);                                                      \
        int rc = real(args);                                                           \
        record_done();                                                                 \
        doubtful(rc, HANDLE(comm));                                                    \
        if (rc == MPI_SUCCESS)                                                         \
            know;                                                                      \
        record_leave();                                                                \
        return rc;                                                                     \
    }

#endif
