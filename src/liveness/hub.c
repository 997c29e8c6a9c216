/* hub.c - rank 0's side of the liveness lines */
#include "liveness/hub.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "liveness/board.h"
#include "liveness/door.h"
#include "liveness/roster.h"

#define PING_EVERY_NS NS_PER_SEC
#define FAREWELL_NS   (5 * NS_PER_SEC) /* for the other parents to end */

struct hub {
    int size;
    struct door *door;
    struct patience patience;
    int64_t opened_ns;
    int64_t pinged_ns;
    int64_t over_ns; /* when the run was over; 0 before */
    bool gave_up;    /* on those who have not joined */
    struct roster *roster;
    uint64_t **counts; /* of each rank that has gone: frames sent, by receiver */
};

/* ---- telling ----------------------------------------------------------------- */

/* `due` is what is known of that where the rank's last word has not said it. */
static void tell_fate_due(struct hub *h, int to, int about, uint64_t due)
{
    unsigned char payload[LINE_FATE_BYTES];
    const uint64_t *counts = h->counts[about];
    struct line_fate news = {
        .rank = (uint32_t)about,
        .fate = roster_fate(h->roster, about),
        .due = counts ? counts[to] : due,
    };
    line_put_fate(payload, &news);
    door_send(h->door, to, LINE_FATE, payload, sizeof(payload));
}

static void tell_fate(struct hub *h, int to, int about)
{
    tell_fate_due(h, to, about, BOARD_DUE_UNKNOWN);
}

static void tell_all(struct hub *h, int about)
{
    for (int rank = 0; rank < h->size; rank++)
        tell_fate(h, rank, about);
}

static void report(struct hub *h, int rank, struct rota_fate fate)
{
    if (roster_report(h->roster, rank, fate))
        tell_all(h, rank);
}

/* ---- members (struct door_host) ---------------------------------------------- */

static int admit(void *ctx, int rank)
{
    struct hub *h = ctx;
    return roster_join(h->roster, rank, h->size);
}

static void came(void *ctx, int rank)
{
    struct hub *h = ctx;
    for (int about = 0; about < h->size; about++)
        if (roster_fate(h->roster, about).how != ROTA_ALIVE)
            tell_fate(h, rank, about);
}

/* A member that leaves without a final report: its node is lost to us. */
static void left(void *ctx, int rank)
{
    report(ctx, rank, (struct rota_fate){.how = ROTA_VANISHED});
}

static int take_report(struct hub *h, int rank, const struct line_frame *f)
{
    struct rota_fate fate;
    size_t n;
    rota_auto(heap) uint64_t *counts = calloc((size_t)h->size, sizeof(*counts));
    if (counts == NULL)
        return ROTA_E_NOMEM;
    if (line_get_report(f, (size_t)h->size, &fate, counts, &n) != 0)
        return ROTA_E_FORMAT;
    if (n > 0) {
        free(h->counts[rank]);
        h->counts[rank] = rota_steal(counts);
    }
    report(h, rank, fate);
    return 0;
}

/* Someone hears nothing, and wants to know whether it should: ask all the others. */
static int take_count(struct hub *h, int rank, const struct line_frame *f)
{
    unsigned char payload[LINE_COUNT_BYTES];
    if (f->size != 0)
        return ROTA_E_FORMAT;
    line_put_count(payload, (uint32_t)rank);
    door_send_all(h->door, rank, LINE_COUNT, payload, sizeof(payload));
    return 0;
}

static int take_left(struct hub *h, int rank, const struct line_frame *f)
{
    uint32_t to;
    uint64_t left;
    if (line_get_left(f, &to, &left) != 0 || to >= (uint32_t)h->size)
        return ROTA_E_FORMAT;
    tell_fate_due(h, (int)to, rank, left);
    return 0;
}

static int take(void *ctx, int rank, const struct line_frame *f)
{
    struct hub *h = ctx;
    switch (f->kind) {
    case LINE_PING:
        return 0;
    case LINE_REPORT:
        return take_report(h, rank, f);
    case LINE_COUNT:
        return take_count(h, rank, f);
    case LINE_LEFT:
        return take_left(h, rank, f);
    default:
        return ROTA_E_FORMAT;
    }
}

/* ---- the hub as a whole ------------------------------------------------------ */

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
    door_serve(h->door, now_ns);
    give_up_on_late(h, now_ns);
    if (now_ns - h->pinged_ns >= PING_EVERY_NS) {
        h->pinged_ns = now_ns;
        door_send_all(h->door, -1, LINE_PING, NULL, 0);
    }
    if (h->over_ns == 0 && roster_over(h->roster)) {
        h->over_ns = now_ns;
        door_send_all(h->door, -1, LINE_OVER, NULL, 0);
    }
}

void hub_forgive(struct hub *h, int64_t gap_ns)
{
    h->opened_ns += gap_ns;
    door_forgive(h->door, gap_ns);
}

void hub_fence(struct hub *h, int rank)
{
    if (rank < 0 || rank >= h->size)
        return;
    if (door_has(h->door, rank))
        door_show_out(h->door, rank);
    else
        left(h, rank);
}

/* A member's parent hangs up when it ends. Rank 0's is this very process. */
bool hub_done(const struct hub *h, int64_t now_ns)
{
    if (h->over_ns == 0)
        return false;
    if (now_ns - h->over_ns > FAREWELL_NS)
        return true;
    for (int rank = 1; rank < h->size; rank++) {
        if (door_has(h->door, rank))
            return false;
    }
    return !door_has(h->door, 0) || door_is_written(h->door, 0);
}

int hub_fds(const struct hub *h, struct pollfd *fds, int cap)
{
    return door_fds(h->door, fds, cap);
}

int hub_open(int size, bool loopback, struct patience patience, int64_t now_ns,
             struct liveness_invitation *invitation, struct hub **out)
{
    struct hub *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return ROTA_E_NOMEM;
    const struct door_host host = {
        .ctx = h,
        .max_payload = line_report_bytes((size_t)size),
        .silence_ns = patience.silence_ns,
        .admit = admit,
        .came = came,
        .take = take,
        .left = left,
    };
    h->size = size;
    h->patience = patience;
    h->opened_ns = h->pinged_ns = now_ns;
    h->roster = roster_new(size);
    h->counts = calloc((size_t)size, sizeof(uint64_t *));
    int rc = ROTA_E_NOMEM;
    if (h->roster != NULL && h->counts != NULL)
        rc = door_open(size, loopback, &host, invitation, &h->door);
    if (rc != 0) {
        hub_free(h);
        return rc;
    }
    *out = h;
    return 0;
}

void hub_free(struct hub *h)
{
    if (h == NULL)
        return;
    door_free(h->door);
    for (int rank = 0; h->counts != NULL && rank < h->size; rank++)
        free(h->counts[rank]);
    free(h->counts);
    roster_free(h->roster);
    free(h);
}
