/* store.h - the run file: what a run is to do, has done, and with whom
 *
 *     store_create("sweep.db", &start, &s, &err);       or store_resume
 *     store_add_task(s, "a.png", 6, &task, &err);
 *     store_listed(s, &err);
 *     store_add_result(s, &result, &err);
 *     store_tick(s, clock_now_ns(), &err);              now and then
 *     store_end(s, 0, "complete", &err);
 *     store_close(s);
 *
 * What is added is held in memory and committed in groups, so that a task costs a few
 * microseconds. A group is committed when there are STORE_GROUP_RESULTS results in it,
 * or STORE_GROUP_BYTES bytes; by store_tick, STORE_GROUP_NS after the last one; and by
 * store_flush. Where that would take more than a fifth of the time (a slow disk, very
 * many results), groups become larger, and commits seldomer: up to two seconds, or
 * STORE_RESTED_BYTES. What has been committed survives the end of this process and of
 * the machine. What has not is in memory still, also where the commit has failed (the
 * disk is full): the next one tries it again, after a while that grows to two seconds.
 * So a failure of what follows says that the file lags behind, and not that anything
 * was lost; ROTA_E_NOMEM alone says that the record was not taken.
 *
 * Another program that reads (`sqlite3` in a transaction, say) may keep a group from
 * being committed. store_tick then leaves it for later, up to STORE_HELD_BYTES; who
 * must commit waits ten seconds at most.
 *
 * The file is locked (lock.h) until store_close, or the end of the process. A process
 * has one run file open once, and what it forks must not live on without exec. A handle
 * belongs to one thread at a time. read.h has what reads.
 */
#ifndef ROTA_STORE_H
#define ROTA_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rota.h"

enum {
    STORE_GROUP_RESULTS = 4000,
    STORE_GROUP_BYTES = 4 << 20,
    STORE_GROUP_NS = 100000000,
    STORE_RESTED_BYTES = 16 << 20,
    STORE_HELD_BYTES = 64 << 20,
};

struct store;

/* What is written down at the beginning. */
struct store_start {
    const char *version; /* Rota's */
    const char *command; /* what is run, for people; store_create alone, as is: */
    const char *folder;  /* where; reader_start gives it back, and so */
    char *const *words;  /* these */
    int word_count;
};

/* Begin a new run file at `path`, which must not be there, or be empty. It is readable
 * by its owner alone. Fails with ROTA_E_STATE (a run file is there, or a run is writing
 * to it), ROTA_E_FORMAT (another file is there, and stays as it is), ROTA_E_IO, or
 * ROTA_E_NOMEM; nothing is then left behind. *out is the caller's: store_close(). */
int store_create(const char *path, const struct store_start *start, struct store **out,
                 struct rota_error *err);

/* Go on with the run file at `path`. Fails with ROTA_E_STATE (a run is writing to it),
 * ROTA_E_FORMAT (no run file, a newer one, or damaged), ROTA_E_IO, ROTA_E_TIMEOUT
 * (another program holds it) or ROTA_E_NOMEM. */
int store_resume(const char *path, const struct store_start *start, struct store **out,
                 struct rota_error *err);

/* Commit, as far as that is possible, and close. NULL is accepted. */
void store_close(struct store *s);

/* All that follow fail with ROTA_E_IO, ROTA_E_TIMEOUT or ROTA_E_FORMAT where a commit
 * has failed, with ROTA_E_NOMEM, or with ROTA_E_ARG. */

/* The next task of the list. `arguments`: one or more strings one behind another, each
 * with its 0 byte, `size` bytes in all. *task is its number, from 1. */
int store_add_task(struct store *s, const char *arguments, size_t size, uint64_t *task,
                   struct rota_error *err);

/* The names of the arguments, from the first on: before the first task. */
int store_add_names(struct store *s, const char *const *names, int count,
                    struct rota_error *err);

/* The list has come to its end: it stands in the file as a whole. */
int store_listed(struct store *s, struct rota_error *err);

/* How a task ended. */
struct store_result {
    uint64_t task;
    enum rota_outcome outcome; /* not ROTA_UNTRIED: that is no end */
    int code;
    const char *reason; /* more for people; or NULL */
    int attempts;       /* that were begun in this session; 0: one */
    int rank;           /* -1: none */
    int64_t took_ns;
    const void *out; /* what it wrote */
    size_t out_bytes;
    const void *err;
    size_t err_bytes;
};

/* Record it, at the present time. The first one of a task's counts, and any other is
 * dropped. */
int store_add_result(struct store *s, const struct store_result *r,
                     struct rota_error *err);

/* Record a try that is not the task's end; what it wrote is not kept. */
int store_add_try(struct store *s, const struct store_result *r,
                  struct rota_error *err);

int store_worker_came(struct store *s, int rank, const char *host, int slots,
                      struct rota_error *err);
int store_worker_went(struct store *s, int rank, const char *how,
                      struct rota_error *err);
int store_event(struct store *s, const char *what, struct rota_error *err);

/* Commit if it is time to. */
int store_tick(struct store *s, int64_t now_ns, struct rota_error *err);

/* When store_tick has something to do; INT64_MAX: nothing waits. */
int64_t store_due_ns(const struct store *s);

/* Commit now, unless another program is in the way: then that is left for later, and
 * store_due_ns shows that something waits. */
int store_commit(struct store *s, struct rota_error *err);

/* Commit now, in any case. */
int store_flush(struct store *s, struct rota_error *err);

/* The session has ended, with this exit status; `how` is for people. */
int store_end(struct store *s, int status, const char *how, struct rota_error *err);

/* --- to resume ------------------------------------------------------------ */

/* How many tasks there are, and whether these are all of the list. */
uint64_t store_tasks(const struct store *s);
bool store_is_listed(const struct store *s);

/* Make the tasks that failed ones that are left to do; *count is how many. Their
 * attempts stay on record. */
int store_retry_failed(struct store *s, uint64_t *count, struct rota_error *err);

/* The arguments of a task, as store_next_left gives them, valid until the next call.
 * Fails with ROTA_E_NOTFOUND. */
int store_task(struct store *s, uint64_t task, const char **arguments, size_t *size,
               struct rota_error *err);

/* How many tasks have no result, and how many one that is none. */
int store_count(struct store *s, uint64_t *left, uint64_t *failed,
                struct rota_error *err);

/* The names of the arguments: *names is one block, NULL at its end, to be freed. */
int store_names(struct store *s, char ***names, int *count, struct rota_error *err);

/* The next task after `after` (0: the first) that has no result: *task, and its
 * arguments as store_add_task got them, valid until the next call. What could not be
 * committed is not seen. Fails with ROTA_E_NOTFOUND where there is none. */
int store_next_left(struct store *s, uint64_t after, uint64_t *task,
                    const char **arguments, size_t *size, struct rota_error *err);

ROTA_AUTO_DEFINE(store, struct store *, store_close);

#endif
