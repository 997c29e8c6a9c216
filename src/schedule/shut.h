/* shut.h - those who get no more: what they have not begun is wanted back */
#ifndef ROTA_SCHEDULE_SHUT_H
#define ROTA_SCHEDULE_SHUT_H

#include "schedule/plan_state.h"

/* The next worker to be asked for what it has not begun, or false. */
bool shut_next(struct plan *p, struct plan_action *out);

#endif
