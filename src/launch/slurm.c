/* slurm.c - what Slurm says of an allocation, in the environment
 *
 * A step's number tells who started this process: steps that a person's srun made are
 * counted from 0, and the highest numbers stand for the others (slurm.h of Slurm's own:
 * the batch script is no step in the environment of 22.05, and 0xfffffffb in some; the
 * interactive step is 0xfffffffa).
 */
#include "launch/slurm.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SPECIAL_STEPS 0xfffffff0UL /* from here on */

static const char *get(char *const *env, const char *name)
{
    size_t length = strlen(name);
    for (; *env != NULL; env++)
        if (strncmp(*env, name, length) == 0 && (*env)[length] == '=')
            return *env + length + 1;
    return NULL;
}

/* The number at *text, from 1 on, and *text behind it; 0: there is none. */
static int take_number(const char **text)
{
    char *end;
    if (**text < '0' || **text > '9')
        return 0;
    errno = 0;
    long n = strtol(*text, &end, 10);
    *text = end;
    return errno == 0 && n >= 1 && n <= INT_MAX ? (int)n : 0;
}

static int number(const char *text)
{
    int n = text ? take_number(&text) : 0;
    return n > 0 && *text == '\0' ? n : 0;
}

int slurm_count_nodes(const char *list)
{
    int nodes = 0;
    for (;;) {
        int times = 1;
        if (take_number(&list) == 0)
            return 0;
        if (strncmp(list, "(x", 2) == 0) {
            list += 2;
            times = take_number(&list);
            if (times == 0 || *list++ != ')')
                return 0;
        }
        if (__builtin_add_overflow(nodes, times, &nodes))
            return 0;
        if (*list == '\0')
            return nodes;
        if (*list++ != ',')
            return 0;
    }
}

static int count_nodes(char *const *env)
{
    static const char *const numbers[] = {"SLURM_JOB_NUM_NODES", "SLURM_NNODES"};
    static const char *const lists[] = {"SLURM_JOB_CPUS_PER_NODE",
                                        "SLURM_TASKS_PER_NODE"};
    int nodes = 0;
    for (size_t i = 0; i < 2 && nodes == 0; i++)
        nodes = number(get(env, numbers[i]));
    for (size_t i = 0; i < 2 && nodes == 0; i++) {
        const char *list = get(env, lists[i]);
        nodes = list ? slurm_count_nodes(list) : 0;
    }
    return nodes;
}

static bool is_persons_step(const char *step)
{
    return step != NULL && *step >= '0' && *step <= '9' &&
           strtoul(step, NULL, 10) < SPECIAL_STEPS;
}

struct slurm slurm_read(char *const *env)
{
    struct slurm s = {.place = SLURM_NONE};
    if (get(env, "SLURM_JOB_ID") == NULL && get(env, "SLURM_JOBID") == NULL)
        return s;
    const char *step = get(env, "SLURM_STEP_ID");
    s.nodes = count_nodes(env);
    s.place = get(env, "SLURMD_NODENAME") ? SLURM_NODE : SLURM_LOGIN;
    if (!is_persons_step(step ? step : get(env, "SLURM_STEPID")) ||
        s.place == SLURM_LOGIN)
        return s;
    s.place = get(env, "SLURM_PTY_PORT") ? SLURM_PTY : SLURM_TASK;
    s.tasks = number(get(env, "SLURM_STEP_NUM_TASKS"));
    return s;
}

int slurm_cpus(char *const *env)
{
    return get(env, "SLURMD_NODENAME") ? number(get(env, "SLURM_CPUS_ON_NODE")) : 0;
}

/* Whether `word` stands in `list`, between spaces, line ends and the like. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
        bool begins = at == list || strchr(" \t\n,", at[-1]) != NULL;
        if (begins && strchr(" \t\n,", at[length]) != NULL)
            return true; /* a text's end is in that, too */
    }
    return false;
}

const char *slurm_mpi(const char *list, bool openmpi)
{
    if (openmpi)
        return has_word(list, "pmix") ? "pmix" : NULL;
    return has_word(list, "pmi2") ? "pmi2" : has_word(list, "pmix") ? "pmix" : NULL;
}
