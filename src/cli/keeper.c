/* keeper.c - a process that outlives the one that does the work
 *
 * What the terminal sends (Ctrl-C) reaches the child by itself, as both are in the same
 * process group; what a process sends is for us alone, and is passed on. Commands are
 * in groups of their own, so when the child is killed they become ours (base/tree.h),
 * and are ended.
 */
#include "cli/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/fell.h"
#include "base/tree.h"

enum {
    KILL_MS = 10000,
};

static sigset_t watched(void)
{
    sigset_t set;
    struct sigaction hangup;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

/* Whether the child has ended. Orphans of its own it adopts itself, as long as it
 * lives. */
static bool has_ended(pid_t child, struct keeper_end *out)
{
    int st;
    if (waitpid(child, &st, WNOHANG) != child)
        return false;
    out->status = WIFEXITED(st) ? WEXITSTATUS(st) : 0;
    out->signal = WIFSIGNALED(st) ? WTERMSIG(st) : 0;
    return true;
}

static void await(pid_t child, const sigset_t *set, struct keeper_end *out)
{
    while (!has_ended(child, out)) {
        siginfo_t info;
        int sig = sigwaitinfo(set, &info);
        if (sig <= 0 || sig == SIGCHLD)
            continue;
        if (out->asked == 0)
            out->asked = sig;
        if (info.si_code != SI_KERNEL)
            kill(child, sig);
    }
}

/* Who was asked to stop while the dead were cleared away is not to die of it now,
 * without a word. */
static void note_late(const sigset_t *set, struct keeper_end *out)
{
    static const struct timespec now = {0};
    int sig;
    while ((sig = sigtimedwait(set, NULL, &now)) > 0)
        if (sig != SIGCHLD && out->asked == 0)
            out->asked = sig;
}

int keeper_run(int (*work)(void *ctx), void *ctx, struct keeper_end *out,
               struct rota_error *err)
{
    sigset_t set = watched();
    sigset_t before;
    pid_t self = getpid();
    struct keeper_end end = {0};
    int64_t begun_ns = clock_wall_ns();
    if (tree_adopt() != 0)
        return error_set(err, ROTA_E_IO, "cannot become the reaper of orphans: %s",
                         strerror(errno));
    sigprocmask(SIG_BLOCK, &set, &before);
    fflush(NULL);
    pid_t child = fault(FAULT_SPAWN) ? -1 : fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        sigprocmask(SIG_SETMASK, &before, NULL);
        exit(getppid() == self ? work(ctx) : EXIT_FAILURE);
    }
    if (child < 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        return error_set(err, ROTA_E_IO, "cannot start a process: %s", strerror(errno));
    }
    await(child, &set, &end);
    int rc = end.signal != 0 ? tree_fell(clock_deadline_ns(KILL_MS)) : 0;
    if (end.signal != 0)
        fell_orphans(begun_ns);
    note_late(&set, &end);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return error_set(err, rc, "cannot end what the run has left running: %s",
                         rota_strerror(rc));
    *out = end;
    return 0;
}
