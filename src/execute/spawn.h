/* spawn.h - a command's process, and the near ends of its pipes */
#ifndef ROTA_EXECUTE_SPAWN_H
#define ROTA_EXECUTE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

struct spawn_spec {
    char *const *argv;
    char *const *env;
    const char *folder; /* where it runs; NULL: where this process does */
    const void *input;  /* what it reads from standard input; NULL: nothing */
    size_t input_bytes;
};

/* What is not there is -1, or 0. The caller's, also where spawn_start has failed:
 * descriptors to be closed, and a process to be waited for. */
struct spawned {
    pid_t pid;
    int process; /* a pidfd */
    int out;     /* read ends that do not block */
    int err;
};

/* Start a process group with argv[0], which is looked for in PATH. Its input is held
 * by the system until it has been read, so it may be as slow as it likes, or not read
 * at all. Returns an errno. */
int spawn_start(const struct spawn_spec *s, struct spawned *out);

#endif
