/* files.c - wrappers of the collective calls on files
 *
 * A file has an identity as a communicator has. What MPI's own I/O layer sends on its
 * own communicators from within these calls is not written down.
 */
#include "guard/preload/groups.h"
#include "guard/preload/wrap.h"

#define P(...) __VA_ARGS__

/* That there is no such file is what all are told; what MPI finds fault with itself it
 * may have found before it spoke to the others. */
static bool is_about_the_file(int rc)
{
    int class = MPI_ERR_OTHER;
    PLAIN(Error_class, rc, &class);
    return class == MPI_ERR_NO_SUCH_FILE || class == MPI_ERR_FILE_EXISTS ||
           class == MPI_ERR_ACCESS || class == MPI_ERR_READ_ONLY ||
           class == MPI_ERR_BAD_FILE || class == MPI_ERR_IO ||
           class == MPI_ERR_NO_SPACE || class == MPI_ERR_QUOTA ||
           class == MPI_ERR_FILE_IN_USE;
}

WRAP(File_open, MPI_Comm comm, const char *name, int mode, MPI_Info info,
     MPI_File *file)
{
    REAL(File_open);
    if (!record_enter())
        return real(comm, name, mode, info, file);
    record_collective(CALL_File_open, SITE, HANDLE(comm), LOOK_NONE, LOOK_CONSTRUCT,
                      false);
    int rc = real(comm, name, mode, info, file);
    record_done();
    if (rc == MPI_SUCCESS)
        groups_twin(HANDLE(*file), HANDLE(comm));
    else if (!is_about_the_file(rc))
        record_comm_doubt(HANDLE(comm));
    record_leave();
    return rc;
}

WRAP(File_close, MPI_File *file)
{
    REAL(File_close);
    if (!record_enter())
        return real(file);
    uint64_t handle = HANDLE(*file);
    record_collective(CALL_File_close, SITE, handle, LOOK_NONE, LOOK_RELEASE, true);
    int rc = real(file);
    record_done();
    record_comm_freed(handle);
    record_leave();
    return rc;
}

#define COLLECTIVE(function, name, params, args)                                       \
    WRAP(function, params)                                                             \
    {                                                                                  \
        REAL(function);                                                                \
        if (!record_enter())                                                           \
            return real(args);                                                         \
        record_collective(CALL_##name, SITE, HANDLE(file), LOOK_NONE, LOOK_FILE,       \
                          false);                                                      \
        int rc = real(args);                                                           \
        record_done();                                                                 \
        record_leave();                                                                \
        return rc;                                                                     \
    }

COLLECTIVE(File_set_size, File_set_size, P(MPI_File file, MPI_Offset size),
           P(file, size))
COLLECTIVE(File_preallocate, File_preallocate, P(MPI_File file, MPI_Offset size),
           P(file, size))
COLLECTIVE(File_set_view, File_set_view,
           P(MPI_File file, MPI_Offset disp, MPI_Datatype etype, MPI_Datatype filetype,
             const char *datarep, MPI_Info info),
           P(file, disp, etype, filetype, datarep, info))
COLLECTIVE(File_sync, File_sync, P(MPI_File file), P(file))
COLLECTIVE(File_set_atomicity, File_set_atomicity, P(MPI_File file, int flag),
           P(file, flag))
COLLECTIVE(File_seek_shared, File_seek_shared,
           P(MPI_File file, MPI_Offset offset, int whence), P(file, offset, whence))

#define TRANSFERS(LARGE, COUNT)                                                        \
    COLLECTIVE(LARGE(File_read_all), File_read_all,                                    \
               P(MPI_File file, void *buf, COUNT count, MPI_Datatype type,             \
                 MPI_Status *status),                                                  \
               P(file, buf, count, type, status))                                      \
    COLLECTIVE(LARGE(File_write_all), File_write_all,                                  \
               P(MPI_File file, const void *buf, COUNT count, MPI_Datatype type,       \
                 MPI_Status *status),                                                  \
               P(file, buf, count, type, status))                                      \
    COLLECTIVE(LARGE(File_read_ordered), File_read_ordered,                            \
               P(MPI_File file, void *buf, COUNT count, MPI_Datatype type,             \
                 MPI_Status *status),                                                  \
               P(file, buf, count, type, status))                                      \
    COLLECTIVE(LARGE(File_write_ordered), File_write_ordered,                          \
               P(MPI_File file, const void *buf, COUNT count, MPI_Datatype type,       \
                 MPI_Status *status),                                                  \
               P(file, buf, count, type, status))                                      \
    COLLECTIVE(LARGE(File_read_at_all), File_read_at_all,                              \
               P(MPI_File file, MPI_Offset offset, void *buf, COUNT count,             \
                 MPI_Datatype type, MPI_Status *status),                               \
               P(file, offset, buf, count, type, status))                              \
    COLLECTIVE(LARGE(File_write_at_all), File_write_at_all,                            \
               P(MPI_File file, MPI_Offset offset, const void *buf, COUNT count,       \
                 MPI_Datatype type, MPI_Status *status),                               \
               P(file, offset, buf, count, type, status))                              \
    COLLECTIVE(LARGE(File_read_all_begin), File_read_all_begin,                        \
               P(MPI_File file, void *buf, COUNT count, MPI_Datatype type),            \
               P(file, buf, count, type))                                              \
    COLLECTIVE(LARGE(File_write_all_begin), File_write_all_begin,                      \
               P(MPI_File file, const void *buf, COUNT count, MPI_Datatype type),      \
               P(file, buf, count, type))                                              \
    COLLECTIVE(LARGE(File_read_ordered_begin), File_read_ordered_begin,                \
               P(MPI_File file, void *buf, COUNT count, MPI_Datatype type),            \
               P(file, buf, count, type))                                              \
    COLLECTIVE(LARGE(File_write_ordered_begin), File_write_ordered_begin,              \
               P(MPI_File file, const void *buf, COUNT count, MPI_Datatype type),      \
               P(file, buf, count, type))                                              \
    COLLECTIVE(LARGE(File_read_at_all_begin), File_read_at_all_begin,                  \
               P(MPI_File file, MPI_Offset offset, void *buf, COUNT count,             \
                 MPI_Datatype type),                                                   \
               P(file, offset, buf, count, type))                                      \
    COLLECTIVE(LARGE(File_write_at_all_begin), File_write_at_all_begin,                \
               P(MPI_File file, MPI_Offset offset, const void *buf, COUNT count,       \
                 MPI_Datatype type),                                                   \
               P(file, offset, buf, count, type))

#define INT(name)   name
#define LARGE(name) name##_c
TRANSFERS(INT, int)
#if MPI_VERSION >= 4
TRANSFERS(LARGE, MPI_Count)
#endif

#define ENDED(name, constness)                                                         \
    COLLECTIVE(name, name, P(MPI_File file, constness void *buf, MPI_Status *status),  \
               P(file, buf, status))
ENDED(File_read_all_end, )
ENDED(File_read_ordered_end, )
ENDED(File_read_at_all_end, )
ENDED(File_write_all_end, const)
ENDED(File_write_ordered_end, const)
ENDED(File_write_at_all_end, const)
