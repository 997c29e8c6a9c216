/* world.c - several exchanges in one process, over the transport's scripted twin */
#include "world.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* ---- the clock, and memory, which the linker hands to us (--wrap) --------------- */

int64_t added_ns;
int64_t tick_ns;
long fail_at;

int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
    int rc = __real_clock_gettime(id, t);
    if (tick_ns != 0)
        added_ns += tick_ns;
    int64_t now = (int64_t)t->tv_sec * NS_PER_SEC + t->tv_nsec + added_ns;
    t->tv_sec = now / NS_PER_SEC;
    t->tv_nsec = now % NS_PER_SEC;
    return rc;
}

static bool fails(void)
{
    return fail_at > 0 && --fail_at == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

/* ---- the world ------------------------------------------------------------------- */

void world_open(struct world *w)
{
    wire_init(&w->wire);
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(board_map(-1, RANKS, &w->boards[rank]), 0);
        w->x[rank] = exchange_new(rank, w->boards[rank], wire_end(&w->wire, rank));
        assert_non_null(w->x[rank]);
    }
}

void world_close(struct world *w)
{
    for (int rank = 0; rank < RANKS; rank++) {
        exchange_free(w->x[rank]);
        board_unmap(w->boards[rank]);
    }
    wire_done(&w->wire);
}

int open_world(void **state)
{
    static struct world w;
    added_ns = tick_ns = 0;
    fail_at = 0;
    world_open(&w);
    *state = &w;
    return 0;
}

int close_world(void **state)
{
    world_close(*state);
    return 0;
}

int take_in(struct world *w, int rank)
{
    struct rota_message m;
    return exchange_probe(w->x[rank], ROTA_ANY_SOURCE, NO_TAG, 0, &m);
}

void others_take_in(void *arg, int rank)
{
    for (int other = 0; other < RANKS; other++) {
        if (other != rank)
            take_in(arg, other);
    }
}

void let_others_run(struct world *w)
{
    w->wire.idle = others_take_in;
    w->wire.idle_arg = w;
}

void look_for(struct world *w, int rank, int64_t ns)
{
    for (int64_t passed = 0; passed < ns; passed += 20 * NS_PER_MS) {
        added_ns += 20 * NS_PER_MS;
        take_in(w, rank);
    }
}

void tell(struct world *w, int rank, int peer, uint64_t due)
{
    board_post(w->boards[rank], peer, (struct rota_fate){ROTA_KILLED, 9}, due);
}

uint64_t sent(const struct world *w, int from, int to)
{
    return w->boards[from]->peers[to].sent;
}

static unsigned char pattern(size_t at, unsigned seed)
{
    return (unsigned char)(at * 31 + at / 251 + seed);
}

/* The test's own memory does not come from malloc(), which may fail. */
int send_pattern(struct world *w, int from, int to, int tag, size_t size, unsigned seed)
{
    unsigned char *data = reallocarray(NULL, 1, size + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = pattern(i, seed);
    int rc = exchange_send(w->x[from], to, tag, data, size);
    memset(data, 0xee, size);
    free(data);
    return rc;
}

void check_pattern(struct rota_message *m, size_t size, unsigned seed)
{
    assert_int_equal(m->size_bytes, size);
    const unsigned char *data = m->data;
    assert_non_null(data);
    for (size_t i = 0; i < size; i++) {
        if (data[i] != pattern(i, seed))
            fail_msg("byte %zu of %zu is wrong", i, size);
    }
    assert_int_equal(data[size], 0);
    free(m->data);
    m->data = NULL;
}

int receive_now(struct world *w, int rank, int source, int tag, struct rota_message *m)
{
    return exchange_receive(w->x[rank], source, tag, 0, m);
}

int outcome(struct world *w, int rank, int source)
{
    struct rota_message m = {0};
    int rc = receive_now(w, rank, source, ROTA_ANY_TAG, &m);
    free(m.data);
    return rc;
}
