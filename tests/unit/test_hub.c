/* test_hub.c - liveness/hub and liveness/member: who is let in, and what is told
 *
 * A hub, its members and its strangers in one process, over sockets of the loopback
 * interface. The time is the test's own: hours pass without a sleep.
 */
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

static int open_world(void **state)
{
    static struct world w;
    if (sodium_init() < 0)
        return 1;
    w = (struct world){.now_ns = 1000 * NS_PER_SEC};
    *state = &w;
    return hub_open(RANKS, true, patience, w.now_ns, &w.invitation, &w.hub);
}

static int close_world(void **state)
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

static struct member *member_at(struct world *w, int rank)
{
    if (w->boards[rank] == NULL)
        assert_int_equal(board_map(-1, RANKS, &w->boards[rank]), 0);
    w->members[rank] =
        member_new(rank, RANKS, &w->invitation, patience, w->boards[rank], w->now_ns);
    assert_non_null(w->members[rank]);
    return w->members[rank];
}

static void run_all(struct world *w)
{
    if (w->hub != NULL)
        hub_run(w->hub, w->now_ns);
    for (int rank = 0; rank < RANKS; rank++) {
        if (w->members[rank] != NULL)
            member_run(w->members[rank], w->now_ns);
    }
}

static int fds_of_all(const struct world *w, struct pollfd *fds, int cap)
{
    int n = w->hub != NULL ? hub_fds(w->hub, fds, cap) : 0;
    for (int rank = 0; rank < RANKS; rank++) {
        if (w->members[rank] != NULL)
            n += member_fds(w->members[rank], fds + n, cap - n);
    }
    return n;
}

/* Run everyone, at the time that it is, until nobody has anything to say. */
static void pump(struct world *w)
{
    struct pollfd fds[512];
    run_all(w);
    while (poll(fds, (nfds_t)fds_of_all(w, fds, 512), SETTLE_MS) > 0)
        run_all(w);
}

/* Let time pass in small steps, so that everyone who lives is heard. */
static void live(struct world *w, int64_t ns)
{
    for (int64_t passed = 0; passed < ns; passed += NS_PER_SEC / 2) {
        w->now_ns += NS_PER_SEC / 2;
        pump(w);
    }
}

static void join_all(struct world *w)
{
    for (int rank = 0; rank < RANKS; rank++)
        member_at(w, rank);
    pump(w);
    for (int rank = 0; rank < RANKS; rank++)
        assert_int_equal(member_state(w->members[rank]), MEMBER_JOINED);
}

static void leave(struct world *w, int rank)
{
    member_free(w->members[rank]);
    w->members[rank] = NULL;
}

static enum rota_how how_at(const struct world *w, int rank, int about)
{
    return board_fate(w->boards[rank], about).how;
}

static int connections(const struct world *w)
{
    return hub_fds(w->hub, NULL, 0) - 1;
}

/* ---- strangers: sockets with nothing behind them but the test ------------------- */

static int stranger(const struct world *w)
{
    int fd;
    struct net_address lo = net_loopback();
    assert_int_equal(net_connect(&lo, w->invitation.port, &fd), 0);
    return fd;
}

