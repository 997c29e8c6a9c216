/* door.c - where the ranks' parents come in */
#include "liveness/door.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/clock.h"
#include "liveness/conn.h"
#include "liveness/net.h"

enum {
    STRANGER = -1,
    SPARE = 64, /* strangers beyond one a rank */
};

#define STRANGER_NS (5 * NS_PER_SEC)

struct guest {
    TAILQ_ENTRY(guest) link;
    struct conn conn;
    int rank; /* or STRANGER */
    int64_t since_ns;
    unsigned char nonce[LINE_NONCE_BYTES];
};

TAILQ_HEAD(guests, guest);

struct door {
    struct door_host host;
    int size;
    int listener;
    int strangers;
    unsigned char secret[LINE_SECRET_BYTES];
    struct guests guests;   /* the oldest first */
    struct guest **members; /* by rank; NULL: it has no line */
};

/* ---- out --------------------------------------------------------------------- */

static void show_out(struct door *d, struct guest *g)
{
    int rank = g->rank;
    TAILQ_REMOVE(&d->guests, g, link);
    conn_done(&g->conn);
    free(g);
    if (rank == STRANGER) {
        d->strangers--;
    } else {
        d->members[rank] = NULL;
        d->host.left(d->host.ctx, rank);
    }
}

static void show_out_oldest_stranger(struct door *d)
{
    struct guest *g;
    TAILQ_FOREACH (g, &d->guests, link) {
        if (g->rank == STRANGER) {
            show_out(d, g);
            return;
        }
    }
}

static bool out_of_patience(const struct door *d, const struct guest *g, int64_t now_ns)
{
    if (g->rank == STRANGER)
        return now_ns - g->since_ns > STRANGER_NS;
    return now_ns - g->conn.heard_ns > d->host.silence_ns;
}

/* Apart from serving: who has just been read is not silent. */
static void show_out_silent(struct door *d, int64_t now_ns)
{
    struct guest *next;
    for (struct guest *g = TAILQ_FIRST(&d->guests); g != NULL; g = next) {
        next = TAILQ_NEXT(g, link);
        if (out_of_patience(d, g, now_ns))
            show_out(d, g);
    }
}

/* ---- in ---------------------------------------------------------------------- */

static void send_to(struct guest *g, enum line_kind kind, const void *payload,
                    size_t size)
{
    if (conn_send(&g->conn, kind, payload, size) != 0)
        g->conn.ended = true;
}

/* At most so many at once as there is room for: whoever comes is greeted and has a
 * turn to answer before those behind push it out, and a crowd that never ends does
 * not keep us from the members. */
static void let_in(struct door *d, int64_t now_ns)
{
    int fd;
    for (int n = 0; n < SPARE && (fd = net_accept(d->listener)) >= 0; n++) {
        if (d->strangers >= d->size + SPARE)
            show_out_oldest_stranger(d);
        struct guest *g = calloc(1, sizeof(*g));
        if (g == NULL) {
            close(fd);
            return;
        }
        conn_init(&g->conn, fd, LINE_HELLO_BYTES, now_ns);
        g->rank = STRANGER;
        g->since_ns = now_ns;
        line_random(g->nonce, sizeof(g->nonce));
        TAILQ_INSERT_TAIL(&d->guests, g, link);
        d->strangers++;
        send_to(g, LINE_CHALLENGE, g->nonce, sizeof(g->nonce));
    }
}

static int take_hello(struct door *d, struct guest *g, const struct line_frame *f)
{
    struct line_hello hello;
    unsigned char proof[LINE_PROOF_BYTES];
    if (f->kind != LINE_HELLO || line_get_hello(f, &hello) != 0)
        return ROTA_E_FORMAT;
    line_prove(LINE_ROLE_MEMBER, d->secret, g->nonce, &hello, proof);
    if (!line_same(proof, hello.proof, sizeof(proof)) ||
        hello.size != (uint32_t)d->size || hello.rank >= hello.size ||
        d->members[hello.rank] != NULL ||
        d->host.admit(d->host.ctx, (int)hello.rank) != 0)
        return ROTA_E_FORMAT;
    d->strangers--;
    g->rank = (int)hello.rank;
    g->conn.max_payload = d->host.max_payload;
    d->members[g->rank] = g;
    line_prove(LINE_ROLE_HUB, d->secret, g->nonce, &hello, proof);
    send_to(g, LINE_WELCOME, proof, sizeof(proof));
    if (d->host.came != NULL)
        d->host.came(d->host.ctx, g->rank);
    return 0;
}

