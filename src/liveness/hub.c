/* hub.c - rank 0's side of the liveness lines */
#include "liveness/hub.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "liveness/board.h"
#include "liveness/conn.h"
#include "liveness/net.h"
#include "liveness/roster.h"

enum {
    STRANGER = -1,
    SPARE_STRANGERS = 64, /* unproved connections beyond one a rank */
};

#define STRANGER_PATIENCE_NS (5 * NS_PER_SEC)
#define PING_EVERY_NS        NS_PER_SEC
#define FAREWELL_NS          (5 * NS_PER_SEC) /* for the other parents to end */

/* A connection: a stranger's until it has proved itself, then a member's. */
struct guest {
    TAILQ_ENTRY(guest) link;
    struct conn conn;
    int rank;
    int64_t since_ns;
    unsigned char nonce[LINE_NONCE_BYTES];
};

TAILQ_HEAD(guests, guest);

struct hub {
    int size;
    int listener;
    int strangers;
    struct patience patience;
    int64_t opened_ns;
    int64_t pinged_ns;
    int64_t over_ns; /* when the run was over; 0 before */
    bool gave_up;    /* on those who have not joined */
    unsigned char secret[LINE_SECRET_BYTES];
    struct roster *roster;
    struct guests guests; /* the oldest first */
    struct guest **members;
    uint64_t **counts; /* of each rank that has gone: frames sent, by receiver */
};

/* ---- telling ----------------------------------------------------------------- */

/* `due` is what is known of that where the rank's last word has not said it. */
static void tell_fate_due(struct hub *h, struct guest *to, int about, uint64_t due)
{
    unsigned char payload[LINE_FATE_BYTES];
    const uint64_t *counts = h->counts[about];
    struct line_fate news = {
        .rank = (uint32_t)about,
        .fate = roster_fate(h->roster, about),
        .due = counts ? counts[to->rank] : due,
    };
    line_put_fate(payload, &news);
    if (conn_send(&to->conn, LINE_FATE, payload, sizeof(payload)) != 0)
        to->conn.ended = true; /* no memory for it: cut off, and told so by that */
}

static void tell_fate(struct hub *h, struct guest *to, int about)
{
    tell_fate_due(h, to, about, BOARD_DUE_UNKNOWN);
}

static void tell_all(struct hub *h, int about)
{
    for (int rank = 0; rank < h->size; rank++) {
        if (h->members[rank] != NULL)
            tell_fate(h, h->members[rank], about);
    }
}

/* `except`: or NULL. */
static void send_to_members(struct hub *h, const struct guest *except,
                            enum line_kind kind, const void *payload, size_t size)
{
    for (int rank = 0; rank < h->size; rank++) {
        struct guest *g = h->members[rank];
        if (g != NULL && g != except && conn_send(&g->conn, kind, payload, size) != 0)
            g->conn.ended = true;
    }
}

static void report(struct hub *h, int rank, struct rota_fate fate)
{
    if (roster_report(h->roster, rank, fate))
        tell_all(h, rank);
}

/* ---- guests ------------------------------------------------------------------ */

static void show_out(struct hub *h, struct guest *g)
{
    TAILQ_REMOVE(&h->guests, g, link);
    int rank = g->rank;
    if (rank == STRANGER)
        h->strangers--;
    else
        h->members[rank] = NULL;
    conn_done(&g->conn);
    free(g);
    /* A member that leaves without a final report: its node is lost to us. */
    if (rank != STRANGER)
        report(h, rank, (struct rota_fate){.how = ROTA_VANISHED});
}

static void show_out_oldest_stranger(struct hub *h)
{
    struct guest *g;
    TAILQ_FOREACH (g, &h->guests, link) {
        if (g->rank == STRANGER) {
            show_out(h, g);
            return;
        }
    }
}

/* At most so many at once as there is room for: whoever comes is greeted and has a
 * turn to answer before those behind push it out, and a crowd that never ends does
 * not keep the hub from the members. */
static void let_in(struct hub *h, int64_t now_ns)
{
    int fd;
    for (int n = 0; n < SPARE_STRANGERS && (fd = net_accept(h->listener)) >= 0; n++) {
        if (h->strangers >= h->size + SPARE_STRANGERS)
            show_out_oldest_stranger(h);
        struct guest *g = calloc(1, sizeof(*g));
        if (g == NULL) {
            close(fd);
            return;
        }
        conn_init(&g->conn, fd, LINE_HELLO_BYTES, now_ns);
        g->rank = STRANGER;
        g->since_ns = now_ns;
        line_random(g->nonce, sizeof(g->nonce));
        TAILQ_INSERT_TAIL(&h->guests, g, link);
        h->strangers++;
        if (conn_send(&g->conn, LINE_CHALLENGE, g->nonce, sizeof(g->nonce)) != 0)
            show_out(h, g);
    }
}

