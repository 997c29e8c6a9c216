/* local.c - a crew of one: commands run in this process's own slots */
#include "farm/crew.h"

#include <stdbool.h>

#include "base/error.h"

struct local {
    struct crew crew;
    struct execute *execute;
    int slots;
    bool joined;
};

static int local_start(struct crew *c, int worker, uint64_t task, uint32_t attempt,
                       char *const *argv, struct rota_error *err)
{
    struct local *l = (struct local *)c;
    int rc = execute_start(l->execute, task, attempt, argv);
    if (rc != 0)
        return error_set(err, rc, "cannot start task %ju on worker %d: %s",
                         (uintmax_t)task, worker, rota_strerror(rc));
    return 0;
}

static int local_wait(struct crew *c, int timeout_ms, struct crew_event *out,
                      struct rota_error *err)
{
    struct local *l = (struct local *)c;
    if (!l->joined) {
        l->joined = true;
        *out = (struct crew_event){.kind = CREW_JOINED, .slots = l->slots};
        return 0;
    }
    struct execute_result result;
    int rc = execute_wait(l->execute, timeout_ms, &result);
    if (rc == ROTA_E_TIMEOUT)
        return rc;
    if (rc != 0)
        return error_set(err, rc, "cannot wait for commands: %s", rota_strerror(rc));
    *out = (struct crew_event){.kind = CREW_ENDED, .result = result};
    return 0;
}

static void local_close(struct crew *c)
{
    struct local *l = (struct local *)c;
    execute_close(l->execute);
    free(l);
}

static const struct crew_ops local_ops = {
    .start = local_start,
    .wait = local_wait,
    .close = local_close,
};

int crew_local_open(const struct execute_options *options, struct crew **out,
                    struct rota_error *err)
{
    rota_auto(heap) struct local *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    int rc = execute_open(options, &l->execute, err);
    if (rc != 0)
        return rc;
    l->crew = (struct crew){.ops = &local_ops, .workers = 1};
    l->slots = options->slots;
    *out = &rota_steal(l)->crew;
    return 0;
}
