/* member.c - a parent's end of its liveness line */
#include "liveness/member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "liveness/conn.h"
#include "liveness/roster.h"

#define ATTEMPT_NS    (2 * NS_PER_SEC) /* for one address to greet us */
#define PING_EVERY_NS NS_PER_SEC

struct member {
    enum member_state state;
    struct conn conn; /* fd -1: between two attempts */
    int address;      /* the one being tried */
    struct line_hello hello;
    unsigned char hub_nonce[LINE_NONCE_BYTES];
    bool greeted; /* our HELLO is out */
    struct liveness_invitation to;
    struct patience patience;
    struct board *board;
    int64_t began_ns;
    int64_t attempt_ns;
    int64_t pinged_ns;
    struct rota_fate own; /* what was reported last */
    int cause;            /* errno of the last try to connect; 0: it was begun */
    uint32_t asked;       /* how often the rank had asked when the hub was told last */
};

struct member *member_new(int rank, int size, const struct liveness_invitation *to,
                          struct patience patience, struct board *board, int64_t now_ns)
{
    struct member *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return NULL;
    m->to = *to;
    m->patience = patience;
    m->board = board;
    m->began_ns = m->pinged_ns = now_ns;
    m->conn.fd = -1;
    m->hello.rank = (uint32_t)rank;
    m->hello.size = (uint32_t)size;
    unsigned char where[NET_WHERE_BYTES];
    net_allow(NET_PARENT_FDS);
    errno = 0;
    net_where(where);
    m->cause = errno;
    if (memcmp(where, to->where, sizeof(where)) == 0) {
        m->to.addresses[0] = net_loopback();
        m->to.address_count = 1;
    }
    if (m->to.address_count == 0 || m->to.address_count > NET_ADDRESSES)
        m->state = MEMBER_CUT;
    return m;
}

void member_free(struct member *m)
{
    if (m == NULL)
        return;
    conn_done(&m->conn);
    free(m);
}

enum member_state member_state(const struct member *m)
{
    return m->state;
}

int member_cause(const struct member *m)
{
    return m->cause;
}

/* ---- joining ----------------------------------------------------------------- */

static void next_address(struct member *m)
{
    conn_done(&m->conn);
    m->address = (m->address + 1) % m->to.address_count;
}

static void try_address(struct member *m, int64_t now_ns)
{
    int fd;
    m->attempt_ns = now_ns;
    net_allow(NET_PARENT_FDS);
    errno = 0;
    bool begun = net_connect(&m->to.addresses[m->address], m->to.port, &fd) == 0;
    m->cause = begun ? 0 : errno;
    if (!begun) {
        next_address(m);
        return;
    }
    conn_init(&m->conn, fd, LINE_HELLO_BYTES, now_ns);
    m->greeted = false;
}

static int greet(struct member *m, const struct line_frame *challenge)
{
    unsigned char payload[LINE_HELLO_BYTES];
    if (challenge->size != LINE_NONCE_BYTES || m->greeted)
        return ROTA_E_FORMAT;
    memcpy(m->hub_nonce, challenge->payload, LINE_NONCE_BYTES);
    line_random(m->hello.nonce, sizeof(m->hello.nonce));
    line_prove(LINE_ROLE_MEMBER, m->to.secret, m->hub_nonce, &m->hello, m->hello.proof);
    line_put_hello(payload, &m->hello);
    m->greeted = true;
    return conn_send(&m->conn, LINE_HELLO, payload, sizeof(payload));
}

static int be_welcomed(struct member *m, const struct line_frame *welcome)
{
    unsigned char proof[LINE_PROOF_BYTES];
    line_prove(LINE_ROLE_HUB, m->to.secret, m->hub_nonce, &m->hello, proof);
    if (!m->greeted || welcome->size != sizeof(proof) ||
        !line_same(proof, welcome->payload, sizeof(proof)))
        return ROTA_E_FORMAT;
    m->state = MEMBER_JOINED;
    if (m->own.how != ROTA_ALIVE)
        member_report(m, m->own);
    return 0;
}

/* ---- joined ------------------------------------------------------------------ */

static int be_told(struct member *m, const struct line_frame *f)
{
    struct line_fate news;
    if (line_get_fate(f, &news) != 0 || news.rank >= m->board->size)
        return ROTA_E_FORMAT;
    board_post(m->board, (int)news.rank, news.fate, news.due);
    return 0;
}

static int be_asked(struct member *m, const struct line_frame *f)
{
    unsigned char payload[LINE_LEFT_BYTES];
    uint32_t rank;
    if (line_get_count(f, &rank) != 0 || rank >= m->board->size)
        return ROTA_E_FORMAT;
    line_put_left(payload, rank, board_left(m->board, (int)rank));
    return conn_send(&m->conn, LINE_LEFT, payload, sizeof(payload));
}

