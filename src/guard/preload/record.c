/* record.c - what the wrappers write down of each MPI call
 *
 * The memory is one of fixed size with hashed tables in it. Flows are only ever added;
 * requests come and go, and those behind a freed place move up, so that looking one up
 * needs no marks of what was there once.
 */
#include "guard/preload/record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    HANDLES = 2 * STATE_COMMS, /* a power of two */
    KEYS = 1024,
    FLOWS_USED = STATE_FLOWS / 4 * 3,
    OPS_USED = STATE_OPS / 4 * 3,
};

/* What a rank's own process alone needs. */
struct record {
    struct state *m;
    bool multiple; /* MPI_THREAD_MULTIPLE */
    bool locking;  /* and there is a second thread */
    int threads;   /* how many besides the first */
    pthread_mutex_t lock;
    uint16_t places[HANDLES]; /* by a handle's hash: its place in comms, from 1 */
    uint64_t last_handle;     /* found last, */
    struct state_comm *last;  /* here */
    struct state_flow *flow;  /* found last */
    uint32_t oldest;          /* among comms: where to look for a freed one */
    struct {
        uint64_t key;
        uint64_t count;
    } keys[KEYS]; /* of record_group_id */
};

bool record_on;
__thread int record_depth;
__thread bool record_second = true;

static struct record r = {.lock = PTHREAD_MUTEX_INITIALIZER};
static __thread struct state_op posting;               /* between post and posted */
static __thread struct state_op second_own[STATE_OWN]; /* another thread's */

/* ---- writing ------------------------------------------------------------------------
 */

static inline void lock(void)
{
    if (__builtin_expect(r.locking, false))
        pthread_mutex_lock(&r.lock);
}

static inline void unlock(void)
{
    if (__builtin_expect(r.locking, false))
        pthread_mutex_unlock(&r.lock);
}

static inline void begin(void)
{
    lock();
}

/* Something has been written down: state.h's first invariant. */
static inline void end(void)
{
    __atomic_store_n(&r.m->epoch, r.m->epoch + 1, __ATOMIC_RELEASE);
    unlock();
}

/* Whether this thread is the one whose doings are the rank's. */
static inline bool is_first(void)
{
    return __builtin_expect(!r.locking || !record_second, true);
}

static inline void set_now(enum look_state now, enum call call, void *site)
{
    if (!is_first())
        return;
    r.m->call = (uint16_t)call;
    r.m->site = (uint64_t)(uintptr_t)site;
    __atomic_store_n(&r.m->now, now, __ATOMIC_RELEASE);
}

/* Before anything else is written after a call: a BLOCKED rank's state never changes.
 */
