/* faulty.c - a file system below SQLite whose n-th write, or sync, fails */
#include "faulty.h"

#include <sqlite3.h>
#include <string.h>

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    int left; /* calls until it fails; 0: never */
    int rc;
    bool stays;
    bool failed;
} faulty;

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, in the same memory */
};

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

/* Whether this call is to fail. */
static bool fails(void)
{
    if (faulty.failed && faulty.stays)
        return true;
    if (faulty.left == 0 || --faulty.left > 0)
        return false;
    faulty.failed = true;
    return true;
}

#define PASS(name, params, ...)                                                        \
    static int pass_##name params                                                      \
    {                                                                                  \
        return real(f)->pMethods->name(real(f), __VA_ARGS__);                          \
    }
#define COUNT(name, params, ...)                                                       \
    static int pass_##name params                                                      \
    {                                                                                  \
        return fails() ? faulty.rc : real(f)->pMethods->name(real(f), __VA_ARGS__);    \
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

/* What a process has written outlives it without a sync, which takes its time. */
static int pass_xSync(sqlite3_file *f, int flags)
{
    (void)f;
    (void)flags;
    return fails() ? faulty.rc : SQLITE_OK;
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
    return fails() ? faulty.rc : faulty.real->xDelete(faulty.real, name, sync);
}

void faulty_install(void)
{
    faulty.real = sqlite3_vfs_find(NULL);
    faulty.vfs = *faulty.real;
    faulty.vfs.pNext = NULL;
    faulty.vfs.zName = "faulty";
    faulty.vfs.szOsFile += (int)sizeof(struct file);
    faulty.vfs.xOpen = open_file;
    faulty.vfs.xDelete = delete_file;
    sqlite3_vfs_register(&faulty.vfs, 1);
}

void faulty_fail(int n, int rc, bool stays)
{
    faulty.left = n;
    faulty.rc = rc;
    faulty.stays = stays;
    faulty.failed = false;
}

bool faulty_failed(void)
{
    return faulty.failed;
}
