/* world.h - a farm under a virtual clock: real minds, and everything else modelled
 *
 * The manager's mind (farm/broker, with its ledger and plan) and the workers' minds
 * (farm/hand) are the real ones, and so are the bytes that they send each other. Around
 * them: world.c has the course of a run, weather.c what may happen in it; manager.c
 * drives the broker and worker.c the hands, as farm/manage.c and farm/work.c do;
 * executor.c is a worker's executor, which runs script.c's tasks; garble.c has what a
 * worker sends that has lost its mind. loans.c and judge.c hold what comes out against
 * what really happened, some of which they learn from calls.c.
 */
#ifndef ROTA_TESTS_SIMULATE_FARM_WORLD_H
#define ROTA_TESTS_SIMULATE_FARM_WORLD_H

#include <sys/queue.h>

#include "course.h"
#include "farm/broker.h"
#include "farm/hand.h"
#include "memory.h"

enum {
    WORKERS_MOST = 6,
    SLOTS_MOST = 4,
    FUNCTIONS = 3,
    PRINT = 4711, /* the functions' fingerprint */
    SCRIPTS_MOST = 20000,
    EVENTS_MOST = 500000,
    SLOWNESS_MOST = 60,
    NOBODY = -1,
};

enum event_kind {
    EVENT_SUBMIT, /* count tasks come */
    EVENT_CANCEL, /* one of the tasks that are */
    EVENT_WAKE,   /* the broker asked for it, or something failed and is tried again */
    EVENT_CLOSE,  /* before all is told */
    EVENT_NEWS,   /* at the manager: worker was stopped (count: 1) or goes on (0) */
    EVENT_REPORT, /* at the manager: a message */
    EVENT_LOST,   /* at the manager: no further one will come; count: overtime */
    EVENT_START,  /* the worker is there */
    EVENT_ORDER,  /* at the worker: a message */
    EVENT_LOOK,   /* the worker tries again what it had no memory for */
    EVENT_TASK_END, /* in a slot, if `epoch` is still that slot's */
    EVENT_KILL,
    EVENT_STOP,
    EVENT_GO_ON,
};

/* ---- what is true, whatever anyone believes -------------------------------------- */

enum fate {
    FATE_SUCCEED,
    FATE_FAIL,
    FATE_CRASH,
    FATE_QUIT,
    FATE_KILL, /* the worker, not only the attempt */
};

/* What a task is, and does. */
struct script {
    struct parcel_task task; /* without its payload's bytes */
    int64_t takes_ns;
    enum fate fate; /* of so many first attempts; the others succeed: */
    uint32_t fails;
    int code;
    size_t value_size;
    int children; /* that it submits */
    int depth;    /* of whose children */
    int parent;   /* the attempt that submits it, or NOBODY */
    bool exists;  /* it is a task */
};

/* One that was begun. */
struct attempt {
    int script;
    int loan;
    int worker;
    uint64_t task;
    int64_t took_ns;
    bool ended; /* so: */
    enum rota_outcome outcome;
    int code;
    int first_child; /* its script; the others' follow */
    int children;
    int born;     /* of these */
    bool counts;  /* the manager got its result while the task was this worker's */
    bool is_told; /* to the user */
};

/* A task, by its number. */
struct truth {
    int script;
    bool told;
    bool forgotten;
    bool cancelled;
    int lent;
    int holders;  /* loans that have it, as the manager was told */
    int failures; /* that counted */
    int losses;   /* of workers that had it */
};

/* A task of a lease, as it was sent. */
struct cell {
    bool held;    /* a result of it counts */
    bool dropped; /* the worker was told so */
    int attempt;  /* or NOBODY */
};

struct loan {
    uint64_t id;
    int worker;
    uint32_t attempt;
    uint64_t first;
    uint64_t count;
    size_t cells; /* place of the first of them */
};

/* ---- workers --------------------------------------------------------------------- */

