/* hub_world.h - a hub, its members and its strangers, for what tests them
 *
 * All are in one process, over sockets of the loopback interface. The time is the
 * test's own: hours pass without a sleep.
 */
#ifndef ROTA_TESTS_HUB_WORLD_H
#define ROTA_TESTS_HUB_WORLD_H

#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "liveness/hub.h"
#include "liveness/line.h"
#include "liveness/member.h"

enum {
    RANKS = 4,
    SETTLE_MS = 2, /* so long nothing happens on any socket: all has been said */
};

struct world {
    int64_t now_ns;
    struct hub *hub;
    struct liveness_invitation invitation;
    struct member *members[RANKS];
    struct board *boards[RANKS];
};

static const struct patience patience = {
    .silence_ns = 10 * NS_PER_SEC,
    .freeze_ns = 10 * NS_PER_SEC,
    .join_ns = 60 * NS_PER_SEC,
};

static inline int open_world(void **state)
{
    static struct world w;
    if (sodium_init() < 0)
        return 1;
    w = (struct world){.now_ns = 1000 * NS_PER_SEC};
    *state = &w;
    return hub_open(RANKS, true, patience, w.now_ns, &w.invitation, &w.hub);
}

static inline int close_world(void **state)
{
    struct world *w = *state;
    for (int rank = 0; rank < RANKS; rank++) {
        member_free(w->members[rank]);
        board_unmap(w->boards[rank]);
    }
    hub_free(w->hub);
    return 0;
}

/* ---- driving ------------------------------------------------------------------- */

static inline struct member *member_at(struct world *w, int rank)
{
    if (w->boards[rank] == NULL)
        assert_int_equal(board_map(-1, RANKS, &w->boards[rank]), 0);
    w->members[rank] =
        member_new(rank, RANKS, &w->invitation, patience, w->boards[rank], w->now_ns);
    assert_non_null(w->members[rank]);
    return w->members[rank];
}

static inline void run_all(struct world *w)
{
    if (w->hub != NULL)
        hub_run(w->hub, w->now_ns);
    for (int rank = 0; rank < RANKS; rank++) {
        if (w->members[rank] != NULL)
            member_run(w->members[rank], w->now_ns);
    }
}

static inline int fds_of_all(const struct world *w, struct pollfd *fds, int cap)
{
    int n = w->hub != NULL ? hub_fds(w->hub, fds, cap) : 0;
    for (int rank = 0; rank < RANKS; rank++) {
        if (w->members[rank] != NULL)
            n += member_fds(w->members[rank], fds + n, cap - n);
    }
    return n;
}

/* Run everyone, at the time that it is, until nobody has anything to say. */
static inline void pump(struct world *w)
{
    struct pollfd fds[512];
    run_all(w);
    while (poll(fds, (nfds_t)fds_of_all(w, fds, 512), SETTLE_MS) > 0)
        run_all(w);
}

/* Let time pass in small steps, so that everyone who lives is heard. */
static inline void live(struct world *w, int64_t ns)
{
    for (int64_t passed = 0; passed < ns; passed += NS_PER_SEC / 2) {
        w->now_ns += NS_PER_SEC / 2;
        pump(w);
    }
}

static inline void join_all(struct world *w)
{
    for (int rank = 0; rank < RANKS; rank++)
        member_at(w, rank);
    pump(w);
    for (int rank = 0; rank < RANKS; rank++)
        assert_int_equal(member_state(w->members[rank]), MEMBER_JOINED);
}

static inline void leave(struct world *w, int rank)
{
    member_free(w->members[rank]);
    w->members[rank] = NULL;
}

static inline enum rota_how how_at(const struct world *w, int rank, int about)
{
    return board_fate(w->boards[rank], about).how;
}

static inline int connections(const struct world *w)
{
    return hub_fds(w->hub, NULL, 0) - 1;
}

/* ---- strangers: sockets with nothing behind them but the test ------------------- */

static inline int stranger(const struct world *w)
{
    int fd;
    struct net_address lo = net_loopback();
    assert_int_equal(net_connect(&lo, w->invitation.port, &fd), 0);
    return fd;
}

static inline void say(int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static inline void say_frame(int fd, enum line_kind kind, const void *payload,
                             size_t size)
{
    unsigned char bytes[512];
    line_put_header(bytes, kind, size);
    if (size > 0)
        memcpy(bytes + LINE_HEADER_BYTES, payload, size);
    say(fd, bytes, LINE_HEADER_BYTES + size);
}

/* Whether the other side has closed the line; what it has said is thrown away. */
static inline bool is_closed(int fd)
{
    char bytes[4096];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        continue;
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* The nonce with which the hub has greeted `fd`. */
static inline void hear_challenge(struct world *w, int fd, unsigned char nonce[])
{
    unsigned char bytes[LINE_HEADER_BYTES + LINE_NONCE_BYTES];
    struct line_frame f;
    pump(w);
    assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_int_equal(line_parse(bytes, sizeof(bytes), LINE_NONCE_BYTES, &f),
                     sizeof(bytes));
    assert_int_equal(f.kind, LINE_CHALLENGE);
    memcpy(nonce, f.payload, LINE_NONCE_BYTES);
}

/* The HELLO of one that knows the secret. */
static inline void make_hello(const struct world *w, const unsigned char nonce[],
                              uint32_t rank, uint32_t size,
                              unsigned char payload[LINE_HELLO_BYTES])
{
    struct line_hello hello = {.rank = rank, .size = size};
    line_random(hello.nonce, sizeof(hello.nonce));
    line_prove(LINE_ROLE_MEMBER, w->invitation.secret, nonce, &hello, hello.proof);
    line_put_hello(payload, &hello);
}

/* A member of which the test holds the socket, joined as `rank`. */
static inline int raw_member(struct world *w, uint32_t rank, uint32_t size)
{
    unsigned char nonce[LINE_NONCE_BYTES];
    unsigned char hello[LINE_HELLO_BYTES];
    int fd = stranger(w);
    hear_challenge(w, fd, nonce);
    make_hello(w, nonce, rank, size, hello);
    say_frame(fd, LINE_HELLO, hello, sizeof(hello));
    return fd;
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

#endif
