/* messages.c - the message rung, by real processes: one program, many scenarios
 *
 *     messages SCENARIO     under a launcher; each scenario says how many ranks
 *
 * Rank 0 judges: it exits with 0, or says what was wrong and exits with 1. The
 * others exit with 1 where they have seen something wrong themselves, which rank 0
 * then sees in their fate.
 */
#include <rota.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECK(what)                                                                    \
    do {                                                                               \
        if (!(what))                                                                   \
            fail(__LINE__, #what);                                                     \
    } while (0)

static struct rota *r;
static int me;
static int size;

static _Noreturn void fail(int line, const char *what)
{
    fprintf(stderr, "messages: rank %d, line %d: not so: %s\n", me, line, what);
    exit(1);
}

/* ---- small helpers ----------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void rest(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L},
              NULL);
}

/* Bytes that depend on their place and on `seed`, so that a lost, doubled or moved
 * part of a message shows. */
static unsigned char pattern(size_t at, unsigned seed)
{
    return (unsigned char)((at * 2654435761U + seed * 40503U) >> 11);
}

static unsigned char *patterned(size_t bytes, unsigned seed)
{
    unsigned char *p = malloc(bytes + 1);
    CHECK(p != NULL);
    for (size_t i = 0; i < bytes; i++)
        p[i] = pattern(i, seed);
    return p;
}

static void check_patterned(const struct rota_message *m, size_t bytes, unsigned seed)
{
    CHECK(m->size_bytes == bytes);
    const unsigned char *p = m->data;
    for (size_t i = 0; i < bytes; i++) {
        if (p[i] != pattern(i, seed))
            fail(__LINE__, "every byte as it was sent");
    }
    CHECK(p[bytes] == 0);
}

static void send_int(int dest, int tag, int value)
{
    CHECK(rota_send(r, dest, tag, &value, sizeof(value)) == 0);
}

static int take_int(int source, int tag, struct rota_message *m)
{
    int value;
    CHECK(rota_recv(r, source, tag, 20000, m) == 0);
    CHECK(m->size_bytes == sizeof(value));
    memcpy(&value, m->data, sizeof(value));
    rota_message_done(m);
    return value;
}

/* Rank `rank` leaves, one way or the other, with nothing more to say. */
static void check_left(int rank, enum rota_how how, int code)
{
    struct rota_message m;
    struct rota_fate f;
    char text[80];
    CHECK(rota_recv(r, rank, ROTA_ANY_TAG, 20000, &m) == ROTA_E_LOST);
    /* A rank that has closed is gone before its process has ended. */
    int64_t end = now_ms() + 5000;
    do
        CHECK(rota_fate(r, rank, &f) == 0);
    while (f.how == ROTA_CLOSED && how != ROTA_CLOSED && now_ms() < end);
    if (f.how != how || f.code != code)
        fail(__LINE__, rota_fate_text(f, text, sizeof(text)));
}

static void check_all_well(void)
{
    for (int rank = 1; rank < size; rank++)
        check_left(rank, ROTA_EXITED, 0);
}

/* ---- scenarios --------------------------------------------------------------- */

/* Any number: each pair and tag keeps its order, however it is asked for. */
static void order(void)
{
    enum {
        EACH = 2000,
        TAGS = 3
    };
    struct rota_message m;
    if (me != 0) {
        for (int i = 0; i < EACH; i++)
            send_int(0, i % TAGS, i);
        return;
    }
    for (int rank = 1; rank < size; rank++) {
        for (int i = 2; i < EACH; i += TAGS) /* one tag of each, ahead of the others */
            CHECK(take_int(rank, 2, &m) == i);
    }
    int *next = calloc((size_t)size * TAGS, sizeof(*next));
    CHECK(next != NULL);
    int left = (size - 1) * (EACH - EACH / TAGS);
    for (; left > 0; left--) {
        int value = take_int(ROTA_ANY_SOURCE, ROTA_ANY_TAG, &m);
        int *n = &next[m.source * TAGS + m.tag];
        CHECK(value == m.tag + TAGS * *n);
        (*n)++;
    }
    free(next);
    check_all_well();
    CHECK(rota_recv(r, ROTA_ANY_SOURCE, ROTA_ANY_TAG, ROTA_FOREVER, &m) == ROTA_E_LOST);
}

/* 2: payloads of every size around a frame's, and of 64 MiB, there and back; tags
 * around the largest that an envelope of either MPI has room for. */
static void sizes(void)
{
    const size_t bytes[] = {0,    1,    2,     8,     3988,    3999,
                            4000, 4001, 65536, 65537, 1 << 20, (64 << 20) + 1};
    const int tags[] = {0, INT_MAX, 0x1fffffff, 0x20000000, 0x3ffffff, 0x4000000};
    enum {
        SIZES = sizeof(bytes) / sizeof(bytes[0]),
        TAGS = sizeof(tags) / sizeof(tags[0])
    };
    for (unsigned i = 0; i < SIZES * TAGS; i++) {
        struct rota_message m;
        size_t n = bytes[i / TAGS];
        int tag = tags[i % TAGS];
        if (n > 1 << 20 && tag != 0)
            continue;
        unsigned char *p = patterned(n, i);
        if (me == 0)
            CHECK(rota_send(r, 1, tag, p, n) == 0);
        CHECK(rota_recv(r, 1 - me, ROTA_ANY_TAG, ROTA_FOREVER, &m) == 0);
        CHECK(m.tag == tag);
        check_patterned(&m, n, i);
        rota_message_done(&m);
        if (me == 1)
            CHECK(rota_send(r, 0, tag, p, n) == 0);
        free(p);
    }
    if (me == 0)
        check_all_well();
}

/* 2: more than 2 GiB, and more than an int counts. */
static void huge(void)
{
    const size_t bytes = ((size_t)1 << 31) + 5;
    struct rota_message m;
    if (me == 1) {
        unsigned char *p = calloc(bytes, 1); /* untouched pages cost nothing */
        CHECK(p != NULL);
        for (size_t i = 0; i < bytes; i += 1 << 20)
            p[i] = pattern(i, 7);
        p[bytes - 1] = 42;
        CHECK(rota_send(r, 0, INT_MAX, p, bytes) == 0);
        free(p);
        return;
    }
    CHECK(rota_recv(r, 1, INT_MAX, ROTA_FOREVER, &m) == 0);
    CHECK(m.size_bytes == bytes);
    const unsigned char *p = m.data;
    for (size_t i = 0; i < bytes; i += 1 << 20)
        CHECK(p[i] == pattern(i, 7));
    CHECK(p[bytes - 1] == 42 && p[bytes - 2] == 0);
    rota_message_done(&m);
    check_all_well();
}

/* Any number: everyone sends 8 MiB to everyone before anyone receives. */
static void crossing(void)
{
    const size_t bytes = 8 << 20;
    unsigned char *p = patterned(bytes, (unsigned)me);
    for (int rank = 0; rank < size; rank++)
        CHECK(rota_send(r, rank, 5, p, bytes) == 0);
    for (int rank = 0; rank < size; rank++) {
        struct rota_message m;
        CHECK(rota_recv(r, rank, 5, ROTA_FOREVER, &m) == 0);
        check_patterned(&m, bytes, (unsigned)rank);
        rota_message_done(&m);
    }
    free(p);
    if (me == 0)
        check_all_well();
}

/* 2: probing, deadlines, arguments that make no sense. */
static void calls(void)
{
    struct rota_message m = {.source = 77};
    struct rota_fate f;
    int64_t began = now_ms();
    CHECK(rota_recv(r, ROTA_ANY_SOURCE, 9, 0, &m) == ROTA_E_TIMEOUT && m.source == 77);
    CHECK(rota_recv(r, 1 - me, 9, 60, &m) == ROTA_E_TIMEOUT && m.source == 77);
    CHECK(now_ms() - began >= 60);
    CHECK(rota_recv(r, size, 0, 0, &m) == ROTA_E_ARG);
    CHECK(rota_recv(r, -2, 0, 0, &m) == ROTA_E_ARG);
    CHECK(rota_recv(r, 0, -2, 0, &m) == ROTA_E_ARG);
    CHECK(rota_recv(r, 0, 0, -2, &m) == ROTA_E_ARG);
    CHECK(rota_recv(r, 0, 0, 0, NULL) == ROTA_E_ARG);
    CHECK(rota_send(r, size, 0, "x", 1) == ROTA_E_ARG);
    CHECK(rota_send(r, 0, -1, "x", 1) == ROTA_E_ARG);
    CHECK(rota_send(r, 0, 0, NULL, 1) == ROTA_E_ARG);
    CHECK(rota_fate(r, size, &f) == ROTA_E_ARG);
    CHECK(rota_open(&r, NULL) == ROTA_E_STATE);

    CHECK(rota_recv(r, me, 0, ROTA_FOREVER, &m) == ROTA_E_LOST); /* from itself */
    CHECK(rota_send(r, me, 3, "self", 4) == 0);
    CHECK(rota_recv(r, me, 3, ROTA_FOREVER, &m) == 0);
    CHECK(m.source == me && strcmp(m.data, "self") == 0);
    rota_message_done(&m);
    rota_message_done(&m);
    rota_message_done(NULL);

    CHECK(rota_send(r, 1 - me, 4, "later", 5) == 0);
    CHECK(rota_probe(r, ROTA_ANY_SOURCE, 4, 20000, &m) == 0);
    CHECK(m.source == 1 - me && m.tag == 4 && m.size_bytes == 5 && m.data == NULL);
    CHECK(rota_probe(r, 1 - me, ROTA_ANY_TAG, 0, &m) == 0);
    CHECK(rota_recv(r, 1 - me, ROTA_ANY_TAG, 0, &m) == 0);
    CHECK(strcmp(m.data, "later") == 0);
    rota_message_done(&m);
    CHECK(rota_fate(r, me, &f) == 0 && f.how == ROTA_ALIVE);
    if (me == 0)
        check_all_well();
}

/* 3: what was sent before death is handed over, then the loss is told. */
static void last_words(void)
{
    enum {
        WORDS = 60
    };
    struct rota_message m;
    if (me != 0) {
        for (int i = 0; i < WORDS; i++)
            send_int(0, i, i);
        if (me == 1)
            raise(SIGKILL);
        exit(3);
    }
    rest(500); /* both are long gone when the first word is asked for */
    for (int rank = 1; rank < size; rank++) {
        for (int i = 0; i < WORDS; i++)
            CHECK(take_int(rank, ROTA_ANY_TAG, &m) == i);
    }
    check_left(1, ROTA_KILLED, SIGKILL);
    check_left(2, ROTA_EXITED, 3);
    int64_t began = now_ms();
    CHECK(rota_recv(r, 1, 0, ROTA_FOREVER, &m) == ROTA_E_LOST);
    CHECK(rota_send(r, 1, 0, "x", 1) == ROTA_E_LOST);
    CHECK(rota_recv(r, ROTA_ANY_SOURCE, 0, ROTA_FOREVER, &m) == ROTA_E_LOST);
    CHECK(now_ms() - began < 5000);
}

/* 3: one dies in the midst of sending, another in the midst of receiving. */
static void midst(void)
{
    const size_t bytes = (size_t)256 << 20;
    struct rota_message m;
    if (me == 1) { /* an alarm, since rota_send does not come back before */
        unsigned char *p = patterned(bytes, 1);
        send_int(0, 1, 1);
        struct itimerspec soon = {.it_value.tv_nsec = 20000000};
        timer_t timer;
        struct sigevent kill_me = {.sigev_notify = SIGEV_SIGNAL,
                                   .sigev_signo = SIGKILL};
        CHECK(timer_create(CLOCK_MONOTONIC, &kill_me, &timer) == 0);
        CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
        for (;;)
            rota_send(r, 0, 2, p, bytes);
    }
    if (me == 2) { /* takes a little of what it is sent, then is no more */
        CHECK(rota_recv(r, 0, 4, 1, &m) == ROTA_E_TIMEOUT || true);
        raise(SIGSEGV);
    }
    CHECK(take_int(1, 1, &m) == 1);
    int rc;
    while ((rc = rota_recv(r, 1, 2, ROTA_FOREVER, &m)) == 0) {
        check_patterned(&m, bytes, 1); /* what came whole before is whole */
        rota_message_done(&m);
    }
    CHECK(rc == ROTA_E_LOST);
    check_left(1, ROTA_KILLED, SIGKILL);
    unsigned char *p = patterned(bytes, 2);
    CHECK(rota_send(r, 2, 3, p, bytes) == ROTA_E_LOST);
    free(p);
    check_left(2, ROTA_KILLED, SIGSEGV);
}

/* 2, ROTA_FREEZE_MS well above 1 s: a short stop is told, and does no harm. */
static void nap(void)
{
    struct rota_message m;
    struct rota_fate f;
    if (me == 1) {
        pid_t pid = getpid();
        send_int(0, 0, pid);
        raise(SIGSTOP);
        send_int(0, 1, 11);
        return;
    }
    pid_t pid = take_int(1, 0, &m);
    do
        CHECK(rota_fate(r, 1, &f) == 0);
    while (f.how == ROTA_ALIVE);
    CHECK(f.how == ROTA_STOPPED && f.code == SIGSTOP);
    CHECK(rota_recv(r, 1, 1, 200, &m) == ROTA_E_TIMEOUT);
    CHECK(kill(pid, SIGCONT) == 0);
    CHECK(take_int(1, 1, &m) == 11);
    check_all_well();
}

/* 3: rank 0 goes first; the others hear of it, and of each other. */
static void headless(void)
{
    struct rota_message m;
    if (me == 0)
        raise(SIGKILL);
    int other = 3 - me;
    CHECK(rota_recv(r, 0, ROTA_ANY_TAG, ROTA_FOREVER, &m) == ROTA_E_LOST);
    CHECK(rota_send(r, 0, 0, "x", 1) == ROTA_E_LOST);
    send_int(other, 1, me);
    CHECK(take_int(other, 1, &m) == other);
    check_left(0, ROTA_KILLED, SIGKILL);
    printf("rank %d went on\n", me);
}

/* 9: half of the workers are killed under load; the rest answer every question. */
static void massacre(void)
{
    enum {
        ROUNDS = 300,
        BYTES = 3000
    };
    struct rota_message m = {0};
    if (me != 0) {
        for (int i = 0; m.tag != 1; i++) {
            if (me % 2 == 0 && i == 20 * me)
                raise(SIGKILL);
            int rc = rota_recv(r, 0, ROTA_ANY_TAG, ROTA_FOREVER, &m);
            CHECK(rc == 0);
            CHECK(rota_send(r, 0, 0, m.data, m.size_bytes) == 0);
            rota_message_done(&m);
        }
        return;
    }
    unsigned char *p = patterned(BYTES, 9);
    for (int i = 0; i < ROUNDS; i++) {
        for (int rank = 1; rank < size; rank++)
            rota_send(r, rank, 0, p, BYTES);
        for (int rank = 1; rank < size; rank++) {
            int rc = rota_recv(r, rank, 0, ROTA_FOREVER, &m);
            CHECK(rc == 0 || (rc == ROTA_E_LOST && rank % 2 == 0));
            if (rc == 0) {
                check_patterned(&m, BYTES, 9);
                rota_message_done(&m);
            }
        }
    }
    for (int rank = 1; rank < size; rank++) {
        if (rank % 2 != 0) {
            CHECK(rota_send(r, rank, 1, NULL, 0) == 0);
            CHECK(rota_recv(r, rank, 0, ROTA_FOREVER, &m) == 0 && m.size_bytes == 0);
            rota_message_done(&m);
            check_left(rank, ROTA_EXITED, 0);
        } else {
            check_left(rank, ROTA_KILLED, SIGKILL);
        }
    }
    free(p);
}

/* Have this process killed soon, wherever it then is. */
static void be_killed_within_ms(unsigned ms)
{
    struct timespec now;
    timer_t timer;
    struct sigevent kill_me = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct itimerspec soon = {.it_value.tv_nsec =
                                  1 + (now.tv_nsec / 1000 * 7919) % (ms * 1000000L)};
    CHECK(timer_create(CLOCK_MONOTONIC, &kill_me, &timer) == 0);
    CHECK(timer_settime(timer, 0, &soon, NULL) == 0);
}

/* 8: five flood rank 0 and are killed in the midst of it. What comes from the others
 * comes whole and in order; and if the dead have blocked the way (MPICH's shared
 * memory), rank 0 learns of it. */
static void flood(void)
{
    enum {
        DYING = 5,
        MESSAGES = 1000,
        BYTES = 512,
    };
    unsigned char *p = patterned(BYTES, 1);
    if (me != 0) {
        int rc = 0;
        if (me <= DYING)
            be_killed_within_ms(40);
        for (int i = 0; rc == 0 && (me <= DYING || i < MESSAGES); i++)
            rc = rota_send(r, 0, i % MESSAGES, p, BYTES);
        CHECK(rc == 0 || rc == ROTA_E_LOST);
        free(p);
        return;
    }
    int next[8] = {0};
    struct rota_message m;
    int rc = 0;
    while (next[6] + next[7] < 2 * MESSAGES &&
           (rc = rota_recv(r, ROTA_ANY_SOURCE, ROTA_ANY_TAG, ROTA_FOREVER, &m)) == 0) {
        CHECK(m.tag == next[m.source]++ % MESSAGES);
        check_patterned(&m, BYTES, 1);
        rota_message_done(&m);
    }
    CHECK(rc == 0 || rc == ROTA_E_DEAF);
    free(p);
}

/* 3: closing does not wait for those who are gone, stay, or never receive. */
static void closing(void)
{
    static char bytes[3000];
    if (me == 1)
        rest(1500); /* receives nothing, and stays longest */
    if (me == 2)
        raise(SIGKILL);
    for (int i = 0; i < 30 && me == 0; i++) {
        rota_send(r, 1, 0, bytes, sizeof(bytes));
        rota_send(r, 2, 0, bytes, sizeof(bytes));
    }
}

/* Whether descriptor `fd` of process `pid` is one that it has opened itself: closed at
 * exec. What the launcher has leaked to it is not. */
static bool is_own(pid_t pid, int fd)
{
    char path[64];
    char line[128];
    unsigned flags = 0;
    snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "flags: %o", &flags) == 1)
            break;
    }
    if (f != NULL)
        fclose(f);
    return (flags & O_CLOEXEC) != 0;
}

