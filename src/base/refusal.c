/* refusal.c - memory that is refused where ROTA_FAULT wants it: point "alloc"
 *
 * The linker leads every call of these functions that stands in Rota's own code here
 * (--wrap; src/CMakeLists.txt), so that no call has to be written otherwise. What the
 * C library, SQLite and MPI take for themselves is theirs.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_asprintf(char **out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void *__wrap_malloc(size_t size)
{
    return fault(FAULT_ALLOC) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fault(FAULT_ALLOC) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fault(FAULT_ALLOC) ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fault(FAULT_ALLOC) ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fault(FAULT_ALLOC) ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return fault(FAULT_ALLOC) ? NULL : __real_strndup(text, size);
}

/* glibc leaves *out alone when it fails: nobody may rely on what it holds. */
int __wrap_asprintf(char **out, const char *format, ...)
{
    if (fault(FAULT_ALLOC))
        return -1;
    va_list args;
    va_start(args, format);
    int n = vasprintf(out, format, args);
    va_end(args);
    return n;
}
