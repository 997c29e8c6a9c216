/* cleanup.h - ownership that ends with the scope
 *
 *     rota_auto(store) struct store *s = ...;   freed by store_free_auto on return
 *     *out = rota_steal(s);                     handed over: s is NULL afterwards
 *
 * ROTA_AUTO_DEFINE(store, struct store *, store_free) makes rota_auto(store) out
 * of a destructor that accepts NULL.
 */
#ifndef ROTA_BASE_CLEANUP_H
#define ROTA_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define rota_auto(name) __attribute__((cleanup(name##_auto_)))

#define ROTA_AUTO_DEFINE(name, type, destroy)                                          \
    static inline void name##_auto_(type *p)                                           \
    {                                                                                  \
        destroy(*p);                                                                   \
    }                                                                                  \
    struct rota_auto_##name##_defined

#define rota_steal(p)                                                                  \
    __extension__({                                                                    \
        __auto_type stolen_ = (p);                                                     \
        (p) = NULL;                                                                    \
        stolen_;                                                                       \
    })

/* rota_auto(heap): free() at the end of the scope, whatever the pointer's type. */
static inline void heap_auto_(void *p)
{
    free(*(void **)p);
}

/* rota_auto(fd): close() at the end of the scope, unless it is below 0. */
static inline void fd_auto_(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Hand a descriptor over: the variable is -1 afterwards. */
static inline int fd_steal(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

#endif
