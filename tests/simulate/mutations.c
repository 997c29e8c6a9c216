/* mutations.c - bugs to plant in the scheduler, which the simulation must find
 *
 * The scheduler knows nothing of them: the linker hands us the calls that go from one
 * of its files to another (--wrap, in CMakeLists.txt), and one of them does something
 * else than it should.
 */
#include "mutations.h"

#include <stddef.h>

#include "schedule/copy.h"
#include "schedule/lease.h"
#include "schedule/loss.h"
#include "schedule/wait.h"

enum mutation {
    NONE,
    LATE_RESULT,   /* a lease is known by its place, though it is another one by now */
    ENDLESS_RETRY, /* failures are not counted */
    LEASE_FORGOTTEN, /* what a lost worker had stays with it */
    LOSER_KEPT,   /* of two that run a task, the slower one's result counts as well */
    TASK_DROPPED, /* what comes back from a worker is gone */
    FROZEN_LENT,  /* a frozen worker gets tasks */
    SHUT_LENT,    /* so does one that is shut */
    NEIGHBOUR_BLAMED, /* what was taken back is thought not to run any more */
};

const char *const mutation_names[] = {
    [NONE] = "none",
    [LATE_RESULT] = "late-result",
    [ENDLESS_RETRY] = "endless-retry",
    [LEASE_FORGOTTEN] = "lease-forgotten",
    [LOSER_KEPT] = "loser-kept",
    [TASK_DROPPED] = "task-dropped",
    [FROZEN_LENT] = "frozen-lent",
    [SHUT_LENT] = "shut-lent",
    [NEIGHBOUR_BLAMED] = "neighbour-blamed",
    NULL,
};

int mutation_planted;

/* ---- the calls ------------------------------------------------------------------- */

struct lease *__real_lease_find(const struct plan *p, int worker, uint64_t id);
struct lease *__wrap_lease_find(const struct plan *p, int worker, uint64_t id);
void __real_wait_delay(struct plan *p, int64_t now_ns, struct span *s);
void __wrap_wait_delay(struct plan *p, int64_t now_ns, struct span *s);
void __real_wait_return(struct plan *p, struct span *s);
void __wrap_wait_return(struct plan *p, struct span *s);
void __real_loss_of(struct plan *p, int64_t now_ns, struct worker *w);
void __wrap_loss_of(struct plan *p, int64_t now_ns, struct worker *w);
void __real_copy_retire_twin(struct plan *p, int64_t now_ns, struct span *s);
void __wrap_copy_retire_twin(struct plan *p, int64_t now_ns, struct span *s);
void __real_worker_place(struct plan *p, struct worker *w);
void __wrap_worker_place(struct plan *p, struct worker *w);

struct lease *__wrap_lease_find(const struct plan *p, int worker, uint64_t id)
{
    struct lease *l = __real_lease_find(p, worker, id);
    if (mutation_planted != LATE_RESULT || l != NULL)
        return l;
    const uint64_t place_bits = (UINT64_C(1) << 24) - 1;
    for (int i = 0; i < p->options.workers; i++) {
        TAILQ_FOREACH (l, &p->workers[i].leases, link) {
            if (((l->id ^ id) & place_bits) == 0)
                return l;
        }
    }
    return NULL;
}

void __wrap_wait_delay(struct plan *p, int64_t now_ns, struct span *s)
{
    if (mutation_planted == ENDLESS_RETRY)
        s->failures = 1;
    __real_wait_delay(p, now_ns, s);
}

void __wrap_wait_return(struct plan *p, struct span *s)
{
    if (mutation_planted == TASK_DROPPED)
        span_drop(&p->spans, s);
    else
        __real_wait_return(p, s);
}

void __wrap_loss_of(struct plan *p, int64_t now_ns, struct worker *w)
{
    if (mutation_planted == NEIGHBOUR_BLAMED)
        w->ghost = 0;
    if (mutation_planted != LEASE_FORGOTTEN)
        __real_loss_of(p, now_ns, w);
}

void __wrap_copy_retire_twin(struct plan *p, int64_t now_ns, struct span *s)
{
    struct span *twin = s->twin;
    if (mutation_planted != LOSER_KEPT || twin == NULL) {
        __real_copy_retire_twin(p, now_ns, s);
        return;
    }
    s->twin = NULL;
    twin->twin = NULL;
    if (!twin->indexed)
        tree_insert_before(&p->spans.index, &s->at, &twin->at);
    twin->indexed = true;
}

void __wrap_worker_place(struct plan *p, struct worker *w)
{
    bool frozen = w->frozen;
    bool shut = w->shut;
    if (mutation_planted == FROZEN_LENT)
        w->frozen = false;
    if (mutation_planted == SHUT_LENT)
        w->shut = false;
    __real_worker_place(p, w);
    w->frozen = frozen;
    w->shut = shut;
}
