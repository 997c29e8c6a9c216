/* farm.c - the farm as a library opens it: functions, over the ranks of a run */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "farm/inner.h"
#include "farm/wire.h"
#include "message/inner.h"

enum {
    FUNCTIONS_MAX = UINT16_MAX,
};

/* ---- opening ----------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_function(const struct rota_function *f, size_t i,
                          struct rota_error *err)
{
    if (f->name == NULL || f->run == NULL)
        return error_set(err, ROTA_E_ARG,
                         "function %zu of the farm has no name, or nothing to run", i);
    if (f->run_alike != NULL &&
        (f->value_bytes % 8 != 0 || f->value_bytes > PARCEL_SIZE_MAX))
        return error_set(err, ROTA_E_ARG,
                         "the values of function '%s' are of %zu bytes: where many "
                         "tasks are run at once, that must be a multiple of 8",
                         f->name, f->value_bytes);
    return 0;
}

static int check_names(const struct rota_farm_options *o, struct rota_error *err)
{
    size_t count = (size_t)o->count;
    rota_auto(heap) const char **names = malloc(count * sizeof(names[0]));
    if (names == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int rc = check_function(&o->functions[i], i, err);
        if (rc != 0)
            return rc;
        names[i] = o->functions[i].name;
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            return error_set(err, ROTA_E_ARG, "two functions are called '%s'",
                             names[i]);
    }
    return 0;
}

static int check_options(const struct rota_farm_options *o, struct rota_error *err)
{
    if (o == NULL || o->functions == NULL || o->count < 1 || o->count > FUNCTIONS_MAX)
        return error_set(err, ROTA_E_ARG, "a farm needs 1 to %d functions",
                         FUNCTIONS_MAX);
    int rc = check_names(o, err);
    if (rc != 0)
        return rc;
    if (o->slots < 0 || o->slots > WIRE_SLOTS_MAX || o->poison_limit < 0 ||
        o->retry_delay_ms < 0)
        return error_set(err, ROTA_E_ARG,
                         "an option of the farm is below 0, or asks "
                         "for too many slots");
    if (o->in_rank && o->slots > 1)
        return error_set(err, ROTA_E_ARG,
                         "functions that run in the rank itself run one at a time: "
                         "set slots to 1, or in_rank to false");
    return 0;
}

static struct rota_function *copy_functions(const struct rota_function *from, int count)
{
    size_t bytes = (size_t)count * sizeof(from[0]);
    for (int i = 0; i < count; i++)
        bytes += strlen(from[i].name) + 1;
    struct rota_function *to = malloc(bytes);
    if (to == NULL)
        return NULL;
    char *name = (char *)(to + count);
    for (int i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].name = name;
        name = stpcpy(name, from[i].name) + 1;
    }
    return to;
}

/* What must be there before MPI is. */
struct opening {
    const struct rota_farm_options *options; /* with functions of our own */
    struct executor *executor;
};

/* Which rank this is, and so whether it works, is not known yet: rank 0's executor may
 * be for nothing. */
static int before_mpi(void *ctx, struct rota_error *err)
{
    struct opening *o = ctx;
    struct executor_options options = {
        .functions = o->options->functions,
        .count = o->options->count,
        .slots = o->options->slots > 0 ? o->options->slots : 1,
        .memory_limit_bytes = o->options->memory_limit_bytes,
    };
    if (o->options->in_rank)
        return executor_in_rank_open(&options, &o->executor, err);
    return executor_isolated_open(&options, &o->executor, err);
}

static int open_link(struct opening *o, struct link **out, struct rota_error *err)
{
    struct rota *r;
    int rc = link_ranks_join(before_mpi, o, &r, err);
    if (rc != 0)
        return rc;
    rc = link_ranks_open(r, out);
    if (rc == 0)
        return 0;
    rota_close(r);
    return error_set(err, rc, "out of memory");
}

int rota_farm_open(const struct rota_farm_options *options, struct rota_farm **out,
                   struct rota_error *err)
{
    if (out == NULL)
        return error_set(err, ROTA_E_ARG,
                         "rota_farm_open needs somewhere to put the handle");
    int rc = check_options(options, err);
    if (rc != 0)
        return rc;
    rota_auto(heap) struct rota_function *functions =
        copy_functions(options->functions, options->count);
    if (functions == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    struct rota_farm_options own = *options;
    own.functions = functions;
    struct opening o = {.options = &own};
    rota_auto(link) struct link *link = NULL;
    rc = open_link(&o, &link, err);
    if (rc == 0)
        rc = farm_over(link, o.executor, &own, (struct farm_manner){0}, out, err);
    if (rc != 0) {
        executor_close(o.executor);
        return rc;
    }
    link = NULL;
    (*out)->owned = rota_steal(functions);
    return 0;
}

/* ---- words ------------------------------------------------------------------- */

const char *rota_outcome_text(enum rota_outcome outcome, int code, char *buf,
                              size_t size)
{
    const char *name = sigabbrev_np(code);
    switch (outcome) {
    case ROTA_DONE:
        snprintf(buf, size, "was done");
        break;
    case ROTA_FAILED:
        snprintf(buf, size, "failed with code %d", code);
        break;
    case ROTA_CRASHED:
        snprintf(buf, size, "was ended by signal %d (%s%s)", code, name ? "SIG" : "",
                 name ? name : "unknown");
        break;
    case ROTA_QUIT:
        snprintf(buf, size, "ended its process with status %d", code);
        break;
    case ROTA_OVERTIME:
        snprintf(buf, size, "ran out of time");
        break;
    case ROTA_POISON:
        snprintf(buf, size, "was given up, as it took %d worker%s along", code,
                 code == 1 ? "" : "s");
        break;
    case ROTA_CANCELLED:
        snprintf(buf, size, "was cancelled");
        break;
    case ROTA_UNTRIED:
        snprintf(buf, size, "was not done: no worker is left");
        break;
    case ROTA_OUTCOMES:
    default:
        snprintf(buf, size, "has no outcome");
        break;
    }
    return buf;
}