struct message {
    STAILQ_ENTRY(message) link;
    unsigned char *data; /* free() */
    size_t size;
    int worker;
    bool garbled;
    bool lost;     /* instead of a message: no further one comes */
    bool overtime; /* and this is why */
    bool judged;   /* it has been shown to the judge */
};

STAILQ_HEAD(messages, message);

struct job;
TAILQ_HEAD(jobs, job);

/* A report that may be taken. */
struct ready {
    STAILQ_ENTRY(ready) link;
    struct executor_report report;
    unsigned char *records;
};

STAILQ_HEAD(readies, ready);

struct slot {
    struct job *job; /* NULL: idle */
    bool busy;
    uint32_t epoch;
    int attempt;
    int64_t end_ns;
};

struct script_executor {
    struct executor base;
    struct world *world;
    int worker;
    struct jobs waiting;
    struct slot slot[SLOTS_MOST];
    struct readies ready;
    struct ready *given; /* the one taken last, until the next call */
    bool resting;        /* in_rank: goes on in the next call of take */
};

enum condition {
    ABSENT,
    HERE,
    HOME, /* it was sent there */
    DEAD,
};

struct sim_worker {
    enum condition condition;
    bool stopped;
    bool due;     /* it would have come while it was stopped */
    bool in_rank; /* tasks run in the rank itself: one at a time, and it is deaf
                     meanwhile */
    bool garbles; /* may lose its mind */
    uint64_t print;
    int slots;
    int slowness;    /* tasks take so many times as long */
    uint64_t killer; /* the task that it died of, or UINT64_MAX */
    struct hand *hand;
    struct script_executor executor;
    bool holding; /* its hand has a report that is not sent yet */
    bool telling; /* or whether it has room */
    struct messages inbox;
    int64_t stopped_ns;    /* since when */
    int64_t shut_until_ns; /* it has no room for more */
    int shuts;             /* so often so far */
    int64_t last_in_ns;    /* arrival of the last message to it, */
    int64_t last_out_ns;   /* from it, */
    int64_t last_news_ns;
    uint64_t sent;   /* messages */
    uint64_t taken;  /* of those, by the manager */
    uint64_t arrive; /* as many as do */
    bool known_here; /* by the manager; so the following */
    bool known_stopped;
    bool known_shut;
    bool known_lost;
    bool known_mad;  /* it has sent nonsense, or has other functions */
    bool known_gone; /* broker_lost has been called */
};

/* ---- the whole ------------------------------------------------------------------- */

/* What may happen in this run; each in so many cases, 0: never. */
struct weather {
    int64_t least_ns; /* tasks take */
    int64_t most_ns;
    int64_t delay_most_ns;
    int64_t span_ns; /* how long all may take one by one, about */
    int one_poison_in;
    int one_failing_in;
    int one_parent_in;
    int one_near_in;
    int one_limited_in;
    int one_large_in;
    int one_duplicate_in;
    int one_garbled_in;
    int one_shut_in;
    int no_memory_in;
    int no_send_in;
    int keep_back; /* results, rather than send each */
    int priorities;
    int depth; /* of children's children */
    int batch; /* tasks submitted at once, at most */
    int lazy;  /* results asked for at once, at most; 0: all */
    size_t large;
    bool on_demand; /* tasks are submitted when the broker is hungry */
    bool alike;     /* most tasks share all but their payloads, and so their results */
};

/* What was met in all runs. */
struct met {
    uint64_t tasks;
    uint64_t born;
    uint64_t ended[ROTA_OUTCOMES];
    uint64_t lost;
    uint64_t again;
    uint64_t refused;
    uint64_t recalled;
    uint64_t copied;
};

