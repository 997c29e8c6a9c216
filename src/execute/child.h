/* child.h - what the process of a slot does: take tasks, run them, tell the results */
#ifndef ROTA_EXECUTE_CHILD_H
#define ROTA_EXECUTE_CHILD_H

#include "execute/cell.h"
#include "execute/executor.h"

/* Work as life number `life` of a slot, until somebody ends this process. */
_Noreturn void child_run(struct cell *cell, struct cell_front *front,
                         const struct executor_options *options, uint32_t life);

#endif
