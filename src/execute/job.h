/* job.h - one command: its process, the pipes to it, what it reads and what it wrote
 *
 *                 job_ended              job_finish
 *     RUNNING -------------> ENDED -------------------> FINISHED
 *
 * Between its end and its being finished its process is a zombie: so its number can't
 * be given away, and its group can be killed without reaching anybody else.
 *
 * As long as it runs we hold the far ends of its pipes too (where we may have so many
 * files open): then the only thing that tells of an end is the process, and of each
 * command without output the set wakes us once and not three times. They are closed
 * before what is left in the pipes is read, so that their end is seen.
 */
#ifndef ROTA_EXECUTE_JOB_H
#define ROTA_EXECUTE_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "execute/execute.h"
#include "execute/input.h"
#include "execute/starter.h"

enum {
    JOB_FDS = 5, /* a pidfd, and two pipes; what it reads apart */
};

/* What an event of the epoll set points at. */
struct job_watch {
    struct job *job;             /* NULL: all that wait for readers of named pipes */
    int fd;                      /* -1: closed */
    int far;                     /* so too, the other end */
    struct execute_bytes *bytes; /* NULL: the pidfd, or what it reads */
};

enum job_state {
    JOB_RUNNING,
    JOB_ENDED,
    JOB_FINISHED,
};

/* What all jobs have in common. */
struct job_common {
    int epoll;
    size_t output_max;  /* bytes kept of each stream */
    const char *folder; /* where they run; NULL: where this process does */
    bool holds;         /* we may have JOB_FDS open for each */
    bool discards;      /* nobody wants to know any more what they write */
    struct starter starter;
    struct inputs inputs;
    struct job_watch opened; /* of inputs.notify */
    char *buffer;            /* what was read last */
};

struct job {
    TAILQ_ENTRY(job) link;
    TAILQ_ENTRY(job) full_link;
    struct job_common *common;
    struct execute_result result;
    int64_t start_ns;
    int64_t give_up_ns; /* JOB_ENDED: when its lingering is over */
    int64_t limit_ns;   /* JOB_RUNNING: when its time is over, or INT64_MAX */
    bool limited;       /* that is by a limit of its own */
    int slot;           /* from 0 */
    pid_t pid;          /* 0: was not started */
    enum job_state state;
    bool full;   /* the caller's */
    bool struck; /* so too: it was ended by somebody's SIGTERM */
    bool told;   /* so too: that it is hungry */
    struct input input;
    struct job_watch in; /* its near end, while that is full */
    struct job_watch process;
    struct job_watch out;
    struct job_watch err;
};

TAILQ_HEAD(job_list, job);

/* Fails with ROTA_E_ARG, ROTA_E_NOMEM or ROTA_E_IO; job_common_done() all the same. */
int job_common_init(struct job_common *c, const struct execute_options *options,
                    bool holds, struct rota_error *err);
void job_common_done(struct job_common *c);

/* One whose time begins now; NULL: out of memory. job_free(). `common` outlives it. */
struct job *job_new(struct job_common *common, const struct execute_command *c);
void job_free(struct job *j);

/* Make what it is to read: then j->input.path is the name that it is to be told, or
 * NULL. Returns 0 or an errno. */
int job_prepare(struct job *j, const struct execute_command *c);

/* Start its process, with `env`. Returns 0 or an errno; then there may be a process
 * even so. */
int job_start(struct job *j, const struct execute_command *c, char *const *env);

/* There is room for more in what it reads by, somebody has opened that, or there is
 * more to write. */
void job_feed(struct job *j);

/* Read once; false when there was nothing, for now or for ever. What can't be kept
 * ends the job. */
bool job_read(struct job *j, struct job_watch *w);

/* Read what its pipes hold; no more, as someone may write for ever. */
void job_drain(struct job *j);

/* Both its pipes are at their end. */
bool job_is_silent(const struct job *j);

/* Its pidfd says that its process has ended, `now_ns`: note it, and read the rest. */
void job_ended(struct job *j, int64_t now_ns);

/* JOB_ENDED: whether SIGTERM has ended it, and we have not sent it. So too with status
 * 143, which says that it took the signal. */
bool job_was_struck(const struct job *j);

/* Kill who is left of its group and reap it; its result is complete. */
void job_finish(struct job *j);

/* What it writes can't be kept, for want of memory (`cause` ENOMEM) or by the limits
 * (0): end it. Its end is then seen as any other's. */
void job_overflow(struct job *j, int cause);

/* It is asked to end, and the next time ended; that is seen as any other end. */
void job_end(struct job *j, int64_t now_ns, enum execute_how why);

/* It was asked to. */
bool job_is_ending(const struct job *j);

#endif
