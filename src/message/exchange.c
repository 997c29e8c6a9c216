/* exchange.c - messages between ranks, over frames, past the death of any of them
 *
 * It is long, as sending, posting, taking and waiting all move the same peers, and each
 * of them may have to do the others' work while it waits (exchange.h, 2 and 6).
 */
#include "message/exchange.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "message/frame.h"
#include "message/inbox.h"

/* How the waiting goes over from polling to sleeping: counted in polls, of about a
 * tenth of a microsecond each. */
enum {
    POLLS_AT_ONCE = 500,
    POLLS_YIELDING = 1500,
    POLLS_CROWDED = 100,  /* instead of both, where others need the processor */
    POLLS_A_CLOCK = 32,   /* the clock is read once in so many polls */
    LOOKS_A_POLL = 8,     /* for a frame, where nothing else is to be done meanwhile */
    FRAMES_A_CLOCK = 256, /* as is, where frames keep coming, in so many of them */
};

#define SLEEP_LEAST_NS INT64_C(20000)
#define SLEEP_MOST_NS  NS_PER_MS
#define LOOK_NS        (100 * NS_PER_MS) /* what a look for a frame counts for, at most */
#define FLUSH_NS       (200 * NS_PER_MS) /* for what was posted, at the end */
#define VERDICT_NS     (5 * NS_PER_SEC)  /* for liveness to confirm what MPI says */

/* A message that is sent while this rank waits: exchange_post. */
struct posted {
    STAILQ_ENTRY(posted) link;
    int tag;
    bool begun;
    size_t size;
    size_t sent;
    char *data;
};

struct peer {
    STAILQ_HEAD(, posted) posted; /* the first may have been begun */
    LIST_ENTRY(peer) posting;     /* where that holds any */
    int64_t refused_ns; /* when MPI refused one of these, or credit; 0: it has not */
    uint64_t taken;     /* frames from it */
    int under_way;      /* data frames to it without credit yet */
    int owed;           /* data frames from it, credit not yet returned */
    bool gone;          /* nothing of it is taken any more */
    bool leaving;       /* the board says it has gone; frames may be missing */
    int error;          /* why a receive from it fails, where not by loss */
    int64_t quiet_ns;   /* while leaving: how long was looked for it in vain */
    uint64_t missed; /* frames that had left it when it was asked, if we are in doubt */
    bool begun;      /* a message of which not all has come: */
    int tag;
    size_t size;
    size_t filled;
    void *data; /* NULL where there was no memory for it */
};

/* How long one has waited, in polls, and how long to sleep next. */
struct waiting {
    unsigned polls;
    int64_t sleep_ns;
};

/* Whether this rank still hears the others (exchange.h, 7). */
struct doubt {
    bool possible; /* it may be that it does not, once somebody has died */
    bool deaf;
    int64_t looked_ns; /* when frames were last looked for */
    int64_t silent_ns; /* for how long none was found */
    int64_t next_ns;   /* of silence: when it asks the others, next */
};

struct exchange {
    int rank;
    int size;
    int leaving; /* how many peers are */
    int gone;
    uint32_t refused;  /* peers, for a malformed frame: that is news too */
    int owed_to;       /* a peer whose credit waits for a quiet moment; -1: none */
    bool credit_late;  /* some credit could not be returned when it was due: for want */
    bool credit_lost;  /* of memory, or as MPI refused it */
    uint32_t epoch;    /* of the board, as seen last */
    int64_t looked_ns; /* while someone is leaving: when frames were last looked for */
    struct waiting waited; /* for a letter, since something was sent or taken: who asks
                              again and again, with a deadline, soon sleeps too */
    struct board *board;
    struct transport *transport;
    struct inbox *inbox;
    LIST_HEAD(, peer) posting; /* peers to whom something posted is still to be sent */
    unsigned polls_awake;      /* before it sleeps */
    struct doubt doubt;
    bool watching; /* a wait ends with news later than these: */
    uint32_t news;
    bool fresh; /* a message has just come whole, and is not in the inbox yet: */
    struct rota_message latest;
    struct peer peers[];
};

/* ---- waiting ----------------------------------------------------------------- */

