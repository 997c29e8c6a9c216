/* programs.h - tasks for persistent programs: an executor whose slots are programs
 *
 * A program is started once a slot. It is told a task a line and answers a line
 * (talk.h); docs/worker-programs.md has the rules of the exchange. Payloads, values and
 * outcomes are those of commands.h: the words of a payload are the task's arguments; of
 * a value, `out` is what the answer is to show and `err` its error, and `how` says:
 *
 *   EXECUTE_EXITED      0: it was answered with a result
 *   EXECUTE_REFUSED     it was answered with an error; its code is 1
 *   EXECUTE_OVERTIME    it ran out of time, and its program was ended
 *   EXECUTE_EXITED, EXECUTE_KILLED, EXECUTE_UNANSWERED
 *                       it was given up, as it took PROGRAMS_POISON programs along: how
 *                       the last one ended (EXECUTE_UNANSWERED: by no fault of its own,
 *                       or because it wrote what is no answer)
 */
#ifndef ROTA_EXECUTE_PROGRAMS_H
#define ROTA_EXECUTE_PROGRAMS_H

#include "execute/execute.h"
#include "execute/executor.h"

enum {
    PROGRAMS_POISON = 3,      /* so many programs that ended while they held a task */
    PROGRAMS_BARREN = 10,     /* so many in a row without an answer end it all, */
    PROGRAMS_BARREN_SEAT = 4, /* if they are so many a slot */
};

struct programs_options {
    char *const *argv; /* the program and its arguments, of which the strings are ... */
    int argc;          /* ... borrowed; how many they are */
    int slots;
    const char *folder; /* as execute.h's, these three */
    bool in_rank;
    bool adopts;
    int rank;        /* of this process, for names; below 0: there is but this one */
    size_t line_max; /* bytes of an answer; 0: 64 MiB */
    int64_t
        back_off_ns; /* after two barren ends in a row, doubled up to 10 s; 0: 100 ms
                      */
    int64_t farewell_ns; /* for programs to end by themselves, once there are no more
                            tasks; 0: 5 s */

    /* Of program `name` ("square.py[2]"; with ranks "square.py[1.2]") came this line on
     * its standard error; or, where `name` is NULL, this is to be said about one. No
     * line end in either. From the thread that calls the executor. May be NULL. */
    void (*say)(void *ctx, const char *name, const char *text, size_t size);
    void *ctx;
};

/* Starts the first program at once. The process ignores SIGPIPE. *out is the caller's:
 * executor_close(), which lets them end as the document says. Fails with ROTA_E_ARG
 * (the limit on open files; the program cannot be started), ROTA_E_IO or ROTA_E_NOMEM.
 */
int executor_programs_open(const struct programs_options *options,
                           struct executor **out, struct rota_error *err);

#endif
