/* variables.c - the environment variables that --env names */
#include "cli/variables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/blob.h"

/* Open MPI's launcher passes on what stands here, with semicolons between the names;
 * the others pass on all that there is. */
static const char passed_on[] = "OMPI_MCA_mca_base_env_list";

/* What begins the name of a function that bash exports, */
static const char function[] = "BASH_FUNC_";
/* and what ends it. */
static const char function_end[] = "%%";

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
        bool all = size == 1 && names[0] == '_';
        int rc = all ? 0 : add_one(v, names, size);
        v->all = v->all || all;
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

/* ---- all but some ------------------------------------------------------------ */

/* The file's path, or its folder's. NULL without memory. */
static char *ignored_path(bool folder)
{
    const char *home = getenv("HOME");
    const char *own = getenv("PARALLEL_HOME");
    const char *name = folder ? "" : "/ignored_vars";
    char *path = NULL;
    int n = own != NULL && own[0] != '\0'
                ? asprintf(&path, "%s%s", own, name)
                : asprintf(&path, "%s/.parallel%s", home ? home : "", name);
    return n < 0 ? NULL : path;
}

static int out_of_memory(struct rota_error *err)
{
    return error_set(err, ROTA_E_NOMEM, "out of memory for the variables");
}

/* The whole file, with a line end before its first line. */
static int read_ignored(struct blob *out, struct rota_error *err)
{
    rota_auto(heap) char *path = ignored_path(false);
    char some[4096];
    if (path == NULL)
        return out_of_memory(err);
    FILE *f = fopen(path, "re");
    if (f == NULL && errno == ENOENT)
        return error_set(err, ROTA_E_NOTFOUND,
                         "--env _ takes all variables but those in '%s', which is not "
                         "there; 'rota run --record-env', in an environment without "
                         "what is wanted, makes it",
                         path);
    int rc = f != NULL ? blob_put(out, "\n", 1) : ROTA_E_IO;
    for (size_t n; rc == 0 && (n = fread(some, 1, sizeof(some), f)) > 0;)
        rc = blob_put(out, some, n);
    if (rc == 0 && ferror(f))
        rc = ROTA_E_IO;
    int error = errno;
    if (f != NULL)
        fclose(f);
    if (rc == ROTA_E_IO)
        return error_set(err, rc, "cannot read '%s': %s", path, strerror(error));
    return rc == 0 && blob_put(out, "\n", 2) == 0 ? 0 : out_of_memory(err);
}

/* Whether a line of `text` is these bytes. */
static bool has_line(const char *text, const char *name, size_t size)
{
    for (const char *at = text; (at = strchr(at, '\n')) != NULL && at[1] != '\0'; at++)
        if (strncmp(at + 1, name, size) == 0 && at[1 + size] == '\n')
            return true;
    return false;
}

/* Add an entry's name, or that of the function that it is. */
static int add_entry(struct variables *v, const char *name, size_t size)
{
    size_t head = sizeof(function) - 1;
    size_t tail = sizeof(function_end) - 1;
    if (size > head + tail && strncmp(name, function, head) == 0 &&
        strncmp(name + size - tail, function_end, tail) == 0)
        return add_one(v, name + head, size - head - tail);
    return add_one(v, name, size);
}

int variables_add_all(struct variables *v, struct rota_error *err)
{
    struct blob ignored = {0};
    int rc = read_ignored(&ignored, err);
    for (char **at = environ; rc == 0 && *at != NULL; at++) {
        size_t size = strcspn(*at, "=");
        if (size == 0 || strcspn(*at, ",;") < size || has_line(ignored.data, *at, size))
            continue;
        if (add_entry(v, *at, size) != 0)
            rc = out_of_memory(err);
    }
    blob_done(&ignored);
    return rc;
}

int variables_record(struct rota_error *err)
{
    rota_auto(heap) char *folder = ignored_path(true);
    rota_auto(heap) char *path = ignored_path(false);
    if (folder == NULL || path == NULL)
        return out_of_memory(err);
    mkdir(folder, 0777); /* or it is there, or the next call says why not */
    FILE *f = fopen(path, "we");
    for (char **at = environ; f != NULL && *at != NULL; at++)
        fprintf(f, "%.*s\n", (int)strcspn(*at, "="), *at);
    if (f != NULL && fclose(f) == 0)
        return 0;
    return error_set(err, ROTA_E_IO, "cannot write '%s': %s", path, strerror(errno));
}

int variables_names(const struct variables *v, char **out)
{
    struct blob names = {0};
    int rc = 0;
    for (int i = 0; rc == 0 && i < v->count; i++) {
        rc = i > 0 ? blob_put(&names, ",", 1) : 0;
        if (rc == 0)
            rc = blob_put(&names, v->names[i], strlen(v->names[i]));
    }
    if (rc == 0)
        rc = blob_put(&names, "", 1);
    if (rc != 0)
        blob_done(&names);
    else
        *out = names.data;
    return rc;
}

/* ---- in the environment ------------------------------------------------------ */

/* Whether the environment's `entry` is BASH_FUNC_NAME%%=... */
static bool is_function_of(const char *entry, const char *name)
{
    size_t size = strlen(name);
    if (strncmp(entry, function, sizeof(function) - 1) != 0)
        return false;
    entry += sizeof(function) - 1;
    return strncmp(entry, name, size) == 0 && strncmp(entry + size, "%%=", 3) == 0;
}

/* Whether it is of that name: NAME=..., or that. */
static bool is_of(const char *entry, const char *name)
{
    size_t size = strlen(name);
    return (strncmp(entry, name, size) == 0 && entry[size] == '=') ||
           is_function_of(entry, name);
}

bool variables_has_function(const char *name)
{
    for (char **at = environ; *at != NULL; at++)
        if (is_function_of(*at, name))
            return true;
    return false;
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