/* Whether frames are missing which, at the last time that this was called, were known
 * to have left a peer that is still there. */
static bool misses_frames(struct exchange *x)
{
    bool misses = false;
    for (int rank = 0; rank < x->size; rank++) {
        struct peer *p = &x->peers[rank];
        bool there = board_fate(x->board, rank).how == ROTA_ALIVE;
        misses = misses || (there && p->missed > p->taken);
        p->missed = there ? board_due(x->board, rank) : 0;
    }
    return misses;
}

/* Nothing has come for a while, and somebody has gone. What others have said was theirs
 * one question ago has had its time to be found here. */
static void grow_doubt(struct exchange *x)
{
    struct doubt *d = &x->doubt;
    int64_t now = clock_now_ns();
    int64_t passed = now - d->looked_ns;
    d->looked_ns = now;
    if (d->silent_ns == 0)
        d->next_ns = EXCHANGE_DOUBT_NS;
    d->silent_ns += passed < LOOK_NS ? passed : LOOK_NS;
    if (d->silent_ns < d->next_ns)
        return;
    int64_t again =
        d->next_ns < EXCHANGE_DOUBT_MOST_NS ? d->next_ns : EXCHANGE_DOUBT_MOST_NS;
    d->next_ns += again;
    d->deaf = misses_frames(x);
    board_ask(x->board);
}

/* One poll has found nothing: let a little time pass. Returns ROTA_E_TIMEOUT past
 * the deadline. */
static int pass_time(struct exchange *x, struct waiting *w, int64_t deadline_ns)
{
    w->polls++;
    if (w->polls >= x->polls_awake && x->doubt.possible && x->gone + x->leaving > 0)
        grow_doubt(x);
    if (deadline_ns == 0 || (x->watching && x->epoch + x->refused != x->news))
        return ROTA_E_TIMEOUT;
    if (w->polls < x->polls_awake) {
        if (w->polls > POLLS_AT_ONCE)
            sched_yield();
        if (deadline_ns == INT64_MAX || w->polls % POLLS_A_CLOCK != 0)
            return 0;
        return clock_now_ns() >= deadline_ns ? ROTA_E_TIMEOUT : 0;
    }
    int64_t now = deadline_ns == INT64_MAX ? 0 : clock_now_ns();
    if (now >= deadline_ns)
        return ROTA_E_TIMEOUT;
    int64_t sleep = w->sleep_ns ? w->sleep_ns : SLEEP_LEAST_NS;
    w->sleep_ns = sleep * 2 < SLEEP_MOST_NS ? sleep * 2 : SLEEP_MOST_NS;
    board_sleep(x->board, x->epoch,
                sleep < deadline_ns - now ? sleep : deadline_ns - now);
    return 0;
}

/* ---- sending frames ---------------------------------------------------------- */

static inline int post(struct exchange *x, int dest, enum frame_kind kind, int number,
                       const void *data, size_t size)
{
    unsigned char *room = transport_room(x->transport);
    if (room == NULL)
        return ROTA_E_NOMEM;
    if (size > 0)
        memcpy(room, data, size);
    struct transport *t = x->transport;
    int rc = t->ops->post(t, dest, frame_envelope(kind, number), size);
    if (rc != 0)
        return rc;
    if (kind != FRAME_CREDIT)
        x->peers[dest].under_way++;
    x->waited = (struct waiting){0};
    board_count_sent(x->board, dest);
    return 0;
}

/* Return credit where enough is owed. Where that fails for want of memory it is
 * tried again; where MPI refuses, nothing more is sent: it may be that peer's end. */
static void return_credit(struct exchange *x, int to)
{
    struct peer *p = &x->peers[to];
    if (x->owed_to == to)
        x->owed_to = -1;
    if (p->owed < EXCHANGE_WINDOW / 2 || p->leaving || p->gone || p->refused_ns != 0)
        return;
    int rc = post(x, to, FRAME_CREDIT, p->owed, NULL, 0);
    if (rc == 0) {
        p->owed = 0;
    } else if (rc == ROTA_E_NOMEM) {
        x->credit_late = true;
    } else {
        p->refused_ns = clock_now_ns();
        x->credit_lost = true;
    }
}

