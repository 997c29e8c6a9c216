/* slow.h - what slow workers hold goes to idle ones
 *
 * Only while a slot is idle for which nothing is ready.
 */
#ifndef ROTA_SCHEDULE_SLOW_H
#define ROTA_SCHEDULE_SLOW_H

#include "schedule/plan_state.h"

/* If it is time, take back what it is worth while to take back: p->recalled. Or lend
 * the task of a straggler to another worker, too: true and *out. */
bool slow_next(struct plan *p, int64_t now_ns, struct plan_action *out);

/* Something has changed that makes another look worth while. */
void slow_look_soon(struct plan *p, int64_t now_ns);

/* When to look again, or INT64_MAX. */
int64_t slow_due_ns(const struct plan *p);

#endif
