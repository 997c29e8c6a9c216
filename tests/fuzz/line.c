/* line.c - what is said on the liveness line: liveness/line.h, conn.c, hub.c, member.c
 *
 * The first byte says who listens: a hub, to a stranger; a hub, to a member, that has
 * proved itself; a member, to a hub that has done so; or nobody but the readers. Who
 * sends nonsense is hung up on, and what anybody else hears is sound. The bytes of a
 * proof can't be guessed, so no stranger becomes a member.
 */
#include "fuzz.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "liveness/board.h"
#include "liveness/conn.h"
#include "liveness/hub.h"
#include "liveness/member.h"
#include "liveness/roster.h"

enum {
    SIZE = 3,
    RANK = 1,
    OTHER = 2,
    ROUNDS = 20,
    MOST = 8192, /* bytes: what a socket takes at once */
};

static const struct patience patience = {
    .silence_ns = INT64_MAX / 4, .freeze_ns = INT64_MAX / 4, .join_ns = INT64_MAX / 4};

/* ---- the readers alone ------------------------------------------------------- */

static void read_payload(const struct line_frame *f)
{
    struct line_hello hello;
    struct line_fate fate;
    struct rota_fate how;
    uint64_t counts[SIZE];
    size_t n;
    unsigned char out[LINE_HELLO_BYTES + 8 * SIZE];
    if (line_get_hello(f, &hello) == 0) {
        line_put_hello(out, &hello);
        must(memcmp(out, f->payload, f->size) == 0);
    }
    if (line_get_fate(f, &fate) == 0) {
        line_put_fate(out, &fate);
        must(memcmp(out, f->payload, f->size) == 0);
    }
    uint32_t rank;
    uint64_t left;
    if (line_get_count(f, &rank) == 0) {
        line_put_count(out, rank);
        must(memcmp(out, f->payload, f->size) == 0);
    }
    if (line_get_left(f, &rank, &left) == 0) {
        line_put_left(out, rank, left);
        must(memcmp(out, f->payload, f->size) == 0);
    }
    if (line_get_report(f, SIZE, &how, counts, &n) == 0) {
        must(n == 0 || n == SIZE);
        line_put_report(out, how, counts, n);
        must(memcmp(out, f->payload, f->size) == 0);
    }
}

/* In any pieces, frames are the same. */
static void read_frames(struct fuzz_bytes *b)
{
    int pair[2];
    struct conn c;
    struct line_frame f;
    int rc = 0;
    size_t size;
    unsigned char *all = fuzz_cut(b, MOST, &size);
    size_t at = 0;
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    conn_init(&c, pair[0], 4096, 0);
    must(size == 0 || write(pair[1], all, size) == (ssize_t)size);
    close(pair[1]);
    must(conn_read(&c, 1) == 0);
    while ((rc = conn_next(&c, &f)) == 1) {
        struct line_frame same;
        long used = line_parse(all + at, size - at, 4096, &same);
        must(used > 0 && same.kind == f.kind && same.size == f.size);
        must(f.size == 0 || memcmp(same.payload, f.payload, f.size) == 0);
        read_payload(&same);
        at += (size_t)used;
    }
    must(rc == 0 || rc == ROTA_E_FORMAT);
    conn_done(&c);
    free(all);
}

/* ---- peers ------------------------------------------------------------------- */

/* The other end of a line, played by the target. */
struct peer {
    struct conn conn;
    struct line_frame last;
    struct line_hello hello;
    unsigned char nonce[LINE_NONCE_BYTES];
};

static void connect_to(struct peer *p, uint16_t port)
{
    struct net_address to = net_loopback();
    int fd;
    must(net_connect(&to, port, &fd) == 0);
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    must(poll(&writable, 1, 5000) == 1);
    conn_init(&p->conn, fd, 4096, 0);
}

/* The next frame that comes, while the hub runs; false: none comes, or the line ends.
 */
static bool hear(struct peer *p, struct hub *h)
{
    for (int i = 0; i < ROUNDS; i++) {
        hub_run(h, 1);
        must(conn_read(&p->conn, 1) == 0);
        int rc = conn_next(&p->conn, &p->last);
        must(rc >= 0);
        if (rc == 1 || p->conn.ended)
            return rc == 1;
    }
    return false;
}

