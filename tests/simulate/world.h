/* world.h - a farm under a virtual clock: the plan, and everything around it modelled
 *
 * Three parts share it: world.c has the clock, the network and the course of a run;
 * crowd.c the workers, which run tasks, are slow, stop and die; judge.c the manager,
 * which asks the plan, and holds what it says against what really happened.
 */
#ifndef ROTA_TESTS_SIMULATE_WORLD_H
#define ROTA_TESTS_SIMULATE_WORLD_H

#include "course.h"
#include "schedule/plan.h"

enum {
    WORKERS_MOST = 8,
    SLOTS_MOST = 4,
    TASKS_MOST = 400,
    LEASES_MOST = 20000,
    CELLS_MOST = 200000,
    INBOX_MOST = 512,
    QUEUE_MOST = 512,
    EVENTS_MOST = 200000,
};

enum event_kind {
    EVENT_ADD,      /* count tasks are added */
    EVENT_CANCEL,   /* task */
    EVENT_WAKE,     /* the plan asked for it */
    EVENT_JOIN,     /* at the manager: a worker has come */
    EVENT_LOST,     /* at the manager: it has gone, or never will come */
    EVENT_FROZEN,   /* at the manager: it was stopped */
    EVENT_THAWED,   /* at the manager: it goes on */
    EVENT_SHUT,     /* at the manager: a worker, or everyone, gets no more */
    EVENT_OPEN,     /* at the manager: or more again */
    EVENT_RESULTS,  /* at the manager: of tasks first to first + count - 1 of a lease */
    EVENT_FAILURE,  /* at the manager: of task `first` */
    EVENT_BATCH,    /* at the worker: a lease */
    EVENT_DROP,     /* at the worker: tasks of a lease are not wanted any more */
    EVENT_TASK_END, /* at the worker: in a slot, if `epoch` is still that slot's */
    EVENT_KILL,     /* the worker dies */
    EVENT_STOP,     /* the worker is stopped */
    EVENT_GO_ON,    /* and goes on */
};

/* What is true of a task, whatever the plan believes. */
struct truth {
    struct plan_class class;
    int64_t takes_ns;
    int64_t not_before_ns; /* its next try */
    int fails;             /* so many first attempts fail */
    int children;          /* tasks that it submits */
    bool poison;           /* who runs it dies */
    bool ended;
    int holders; /* leases that have it, as the manager was told */
    int failed;  /* failures that counted */
    int losses;  /* workers lost that held it */
};

/* A task of a lease: bits. */
enum cell {
    CELL_HELD = 1,    /* as the manager was told: its result counts */
    CELL_DROPPED = 2, /* as the worker was told: not wanted */
};

struct loan {
    uint64_t id; /* the plan's */
    int worker;
    uint32_t attempt;
    uint64_t first;
    uint64_t count;
    uint64_t held;     /* tasks whose cells say so */
    uint64_t next;     /* the next to run */
    uint64_t unsent;   /* the first result that is kept back; up to `next` */
    int64_t unsent_ns; /* what those took */
    unsigned char *cells;
};

struct slot {
    int loan; /* -1: idle */
    bool busy;
    uint32_t epoch;
    uint64_t task;
    int64_t since_ns;
    int64_t end_ns;
};

struct sim_worker {
    int slots;
    int slowness; /* tasks take so many times as long */
    bool here;    /* it has come */
    bool dead;
    bool stopped;
    bool drop_ends;  /* a running task that is dropped ends; else it goes on */
    uint64_t killer; /* the task that killed it, or UINT64_MAX */
    bool known_here; /* by the manager; so the following */
    bool known_lost;
    bool known_frozen;
    bool known_shut;
    int loans; /* that hold tasks, as the manager was told */
    struct slot slot[SLOTS_MOST];
    int queue[QUEUE_MOST]; /* loans that wait, a ring */
    unsigned queue_head;
    unsigned queue_tail;
    struct event inbox[INBOX_MOST]; /* what came while it was stopped */
    int inbox_count;
    int64_t stopped_ns; /* since when */
    int64_t last_in_ns; /* arrival of the last message to it, and from it */
    int64_t last_out_ns;
};

/* What may happen in this run; each in so many cases, 0: never. */
struct weather {
    int64_t least_ns; /* tasks take */
    int64_t most_ns;
    int64_t delay_most_ns;
    int one_poison_in;
    int one_failing_in;
    int one_parent_in;
    int one_near_in;
    int priorities;
    int kinds;
    int one_duplicate_in;
    int one_out_of_order_in;
    int keep_back; /* results, rather than send each */
    int no_memory_in;
    bool on_demand; /* tasks are added when the plan is hungry */
    uint64_t fit;   /* 0: all */
};

struct world {
    struct course course;
    struct weather weather;
    struct plan *plan;
    struct plan_options options;
    int64_t wake_ns;
    uint64_t tasks;
    uint64_t tasks_most; /* that will be added, children aside */
    uint64_t ended;
    uint64_t done;
    bool all_shut;
    int64_t lent_ns;     /* the last batch was, */
    int64_t gap_ns;      /* and so much must lie between two */
    uint64_t ended_held; /* leases of tasks that have ended: to be taken back */
    int loans;
    uint64_t cells;
    struct plan_counts met; /* over all runs: how often what was met */
    struct truth truth[TASKS_MOST];
    struct loan loan[LEASES_MOST];
    unsigned char cell[CELLS_MOST];
    struct sim_worker worker[WORKERS_MOST];
};

struct world *world_new(void);
void world_free(struct world *w);

/* One run. Whether all was well is said by w->course. */
void world_run(struct world *w, uint64_t seed);

/* ---- between the parts ----------------------------------------------------------- */

#define wrong(w, ...) course_wrong(&(w)->course, __VA_ARGS__)

void to_worker(struct world *w, struct event e);
void to_manager(struct world *w, struct event e);

/* crowd.c: something happens at a worker. */
void crowd_event(struct world *w, const struct event *e);

/* judge.c: something happens at the manager; add tasks; and at the end. */
void judge_event(struct world *w, const struct event *e);
void judge_end(struct world *w);

#endif
