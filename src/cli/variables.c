/* variables.c - the environment variables that --env names */
#include "cli/variables.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/blob.h"

/* Open MPI's launcher passes on what stands here, with semicolons between the names;
 * the others pass on all that there is. */
static const char passed_on[] = "OMPI_MCA_mca_base_env_list";

static int add_one(struct variables *v, const char *name, size_t size)
{
    if (size == 0 || memchr(name, '=', size) != NULL || memchr(name, ';', size) != NULL)
        return ROTA_E_ARG;
    char **names = realloc(v->names, ((size_t)v->count + 1) * sizeof(char *));
    if (names == NULL)
        return ROTA_E_NOMEM;
    v->names = names;
    char *copy = strndup(name, size);
    if (copy == NULL)
        return ROTA_E_NOMEM;
    v->names[v->count++] = copy;
    return 0;
}

int variables_add(struct variables *v, const char *names)
{
    for (;;) {
        size_t size = strcspn(names, ",");
        int rc = add_one(v, names, size);
        if (rc != 0 || names[size] == '\0')
            return rc;
        names += size + 1;
    }
}

void variables_done(struct variables *v)
{
    for (int i = 0; i < v->count; i++)
        free(v->names[i]);
    free(v->names);
    *v = (struct variables){0};
}

/* Whether the environment's `entry` is of that name: NAME=..., or BASH_FUNC_NAME%%=...
 */
static bool is_of(const char *entry, const char *name)
{
    static const char function[] = "BASH_FUNC_";
    size_t size = strlen(name);
    if (strncmp(entry, name, size) == 0 && entry[size] == '=')
        return true;
    if (strncmp(entry, function, sizeof(function) - 1) != 0)
        return false;
    entry += sizeof(function) - 1;
    return strncmp(entry, name, size) == 0 && strncmp(entry + size, "%%=", 3) == 0;
}

/* The first entry of that name from `from` on, or NULL. */
static char **find(char **from, const char *name)
{
    for (; *from != NULL; from++)
        if (is_of(*from, name))
            return from;
    return NULL;
}

const char *variables_missing(const struct variables *v)
{
    for (int i = 0; i < v->count; i++)
        if (find(environ, v->names[i]) == NULL)
            return v->names[i];
    return NULL;
}

int variables_values(const struct variables *v, char ***out)
{
    struct blob values = {0};
    int rc = 0;
    for (int i = 0; i < v->count; i++)
        for (char **at = environ; rc == 0 && (at = find(at, v->names[i])); at++)
            rc = blob_put(&values, (const char *)at, sizeof(*at));
    char *end = NULL;
    if (rc == 0)
        rc = blob_put(&values, (const char *)&end, sizeof(end));
    if (rc != 0)
        blob_done(&values);
    else
        *out = (void *)values.data;
    return rc;
}

int variables_forward(const struct variables *v)
{
    struct blob list = {0};
    rota_auto(heap) char **values = NULL;
    const char *before = getenv(passed_on);
    int rc = v->count > 0 ? variables_values(v, &values) : 0;
    if (rc == 0 && before != NULL)
        rc = blob_put(&list, before, strlen(before));
    for (size_t i = 0; rc == 0 && values != NULL && values[i] != NULL; i++) {
        rc = list.size > 0 ? blob_put(&list, ";", 1) : 0;
        if (rc == 0)
            rc = blob_put(&list, values[i], strcspn(values[i], "="));
    }
    if (rc == 0 && values != NULL) {
        rc = blob_put(&list, "", 1);
        if (rc == 0 && setenv(passed_on, list.data, 1) != 0)
            rc = ROTA_E_NOMEM;
    }
    blob_done(&list);
    return rc;
}