struct world {
    struct course course;
    struct weather weather;
    struct broker_options options;
    struct broker *broker;
    struct messages inbox; /* the manager's; each worker's in order */
    struct sim_worker worker[WORKERS_MOST];
    int64_t wake_ns;
    uint64_t to_come; /* tasks, children aside */
    int submitting;   /* the script, or NOBODY */
    bool behind;      /* the broker could not do all that it wanted to, so far */
    bool finished;    /* the workers were sent home */
    bool closed_early;
    uint64_t messages; /* that are the broker's */
    struct script *scripts;
    int scripts_count;
    size_t scripts_cap;
    struct attempt *attempts;
    int attempts_count;
    size_t attempts_cap;
    struct loan *loans;
    int loans_count;
    size_t loans_cap;
    struct cell *cells;
    size_t cells_count;
    size_t cells_cap;
    struct truth *truth;
    uint64_t tasks;
    size_t truth_cap;
    uint64_t told;
    uint64_t told_as[ROTA_OUTCOMES];
    uint64_t forgotten;
    uint64_t stale; /* results that came and don't count */
    struct met met;
};

struct world *world_new(void);
void world_free(struct world *w);

/* One run. Whether all was well is said by w->course. */
void world_run(struct world *w, uint64_t seed);

/* ---- between the parts ----------------------------------------------------------- */

#define wrong(w, ...) course_wrong(&(w)->course, __VA_ARGS__)
#define say(w, ...)   course_say(&(w)->course, __VA_ARGS__)

/* One in `one_in`; 0: never. */
bool by_chance(struct world *w, int one_in);

/* Calls a mind while memory may be short: again for as long as it is, or once. */
#define insist(w, rc, call)                                                            \
    memory_insist(&(w)->course.dice, (w)->weather.no_memory_in, rc, call)
#define try_once(w, rc, call)                                                          \
    memory_try(&(w)->course.dice, (w)->weather.no_memory_in, rc, call)

/* `array`, with room for element `count`. */
void *grown(void *array, size_t *cap, size_t count, size_t each);

void message_free(struct message *m);
void messages_clear(struct messages *list);

/* weather.c: choose what this run is like. */
void weather_choose(struct world *w);

/* script.c: the next script, a child's of attempt `parent` or NOBODY's; NOBODY: there
 * are too many. */
int script_new(struct world *w, int parent, int depth);
/* Its payload, to `out` of task.size bytes. */
void script_write_payload(const struct world *w, int script, unsigned char *out);
/* Which one a task is; NOBODY: none, or it was garbled on its way. */
int script_find(const struct world *w, const struct parcel_task *t);
/* What an attempt returns, or says where it fails, to `out` of value_size bytes. */
void script_write_value(const struct world *w, int attempt, unsigned char *out);
bool script_is_value(const struct world *w, int attempt, const unsigned char *data,
                     size_t size);

/* manager.c: something happens there. */
void manager_open(struct world *w);
void manager_event(struct world *w, const struct event *e);

/* worker.c: something happens there. */
void worker_open(struct world *w, int worker);
void worker_close(struct world *w, int worker);
void worker_event(struct world *w, const struct event *e);
void worker_die(struct world *w, int worker, uint64_t killer, bool overtime);
void worker_look(struct world *w, int worker);

/* executor.c: a worker's executor. */
void executor_prepare(struct world *w, int worker);
void executor_task_end(struct world *w, const struct event *e);
/* All that runs ends so much later. */
void executor_postpone(struct world *w, int worker, int64_t by_ns);
/* Stop at once. */
void executor_clear(struct script_executor *x);

/* garble.c: make nonsense of the message, in one of many ways. */
void garble(struct world *w, struct message *m);

/* loans.c: who has what; as each of these happens. */
void loans_sent(struct world *w, int worker, const void *data, size_t size);
void loans_obeyed(struct world *w, int worker, const void *data, size_t size);
int loans_begun(struct world *w, int worker, uint64_t lease, uint64_t task,
                const struct parcel_task *t);
void loans_came(struct world *w, const struct message *m);
void loans_lost(struct world *w, int worker);

/* judge.c: what came out; as each of these happens. */
void judge_added(struct world *w, uint64_t task, const struct parcel_task *t);
void judge_told(struct world *w, const struct rota_result *r);
void judge_forgotten(struct world *w, uint64_t first, uint64_t count);
void judge_stats(struct world *w);
void judge_end(struct world *w);

#endif