static void join(struct peer *p, struct hub *h, const struct liveness_invitation *to,
                 int rank)
{
    unsigned char payload[LINE_HELLO_BYTES];
    connect_to(p, to->port);
    must(hear(p, h) && p->last.kind == LINE_CHALLENGE);
    p->hello = (struct line_hello){.rank = (uint32_t)rank, .size = SIZE};
    line_prove(LINE_ROLE_MEMBER, to->secret, p->last.payload, &p->hello,
               p->hello.proof);
    line_put_hello(payload, &p->hello);
    must(conn_send(&p->conn, LINE_HELLO, payload, sizeof(payload)) == 0);
    must(hear(p, h) && p->last.kind == LINE_WELCOME);
}

/* All that the bytes are, to the socket. */
static void say(int fd, struct fuzz_bytes *b)
{
    size_t size;
    unsigned char *all = fuzz_cut(b, MOST, &size);
    must(send(fd, all, size, MSG_NOSIGNAL) == (ssize_t)size || errno == EPIPE ||
         errno == ECONNRESET);
    free(all);
}

/* What an honest member hears is sound, and of the other one. */
static void check_news(struct peer *p, struct hub *h)
{
    while (hear(p, h)) {
        struct line_fate fate;
        uint32_t rank;
        must(p->last.kind == LINE_PING || p->last.kind == LINE_FATE ||
             p->last.kind == LINE_OVER || p->last.kind == LINE_COUNT);
        if (p->last.kind == LINE_COUNT)
            must(line_get_count(&p->last, &rank) == 0 && rank == RANK);
        if (p->last.kind != LINE_FATE)
            continue;
        must(line_get_fate(&p->last, &fate) == 0);
        must(fate.rank == RANK);
    }
    must(!p->conn.ended);
}

static void play_hub(struct fuzz_bytes *b, bool proved)
{
    struct liveness_invitation to;
    struct hub *h;
    struct peer hostile;
    struct peer honest;
    must(hub_open(SIZE, true, patience, 1, &to, &h) == 0);
    join(&honest, h, &to, OTHER);
    if (proved)
        join(&hostile, h, &to, RANK);
    else
        connect_to(&hostile, to.port);
    say(hostile.conn.fd, b);
    for (int i = 0; i < 3; i++)
        hub_run(h, 1);
    check_news(&honest, h);
    if (!proved) { /* nobody has become a member of it */
        struct peer rank;
        join(&rank, h, &to, RANK);
        conn_done(&rank.conn);
    }
    conn_done(&hostile.conn);
    conn_done(&honest.conn);
    hub_free(h);
}

/* A member joins a hub that is played here. */
static int greet(struct member *m, int listener, const struct liveness_invitation *to,
                 unsigned char proof[LINE_PROOF_BYTES])
{
    int fd = -1;
    unsigned char bytes[LINE_HEADER_BYTES + LINE_HELLO_BYTES];
    unsigned char nonce[LINE_NONCE_BYTES] = {1};
    struct line_frame f;
    struct line_hello hello;
    for (int i = 0; i < ROUNDS && fd < 0; i++) {
        member_run(m, NS_PER_SEC);
        fd = net_accept(listener);
    }
    must(fd >= 0);
    line_put_header(bytes, LINE_CHALLENGE, sizeof(nonce));
    must(write(fd, bytes, LINE_HEADER_BYTES) == LINE_HEADER_BYTES);
    must(write(fd, nonce, sizeof(nonce)) == sizeof(nonce));
    ssize_t got = 0;
    for (int i = 0; i < ROUNDS && got < (ssize_t)sizeof(bytes); i++) {
        member_run(m, NS_PER_SEC);
        ssize_t n = recv(fd, bytes + got, sizeof(bytes) - (size_t)got, MSG_DONTWAIT);
        got += n > 0 ? n : 0;
    }
    must(line_parse(bytes, (size_t)got, 4096, &f) > 0);
    must(f.kind == LINE_HELLO && line_get_hello(&f, &hello) == 0);
    line_prove(LINE_ROLE_HUB, to->secret, nonce, &hello, proof);
    return fd;
}

