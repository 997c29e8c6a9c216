/* test_hub_strangers.c - hub: who comes to it, or to a member, and is not what he says
 */
#include "hub_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
