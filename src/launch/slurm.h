/* slurm.h - what Slurm says of an allocation, in the environment
 *
 * Pure: environments in, answers out.
 */
#ifndef ROTA_LAUNCH_SLURM_H
#define ROTA_LAUNCH_SLURM_H

#include <stdbool.h>

/* How this process was started within its allocation. */
enum slurm_place {
    SLURM_NONE,  /* there is no allocation */
    SLURM_LOGIN, /* by salloc, beside the nodes */
    SLURM_NODE,  /* on one of its nodes: by sbatch, or as salloc's interactive step */
    SLURM_TASK,  /* by srun, as one of `tasks` */
    SLURM_PTY,   /* so too, with a terminal: a shell that a person works in */
};

struct slurm {
    enum slurm_place place;
    int nodes; /* that the allocation has; 0: it does not say */
    int tasks; /* SLURM_TASK, SLURM_PTY: of the step */
};

/* What `env`, an environment ended by NULL, says. */
struct slurm slurm_read(char *const *env);

/* The CPUs of this node that are allocated; 0: it does not say. */
int slurm_cpus(char *const *env);

/* How many nodes a list such as "2(x3),1" counts, as SLURM_TASKS_PER_NODE and
 * SLURM_JOB_CPUS_PER_NODE have it; 0: it is none. */
int slurm_count_nodes(const char *list);

/* The kind of process management that `srun --mpi=list` offers (`list` is what it
 * printed) and that Open MPI, or else MPICH, understands: "pmix" or "pmi2"; NULL: none
 * is there. */
const char *slurm_mpi(const char *list, bool openmpi);

#endif