static void play_member(struct fuzz_bytes *b, bool proved)
{
    struct liveness_invitation to = {.valid = 1, .secret = {7}};
    unsigned char header[LINE_HEADER_BYTES];
    unsigned char proof[LINE_PROOF_BYTES];
    struct board *board;
    int listener;
    net_where(to.where);
    must(net_listen(true, &listener, &to.port) == 0);
    must(board_map(-1, SIZE, &board) == 0);
    struct member *m = member_new(RANK, SIZE, &to, patience, board, NS_PER_SEC / 2);
    must(m != NULL);
    int fd = greet(m, listener, &to, proof);
    if (proved) {
        line_put_header(header, LINE_WELCOME, sizeof(proof));
        must(write(fd, header, sizeof(header)) == sizeof(header));
        must(write(fd, proof, sizeof(proof)) == sizeof(proof));
    }
    say(fd, b);
    for (int i = 0; i < 3; i++)
        member_run(m, NS_PER_SEC);
    must(proved || member_state(m) == MEMBER_JOINING);
    for (int rank = 0; rank < SIZE; rank++)
        must(board_fate(board, rank).how <= ROTA_VANISHED);
    member_free(m);
    board_unmap(board);
    close(fd);
    close(listener);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    switch (fuzz_take8(&b) % 8) {
    case 0:
        play_hub(&b, false);
        break;
    case 1:
        play_hub(&b, true);
        break;
    case 2:
        play_member(&b, false);
        break;
    case 3:
        play_member(&b, true);
        break;
    default: /* more often, as it is quicker */
        read_frames(&b);
    }
}

static size_t put(unsigned char *out, enum line_kind kind, const void *payload,
                  size_t size)
{
    line_put_header(out, kind, size);
    if (size > 0)
        memcpy(out + LINE_HEADER_BYTES, payload, size);
    return LINE_HEADER_BYTES + size;
}

/* The same said to everyone. */
static void seed(const char *name, const unsigned char *said, size_t size)
{
    for (char to = 0; to < 5; to++) {
        unsigned char out[512] = {(unsigned char)to};
        char full[64];
        memcpy(out + 1, said, size);
        snprintf(full, sizeof(full), "%s-%d", name, to);
        fuzz_seed(full, out, 1 + size);
    }
}

void fuzz_seeds(void)
{
    unsigned char out[512];
    unsigned char payload[256];
    const uint64_t counts[SIZE] = {1, 2, 3};
    struct line_hello hello = {.rank = RANK, .size = SIZE};
    struct line_fate fate = {
        .rank = OTHER, .fate = {.how = ROTA_KILLED, .code = 9}, .due = 4};
    line_put_hello(payload, &hello);
    seed("hello", out, put(out, LINE_HELLO, payload, LINE_HELLO_BYTES));
    line_put_report(payload, (struct rota_fate){.how = ROTA_STOPPED, .code = 19}, NULL,
                    0);
    size_t n = put(out, LINE_REPORT, payload, line_report_bytes(0));
    n += put(out + n, LINE_PING, NULL, 0);
    line_put_report(payload, (struct rota_fate){.how = ROTA_EXITED}, counts, SIZE);
    n += put(out + n, LINE_REPORT, payload, line_report_bytes(SIZE));
    seed("report", out, n);
    line_put_fate(payload, &fate);
    n = put(out, LINE_FATE, payload, LINE_FATE_BYTES);
    n += put(out + n, LINE_OVER, NULL, 0);
    seed("fate", out, n);
    n = put(out, LINE_COUNT, NULL, 0);
    line_put_left(payload, OTHER, 7);
    n += put(out + n, LINE_LEFT, payload, LINE_LEFT_BYTES);
    line_put_count(payload, OTHER);
    n += put(out + n, LINE_COUNT, payload, LINE_COUNT_BYTES);
    seed("count", out, n);
    seed("welcome", out, put(out, LINE_WELCOME, payload, LINE_PROOF_BYTES));
    seed("long", out, put(out, LINE_SHOT, payload, 200));
}
