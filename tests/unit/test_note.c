/* test_note.c - liveness/note: what a rank and its parent say to each other */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "liveness/note.h"

static void open_pair(int pair[2], int flags)
{
    assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | flags, 0, pair), 0);
}

static struct note some_note(void)
{
    struct note n;
    memset(&n, 0, sizeof(n));
    n.kind = NOTE_JOIN;
    n.code = -5;
    n.a = 3;
    n.b = 1024;
    n.invitation.valid = 1;
    n.invitation.port = 4711;
    memset(n.invitation.secret, 0xab, sizeof(n.invitation.secret));
    return n;
}

static void a_note_comes_as_it_was_sent_and_alone(void **state)
{
    (void)state;
    int pair[2];
    int fd = 77;
    struct note sent = some_note();
    struct note got;
    open_pair(pair, 0);
    assert_int_equal(note_send(pair[0], &sent, -1), 0);
    sent.a = 4;
    assert_int_equal(note_send(pair[0], &sent, -1), 0);
    assert_int_equal(note_receive(pair[1], &got, &fd), 1);
    assert_int_equal(fd, -1);
    assert_int_equal(got.a, 3);
    got.a = 4;
    assert_memory_equal(&got, &sent, sizeof(sent));
    assert_int_equal(note_receive(pair[1], &got, &fd), 1);
    assert_memory_equal(&got, &sent, sizeof(sent));
    close(pair[0]);
    close(pair[1]);
}

static void a_descriptor_comes_along_and_is_closed_at_exec(void **state)
{
    (void)state;
    int pair[2];
    int pipe_fds[2];
    int fd = -1;
    char byte = 0;
    struct note n = some_note();
    open_pair(pair, 0);
    assert_return_code(pipe(pipe_fds), 0);
    assert_int_equal(note_send(pair[0], &n, pipe_fds[1]), 0);
    close(pipe_fds[1]);
    assert_int_equal(note_receive(pair[1], &n, &fd), 1);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(fd);
    close(pipe_fds[0]);
    close(pair[0]);
    close(pair[1]);
}

static void where_there_is_no_note_the_reader_is_told_so(void **state)
{
    (void)state;
    int pair[2];
    int fd;
    struct note n;
    open_pair(pair, SOCK_NONBLOCK);
    assert_int_equal(note_receive(pair[0], &n, &fd), 0);
    close(pair[0]);
    close(pair[1]);
}

static void a_peer_that_has_gone_is_an_error_and_no_signal(void **state)
{
    (void)state;
    int pair[2];
    int fd;
    struct note n = some_note();
    open_pair(pair, 0);
    assert_int_equal(note_send(pair[0], &n, -1), 0);
    close(pair[0]);
    assert_int_equal(note_receive(pair[1], &n, &fd), 1); /* what it had said */
    assert_int_equal(note_receive(pair[1], &n, &fd), ROTA_E_IO);
    assert_int_equal(note_send(pair[1], &n, -1), ROTA_E_IO);
    close(pair[1]);
}

static void what_is_too_short_is_no_note(void **state)
{
    (void)state;
    int pair[2];
    int fd;
    struct note n = some_note();
    open_pair(pair, 0);
    assert_int_equal(send(pair[0], &n, sizeof(n) - 1, 0), sizeof(n) - 1);
    assert_int_equal(note_receive(pair[1], &n, &fd), ROTA_E_IO);
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_comes_as_it_was_sent_and_alone),
        cmocka_unit_test(a_descriptor_comes_along_and_is_closed_at_exec),
        cmocka_unit_test(where_there_is_no_note_the_reader_is_told_so),
        cmocka_unit_test(a_peer_that_has_gone_is_an_error_and_no_signal),
        cmocka_unit_test(what_is_too_short_is_no_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