static int welcome(struct hub *h, struct guest *g, const struct line_hello *hello)
{
    unsigned char proof[LINE_PROOF_BYTES];
    h->strangers--;
    g->rank = (int)hello->rank;
    g->conn.max_payload = line_report_bytes((size_t)h->size);
    h->members[g->rank] = g;
    line_prove(LINE_ROLE_HUB, h->secret, g->nonce, hello, proof);
    if (conn_send(&g->conn, LINE_WELCOME, proof, sizeof(proof)) != 0)
        return ROTA_E_NOMEM;
    for (int rank = 0; rank < h->size; rank++) {
        if (roster_fate(h->roster, rank).how != ROTA_ALIVE)
            tell_fate(h, g, rank);
    }
    return 0;
}

static int take_hello(struct hub *h, struct guest *g, const struct line_frame *f)
{
    struct line_hello hello;
    unsigned char proof[LINE_PROOF_BYTES];
    if (f->kind != LINE_HELLO || line_get_hello(f, &hello) != 0)
        return ROTA_E_FORMAT;
    line_prove(LINE_ROLE_MEMBER, h->secret, g->nonce, &hello, proof);
    if (!line_same(proof, hello.proof, sizeof(proof)) || hello.rank > INT32_MAX ||
        hello.size > INT32_MAX ||
        roster_join(h->roster, (int)hello.rank, (int)hello.size) != 0)
        return ROTA_E_FORMAT;
    return welcome(h, g, &hello);
}

static int take_report(struct hub *h, struct guest *g, const struct line_frame *f)
{
    struct rota_fate fate;
    size_t n;
    rota_auto(heap) uint64_t *counts = calloc((size_t)h->size, sizeof(*counts));
    if (counts == NULL)
        return ROTA_E_NOMEM;
    if (line_get_report(f, (size_t)h->size, &fate, counts, &n) != 0)
        return ROTA_E_FORMAT;
    if (n > 0) {
        free(h->counts[g->rank]);
        h->counts[g->rank] = rota_steal(counts);
    }
    report(h, g->rank, fate);
    return 0;
}

/* Someone hears nothing, and wants to know whether it should: ask all the others. */
static int take_count(struct hub *h, struct guest *g, const struct line_frame *f)
{
    unsigned char payload[LINE_COUNT_BYTES];
    if (f->size != 0)
        return ROTA_E_FORMAT;
    line_put_count(payload, (uint32_t)g->rank);
    send_to_members(h, g, LINE_COUNT, payload, sizeof(payload));
    return 0;
}

static int take_left(struct hub *h, struct guest *g, const struct line_frame *f)
{
    uint32_t rank;
    uint64_t left;
    if (line_get_left(f, &rank, &left) != 0 || rank >= (uint32_t)h->size)
        return ROTA_E_FORMAT;
    if (h->members[rank] != NULL)
        tell_fate_due(h, h->members[rank], g->rank, left);
    return 0;
}

static int take_frame(struct hub *h, struct guest *g, const struct line_frame *f)
{
    if (g->rank == STRANGER)
        return take_hello(h, g, f);
    switch (f->kind) {
    case LINE_PING:
        return 0;
    case LINE_REPORT:
        return take_report(h, g, f);
    case LINE_COUNT:
        return take_count(h, g, f);
    case LINE_LEFT:
        return take_left(h, g, f);
    default:
        return ROTA_E_FORMAT;
    }
}

/* Read and answer what a guest has said. Whatever is wrong with it, it alone pays. */
static void serve(struct hub *h, struct guest *g, int64_t now_ns)
{
    struct line_frame f;
    int rc = conn_read(&g->conn, now_ns);
    while (rc == 0 && (rc = conn_next(&g->conn, &f)) == 1)
        rc = take_frame(h, g, &f);
    if (rc == 0)
        conn_flush(&g->conn);
    if (rc != 0 || g->conn.ended)
        show_out(h, g);
}

static bool out_of_patience(const struct hub *h, const struct guest *g, int64_t now_ns)
{
    if (g->rank == STRANGER)
        return now_ns - g->since_ns > STRANGER_PATIENCE_NS;
    return now_ns - g->conn.heard_ns > h->patience.silence_ns;
}

/* ---- the hub as a whole ------------------------------------------------------ */

static void serve_all(struct hub *h, int64_t now_ns)
{
    struct guest *next;
    for (struct guest *g = TAILQ_FIRST(&h->guests); g != NULL; g = next) {
        next = TAILQ_NEXT(g, link);
        serve(h, g, now_ns);
    }
}

