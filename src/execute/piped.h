/* piped.h - start a process whose three standard descriptors are given */
#ifndef ROTA_EXECUTE_PIPED_H
#define ROTA_EXECUTE_PIPED_H

#include <stdbool.h>
#include <sys/types.h>

struct piped {
    char *const *argv; /* argv[0] is looked for in PATH */
    char *const *env;
    const char *folder; /* where it runs; NULL: where this process does */
    int in;             /* its standard input; -1: /dev/null */
    int out;
    int err;
};

/* Start it in a process group of its own, with no signal blocked and no other
 * descriptor of ours. The descriptors stay the caller's. Returns 0 and *pid, or an
 * errno: nothing runs then. */
int piped_start(const struct piped *s, pid_t *pid);

/* A pipe whose end with us (for reading, or else for writing) does not block. Returns
 * 0 or an errno; *ours and *theirs are the caller's, or -1. */
int piped_make(int *ours, int *theirs, bool we_read);

#endif
