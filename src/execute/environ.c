/* environ.c - an environment that makes nobody believe it is a rank
 *
 * Thrown out is whatever begins with one of `drop`, unless it begins with one of
 * `keep`. An Open MPI launcher passes its settings on as OMPI_MCA_*, among them
 * those that bind a process to this run, and they can't be told from the user's;
 * so all of them go.
 */
#include "execute/environ.h"

#include <stdbool.h>
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

int environ_scrub(char *const *env, char ***out)
{
    size_t count = 0;
    while (env[count] != NULL)
        count++;
    char **kept = calloc(count + 1, sizeof(char *));
    if (kept == NULL)
        return ROTA_E_NOMEM;

    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (begins_with_any(env[i], keep, sizeof(keep) / sizeof(keep[0])) ||
            !begins_with_any(env[i], drop, sizeof(drop) / sizeof(drop[0])))
            kept[n++] = env[i];
    *out = kept;
    return 0;
}