/* Apart from serving: who has just been read is not silent. */
static void show_out_silent(struct hub *h, int64_t now_ns)
{
    struct guest *next;
    for (struct guest *g = TAILQ_FIRST(&h->guests); g != NULL; g = next) {
        next = TAILQ_NEXT(g, link);
        if (out_of_patience(h, g, now_ns))
            show_out(h, g);
    }
}

static void give_up_on_late(struct hub *h, int64_t now_ns)
{
    if (h->gave_up || now_ns - h->opened_ns < h->patience.join_ns)
        return;
    h->gave_up = true;
    for (int rank = 0; (rank = roster_give_up(h->roster, rank)) >= 0; rank++)
        tell_all(h, rank);
}

void hub_run(struct hub *h, int64_t now_ns)
{
    serve_all(h, now_ns);
    let_in(h, now_ns);
    show_out_silent(h, now_ns);
    give_up_on_late(h, now_ns);
    if (now_ns - h->pinged_ns >= PING_EVERY_NS) {
        h->pinged_ns = now_ns;
        send_to_members(h, NULL, LINE_PING, NULL, 0);
    }
    if (h->over_ns == 0 && roster_over(h->roster)) {
        h->over_ns = now_ns;
        send_to_members(h, NULL, LINE_OVER, NULL, 0);
    }
}

void hub_forgive(struct hub *h, int64_t gap_ns)
{
    struct guest *g;
    h->opened_ns += gap_ns;
    TAILQ_FOREACH (g, &h->guests, link) {
        g->since_ns += gap_ns;
        g->conn.heard_ns += gap_ns;
    }
}

void hub_fence(struct hub *h, int rank)
{
    if (rank < 0 || rank >= h->size)
        return;
    if (h->members[rank] != NULL)
        show_out(h, h->members[rank]);
    else
        report(h, rank, (struct rota_fate){.how = ROTA_VANISHED});
}

/* A member's parent hangs up when it ends. Rank 0's is this very process. */
bool hub_done(const struct hub *h, int64_t now_ns)
{
    if (h->over_ns == 0)
        return false;
    if (now_ns - h->over_ns > FAREWELL_NS)
        return true;
    for (int rank = 1; rank < h->size; rank++) {
        if (h->members[rank] != NULL)
            return false;
    }
    return h->members[0] == NULL ||
           h->members[0]->conn.out.start == h->members[0]->conn.out.end;
}

int hub_fds(const struct hub *h, struct pollfd *fds, int cap)
{
    int n = 0;
    const struct guest *g;
    if (n < cap)
        fds[n] = (struct pollfd){.fd = h->listener, .events = POLLIN};
    n++;
    TAILQ_FOREACH (g, &h->guests, link) {
        if (n < cap)
            fds[n] = (struct pollfd){.fd = g->conn.fd, .events = conn_events(&g->conn)};
        n++;
    }
    return n;
}

static void hub_invite(const struct hub *h, bool loopback, uint16_t port,
                       struct liveness_invitation *out)
{
    *out = (struct liveness_invitation){.valid = 1, .port = port};
    memcpy(out->secret, h->secret, sizeof(out->secret));
    net_where(out->where);
    if (!loopback)
        out->address_count = (uint8_t)net_addresses(out->addresses, NET_ADDRESSES);
}

int hub_open(int size, bool loopback, struct patience patience, int64_t now_ns,
             struct liveness_invitation *invitation, struct hub **out)
{
    struct hub *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return ROTA_E_NOMEM;
    TAILQ_INIT(&h->guests);
    h->size = size;
    h->listener = -1;
    h->patience = patience;
    h->opened_ns = h->pinged_ns = now_ns;
    h->roster = roster_new(size);
    h->members = calloc((size_t)size, sizeof(struct guest *));
    h->counts = calloc((size_t)size, sizeof(uint64_t *));
    line_random(h->secret, sizeof(h->secret));
    net_allow(2 * (size + SPARE_STRANGERS));
    uint16_t port;
    int rc = 0;
    if (h->roster == NULL || h->members == NULL || h->counts == NULL)
        rc = ROTA_E_NOMEM;
    if (rc == 0)
        rc = net_listen(loopback, &h->listener, &port);
    if (rc != 0) {
        hub_free(h);
        return rc;
    }
    hub_invite(h, loopback, port, invitation);
    *out = h;
    return 0;
}

void hub_free(struct hub *h)
{
    if (h == NULL)
        return;
    struct guest *g;
    while ((g = TAILQ_FIRST(&h->guests)) != NULL) {
        TAILQ_REMOVE(&h->guests, g, link);
        conn_done(&g->conn);
        free(g);
    }
    if (h->listener >= 0)
        close(h->listener);
    for (int rank = 0; h->counts != NULL && rank < h->size; rank++)
        free(h->counts[rank]);
    free(h->counts);
    free(h->members);
    roster_free(h->roster);
    free(h);
}
