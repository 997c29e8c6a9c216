/* crew.h - a farm whose tasks are commands: what `rota run` stands on
 *
 *     crew_open(link, &options, &manner, &farm, &err);
 *     rank 0:         crew_manage(farm, &hooks, &summary, &err);
 *     anybody else:   crew_work(farm, stop, ctx, &err);
 *     rota_farm_close(farm);
 *
 * Commands come from the manager's caller, as many as there are, when there is room;
 * each comes back once, with its result or the reason why there is none. None is begun
 * a second time unless its worker was lost.
 *
 * What a command writes may be more than memory holds: it comes in parts while it runs,
 * which are kept on disk (base/spool.h) until its result counts. An attempt whose
 * worker is lost takes its parts along. Who wants to see them as they come is shown
 * them.
 */
#ifndef ROTA_FARM_CREW_H
#define ROTA_FARM_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/spool.h"
#include "execute/commands.h"
#include "execute/programs.h"
#include "farm/link.h"
#include "rota.h"

/* What a crew may be; all 0: nothing special. */
struct crew_manner {
    bool in_order; /* ends are told in the order of the commands' coming */
    bool prompt; /* a command is begun only when hooks->enough has seen all ends before
                  */
    int64_t gap_ns;     /* between two commands that are begun, at least */
    bool gap_adapts;    /* it grows by 30% with a failure, and shrinks by 10% else */
    bool reads_on;      /* commands read on, by hooks->more: one that was lost with its
                           worker, or has ended before its input did, has failed */
    double limit_times; /* a command may run for so many times the median of those that
                           have succeeded; 0: for ever */
};

/* Rank 0 manages; the others run commands, as `options` says. One that is alone does
 * both. Takes `link`, in any
 * case. *out is the caller's: rota_farm_close(), which ends
 * the commands that run. Fails as execute_open does, or as the link's send does. */
int crew_open(struct link *link, const struct execute_options *options,
              const struct crew_manner *manner, struct rota_farm **out,
              struct rota_error *err);

/* The same with persistent programs: what crew_hooks calls a command is then the list
 * of a task's arguments. Fails as executor_programs_open does. */
int crew_open_programs(struct link *link, const struct programs_options *options,
                       const struct crew_manner *wanted, struct rota_farm **out,
                       struct rota_error *err);

/* The end of a command. Everything is borrowed, for the call alone. */
struct crew_end {
    uint64_t task;  /* from 0: the number that `next` gave it, less 1 */
    uint64_t order; /* from 0, in the order of their coming */
    uint64_t lease; /* of the attempt that decided, if that said something before its
                        end; or CREW_NO_LEASE */
    enum rota_outcome outcome;
    int killed;                          /* ROTA_POISON: so many workers were lost */
    char *const *argv;                   /* NULL where all is well: ROTA_DONE */
    const struct execute_result *result; /* NULL unless it ran to its end. What it wrote
                                            is below, and only the last of it here */
    struct spool_text out;               /* all that it wrote; where that is not
                                            kept, the last of it */
    struct spool_text err;
    uint64_t wrote;  /* bytes to standard output, in all */
    const char *why; /* its output could not be kept, for this reason; or NULL */
    const char *had; /* what it was given to read, where commands read on; or NULL */
    int worker;      /* the rank that had it last; -1: none */
    int attempts;    /* tries that were begun */
    int64_t took_ns; /* how long its last try ran */
};

#define CREW_NO_LEASE UINT64_MAX

/* What a command writes before its end. */
struct crew_part {
    uint64_t task; /* as above */
    uint64_t order;
    uint64_t lease;        /* tells this attempt from others */
    struct spool_text out; /* all so far, where it is kept; or else what is new */
    struct spool_text err;
};

/* Where a run is to go. */
enum crew_course {
    CREW_GO_ON,
    CREW_RUN_OUT, /* nothing more is begun, and what runs ends; no way back */
    CREW_STOP,    /* everything ends at once */
};