/* The port of the listening TCP socket with this inode; 0 where it is no such. */
static int port_of(unsigned long wanted)
{
    const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    int found = 0;
    for (int i = 0; i < 2; i++) {
        char line[512];
        unsigned port;
        unsigned state;
        unsigned long inode;
        FILE *f = fopen(tables[i], "r");
        while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
            if (sscanf(line,
                       " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %lu",
                       &port, &state, &inode) == 3 &&
                state == 10 && inode == wanted)
                found = (int)port;
        }
        if (f != NULL)
            fclose(f);
    }
    return found;
}

/* The port on which process `pid` listens; 0 where it doesn't. */
static int listening_port(pid_t pid)
{
    int port = 0;
    for (int fd = 3; fd < 64 && port == 0; fd++) {
        char path[64];
        char link[64];
        unsigned long inode;
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        ssize_t n = readlink(path, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        if (sscanf(link, "socket:[%lu]", &inode) == 1 && is_own(pid, fd))
            port = port_of(inode);
    }
    return port;
}

static int connect_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    return fd;
}

/* Whether the other side hangs up before long. */
static bool is_shown_out(int fd)
{
    char bytes[256];
    struct timeval limit = {.tv_sec = 8};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return true;
        if (n < 0)
            return false;
    }
}

/* 3: strangers come to the line with garbage, with half a greeting, with a greeting
 * of their own, with nothing to say; the run takes no notice. */
