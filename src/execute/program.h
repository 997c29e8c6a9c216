/* program.h - one persistent program: its process, and the three pipes to it
 *
 * What it means that a line came, or that the process ended, is programs.c's to know.
 */
#ifndef ROTA_EXECUTE_PROGRAM_H
#define ROTA_EXECUTE_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "execute/execute.h"
#include "execute/lines.h"
#include "execute/starter.h"
#include "execute/task.h"

/* What an event of the epoll set is about: the low bits of its data. */
enum program_event {
    PROGRAM_ENDED, /* the process has ended: program_how() */
    PROGRAM_OUT,   /* there is something to read: program_read_out() */
    PROGRAM_ERR,   /* so too */
    PROGRAM_IN,    /* it takes more: program_flush() */
    PROGRAM_EVENTS,
};

struct program {
    int epoll;     /* the caller's */
    uint64_t name; /* of its events: their data is name * PROGRAM_EVENTS + event */
    pid_t pid;     /* 0: it does not run */
    int process;   /* descriptors; below 0 where it does not run, or closed it */
    int in;
    int out;
    int err;
    bool blocked;            /* its pipe is full: PROGRAM_IN will come */
    struct task_bytes queue; /* what it is to be sent, of which ... */
    size_t sent;             /* ... so much was */
    struct lines out_lines;
    struct lines err_lines;
};

/* One that does not run. */
void program_init(struct program *p, int epoll, uint64_t name);

/* End what runs, and free what it holds. */
void program_done(struct program *p);

/* Start it; of `spec` the descriptors are of no account. Returns 0 or an errno: it
 * does not run then. */
int program_start(struct program *p, struct starter *starter,
                  const struct starter_spec *spec);

/* Send what is queued, as much as its pipe takes. */
void program_flush(struct program *p);

/* Have it see the end of its input. */
void program_close_in(struct program *p);

/* Read once. False: there is nothing more, for now or for ever, and then p->out or
 * p->err is below 0. Without memory, also that. */
bool program_read_out(struct program *p);
bool program_read_err(struct program *p);

/* Signal its whole process group. */
void program_signal(const struct program *p, int signal);

/* How it ended: EXECUTE_EXITED or EXECUTE_KILLED, and the code. False: it has not. */
bool program_how(const struct program *p, enum execute_how *how, int *code);

/* It has ended, or is to be ended now: kill its group, reap it, close all. Its
 * unfinished lines are forgotten. */
void program_reap(struct program *p);

#endif
