/* threads.c - which threads there are that may call MPI
 *
 * All that the program starts count, but for those that run in libraries which never
 * call MPI for the program: MPI's own, its transports', and OpenBLAS's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "guard/preload/real.h"
#include "guard/preload/record.h"

typedef void *routine(void *);
typedef int create(pthread_t *, const pthread_attr_t *, routine *, void *);

struct thread {
    routine *run;
    void *arg;
};

struct thread_c11 {
    thrd_start_t run;
    void *arg;
};

static pthread_key_t ending;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void ends(void *counted)
{
    (void)counted;
    record_thread_ends();
}

static void make_key(void)
{
    if (pthread_key_create(&ending, ends) != 0)
        ending = (pthread_key_t)-1; /* no end is told then, which only costs proofs */
}

static void *run(void *arg)
{
    struct thread t = *(struct thread *)arg;
    free(arg);
    pthread_setspecific(ending, &once);
    return t.run(t.arg);
}

static int run_c11(void *arg)
{
    struct thread_c11 t = *(struct thread_c11 *)arg;
    free(arg);
    pthread_setspecific(ending, &once);
    return t.run(t.arg);
}

/* By the library's own name alone: the program may lie in a folder of any name, and
 * have any name itself. */
static bool is_harmless(routine *run_)
{
    static const char *const names[] = {
        "libmpi.so",   "libmpich.so", "libopen-pal.so", "libopen-rte.so", "libpmix",
        "libprrte",    "libucs.so",   "libuct",         "libucp.so",      "libucm",
        "libevent",    "libfabric",   "libhwloc.so",    "mca_",           "libpsm",
        "libopenblas", "libblis"};
    Dl_info where;
    void *address;
    memcpy(&address, &run_, sizeof(address));
    if (dladdr(address, &where) == 0 || where.dli_fname == NULL)
        return false;
    const char *slash = strrchr(where.dli_fname, '/');
    const char *name = slash != NULL ? slash + 1 : where.dli_fname;
    if (strstr(name, ".so") == NULL)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Before MPI_Init only the environment says that this is a rank; after it, the program
 * may have emptied that. */
static bool is_rank(void)
{
    return record_on || getenv(STATE_VARIABLE) != NULL;
}

__attribute__((visibility("default"))) int
pthread_create(pthread_t *id, const pthread_attr_t *attr, routine *routine_, void *arg)
{
    static create *real;
    if (real == NULL)
        real_find(&real, "pthread_create", NULL);
    struct thread *t = NULL;
    if (is_rank() && !is_harmless(routine_))
        t = malloc(sizeof(*t));
    if (t == NULL)
        return real(id, attr, routine_, arg);
    pthread_once(&once, make_key);
    *t = (struct thread){.run = routine_, .arg = arg};
    record_thread_begins();
    int rc = real(id, attr, run, t);
    if (rc != 0) {
        record_thread_ends();
        free(t);
    }
    return rc;
}

/* The C library's own, which does not come by pthread_create. */
__attribute__((visibility("default"))) int thrd_create(thrd_t *id,
                                                       thrd_start_t routine_, void *arg)
{
    static int (*real)(thrd_t *, thrd_start_t, void *);
    if (real == NULL)
        real_find(&real, "thrd_create", NULL);
    struct thread_c11 *t = is_rank() ? malloc(sizeof(*t)) : NULL;
    if (t == NULL)
        return real(id, routine_, arg);
    pthread_once(&once, make_key);
    *t = (struct thread_c11){.run = routine_, .arg = arg};
    record_thread_begins();
    int rc = real(id, run_c11, t);
    if (rc != thrd_success) {
        record_thread_ends();
        free(t);
    }
    return rc;
}