/* A data frame of this peer's has been taken. Half a window's credit is returned when
 * no frame is there to be taken: on the way of the message that has just come it would
 * put off the answer to it. It does not wait long: another peer's, or a quarter more,
 * sends it off. */
static void owe_credit(struct exchange *x, int to)
{
    int owed = ++x->peers[to].owed;
    if (owed == EXCHANGE_WINDOW / 2) {
        if (x->owed_to >= 0)
            return_credit(x, x->owed_to);
        x->owed_to = to;
    } else if (owed >= EXCHANGE_WINDOW * 3 / 4) {
        return_credit(x, to);
    }
}

static void return_late_credit(struct exchange *x)
{
    x->credit_late = false;
    for (int rank = 0; rank < x->size; rank++)
        return_credit(x, rank);
}

/* Whether MPI has refused to send to one who has not gone since, though there was time
 * for liveness to say so. */
static bool is_refused_alive(const struct peer *p)
{
    return p->refused_ns != 0 && !p->leaving && !p->gone &&
           clock_now_ns() - p->refused_ns > VERDICT_NS;
}

/* Fails with ROTA_E_MPI where one who lives on does not get its credit: it would wait
 * for that, and this rank for what it has to say. */
static int check_credit(const struct exchange *x)
{
    for (int rank = 0; rank < x->size; rank++)
        if (is_refused_alive(&x->peers[rank]))
            return ROTA_E_MPI;
    return 0;
}

/* ---- what was posted --------------------------------------------------------- */

static void drop_first_posted(struct peer *p)
{
    struct posted *m = STAILQ_FIRST(&p->posted);
    STAILQ_REMOVE_HEAD(&p->posted, link);
    free(m->data);
    free(m);
    if (STAILQ_EMPTY(&p->posted))
        LIST_REMOVE(p, posting);
}

static void drop_posted(struct peer *p)
{
    while (!STAILQ_EMPTY(&p->posted))
        drop_first_posted(p);
}

static bool is_whole(const struct exchange *x, int tag, size_t size)
{
    return size <= FRAME_BYTES && tag <= frame_number(x->transport->max_envelope);
}

/* Send the next frame of a posted message. */
static int post_next(struct exchange *x, int dest, struct posted *m)
{
    int rc;
    if (is_whole(x, m->tag, m->size)) {
        rc = post(x, dest, FRAME_WHOLE, m->tag, m->data, m->size);
        m->sent = rc == 0 ? m->size : 0;
    } else if (!m->begun) {
        unsigned char begin[FRAME_BEGIN_BYTES];
        frame_write_begin(begin, m->size, (uint32_t)m->tag);
        rc = post(x, dest, FRAME_BEGIN, 0, begin, sizeof(begin));
    } else {
        size_t left = m->size - m->sent;
        size_t part = left < FRAME_BYTES ? left : FRAME_BYTES;
        rc = post(x, dest, FRAME_MORE, 0, m->data + m->sent, part);
        m->sent += rc == 0 ? part : 0;
    }
    m->begun = m->begun || rc == 0;
    return rc;
}

/* Send what there is room for. Without memory for a frame, the rest is sent later;
 * where MPI refuses, nothing more is: it may be that peer's end. */
static void pump(struct exchange *x, struct peer *p)
{
    while (!STAILQ_EMPTY(&p->posted) && p->under_way < EXCHANGE_WINDOW && !p->leaving &&
           p->refused_ns == 0) {
        struct posted *m = STAILQ_FIRST(&p->posted);
        int rc = post_next(x, (int)(p - x->peers), m);
        if (rc == ROTA_E_NOMEM)
            return;
        if (rc != 0)
            p->refused_ns = clock_now_ns();
        else if (m->sent == m->size)
            drop_first_posted(p);
    }
}

/* Fails with ROTA_E_MPI where one to whom MPI refused to send has not gone since. Who
 * posted it has long been told that it is under way, so the whole exchange fails. */
static int pump_all(struct exchange *x)
{
    struct peer *next;
    int rc = 0;
    for (struct peer *p = LIST_FIRST(&x->posting); p != NULL; p = next) {
        next = LIST_NEXT(p, posting);
        pump(x, p);
        if (is_refused_alive(p))
            rc = ROTA_E_MPI;
    }
    return rc;
}

