/* wait.h - spans that wait for a worker, or for their time */
#ifndef ROTA_SCHEDULE_WAIT_H
#define ROTA_SCHEDULE_WAIT_H

#include "schedule/plan_state.h"

/* A span that is in no list is ready: for the first time, or again (at the head of its
 * line, where it may join with the next and be gone). */
void wait_append(struct plan *p, struct span *s);
void wait_return(struct plan *p, struct span *s);

/* More tasks, of the same kind as the last of the level. */
void wait_grow(struct plan *p, struct level *l, uint64_t count);

/* It has failed, and is tried again later. */
void wait_delay(struct plan *p, int64_t now_ns, struct span *s);

/* Those whose time has come are ready. */
void wait_wake(struct plan *p, int64_t now_ns);

/* When the next one's comes, or INT64_MAX. */
int64_t wait_due_ns(const struct plan *p);

/* It waits no more: it is in no list. */
void wait_stop(struct plan *p, struct span *s);

/* Any that waits, or NULL. */
struct span *wait_first(const struct plan *p);

#endif
