/* answer.c - what a rank does when its parent asks, after the verdict */
#include "guard/preload/answer.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard/preload/record.h"
#include "guard/preload/signal.h"

/* Python's own, where this process is one; looked up beforehand, as looking up is
 * nothing to do in a handler. */
static void *(*this_thread)(void);         /* PyGILState_GetThisThreadState */
static void (*dump)(int fd, void *thread); /* _Py_DumpTraceback: made for handlers */
static int (*ensure)(void);                /* PyGILState_Ensure */
static void (*release)(int);               /* PyGILState_Release */
static int (*run)(const char *);           /* PyRun_SimpleString */
static int (*is_there)(void);              /* Py_IsInitialized */
static int trace_fd = -1;

static void find(void *function, const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    memcpy(function, &found, sizeof(found));
}

/* At its end Python is not there any more, and has flushed its files. */
static int is_python(void)
{
    return is_there != NULL && is_there() != 0;
}

static void walk(struct state *s)
{
    void *frames[STATE_STACK];
    int n = backtrace(frames, STATE_STACK);
    for (int i = 0; i < n; i++)
        s->stack[i] = (uint64_t)(uintptr_t)frames[i];
    s->stack_count = n > 0 ? (uint32_t)n : 0;
}

static void trace(struct state *s)
{
    if (dump == NULL || this_thread == NULL || trace_fd < 0 || !is_python())
        return;
    void *thread = this_thread();
    if (thread == NULL)
        return;
    dump(trace_fd, thread);
    ssize_t n = pread(trace_fd, s->trace, sizeof(s->trace), 0);
    s->trace_bytes = n > 0 ? (uint32_t)n : 0;
}

/* The thread stands inside MPI, in a call of the program's: it is in nobody's buffers,
 * and in Python has let go of the interpreter or holds it. Another thread may be in
 * either, and then this may wait for ever: the parent's patience has an end. */
static void flush(void)
{
    if (ensure != NULL && release != NULL && run != NULL && is_python()) {
        int gil = ensure();
        run("import sys\nsys.stdout.flush()\nsys.stderr.flush()\n");
        release(gil);
    }
    fflush(NULL);
}

static void answer(int signal)
{
    int kept = errno;
    struct state *s = record_state();
    (void)signal;
    uint32_t asked = __atomic_load_n(&s->asked, __ATOMIC_ACQUIRE);
    uint32_t done = __atomic_load_n(&s->answered, __ATOMIC_ACQUIRE);
    if ((asked & ~done & STATE_ASK_TRACE) != 0) {
        walk(s);
        trace(s);
        __atomic_or_fetch(&s->answered, STATE_ASK_TRACE, __ATOMIC_ACQ_REL);
    }
    if ((asked & ~done & STATE_ASK_FLUSH) != 0) {
        if (record_depth != 0)
            flush();
        __atomic_or_fetch(&s->answered, STATE_ASK_FLUSH, __ATOMIC_ACQ_REL);
    }
    while ((asked & STATE_ASK_STAY) != 0)
        pause();
    errno = kept;
}

void answer_begin(void)
{
    struct sigaction now;
    void *first[1];
    struct sigaction mine = {.sa_handler = answer, .sa_flags = SA_RESTART};
    if (sigaction(ANSWER_SIGNAL, NULL, &now) != 0 || now.sa_handler != SIG_DFL)
        return;
    backtrace(first, 1); /* it loads what it needs the first time: not in a handler */
    find(&this_thread, "PyGILState_GetThisThreadState");
    find(&dump, "_Py_DumpTraceback");
    find(&ensure, "PyGILState_Ensure");
    find(&release, "PyGILState_Release");
    find(&run, "PyRun_SimpleString");
    find(&is_there, "Py_IsInitialized");
    if (dump != NULL)
        trace_fd = memfd_create("rota-trace", MFD_CLOEXEC);
    sigfillset(&mine.sa_mask);
    if (sigaction(ANSWER_SIGNAL, &mine, NULL) == 0)
        record_lost(STATE_HANDLER);
}
