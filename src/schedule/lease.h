/* lease.h - who has what: workers, and the batches that are lent to them */
#ifndef ROTA_SCHEDULE_LEASE_H
#define ROTA_SCHEDULE_LEASE_H

#include "schedule/plan_state.h"

/* Put the worker into the list of those with as much room; at the tail, so that those
 * with the same room take turns. */
void worker_place(struct plan *p, struct worker *w);

/* See that a lease of `count` tasks can begin, with a span cut for it. Fails with
 * ROTA_E_NOMEM. */
int lease_reserve(struct plan *p);

/* `worker` has the tasks of `s`, which is in no list, from now on. The rest of *l is
 * the caller's to say. */
struct lease *lease_begin(struct plan *p, int64_t now_ns, struct worker *w,
                          struct span *s);

/* The lease that `worker` calls so, or NULL: it is not, or no longer, its. */
struct lease *lease_find(const struct plan *p, int worker, uint64_t id);

/* Its worker has reported something of it. */
void lease_heard(struct lease *l, int64_t now_ns);

/* The first `count` tasks of `s` are reported: fewer than all. */
void lease_trim(struct plan *p, struct span *s, uint64_t count);

/* Take `s` out of its lease, which ends with its last span: `s` is in no list. */
void lease_leave(struct plan *p, int64_t now_ns, struct span *s);

/* Take `s` back: its worker is to be told, and then the rest follows. */
void lease_recall(struct plan *p, int64_t now_ns, struct span *s, enum span_then then);

/* Cut off the first task of `l`, so that it is a span by itself: returns that. Once for
 * a lease: needs no memory. */
struct span *lease_cut_first(struct plan *p, struct lease *l);

/* Take back all that `l` has, or all but its first task. Needs no memory. */
void lease_recall_rest(struct plan *p, int64_t now_ns, struct lease *l, bool but_first);

/* The number of attempts of the tasks of `s`, which is in a lease. */
uint32_t lease_begun(const struct span *s);

void lease_store_init(struct lease_store *store);
void lease_store_done(struct lease_store *store);

#endif
