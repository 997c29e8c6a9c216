/* copy.h - the task of a straggler, run elsewhere too
 *
 * Both of its spans are leased, each by itself, and each is the other's twin. One of
 * them is indexed and counted, whichever.
 */
#ifndef ROTA_SCHEDULE_COPY_H
#define ROTA_SCHEDULE_COPY_H

#include "schedule/plan_state.h"

/* Lend the one task of `s` to `w`, too. What lease_reserve sees to must be there. */
struct lease *copy_begin(struct plan *p, int64_t now_ns, struct worker *w,
                         struct span *s);

/* The task of `s` has ended: take its twin back, if it has one. */
void copy_retire_twin(struct plan *p, int64_t now_ns, struct span *s);

/* `s` is out of its lease, and has a twin: that one goes on alone. Returns it; `s` is
 * gone. */
struct span *copy_go_on(struct plan *p, struct span *s);

#endif
