/* launch.h - start ranks with a launcher: Open MPI's, MPICH's, Slurm's, or one that
 * only promises to understand `-n N`
 *
 *     struct launch *l;
 *     if (launch_start(&spec, &l, &err) == 0)
 *         launch_wait(l, &status, &err);
 *
 * One launcher at a time: between launch_start and the return of launch_wait the
 * caller is the reaper of its orphans, SIGCHLD, SIGINT, SIGTERM and SIGHUP are
 * blocked, and it may have no other children.
 */
#ifndef ROTA_LAUNCH_LAUNCH_H
#define ROTA_LAUNCH_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "rota.h"

/* What becomes of a signal. */
enum launch_heard {
    LAUNCH_PASS_ON, /* it is the launcher's: that is to end, within 10 s */
    LAUNCH_HEARD,   /* the run knows of it, and goes on as long as it takes */
    LAUNCH_ENDS,    /* the run knows of it, and is to end within 10 s */
};

struct launch_spec {
    int ranks;            /* how many */
    const char *mpiexec;  /* the launcher, a path or a name in PATH; NULL: what the
                             environment's ROTA_MPIEXEC names, else the one of the MPI
                             that Rota was built with, else PATH's mpiexec */
    const char *hosts;    /* "a:2,b:2" or NULL */
    const char *hostfile; /* path or NULL */
    int nodes;         /* above 0: one rank on each of so many nodes, and rank 0 beside
                          one of them: `ranks` is one more. The nodes are `hosts`, which
                          then have no counts, or those that the launcher knows */
    bool slurm;        /* in a Slurm allocation: the launcher is srun, unless
                          `mpiexec` names another */
    bool bound;        /* ranks may be bound to CPUs, as the launcher does by itself */
    bool overlap;      /* srun's: CPUs that another step of the allocation has */
    char *const *argv; /* program and its arguments, NULL at the end; a lone ":" is
                          refused, since launchers take it for a separator */
    bool *told;        /* NULL, or where launch_wait() says whether rank 0 told its
                          exit status itself */
    int *asked;        /* NULL, or where launch_wait() writes the first signal that
                          came; untouched without one */
    /* A signal came (the thread is launch_wait's), typed at a terminal or not. NULL: it
     * is the launcher's. Else the launcher's processes are a group of their own, which
     * a terminal's signals don't reach; nor can they read from it. */
    enum launch_heard (*heard)(void *ctx, int signal, bool typed);
    void *ctx;
    int *abandoned; /* NULL, or what another thread sets to 1 when nothing that the
                       launcher may yet do is of use (launch_wake() then): it is
                       killed with all that it has started */
};

/* The launcher that `mpiexec` names, as in a spec: where it is, and in a line what
 * it answers to --version. Both are the caller's, to be freed. Fails with
 * ROTA_E_LAUNCH, ROTA_E_IO or ROTA_E_NOMEM. */
int launch_find(const char *mpiexec, char **path, char **version,
                struct rota_error *err);

struct launch; /* a launcher that runs */

/* Start the launcher. What `spec` points to may go afterwards, but for *asked,
 * *told and `ctx`, which may go after launch_wait(). The launcher is sent SIGTERM when
 * the calling thread ends. On success *out is the caller's, to be given to
 * launch_wait(). Fails with ROTA_E_ARG (a spec that no launcher could run),
 * ROTA_E_LAUNCH (no launcher, or it cannot be started), ROTA_E_IO or ROTA_E_NOMEM;
 * nothing runs then. */
int launch_start(const struct launch_spec *spec, struct launch **out,
                 struct rota_error *err);

/* Its process, as long as launch_wait() has not returned. */
pid_t launch_pid(const struct launch *l);

/* Wait for the launcher's end. SIGINT, SIGTERM and SIGHUP that come meanwhile are
 * passed on to it, or told to spec->heard; at the third that is
 * to end it, and 10 s after the first, everything is killed.
 * *status is rank 0's exit status where rank 0 is one of Rota's and on this machine,
 * else the launcher's, or 128 + the signal that ended it. Nothing of its process tree
 * on this machine, nor of the shared memory that this had, is left afterwards. Frees
 * `l`, also where it fails: ROTA_E_LAUNCH if the launcher hung after everything that
 * it had started had ended, and so had to be killed, with the exit status unknown;
 * ROTA_E_TIMEOUT if a process could not be killed; ROTA_E_IO. */
int launch_wait(struct launch *l, int *status, struct rota_error *err);

/* From any thread: have launch_wait() look at `abandoned` now. */
void launch_wake(void);

#endif
