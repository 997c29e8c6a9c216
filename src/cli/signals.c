/* signals.c - being asked to stop, as a question instead of an interruption */
#include "cli/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/desk.h"
#include "rota.h"

static void asking(sigset_t *set)
{
    struct sigaction hangup;
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(set, SIGHUP);
}

void signals_block(void)
{
    sigset_t set;
    asking(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int signals_open(struct signals *s, int desk)
{
    sigset_t set;
    asking(&set);
    s->desk = desk;
    s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->fd >= 0 ? 0 : ROTA_E_IO;
}

int signals_next(struct signals *s, bool *single)
{
    struct signalfd_siginfo info;
    *single = true;
    if (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        *single = info.ssi_code == SI_KERNEL;
        return (int)info.ssi_signo;
    }
    return s->desk >= 0 ? desk_listen(s->desk) : 0;
}
