/* real.c - the MPI library behind the wrappers, found at the first call */
#include "guard/preload/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *caller_library; /* of a caller that has MPI below itself alone */

/* In what comes after this library: itself it has all the functions' names. But of an
 * object a program may hold a copy of its own, which is then the one that counts. */
static void *look_up(const char *name, const void *caller, bool object)
{
    Dl_info where;
    void *found = dlsym(object ? RTLD_DEFAULT : RTLD_NEXT, name);
    if (found != NULL)
        return found;
    if (caller_library == NULL && caller != NULL && dladdr(caller, &where) != 0)
        caller_library = dlopen(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    return caller_library != NULL ? dlsym(caller_library, name) : NULL;
}

static void *find(const char *name, const void *caller, bool object)
{
    int kept = errno;
    void *found = look_up(name, caller, object);
    if (found == NULL) {
        dprintf(STDERR_FILENO,
                "rota guard: cannot go on: the program's MPI library has no '%s'\n",
                name);
        _exit(127);
    }
    errno = kept;
    return found;
}

void real_find(void *function, const char *name, const void *caller)
{
    /* ISO C has no cast from an object's address to a function's. */
    void *found = find(name, caller, false);
    memcpy(function, &found, sizeof(found));
}

void *real_object(const char *name)
{
    return find(name, NULL, true);
}