static void say(int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void say_frame(int fd, enum line_kind kind, const void *payload, size_t size)
{
    unsigned char bytes[512];
    line_put_header(bytes, kind, size);
    if (size > 0)
        memcpy(bytes + LINE_HEADER_BYTES, payload, size);
    say(fd, bytes, LINE_HEADER_BYTES + size);
}

/* Whether the other side has closed the line; what it has said is thrown away. */
static bool is_closed(int fd)
{
    char bytes[4096];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
        continue;
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* The nonce with which the hub has greeted `fd`. */
static void hear_challenge(struct world *w, int fd, unsigned char nonce[])
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
static void make_hello(const struct world *w, const unsigned char nonce[],
                       uint32_t rank, uint32_t size,
                       unsigned char payload[LINE_HELLO_BYTES])
{
    struct line_hello hello = {.rank = rank, .size = size};
    line_random(hello.nonce, sizeof(hello.nonce));
    line_prove(LINE_ROLE_MEMBER, w->invitation.secret, nonce, &hello, hello.proof);
    line_put_hello(payload, &hello);
}

/* A member of which the test holds the socket, joined as `rank`. */
static int raw_member(struct world *w, uint32_t rank, uint32_t size)
{
    unsigned char nonce[LINE_NONCE_BYTES];
    unsigned char hello[LINE_HELLO_BYTES];
    int fd = stranger(w);
    hear_challenge(w, fd, nonce);
    make_hello(w, nonce, rank, size, hello);
    say_frame(fd, LINE_HELLO, hello, sizeof(hello));
    return fd;
}

/* ---- joining, and what is told --------------------------------------------------- */

static void members_join_and_are_told_a_fate_with_what_is_due(void **state)
{
    struct world *w = *state;
    join_all(w);
    for (int i = 0; i < 5; i++)
        board_count_sent(w->boards[1], 0);
    for (int i = 0; i < 7; i++)
        board_count_sent(w->boards[1], 3);
    member_report(w->members[1], (struct rota_fate){ROTA_KILLED, 9});
    pump(w);
    const uint64_t due[] = {5, 0, 0, 7};
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(how_at(w, rank, 1), ROTA_KILLED);
        assert_int_equal(board_fate(w->boards[rank], 1).code, 9);
        assert_true(board_due(w->boards[rank], 1) == due[rank]);
        assert_int_equal(how_at(w, rank, 2), ROTA_ALIVE);
    }
}

static void who_asks_is_told_what_has_left_the_others_for_it(void **state)
{
    struct world *w = *state;
    join_all(w);
    for (int i = 0; i < 5; i++)
        board_count_sent(w->boards[1], 3);
    board_count_left(w->boards[1], 3);
    board_count_sent(w->boards[1], 3);
    board_count_sent(w->boards[2], 0);
    board_count_left(w->boards[2], 0);
    live(w, 2 * NS_PER_SEC);
    assert_true(board_due(w->boards[3], 1) == 0); /* nobody has asked */
    board_ask(w->boards[3]);
    live(w, 2 * NS_PER_SEC);
    const uint64_t left[] = {0, 5, 0};
    for (int rank = 0; rank < 3; rank++) {
        assert_int_equal(how_at(w, 3, rank), ROTA_ALIVE);
        assert_true(board_due(w->boards[3], rank) == left[rank]);
        assert_true(board_due(w->boards[0], rank) == 0); /* it is not the one */
    }
    /* Of one that has gone, its last word counts. */
    member_report(w->members[1], (struct rota_fate){ROTA_KILLED, 9});
    board_ask(w->boards[3]);
    live(w, 2 * NS_PER_SEC);
    assert_int_equal(how_at(w, 3, 1), ROTA_KILLED);
    assert_true(board_due(w->boards[3], 1) == 6);
}

static void who_is_stopped_is_told_of_and_goes_on(void **state)
{
    struct world *w = *state;
    join_all(w);
    member_report(w->members[2], (struct rota_fate){ROTA_STOPPED, 19});
    pump(w);
    assert_int_equal(how_at(w, 0, 2), ROTA_STOPPED);
    member_report(w->members[2], (struct rota_fate){ROTA_ALIVE, 0});
    pump(w);
    assert_int_equal(how_at(w, 0, 2), ROTA_ALIVE);
}

static void a_late_joiner_is_told_what_was_before(void **state)
{
    struct world *w = *state;
    for (int rank = 0; rank < RANKS - 1; rank++)
        member_at(w, rank);
    pump(w);
    board_count_sent(w->boards[2], 3);
    member_report(w->members[2], (struct rota_fate){ROTA_EXITED, 1});
    member_report(w->members[1], (struct rota_fate){ROTA_STOPPED, 20});
    live(w, 20 * NS_PER_SEC);
    member_at(w, 3);
    pump(w);
    assert_int_equal(member_state(w->members[3]), MEMBER_JOINED);
    assert_int_equal(how_at(w, 3, 0), ROTA_ALIVE);
    assert_int_equal(how_at(w, 3, 1), ROTA_STOPPED);
    assert_int_equal(how_at(w, 3, 2), ROTA_EXITED);
    assert_true(board_due(w->boards[3], 2) == 1);
}

static void a_report_made_before_joining_is_kept(void **state)
{
    struct world *w = *state;
    member_report(member_at(w, 1), (struct rota_fate){ROTA_KILLED, 11});
    member_at(w, 0);
    pump(w);
    assert_int_equal(how_at(w, 0, 1), ROTA_KILLED);
}

static void the_run_is_over_when_the_last_has_ended(void **state)
{
    struct world *w = *state;
    join_all(w);
    for (int rank = 0; rank < RANKS; rank++) {
        assert_false(hub_done(w->hub, w->now_ns));
        assert_int_equal(member_state(w->members[rank]), MEMBER_JOINED);
        member_report(w->members[rank], (struct rota_fate){ROTA_CLOSED, 0});
        pump(w);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        assert_false(hub_done(w->hub, w->now_ns));
        member_report(w->members[rank], (struct rota_fate){ROTA_EXITED, 0});
        pump(w);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(member_state(w->members[rank]), MEMBER_OVER);
        assert_int_equal(how_at(w, rank, RANKS - 1), ROTA_EXITED);
    }
    for (int rank = 1; rank < RANKS; rank++) { /* rank 0's parent ends last */
        assert_false(hub_done(w->hub, w->now_ns));
        leave(w, rank);
        pump(w);
    }
    assert_true(hub_done(w->hub, w->now_ns));
}

static void a_parent_that_does_not_end_holds_up_the_hub_for_five_seconds(void **state)
{
    struct world *w = *state;
    join_all(w);
    for (int rank = 0; rank < RANKS; rank++)
        member_report(w->members[rank], (struct rota_fate){ROTA_EXITED, 0});
    pump(w);
    assert_false(hub_done(w->hub, w->now_ns + 4 * NS_PER_SEC));
    assert_true(hub_done(w->hub, w->now_ns + 6 * NS_PER_SEC));
}

static void who_does_not_join_in_time_has_vanished(void **state)
{
    struct world *w = *state;
    member_at(w, 0);
    live(w, patience.join_ns - NS_PER_SEC);
    assert_int_equal(how_at(w, 0, 1), ROTA_ALIVE);
    live(w, 2 * NS_PER_SEC);
    for (int rank = 1; rank < RANKS; rank++)
        assert_int_equal(how_at(w, 0, rank), ROTA_VANISHED);
    assert_int_equal(how_at(w, 0, 0), ROTA_ALIVE);

    member_at(w, 1); /* too late */
    live(w, NS_PER_SEC);
    assert_int_equal(member_state(w->members[1]), MEMBER_JOINING);
    live(w, patience.join_ns + NS_PER_SEC);
    assert_int_equal(member_state(w->members[1]), MEMBER_CUT);
}

/* An overloaded host: the hub reads the HELLO seconds after it was sent. */
static void a_hub_that_is_slow_to_answer_loses_nobody(void **state)
{
    struct world *w = *state;
    member_at(w, 0);
    member_run(w->members[0], w->now_ns); /* connects */
    for (int i = 0; i < 3; i++) {
        struct pollfd fds[8];
        hub_run(w->hub, w->now_ns); /* lets in, and challenges */
        poll(fds, (nfds_t)member_fds(w->members[0], fds, 8), SETTLE_MS);
    }
    member_run(w->members[0], w->now_ns); /* says HELLO */
    for (int i = 0; i < 8; i++) {
        w->now_ns += NS_PER_SEC / 2;
        member_run(w->members[0], w->now_ns);
    }
    live(w, NS_PER_SEC);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
    member_at(w, 1);
    pump(w);
    assert_int_equal(how_at(w, 1, 0), ROTA_ALIVE);
}

/* ---- silence --------------------------------------------------------------------- */

static void who_falls_silent_has_vanished(void **state)
{
    struct world *w = *state;
    join_all(w);
    int64_t since = w->now_ns;
    struct member *silent = w->members[2];
    w->members[2] = NULL; /* it is not run any more, and its socket stays open */
    live(w, patience.silence_ns - NS_PER_SEC);
    assert_int_equal(how_at(w, 0, 2), ROTA_ALIVE);
    live(w, 2 * NS_PER_SEC);
    assert_int_equal(how_at(w, 0, 2), ROTA_VANISHED);
    assert_int_equal(how_at(w, 0, 1), ROTA_ALIVE);
    assert_true(w->now_ns - since < patience.silence_ns + 2 * NS_PER_SEC);
    w->members[2] = silent;
    pump(w);
    assert_int_equal(member_state(silent), MEMBER_CUT);
    assert_int_equal(how_at(w, 0, 2), ROTA_VANISHED); /* and stays so */
    for (int rank = 0; rank < RANKS; rank++) {
        if (rank != 2)
            assert_int_equal(how_at(w, 2, rank), ROTA_VANISHED);
    }
}

static void those_who_live_are_heard_however_long_they_have_nothing_to_say(void **state)
{
    struct world *w = *state;
    join_all(w);
    live(w, 5 * patience.silence_ns);
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(member_state(w->members[rank]), MEMBER_JOINED);
        assert_int_equal(how_at(w, 0, rank), ROTA_ALIVE);
    }
}