/* ---- taking frames ----------------------------------------------------------- */

static void complete(struct exchange *x, int source, int tag, size_t size, void *data)
{
    x->fresh = true;
    x->latest = (struct rota_message){
        .source = source, .tag = tag, .size_bytes = size, .data = data};
}

/* A short message that there is no memory for is not lost: its frame is taken again. A
 * long one is passed by. */
static int take_whole(struct exchange *x, const struct transport_frame *f)
{
    if (x->peers[f->source].begun)
        return ROTA_E_FORMAT;
    void *copy = letter_data_new(f->size);
    if (copy == NULL)
        return ROTA_E_NOMEM;
    memcpy(copy, f->bytes, f->size);
    complete(x, f->source, frame_number(f->envelope), f->size, copy);
    return 0;
}

static int take_begin(struct exchange *x, const struct transport_frame *f)
{
    struct peer *p = &x->peers[f->source];
    uint64_t size;
    uint32_t tag;
    if (p->begun || frame_number(f->envelope) != 0 || f->size != FRAME_BEGIN_BYTES)
        return ROTA_E_FORMAT;
    frame_read_begin(f->bytes, &size, &tag);
    if (tag > INT32_MAX || size >= SIZE_MAX)
        return ROTA_E_FORMAT;
    void *data = letter_data_new((size_t)size);
    if (data == NULL && size <= FRAME_BYTES)
        return ROTA_E_NOMEM;
    p->begun = size > 0;
    p->tag = (int)tag;
    p->size = (size_t)size;
    p->filled = 0;
    p->data = data;
    if (size == 0)
        complete(x, f->source, p->tag, 0, data);
    return 0;
}

static int take_more(struct exchange *x, const struct transport_frame *f)
{
    struct peer *p = &x->peers[f->source];
    if (!p->begun || frame_number(f->envelope) != 0 || f->size == 0 ||
        f->size > p->size - p->filled)
        return ROTA_E_FORMAT;
    if (p->data != NULL)
        memcpy((char *)p->data + p->filled, f->bytes, f->size);
    p->filled += f->size;
    if (p->filled == p->size) {
        p->begun = false;
        complete(x, f->source, p->tag, p->size, p->data);
    }
    return 0;
}

static int take_credit(struct exchange *x, const struct transport_frame *f)
{
    struct peer *p = &x->peers[f->source];
    int credit = frame_number(f->envelope);
    if (credit == 0 || credit > p->under_way || f->size > 0)
        return ROTA_E_FORMAT;
    p->under_way -= credit;
    return 0;
}

static inline int take_by_kind(struct exchange *x, const struct transport_frame *f)
{
    if (f->size > FRAME_BYTES)
        return ROTA_E_FORMAT;
    switch (frame_kind(f->envelope)) {
    case FRAME_WHOLE:
        return take_whole(x, f);
    case FRAME_BEGIN:
        return take_begin(x, f);
    case FRAME_MORE:
        return take_more(x, f);
    default:
        return take_credit(x, f);
    }
}

static void drop_partial(struct peer *p)
{
    if (p->begun)
        free(p->data);
    p->begun = false;
}

static void set_gone(struct exchange *x, int peer)
{
    struct peer *p = &x->peers[peer];
    if (p->gone)
        return;
    p->gone = true;
    x->gone++;
    if (p->leaving) {
        p->leaving = false;
        x->leaving--;
    }
    drop_partial(p);
    drop_posted(p);
    x->transport->ops->forget(x->transport, peer);
}

/* Tell a peer that nothing of it is taken any more, or it would wait for credit for
 * ever: by more credit than it can have used up, which to it is malformed as its own
 * frame was to us. Best effort. */
static void refuse(struct exchange *x, int peer)
{
    if (!x->peers[peer].leaving)
        post(x, peer, FRAME_CREDIT, EXCHANGE_WINDOW + 1, NULL, 0);
}

/* Returns 0, or an error that is this rank's own (then the frame can be taken once
 * more). A frame that is malformed ends the dealings with its sender alone. */
