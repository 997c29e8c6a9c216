/* guard.c - what the guard reads of a rank: guard/state.h's memory, shot.h, verdict.h
 *
 * The first byte says whether the rest is a shot, as it comes over the line, or what a
 * rank has written to its memory: places and values. A shot that is found sound makes a
 * look, and the verdict on it names only ranks and operations that there are. One that
 * is taken of any memory at all fits in its bytes.
 */
#include "fuzz.h"

#include "guard/shot.h"
#include "guard/verdict.h"
#include "rota.h"

enum {
    RANKS = 3,
};

static void check_verdict(const struct look *l)
{
    const struct verdict_options o = {.quiet_ns = 1000, .mismatch_ns = 1000};
    struct verdict *v;
    must(verdict_of(l, &o, &v) == 0);
    must(v->what <= VERDICT_QUIET);
    for (size_t i = 0; i < v->stuck_count; i++) {
        must(v->stuck[i] >= 0 && v->stuck[i] < RANKS);
        must(i == 0 || v->stuck[i] > v->stuck[i - 1]);
    }
    for (size_t i = 0; i < v->wait_count; i++) {
        const struct verdict_wait *w = &v->waits[i];
        must(w->rank >= 0 && w->rank < RANKS);
        must(w->op >= -1 && w->op < (int)l->ranks[w->rank].op_count);
        for (size_t k = 0; k < w->on_count; k++)
            must(w->on[k] >= 0 && w->on[k] < RANKS);
    }
    for (size_t i = 0; i < v->cycle_count; i++)
        must(v->cycle[i] >= 0 && v->cycle[i] < RANKS);
    verdict_free(v);
}

/* A shot of rank 0's, beside ranks that wait for it. */
static void put(const unsigned char *bytes, size_t size)
{
    const struct shot_head *head;
    const bool coarse[RANKS] = {false, size % 2 == 1, false};
    struct look *l;
    if (shot_check(bytes, size, RANKS, &head) != 0)
        return;
    must(look_new(RANKS, &l) == 0);
    for (int rank = 0; rank < RANKS; rank++) {
        l->ranks[rank].state = LOOK_BLOCKED;
        struct look_op *op = look_add_op(&l->ranks[rank]);
        must(op != NULL);
        *op = (struct look_op){.kind = LOOK_RECV,
                               .awaited = true,
                               .comm = STATE_WORLD,
                               .peer = head->rank,
                               .root = LOOK_NONE,
                               .call = "MPI_Recv"};
    }
    struct look_rank *own = &l->ranks[head->rank];
    free(own->ops);
    *own = (struct look_rank){.state = LOOK_UNSEEN};
    must(shot_put(head, coarse, INT64_MAX / 2, l) == 0);
    for (int rank = 0; rank < RANKS; rank++)
        l->ranks[rank].steady = true;
    check_verdict(l);
    look_free(l);
}

/* Bytes aligned for a struct. */
static void put_raw(struct fuzz_bytes *b)
{
    size_t size;
    unsigned char *bytes = fuzz_cut(b, SHOT_MAX_BYTES, &size);
    put(bytes, size);
    free(bytes);
}

static void scribble(struct state *s, struct fuzz_bytes *b)
{
    while (b->left > 0) {
        /* Mostly where there is most to be wrong with. */
        static const size_t places[] = {
            0, offsetof(struct state, ops), offsetof(struct state, flows),
            offsetof(struct state, comms), offsetof(struct state, members)};
        size_t size;
        size_t at = places[fuzz_take8(b) % 5] + fuzz_take16(b);
        unsigned char *bytes = fuzz_cut(b, fuzz_take8(b), &size);
        if (size <= sizeof(*s) && at <= sizeof(*s) - size)
            memcpy((unsigned char *)s + at, bytes, size);
        free(bytes);
    }
}

static void take(struct fuzz_bytes *b)
{
    static struct state s;
    struct shot_head head = {.rank = 1, .look = 3, .host = "host"};
    unsigned char *bytes;
    size_t size;
    memset(&s, 0, sizeof(s));
    scribble(&s, b);
    int rc = shot_take(&s, &head, &bytes, &size);
    must(rc == 0 || rc == ROTA_E_NOMEM);
    if (rc != 0)
        return;
    must(size <= SHOT_MAX_BYTES && size >= sizeof(struct shot_head));
    put(bytes, size);
    free(bytes);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    if (fuzz_take8(&b) % 2 == 0)
        put_raw(&b);
    else
        take(&b);
}

/* A rank that receives from another, and has been in a barrier. */
static void seed_shot(void)
{
    static struct state s;
    const struct shot_head head = {.rank = 1, .look = 1, .host = "host"};
    unsigned char *bytes;
    unsigned char out[4096] = {0};
    size_t size;
    s.now = LOOK_BLOCKED;
    s.call = 1;
    s.own_count = 1;
    s.own[0] = (struct state_op){.handle = STATE_NO_HANDLE,
                                 .comm = STATE_WORLD,
                                 .peer = 2,
                                 .root = LOOK_NONE,
                                 .kind = LOOK_RECV,
                                 .call = 1};
    s.flows[0] =
        (struct state_flow){.comm = STATE_WORLD, .peer = 2, .tag = 5, .sent = 3};
    s.comm_count = 1;
    s.comms[0] =
        (struct state_comm){.id = STATE_WORLD, .begun = 1, .local = 3, .count = 3};
    s.comms[0].past[0] =
        (struct state_past){.index = 1, .call = 1, .collective = LOOK_BARRIER};
    s.member_count = 3;
    s.members[1] = 1;
    s.members[2] = 2;
    must(shot_take(&s, &head, &bytes, &size) == 0 && size < sizeof(out));
    memcpy(out + 1, bytes, size);
    fuzz_seed("shot", out, 1 + size);
    free(bytes);
}

static size_t put_at(unsigned char *out, uint8_t place, uint16_t at, const void *bytes,
                     size_t size)
{
    out[0] = place;
    memcpy(out + 1, &at, 2);
    out[3] = (unsigned char)size;
    memcpy(out + 4, bytes, size);
    return 4 + size;
}

void fuzz_seeds(void)
{
    unsigned char out[512] = {1};
    const uint32_t much = UINT32_MAX;
    const uint32_t blocked = LOOK_BLOCKED;
    const struct state_op op = {.handle = 1,
                                .comm = STATE_WORLD,
                                .root = LOOK_NONE,
                                .kind = LOOK_COLLECTIVE,
                                .call = 1,
                                .flags = STATE_OP_ACTIVE};
    seed_shot();
    size_t n = 1;
    n += put_at(out + n, 0, offsetof(struct state, comm_count), &much, 4);
    fuzz_seed("many-comms", out, n);
    n = 1;
    n += put_at(out + n, 0, offsetof(struct state, member_count), &much, 4);
    n += put_at(out + n, 0, offsetof(struct state, own_count), &much, 2);
    fuzz_seed("many-members", out, n);
    n = 1;
    n += put_at(out + n, 0, offsetof(struct state, now), &blocked, 4);
    n += put_at(out + n, 1, 0, &op, sizeof(op));
    fuzz_seed("op", out, n);
}