static void a_hub_that_slept_itself_blames_nobody(void **state)
{
    struct world *w = *state;
    member_at(w, 0);
    member_at(w, 1);
    pump(w);
    w->now_ns += 3600 * NS_PER_SEC;
    hub_forgive(w->hub, 3600 * NS_PER_SEC);
    hub_run(w->hub, w->now_ns); /* before anybody has said a word */
    for (int rank = 0; rank < 2; rank++)
        member_forgive(w->members[rank], 3600 * NS_PER_SEC);
    pump(w);
    assert_int_equal(how_at(w, 0, 1), ROTA_ALIVE);
    assert_int_equal(how_at(w, 0, 3), ROTA_ALIVE); /* may still join */
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
}

static void a_member_that_slept_itself_does_not_blame_the_hub(void **state)
{
    struct world *w = *state;
    join_all(w);
    w->now_ns += 3600 * NS_PER_SEC;
    member_forgive(w->members[0], 3600 * NS_PER_SEC);
    member_run(w->members[0], w->now_ns); /* before the hub has said a word */
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
}

static void what_came_while_the_hub_was_away_is_read_before_it_judges(void **state)
{
    struct world *w = *state;
    join_all(w);
    w->now_ns += patience.silence_ns - NS_PER_SEC;
    for (int rank = 0; rank < RANKS; rank++)
        member_run(w->members[rank], w->now_ns); /* they ping */
    w->now_ns += 2 * NS_PER_SEC;
    pump(w);
    for (int rank = 0; rank < RANKS; rank++)
        assert_int_equal(how_at(w, 0, rank), ROTA_ALIVE);
}

