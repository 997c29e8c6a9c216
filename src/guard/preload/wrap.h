/* wrap.h - how a wrapper is written
 *
 * Each MPI_X is defined, and PMPI_X as another name for it: Open MPI's Fortran calls
 * come by PMPI_X, MPICH's and C's by MPI_X. What MPI itself calls while it is in a
 * wrapper is passed on (record_enter() says no).
 */
#ifndef ROTA_GUARD_PRELOAD_WRAP_H
#define ROTA_GUARD_PRELOAD_WRAP_H

#include <mpi.h>

#include "guard/preload/real.h"
#include "guard/preload/record.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define TEXT_(a)    #a
#define TEXT(a)     TEXT_(a)

/* int <prefix><name>(the rest), for everyone to find. */
#define WRAP_AS(prefix, name, ...)                                                     \
    extern __typeof(JOIN(prefix, name)) JOIN(P, JOIN(prefix, name))                    \
        __attribute__((alias(TEXT(JOIN(prefix, name))), visibility("default")));       \
    __attribute__((visibility("default"))) int JOIN(prefix, name)(__VA_ARGS__)
#define WRAP(name, ...) WRAP_AS(MPI_, name, __VA_ARGS__)

/* A wrapper that most calls go through: with what it uses (fast.h) it lies in one
 * place, since each page of the program that is touched costs, where ranks share a
 * processor. */
#define HOT(name) extern __typeof(MPI_##name) MPI_##name __attribute__((hot))

/* In a wrapper: `real` is MPI's own function. `site` is an address in the program. */
#define REAL_AS(prefix, name, site)                                                    \
    static __typeof(&JOIN(prefix, name)) real;                                         \
    if (__builtin_expect(real == NULL, 0))                                             \
    real_find(&real, TEXT(JOIN(P, JOIN(prefix, name))), site)
#define REAL_OF(name, site) REAL_AS(MPI_, name, site)
#define REAL(name)          REAL_OF(name, SITE)

/* Call MPI's own function, whatever is wrapped. */
#define PLAIN(name, ...)                                                               \
    __extension__({                                                                    \
        static __typeof(&MPI_##name) plain;                                            \
        if (__builtin_expect(plain == NULL, 0))                                        \
            real_find(&plain, "PMPI_" #name, NULL);                                    \
        plain(__VA_ARGS__);                                                            \
    })

/* Where the program called the wrapper that this stands in. */
#define SITE __builtin_return_address(0)

/* A handle as a number; Open MPI's are addresses, MPICH's are ints. */
#define HANDLE(h) ((uint64_t)(uintptr_t)(h))

/* MPI's constants that are handles: in Open MPI addresses of its objects, which this
 * library must not refer to by name. */
#ifdef OPEN_MPI
#define OBJECT(type, name)                                                             \
    __extension__({                                                                    \
        static void *object;                                                           \
        if (__builtin_expect(object == NULL, 0))                                       \
            object = real_object(#name);                                               \
        (type) object;                                                                 \
    })
#undef MPI_COMM_WORLD
#undef MPI_COMM_SELF
#undef MPI_COMM_NULL
#undef MPI_REQUEST_NULL
#undef MPI_MESSAGE_NO_PROC
#undef MPI_WIN_NULL
#undef MPI_FILE_NULL
#define MPI_COMM_WORLD      OBJECT(MPI_Comm, ompi_mpi_comm_world)
#define MPI_COMM_SELF       OBJECT(MPI_Comm, ompi_mpi_comm_self)
#define MPI_COMM_NULL       OBJECT(MPI_Comm, ompi_mpi_comm_null)
#define MPI_REQUEST_NULL    OBJECT(MPI_Request, ompi_request_null)
#define MPI_MESSAGE_NO_PROC OBJECT(MPI_Message, ompi_message_no_proc)
#define MPI_WIN_NULL        OBJECT(MPI_Win, ompi_mpi_win_null)
#define MPI_FILE_NULL       OBJECT(MPI_File, ompi_mpi_file_null)
#endif

static inline int peer_of(int rank)
{
    return rank == MPI_PROC_NULL    ? RECORD_NOBODY
           : rank == MPI_ANY_SOURCE ? RECORD_ANY
                                    : rank;
}

static inline int tag_of(int tag)
{
    return tag == MPI_ANY_TAG ? RECORD_ANY : tag;
}

/* The request that a call gave, for record_posted(). */
static inline uint64_t given(int rc, const MPI_Request *request)
{
    return rc == MPI_SUCCESS ? HANDLE(*request) : STATE_NO_HANDLE;
}

/* A call that failed may have sent or taken its message all the same. */
static inline void uncertain(int rc)
{
    if (__builtin_expect(rc != MPI_SUCCESS, 0))
        record_lost(STATE_COUNTS_LOST);
}

/* A call of all on this communicator, window or file failed: the others may have come
 * through. */
static inline void doubtful(int rc, uint64_t handle)
{
    if (__builtin_expect(rc != MPI_SUCCESS, 0))
        record_comm_doubt(handle);
}

#endif
