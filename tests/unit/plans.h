/* plans.h - what the tests of the plan are made of: each step asserts what it says
 *
 * At time 0 where none is given. All but the first see to it that the plan's counts add
 * up.
 */
#ifndef ROTA_TESTS_UNIT_PLANS_H
#define ROTA_TESTS_UNIT_PLANS_H

#include "unit.h"

#include "rota.h"
#include "schedule/plan.h"

#define MS INT64_C(1000000)

extern const struct plan_class plain; /* near nobody */

struct plan *make_with(struct plan_options options);
struct plan *make(int workers);

/* A plan that knows: a task takes `task_ns`, and batches may be as large as they like.
 * Worker 0, with one slot, is there; *next is the next task's number. */
struct plan *make_paced(struct plan_options options, int64_t task_ns, uint64_t *next);

/* Returns the first one's number. */
uint64_t add_class(struct plan *p, struct plan_class c, uint64_t count);
void add(struct plan *p, uint64_t count);
void join(struct plan *p, int worker, int slots);
void counts_add_up(const struct plan *p);

/* What the plan wants next: nothing; to lend (returns the lease); to recall; to tell of
 * ends. */
void nothing_at(struct plan *p, int64_t now_ns);
void nothing(struct plan *p);
uint64_t lent_at(struct plan *p, int64_t now_ns, int worker, uint64_t first,
                 uint64_t count, uint32_t attempt);
uint64_t lent(struct plan *p, int worker, uint64_t first, uint64_t count);
void recalled_at(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                 uint64_t first, uint64_t count);
struct plan_action ended(struct plan *p, enum plan_why why, uint64_t first,
                         uint64_t count);

/* Reports `count` results: `good` of them must count; all; none. */
void settle_at(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
               uint64_t first, uint64_t count, int64_t each_ns, uint64_t good);
void settle(struct plan *p, int worker, uint64_t lease, uint64_t first, uint64_t count);
void refused(struct plan *p, int worker, uint64_t lease, uint64_t first,
             uint64_t count);
enum plan_verdict failed_at(struct plan *p, int64_t now_ns, int worker, uint64_t lease,
                            uint64_t task);

#endif