static void a_member_whose_hub_has_gone_hears_of_nobody_any_more(void **state)
{
    struct world *w = *state;
    join_all(w);
    member_report(w->members[1], (struct rota_fate){ROTA_EXITED, 3});
    pump(w);
    hub_free(w->hub);
    w->hub = NULL;
    pump(w);
    for (int rank = 0; rank < RANKS; rank++) {
        assert_int_equal(member_state(w->members[rank]), MEMBER_CUT);
        assert_int_equal(how_at(w, rank, 1), ROTA_EXITED); /* what is known stays */
    }
    assert_int_equal(how_at(w, 0, 2), ROTA_VANISHED);
    assert_int_equal(how_at(w, 0, 3), ROTA_VANISHED);
    assert_int_equal(how_at(w, 0, 0), ROTA_ALIVE);
    assert_true(board_due(w->boards[0], 2) == BOARD_DUE_UNKNOWN);
}

static void a_member_whose_hub_is_silent_is_cut(void **state)
{
    struct world *w = *state;
    join_all(w);
    w->now_ns += patience.silence_ns + 1;
    member_run(w->members[0], w->now_ns);
    assert_int_equal(member_state(w->members[0]), MEMBER_CUT);
}

static void a_member_that_leaves_without_a_word_has_vanished(void **state)
{
    struct world *w = *state;
    join_all(w);
    leave(w, 3);
    pump(w);
    assert_int_equal(how_at(w, 0, 3), ROTA_VANISHED);
    assert_true(board_due(w->boards[0], 3) == BOARD_DUE_UNKNOWN);
}

/* One that has joined and one that has not; and those that there are none of. */
static void who_is_fenced_has_vanished_and_is_cut(void **state)
{
    struct world *w = *state;
    member_at(w, 0);
    member_at(w, 1);
    pump(w);
    const int fenced[] = {1, 2, -1, RANKS, 1};
    for (size_t i = 0; i < sizeof(fenced) / sizeof(fenced[0]); i++)
        hub_fence(w->hub, fenced[i]);
    pump(w);
    assert_int_equal(member_state(w->members[1]), MEMBER_CUT);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
    assert_int_equal(board_fate(w->boards[0], 1).how, ROTA_VANISHED);
    assert_int_equal(board_fate(w->boards[0], 2).how, ROTA_VANISHED);
    assert_int_equal(board_fate(w->boards[0], 3).how, ROTA_ALIVE);
    struct member *again = w->members[1];
    member_at(w, 1);
    live(w, 5 * NS_PER_SEC);
    assert_int_not_equal(member_state(w->members[1]), MEMBER_JOINED);
    member_free(again);
}

