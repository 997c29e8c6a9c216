/* test_board.c - liveness/board: the memory that a rank shares with its parent */
#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "liveness/board.h"

enum {
    RANKS = 3,
};

/* A board in the state's place, mapped by its descriptor as both sides map it. */
static struct board *map_shared(int *fd)
{
    struct board *b;
    assert_int_equal(board_create(fd), 0);
    assert_int_equal(board_map(*fd, RANKS, &b), 0);
    return b;
}

static int wait_status(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_new_board_says_that_all_are_alive(void **state)
{
    (void)state;
    struct board *b;
    assert_int_equal(board_map(-1, RANKS, &b), 0);
    assert_int_equal(b->size, RANKS);
    for (int peer = 0; peer < RANKS; peer++) {
        assert_int_equal(board_fate(b, peer).how, ROTA_ALIVE);
        assert_int_equal(b->peers[peer].sent, 0);
    }
    board_unmap(b);
    board_unmap(NULL);
}

static void what_one_process_writes_the_other_reads(void **state)
{
    (void)state;
    int fd;
    struct board *parents = map_shared(&fd);
    uint32_t before = board_epoch(parents);
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0) {
        struct board *ranks;
        if (board_map(fd, RANKS, &ranks) != 0 || ranks == parents)
            _exit(1);
        board_count_sent(ranks, 2);
        board_count_sent(ranks, 2);
        board_count_sent(ranks, 0);
        int64_t limit = clock_now_ns() + 20 * NS_PER_SEC;
        while (board_epoch(ranks) == before && clock_now_ns() < limit)
            board_sleep(ranks, before, NS_PER_SEC);
        struct rota_fate f = board_fate(ranks, 1);
        _exit(f.how == ROTA_KILLED && f.code == 9 && board_due(ranks, 1) == 41 ? 0 : 2);
    }
    board_post(parents, 1, (struct rota_fate){ROTA_KILLED, 9}, 41);
    assert_int_equal(wait_status(child), 0);
    assert_int_equal(parents->peers[2].sent, 2);
    assert_int_equal(parents->peers[1].sent, 0);
    assert_int_equal(parents->peers[0].sent, 1);
    board_unmap(parents);
    close(fd);
}

static void every_post_changes_the_epoch(void **state)
{
    (void)state;
    struct board *b;
    assert_int_equal(board_map(-1, RANKS, &b), 0);
    for (int i = 0; i < 10; i++) {
        uint32_t before = board_epoch(b);
        board_post(b, 1, (struct rota_fate){ROTA_STOPPED, 19}, BOARD_DUE_UNKNOWN);
        assert_int_not_equal(board_epoch(b), before);
    }
    assert_true(board_due(b, 1) == BOARD_DUE_UNKNOWN);
    board_unmap(b);
}

/* The sleeper is another process, as in life: a futex that is private to one would
 * not wake it. That it sleeps already is likely, not certain; then this proves
 * less, but does not fail. */
static void a_post_wakes_a_sleeper_before_its_time(void **state)
{
    (void)state;
    int fd;
    int ready[2];
    char byte;
    struct board *parents = map_shared(&fd);
    assert_return_code(pipe(ready), 0);
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0) {
        struct board *ranks;
        if (board_map(fd, RANKS, &ranks) != 0)
            _exit(1);
        uint32_t seen = board_epoch(ranks);
        int64_t began = clock_now_ns();
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        board_sleep(ranks, seen, 40 * NS_PER_SEC);
        _exit(board_epoch(ranks) != seen && clock_now_ns() - began < 30 * NS_PER_SEC
                  ? 0
                  : 2);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    usleep(20000);
    board_post(parents, 0, (struct rota_fate){ROTA_EXITED, 0}, 0);
    assert_int_equal(wait_status(child), 0);
    board_unmap(parents);
    close(fd);
    close(ready[0]);
    close(ready[1]);
}

static void who_has_not_seen_the_news_does_not_sleep(void **state)
{
    (void)state;
    struct board *b;
    assert_int_equal(board_map(-1, RANKS, &b), 0);
    uint32_t seen = board_epoch(b);
    board_post(b, 0, (struct rota_fate){ROTA_EXITED, 0}, 0);
    int64_t began = clock_now_ns();
    board_sleep(b, seen, 30 * NS_PER_SEC);
    assert_true(clock_now_ns() - began < 20 * NS_PER_SEC);
    board_unmap(b);
}

static void a_sleep_without_news_ends_by_itself(void **state)
{
    (void)state;
    struct board *b;
    assert_int_equal(board_map(-1, RANKS, &b), 0);
    int64_t began = clock_now_ns();
    board_sleep(b, board_epoch(b), NS_PER_MS);
    assert_true(clock_now_ns() - began >= NS_PER_MS);
    board_unmap(b);
}

/* Invariant 2, from the reader's side: with the new fate comes the new count. */
static void who_sees_the_new_fate_sees_what_is_due(void **state)
{
    (void)state;
    enum {
        ROUNDS = 20000
    };
    struct board *b; /* anonymous and shared: the child inherits it */
    assert_int_equal(board_map(-1, ROUNDS, &b), 0);
    pid_t child = fork();
    assert_return_code(child, 0);
    if (child == 0) {
        for (int peer = 0; peer < ROUNDS; peer++)
            board_post(b, peer, (struct rota_fate){ROTA_KILLED, peer}, 7);
        _exit(0);
    }
    int64_t limit = clock_now_ns() + 30 * NS_PER_SEC;
    for (int peer = 0; peer < ROUNDS && clock_now_ns() < limit;) {
        struct rota_fate f = board_fate(b, peer);
        if (f.how == ROTA_ALIVE)
            continue;
        assert_int_equal(f.code, peer);
        assert_true(board_due(b, peer) == 7);
        peer++;
    }
    assert_int_equal(wait_status(child), 0);
    board_unmap(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_board_says_that_all_are_alive),
        cmocka_unit_test(what_one_process_writes_the_other_reads),
        cmocka_unit_test(every_post_changes_the_epoch),
        cmocka_unit_test(a_post_wakes_a_sleeper_before_its_time),
        cmocka_unit_test(who_has_not_seen_the_news_does_not_sleep),
        cmocka_unit_test(a_sleep_without_news_ends_by_itself),
        cmocka_unit_test(who_sees_the_new_fate_sees_what_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
