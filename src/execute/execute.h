/* execute.h - commands, several at once, each with its output and its end
 *
 *     execute_open(&options, &x, &err);
 *     execute_start(x, &command);
 *     while (execute_wait(x, timeout_ms, &result) == 0) {
 *         ... result.how, result.code, result.out, result.err ...
 *         execute_result_done(&result);
 *     }
 *     execute_close(x);
 *
 * A command runs in a process group of its own, with standard input from /dev/null or
 * of what it was given to read, and no other descriptor of ours. It ends when its
 * process does: what it left running in its group has a second to write its output, and
 * is then ended too. Its environment says which task it is (PARALLEL_SEQ, from 1) and
 * in which slot it runs (PARALLEL_JOBSLOT, from 1: no two that run have the same).
 */
#ifndef ROTA_EXECUTE_H
#define ROTA_EXECUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "execute/gate.h"
#include "rota.h"

enum execute_how {
    EXECUTE_EXITED,      /* `code` is its exit status */
    EXECUTE_KILLED,      /* `code` is the signal that ended it */
    EXECUTE_NOT_STARTED, /* `code` is an errno */
    EXECUTE_OVERFLOWED,  /* it wrote more than we keep, and was ended; `code` is ENOMEM
                          * where there was no memory to keep it, else 0 */
    EXECUTE_OVERTIME,    /* it ran out of time, and was ended */
    EXECUTE_STARVED,     /* memory was short, and it was ended */
    EXECUTE_RUNNING,     /* it goes on, and this is what it wrote meanwhile */
    /* of a persistent program (programs.h): */
    EXECUTE_REFUSED,    /* it answered with an error */
    EXECUTE_UNANSWERED, /* it gave no answer that makes sense */
    EXECUTE_EARLY,      /* it exited with status 0, but before its input had ended */
    EXECUTE_HUNGRY, /* a command goes on, has taken all that it was given to read, and
                     * would take more */
    EXECUTE_HOWS,   /* how many there are */
};

/* Bytes that are written to; any value may occur in them. */
struct execute_bytes {
    char *data; /* NULL where size is 0 */
    size_t size;
    size_t cap;
};

struct execute_result {
    uint64_t task;    /* what the caller gave to execute_start */
    uint32_t attempt; /* so too */
    enum execute_how how;
    int code;
    int64_t took_ns;
    struct execute_bytes out; /* what it wrote to standard output, and was not told */
    struct execute_bytes err; /* and to standard error */
};

/* How commands come to what they are given to read: input.h. */
enum execute_input {
    EXECUTE_STANDARD, /* it is their standard input */
    EXECUTE_FILE,     /* PARALLEL_TMP is a file's name */
    EXECUTE_FIFO,     /* so too, of a named pipe */
};

struct execute_options {
    int slots;         /* how many run at once */
    size_t output_max; /* bytes kept of each stream; 0 means 1 GiB */
    size_t
        part_bytes; /* what it wrote is told as soon as it is so much; 0: at its end */
    const char
        *folder;  /* borrowed: where commands run; NULL: where this process does */
    bool in_rank; /* this process is a rank: commands must not believe that they
                     are (environ.h) */
    enum execute_input input;
    bool reads_on; /* (as for EXECUTE_FIFO, the process ignores SIGPIPE) a command may
                      be given more to read, by execute_feed, and its input ends as that
                      says; not with EXECUTE_FILE */
    struct gate_limits gate; /* what must be there for one more to begin (commands.h) */
    bool adopts; /* this process adopts orphans (base/tree.h) and has no other
                    children: reap what commands leave behind */
};

struct execute_command {
    uint64_t task;    /* the caller's name for it */
    uint32_t attempt; /* so too */
    uint64_t number;  /* that the command is told */
    int64_t limit_ns; /* how long it may run; 0: as long as it likes */
    char *const *argv;
    char *const *env;  /* NAME=VALUE, instead of this process's; NULL: none */
    const void *input; /* what it reads; NULL: nothing */
    size_t input_bytes;
};

struct execute;

/* *out is the caller's: execute_close(). Fails with ROTA_E_ARG (the limit on open
 * files is too low for so many slots), ROTA_E_IO or ROTA_E_NOMEM. */
int execute_open(const struct execute_options *options, struct execute **out,
                 struct rota_error *err);

/* End what runs (SIGTERM, then SIGKILL), the whole group of each command; wait
 * for that, and free `x`. NULL is accepted. */
void execute_close(struct execute *x);

/* Start argv[0] (looked for in PATH) with its arguments. That it could not be
 * started is a result like any other. Fails with ROTA_E_STATE where all slots are
 * taken, or ROTA_E_NOMEM. */
int execute_start(struct execute *x, const struct execute_command *command);

/* The next command that ended, or has written so much that it is told before: then
 * *out says EXECUTE_RUNNING; or that wants more to read, which is told once for all
 * that it was given: EXECUTE_HUNGRY. Waits at most `timeout_ms`, also where nothing
 * runs. *out is the caller's: execute_result_done(). Fails with ROTA_E_TIMEOUT or
 * ROTA_E_IO. */
int execute_wait(struct execute *x, int timeout_ms, struct execute_result *out);

/* From here on a command without a limit of its own may run for `limit_ns`, those that
 * run already too. */
void execute_limit(struct execute *x, int64_t limit_ns);

/* End the one that was started last, for want of memory, if some run and none of them
 * is ending already. */
void execute_end_youngest(struct execute *x);

/* End the command `task`, as one that writes more than can be kept: its end is told as
 * EXECUTE_OVERFLOWED. One that has ended is left alone. */
void execute_end(struct execute *x, uint64_t task);

/* Give the command `task` `size` bytes more to read, behind what it was given before;
 * `last`: and then no more. What nobody reads any more is dropped. ROTA_E_NOMEM:
 * nothing was taken. */
int execute_feed(struct execute *x, uint64_t task, const void *data, size_t size,
                 bool last);

/* How many were started whose end execute_wait has not told. */
int execute_running(const struct execute *x);

/* How a command ended, in words ("exited with status 2"), written to `buf`, always
 * terminated. Returns `buf`. */
const char *execute_text(enum execute_how how, int code, char *buf, size_t size);

/* Free what the result holds. NULL is accepted. */
void execute_result_done(struct execute_result *r);

ROTA_AUTO_DEFINE(execute, struct execute *, execute_close);

#endif