static void the_last_words_of_a_member_that_left_at_once_are_heard(void **state)
{
    struct world *w = *state;
    join_all(w);
    member_report(w->members[3], (struct rota_fate){ROTA_EXITED, 4});
    leave(w, 3);
    pump(w);
    assert_int_equal(how_at(w, 0, 3), ROTA_EXITED);
    assert_int_equal(board_fate(w->boards[0], 3).code, 4);
}

/* Its socket is reset, since the pings to it lie unread: what is told to it cannot
 * be sent, and what it has said before is still to be read. */
static void last_words_are_heard_even_where_nothing_can_be_answered(void **state)
{
    struct world *w = *state;
    unsigned char last[8];
    member_at(w, 0);
    pump(w);
    int fd = raw_member(w, 1, RANKS);
    live(w, 2 * NS_PER_SEC);
    line_put_report(last, (struct rota_fate){ROTA_EXITED, 4}, NULL, 0);
    say_frame(fd, LINE_REPORT, last, sizeof(last));
    close(fd);
    member_report(w->members[0], (struct rota_fate){ROTA_STOPPED, 19});
    pump(w); /* the first is served first, and its news told to the second */
    assert_int_equal(how_at(w, 0, 1), ROTA_EXITED);
}

/* ---- strangers --------------------------------------------------------------------
 */

static void who_does_not_know_the_secret_is_refused(void **state)
{
    struct world *w = *state;
    struct liveness_invitation right = w->invitation;
    w->invitation.secret[31] ^= 1;
    member_at(w, 0);
    live(w, 5 * NS_PER_SEC);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINING);
    live(w, patience.join_ns);
    assert_int_equal(member_state(w->members[0]), MEMBER_CUT);
    leave(w, 0);
    w->invitation = right;
}

static void a_stranger_that_talks_nonsense_is_shown_out(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *bytes;
        size_t size;
    } nonsense[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18},
        {"R", 1},                                      /* no more: see below */
        {"RLN2\0\2\0\0\0\0\0\0", 12},                  /* another version */
        {"RLN1\0\6\0\0\0\0\0\0", 12},                  /* PING, before HELLO */
        {"RLN1\0\4\0\0\0\0\0\10\0\0\0\0\0\0\0\0", 20}, /* REPORT, before HELLO */
        {"RLN1\0\2\0\0\377\377\377\377", 12},          /* a huge HELLO */
        {"RLN1\0\2\0\0\0\0\0\111", 12},                /* a HELLO too long by one */
        {"RLN1\0\2\0\0\0\0\0\0", 12},                  /* an empty one */
    };
    join_all(w);
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        int fd = stranger(w);
        pump(w);
        assert_int_equal(connections(w), RANKS + 1);
        say(fd, nonsense[i].bytes, nonsense[i].size);
        pump(w);
        bool may_go_on = nonsense[i].size == 1;
        assert_int_equal(is_closed(fd), !may_go_on);
        assert_int_equal(connections(w), RANKS + may_go_on);
        close(fd);
        pump(w);
    }
    for (int rank = 0; rank < RANKS; rank++)
        assert_int_equal(how_at(w, 0, rank), ROTA_ALIVE);
}

static void half_a_hello_is_not_waited_for(void **state)
{
    struct world *w = *state;
    unsigned char nonce[LINE_NONCE_BYTES];
    unsigned char hello[LINE_HELLO_BYTES];
    unsigned char header[LINE_HEADER_BYTES];
    int fd = stranger(w);
    hear_challenge(w, fd, nonce);
    make_hello(w, nonce, 1, RANKS, hello);
    line_put_header(header, LINE_HELLO, sizeof(hello));
    say(fd, header, sizeof(header));
    for (int i = 0; i < 8; i++) { /* a byte now and then does not buy time */
        say(fd, hello + i, 1);
        live(w, NS_PER_SEC / 2);
    }
    assert_false(is_closed(fd));
    live(w, 2 * NS_PER_SEC);
    assert_true(is_closed(fd));
    assert_int_equal(connections(w), 0);
    close(fd);
    member_at(w, 1);
    pump(w);
    assert_int_equal(member_state(w->members[1]), MEMBER_JOINED);
}