static void strangers(void)
{
    enum {
        SILENT = 150
    };
    struct rota_message m;
    if (me == 1) {
        CHECK(take_int(0, 0, &m) == 0);
        exit(5);
    }
    if (me == 2)
        return;
    int port = listening_port(getppid());
    CHECK(port != 0);
    int silent[SILENT];
    for (int i = 0; i < SILENT; i++)
        silent[i] = connect_to(port);
    unsigned char hello[12 + 72] = {'R', 'L', 'N', '1', 0, 2, 0, 0, 0, 0, 0, 72};
    hello[12 + 3] = 1; /* "I am rank 1 of 3", with a proof of zeros */
    hello[12 + 7] = 3;
    const struct {
        const void *bytes;
        size_t size;
    } said[] = {{"GET / HTTP/1.1\r\n\r\n", 18},
                {hello, sizeof(hello)},
                {hello, 40}, /* and no more */
                {"RLN1\0\2\0\0\377\377\377\377", 12},
                {"RLN1\0\4\0\0\0\0\0\10\0\0\0\3\0\0\0\1", 20}};
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        int fd = connect_to(port);
        CHECK(send(fd, said[i].bytes, said[i].size, MSG_NOSIGNAL) > 0);
        CHECK(is_shown_out(fd));
        close(fd);
    }
    struct rota_fate f;
    CHECK(rota_fate(r, 1, &f) == 0 && f.how == ROTA_ALIVE);
    send_int(1, 0, 0);
    check_left(1, ROTA_EXITED, 5);
    check_left(2, ROTA_EXITED, 0);
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
}

