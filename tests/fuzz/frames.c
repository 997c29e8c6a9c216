/* frames.c - what a rank takes from others: message/frame.h, by message/exchange.c
 *
 * Rank 0 has an exchange; rank 1 sends whatever the bytes say, rank 2 sends sound
 * messages in between. Whatever rank 1 does, rank 2's come whole and in their order,
 * and what came of rank 1 is what its frames said.
 */
#include "fuzz.h"

#include "liveness/board.h"
#include "message/exchange.h"
#include "message/frame.h"
#include "message/inbox.h"

enum {
    HOSTILE = 1,
    HONEST = 2,
    RANKS = 3,
    TAG = 5,
    MOST_BYTES = 1 << 20, /* of a message that is begun: a test's memory is not ours */
};

/* A transport whose next frame is set by the target. */
struct feed {
    struct transport transport; /* first */
    bool has;
    struct transport_frame frame;
    unsigned char room[FRAME_BYTES];
};

static unsigned char *feed_room(struct transport *t)
{
    return ((struct feed *)t)->room;
}

static int feed_post(struct transport *t, int dest, int envelope, size_t size)
{
    (void)t;
    must(dest == HOSTILE || dest == HONEST);
    must(envelope >= 0 && size <= FRAME_BYTES);
    return 0;
}

static int feed_unsent(struct transport *t, int dest)
{
    (void)t;
    (void)dest;
    return 0;
}

static int feed_next(struct transport *t, int looks, struct transport_frame *out)
{
    struct feed *f = (struct feed *)t;
    (void)looks;
    if (f->has)
        *out = f->frame;
    return f->has;
}

static void feed_done(struct transport *t)
{
    ((struct feed *)t)->has = false;
}

static void feed_forget(struct transport *t, int peer)
{
    (void)t;
    must(peer == HOSTILE);
}

static void feed_free(struct transport *t)
{
    (void)t;
}

static const struct transport_ops ops = {
    .room = feed_room,
    .post = feed_post,
    .unsent = feed_unsent,
    .next = feed_next,
    .done = feed_done,
    .forget = feed_forget,
    .free = feed_free,
};

/* What rank 1 has begun, as we have sent it. */
struct begun {
    bool is;
    uint64_t size;
    uint32_t tag;
    unsigned char *data;
    size_t filled;
};

struct world {
    struct feed feed;
    struct board *board;
    struct exchange *x;
    struct begun begun;
    uint32_t honest_sent;
};

static void come(struct world *w, int source, int envelope, const void *bytes,
                 size_t size)
{
    w->feed.has = true;
    w->feed.frame = (struct transport_frame){
        .source = source, .envelope = envelope, .size = size, .bytes = bytes};
}

static void send_honest(struct world *w)
{
    struct rota_message m;
    uint32_t number = w->honest_sent++;
    come(w, HONEST, frame_envelope(FRAME_WHOLE, TAG), &number, sizeof(number));
    must(exchange_receive(w->x, HONEST, TAG, 0, &m) == 0);
    must(m.source == HONEST && m.tag == TAG && m.size_bytes == sizeof(number));
    must(memcmp(m.data, &number, sizeof(number)) == 0);
    letter_data_free(m.data, m.size_bytes);
}

/* What the frame makes whole, if it is sound: *data, *size and *tag. */
static bool expect(struct begun *b, int envelope, const unsigned char *bytes,
                   size_t size, const unsigned char **data, size_t *whole,
                   uint32_t *tag)
{
    *tag = (uint32_t)frame_number(envelope);
    *data = bytes;
    *whole = size;
    if (frame_kind(envelope) == FRAME_WHOLE)
        return !b->is;
    if (frame_kind(envelope) == FRAME_BEGIN && !b->is && size == FRAME_BEGIN_BYTES) {
        frame_read_begin(bytes, &b->size, &b->tag);
        b->is = b->size > 0;
        b->filled = 0;
        free(b->data);
        b->data = malloc(b->size < MOST_BYTES ? b->size + 1 : 1);
        must(b->data != NULL);
        *tag = b->tag;
        *whole = 0;
        return b->size == 0;
    }
    if (frame_kind(envelope) != FRAME_MORE || !b->is || size > b->size - b->filled)
        return false;
    memcpy(b->data + b->filled, bytes, size);
    b->filled += size;
    b->is = b->filled < b->size;
    *data = b->data;
    *whole = b->filled;
    *tag = b->tag;
    return !b->is;
}