static inline int take_frame(struct exchange *x, const struct transport_frame *f)
{
    struct peer *p = &x->peers[f->source];
    if (p->gone)
        return 0;
    int rc = take_by_kind(x, f);
    if (rc == ROTA_E_FORMAT) {
        p->error = ROTA_E_FORMAT;
        x->refused++;
        refuse(x, f->source);
        set_gone(x, f->source);
        return 0;
    }
    if (rc != 0)
        return rc;
    p->taken++;
    p->quiet_ns = 0;
    x->doubt.silent_ns = 0;
    if (frame_kind(f->envelope) != FRAME_CREDIT)
        owe_credit(x, f->source);
    return 0;
}

/* ---- who is there ------------------------------------------------------------ */

static void read_board(struct exchange *x)
{
    uint32_t epoch = board_epoch(x->board);
    if (epoch == x->epoch)
        return;
    x->epoch = epoch;
    for (int rank = 0; rank < x->size; rank++) {
        struct peer *p = &x->peers[rank];
        if (p->gone || p->leaving || board_fate(x->board, rank).how < ROTA_CLOSED ||
            rank == x->rank)
            continue;
        p->leaving = true;
        if (x->leaving++ == 0)
            x->looked_ns = clock_now_ns();
    }
}

/* The time since the last look, but no more than a look can count for: what has come
 * while this rank computed, or did not run, lies there still to be found. */
static int64_t time_looked(struct exchange *x)
{
    int64_t now = clock_now_ns();
    int64_t passed = now - x->looked_ns;
    x->looked_ns = now;
    return passed < LOOK_NS ? passed : LOOK_NS;
}

static void see_off_leaving(struct exchange *x)
{
    int64_t looked = time_looked(x);
    for (int rank = 0; rank < x->size && x->leaving > 0; rank++) {
        struct peer *p = &x->peers[rank];
        if (!p->leaving)
            continue;
        p->quiet_ns += looked;
        uint64_t due = board_due(x->board, rank);
        if ((due != BOARD_DUE_UNKNOWN && p->taken >= due) ||
            p->quiet_ns > EXCHANGE_GRACE_NS)
            set_gone(x, rank);
    }
}

/* The latest message was not wanted by the call that it came in, so it is for a later
 * one. Without memory for that it stays where it is. */
static int file_latest(struct exchange *x)
{
    const struct rota_message *m = &x->latest;
    struct letter *l = letter_wrap(x->inbox, m->source, m->tag, m->size_bytes, m->data);
    if (l == NULL)
        return ROTA_E_NOMEM;
    inbox_put(x->inbox, l);
    x->fresh = false;
    return 0;
}

/* Take a frame, if one has come, looking for it so many times, and see who has gone.
 * Returns how many were taken (1 or 0), or an error that is this rank's own. */
static int poll_once(struct exchange *x, int looks)
{
    struct transport *t = x->transport;
    struct transport_frame f;
    int taken;
    int rc = x->fresh ? file_latest(x) : 0;
    if (rc == 0 && x->doubt.deaf)
        rc = ROTA_E_DEAF;
    if (rc != 0)
        return rc;
    read_board(x);
    taken = t->ops->next(t, looks, &f);
    if (taken == 1) {
        rc = take_frame(x, &f);
        if (rc != 0)
            return rc;
        t->ops->done(t);
    }
    if (taken == 0 && x->owed_to >= 0)
        return_credit(x, x->owed_to);
    if (x->credit_late)
        return_late_credit(x);
    if (x->leaving > 0)
        see_off_leaving(x);
    if (!LIST_EMPTY(&x->posting))
        rc = pump_all(x);
    if (rc == 0 && x->credit_lost)
        rc = check_credit(x);
    return rc ? rc : taken;
}

/* ---- the exchange ------------------------------------------------------------ */

