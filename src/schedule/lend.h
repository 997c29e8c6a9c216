/* lend.h - which ready tasks go to which worker, and how many at once */
#ifndef ROTA_SCHEDULE_LEND_H
#define ROTA_SCHEDULE_LEND_H

#include "schedule/plan_state.h"

/* The next batch to lend, or false: nothing is ready, nobody has room, or memory is
 * short. */
bool lend_next(struct plan *p, int64_t now_ns, struct plan_action *out);

#endif
