/* proxy.c - finalize by proxy: the launcher's peace at the end of a run */
#include "liveness/proxy.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "liveness/net.h"

#define TRY_NS (3 * NS_PER_SEC)

/* As PMIx 2 to 5 declare them; every pointer may be NULL. */
typedef int pmix_init_function(void *process, void *info, size_t info_count);
typedef int pmix_finalize_function(const void *info, size_t info_count);

static int pmix_farewell(void)
{
    /* What libpmix says of its own trouble is nothing to the user. */
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (quiet >= 0) {
        dup2(quiet, STDOUT_FILENO);
        dup2(quiet, STDERR_FILENO);
    }
    void *lib = dlopen("libpmix.so.2", RTLD_NOW | RTLD_GLOBAL);
    if (lib == NULL)
        return 1;
    /* ISO C has no cast from an object's address to a function's. */
    pmix_init_function *init;
    pmix_finalize_function *finalize;
    void *found[] = {dlsym(lib, "PMIx_Init"), dlsym(lib, "PMIx_Finalize")};
    memcpy(&init, &found[0], sizeof(init));
    memcpy(&finalize, &found[1], sizeof(finalize));
    if (init == NULL || finalize == NULL || init(NULL, NULL, 0) != 0)
        return 1;
    return finalize(NULL, 0) == 0 ? 0 : 1;
}

/* How a child's farewell went. */
enum farewell {
    SAID,
    STUCK, /* not done by the deadline; ended */
    NOT_POSSIBLE,
};

/* In a child of its own: libpmix waits without a limit for a server that may have
 * gone, and brings threads. */
static enum farewell say_farewell(int64_t deadline_ns)
{
    pid_t child = fork();
    if (child < 0)
        return NOT_POSSIBLE;
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(pmix_farewell());
    }
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (clock_now_ns() >= deadline_ns) {
            kill(child, SIGKILL);
            waitpid(child, NULL, 0);
            return STUCK;
        }
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS / 2}, NULL);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? SAID : NOT_POSSIBLE;
}

/* Once in hundreds of runs on a busy machine the server leaves a client waiting. It
 * looks at what was said when this process ends, so a second farewell is as good as the
 * first; but where this process is no launcher's any more, nobody looks. */
static void finalize_pmix(int64_t deadline_ns)
{
    pid_t launcher = getppid();
    int64_t now;
    while ((now = clock_now_ns()) < deadline_ns && getppid() == launcher) {
        int64_t patience_end = now + TRY_NS;
        if (say_farewell(patience_end < deadline_ns ? patience_end : deadline_ns) !=
            STUCK)
            return;
    }
}

static void finalize_pmi(int fd, int64_t deadline_ns)
{
    static const char farewell[] = "cmd=finalize\n";
    char answer[256];
    if (write(fd, farewell, sizeof(farewell) - 1) != (ssize_t)sizeof(farewell) - 1)
        return;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, clock_poll_ms(deadline_ns, clock_now_ns())) == 1 &&
        read(fd, answer, sizeof(answer)) < 0)
        return; /* the proxy has gone: so has everyone who would mind */
}

void proxy_finalize(int64_t deadline_ns)
{
    const char *pmi = getenv("PMI_FD");
    net_allow(NET_PARENT_FDS); /* without a farewell the launcher ends everybody */
    if (getenv("PMIX_RANK") != NULL)
        finalize_pmix(deadline_ns);
    else if (pmi != NULL && getenv("SLURM_STEP_ID") == NULL)
        finalize_pmi(atoi(pmi), deadline_ns);
}

void proxy_abort(int status)
{
    const char *pmi = getenv("PMI_FD");
    if (pmi != NULL && getenv("SLURM_STEP_ID") == NULL)
        dprintf(atoi(pmi), "cmd=abort exitcode=%d\n", status);
}
