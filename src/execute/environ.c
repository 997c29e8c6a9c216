/* environ.c - the environment of commands, which makes none believe it is a rank
 *
 * Thrown out is whatever begins with one of `drop`, unless it begins with one of
 * `keep`. An Open MPI launcher passes its settings on as OMPI_MCA_*, among them
 * those that bind a process to this run, and they can't be told from the user's;
 * so all of them go.
 */
#include "execute/environ.h"

#include <stdlib.h>
#include <string.h>

#include "rota.h"

static const char *const drop[] = {
    "PMI_",         "PMI2_",           "PMIX_",           "OMPI_",
    "PRTE_",        "HYDI_",           "HYDRA_",          "MPIRUN_",
    "MPIEXEC_",     "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "ROTA_RANK=",
    "ROTA_PARENT=",
};

static const char *const keep[] = {
    "OMPI_ALLOW_RUN_AS_ROOT",
};

static bool begins_with_any(const char *text, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static bool is_told(const char *text)
{
    return begins_with_any(text, drop, sizeof(drop) / sizeof(drop[0])) &&
           !begins_with_any(text, keep, sizeof(keep) / sizeof(keep[0]));
}

static bool has_name(char *const *own, const char *text)
{
    size_t name = strcspn(text, "=") + 1;
    for (; *own != NULL; own++)
        if (strncmp(*own, text, name) == 0)
            return true;
    return false;
}

static size_t count_of(char *const *env)
{
    size_t count = 0;
    while (env[count] != NULL)
        count++;
    return count;
}

int environ_make(char *const *env, char *const *own, bool scrub, char ***out)
{
    char **kept = calloc(count_of(own) + count_of(env) + 1, sizeof(char *));
    if (kept == NULL)
        return ROTA_E_NOMEM;

    size_t n = 0;
    for (; own[n] != NULL; n++)
        kept[n] = own[n];
    for (; *env != NULL; env++)
        if (!has_name(own, *env) && !(scrub && is_told(*env)))
            kept[n++] = *env;
    *out = kept;
    return 0;
}
