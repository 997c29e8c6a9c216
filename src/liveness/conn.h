/* conn.h - one end of a liveness line: frames over a non-blocking socket
 *
 * Nothing here waits. What cannot be written at once is kept and written when
 * poll() says so; what has been read is handed out frame by frame.
 */
#ifndef ROTA_LIVENESS_CONN_H
#define ROTA_LIVENESS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "liveness/line.h"

struct conn_buffer {
    unsigned char *bytes;
    size_t start;
    size_t end;
    size_t cap;
};

struct conn {
    int fd;             /* -1: closed */
    size_t max_payload; /* a frame with more is refused */
    int64_t heard_ns;   /* when something last came */
    bool ended;         /* all it has said is read: closed, or the socket has failed */
    bool deaf;          /* it takes nothing more; it may have said something before */
    struct conn_buffer in;
    struct conn_buffer out;
};

/* Take over the connected (or connecting) socket `fd`. */
void conn_init(struct conn *c, int fd, size_t max_payload, int64_t now_ns);
/* Close and free. Accepts one that is done already. */
void conn_done(struct conn *c);

/* Send a frame, now or as soon as the socket takes it. ROTA_E_NOMEM, or 0: that
 * the other side has gone shows in `ended`. */
int conn_send(struct conn *c, enum line_kind kind, const void *payload, size_t size);
void conn_flush(struct conn *c);

/* What poll() should wait for. */
short conn_events(const struct conn *c);

/* Read what is there. 0 or ROTA_E_NOMEM. */
int conn_read(struct conn *c, int64_t now_ns);

/* The next whole frame read: 1 and *out (its payload is valid until the next
 * call with `c`), 0 where there is none, ROTA_E_FORMAT. */
int conn_next(struct conn *c, struct line_frame *out);

#endif