struct exchange *exchange_new(int rank, struct board *board,
                              struct transport *transport)
{
    size_t bytes = sizeof(struct exchange) + board->size * sizeof(struct peer);
    struct exchange *x = calloc(1, bytes);
    if (x == NULL)
        return NULL;
    x->inbox = inbox_new((int)board->size);
    if (x->inbox == NULL) {
        free(x);
        return NULL;
    }
    for (uint32_t i = 0; i < board->size; i++)
        STAILQ_INIT(&x->peers[i].posted);
    x->polls_awake = POLLS_AT_ONCE + POLLS_YIELDING;
    x->rank = rank;
    x->owed_to = -1;
    x->size = (int)board->size;
    x->board = board;
    x->epoch = board_epoch(board) - 1; /* whatever it says is news */
    x->transport = transport;
    return x;
}

void exchange_be_brief(struct exchange *x)
{
    x->polls_awake = POLLS_CROWDED;
}

void exchange_may_go_deaf(struct exchange *x)
{
    x->doubt.possible = true;
}

void exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    for (int rank = 0; rank < x->size; rank++) {
        drop_partial(&x->peers[rank]);
        drop_posted(&x->peers[rank]);
    }
    if (x->fresh)
        free(x->latest.data);
    x->transport->ops->free(x->transport);
    inbox_free(x->inbox);
    free(x);
}

static bool has_left(struct exchange *x, int rank)
{
    read_board(x);
    return x->peers[rank].gone || x->peers[rank].leaving;
}

static int send_to_self(struct exchange *x, int tag, const void *data, size_t size)
{
    void *copy = letter_data_new(size);
    if (copy == NULL)
        return ROTA_E_NOMEM;
    struct letter *l = letter_wrap(x->inbox, x->rank, tag, size, copy);
    if (l == NULL) {
        letter_data_free(copy, size);
        return ROTA_E_NOMEM;
    }
    if (size > 0)
        memcpy(copy, data, size);
    inbox_put(x->inbox, l);
    return 0;
}

static int lost_or(const struct exchange *x, int rank, int otherwise)
{
    const struct peer *p = &x->peers[rank];
    if (p->error != 0)
        return p->error;
    return p->gone || p->leaving ? ROTA_E_LOST : otherwise;
}

/* MPI refuses to send to `dest`. If it has gone, liveness will say so; if not, the
 * error is MPI's own. */
static int await_verdict(struct exchange *x, int dest)
{
    struct waiting waited = {0};
    int64_t deadline = clock_now_ns() + VERDICT_NS;
    while (!has_left(x, dest) && pass_time(x, &waited, deadline) == 0)
        continue;
    return lost_or(x, dest, ROTA_E_MPI);
}

/* Room at the receiver, and for a frame here: a message that has been begun is
 * ended, or its receiver is lost. */
static bool has_room(const struct exchange *x, int dest)
{
    return x->peers[dest].under_way < EXCHANGE_WINDOW &&
           transport_room(x->transport) != NULL;
}

/* Poll for one who sends, and let time pass where nothing has come. `begun`: some of
 * the message is on its way, so that there is no memory for what comes meanwhile does
 * not end the sending; the frame is taken later. */
static int poll_sending(struct exchange *x, struct waiting *waited, bool begun)
{
    int taken = poll_once(x, 1);
    if (taken < 0 && !(taken == ROTA_E_NOMEM && begun))
        return taken;
    if (taken > 0)
        *waited = (struct waiting){0};
    else
        pass_time(x, waited, INT64_MAX);
    return 0;
}

static int wait_for_room(struct exchange *x, int dest, bool begun)
{
    struct waiting waited = {0};
    while (!has_room(x, dest) && !has_left(x, dest)) {
        int rc = poll_sending(x, &waited, begun);
        if (rc != 0)
            return rc;
    }
    return has_left(x, dest) ? lost_or(x, dest, ROTA_E_LOST) : 0;
}

static inline int send_frame(struct exchange *x, int dest, enum frame_kind kind,
                             int number, const void *data, size_t size)
{
    const struct peer *p = &x->peers[dest];
    bool clear = p->under_way < EXCHANGE_WINDOW && !p->gone && !p->leaving &&
                 board_epoch(x->board) == x->epoch;
    int rc = clear ? 0 : wait_for_room(x, dest, kind == FRAME_MORE);
    if (rc == 0)
        rc = post(x, dest, kind, number, data, size);
    return rc == ROTA_E_MPI ? await_verdict(x, dest) : rc;
}

