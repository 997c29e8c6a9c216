/* place.c - where a run's ranks are to be, if nobody has said how many
 *
 *   -n or a counted launcher                    as was said
 *   --hosts a,b                                 a rank on each, in an allocation by
 * srun
 *   --hosts :                                   here
 *   no allocation                               here
 *   an allocation of one node, and we are there here
 *   an allocation                               a rank on each node
 *   in it, as srun's only task                  here: srun has said where
 *   in it, as one of srun's tasks               refused: each would do everything
 *   in it, in srun's terminal                   a rank on each node, beside this step
 *
 * Who starts a program of his own (rota exec, rota guard) always says how many; in an
 * allocation srun starts them, unless srun has started this.
 */
#include "launch/place.h"

#include <string.h>

#include "base/error.h"

static int count_hosts(const char *hosts)
{
    int count = 1;
    for (; *hosts != '\0'; hosts++)
        count += *hosts == ',';
    return count;
}

/* Whether each can have a rank. */
static int check_hosts(const char *hosts, struct rota_error *err)
{
    for (const char *at = hosts; at != NULL;) {
        size_t length = strcspn(at, ",");
        if (memchr(at, ':', length) != NULL)
            return error_set(err, ROTA_E_ARG,
                             "--hosts '%s': a count needs -n; without, each host has "
                             "one rank, which runs as many commands as it has CPUs, or "
                             "as -j says",
                             hosts);
        if (length == 0)
            return error_set(err, ROTA_E_ARG, "--hosts '%s': a host has no name",
                             hosts);
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return 0;
}

static int choose_hosts(const struct slurm *s, const char *hosts, struct place *p,
                        struct rota_error *err)
{
    p->where = PLACE_NODES;
    p->nodes = count_hosts(hosts);
    p->slurm = s->place != SLURM_NONE;
    p->overlap = s->place == SLURM_TASK || s->place == SLURM_PTY;
    return check_hosts(hosts, err);
}

static int choose_in_slurm(const struct slurm *s, struct place *p,
                           struct rota_error *err)
{
    if (s->place == SLURM_TASK && s->tasks > 1)
        return error_set(err, ROTA_E_ARG,
                         "srun has started this as %d processes, each of which would "
                         "do everything; start it once, without srun: it starts a rank "
                         "on each node of the allocation by itself",
                         s->tasks);
    bool here = s->place == SLURM_NONE || s->place == SLURM_TASK ||
                (s->nodes == 1 && s->place != SLURM_LOGIN);
    if (here)
        return 0;
    if (s->nodes == 0)
        return error_set(
            err, ROTA_E_ARG,
            "Slurm's environment does not say how many nodes the "
            "allocation has (SLURM_JOB_NUM_NODES); give -n, or '--hosts :' "
            "for this machine alone");
    p->where = PLACE_NODES;
    p->nodes = s->nodes;
    p->slurm = true;
    p->overlap = s->place == SLURM_PTY;
    return 0;
}

int place_ranks(const struct slurm *s, struct place *out, struct rota_error *err)
{
    struct place p = {.where = PLACE_RANKS};
    if (s->place == SLURM_TASK && s->tasks > 1)
        return error_set(err, ROTA_E_ARG,
                         "srun has started this as %d processes, each of which would "
                         "start all ranks; start it once, without srun: in an "
                         "allocation it uses srun by itself",
                         s->tasks);
    p.slurm = s->place != SLURM_NONE && s->place != SLURM_TASK;
    p.overlap = s->place == SLURM_PTY;
    *out = p;
    return 0;
}

int place_choose(const struct slurm *s, const struct place_wish *wish,
                 struct place *out, struct rota_error *err)
{
    struct place p = {.where = PLACE_HERE};
    bool here = wish->hosts != NULL && strcmp(wish->hosts, ":") == 0;
    int rc = 0;
    if (here && wish->ranks > 0)
        rc = error_set(err, ROTA_E_ARG,
                       "--hosts : is this machine, without ranks; "
                       "leave out one of that and -n");
    else if (wish->ranks > 0)
        p.where = PLACE_RANKS;
    else if (wish->hostfile != NULL || (wish->mpiexec != NULL && wish->hosts == NULL))
        rc = error_set(err, ROTA_E_ARG,
                       "--mpiexec and --hostfile need -n: how many "
                       "ranks are to be started?");
    else if (wish->hosts != NULL && !here)
        rc = choose_hosts(s, wish->hosts, &p, err);
    else if (!here)
        rc = choose_in_slurm(s, &p, err);
    if (rc == 0)
        *out = p;
    return rc;
}
