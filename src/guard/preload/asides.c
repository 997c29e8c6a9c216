/* asides.c - functions of the program's own that MPI calls
 *
 * Attributes' copy and delete functions are given an argument, so that MPI can be given
 * ours with the program's in it. Error handlers are given none: there is a handful of
 * ours, each of which leads to one of the program's.
 *
 * MPI_Finalize deletes MPI_COMM_SELF's attributes first, the youngest first, and what
 * their functions do is no end yet. So ours is the oldest there.
 */
#include "guard/preload/asides.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "guard/preload/wrap.h"

#define P(...) __VA_ARGS__

/* ---- attributes -------------------------------------------------------------------
 */

static bool at_end;

bool asides_at_end(void)
{
    return at_end;
}

static int copy_nothing(MPI_Comm comm, int keyval, void *extra, void *in, void *out,
                        int *flag)
{
    (void)comm;
    (void)keyval;
    (void)extra;
    (void)in;
    (void)out;
    *flag = 0;
    return MPI_SUCCESS;
}

static int begin_end(MPI_Comm comm, int keyval, void *value, void *extra)
{
    (void)comm;
    (void)keyval;
    (void)value;
    (void)extra;
    void *site = (void *)(uintptr_t)record_state()->site;
    record_phase(CALL_Finalize, site, LOOK_FINALIZING);
    return MPI_SUCCESS;
}

/* The program makes its first kind of attribute: none of its own can be older. */
static void watch_end(void)
{
    int keyval;
    if (at_end)
        return;
    at_end = PLAIN(Comm_create_keyval, copy_nothing, begin_end, &keyval, NULL) ==
                 MPI_SUCCESS &&
             PLAIN(Comm_set_attr, MPI_COMM_SELF, keyval, NULL) == MPI_SUCCESS;
}

/* The functions that come with a kind of attribute of TYPE, and the call that makes
 * it. They are never forgotten: attributes may outlive their kind. */
#define KEYVAL(function, TYPE, Copy, Delete)                                           \
    struct function {                                                                  \
        Copy *copy;                                                                    \
        Delete *delete;                                                                \
        void *extra;                                                                   \
    };                                                                                 \
                                                                                       \
    static int JOIN(function, _copy)(TYPE object, int keyval, void *extra, void *in,   \
                                     void *out, int *flag)                             \
    {                                                                                  \
        const struct function *own = extra;                                            \
        struct record_aside aside;                                                     \
        record_aside_begin(&aside);                                                    \
        int rc = own->copy(object, keyval, own->extra, in, out, flag);                 \
        record_aside_end(&aside);                                                      \
        return rc;                                                                     \
    }                                                                                  \
                                                                                       \
    static int JOIN(function, _delete)(TYPE object, int keyval, void *value,           \
                                       void *extra)                                    \
    {                                                                                  \
        const struct function *own = extra;                                            \
        struct record_aside aside;                                                     \
        record_aside_begin(&aside);                                                    \
        int rc = own->delete (object, keyval, value, own->extra);                      \
        record_aside_end(&aside);                                                      \
        return rc;                                                                     \
    }                                                                                  \
                                                                                       \
    WRAP(function, Copy *copy, Delete *delete, int *keyval, void *extra)               \
    {                                                                                  \
        REAL(function);                                                                \
        if (!record_enter())                                                           \
            return real(copy, delete, keyval, extra);                                  \
        struct function *own = malloc(sizeof(*own));                                   \
        int rc;                                                                        \
        if (own == NULL) {                                                             \
            record_stop();                                                             \
            rc = real(copy, delete, keyval, extra);                                    \
        } else {                                                                       \
            *own = (struct function){copy, delete, extra};                             \
            watch_end();                                                               \
            /* In MPICH there may be none. */                                          \
            rc = real(copy != NULL ? JOIN(function, _copy) : NULL,                     \
                      delete != NULL ? JOIN(function, _delete) : NULL, keyval, own);   \
        }                                                                              \
        record_leave();                                                                \
        return rc;                                                                     \
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
KEYVAL(Comm_create_keyval, MPI_Comm, MPI_Comm_copy_attr_function,
       MPI_Comm_delete_attr_function)
KEYVAL(Win_create_keyval, MPI_Win, MPI_Win_copy_attr_function,
       MPI_Win_delete_attr_function)
KEYVAL(Keyval_create, MPI_Comm, MPI_Copy_function, MPI_Delete_function)
#pragma GCC diagnostic pop

/* ---- error handlers ----------------------------------------------------------------
 */

/* Whatever the object: a communicator, a window or a file. What else MPI gives (a text,
 * say) is passed on. */
typedef void handler(void *object, int *code, ...);

enum {
    HANDLERS = 16
};

static handler *handlers[HANDLERS];

/* It may not come back: then the call that failed is never seen to end. */
static void handle(int i, void *object, int *code, va_list more)
{
    struct record_aside aside;
    void *first = va_arg(more, void *);
    void *second = va_arg(more, void *);
    if (record_aside_begin(&aside)) {
        uint64_t handle = 0;
#ifdef OPEN_MPI
        memcpy(&handle, object, sizeof(void *));
#else
        memcpy(&handle, object, sizeof(int));
#endif
        record_comm_doubt(handle);
        record_lost(STATE_COUNTS_LOST | STATE_OPS_LOST);
    }
    handlers[i](object, code, first, second);
    record_aside_end(&aside);
}

#define HANDLER(i)                                                                     \
    static void JOIN(handle_, i)(void *object, int *code, ...)                         \
    {                                                                                  \
        va_list more;                                                                  \
        va_start(more, code);                                                          \
        handle(i, object, code, more);                                                 \
        va_end(more);                                                                  \
    }
HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)
HANDLER(4)
HANDLER(5)
HANDLER(6)
HANDLER(7)
HANDLER(8)
HANDLER(9)
HANDLER(10)
HANDLER(11)
HANDLER(12)
HANDLER(13)
HANDLER(14)
HANDLER(15)

static handler *const ours[HANDLERS] = {handle_0,  handle_1,  handle_2,  handle_3,
                                        handle_4,  handle_5,  handle_6,  handle_7,
                                        handle_8,  handle_9,  handle_10, handle_11,
                                        handle_12, handle_13, handle_14, handle_15};

/* One of ours which leads to `own`, or `own` itself: then this rank is not followed any
 * more. */
static handler *stand_in(handler *own)
{
    for (int i = 0; i < HANDLERS; i++) {
        if (handlers[i] == NULL)
            handlers[i] = own;
        if (handlers[i] == own)
            return ours[i];
    }
    record_stop();
    return own;
}

#define ERRHANDLER(function, Function)                                                 \
    WRAP(function, Function *own, MPI_Errhandler *errhandler)                          \
    {                                                                                  \
        REAL(function);                                                                \
        if (!record_enter())                                                           \
            return real(own, errhandler);                                              \
        handler *theirs;                                                               \
        memcpy(&theirs, &own, sizeof(theirs));                                         \
        handler *instead = theirs != NULL ? stand_in(theirs) : NULL;                   \
        memcpy(&own, &instead, sizeof(own));                                           \
        int rc = real(own, errhandler);                                                \
        record_leave();                                                                \
        return rc;                                                                     \
    }

ERRHANDLER(Comm_create_errhandler, MPI_Comm_errhandler_function)
ERRHANDLER(Win_create_errhandler, MPI_Win_errhandler_function)
ERRHANDLER(File_create_errhandler, MPI_File_errhandler_function)
