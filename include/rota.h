/* rota.h - message passing whose every wait ends, with a result or with a reason
 *
 * The whole public API of Rota. A program includes this header, links -lrota and
 * its MPI, and is started with `rota exec -n N`, with mpiexec, with srun, or by
 * its name alone (it is then a run of one rank).
 *
 *     struct rota *r;
 *     struct rota_error err;
 *     if (rota_open(&r, &err) != 0) { ... err.text says why ... }
 *     if (rota_rank(r) == 0) {
 *         struct rota_message m;
 *         int rc = rota_recv(r, 1, ROTA_ANY_TAG, ROTA_FOREVER, &m);
 *         if (rc == 0)
 *             rota_message_done(&m);
 *         else if (rc == ROTA_E_LOST)
 *             ... rank 1 has gone; rota_fate() says how ...
 *     }
 *     rota_close(r);
 *
 * Threads: a handle belongs to the thread that opened it, and so does MPI; a program's
 * other threads may do whatever else they like.
 * Errors: every function that can fail returns 0 or a negative code of enum
 * rota_code, and on failure leaves its out-parameters untouched.
 */
#ifndef ROTA_H
#define ROTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#pragma GCC system_header /* its casts and names are C's: warn of the program's own */
extern "C" {
#endif

#define ROTA_API __attribute__((visibility("default")))

/* Every error code, grouped by what is lost: X(name, value, text). */
#define ROTA_CODES(X)                                                                  \
    /* nothing: the call can be made again, or differently */                          \
    X(ROTA_E_ARG, -1, "invalid argument")                                              \
    X(ROTA_E_STATE, -2, "called at the wrong time")                                    \
    X(ROTA_E_TIMEOUT, -3, "deadline passed")                                           \
    X(ROTA_E_NOMEM, -4, "out of memory")                                               \
    X(ROTA_E_IO, -5, "input or output failed")                                         \
    X(ROTA_E_NOTFOUND, -6, "not found")                                                \
    X(ROTA_E_END, -7, "there is nothing more to come")                                 \
    /* a peer, and with it what it would have sent */                                  \
    X(ROTA_E_LOST, -20, "the rank has gone")                                           \
    X(ROTA_E_FORMAT, -21, "malformed bytes from a peer")                               \
    /* the run */                                                                      \
    X(ROTA_E_MPI, -30, "MPI failed")                                                   \
    X(ROTA_E_LAUNCH, -31, "the ranks could not be started")                            \
    X(ROTA_E_DEAF, -32, "nothing arrives here any more: a rank died in shared memory")

enum rota_code {
#define ROTA_CODE_VALUE(name, value, text) name = (value),
    ROTA_CODES(ROTA_CODE_VALUE)
#undef ROTA_CODE_VALUE
};

/* What went wrong, for a person: a code and one sentence (no full stop, no line
 * break) that names what failed, the cause, and what to do. */
struct rota_error {
    int code;
    char text[508];
};

/* The text of a code alone; "success" for 0. Static, never NULL. */
ROTA_API const char *rota_strerror(int code);

/* A rank's handle on its run: opaque. */
struct rota;

/* Join the run: call it first in main, once, before MPI_Init.
 *
 * Under a launcher the calling process becomes the parent of a second process,
 * in which the same program starts anew and becomes the rank; the parent never
 * returns from this call. So whatever stands before it in main is done twice.
 * Standard input, output and error are the rank's.
 *
 * `*out` is the caller's: rota_close(). `err` may be NULL. Fails with
 * ROTA_E_STATE (MPI is initialized already, the run is open already, or another
 * rank was built with a Rota that speaks otherwise), ROTA_E_LAUNCH (the launcher
 * is another MPI's), ROTA_E_MPI, ROTA_E_IO, ROTA_E_NOMEM, or ROTA_E_LOST (rank 0
 * cannot be reached). */
ROTA_API int rota_open(struct rota **out, struct rota_error *err);

/* Leave the run: hands what was sent to the ranks that are still there, tells
 * the others that this one has left, frees `r`. NULL is accepted. Waits for no
 * collective; for a rank only while that one lives and has not yet taken what
 * was sent to it. MPI cannot be used afterwards. */
ROTA_API void rota_close(struct rota *r);

/* This rank's number, 0 to size - 1; and how many ranks the run began with. */
ROTA_API int rota_rank(const struct rota *r);
ROTA_API int rota_size(const struct rota *r);

#define ROTA_ANY_SOURCE (-1)
#define ROTA_ANY_TAG    (-1)
#define ROTA_FOREVER    (-1) /* no deadline, as a timeout in milliseconds */

/* Send `size_bytes` bytes at `data` to rank `dest` under `tag` (0 to INT_MAX).
 *
 * Returns 0 when the bytes have left this process: `data` may be changed, and the
 * message reaches its receiver even if this rank dies the moment after. A small
 * message goes at once, a large one waits for room at the receiver, which any call
 * of the receiver's makes. Between two ranks, messages keep their order. To itself
 * a rank may send too. Fails with ROTA_E_ARG, ROTA_E_NOMEM,
 * ROTA_E_MPI, ROTA_E_FORMAT or ROTA_E_DEAF (see rota_recv), or ROTA_E_LOST: the rank
 * has gone, rota_fate() says how; the message may or may not have reached it. */
ROTA_API int rota_send(struct rota *r, int dest, int tag, const void *data,
                       size_t size_bytes);

/* A message received. `data` holds `size_bytes` bytes and one more, which is 0;
 * it belongs to the message: rota_message_done(). After rota_probe() `data` is
 * NULL. */
struct rota_message {
    int source;
    int tag;
    size_t size_bytes;
    void *data;
};

/* Receive the earliest message from `source` (or ROTA_ANY_SOURCE) with `tag` (or
 * ROTA_ANY_TAG), waiting at most `timeout_ms` milliseconds (0: what is there
 * already; ROTA_FOREVER: until there is a message, or none can come any more).
 *
 * Fails with ROTA_E_TIMEOUT; with ROTA_E_LOST when `source` has gone and every
 * message that it had sent has been handed over (for ROTA_ANY_SOURCE: when that
 * holds for all other ranks); with ROTA_E_NOMEM when a message came that there is
 * no memory for: a short one stays for the next call, one above some 4,000 bytes is
 * gone; with ROTA_E_FORMAT when bytes came from `source` that are not Rota's, after
 * which neither of the two takes anything from the other; with ROTA_E_DEAF when nothing
 * that is sent to this rank arrives any more, as a rank died while it wrote to MPI's
 * shared memory (seen with MPICH); with ROTA_E_ARG or ROTA_E_MPI. */
ROTA_API int rota_recv(struct rota *r, int source, int tag, int64_t timeout_ms,
                       struct rota_message *out);

/* As rota_recv, but the message stays: `out` tells its source, tag and size. */
ROTA_API int rota_probe(struct rota *r, int source, int tag, int64_t timeout_ms,
                        struct rota_message *out);

/* Free what `m` holds. NULL, and a message that is done already, are accepted. */
ROTA_API void rota_message_done(struct rota_message *m);

/* How a rank is, or how it went. */
enum rota_how {
    ROTA_ALIVE,    /* as far as is known */
    ROTA_STOPPED,  /* alive, but stopped by signal `code`; it may go on */
    ROTA_CLOSED,   /* it called rota_close; its process may still be there */
    ROTA_EXITED,   /* its process ended with status `code` */
    ROTA_KILLED,   /* its process was ended by signal `code` */
    ROTA_FROZEN,   /* it stayed stopped (signal `code`) too long, and was ended */
    ROTA_VANISHED, /* its node, or the parent of its process, is not heard of */
};

struct rota_fate {
    enum rota_how how;
    int code; /* a status for ROTA_EXITED; a signal for _STOPPED, _KILLED, _FROZEN */
};

/* How rank `rank` is now. Fails with ROTA_E_ARG. */
ROTA_API int rota_fate(const struct rota *r, int rank, struct rota_fate *out);

/* A fate in words ("exited with status 1", "was killed by signal 9 (SIGKILL)"),
 * written to `buf` of `size` bytes, always terminated. Returns `buf`. */
ROTA_API const char *rota_fate_text(struct rota_fate fate, char *buf, size_t size);

/* ---- the farm ----------------------------------------------------------------------
 *
 * Tasks go to workers, results come back, and nothing is lost on the way: a dead
 * worker's tasks run elsewhere, and each task ends exactly once, in a value or in a
 * reason. Every rank of the program makes the same calls:
 *
 *     static int square(struct rota_task *task, void *context)
 *     {
 *         size_t size;
 *         const double *x = rota_task_data(task, &size);
 *         double y = *x * *x;
 *         return rota_task_return(task, &y, sizeof(y));
 *     }
 *
 *     struct rota_function functions[] = {{.name = "square", .run = square}};
 *     struct rota_farm_options options = {.functions = functions, .count = 1};
 *     struct rota_farm *farm;
 *     if (rota_farm_open(&options, &farm, &err) != 0) { ... }
 *     if (rota_farm_rank(farm) != 0)
 *         return rota_farm_work(farm, &err) ? 1 : 0;
 *
 * and rank 0, the manager, goes on:
 *
 *     for (double x = 0; x < 100; x++)
 *         rota_submit(farm, &(struct rota_spec){.data = &x, .size_bytes = sizeof(x)},
 *                     NULL);
 *     struct rota_result result;
 *     while (rota_next(farm, ROTA_FOREVER, &result) == 0)
 *         ... result.outcome, result.data ...
 *     rota_farm_close(farm);
 *
 * The farm moves along while the manager is in rota_next or submits. An attempt may
 * be made more than once where a worker was lost, frozen or slow; its result counts
 * once.
 */

/* A task, as its function sees it: opaque, and gone when the function returns. */
struct rota_task;

/* The work of a task. Returns 0, or any other number: the attempt has failed, and what
 * it returned as a value is dropped. It runs in a process of its own beside the rank
 * (farm option in_rank: in the rank itself, where what kills it kills the rank), and
 * must call neither MPI nor rota_send and its like. What it keeps in static variables
 * stays for the next task in the same process, but the process may be another at any
 * time. `context` is what the function was registered with. */
typedef int rota_run(struct rota_task *task, void *context);

/* Successive tasks that share all but their payloads. */
struct rota_alike {
    uint64_t task;     /* the first one's number */
    size_t count;      /* 1 or more */
    int attempt;       /* which try this is (from 1) */
    const void *data;  /* the first one's payload: rota_alike_data() */
    size_t size_bytes; /* of each payload */
    void *values;      /* where the values belong, one right behind the other, each of
                          the function's value_bytes; aligned as payloads are */
};

/* The work of many tasks in one call, for a function whose tasks are so tiny that a
 * call for each costs more than they do. Returns how many are done, from the first on:
 * their values have been written. If there is a next one, it could not be done like
 * this: it is given to `run`, and those behind it to this function again; more than
 * there are counts as none. As long as tasks are tiny it is given up to some hundred,
 * about a microsecond's work. */
typedef size_t rota_run_alike(const struct rota_alike *tasks, void *context);

struct rota_function {
    const char *name;
    rota_run *run; /* a task */
    void *context;
    rota_run_alike *run_alike; /* many tasks without a time limit, with in_rank; NULL:
                                  they are run one by one, as isolated ones are */
    size_t value_bytes;        /* of each value of run_alike: a multiple of 8 */
};

/* The payload of task `i`, from 0. */
static inline const void *rota_alike_data(const struct rota_alike *tasks, size_t i)
{
    return (const unsigned char *)tasks->data + i * ((tasks->size_bytes + 7) / 8 * 8);
}

/* The task's payload, aligned for any type of up to 8 bytes; valid until the function
 * returns. `size_bytes` may be NULL. */
ROTA_API const void *rota_task_data(const struct rota_task *task, size_t *size_bytes);

/* The task's number, and which try this is (from 1). */
ROTA_API uint64_t rota_task_id(const struct rota_task *task);
ROTA_API int rota_task_attempt(const struct rota_task *task);

/* The task's value: `size_bytes` bytes at `data`, copied; the last call counts. Returns
 * 0, or ROTA_E_ARG or ROTA_E_NOMEM, so that a function can end with it. */
ROTA_API int rota_task_return(struct rota_task *task, const void *data,
                              size_t size_bytes);

/* Say why the attempt fails, instead of a value. Returns -1, so that a function can
 * end with it: return rota_task_fail(task, "cannot open '%s'", path). */
ROTA_API int rota_task_fail(struct rota_task *task, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct rota_spec;

/* Submit a task from within a task. It exists once this attempt's result counts, and
 * not if it fails: so a task that is tried twice submits once. Its `near` counts as
 * in rota_submit. Returns 0, or ROTA_E_ARG, ROTA_E_NOTFOUND or ROTA_E_NOMEM. */
ROTA_API int rota_task_submit(struct rota_task *task, const struct rota_spec *spec);

/* The functions must be the same in every rank; slots, in_rank and the memory limit are
 * each rank's own; of all else the manager's count. */
struct rota_farm_options {
    const struct rota_function *functions; /* the same in every rank; copied, the names
                                              too */
    int count;
    int slots;          /* tasks that this rank runs at once; 0: one */
    bool in_rank;       /* run functions in the rank itself, one at a time: fast, but a
                           crash costs the rank, and so does a time limit (SIGALRM) */
    bool manager_works; /* rank 0 runs tasks too; alone, it always does */
    bool in_order;      /* results come in the order of submission */
    int poison_limit;   /* so many workers killed end a task; 0: three */
    int64_t retry_delay_ms;    /* before a failed task's second try, doubled for each
                                  further one; 0: 100 */
    size_t memory_limit_bytes; /* what an isolated attempt may allocate; 0: no limit */
};

/* A rank's handle on its farm: opaque. */
struct rota_farm;

/* Join the run as rota_open does (which is not called beside it), as the manager
 * (rank 0) or as a worker. Call it early: what the isolated functions know is what
 * this process knew when it was called. Fails as rota_open does, and with ROTA_E_ARG.
 * *out is the caller's: rota_farm_close(). */
ROTA_API int rota_farm_open(const struct rota_farm_options *options,
                            struct rota_farm **out, struct rota_error *err);

/* This rank, and how many there are. */
ROTA_API int rota_farm_rank(const struct rota_farm *farm);
ROTA_API int rota_farm_size(const struct rota_farm *farm);

/* A worker's part: run tasks until the manager closes the farm. A function that runs in
 * the rank itself and goes on for a minute after that (ROTA_OUTLIVE_MS) is ended with
 * its rank. Returns 0, or ROTA_E_LOST (the manager has gone), ROTA_E_STATE (in rank 0),
 * ROTA_E_NOMEM, ROTA_E_MPI, ROTA_E_FORMAT. */
ROTA_API int rota_farm_work(struct rota_farm *farm, struct rota_error *err);

/* Leave. The manager's leaving sends the workers home; tasks that have not ended are
 * dropped. NULL is accepted. */
ROTA_API void rota_farm_close(struct rota_farm *farm);

/* A task to submit; what is not set is 0. */
struct rota_spec {
    const char *function; /* its name; NULL: the first */
    const void *data;     /* payload: copied */
    size_t size_bytes;
    uint64_t tag; /* comes back with the result */
    int retries;  /* further attempts, should one fail, 0 to 1000 */
    int priority; /* higher ones first */
    int near;     /* ROTA_NEAR(rank): there, as long as it lives; 0: anywhere */
    int64_t time_limit_ms; /* of each attempt; 0: none */
};

#define ROTA_NEAR(rank) ((rank) + 1)

/* The manager's: add a task. *task (NULL is accepted) is its number, from 0 in the
 * order of submission; tasks that are generated, or submitted by tasks, are numbered
 * with them. Never waits. Fails with ROTA_E_ARG, ROTA_E_NOTFOUND (no such function),
 * ROTA_E_NOMEM, or ROTA_E_STATE (not the manager, or a generator has more). */
ROTA_API int rota_submit(struct rota_farm *farm, const struct rota_spec *spec,
                         uint64_t *task);

/* Add `count` tasks; *submitted (NULL is accepted) is how many were, which may be fewer
 * where this fails. */
ROTA_API int rota_submit_many(struct rota_farm *farm, const struct rota_spec *specs,
                              size_t count, size_t *submitted);

/* Add `count` tasks that are all as `spec` says, but for their payloads: at spec->data
 * these stand one right behind the other, spec->size_bytes each. It costs a fraction of
 * adding them one by one, here and on their way. *first (NULL is accepted) is the first
 * one's number, from which the others count on. *submitted (NULL is accepted) is how
 * many were added, which may be fewer where this fails with ROTA_E_NOMEM; else as
 * rota_submit. */
ROTA_API int rota_submit_alike(struct rota_farm *farm, const struct rota_spec *spec,
                               size_t count, uint64_t *first, size_t *submitted);

/* Gives the next task: true and *spec (all 0 before), whose data stays valid until the
 * next call; or false: there is none any more. Must not call the farm. */
typedef bool rota_generator(void *context, struct rota_spec *spec);

/* Have tasks generated as there is room for them: only some rounds for all workers
 * stand in memory at once. One generator at a time: the next may come once it has said
 * that there is none any more. Fails with ROTA_E_ARG or ROTA_E_STATE; where a task
 * cannot be submitted, rota_next fails with the reason, and that one is left out. */
ROTA_API int rota_generate(struct rota_farm *farm, rota_generator *generator,
                           void *context);

/* Writes the payloads of the next tasks to `payloads`, one right behind the other, and
 * returns how many: at most `most`; 0: there is none any more. `payloads` is aligned
 * for any type of up to 8 bytes. Must not call the farm. */
typedef size_t rota_filler(void *context, void *payloads, size_t most);

/* As rota_generate, for tasks that are all as `spec` says (copied), but for their
 * payloads of spec->size_bytes each; spec->data is not looked at. A filler that returns
 * more than was asked for ends there, and rota_next fails with ROTA_E_ARG. Fails with
 * ROTA_E_NOTFOUND and ROTA_E_NOMEM too. */
ROTA_API int rota_generate_alike(struct rota_farm *farm, const struct rota_spec *spec,
                                 rota_filler *filler, void *context);

/* How a task ended. */
enum rota_outcome {
    ROTA_DONE,      /* with a value: data */
    ROTA_FAILED,    /* its function returned `code` (rota_task_fail's is -1); data: what
                       that said */
    ROTA_CRASHED,   /* it was ended by signal `code` */
    ROTA_QUIT,      /* it ended its process with status `code` */
    ROTA_OVERTIME,  /* it ran out of time */
    ROTA_POISON,    /* `code` workers were lost while they ran it */
    ROTA_CANCELLED, /* rota_cancel */
    ROTA_UNTRIED,   /* no worker was left to try it */
    ROTA_OUTCOMES,  /* how many there are */
};

struct rota_result {
    uint64_t task;
    uint64_t tag;
    enum rota_outcome outcome;
    int code;
    const void *data; /* the farm's, aligned as the payload is, with a 0 byte behind it;
                         valid until the next rota_next, rota_next_run or
                         rota_farm_close */
    size_t size_bytes;
    int attempts;     /* that were begun, as far as is known */
    int worker;       /* the rank that had it last; -1: none */
    int64_t took_ns;  /* how long the last attempt ran there; of many tiny tasks their
                         mean */
    int64_t ended_ns; /* when it ended, since the farm was opened */
};

/* The manager's: take the next result, waiting at most `timeout_ms` milliseconds (0:
 * what is there; ROTA_FOREVER: until there is one or none can come). Each task's
 * result comes exactly once. Fails with ROTA_E_END (every task that was submitted or
 * generated has been told: one may submit on), ROTA_E_TIMEOUT, ROTA_E_NOMEM,
 * ROTA_E_MPI, ROTA_E_STATE (not the manager), ROTA_E_ARG, or what a generated task
 * failed with. */
ROTA_API int rota_next(struct rota_farm *farm, int64_t timeout_ms,
                       struct rota_result *out);

/* As rota_next, but takes results that are alike at once: *count of them, at most
 * `most` (1 or more). Each is as *out says, but for its task, which is out->task and on
 * from there, and its value: rota_run_value(). Behind these there is no 0 byte. It is
 * what to use for tiny tasks: results of neighbours that were done, with values of one
 * size, mostly come by the hundred; all others come one by one. Fails as rota_next
 * does. */
ROTA_API int rota_next_run(struct rota_farm *farm, int64_t timeout_ms, size_t most,
                           struct rota_result *out, size_t *count);

/* The value of result `i`, from 0, of those that rota_next_run gave: out->size_bytes
 * bytes, aligned as out->data is. */
static inline const void *rota_run_value(const struct rota_result *out, size_t i)
{
    return (const unsigned char *)out->data + i * ((out->size_bytes + 7) / 8 * 8);
}

/* The manager's: end a task that has not ended, with ROTA_CANCELLED as its result. An
 * attempt that runs already may go on, and does not count. Fails with ROTA_E_NOTFOUND
 * (it has ended, or never was), ROTA_E_ARG, ROTA_E_NOMEM or ROTA_E_MPI. */
ROTA_API int rota_cancel(struct rota_farm *farm, uint64_t task);

/* An outcome in words ("was ended by signal 11 (SIGSEGV)"), written to `buf` of `size`
 * bytes, always terminated. Returns `buf`. */
ROTA_API const char *rota_outcome_text(enum rota_outcome outcome, int code, char *buf,
                                       size_t size);

struct rota_stats {
    uint64_t submitted;
    uint64_t waiting; /* for a worker, or for their next try */
    uint64_t lent;    /* are with a worker */
    uint64_t ended[ROTA_OUTCOMES];
    uint64_t again;    /* attempts begun anew, after a failure or a loss */
    uint64_t refused;  /* results that came late, or a second time */
    uint64_t recalled; /* tasks taken back from the slow, the frozen and the lost */
    uint64_t copied;   /* tasks of stragglers run elsewhere too */
    int workers;       /* that are there */
    int lost;
    int slots;       /* of those that are there */
    int64_t busy_ns; /* that attempts whose results counted ran, in sum */
};

/* The manager's. */
ROTA_API void rota_farm_stats(const struct rota_farm *farm, struct rota_stats *out);

#ifdef __cplusplus
}
#endif

#endif
