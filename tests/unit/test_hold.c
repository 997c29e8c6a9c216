/* A process's connection to a server, held by its parent past the process's end. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard/hold.h"

struct world {
    int listener;
    struct sockaddr_in address;
    pid_t client;
    int served; /* the server's end of the connection */
};

/* A client that is connected, and waits to be killed. */
static int set_up(void **state)
{
    static struct world w;
    socklen_t size = sizeof(w.address);
    w.address = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    w.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr *address = (struct sockaddr *)&w.address;
    assert_int_equal(bind(w.listener, address, size), 0);
    assert_int_equal(listen(w.listener, 1), 0);
    assert_int_equal(getsockname(w.listener, address, &size), 0);
    w.client = fork();
    if (w.client == 0) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, address, size) == 0)
            pause();
        _exit(1);
    }
    w.served = accept(w.listener, NULL, NULL);
    assert_true(w.served >= 0);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    const struct world *w = *state;
    close(w->listener);
    close(w->served);
    unsetenv("PMIX_SERVER_URI2");
    unsetenv("SLURM_STEP_ID");
    return 0;
}

static void set_server(const struct world *w)
{
    char uri[64];
    snprintf(uri, sizeof(uri), "pmix-server.1;tcp4://127.0.0.1:%d",
             ntohs(w->address.sin_port));
    setenv("PMIX_SERVER_URI2", uri, 1);
}

static void end_client(const struct world *w)
{
    kill(w->client, SIGKILL);
    waitpid(w->client, NULL, 0);
}

static bool is_closed(const struct world *w, int patience_ms)
{
    struct pollfd p = {.fd = w->served, .events = POLLIN};
    return poll(&p, 1, patience_ms) == 1;
}

static void the_server_does_not_see_the_end(void **state)
{
    const struct world *w = *state;
    struct hold h;
    set_server(w);
    setenv("SLURM_STEP_ID", "0", 1);
    hold_init(&h);
    hold_look(&h, getpid()); /* has none */
    assert_int_equal(h.fd, -1);
    hold_look(&h, w->client);
    assert_true(h.fd >= 0);
    int first = h.fd;
    hold_look(&h, w->client);
    assert_int_equal(h.fd, first);
    end_client(w);
    assert_false(is_closed(w, 0));
    hold_done(&h);
    assert_true(is_closed(w, 5000));
}

static void other_launchers_servers_are_let_be(void **state)
{
    const struct world *w = *state;
    struct hold h;
    set_server(w);
    hold_init(&h);
    hold_look(&h, w->client);
    assert_int_equal(h.fd, -1);
    end_client(w);
    assert_true(is_closed(w, 5000));
    hold_done(&h);
}

static void nonsense_is_no_server(void **state)
{
    const struct world *w = *state;
    static const char *const uris[] = {"", "pmix", "a;tcp4://b:", "a;tcp4://b:99999",
                                       "a;tcp4://b:1x"};
    setenv("SLURM_STEP_ID", "0", 1);
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        struct hold h;
        setenv("PMIX_SERVER_URI2", uris[i], 1);
        hold_init(&h);
        assert_int_equal(h.port, 0);
        hold_look(&h, w->client);
        assert_int_equal(h.fd, -1);
    }
    end_client(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_server_does_not_see_the_end, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(other_launchers_servers_are_let_be, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nonsense_is_no_server, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