static inline void be_running(void)
{
    if (!is_first())
        return;
    __atomic_store_n(&r.m->now, LOOK_RUNNING, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline struct state_op *own(unsigned i)
{
    return is_first() ? &r.m->own[i] : &second_own[i];
}

static inline void set_flags(uint32_t set, uint32_t clear)
{
    r.m->flags = (r.m->flags & ~clear) | set;
}

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

/* ---- beginning
 * ----------------------------------------------------------------------- */

void record_use(struct state *m)
{
    r = (struct record){.m = m, .lock = PTHREAD_MUTEX_INITIALIZER};
    record_on = m != NULL;
    record_second = false;
    record_depth = 0;
}

static struct state *map_state(int fd)
{
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

bool record_attach(void)
{
    const char *name = getenv(STATE_VARIABLE);
    int32_t nobody = 0;
    if (name == NULL || record_on)
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
    r.m = m;
    record_second = false;
    record_on = true;
    fcntl(fd, F_SETFD, FD_CLOEXEC); /* what the program starts is no rank */
    return true;
}

struct state *record_state(void)
{
    return r.m;
}

/* From one to two: the only thread that there is comes here, and before the second one
 * runs. `locking` needs no lock itself, then, and it stays: the lock may be held when
 * the last of the others ends. */
static void begin_locking(void)
{
    r.locking = true;
    lock();
    r.m->flags |= STATE_THREADS;
    unlock();
}

void record_multiple(void)
{
    r.multiple = true;
    if (__atomic_load_n(&r.threads, __ATOMIC_SEQ_CST) > 0)
        begin_locking();
}

void record_thread_begins(void)
{
    __atomic_add_fetch(&r.threads, 1, __ATOMIC_SEQ_CST);
    if (r.multiple)
        begin_locking();
}

void record_thread_ends(void)
{
    if (__atomic_sub_fetch(&r.threads, 1, __ATOMIC_SEQ_CST) != 0 || !r.multiple)
        return;
    lock();
    if (__atomic_load_n(&r.threads, __ATOMIC_SEQ_CST) == 0)
        r.m->flags &= ~(uint32_t)STATE_THREADS;
    unlock();
}

/* ---- communicators
 * -------------------------------------------------------------------- */

static unsigned handle_hash(uint64_t handle)
{
    return (unsigned)(record_mix(handle, 0) & (HANDLES - 1));
}

/* Where the handle stands in `places`, or the empty place where it would. */
static unsigned handle_place(uint64_t handle)
{
    unsigned i = handle_hash(handle);
    while (r.places[i] != 0 && r.m->comms[r.places[i] - 1].handle != handle)
        i = (i + 1) & (HANDLES - 1);
    return i;
}

static struct state_comm *find_comm_slowly(uint64_t handle)
{
    uint16_t place = r.places[handle_place(handle)];
    if (place == 0)
        return NULL;
    r.last_handle = handle;
    r.last = &r.m->comms[place - 1];
    return r.last;
}

static inline struct state_comm *find_comm(uint64_t handle)
{
    /* The cache is one thread's; with several, each looks for itself. */
    if (__builtin_expect(r.last != NULL && r.last_handle == handle && !r.locking, true))
        return r.last;
    return find_comm_slowly(handle);
}

static void forget_handle(uint64_t handle)
{
    unsigned i = handle_place(handle);
    if (r.places[i] == 0)
        return;
    r.places[i] = 0;
    r.last = NULL;
    for (unsigned j = (i + 1) & (HANDLES - 1); r.places[j] != 0;
         j = (j + 1) & (HANDLES - 1)) {
        uint16_t place = r.places[j];
        r.places[j] = 0;
        r.places[handle_place(r.m->comms[place - 1].handle)] = place;
    }
}

/* A place in comms with room for `count` members: a new one, or that of one freed. */
static struct state_comm *new_comm(size_t count)
{
    struct state *m = r.m;
    if (m->comm_count < STATE_COMMS && count <= STATE_MEMBERS - m->member_count) {
        struct state_comm *c = &m->comms[m->comm_count];
        c->first = m->member_count;
        m->member_count += (uint32_t)count;
        m->comm_count++;
        return c;
    }
    for (uint32_t n = 0; n < m->comm_count; n++) {
        struct state_comm *c = &m->comms[r.oldest++ % m->comm_count];
        if ((c->flags & STATE_COMM_FREED) == 0 || c->count < count)
            continue;
        set_flags(STATE_CALLS_LOST, 0);
        *c = (struct state_comm){.first = c->first};
        return c;
    }
    return NULL;
}

void record_comm(uint64_t handle, uint64_t id, const int *local, size_t local_count,
                 const int *remote, size_t remote_count)
{
    begin();
    forget_handle(handle);
    struct state_comm *c =
        id == LOOK_UNKNOWN ? NULL : new_comm(local_count + remote_count);
    if (c != NULL) {
        int32_t *members = r.m->members + c->first;
        for (size_t i = 0; i < local_count; i++)
            members[i] = local[i];
        for (size_t i = 0; i < remote_count; i++)
            members[local_count + i] = remote[i];
        c->local = (uint32_t)local_count;
        c->count = (uint32_t)(local_count + remote_count);
        c->handle = handle;
        c->id = id;
        r.places[handle_place(handle)] = (uint16_t)(c - r.m->comms + 1);
    }
    end();
}

void record_comm_freed(uint64_t handle)
{
    begin();
    struct state_comm *c = find_comm(handle);
    if (c != NULL) {
        c->flags |= STATE_COMM_FREED;
        forget_handle(handle);
    }
    end();
}

uint64_t record_comm_id(uint64_t handle)
{
    lock();
    const struct state_comm *c = find_comm(handle);
    uint64_t id = c != NULL ? c->id : LOOK_UNKNOWN;
    unlock();
    return id;
}

size_t record_comm_members(uint64_t handle, const int **members, size_t *local_count)
{
    const struct state_comm *c = find_comm(handle);
    if (c == NULL)
        return 0;
    *members = r.m->members + c->first;
    *local_count = c->local;
    return c->count;
}

uint64_t record_child_id(uint64_t parent, int first)
{
    const struct state_comm *c = find_comm(parent);
    if (c == NULL)
        return LOOK_UNKNOWN;
    uint64_t id = record_mix(record_mix(c->id, c->begun), (uint64_t)first);
    return id == LOOK_UNKNOWN ? 1 : id;
}

uint64_t record_group_id(uint64_t key)
{
    for (unsigned n = 0, i = key % KEYS; n < KEYS; n++, i = (i + 1) % KEYS) {
        if (r.keys[i].count != 0 && r.keys[i].key != key)
            continue;
        r.keys[i].key = key;
        uint64_t id = record_mix(key, ++r.keys[i].count);
        return id == LOOK_UNKNOWN ? 1 : id;
    }
    return LOOK_UNKNOWN;
}

/* The world's number of a rank of `c`; RECORD_NOBODY where it is none. */
static inline int world_rank(const struct state_comm *c, int rank)
{
    uint32_t remote = c->count > c->local ? c->local : 0; /* peers are in that group */
    if (rank < 0 || (uint32_t)rank >= c->count - remote)
        return RECORD_NOBODY;
    return r.m->members[c->first + remote + (uint32_t)rank];
}

/* ---- flows
 * ---------------------------------------------------------------------------- */

static struct state_flow *flow_place(uint64_t comm, int peer, int tag)
{
    uint64_t key = (uint64_t)(uint32_t)peer << 32 | (uint32_t)tag;
    uint64_t i = record_mix(comm, key) & (STATE_FLOWS - 1);
    struct state_flow *f;
    while ((f = &r.m->flows[i])->comm != 0 &&
           (f->comm != comm || f->peer != peer || f->tag != tag))
        i = (i + 1) & (STATE_FLOWS - 1);
    return f;
}

static struct state_flow *add_flow(struct state_flow *f, uint64_t comm, int peer,
                                   int tag)
{
    f->peer = peer;
    f->tag = tag;
    f->comm = comm;
    r.m->flow_count++;
    return f;
}

/* The table is full: from now on without tags. Each pair's sum is put in its own flow,
 * and the others stay as they are, to be read no more (STATE_COARSE). */
static void coarsen(void)
{
    struct state *m = r.m;
    for (unsigned i = 0; i < STATE_FLOWS; i++) {
        const struct state_flow f = m->flows[i];
        if (f.comm == 0 || f.tag == LOOK_OTHER)
            continue;
        struct state_flow *sum = flow_place(f.comm, f.peer, LOOK_OTHER);
        if (sum->comm == 0) {
            if (m->flow_count >= STATE_FLOWS - 1) {
                set_flags(STATE_COUNTS_LOST, 0);
                break;
            }
            add_flow(sum, f.comm, f.peer, LOOK_OTHER);
        }
        sum->sent += f.sent;
        sum->received += f.received;
    }
    set_flags(STATE_COARSE, 0);
}

static struct state_flow *find_flow_slowly(uint64_t comm, int peer, int tag)
{
    if (r.m->flags & STATE_COARSE)
        tag = LOOK_OTHER;
    struct state_flow *f = flow_place(comm, peer, tag);
    if (f->comm == 0 && r.m->flow_count >= FLOWS_USED && tag != LOOK_OTHER) {
        coarsen();
        f = flow_place(comm, peer, LOOK_OTHER);
    }
    if (f->comm == 0) {
        if (r.m->flow_count >= STATE_FLOWS - 1) {
            set_flags(STATE_COUNTS_LOST, 0);
            return NULL;
        }
        add_flow(f, comm, peer, r.m->flags & STATE_COARSE ? LOOK_OTHER : tag);
    }
    r.flow = f;
    return f;
}

static inline struct state_flow *find_flow(uint64_t comm, int peer, int tag)
{
    struct state_flow *f = r.flow;
    if (__builtin_expect(
            f != NULL && f->comm == comm && f->peer == peer && f->tag == tag, true))
        return f;
    return find_flow_slowly(comm, peer, tag);
}

static inline uint64_t count_sent(uint64_t comm, int peer, int tag)
{
    struct state_flow *f = find_flow(comm, peer, tag);
    return f != NULL ? ++f->sent : 0;
}

static inline void count_received(uint64_t comm, int peer, int tag)
{
    struct state_flow *f = find_flow(comm, peer, tag);
    if (f != NULL)
        f->received++;
}

/* ---- operations
 * ------------------------------------------------------------------------- */

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

/* Begin a send: counted, described in *op. False where there is nothing to wait for. */
static inline bool make_send(struct state_op *op, enum call call, void *site,
                             uint64_t comm, int dest, int tag, enum look_kind kind,
                             unsigned flags)
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
    if ((flags & STATE_OP_PERSISTENT) == 0)
        op->index = count_sent(c->id, peer, tag);
    return true;
}

static inline bool make_recv(struct state_op *op, enum call call, void *site,
                             uint64_t comm, int source, int tag, enum look_kind kind,
                             unsigned flags)
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
    op->group = (int32_t)(c - r.m->comms);
    return true;
}

static void remember(struct state_comm *c, const struct state_op *op)
{
    c->past[c->begun % STATE_PAST] = (struct state_past){
        .index = c->begun,
        .site = op->site,
        .root = op->root,
        .call = op->call,
        .collective = op->collective,
        .nonblocking = (op->flags & STATE_OP_NONBLOCKING) != 0,
    };
}

static inline void make_collective(struct state_op *op, enum call call, void *site,
                                   uint64_t comm, int root, enum look_collective kind,
                                   unsigned flags)
{
    struct state_comm *c = find_comm(comm);
    *op = (struct state_op){.call = (uint16_t)call,
                            .kind = LOOK_COLLECTIVE,
                            .collective = (uint8_t)kind,
                            .site = (uint64_t)(uintptr_t)site,
                            .root = root,
                            .flags = flags,
                            .peer = LOOK_NONE,
                            .tag = LOOK_NONE};
    if (c == NULL) {
        op->kind = LOOK_FREE;
        set_flags(STATE_CALLS_LOST, 0);
        return;
    }
    if (c->count > c->local)
        op->root = LOOK_NONE; /* MPI_ROOT and MPI_PROC_NULL are no ranks */
    else if (root != LOOK_NONE)
        op->root = world_rank(c, root);
    if (op->root == RECORD_NOBODY)
        op->root = LOOK_NONE; /* MPI will refuse it */
    op->comm = c->id;
    op->index = ++c->begun;
    op->group = (int32_t)(c - r.m->comms);
    remember(c, op);
}

/* ---- blocking calls
 * ---------------------------------------------------------------------- */

static inline void block(enum call call, void *site, unsigned own_count)
{
    if (!is_first())
        return;
    r.m->waits++; /* what an earlier call has waited for is no more awaited */
    r.m->own_count = (uint16_t)own_count;
    if (__builtin_expect((r.m->flags & (STATE_ANY | STATE_FREE)) != 0, false))
        set_flags(0, STATE_ANY | STATE_FREE);
    set_now(LOOK_BLOCKED, call, site);
}

static inline void run(enum call call, void *site)
{
    set_now(LOOK_RUNNING, call, site);
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
        r.m->waits++;
        r.m->own_count = 0;
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
        r.m->own_count = 0;
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
                                        : world_rank(&r.m->comms[op->group], source);
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

/* ---- the table of requests
 * ----------------------------------------------------------------- */

static struct state_op *op_place(uint64_t handle)
{
    uint64_t i = record_mix(handle, 1) & (STATE_OPS - 1);
    while (r.m->ops[i].handle != 0 && r.m->ops[i].handle != handle)
        i = (i + 1) & (STATE_OPS - 1);
    return &r.m->ops[i];
}

static inline struct state_op *find_op(uint64_t handle)
{
    struct state_op *op = op_place(handle);
    return op->handle != 0 ? op : NULL;
}

static struct state_op *add_op(uint64_t handle)
{
    struct state_op *op = op_place(handle);
    if (op->handle == 0) {
        if (r.m->op_count >= OPS_USED) {
            set_flags(STATE_OPS_LOST, 0);
            return NULL;
        }
        r.m->op_count++;
    }
    *op = (struct state_op){.order = ++r.m->order};
    op->handle = handle;
    return op;
}

/* Take one out, and move up those that stand behind it only because it was there. */
static void remove_op(struct state_op *op)
{
    struct state_op *ops = r.m->ops;
    size_t hole = (size_t)(op - ops);
    for (size_t i = (hole + 1) & (STATE_OPS - 1); ops[i].handle != 0;
         i = (i + 1) & (STATE_OPS - 1)) {
        size_t home = record_mix(ops[i].handle, 1) & (STATE_OPS - 1);
        if (((i - home) & (STATE_OPS - 1)) >= ((i - hole) & (STATE_OPS - 1))) {
            ops[hole] = ops[i];
            hole = i;
        }
    }
    ops[hole].handle = 0;
    r.m->op_count--;
}

/* ---- polling
 * --------------------------------------------------------------------------------- */

/* Whether the rank begins to poll with this; else it goes on polling, and what is
 * written down is added to: nobody takes a polling rank's state for a whole (look.h).
 */
static bool begin_poll(enum call call, void *site)
{
    struct state *m = r.m;
    bool begins = m->now != LOOK_POLLING;
    if (begins) {
        begin();
        m->waits++;
        m->fruitless++;
        m->own_count = 0;
        set_flags(0, STATE_ANY | STATE_FREE);
        set_now(LOOK_POLLING, call, site);
        end();
    } else {
        m->call = (uint16_t)call;
        m->site = (uint64_t)(uintptr_t)site;
    }
    __atomic_store_n(&m->polls, m->polls + 1, __ATOMIC_RELAXED);
    return begins;
}

void record_poll(enum call call, void *site, const uint64_t *requests, int count)
{
    if (!is_first())
        return;
    begin_poll(call, site);
    lock();
    for (int i = 0; i < count; i++) {
        struct state_op *op = requests[i] != 0 ? find_op(requests[i]) : NULL;
        if (op != NULL && (op->flags & STATE_OP_ACTIVE) != 0)
            op->awaited = r.m->waits;
        else if (requests[i] != 0 && op == NULL)
            set_flags(STATE_FREE, 0);
    }
    if (count == 0)
        set_flags(STATE_FREE, 0);
    unlock();
}

void record_poll_probe(enum call call, void *site, uint64_t comm, int source, int tag)
{
    struct state_op op = {.root = LOOK_NONE};
    if (!is_first())
        return;
    begin_poll(call, site);
    lock();
    make_recv(&op, call, site, comm, source, tag, LOOK_PROBE, 0);
    struct state_op *mine = &r.m->own[0];
    if (r.m->own_count == 0) {
        op.order = r.m->order + 1;
        *mine = op;
        r.m->own_count = 1;
    } else if (op.kind != mine->kind || op.comm != mine->comm) {
        mine->kind = LOOK_FREE;
    } else { /* it asks for one after the other: for any of them */
        mine->peer = op.peer == mine->peer ? op.peer : LOOK_ANY;
        mine->tag = op.tag == mine->tag ? op.tag : LOOK_ANY;
    }
    unlock();
}

/* ---- signals
 * ----------------------------------------------------------------------------- */

void record_signal(uint64_t comm, int peer, int tag)
{
    begin();
    if (comm != LOOK_UNKNOWN)
        count_sent(comm, peer, tag);
    end();
}

/* Own operations are few; signals may be many, so they stand among the requests, under
 * handles that no request has. */
static uint64_t signal_handle(int peer)
{
    return (UINT64_C(0xfffffffe) << 32) + (uint64_t)peer;
}

void record_signal_taken(uint64_t comm, int peer, int tag)
{
    begin();
    if (comm != LOOK_UNKNOWN) {
        struct state_op *op = find_op(signal_handle(peer));
        count_received(comm, peer, tag);
        if (op != NULL)
            remove_op(op);
    }
    end();
}

void record_await_signals(void)
{
    begin();
    if (is_first()) {
        r.m->waits++;
        r.m->own_count = 0;
        set_flags(0, STATE_ANY | STATE_FREE);
    }
    end();
}

void record_await_signal(enum call call, void *site, uint64_t comm, int peer, int tag)
{
    begin();
    if (comm != LOOK_UNKNOWN) {
        struct state_op *op = add_op(signal_handle(peer));
        if (op != NULL) {
            op->comm = comm;
            op->peer = peer;
            op->tag = tag;
            op->kind = LOOK_RECV;
            op->root = LOOK_NONE;
            op->call = (uint16_t)call;
            op->site = (uint64_t)(uintptr_t)site;
            op->awaited = r.m->waits;
            op->flags = STATE_OP_ACTIVE;
        }
    } else {
        set_flags(STATE_FREE, 0);
    }
    end();
}

void record_await_blocks(enum call call, void *site)
{
    begin();
    set_now(LOOK_BLOCKED, call, site);
    end();
}

/* ---- requests, begun and ended
 * ------------------------------------------------------------ */

void record_post_send(enum call call, void *site, uint64_t comm, int dest, int tag,
                      enum look_kind kind, unsigned flags)
{
    begin();
    make_send(&posting, call, site, comm, dest, tag, kind,
              flags | STATE_OP_NONBLOCKING);
    run(call, site);
    end();
}

void record_post_recv(enum call call, void *site, uint64_t comm, int source, int tag,
                      unsigned flags)
{
    begin();
    make_recv(&posting, call, site, comm, source, tag, LOOK_RECV,
              flags | STATE_OP_NONBLOCKING);
    run(call, site);
    end();
}

void record_post_collective(enum call call, void *site, uint64_t comm, int root,
                            enum look_collective kind, bool loose)
{
    begin();
    make_collective(&posting, call, site, comm, root, kind,
                    STATE_OP_NONBLOCKING | (loose ? STATE_OP_LOOSE : 0));
    run(call, site);
    end();
}

void record_post_free(enum call call, void *site, unsigned flags)
{
    begin();
    posting = (struct state_op){.call = (uint16_t)call,
                                .kind = LOOK_FREE,
                                .site = (uint64_t)(uintptr_t)site,
                                .root = LOOK_NONE,
                                .peer = LOOK_NONE,
                                .tag = LOOK_NONE,
                                .flags = flags | STATE_OP_NONBLOCKING};
    run(call, site);
    end();
}

void record_posted(uint64_t request)
{
    if (request == STATE_NO_HANDLE || request == 0)
        return;
    begin();
    struct state_op *op = add_op(request);
    if (op != NULL) {
        uint64_t order = op->order;
        *op = posting;
        op->handle = request;
        op->order = order;
        if ((op->flags & STATE_OP_PERSISTENT) == 0)
            op->flags |= STATE_OP_ACTIVE;
    }
    end();
}

void record_wait_begin(enum call call, void *site, bool any)
{
    begin();
    if (is_first()) {
        r.m->waits++;
        r.m->call = (uint16_t)call;
        r.m->site = (uint64_t)(uintptr_t)site;
        r.m->own_count = 0;
        set_flags(any ? STATE_ANY : 0, STATE_ANY | STATE_FREE);
    }
}

void record_wait_for(uint64_t request)
{
    if (!is_first())
        return;
    struct state_op *op = find_op(request);
    if (op == NULL) {
        /* One that was not seen to begin, MPI_REQUEST_NULL not among them. */
        set_flags(STATE_FREE, 0);
    } else if (op->flags & STATE_OP_ACTIVE) {
        op->awaited = r.m->waits;
    }
}

void record_wait_blocks(void)
{
    if (is_first())
        __atomic_store_n(&r.m->now, LOOK_BLOCKED, __ATOMIC_RELEASE);
    end();
}

bool record_needs_status(uint64_t request)
{
    lock();
    const struct state_op *op = find_op(request);
    bool needs = op != NULL && op->kind == LOOK_RECV &&
                 (op->peer == LOOK_ANY || op->tag == LOOK_ANY ||
                  (op->flags & STATE_OP_CANCELLED) != 0);
    unlock();
    return needs;
}

bool record_is_cancelled(uint64_t request)
{
    lock();
    const struct state_op *op = find_op(request);
    bool is = op != NULL && (op->flags & STATE_OP_CANCELLED) != 0;
    unlock();
    return is;
}

static void take_in(const struct state_op *op, int source, int tag)
{
    int peer =
        op->peer != LOOK_ANY ? op->peer : world_rank(&r.m->comms[op->group], source);
    if (peer != RECORD_NOBODY)
        count_received(op->comm, peer, op->tag != LOOK_ANY ? op->tag : tag);
}

void record_completed(uint64_t request, int source, int tag, bool cancelled)
{
    begin();
    struct state_op *op = find_op(request);
    if (op != NULL && (op->flags & STATE_OP_ACTIVE) != 0) {
        if (op->kind == LOOK_RECV && !cancelled)
            take_in(op, source, tag);
        if (op->flags & STATE_OP_PERSISTENT)
            op->flags &= ~(uint32_t)(STATE_OP_ACTIVE | STATE_OP_CANCELLED);
        else
            remove_op(op);
    }
    end();
}

void record_start(uint64_t request)
{
    begin();
    struct state_op *op = find_op(request);
    if (op == NULL) {
        set_flags(STATE_OPS_LOST | STATE_COUNTS_LOST, 0);
    } else {
        op->order = ++r.m->order;
        op->flags |= STATE_OP_ACTIVE;
        if (op->kind == LOOK_SEND || op->kind == LOOK_SSEND)
            op->index = count_sent(op->comm, op->peer, op->tag);
    }
    end();
}

void record_cancel(uint64_t request)
{
    begin();
    struct state_op *op = find_op(request);
    if (op != NULL)
        op->flags |= STATE_OP_CANCELLED;
    end();
}

void record_request_freed(uint64_t request)
{
    begin();
    struct state_op *op = find_op(request);
    if (op != NULL) {
        if ((op->flags & STATE_OP_ACTIVE) != 0 && op->kind == LOOK_RECV)
            set_flags(STATE_OPS_LOST, 0); /* it may take a message yet */
        remove_op(op);
    }
    end();
}
