/* uplink.c - a parent's end of its line to the monitor */
#include "guard/uplink.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "liveness/conn.h"
#include "liveness/net.h"

#define ATTEMPT_NS    (2 * NS_PER_SEC) /* for one address to greet us */
#define BETWEEN_NS    (50 * NS_PER_MS)
#define JOIN_NS       (60 * NS_PER_SEC)
#define SILENCE_NS    (30 * NS_PER_SEC)
#define PING_EVERY_NS NS_PER_SEC

struct uplink {
    enum uplink_state state;
    struct conn conn; /* fd -1: between two attempts */
    int address;      /* the one being tried */
    struct line_hello hello;
    unsigned char nonce[LINE_NONCE_BYTES]; /* the monitor's */
    bool greeted;
    struct liveness_invitation to;
    uplink_handler *handler;
    void *context;
    int64_t began_ns;
    int64_t attempt_ns;
    int64_t pinged_ns;
};

struct uplink *uplink_new(int rank, int size, const struct liveness_invitation *to,
                          uplink_handler *handler, void *context, int64_t now_ns)
{
    struct uplink *u = calloc(1, sizeof(*u));
    unsigned char where[NET_WHERE_BYTES];
    if (u == NULL)
        return NULL;
    u->to = *to;
    u->handler = handler;
    u->context = context;
    u->began_ns = u->pinged_ns = now_ns;
    u->conn.fd = -1;
    u->hello.rank = (uint32_t)rank;
    u->hello.size = (uint32_t)size;
    net_where(where);
    if (memcmp(where, to->where, sizeof(where)) == 0) {
        u->to.addresses[0] = net_loopback();
        u->to.address_count = 1;
    }
    if (u->to.address_count == 0)
        u->state = UPLINK_CUT;
    return u;
}

void uplink_free(struct uplink *u)
{
    if (u == NULL)
        return;
    conn_done(&u->conn);
    free(u);
}

enum uplink_state uplink_state(const struct uplink *u)
{
    return u->state;
}

int uplink_fd(const struct uplink *u)
{
    return u->conn.fd;
}

short uplink_events(const struct uplink *u)
{
    return conn_events(&u->conn);
}

static int greet(struct uplink *u, const struct line_frame *challenge)
{
    unsigned char payload[LINE_HELLO_BYTES];
    if (challenge->kind != LINE_CHALLENGE || challenge->size != LINE_NONCE_BYTES)
        return ROTA_E_FORMAT;
    memcpy(u->nonce, challenge->payload, LINE_NONCE_BYTES);
    line_random(u->hello.nonce, sizeof(u->hello.nonce));
    line_prove(LINE_ROLE_MEMBER, u->to.secret, u->nonce, &u->hello, u->hello.proof);
    line_put_hello(payload, &u->hello);
    u->greeted = true;
    return conn_send(&u->conn, LINE_HELLO, payload, sizeof(payload));
}

static int be_welcomed(struct uplink *u, const struct line_frame *welcome)
{
    unsigned char proof[LINE_PROOF_BYTES];
    line_prove(LINE_ROLE_HUB, u->to.secret, u->nonce, &u->hello, proof);
    if (welcome->kind != LINE_WELCOME || welcome->size != sizeof(proof) ||
        !line_same(proof, welcome->payload, sizeof(proof)))
        return ROTA_E_FORMAT;
    u->state = UPLINK_JOINED;
    return 0;
}

static int take(struct uplink *u, const struct line_frame *f)
{
    uint64_t aligned[8];
    if (u->state == UPLINK_JOINING)
        return u->greeted ? be_welcomed(u, f) : greet(u, f);
    if (f->size > sizeof(aligned))
        return ROTA_E_FORMAT;
    if (f->size > 0)
        memcpy(aligned, f->payload, f->size);
    if (f->kind != LINE_PING)
        u->handler(u->context, f->kind, aligned, f->size);
    return 0;
}

static int listen_to_it(struct uplink *u, int64_t now_ns)
{
    struct line_frame f;
    int rc = conn_read(&u->conn, now_ns);
    while (rc == 0 && (rc = conn_next(&u->conn, &f)) == 1)
        rc = take(u, &f);
    if (rc == 0)
        conn_flush(&u->conn);
    return rc;
}

static void run_joining(struct uplink *u, int64_t now_ns)
{
    int fd;
    if (now_ns - u->began_ns > JOIN_NS) {
        u->state = UPLINK_CUT;
        return;
    }
    if (u->conn.fd < 0 && now_ns - u->attempt_ns > BETWEEN_NS) {
        u->attempt_ns = now_ns;
        if (net_connect(&u->to.addresses[u->address], u->to.port, &fd) == 0)
            conn_init(&u->conn, fd, LINE_HELLO_BYTES, now_ns);
        u->greeted = false;
    }
    if (u->conn.fd < 0) {
        u->address = (u->address + 1) % u->to.address_count;
        return;
    }
    int rc = listen_to_it(u, now_ns);
    bool late = !u->greeted && now_ns - u->attempt_ns > ATTEMPT_NS;
    if (rc != 0 || u->conn.ended || late) {
        conn_done(&u->conn);
        u->state = UPLINK_JOINING;
        u->address = (u->address + 1) % u->to.address_count;
    }
}

void uplink_run(struct uplink *u, int64_t now_ns)
{
    if (u->state == UPLINK_JOINING) {
        run_joining(u, now_ns);
        return;
    }
    if (u->state == UPLINK_CUT)
        return;
    int rc = listen_to_it(u, now_ns);
    if (rc != 0 || u->conn.ended || now_ns - u->conn.heard_ns > SILENCE_NS) {
        conn_done(&u->conn);
        u->state = UPLINK_CUT;
    } else if (now_ns - u->pinged_ns >= PING_EVERY_NS) {
        u->pinged_ns = now_ns;
        uplink_send(u, LINE_PING, NULL, 0);
    }
}

void uplink_forgive(struct uplink *u, int64_t gap_ns)
{
    u->began_ns += gap_ns;
    u->conn.heard_ns += gap_ns;
}

void uplink_send(struct uplink *u, enum line_kind kind, const void *payload,
                 size_t size)
{
    if (u->state != UPLINK_JOINED || conn_send(&u->conn, kind, payload, size) == 0)
        return;
    conn_done(&u->conn); /* not to lose a word in silence */
    u->state = UPLINK_CUT;
}