static void a_thousand_who_say_nothing_keep_nobody_out(void **state)
{
    struct world *w = *state;
    enum {
        CROWD = 1000
    };
    static int crowd[CROWD];
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    rlim_t before = files.rlim_cur;
    if (files.rlim_cur < 2 * CROWD)
        files.rlim_cur = files.rlim_max < 2 * CROWD ? files.rlim_max : 2 * CROWD;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < CROWD + 200)
        skip();

    member_at(w, 0);
    for (int i = 0; i < CROWD; i++) {
        if (i == CROWD / 2)
            member_run(w->members[0], w->now_ns); /* connects, amid them */
        crowd[i] = stranger(w);
    }
    pump(w);
    assert_true(connections(w) <= 2 * RANKS + 64);
    live(w, NS_PER_SEC);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
    member_at(w, 1);
    live(w, NS_PER_SEC);
    assert_int_equal(member_state(w->members[1]), MEMBER_JOINED);
    live(w, 6 * NS_PER_SEC);
    assert_int_equal(connections(w), 2);
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
    files.rlim_cur = before;
    setrlimit(RLIMIT_NOFILE, &files);
}

/* Nobody's clock moves here: there is no second attempt. */
static void a_member_is_not_pushed_out_before_it_can_speak(void **state)
{
    struct world *w = *state;
    enum {
        CROWD = 300
    };
    int crowd[CROWD];
    member_at(w, 0);
    for (int i = 0; i < CROWD; i++) {
        if (i == CROWD / 2)
            member_run(w->members[0], w->now_ns); /* connects, amid them */
        crowd[i] = stranger(w);
    }
    pump(w);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINED);
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
}

static void a_large_run_may_have_as_many_descriptors_as_it_has_lines(void **state)
{
    struct world *w = *state;
    struct rlimit before;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &before);
    files = before;
    files.rlim_cur = 100;
    setrlimit(RLIMIT_NOFILE, &files);
    hub_free(w->hub);
    w->hub = NULL;
    assert_int_equal(hub_open(400, true, patience, 0, &w->invitation, &w->hub), 0);
    getrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_true(files.rlim_cur >= 864 || files.rlim_cur == files.rlim_max);
    assert_int_equal(files.rlim_max, before.rlim_max);
}

/* How a member of rank 1 fares in a process whose limits are these: its state and
 * cause. */
static void join_within(struct world *w, struct rlimit files, int out[2])
{
    int fds[2];
    assert_return_code(pipe(fds), errno);
    struct member *m = member_at(w, 1);
    pid_t child = fork();
    assert_return_code(child, errno);
    if (child == 0) {
        setrlimit(RLIMIT_NOFILE, &files);
        live(w, patience.join_ns + NS_PER_SEC);
        int fared[] = {(int)member_state(m), member_cause(m)};
        _exit(write(fds[1], fared, sizeof(fared)) == sizeof(fared) ? 0 : 1);
    }
    assert_int_equal(read(fds[0], out, 2 * sizeof(*out)), 2 * sizeof(*out));
    assert_int_equal(waitpid(child, NULL, 0), child);
    member_free(m);
    w->members[1] = NULL;
    close(fds[0]);
    close(fds[1]);
}

static void
a_member_without_a_descriptor_takes_more_or_knows_why_it_cannot_join(void **state)
{
    struct rlimit now;
    int fared[2];
    getrlimit(RLIMIT_NOFILE, &now);
    join_within(*state, (struct rlimit){3, 3}, fared);
    assert_int_equal(fared[0], MEMBER_CUT);
    assert_int_equal(fared[1], EMFILE);
    join_within(*state, (struct rlimit){3, now.rlim_max}, fared);
    assert_int_equal(fared[0], MEMBER_JOINED);
}