/* 3, ROTA_SILENCE_MS below 5 s: a parent that is frozen is not heard of, so its rank
 * is lost; thawed, it finds itself refused, and ends its rank. */
static void silence(void)
{
    struct rota_message m;
    if (me == 1) {
        send_int(0, 0, getppid());
        rota_recv(r, 2, 0, ROTA_FOREVER, &m); /* which never sends */
        rest(60000);
    }
    if (me == 2) {
        CHECK(rota_recv(r, 1, 0, ROTA_FOREVER, &m) == ROTA_E_LOST);
        return;
    }
    pid_t parent = take_int(1, 0, &m);
    CHECK(kill(parent, SIGSTOP) == 0);
    check_left(1, ROTA_VANISHED, 0);
    CHECK(kill(parent, SIGCONT) == 0);
    check_left(2, ROTA_EXITED, 0);
}

/* Any number: everyone waits for a message that nobody sends, until it is ended from
 * outside. */
static void idle(void)
{
    struct rota_message m;
    if (me == 0)
        puts("idle");
    fflush(stdout);
    rota_recv(r, (me + 1) % size, 0, ROTA_FOREVER, &m);
}

/* ---- the program ------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(void);
    int ranks; /* 0: any */
} scenarios[] = {
    {"order", order, 0},         {"sizes", sizes, 2},     {"huge", huge, 2},
    {"crossing", crossing, 0},   {"calls", calls, 2},     {"last_words", last_words, 3},
    {"midst", midst, 3},         {"nap", nap, 2},         {"headless", headless, 3},
    {"massacre", massacre, 9},   {"flood", flood, 8},     {"closing", closing, 3},
    {"strangers", strangers, 3}, {"silence", silence, 3}, {"idle", idle, 0},
};

int main(int argc, char **argv)
{
    struct rota_error err;
    if (rota_open(&r, &err) != 0) {
        fprintf(stderr, "messages: %s\n", err.text);
        return 2;
    }
    me = rota_rank(r);
    size = rota_size(r);
    for (size_t i = 0; argc == 2 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(argv[1], scenarios[i].name) != 0)
            continue;
        CHECK(scenarios[i].ranks == 0 || scenarios[i].ranks == size);
        scenarios[i].run();
        rota_close(r);
        return 0;
    }
    fprintf(stderr, "messages: no such scenario\n");
    return 2;
}