static int send_in_parts(struct exchange *x, int dest, int tag, const char *data,
                         size_t size)
{
    unsigned char begin[FRAME_BEGIN_BYTES];
    frame_write_begin(begin, size, (uint32_t)tag);
    int rc = send_frame(x, dest, FRAME_BEGIN, 0, begin, sizeof(begin));
    while (rc == 0 && size > 0) {
        size_t part = size < FRAME_BYTES ? size : FRAME_BYTES;
        rc = send_frame(x, dest, FRAME_MORE, 0, data, part);
        data += part;
        size -= part;
    }
    return rc;
}

/* After a second it is not for this rank that they have not left: the receiver does not
 * look, or is deaf, or has not been connected as it is deaf. */
static int await_unsent(struct exchange *x, int dest)
{
    struct waiting waited = {0};
    int64_t tried_ns = clock_now_ns() + NS_PER_SEC;
    while (transport_unsent(x->transport, dest) > 0) {
        if (has_left(x, dest))
            return lost_or(x, dest, ROTA_E_LOST);
        int rc = poll_sending(x, &waited, true);
        if (rc != 0)
            return rc;
        if (clock_now_ns() > tried_ns)
            board_count_left(x->board, dest);
    }
    return 0;
}

/* What is sent must outlive this rank: wait until it has left the process. That is
 * at once, but where MPI still connects the two, or the receiver's queue is full. */
static inline int await_sent(struct exchange *x, int dest)
{
    if (transport_unsent(x->transport, dest) > 0) {
        int rc = await_unsent(x, dest);
        if (rc != 0)
            return rc;
    }
    board_count_left(x->board, dest);
    return 0;
}