static void a_hello_heard_on_one_line_is_worth_nothing_on_another(void **state)
{
    struct world *w = *state;
    unsigned char nonce[LINE_NONCE_BYTES];
    unsigned char other[LINE_NONCE_BYTES];
    unsigned char hello[LINE_HELLO_BYTES];
    int first = stranger(w);
    int second = stranger(w);
    hear_challenge(w, first, nonce);
    hear_challenge(w, second, other);
    assert_memory_not_equal(nonce, other, sizeof(nonce));
    make_hello(w, nonce, 1, RANKS, hello);
    say_frame(second, LINE_HELLO, hello, sizeof(hello));
    pump(w);
    assert_true(is_closed(second));
    say_frame(first, LINE_HELLO, hello, sizeof(hello));
    pump(w);
    assert_false(is_closed(first));
    assert_int_equal(connections(w), 1);
    close(first);
    close(second);
}

static void a_hello_of_the_wrong_rank_or_size_is_refused(void **state)
{
    struct world *w = *state;
    static const uint32_t wrong[][2] = {
        {RANKS, RANKS},      {1, RANKS + 1},      {1, 0},
        {0x80000001, RANKS}, {UINT32_MAX, RANKS}, {1, 0x80000004}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        int fd = raw_member(w, wrong[i][0], wrong[i][1]);
        pump(w);
        assert_true(is_closed(fd));
        assert_int_equal(connections(w), 0);
        close(fd);
    }
    member_at(w, 1);
    pump(w);
    assert_int_equal(member_state(w->members[1]), MEMBER_JOINED);
}

static void a_rank_that_has_joined_cannot_be_taken_over(void **state)
{
    struct world *w = *state;
    join_all(w);
    int fd = raw_member(w, 2, RANKS);
    pump(w);
    assert_true(is_closed(fd));
    close(fd);
    pump(w);
    assert_int_equal(how_at(w, 0, 2), ROTA_ALIVE);
    assert_int_equal(member_state(w->members[2]), MEMBER_JOINED);
}

static void a_rank_that_has_gone_cannot_come_back(void **state)
{
    struct world *w = *state;
    join_all(w);
    leave(w, 2);
    pump(w);
    int fd = raw_member(w, 2, RANKS);
    pump(w);
    assert_true(is_closed(fd));
    close(fd);
    assert_int_equal(how_at(w, 0, 2), ROTA_VANISHED);
}

static void a_member_that_talks_nonsense_disturbs_nobody_else(void **state)
{
    struct world *w = *state;
    unsigned char huge[LINE_HEADER_BYTES];
    unsigned char report[8 + 8] = {0, 0, 0, ROTA_EXITED};
    line_put_header(huge, LINE_REPORT, 8 + 8 * RANKS + 1);
    for (uint32_t rank = 0; rank < 3; rank++) {
        int fd = raw_member(w, rank, RANKS);
        if (w->members[3] == NULL)
            member_at(w, 3);
        pump(w);
        assert_int_equal(how_at(w, 3, (int)rank), ROTA_ALIVE);
        if (rank == 0)
            say(fd, "nonsense", 8);
        else if (rank == 1)
            say(fd, huge, sizeof(huge));
        else
            say_frame(fd, LINE_REPORT, report, sizeof(report)); /* one count too few */
        pump(w);
        assert_true(is_closed(fd));
        close(fd);
        assert_int_equal(how_at(w, 3, (int)rank), ROTA_VANISHED);
        assert_int_equal(member_state(w->members[3]), MEMBER_JOINED);
    }
    assert_int_equal(how_at(w, 3, 3), ROTA_ALIVE);
}

/* ---- a hub that is none ------------------------------------------------------------
 */

static void a_member_does_not_join_a_hub_that_proves_nothing(void **state)
{
    struct world *w = *state;
    int listener;
    unsigned char bytes[256];
    hub_free(w->hub);
    w->hub = NULL;
    assert_int_equal(net_listen(true, &listener, &w->invitation.port), 0);
    member_at(w, 0);
    member_run(w->members[0], w->now_ns);
    poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, 2000);
    int fd = net_accept(listener);
    assert_true(fd >= 0);
    line_random(bytes, LINE_NONCE_BYTES);
    say_frame(fd, LINE_CHALLENGE, bytes, LINE_NONCE_BYTES);
    pump(w);
    assert_int_equal(recv(fd, bytes, sizeof(bytes), 0),
                     LINE_HEADER_BYTES + LINE_HELLO_BYTES);
    /* What it has heard is all that it could say back: the member's own proof. */
    say_frame(fd, LINE_WELCOME,
              bytes + LINE_HEADER_BYTES + LINE_HELLO_BYTES - LINE_PROOF_BYTES,
              LINE_PROOF_BYTES);
    pump(w);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINING);
    assert_true(is_closed(fd));
    close(fd);
    close(listener);
}

