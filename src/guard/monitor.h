/* monitor.h - who watches the ranks of a guarded program, and judges
 *
 * Lives in the process that the user has started, in a thread of its own beside the
 * launcher's wait. The parents of the ranks (shim.h) hold lines to it. When a rank
 * stands still, or has ended, it looks at all of them:
 *
 *     watching   something is new            -> looking: all are asked for a shot
 *     looking    all have answered, or late  -> checking: all are asked for an epoch
 *     checking   all have answered, or late  -> the verdict; watching, or asking
 *     asking     where they are, and flush; answered, or late -> told; ending, or:
 *     coring     one after the other leaves a core dump -> ending
 *     letting    they are left as they are, until their time is over -> ending
 *     ending     everyone is told that it is over, and hangs up; on one host, unless
 *                all have ended, that is left to who runs this: monitor_run() returns
 *
 * The two rounds make the verdict's rule (look.h): a rank whose epoch was the same in
 * both was in one and the same call from before the last shot was taken to after it.
 */
#ifndef ROTA_GUARD_MONITOR_H
#define ROTA_GUARD_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "guard/told.h"
#include "liveness/liveness.h"
#include "rota.h"

struct monitor_options {
    int ranks;
    bool one_host;
    bool lets_go_on;    /* after the verdict: the ranks are not ended, until their time
                           is over */
    const int *asked;   /* set by another thread: somebody ends the run on purpose, and
                           nobody who waits then hangs */
    unsigned asks;      /* SHIM_ASK_... of all ranks at the verdict, besides sites */
    int64_t timeout_ns; /* of the whole run; 0: none */
    int64_t grace_ns;   /* after a rank has died without MPI_Finalize; below 0: none */
    int64_t quiet_ns;   /* without progress where ranks poll, have several threads, or
                           wait   for a lock, and so nothing can be proved; 0: never */
    /* From the monitor's thread, once. */
    void (*tell)(void *context, const struct told *told);
    void *context;
};

struct monitor;

/* Listen for the ranks' parents; *invitation is for them. On success *out is the
 * caller's: monitor_free(). Fails with ROTA_E_IO or ROTA_E_NOMEM, `err` filled. */
int monitor_open(const struct monitor_options *options,
                 struct liveness_invitation *invitation, struct monitor **out,
                 struct rota_error *err);
void monitor_free(struct monitor *m);

/* Watch until all have ended and hung up, or until monitor_stop(). Returns why it
 * ended; *status is the exit status that the program's ranks add up to: that of the
 * first that ended with another one than 0 (128 + N: by signal N), or -1 where the
 * launcher knows better: not all ranks were heard of. */
enum told_why monitor_run(struct monitor *m, int *status);

/* From another thread: the launcher has ended, nobody else will come. */
void monitor_stop(struct monitor *m);

#endif
