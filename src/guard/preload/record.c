/* record.c - what the wrappers write down of each MPI call: calls that block
 *
 * The memory is one of fixed size. Flows are only ever added; requests come and go, and
 * stay at their place meanwhile. Tables of hashes, which nobody else sees, lead to
 * both.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard/preload/inner.h"

bool record_on;
__thread int record_depth;
__thread bool record_second = true;

struct record mine = {.lock = PTHREAD_MUTEX_INITIALIZER};
__thread struct state_op posting;
__thread struct state_op second_own[STATE_OWN];

void record_lost(unsigned flags)
{
    begin();
    set_flags(flags, 0);
    end();
}

uint64_t record_mix(uint64_t a, uint64_t b)
{
    uint64_t x =
        (a ^ (b + UINT64_C(0x9e3779b97f4a7c15))) * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 29;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 32;
}

/* ---- beginning ------------------------------------------------------------------- */

void record_use(struct state *m)
{
    mine = (struct record){.m = m, .lock = PTHREAD_MUTEX_INITIALIZER};
    record_on = m != NULL;
    fast.m = m;
    if (m != NULL)
        flows_unlearn();
    record_second = false;
    record_depth = 0;
}

/* The number may be that of some other file, in a program that the rank has started. */
static struct state *map_state(int fd)
{
    struct stat file;
    if (fstat(fd, &file) != 0 || file.st_size != (off_t)sizeof(struct state))
        return NULL;
    void *m =
        mmap(NULL, sizeof(struct state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED)
        return NULL;
    struct state *s = m;
    if (s->magic == STATE_MAGIC && s->size_bytes == sizeof(*s))
        return s;
    munmap(m, sizeof(*s));
    return NULL;
}

void record_stop(void)
{
    record_on = false;
    fast.m = NULL;
}

/* In a child of the rank's, which is no rank, and has its memory all the same. */
static void forget(void)
{
    record_stop();
    mine.multiple = false;
}

/* What the program starts from now on is no rank, and may do without this library: it
 * may be of another MPI, or have reasons (a sanitizer's) to load nothing first. The
 * texts are cut short where they stand, as other threads may read them. */
static void hide(char *number)
{
    char *preload = getenv("LD_PRELOAD");
    char *last = preload != NULL ? strrchr(preload, ':') : NULL;
    if (last == NULL)
        last = preload;
    if (last != NULL && strstr(last, "rota-guard-") != NULL)
        *last = '\0';
    *number = '\0';
}

bool record_attach(void)
{
    char *name = getenv(STATE_VARIABLE);
    int32_t nobody = 0;
    if (name == NULL || *name == '\0' || record_on)
        return false;
    int fd = atoi(name);
    struct state *m = map_state(fd);
    if (m == NULL)
        return false;
    if (!__atomic_compare_exchange_n(&m->pid, &nobody, getpid(), false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        munmap(m, sizeof(*m));
        return false;
    }
    m->tid = (int32_t)syscall(SYS_gettid);
    mine.m = m;
    flows_unlearn();
    fast.m = m;
    record_second = false;
    record_on = true;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    hide(name);
    pthread_atfork(NULL, NULL, forget);
    return true;
}

struct state *record_state(void)
{
    return mine.m;
}

/* From one to two: the only thread that there is comes here, and before the second one
 * runs. `locking` needs no lock itself, then, and it stays: the lock may be held when
 * the last of the others ends. */
static void begin_locking(void)
{
    mine.locking = true;
    fast.m = NULL;
    lock();
    mine.m->flags |= STATE_THREADS;
    unlock();
}

void record_multiple(void)
{
    mine.multiple = true;
    if (__atomic_load_n(&mine.threads, __ATOMIC_SEQ_CST) > 0)
        begin_locking();
}

void record_thread_begins(void)
{
    __atomic_add_fetch(&mine.threads, 1, __ATOMIC_SEQ_CST);
    if (mine.multiple)
        begin_locking();
}

void record_thread_ends(void)
{
    if (__atomic_sub_fetch(&mine.threads, 1, __ATOMIC_SEQ_CST) != 0 || !mine.multiple)
        return;
    lock();
    if (__atomic_load_n(&mine.threads, __ATOMIC_SEQ_CST) == 0)
        mine.m->flags &= ~(uint32_t)STATE_THREADS;
    unlock();
}

/* ---- operations ------------------------------------------------------------------ */

/* What all operations have. Only what a kind needs is written, at that: the message
 * waits in the processor behind every store that comes before it. */
static inline void describe(struct state_op *op, enum call call, void *site,
                            enum look_kind kind, unsigned flags)
{
    op->site = (uint64_t)(uintptr_t)site;
    op->call = (uint16_t)call;
    op->kind = (uint8_t)kind;
    op->flags = flags;
}

bool make_send(struct state_op *op, enum call call, void *site, uint64_t comm, int dest,
               int tag, enum look_kind kind, unsigned flags)
{
    const struct state_comm *c = find_comm(comm);
    int peer = c != NULL ? world_rank(c, dest) : RECORD_NOBODY;
    describe(op, call, site, kind, flags);
    op->peer = peer;
    op->tag = tag;
    if (c == NULL) { /* the receiver may know it */
        op->kind = LOOK_FREE;
        op->comm = LOOK_UNKNOWN;
        if (dest != RECORD_NOBODY)
            set_flags(STATE_COUNTS_LOST, 0);
        return dest != RECORD_NOBODY;
    }
    if (peer == RECORD_NOBODY) {
        op->kind = LOOK_FREE;
        return false;
    }
    op->comm = c->id;
    struct state_flow *f = find_flow(c->id, peer, tag);
    if (f != NULL && (flags & STATE_OP_PERSISTENT) == 0)
        op->index = ++f->sent;
    flows_learn(comm, dest, tag, f);
    return true;
}

bool make_recv(struct state_op *op, enum call call, void *site, uint64_t comm,
               int source, int tag, enum look_kind kind, unsigned flags)
{
    const struct state_comm *c = find_comm(comm);
    int peer = c == NULL              ? RECORD_NOBODY
               : source == RECORD_ANY ? LOOK_ANY
                                      : world_rank(c, source);
    describe(op, call, site, kind, flags);
    op->peer = peer;
    op->tag = tag == RECORD_ANY ? LOOK_ANY : tag;
    if (c == NULL || peer == RECORD_NOBODY) {
        op->kind = LOOK_FREE;
        return c == NULL && source != RECORD_NOBODY;
    }
    op->comm = c->id;
    op->place = (int32_t)(c - mine.m->comms);
    if (peer != LOOK_ANY && op->tag != LOOK_ANY)
        flows_learn(comm, source, tag, find_flow(c->id, peer, tag));
    return true;
}

/* Who looks meanwhile must not take half of it for the whole (state.h). */
static void remember(struct state_comm *c, const struct state_op *op)
{
    struct state_past *p = &c->past[c->begun % STATE_PAST];
    __atomic_store_n(&p->index, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    p->site = op->site;
    p->root = op->root;
    p->call = op->call;
    p->collective = op->collective;
    p->nonblocking = (op->flags & STATE_OP_NONBLOCKING) != 0;
    __atomic_store_n(&p->index, c->begun, __ATOMIC_RELEASE);
}

int root_of(const struct state_comm *c, int root)
{
    if (c->count > c->local || root == LOOK_NONE)
        return LOOK_NONE; /* MPI_ROOT and MPI_PROC_NULL are no ranks */
    int world = world_rank(c, root);
    return world != RECORD_NOBODY ? world : LOOK_NONE; /* MPI will refuse it */
}

void begin_collective(struct state_op *op, struct state_comm *c)
{
    op->index = ++c->begun;
    remember(c, op);
}

void make_collective(struct state_op *op, enum call call, void *site, uint64_t comm,
                     int root, enum look_collective kind, unsigned flags)
{
    struct state_comm *c = find_comm(comm);
    *op = (struct state_op){.call = (uint16_t)call,
                            .kind = LOOK_COLLECTIVE,
                            .collective = (uint8_t)kind,
                            .site = (uint64_t)(uintptr_t)site,
                            .flags = flags,
                            .peer = LOOK_NONE,
                            .tag = LOOK_NONE,
                            .root = LOOK_NONE};
    if (c == NULL || (c->flags & STATE_COMM_DOUBT) != 0) {
        op->kind = LOOK_FREE;
        set_flags(STATE_CALLS_LOST, 0);
        return;
    }
    op->root = root_of(c, root);
    op->comm = c->id;
    op->place = (int32_t)(c - mine.m->comms);
    begin_collective(op, c);
}

/* ---- blocking calls -------------------------------------------------------------- */

static inline void block(enum call call, void *site, unsigned own_count)
{
    if (!is_first())
        return;
    mine.m->waits++; /* what an earlier call has waited for is no more awaited */
    mine.m->own_count = (uint16_t)own_count;
    if (__builtin_expect((mine.m->flags & (STATE_ANY | STATE_FREE)) != 0, false))
        set_flags(0, STATE_ANY | STATE_FREE);
    set_now(LOOK_BLOCKED, call, site);
}

void record_send(enum call call, void *site, uint64_t comm, int dest, int tag,
                 enum look_kind kind)
{
    begin();
    if (make_send(own(0), call, site, comm, dest, tag, kind, 0))
        block(call, site, 1);
    else
        run(call, site);
    end();
}

void record_recv(enum call call, void *site, uint64_t comm, int source, int tag,
                 enum look_kind kind)
{
    begin();
    if (make_recv(own(0), call, site, comm, source, tag, kind, 0))
        block(call, site, 1);
    else
        run(call, site);
    end();
}

void record_sendrecv(enum call call, void *site, uint64_t comm, int dest, int sendtag,
                     int source, int recvtag)
{
    begin();
    bool sends = make_send(own(1), call, site, comm, dest, sendtag, LOOK_SEND, 0);
    bool receives = make_recv(own(0), call, site, comm, source, recvtag, LOOK_RECV, 0);
    if (sends || receives)
        block(call, site, 2); /* the half that there is not is LOOK_FREE: see below */
    else
        run(call, site);
    end();
}

void record_collective(enum call call, void *site, uint64_t comm, int root,
                       enum look_collective kind, bool loose)
{
    begin();
    make_collective(own(0), call, site, comm, root, kind, loose ? STATE_OP_LOOSE : 0);
    block(call, site, 1);
    end();
}

void record_free(enum call call, void *site)
{
    begin();
    if (is_first()) {
        mine.m->waits++;
        mine.m->own_count = 0;
        set_flags(STATE_FREE, STATE_ANY);
        set_now(LOOK_BLOCKED, call, site);
    }
    end();
}

void record_lock(enum call call, void *site, uint64_t win, int peer)
{
    begin();
    const struct state_comm *c = find_comm(win);
    *own(0) = (struct state_op){.call = (uint16_t)call,
                                .kind = LOOK_LOCK,
                                .site = (uint64_t)(uintptr_t)site,
                                .comm = c != NULL ? c->id : LOOK_UNKNOWN,
                                .peer = c != NULL ? world_rank(c, peer) : LOOK_ANY,
                                .tag = LOOK_NONE,
                                .root = LOOK_NONE};
    if (own(0)->peer == RECORD_NOBODY)
        own(0)->kind = LOOK_FREE;
    block(call, site, 1);
    end();
}

void record_phase(enum call call, void *site, enum look_state now)
{
    begin();
    if (is_first())
        mine.m->own_count = 0;
    set_now(now, call, site);
    end();
}

void record_done(void)
{
    begin();
    be_running();
    end();
}

void record_received(int source, int tag)
{
    const struct state_op *op = own(0);
    begin();
    be_running();
    if (op->kind != LOOK_FREE) {
        int peer = op->peer != LOOK_ANY ? op->peer
                                        : world_rank(&mine.m->comms[op->place], source);
        if (peer != RECORD_NOBODY)
            count_received(op->comm, peer, op->tag != LOOK_ANY ? op->tag : tag);
    }
    end();
}

void record_progress(enum call call, void *site)
{
    begin();
    run(call, site);
    end();
}

void record_took(uint64_t comm, int source, int tag)
{
    begin();
    const struct state_comm *c = find_comm(comm);
    int peer = c != NULL ? world_rank(c, source) : RECORD_NOBODY;
    if (peer != RECORD_NOBODY)
        count_received(c->id, peer, tag);
    end();
}

/* ---- the program's own functions ---------------------------------------------------
 */

bool record_aside_begin(struct record_aside *aside)
{
    *aside = (struct record_aside){.began = record_on && record_depth != 0};
    if (!aside->began)
        return false;
    begin();
    aside->now = mine.m->now;
    aside->call = mine.m->call;
    aside->site = (void *)(uintptr_t)mine.m->site;
    aside->posting = posting;
    for (unsigned i = 0; i < STATE_OWN; i++)
        aside->own[i] = *own(i);
    be_running();
    aside->epoch = mine.m->epoch + 1;
    end();
    record_depth = 0;
    return true;
}

void record_aside_end(const struct record_aside *aside)
{
    if (!aside->began)
        return;
    record_depth = 1;
    begin();
    if (mine.m->epoch == aside->epoch) {
        if (is_first())
            __atomic_store_n(&mine.m->now, aside->now, __ATOMIC_RELEASE);
        end();
        return;
    }
    posting = aside->posting;
    for (unsigned i = 0; i < STATE_OWN; i++)
        *own(i) = aside->own[i];
    end();
    if (aside->now == LOOK_BLOCKED)
        record_free(aside->call, aside->site);
}