/* A frame of rank 1's: what comes of it, or that it is refused for good. */
static bool send_hostile(struct world *w, int envelope, const unsigned char *bytes,
                         size_t size)
{
    struct rota_message m;
    const unsigned char *data;
    size_t whole;
    uint32_t tag;
    come(w, HOSTILE, envelope, bytes, size);
    int rc = exchange_receive(w->x, HOSTILE, ROTA_ANY_TAG, 0, &m);
    must(rc == 0 || rc == ROTA_E_TIMEOUT || rc == ROTA_E_FORMAT);
    must(!w->feed.has);
    must((rc == ROTA_E_FORMAT) == exchange_has_refused(w->x, HOSTILE));
    if (rc == ROTA_E_FORMAT)
        return false;
    must(size <= FRAME_BYTES);
    must(expect(&w->begun, envelope, bytes, size, &data, &whole, &tag) == (rc == 0));
    if (rc != 0)
        return true;
    must(m.source == HOSTILE && (uint32_t)m.tag == tag && m.size_bytes == whole);
    must(whole == 0 || memcmp(m.data, data, whole) == 0);
    letter_data_free(m.data, m.size_bytes);
    return true;
}

/* Longer than any test: what is only begun, and not filled. */
static bool is_too_long(int envelope, const unsigned char *bytes, size_t size)
{
    uint64_t message;
    uint32_t tag;
    if (frame_kind(envelope) != FRAME_BEGIN || size != FRAME_BEGIN_BYTES)
        return false;
    frame_read_begin(bytes, &message, &tag);
    return message >= MOST_BYTES;
}

static void play(struct world *w, struct fuzz_bytes *b)
{
    struct rota_message m;
    while (b->left > 0) {
        int envelope = (int)(fuzz_take32(b) & INT32_MAX);
        size_t size;
        size_t most = fuzz_take16(b) % (FRAME_BYTES + 2);
        unsigned char *bytes = fuzz_cut(b, most, &size);
        bool goes_on = send_hostile(w, envelope, bytes, size) &&
                       !is_too_long(envelope, bytes, size);
        free(bytes);
        send_honest(w);
        if (!goes_on)
            break;
    }
    send_honest(w);
    /* Who is refused stays so, and nobody waits for him. */
    int rc = exchange_receive(w->x, HOSTILE, ROTA_ANY_TAG, 0, &m);
    must(rc == ROTA_E_TIMEOUT || rc == ROTA_E_FORMAT);
    if (rc == ROTA_E_FORMAT) {
        must(exchange_send(w->x, HOSTILE, TAG, "", 1) == ROTA_E_FORMAT);
        must(exchange_post(w->x, HOSTILE, TAG, malloc(1), 1) == ROTA_E_LOST);
    }
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    struct world w = {.feed = {.transport = {.ops = &ops, .max_envelope = 32767}}};
    w.feed.transport.ready = w.feed.room;
    must(board_map(-1, RANKS, &w.board) == 0);
    w.x = exchange_new(0, w.board, &w.feed.transport);
    must(w.x != NULL);
    play(&w, &b);
    exchange_free(w.x);
    board_unmap(w.board);
    free(w.begun.data);
}

static size_t put_frame(unsigned char *out, enum frame_kind kind, int number,
                        const void *bytes, uint16_t size)
{
    int envelope = frame_envelope(kind, number);
    memcpy(out, &envelope, 4);
    memcpy(out + 4, &size, 2);
    if (size > 0)
        memcpy(out + 6, bytes, size);
    return 6 + (size_t)size;
}

void fuzz_seeds(void)
{
    unsigned char out[256];
    unsigned char begin[FRAME_BEGIN_BYTES];
    size_t n = put_frame(out, FRAME_WHOLE, 7, "whole", 5);
    n += put_frame(out + n, FRAME_WHOLE, 0, "", 0);
    fuzz_seed("whole", out, n);
    frame_write_begin(begin, 10, 9);
    n = put_frame(out, FRAME_BEGIN, 0, begin, sizeof(begin));
    n += put_frame(out + n, FRAME_MORE, 0, "abcdef", 6);
    n += put_frame(out + n, FRAME_MORE, 0, "ghij", 4);
    n += put_frame(out + n, FRAME_CREDIT, 1, "", 0);
    fuzz_seed("parts", out, n);
    frame_write_begin(begin, 0, 3);
    n = put_frame(out, FRAME_BEGIN, 0, begin, sizeof(begin));
    n += put_frame(out + n, FRAME_CREDIT, 65, "", 0);
    fuzz_seed("empty", out, n);
    frame_write_begin(begin, UINT64_MAX, 3);
    n = put_frame(out, FRAME_BEGIN, 0, begin, sizeof(begin));
    n += put_frame(out + n, FRAME_MORE, 0, "more", 4);
    fuzz_seed("absurd", out, n);
}
