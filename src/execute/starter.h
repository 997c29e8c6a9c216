/* starter.h - start processes, one after another, for as little as that can cost
 *
 * posix_spawn asks the kernel some eighty things for each process: how it handles each
 * signal, how many files may be open, for memory. Where commands are as short as
 * starts, that is what a run is made of.
 */
#ifndef ROTA_EXECUTE_STARTER_H
#define ROTA_EXECUTE_STARTER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

struct starter {
    char *stack; /* of what is to become the process */
    int null;    /* /dev/null */
    char *path;  /* PATH, as it was at first */
    char *
        *tries; /* where it says that the program of this name may be, ended by NULL */
    size_t found;            /* where it was */
    char name[NAME_MAX + 1]; /* of the program that was looked for last, or "" */
    struct rlimit files;     /* how many may be open, as it was at first */
    bool raised;             /* it is not so any more */
};

struct starter_spec {
    char *const *argv; /* argv[0] is looked for in PATH */
    char *const *env;
    const char *folder; /* where it runs; NULL: where this process does */
    int in;             /* its standard input; -1: /dev/null */
    int out;
    int err;
};

/* Fails with ROTA_E_NOMEM or ROTA_E_IO; it may be given to starter_done all the same.
 */
int starter_init(struct starter *s);

/* Let this process have `files` open at once, where fewer are allowed but so many could
 * be; what is started may have as many as before. Returns 0 or an errno. */
int starter_reserve(struct starter *s, rlim_t files);

/* So may one that is all zero bytes. */
void starter_done(struct starter *s);

/* Start a process in a group of its own, with no signal blocked and no other descriptor
 * of ours. A file without a format that the kernel knows is a shell's script, as for a
 * shell. A program that was found in PATH is looked for there first the next time. The
 * descriptors stay the caller's. Returns 0, *pid, and *process (a pidfd, the caller's),
 * or an errno: nothing runs then. */
int starter_start(struct starter *s, const struct starter_spec *spec, pid_t *pid,
                  int *process);

/* A pipe whose end with us (for reading, or else for writing) does not block. Returns
 * 0 or an errno; *ours and *theirs are the caller's, or -1. */
int starter_pipe(int *ours, int *theirs, bool we_read);

#endif