/* Called from crew_manage, in its thread. */
struct crew_hooks {
    void *ctx;
    int retries;           /* further tries of a command that fails */
    int64_t time_limit_ms; /* of each try; 0: none */

    /* The next command: out->argv is one block, which the crew takes; the rest is
     * borrowed until the next call. Its number (from 1) is what it is told, and by what
     * its end is known; it is its place in the order unless it is set. Must not wait:
     * fails with ROTA_E_TIMEOUT where none has come yet, with ROTA_E_NOTFOUND where
     * none will come any more, with anything else to end the run. */
    int (*next)(void *ctx, struct commands_spec *out, struct rota_error *err);

    /* Or NULL; with crew_manner.reads_on: what commands are given to read comes in
     * blocks. The first of each comes with the command itself, by `next`, as long as
     * there are fewer than the slots of all who have come; from then on a command that
     * has taken all gets the next one. out->input is borrowed until the next call of
     * either. Fails as `next` does. */
    int (*more)(void *ctx, struct commands_spec *out, struct rota_error *err);

    /* A command ended. A failure ends the run. */
    int (*ended)(void *ctx, const struct crew_end *end, struct rota_error *err);

    /* The worker in `rank` is lost; `again` commands that it ran will run again. `fate`
     * is how it went, or NULL: it is none of this run's, as `strange` says, and is
     * ended.
     */
    void (*lost)(void *ctx, int rank, const struct rota_fate *fate, const char *strange,
                 uint64_t again);

    /* What an attempt at a command writes, as it comes; or NULL: nobody wants to see
     * it. A failure ends the run. */
    int (*said)(void *ctx, const struct crew_part *part, struct rota_error *err);

    /* Whether what was said is kept until the command's end. */
    bool keep;

    /* A command's output can't be kept any more, and so the command is ended: `why`. */
    void (*spilt)(void *ctx, uint64_t task, const char *why);

    /* The worker in `rank` has come, and runs so many commands at once on `host`. NULL:
     * it is not wanted to be known; so too: */
    void (*came)(void *ctx, int rank, int slots, const char *host);

    /* A try of a command failed, and it will be tried again: `end` as for `ended`,
     * without argv. */
    void (*tried)(void *ctx, const struct crew_end *end);

    /* NULL, or whether enough have ended for nothing more to be begun. Asked after each
     * end, before it is told. */
    bool (*enough)(void *ctx);

    /* Where to go from here. Asked after each end, and several times a second. */
    enum crew_course (*steer)(void *ctx);
};

struct crew_summary {
    struct rota_stats stats;
    bool complete; /* all commands were taken, and each was tried */
    bool stopped;  /* because hooks->steer said so */
};

/* How a run stands. */
struct crew_state {
    struct rota_stats stats;
    uint64_t running;   /* commands */
    uint64_t succeeded; /* that have ended so, told or not */
    uint64_t failed;
    int shut; /* workers that take nothing more for the time being */
};

/* May be called from hooks. */
void crew_look(const struct rota_farm *farm, struct crew_state *out);

/* Run until all commands have ended, no worker is left, or steer() says so. What had
 * ended by then is told; but not with CREW_STOP, where ends come as they come. `*out`
 * is filled in any case. Fails with what a hook failed with, or with ROTA_E_NOMEM,
 * ROTA_E_MPI or ROTA_E_FORMAT. */
int crew_manage(struct rota_farm *farm, const struct crew_hooks *hooks,
                struct crew_summary *out, struct rota_error *err);

/* Run commands until the manager says that it is over, or stop(), which is asked
 * several times a second, says so: 0. Fails with ROTA_E_LOST where the manager has
 * gone, ROTA_E_FORMAT where it sends nonsense, ROTA_E_IO, ROTA_E_NOMEM or ROTA_E_MPI.
 * No command is left running. */
int crew_work(struct rota_farm *farm, bool (*stop)(void *ctx), void *ctx,
              struct rota_error *err);

#endif
