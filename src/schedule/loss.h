/* loss.h - what becomes of a lost worker's tasks */
#ifndef ROTA_SCHEDULE_LOSS_H
#define ROTA_SCHEDULE_LOSS_H

#include "schedule/plan_state.h"

/* `w` is lost: its leases end. Needs no memory. */
void loss_of(struct plan *p, int64_t now_ns, struct worker *w);

#endif