/* Read and answer what a guest has said. Whatever is wrong with it, it alone pays. */
static void serve(struct door *d, struct guest *g, int64_t now_ns)
{
    struct line_frame f;
    int rc = conn_read(&g->conn, now_ns);
    while (rc == 0 && (rc = conn_next(&g->conn, &f)) == 1)
        rc = g->rank == STRANGER ? take_hello(d, g, &f)
                                 : d->host.take(d->host.ctx, g->rank, &f);
    if (rc == 0)
        conn_flush(&g->conn);
    if (rc != 0 || g->conn.ended)
        show_out(d, g);
}

void door_serve(struct door *d, int64_t now_ns)
{
    struct guest *next;
    for (struct guest *g = TAILQ_FIRST(&d->guests); g != NULL; g = next) {
        next = TAILQ_NEXT(g, link);
        serve(d, g, now_ns);
    }
    let_in(d, now_ns);
    show_out_silent(d, now_ns);
}

/* ---- members ----------------------------------------------------------------- */

bool door_has(const struct door *d, int rank)
{
    return rank >= 0 && rank < d->size && d->members[rank] != NULL;
}

bool door_is_written(const struct door *d, int rank)
{
    const struct conn_buffer *out = &d->members[rank]->conn.out;
    return out->start == out->end;
}

void door_send(struct door *d, int rank, enum line_kind kind, const void *payload,
               size_t size)
{
    if (door_has(d, rank))
        send_to(d->members[rank], kind, payload, size);
}

void door_send_all(struct door *d, int except, enum line_kind kind, const void *payload,
                   size_t size)
{
    for (int rank = 0; rank < d->size; rank++)
        if (rank != except)
            door_send(d, rank, kind, payload, size);
}

void door_show_out(struct door *d, int rank)
{
    if (door_has(d, rank))
        show_out(d, d->members[rank]);
}

void door_forgive(struct door *d, int64_t gap_ns)
{
    struct guest *g;
    TAILQ_FOREACH (g, &d->guests, link) {
        g->since_ns += gap_ns;
        g->conn.heard_ns += gap_ns;
    }
}

/* ---- the whole --------------------------------------------------------------- */

int door_fds(const struct door *d, struct pollfd *fds, int cap)
{
    int n = 0;
    const struct guest *g;
    if (n < cap)
        fds[n] = (struct pollfd){.fd = d->listener, .events = POLLIN};
    n++;
    TAILQ_FOREACH (g, &d->guests, link) {
        if (n < cap)
            fds[n] = (struct pollfd){.fd = g->conn.fd, .events = conn_events(&g->conn)};
        n++;
    }
    return n;
}

int door_most_fds(const struct door *d)
{
    return 1 + 2 * d->size + SPARE;
}

static void invite(const struct door *d, bool loopback, uint16_t port,
                   struct liveness_invitation *out)
{
    *out = (struct liveness_invitation){.valid = 1, .port = port};
    memcpy(out->secret, d->secret, sizeof(out->secret));
    net_where(out->where);
    if (!loopback)
        out->address_count = (uint8_t)net_addresses(out->addresses, NET_ADDRESSES);
}

int door_open(int size, bool loopback, const struct door_host *host,
              struct liveness_invitation *invitation, struct door **out)
{
    struct door *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return ROTA_E_NOMEM;
    TAILQ_INIT(&d->guests);
    d->host = *host;
    d->size = size;
    d->listener = -1;
    d->members = calloc((size_t)size, sizeof(struct guest *));
    line_random(d->secret, sizeof(d->secret));
    net_allow(2 * (size + SPARE));
    uint16_t port;
    int rc =
        d->members == NULL ? ROTA_E_NOMEM : net_listen(loopback, &d->listener, &port);
    if (rc != 0) {
        door_free(d);
        return rc;
    }
    invite(d, loopback, port, invitation);
    *out = d;
    return 0;
}

void door_free(struct door *d)
{
    if (d == NULL)
        return;
    struct guest *g;
    while ((g = TAILQ_FIRST(&d->guests)) != NULL) {
        TAILQ_REMOVE(&d->guests, g, link);
        conn_done(&g->conn);
        free(g);
    }
    if (d->listener >= 0)
        close(d->listener);
    free(d->members);
    free(d);
}
