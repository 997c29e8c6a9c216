/* memory.c - memory that is short when a simulation says so */
#include "memory.h"

#include <stdlib.h>

static struct dice *scarce; /* NULL: there is plenty */
static int scarce_one_in;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool refused(void)
{
    return scarce != NULL && dice_one_in(scarce, scarce_one_in);
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return refused() ? NULL : __real_realloc(p, size);
}

void memory_scarce(struct dice *dice, int one_in)
{
    scarce = one_in > 0 ? dice : NULL;
    scarce_one_in = one_in;
}

void *memory_grow(void *old, size_t size)
{
    void *p = __real_realloc(old, size);
    if (p == NULL)
        abort();
    return p;
}

void *memory_sure(size_t size)
{
    return memory_grow(NULL, size > 0 ? size : 1);
}