static void a_welcome_without_a_challenge_is_none(void **state)
{
    struct world *w = *state;
    int listener;
    unsigned char proof[LINE_PROOF_BYTES] = {0};
    hub_free(w->hub);
    w->hub = NULL;
    assert_int_equal(net_listen(true, &listener, &w->invitation.port), 0);
    member_at(w, 0);
    member_run(w->members[0], w->now_ns);
    poll(&(struct pollfd){.fd = listener, .events = POLLIN}, 1, 2000);
    int fd = net_accept(listener);
    assert_true(fd >= 0);
    say_frame(fd, LINE_WELCOME, proof, sizeof(proof));
    pump(w);
    assert_int_equal(member_state(w->members[0]), MEMBER_JOINING);
    assert_true(is_closed(fd));
    close(fd);
    close(listener);
}

static void a_member_with_nowhere_to_go_is_cut_at_once(void **state)
{
    struct world *w = *state;
    w->invitation.where[0] ^= 1; /* another host, of which no address is known */
    w->invitation.address_count = 0;
    member_at(w, 0);
    assert_int_equal(member_state(w->members[0]), MEMBER_CUT);
    pump(w);
    leave(w, 0);
    w->invitation.address_count = 255;
    member_at(w, 0);
    assert_int_equal(member_state(w->members[0]), MEMBER_CUT);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(members_join_and_are_told_a_fate_with_what_is_due),
        IN_WORLD(who_asks_is_told_what_has_left_the_others_for_it),
        IN_WORLD(who_is_stopped_is_told_of_and_goes_on),
        IN_WORLD(a_late_joiner_is_told_what_was_before),
        IN_WORLD(a_report_made_before_joining_is_kept),
        IN_WORLD(the_run_is_over_when_the_last_has_ended),
        IN_WORLD(a_parent_that_does_not_end_holds_up_the_hub_for_five_seconds),
        IN_WORLD(who_does_not_join_in_time_has_vanished),
        IN_WORLD(a_hub_that_is_slow_to_answer_loses_nobody),
        IN_WORLD(who_falls_silent_has_vanished),
        IN_WORLD(those_who_live_are_heard_however_long_they_have_nothing_to_say),
        IN_WORLD(a_hub_that_slept_itself_blames_nobody),
        IN_WORLD(a_member_that_slept_itself_does_not_blame_the_hub),
        IN_WORLD(who_is_fenced_has_vanished_and_is_cut),
        IN_WORLD(what_came_while_the_hub_was_away_is_read_before_it_judges),
        IN_WORLD(a_member_whose_hub_has_gone_hears_of_nobody_any_more),
        IN_WORLD(a_member_whose_hub_is_silent_is_cut),
        IN_WORLD(a_member_that_leaves_without_a_word_has_vanished),
        IN_WORLD(the_last_words_of_a_member_that_left_at_once_are_heard),
        IN_WORLD(last_words_are_heard_even_where_nothing_can_be_answered),
        IN_WORLD(who_does_not_know_the_secret_is_refused),
        IN_WORLD(a_stranger_that_talks_nonsense_is_shown_out),
        IN_WORLD(half_a_hello_is_not_waited_for),
        IN_WORLD(a_thousand_who_say_nothing_keep_nobody_out),
        IN_WORLD(a_member_is_not_pushed_out_before_it_can_speak),
        IN_WORLD(a_large_run_may_have_as_many_descriptors_as_it_has_lines),
        IN_WORLD(a_member_without_a_descriptor_takes_more_or_knows_why_it_cannot_join),
        IN_WORLD(a_hello_heard_on_one_line_is_worth_nothing_on_another),
        IN_WORLD(a_hello_of_the_wrong_rank_or_size_is_refused),
        IN_WORLD(a_rank_that_has_joined_cannot_be_taken_over),
        IN_WORLD(a_rank_that_has_gone_cannot_come_back),
        IN_WORLD(a_member_that_talks_nonsense_disturbs_nobody_else),
        IN_WORLD(a_member_does_not_join_a_hub_that_proves_nothing),
        IN_WORLD(a_welcome_without_a_challenge_is_none),
        IN_WORLD(a_member_with_nowhere_to_go_is_cut_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