/* What was posted goes first. */
static inline int await_pumped(struct exchange *x, int dest)
{
    struct waiting waited = {0};
    while (!STAILQ_EMPTY(&x->peers[dest].posted)) {
        int rc = poll_sending(x, &waited, false);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int exchange_send(struct exchange *x, int dest, int tag, const void *data, size_t size)
{
    if (dest == x->rank)
        return send_to_self(x, tag, data, size);
    int rc = await_pumped(x, dest);
    if (rc != 0)
        return rc;
    rc = is_whole(x, tag, size) ? send_frame(x, dest, FRAME_WHOLE, tag, data, size)
                                : send_in_parts(x, dest, tag, data, size);
    return rc ? rc : await_sent(x, dest);
}

int exchange_settle(struct exchange *x, int dest)
{
    int rc = await_pumped(x, dest);
    return rc ? rc : await_sent(x, dest);
}

int exchange_post(struct exchange *x, int dest, int tag, void *data, size_t size)
{
    struct peer *p = &x->peers[dest];
    if (dest == x->rank) {
        int rc = send_to_self(x, tag, data, size);
        if (rc == 0)
            free(data);
        return rc;
    }
    struct posted *m = malloc(sizeof(*m));
    if (m == NULL)
        return ROTA_E_NOMEM;
    *m = (struct posted){.tag = tag, .size = size, .data = data};
    if (STAILQ_EMPTY(&p->posted))
        LIST_INSERT_HEAD(&x->posting, p, posting);
    STAILQ_INSERT_TAIL(&p->posted, m, link);
    if (!has_left(x, dest)) {
        pump(x, p);
        return 0;
    }
    drop_posted(p); /* so `data` is taken, whatever it is that the peer has done */
    return ROTA_E_LOST;
}

/* Whether nothing can come from `source` any more: 0, or why. A rank that waits for
 * itself cannot send meanwhile. */
static int hopeless(const struct exchange *x, int source)
{
    if (source == ROTA_ANY_SOURCE)
        return x->gone == x->size - 1 ? ROTA_E_LOST : 0;
    if (source == x->rank)
        return ROTA_E_LOST;
    if (!x->peers[source].gone)
        return 0;
    return x->peers[source].error ? x->peers[source].error : ROTA_E_LOST;
}

/* Wait until a letter has come whole: 0, or why there is no sense in waiting on. What
 * comes for others does not put off the deadline. */
static int await_letter(struct exchange *x, int source, int64_t deadline_ns)
{
    for (unsigned frames = 1;;) {
        bool at_once = deadline_ns != 0 && x->waited.polls < POLLS_AT_ONCE;
        int taken = poll_once(x, at_once ? LOOKS_A_POLL : 1);
        if (taken > 0)
            x->waited = (struct waiting){0};
        if (x->fresh)
            return 0;
        if (taken < 0)
            return taken;
        if (taken > 0 && frames++ % FRAMES_A_CLOCK != 0)
            continue;
        int rc = taken == 0 ? hopeless(x, source) : 0;
        if (rc == 0)
            rc = pass_time(x, &x->waited, deadline_ns);
        if (rc != 0)
            return rc;
    }
}

static bool fits(const struct rota_message *m, int source, int tag)
{
    return (source == ROTA_ANY_SOURCE || source == m->source) &&
           (tag == ROTA_ANY_TAG || tag == m->tag);
}

/* Wait for a message that fits: 0, and *letter is it, in the inbox, or NULL where it
 * has just come and is the latest. */
static int await(struct exchange *x, int source, int tag, int64_t deadline_ns,
                 struct letter **letter)
{
    int rc = x->fresh ? file_latest(x) : 0;
    if (rc != 0)
        return rc;
    *letter = inbox_find(x->inbox, source, tag);
    if (*letter != NULL)
        return 0;
    /* What waits does not fit, so only what comes from here on is looked at. */
    for (unsigned letters = 1;; letters++) {
        rc = await_letter(x, source, deadline_ns);
        if (rc != 0 || fits(&x->latest, source, tag))
            return rc;
        if (letters % FRAMES_A_CLOCK == 0 && deadline_ns != INT64_MAX &&
            clock_now_ns() >= deadline_ns)
            return ROTA_E_TIMEOUT;
    }
}

/* Receive a letter of the inbox. */
static int take_letter(struct exchange *x, struct letter *l, struct rota_message *out)
{
    struct rota_message m = {l->source, l->tag, l->size, l->data};
    l->data = NULL;
    inbox_take(x->inbox, l);
    letter_free(x->inbox, l);
    if (m.data == NULL)
        return ROTA_E_NOMEM;
    *out = m;
    return 0;
}

int exchange_receive(struct exchange *x, int source, int tag, int64_t deadline_ns,
                     struct rota_message *out)
{
    struct letter *l;
    int rc = await(x, source, tag, deadline_ns, &l);
    if (rc != 0)
        return rc;
    if (l != NULL)
        return take_letter(x, l, out);
    x->fresh = false;
    if (x->latest.data == NULL)
        return ROTA_E_NOMEM;
    *out = x->latest;
    return 0;
}

int exchange_probe(struct exchange *x, int source, int tag, int64_t deadline_ns,
                   struct rota_message *out)
{
    struct letter *l;
    int rc = await(x, source, tag, deadline_ns, &l);
    if (rc != 0)
        return rc;
    *out = l ? (struct rota_message){l->source, l->tag, l->size, NULL} : x->latest;
    out->data = NULL;
    return 0;
}

int exchange_receive_until(struct exchange *x, int source, int tag, int64_t deadline_ns,
                           uint32_t news, struct rota_message *out)
{
    x->watching = true;
    x->news = news;
    int rc = exchange_receive(x, source, tag, deadline_ns, out);
    x->watching = false;
    return rc;
}

uint32_t exchange_news(const struct exchange *x)
{
    return board_epoch(x->board) + x->refused;
}

bool exchange_has_refused(const struct exchange *x, int peer)
{
    return x->peers[peer].error != 0;
}

void exchange_flush(struct exchange *x)
{
    struct waiting waited = {0};
    int64_t deadline = clock_now_ns() + FLUSH_NS;
    int rc = 0;
    while (rc == 0 && !LIST_EMPTY(&x->posting) && clock_now_ns() < deadline)
        rc = poll_sending(x, &waited, true);
    for (int rank = 0; rank < x->size; rank++) {
        drop_posted(&x->peers[rank]);
        await_sent(x, rank); /* where MPI itself fails, nothing helps */
    }
}
