/* seat.h - a slot's program: what it is told, what it answers, and how it ends
 *
 * Part of programs.c, whose first comment has the rules.
 */
#ifndef ROTA_EXECUTE_SEAT_H
#define ROTA_EXECUTE_SEAT_H

#include "execute/errand.h"
#include "execute/program.h"
#include "execute/programs.h"

enum {
    SEAT_SLOT_BYTES = 48,
    SEAT_NAME_BYTES = 80,
    SEAT_TEXT_BYTES = 1024,
};

/* Why a program is being ended by us. */
enum doom {
    DOOM_NONE,
    DOOM_OVERTIME, /* its task ran out of time */
    DOOM_GARBLED,  /* it wrote what is no answer: `why` */
    DOOM_CLOSING,  /* the executor is being closed */
};

struct seat {
    struct program program;
    struct errand *errand; /* or NULL */
    int barren;            /* programs here that ended in a row without an answer */
    char name[SEAT_NAME_BYTES];
    char slot[SEAT_SLOT_BYTES];
    uint32_t ahead;        /* how many tasks may be told and not answered */
    uint64_t answers;      /* of this program */
    int64_t since_ns;      /* the held task's begin: the last answer, or its telling */
    int64_t deadline_ns;   /* when something is due here: act_in_time() */
    int64_t not_before_ns; /* when it may be started again */
    enum doom doom;
    char why[SEAT_TEXT_BYTES];
};

struct programs {
    struct executor base;
    struct programs_options options;
    char **argv;
    char **env; /* its first string is `slot` */
    char slot[SEAT_SLOT_BYTES];
    int epoll;
    struct starter starter;
    struct errand_list errands;
    struct seat *seats;
    int64_t alarm_ns; /* no seat's deadline is before this */
    int barren;       /* so too, by all seats between them */
    bool failed;      /* it can't go on */
    bool closing;
    struct task_bytes text;   /* of an answer, for the moment */
    struct task_bytes record; /* what was taken last */
};

/* Say something about a program to people. */
void __attribute__((format(printf, 2, 3)))
seat_say(const struct programs *x, const char *format, ...);

/* Pass on what came on its standard error; `all`: an unfinished line too, as there will
 * be no more. */
void seat_pass_on_err(const struct programs *x, struct seat *s, bool all);

/* Something is due here then, at the latest. */
void seat_set_deadline(struct programs *x, struct seat *s, int64_t deadline_ns);

/* Start its program. Returns an errno. */
int seat_start(struct programs *x, struct seat *s);

/* So too. False: it can't be started, for now or for good, and this was said. */
bool seat_start_again(struct programs *x, struct seat *s);

/* Tell its program as many of its errand's tasks as it may know now. Fails with
 * ROTA_E_NOMEM. */
int seat_tell(struct programs *x, struct seat *s);

/* Take the answers that came. */
void seat_take_lines(struct programs *x, struct seat *s);

/* End its program: from now on what it writes is of no account. */
void seat_doom(struct programs *x, struct seat *s, enum doom why);

/* So too, as one that wrote what is no answer. */
void __attribute__((format(printf, 3, 4)))
seat_garbled(struct programs *x, struct seat *s, const char *format, ...);

/* Its process has ended, and all that it wrote was read: whose fault is it? Fails with
 * ROTA_E_NOMEM, and is to be asked again. */
int seat_judge(struct programs *x, struct seat *s, enum execute_how how, int code);

/* It has no errand any more; what of that was not answered is to be told again. */
void seat_unbind(struct errand *e);

/* It has no program any more, and is free again. */
void seat_leave(struct programs *x, struct seat *s);

#endif
