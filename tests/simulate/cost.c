/* cost.c - what planning costs: time and memory a task
 *
 * Nothing is modelled but workers that all run at the same speed, so that what takes
 * time is the plan: leases are settled in the order of their beginning, as results of
 * equally fast workers come, and tasks are added when the plan is hungry.
 */
#include "cost.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "schedule/plan.h"

enum {
    RING = 1 << 13
};

static const struct plan_class plain = {.near = -1};

struct line {
    struct plan *p;
    int workers;
    int64_t task_ns;
    int64_t now_ns;
    uint64_t left; /* tasks to be added */
    struct plan_action lent[RING];
    unsigned head;
    unsigned tail;
};

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void feed(struct line *l)
{
    while (l->left > 0 && plan_is_hungry(l->p)) {
        uint64_t count = l->left < 64 ? l->left : 64;
        if (plan_add(l->p, &plain, count, NULL) != 0)
            abort();
        l->left -= count;
    }
}

static void act(struct line *l)
{
    struct plan_action a;
    while (plan_next(l->p, l->now_ns, &a)) {
        if (a.what == PLAN_LEND)
            l->lent[l->tail++ % RING] = a;
    }
}

static void settle(struct line *l)
{
    struct plan_action a = l->lent[l->head++ % RING];
    int64_t busy_ns = l->task_ns * (int64_t)a.span.count;
    l->now_ns += busy_ns / l->workers;
    while (a.span.count > 0) {
        uint64_t run;
        bool accepted;
        uint32_t attempt;
        if (plan_settle(l->p, l->now_ns, a.worker, a.lease, a.span, busy_ns, &run,
                        &accepted, &attempt) != 0)
            abort();
        a.span.first += run;
        a.span.count -= run;
    }
}

/* CPU time a task; *batches is how many were lent. */
static double cost_ns(int workers, int64_t task_ns, uint64_t tasks, uint64_t *batches)
{
    struct line *l = calloc(1, sizeof(*l));
    struct plan_options o = {.workers = workers};
    if (l == NULL || plan_new(&o, &l->p) != 0)
        abort();
    l->workers = workers;
    l->task_ns = task_ns;
    l->left = tasks;
    for (int i = 0; i < workers; i++)
        plan_join(l->p, 0, i, 1);
    int64_t since_ns = cpu_ns();
    feed(l);
    act(l);
    while (l->head != l->tail) {
        settle(l);
        feed(l);
        act(l);
    }
    double ns = (double)(cpu_ns() - since_ns) / (double)tasks;
    if (plan_counts(l->p)->done != tasks)
        abort();
    *batches = l->tail;
    plan_free(l->p);
    free(l);
    return ns;
}

static double least_of(int rounds, int workers, int64_t task_ns, uint64_t tasks,
                       uint64_t *batches)
{
    double least = 1e18;
    for (int i = 0; i < rounds; i++) {
        double ns = cost_ns(workers, task_ns, tasks, batches);
        least = ns < least ? ns : least;
    }
    return least;
}

static double print_time(int workers)
{
    static const int64_t task_ns[] = {20, 1000, 100000, 10000000};
    double one_by_one = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t tasks = task_ns[i] < 100000 ? 20000000 : 1000000;
        uint64_t batches;
        double ns = least_of(3, workers, task_ns[i], tasks, &batches);
        printf("%5d workers, tasks of %8ld ns: %8.3f ns a task, %7.1f ns a batch of "
               "%8.1f\n",
               workers, (long)task_ns[i], ns, ns * (double)tasks / (double)batches,
               (double)tasks / (double)batches);
        one_by_one = ns;
    }
    return one_by_one;
}

/* Bytes a task, of a million that wait; of `classes` in turn. */
static void print_memory(int classes)
{
    struct plan_options o = {.workers = 1};
    struct plan *p;
    const uint64_t tasks = 1000000;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    if (plan_new(&o, &p) != 0)
        abort();
    for (uint64_t i = 0; i < tasks; i++) {
        struct plan_class c = {.near = -1, .kind = (int)(i % (uint64_t)classes)};
        if (plan_add(p, &c, 1, NULL) != 0)
            abort();
    }
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    printf("a million tasks of %d class%s, added one by one: %.3f bytes a task\n",
           classes, classes == 1 ? "" : "es", (double)(after - before) / (double)tasks);
    plan_free(p);
}

int cost_print(int workers)
{
    print_memory(1);
    print_memory(2);
    if (workers > 0) {
        print_time(workers);
        return 0;
    }
    double few = print_time(2);
    print_time(10);
    print_time(100);
    double many = print_time(1000);
    printf("one by one, 1000 workers to 2: %.2f\n", many / few);
    return many < 4 * few ? 0 : 1;
}
