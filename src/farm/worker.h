/* worker.h - the loop of a rank that works for rank 0 */
#ifndef ROTA_FARM_WORKER_H
#define ROTA_FARM_WORKER_H

#include <stdbool.h>

#include "rota.h"

struct worker_options {
    int slots;               /* commands that run at once */
    bool (*stop)(void *ctx); /* whether to give up; asked several times a second */
    void *ctx;
};

/* Work until the manager says that it is over, or stop() says so: 0. Fails with
 * ROTA_E_LOST where the manager has gone, ROTA_E_FORMAT where it sends nonsense, or
 * with what execute_open or rota_send fails with. No command is left running. */
int worker_run(struct rota *r, const struct worker_options *options,
               struct rota_error *err);

#endif
