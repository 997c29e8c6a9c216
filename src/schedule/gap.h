/* gap.h - the time between two tasks that are lent, where there must be some */
#ifndef ROTA_SCHEDULE_GAP_H
#define ROTA_SCHEDULE_GAP_H

#include "schedule/plan_state.h"

void gap_init(struct plan *p);

/* Whether nothing may wait at a worker. */
static inline bool gap_is_prompt(const struct plan *p)
{
    return p->gap_ns > 0 || p->options.prompt;
}

/* Whether a task may be lent now; if not, p->gap_due_ns says when. */
bool gap_is_over(struct plan *p, int64_t now_ns);

/* A task was lent. */
void gap_begin(struct plan *p, int64_t now_ns);

/* A task has succeeded, or failed. */
void gap_adapt(struct plan *p, bool succeeded);

#endif