static int take_frame(struct member *m, const struct line_frame *f)
{
    if (m->state == MEMBER_JOINING) {
        if (f->kind == LINE_CHALLENGE)
            return greet(m, f);
        return f->kind == LINE_WELCOME ? be_welcomed(m, f) : ROTA_E_FORMAT;
    }
    switch (f->kind) {
    case LINE_PING:
        return 0;
    case LINE_FATE:
        return be_told(m, f);
    case LINE_COUNT:
        return be_asked(m, f);
    case LINE_OVER:
        m->state = MEMBER_OVER;
        return 0;
    default:
        return ROTA_E_FORMAT;
    }
}

/* Without the hub nobody can be heard of any more: to this rank, all who were
 * still there have vanished. */
static void be_cut(struct member *m)
{
    m->state = MEMBER_CUT;
    conn_done(&m->conn);
    for (uint32_t peer = 0; peer < m->board->size; peer++) {
        if (peer != m->hello.rank && !fate_is_gone(board_fate(m->board, (int)peer).how))
            board_post(m->board, (int)peer, (struct rota_fate){.how = ROTA_VANISHED},
                       BOARD_DUE_UNKNOWN);
    }
}

static int listen_to_hub(struct member *m, int64_t now_ns)
{
    struct line_frame f;
    int rc = conn_read(&m->conn, now_ns);
    while (rc == 0 && m->state != MEMBER_OVER && (rc = conn_next(&m->conn, &f)) == 1)
        rc = take_frame(m, &f);
    if (rc == 0 && m->state != MEMBER_OVER)
        conn_flush(&m->conn);
    return rc;
}

/* Once our HELLO is out only silence ends the attempt: a hub that is slow and reads
 * it later would have let us in, see the line closed, and take us for vanished. */
static bool is_in_vain(const struct member *m, int64_t now_ns)
{
    if (m->greeted)
        return now_ns - m->conn.heard_ns > m->patience.silence_ns;
    return now_ns - m->attempt_ns > ATTEMPT_NS;
}

static void run_joining(struct member *m, int64_t now_ns)
{
    if (now_ns - m->began_ns > m->patience.join_ns) {
        be_cut(m);
        return;
    }
    if (m->conn.fd < 0 && now_ns - m->attempt_ns > NS_PER_SEC / 20)
        try_address(m, now_ns);
    if (m->conn.fd < 0)
        return;
    int rc = listen_to_hub(m, now_ns);
    if (m->state == MEMBER_JOINING &&
        (rc != 0 || m->conn.ended || is_in_vain(m, now_ns)))
        next_address(m);
}

static void run_joined(struct member *m, int64_t now_ns)
{
    int rc = listen_to_hub(m, now_ns);
    if (m->state == MEMBER_OVER)
        return;
    if (rc != 0 || m->conn.ended ||
        now_ns - m->conn.heard_ns > m->patience.silence_ns) {
        be_cut(m);
        return;
    }
    if (now_ns - m->pinged_ns >= PING_EVERY_NS) {
        m->pinged_ns = now_ns;
        conn_send(&m->conn, LINE_PING, NULL, 0);
    }
    if (board_asked(m->board) != m->asked) {
        m->asked = board_asked(m->board);
        conn_send(&m->conn, LINE_COUNT, NULL, 0);
    }
}

void member_run(struct member *m, int64_t now_ns)
{
    if (m->state == MEMBER_JOINING)
        run_joining(m, now_ns);
    if (m->state == MEMBER_JOINED)
        run_joined(m, now_ns);
}

void member_forgive(struct member *m, int64_t gap_ns)
{
    m->began_ns += gap_ns;
    m->attempt_ns += gap_ns;
    m->conn.heard_ns += gap_ns;
}

int member_fds(const struct member *m, struct pollfd *fds, int cap)
{
    if (m->conn.fd < 0)
        return 0;
    if (cap > 0)
        fds[0] = (struct pollfd){.fd = m->conn.fd, .events = conn_events(&m->conn)};
    return 1;
}

void member_report(struct member *m, struct rota_fate fate)
{
    m->own = fate;
    if (m->state != MEMBER_JOINED)
        return;
    size_t n = fate_is_gone(fate.how) ? m->board->size : 0;
    uint64_t *counts = calloc(n + 1, sizeof(*counts));
    unsigned char *payload = malloc(line_report_bytes(n));
    int rc = counts && payload ? 0 : ROTA_E_NOMEM;
    for (size_t i = 0; rc == 0 && i < n; i++)
        counts[i] = __atomic_load_n(&m->board->peers[i].sent, __ATOMIC_ACQUIRE);
    if (rc == 0) {
        line_put_report(payload, fate, counts, n);
        rc = conn_send(&m->conn, LINE_REPORT, payload, line_report_bytes(n));
    }
    free(counts);
    free(payload);
    /* A report that cannot be sent must not be lost in silence: the broken line
     * tells the hub that this rank has gone, if not how. */
    if (rc != 0)
        be_cut(m);
}
