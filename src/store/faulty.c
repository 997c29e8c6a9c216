/* faulty.c - a file system below SQLite in which fault points stand */
#include "store/faulty.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/fault.h"

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real; /* NULL: not installed */
    bool spares_syncs;
} faulty;

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, in the same memory */
};

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

/* What SQLite is to be told of a write that failed with errno. */
static int failed_write(void)
{
    return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

#define PASS(name, params, ...)                                                        \
    static int pass_##name params                                                      \
    {                                                                                  \
        return real(f)->pMethods->name(real(f), __VA_ARGS__);                          \
    }
#define COUNT(name, params, ...)                                                       \
    static int pass_##name params                                                      \
    {                                                                                  \
        return fault(FAULT_WRITE) ? failed_write()                                     \
                                  : real(f)->pMethods->name(real(f), __VA_ARGS__);     \
    }

/* clang-format off */
PASS(xRead, (sqlite3_file *f, void *to, int size, sqlite3_int64 at), to, size, at)
COUNT(xWrite, (sqlite3_file *f, const void *from, int size, sqlite3_int64 at), from, size, at)
COUNT(xTruncate, (sqlite3_file *f, sqlite3_int64 size), size)
PASS(xFileSize, (sqlite3_file *f, sqlite3_int64 *size), size)
PASS(xLock, (sqlite3_file *f, int how), how)
PASS(xUnlock, (sqlite3_file *f, int how), how)
PASS(xCheckReservedLock, (sqlite3_file *f, int *held), held)
PASS(xFileControl, (sqlite3_file *f, int what, void *arg), what, arg)
/* clang-format on */

static int pass_xSync(sqlite3_file *f, int flags)
{
    if (fault(FAULT_SYNC))
        return SQLITE_IOERR_FSYNC;
    return faulty.spares_syncs ? SQLITE_OK : real(f)->pMethods->xSync(real(f), flags);
}

static int pass_xClose(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}

static int pass_xSectorSize(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

/* No promises: each is one that a write may be left out by. */
static int no_characteristics(sqlite3_file *f)
{
    (void)f;
    return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = pass_xClose,
    .xRead = pass_xRead,
    .xWrite = pass_xWrite,
    .xTruncate = pass_xTruncate,
    .xSync = pass_xSync,
    .xFileSize = pass_xFileSize,
    .xLock = pass_xLock,
    .xUnlock = pass_xUnlock,
    .xCheckReservedLock = pass_xCheckReservedLock,
    .xFileControl = pass_xFileControl,
    .xSectorSize = pass_xSectorSize,
    .xDeviceCharacteristics = no_characteristics,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *to, int flags,
                     int *out_flags)
{
    struct file *f = (struct file *)to;
    (void)vfs;
    f->real = (sqlite3_file *)(f + 1);
    int rc = faulty.real->xOpen(faulty.real, name, f->real, flags, out_flags);
    f->base.pMethods = rc == SQLITE_OK ? &methods : NULL;
    return rc;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    return fault(FAULT_WRITE) ? failed_write()
                              : faulty.real->xDelete(faulty.real, name, sync);
}

void faulty_install(void)
{
    if (!fault_armed || faulty.real != NULL)
        return;
    faulty.real = sqlite3_vfs_find(NULL);
    faulty.vfs = *faulty.real;
    faulty.vfs.pNext = NULL;
    faulty.vfs.zName = "rota-faulty";
    faulty.vfs.szOsFile += (int)sizeof(struct file);
    faulty.vfs.xOpen = open_file;
    faulty.vfs.xDelete = delete_file;
    sqlite3_vfs_register(&faulty.vfs, 1);
}

void faulty_spare_syncs(void)
{
    faulty.spares_syncs = true;
}
